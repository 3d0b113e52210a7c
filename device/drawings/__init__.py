"""What a maker builds from, drawn from the pin table and a layout's bar: `python -m device.drawings --write`.

Diagrams and code cannot differ: both read `device/pins.toml` and the layout's `sensor_bar`.
"""
