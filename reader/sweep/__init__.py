"""From one sweep to one reading: follow the clock, measure the skew, vote on every place, check the code holes.

`read.read_sweep` does all of it. `track` knows the strip that is printed, `clock` follows it, `skew` measures how the card
leans, `votes` looks at every place of the bar's lattice.
"""
