"""The same cards before a camera, past a bar of sensors, and past a sensor head: the answers may not differ."""
