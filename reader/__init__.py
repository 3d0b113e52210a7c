"""The service: reads a card, decides what it says, keeps it, hands it on.

Begin with `reader.reading` (the data every part shares), then follow one card: `reader.camera.read_frame` →
`reader.decode.decode` → `reader.store` → `reader.export`. The commands are in `reader.cli`.
"""
