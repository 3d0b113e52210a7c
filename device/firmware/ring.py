"""The cards that the host has not acknowledged yet, in memory that is all allocated at the start."""


class Slot:
    """Room for one card.

    data: its bytes, `length` of them. crc: of those. number: within this start of the head, from 1.
    part: which part is sent next; when all are, sent_ms is when the last one was.
    """

    def __init__(self, card_max: int) -> None:
        self.data = bytearray(card_max)
        self.length = 0
        self.crc = 0
        self.number = 0
        self.part = 0
        self.sent_ms = 0


class Ring:
    """`size` slots of `card_max` bytes. kept: those with a card, the oldest first."""

    def __init__(self, size: int, card_max: int) -> None:
        self.size = size
        self.card_max = card_max
        self.kept: list[Slot] = []
        self._free = [Slot(card_max) for _ in range(size)]

    def take(self) -> "Slot | None":
        """A slot to write a card into; `None` when every slot holds one."""
        return self._free.pop() if self._free else None

    def keep(self, slot: Slot) -> None:
        """The slot holds a whole card now."""
        slot.part = 0
        self.kept.append(slot)

    def forget(self, number: int) -> None:
        """The host has this card. One that is not kept was acknowledged before."""
        for slot in self.kept:
            if slot.number == number:
                self.kept.remove(slot)
                self._free.append(slot)
                return

    @property
    def full(self) -> bool:
        """Whether every slot holds a whole card."""
        return len(self.kept) == self.size

    def rewind(self) -> None:
        """Every kept card is sent again, from its first part."""
        for slot in self.kept:
            slot.part = 0
