"""What can go wrong on the way to the collector, in words that say what to do."""

from __future__ import annotations

from cards.errors import LogicienneError


class SyncError(LogicienneError, OSError):
    """Sending did not work. What was not sent stays in the outbox; nothing is lost."""

    def __str__(self) -> str:
        """The message alone; an OSError would add its error number."""
        return str(self.args[0])


class WireError(LogicienneError, ValueError):
    """Something that came over the wire, or lies on a stick, is not what it should be."""
