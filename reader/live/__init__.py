"""Reading what lies under a camera: which frames to look at, when two looks make a card, when the next one may come.

Begin with `Live.feed`: frames go in, events come out. No clock, camera, store or panel is known here.
"""

from reader.live.machine import Changed, Delays, Event, Live, Refused, Seen, State

__all__ = ["Changed", "Delays", "Event", "Live", "Refused", "Seen", "State"]
