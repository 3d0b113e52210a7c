"""The wires of a sensor bar: when each changed, what each shows, and the switch of the light.

One contract (`device.lines.edge.Lines`), two ways to keep it: gpiozero's pins, and libgpiod, which can tell lost edges.
"""
