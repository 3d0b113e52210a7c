"""What may be wrong with a panel that was asked for."""

from __future__ import annotations

from cards.errors import LogicienneError


class PanelError(LogicienneError, OSError):
    """A part of the panel that is not there, or not installed."""
