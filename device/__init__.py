"""Where cards come from: pictures, cameras and sensors, real or simulated.

Begin with `device.frame` (one camera image) and `device.simulator` (a card, punched by a hand, seen by a camera).
"""
