"""The Pico's pins, as device/pins.toml has them; every input is high for light (data) or for paper (clock)."""

BAR = "six-rows"
ROWS = 6
DATA = (2, 3, 4, 5, 6, 7, 8, 9)
"""From the card's top row down; a bar of fewer rows leaves the last ones free."""
CLOCKS = (10, 11)
"""In line with the data sensors, then the other one."""
LED = 15
MUX = (16, 17, 18, 19)
"""Selects which sensor the ADC sees, lowest bit first: input k is the k-th data pin's, 8 and 9 are the clocks'."""
ADC = 26
