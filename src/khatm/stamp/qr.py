"""The QR code: records of tag, length and value, in base64.

Source: the stamp standard, section 5.
"""

import base64
import binascii
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, Literal, NamedTuple

from khatm.stamp.errors import QrValueTooLong, UnreadableQr

LengthForm = Literal["ber", "plain"]

TAG_NAMES: Final = {
    1: "seller name",
    2: "VAT number",
    3: "time stamp",
    4: "total with VAT",
    5: "VAT total",
    6: "invoice hash",
    7: "signature",
    8: "public key",
    9: "certificate signature",
}
NAME_BYTES_AT_RISK: Final = 128
"""From this many bytes on, length octets differ between the sources; a shorter seller name avoids the question."""

_LONGEST_BER: Final = 0xFFFFFF


class QrContent(NamedTuple):
    """The records of a QR code in their order; `lengths` tells by which rule the length octets were read."""

    items: tuple[tuple[int, bytes], ...]
    lengths: LengthForm = "ber"

    @property
    def in_order(self) -> bool:
        """Whether the tags are exactly 1, 2, … n with n at least 5."""
        tags = [tag for tag, _ in self.items]
        return len(tags) >= 5 and tags == list(range(1, len(tags) + 1))

    def value(self, tag: int) -> bytes | None:
        """Return the value of the first record with this tag, or None."""
        return next((value for each, value in self.items if each == tag), None)

    def text(self, tag: int) -> str | None:
        """Return the value of a tag as text, unreadable bytes replaced, or None."""
        value = self.value(tag)
        return None if value is None else value.decode("utf-8", "replace")


def encode(items: Iterable[tuple[int, bytes]], *, lengths: LengthForm = "ber") -> str:
    """Write records `(tag, value)` as the base64 text of the QR code.

    Lengths above 127 take the BER long form; `lengths="plain"` writes one octet up to 255, as the published standard
    reads. Raises QrValueTooLong.
    """
    out = bytearray()
    for tag, value in items:
        size = len(value)
        out.append(tag)
        if size < 0x80 or (lengths == "plain" and size <= 0xFF):
            out.append(size)
        elif lengths == "plain" or size > _LONGEST_BER:
            raise QrValueTooLong(tag, size, 0xFF if lengths == "plain" else _LONGEST_BER)
        else:
            octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
            out.append(0x80 | len(octets))
            out += octets
        out += value
    return base64.b64encode(out).decode("ascii")


def decode(text: str, *, accept_plain: bool = True) -> QrContent:
    """Read the base64 text of a QR code; white space around it is dropped.

    BER lengths are tried first; where they fail, or the tags do not ascend, one-octet lengths are tried too unless
    `accept_plain` is false. Raises UnreadableQr, with stage `base64` or `tlv`.
    """
    raw = _from_base64(text)
    content: QrContent | None
    try:
        content, failure = QrContent(_records(raw, "ber")), ""
    except ValueError as error:
        content, failure = None, str(error)
    if accept_plain and (content is None or not _ascending(content)):
        try:
            plain = QrContent(_records(raw, "plain"), "plain")
        except ValueError:
            plain = None
        if plain is not None and _ascending(plain):
            return plain
    if content is None:
        raise UnreadableQr("tlv", failure)
    return content


def utc_as_saudi(text: str) -> str | None:
    """Return a UTC time `yyyy-MM-ddTHH:mm:ssZ` plus three hours and without Z; None if it is no such time."""
    try:
        moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")  # noqa: DTZ007 - the zone is the Z just matched
        return (moment + timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M:%S")
    except (ValueError, OverflowError):
        return None


def _from_base64(text: str) -> bytes:
    text = text.strip()
    if not text:
        raise UnreadableQr("base64", "it is empty")
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise UnreadableQr("base64", "it is not base64") from None


def _ascending(content: QrContent) -> bool:
    tags = [tag for tag, _ in content.items]
    return all(before < after for before, after in pairwise(tags))


def _records(raw: bytes, lengths: LengthForm) -> tuple[tuple[int, bytes], ...]:
    records: list[tuple[int, bytes]] = []
    at, end = 0, len(raw)
    while at < end:
        if at + 1 == end:
            raise ValueError(f"tag {raw[at]} has no length")
        tag, size = raw[at], raw[at + 1]
        at += 2
        if size > 0x7F and lengths == "ber":
            count = size & 0x7F
            if not 1 <= count <= 3 or at + count > end:
                raise ValueError(f"tag {tag} has the length octet {size:#04x}, which no short value has")
            size = int.from_bytes(raw[at : at + count], "big")
            at += count
        if at + size > end:
            raise ValueError(f"tag {tag} says {size} bytes and {end - at} follow")
        records.append((tag, raw[at : at + size]))
        at += size
    return tuple(records)
