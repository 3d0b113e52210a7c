"""The host's side of a sensor head: frames, messages, cards put together, the line. Its contract is `docs/protocol.md`.

Begin with `device.head`. Nothing here trusts what comes over the line: all of it is bounded, checked, and dropped when in doubt.
"""
