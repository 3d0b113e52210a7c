"""Learning one machine: what its camera sees when nothing is wrong.

`learn.learn` makes a `profile.Profile` from pictures of a ChArUco board, of the empty bed and of blank cards. Reading
works without one, and says so in every reading.
"""
