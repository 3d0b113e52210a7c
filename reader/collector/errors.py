"""What can go wrong at the collector, in words that say what to do."""

from __future__ import annotations

from cards.errors import LogicienneError


class CollectorError(LogicienneError, OSError):
    """The collector cannot do what was asked. Nothing that was taken is touched."""

    def __str__(self) -> str:
        """The message alone; an OSError would add its error number."""
        return str(self.args[0])


class CollectorBusy(CollectorError):
    """The database did not answer in time; nothing was changed, and asking again is harmless."""


class Denied(CollectorError):
    """Who asks may not. `status`: 401 not known, 403 known but not allowed, 429 too often."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
