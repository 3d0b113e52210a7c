"""Speed, as ratios of two things measured in one run; never part of the tests. `make bench` runs all of it."""
