"""The first byte in which two texts part, with its surroundings, safe to show."""

import re
from dataclasses import asdict, dataclass
from typing import Final

_AROUND: Final = 30
"""Bytes shown on either side; enough to recognise an element, too little for an address."""
_PARTIES: Final = (
    rb"(?:AccountingCustomerParty|BuyerCustomerParty|OriginatorCustomerParty|PayeeParty|Delivery|PaymentMeans|Note)"
)
_PRIVATE: Final = re.compile(rb"<(?:[\w.-]+:)?(" + _PARTIES + rb")(?:\s[^>]*)?>.*?</(?:[\w.-]+:)?\1\s*>", re.DOTALL)
_TEXT: Final = re.compile(rb">[^<]+<")
_LETTER: Final = re.compile(rb"[^\s<>]")
_CONTROLS: Final = {0x0A: "␊", 0x0D: "␍", 0x09: "␉", 0xFEFF: "‹BOM›"}


@dataclass(frozen=True, slots=True)
class Difference:
    """Where two texts part: `offset` in bytes from 0, `line` from 1; the excerpts mark the byte with ⟦ ⟧.

    `what` names the text that was compared. An end of text is an empty mark.
    """

    what: str
    offset: int
    line: int
    expected: str
    found: str

    def record(self) -> dict[str, object]:
        """Return the JSON record."""
        return asdict(self)


def first_difference(what: str, expected: bytes, found: bytes, *, invoice: bool = False) -> Difference | None:
    """Return where two texts part, None if they are equal; in an `invoice` the buyer's data is starred."""
    at = _parting(expected, found)
    if at is None:
        return None
    if invoice:
        expected, found = veiled(expected), veiled(found)
    line = expected.count(b"\n", 0, at) + 1
    return Difference(what, at, line, _excerpt(expected, at), _excerpt(found, at))


def veiled(canonical: bytes) -> bytes:
    """Return an invoice of the same length in which no text of the buyer, his address or his payment can be read."""
    return _PRIVATE.sub(lambda part: _TEXT.sub(lambda text: _stars(text[0]), part[0]), canonical)


def _stars(text: bytes) -> bytes:
    return b">" + _LETTER.sub(b"*", text[1:-1]) + b"<"


def _parting(one: bytes, other: bytes) -> int | None:
    if one == other:
        return None
    low, high = 0, min(len(one), len(other))
    while low < high:  # bytes.startswith compares quickly; halving finds the place in a few looks
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _excerpt(text: bytes, at: int) -> str:
    begin, end = max(0, at - _AROUND), min(len(text), at + _AROUND)
    while begin > 0 and begin > at - _AROUND - 3 and text[begin] & 0xC0 == 0x80:
        begin -= 1
    letter = at + 1
    start = at
    while start > 0 and start < len(text) and text[start] & 0xC0 == 0x80:
        start -= 1
    while letter < len(text) and text[letter] & 0xC0 == 0x80:
        letter += 1
    while end < len(text) and text[end] & 0xC0 == 0x80:
        end += 1
    before, mark, after = text[begin:start], text[start:letter], text[letter:end]
    return (
        ("…" if begin else "")
        + f"{_visible(before)}⟦{_visible(mark)}⟧{_visible(after)}"
        + ("…" if end < len(text) else "")
    )


def _visible(text: bytes) -> str:
    shown = []
    for character in text.decode("utf-8", "backslashreplace"):
        known = _CONTROLS.get(ord(character))
        shown.append(known or (character if character.isprintable() else f"‹{ord(character):04X}›"))
    return "".join(shown)
