"""Character codes of punched columns. `ibm029`: the keyboard of the IBM 029 card punch (IBM form GA24-3332)."""

from __future__ import annotations


def _ibm029() -> dict[frozenset[str], str]:
    table = {frozenset[str](): " ", frozenset({"12"}): "&", frozenset({"11"}): "-"}
    table |= {frozenset({d}): d for d in "0123456789"}
    for zone, letters in (("12", "ABCDEFGHI"), ("11", "JKLMNOPQR")):
        table |= {frozenset({zone, str(k)}): letter for k, letter in enumerate(letters, 1)}
    table |= {frozenset({"0", str(k)}): letter for k, letter in enumerate("/STUVWXYZ", 1)}
    for over, signs in (("8", ":#@'=\""), ("12", "¢.<(+|"), ("11", "!$*);¬"), ("0", "\0,%_>?")):
        table |= {frozenset({over, "8", str(k)}): sign for k, sign in enumerate(signs, 2) if sign != "\0"}
    return table


_IBM029 = _ibm029()


def ibm029(rows: frozenset[str]) -> str | None:
    """The character punched in one column (row names `12 11 0 … 9`); `None` when the code has none for it."""
    return _IBM029.get(rows)


def ibm029_rows(sign: str) -> frozenset[str]:
    """The rows to punch for a character; raises `ValueError` when the code has none for it."""
    for rows, known in _IBM029.items():
        if known == sign:
            return rows
    raise ValueError(f"{sign!r} is not in the character code IBM 029")
