"""The same cards before a camera and past a bar of sensors: the answers may not differ."""
