"""From one frame to one reading: find the card, fit its outline, score every position, look for strays.

Begin with `read_frame`.
"""

from reader.camera.read import read_frame

__all__ = ["read_frame"]
