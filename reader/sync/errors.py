"""What can go wrong on the way to the collector, in words that say what to do. Nothing is ever lost by it: what was not
confirmed stays in the outbox."""

from __future__ import annotations

from cards.errors import LogicienneError


class SyncError(LogicienneError, OSError):
    """Sending did not work."""

    def __str__(self) -> str:
        """The message alone; an OSError would add its error number."""
        return str(self.args[0])


class Unreachable(SyncError):
    """No answer, half an answer, or one that makes no sense: worth another try. after_s: how long the collector asks for."""

    def __init__(self, message: str, after_s: float = 0.0) -> None:
        super().__init__(message)
        self.after_s = after_s


class Portal(SyncError):
    """Somebody else answered in the collector's place: a Wi-Fi's sign-in page, as a rule."""


class ClockOff(SyncError):
    """The clock of this machine is wrong, and with it every certificate."""


class NotAllowed(SyncError):
    """The collector does not take this machine's word."""


class TooBig(SyncError):
    """The collector wants less at a time."""


class WireError(LogicienneError, ValueError):
    """Something that came over the wire, or lies on a stick, is not what it should be."""
