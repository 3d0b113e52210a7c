"""What can go wrong while a machine is learnt, or when what was learnt is asked for."""

from cards.errors import LogicienneError


class CalibrationError(LogicienneError, ValueError):
    """Pictures that teach nothing, a profile that cannot be read, or one that does not belong to this camera."""
