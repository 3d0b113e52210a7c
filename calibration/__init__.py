"""Learning one machine: what its camera sees when nothing is wrong.

Empty until a machine can be calibrated; reading works without it, and says so in every reading.
"""
