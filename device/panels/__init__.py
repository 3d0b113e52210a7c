"""What answers the resident besides the screen: lamps, buzzer and button, a small display, a receipt printer.

Each is a `device.panel.Panel`; `device.panels.together` shows one sign on all of them. None can stop a reading.
"""
