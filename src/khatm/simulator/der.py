"""DER as the authority reads and writes it: slices of received bytes, and the few types that certificates need.

A certificate copies the subject and the alternative name of its request byte for byte (stamp standard 2.1), so
the reader keeps every element's own bytes and the writer never re-encodes what it was given.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, OID = 0x01, 0x02, 0x03, 0x04, 0x06
UTF8_STRING, PRINTABLE_STRING, T61_STRING, IA5_STRING = 0x0C, 0x13, 0x14, 0x16
UTC_TIME, GENERALIZED_TIME, UNIVERSAL_STRING, BMP_STRING = 0x17, 0x18, 0x1C, 0x1E
SEQUENCE, SET = 0x30, 0x31

_TEXT_ENCODINGS = {
    UTF8_STRING: "utf-8",
    PRINTABLE_STRING: "ascii",
    IA5_STRING: "ascii",
    T61_STRING: "latin-1",
    BMP_STRING: "utf-16-be",
    UNIVERSAL_STRING: "utf-32-be",
}
_PRINTABLE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 '()+,-./:=?")
_LAST_UTC_TIME_YEAR = 2049


class MalformedDer(ValueError):
    """Bytes that are not the DER they should be."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element of received DER: its tag octet, its content, and its own bytes from tag to end."""

    tag: int
    content: bytes
    whole: bytes

    def children(self, at_least: int = 0) -> "list[Element]":
        """Read the content as elements one after another; MalformedDer if it is anything else, or fewer of them."""
        found = elements(self.content)
        if len(found) < at_least:
            raise MalformedDer(f"expected {at_least} elements, found {len(found)}")
        return found

    def expect(self, tag: int) -> "Element":
        """Return the element itself if it has this tag, else raise MalformedDer."""
        if self.tag != tag:
            raise MalformedDer(f"expected tag {tag:#04x}, found {self.tag:#04x}")
        return self

    def text(self) -> str:
        """Return the content of any DirectoryString type as text; MalformedDer for other types or broken text."""
        encoding = _TEXT_ENCODINGS.get(self.tag)
        if encoding is None:
            raise MalformedDer(f"tag {self.tag:#04x} is not a text type")
        try:
            return self.content.decode(encoding)
        except UnicodeDecodeError as error:
            raise MalformedDer("text that its own type cannot hold") from error

    def oid(self) -> str:
        """Return an object identifier in dotted form."""
        content = self.expect(OID).content
        if not content or content[-1] & 0x80:
            raise MalformedDer("unfinished object identifier")
        arcs: list[int] = []
        value = 0
        for octet in content:
            value = (value << 7) | (octet & 0x7F)
            if not octet & 0x80:
                arcs.append(value)
                value = 0
        first = min(arcs[0] // 40, 2)
        return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def element(data: bytes) -> Element:
    """Read data that is exactly one element; MalformedDer otherwise."""
    found = elements(data)
    if len(found) != 1:
        raise MalformedDer(f"expected one element, found {len(found)}")
    return found[0]


def elements(data: bytes) -> list[Element]:
    """Read data as elements one after another; MalformedDer if the lengths do not fit."""
    found: list[Element] = []
    position = 0
    while position < len(data):
        content_start, end = _extent(data, position)
        found.append(Element(data[position], data[content_start:end], data[position:end]))
        position = end
    return found


def _extent(data: bytes, start: int) -> tuple[int, int]:
    if start + 2 > len(data) or data[start] & 0x1F == 0x1F:
        raise MalformedDer("unfinished element or a long tag")
    length = data[start + 1]
    content_start = start + 2
    if length & 0x80:
        octets = length & 0x7F
        if not 1 <= octets <= 4 or content_start + octets > len(data):
            raise MalformedDer("a length that DER does not allow")
        length = int.from_bytes(data[content_start : content_start + octets])
        content_start += octets
    end = content_start + length
    if end > len(data):
        raise MalformedDer("an element that is longer than what holds it")
    return content_start, end


def write(tag: int, *parts: bytes) -> bytes:
    """Return one element with the joined parts as its content."""
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(octets))) + octets + content


def sequence(*parts: bytes) -> bytes:
    """Return a SEQUENCE of elements."""
    return write(SEQUENCE, *parts)


def set_of(*parts: bytes) -> bytes:
    """Return a SET; callers give one element, or several in DER order."""
    return write(SET, *parts)


def explicit(number: int, *parts: bytes) -> bytes:
    """Return a constructed context tag."""
    return write(0xA0 | number, *parts)


def integer(value: int) -> bytes:
    """Return a non-negative INTEGER."""
    return write(INTEGER, value.to_bytes(value.bit_length() // 8 + 1))


def boolean(value: bool) -> bytes:
    """Return a BOOLEAN."""
    return write(BOOLEAN, b"\xff" if value else b"\x00")


def octet_string(content: bytes) -> bytes:
    """Return an OCTET STRING."""
    return write(OCTET_STRING, content)


def bit_string(content: bytes, unused_bits: int = 0) -> bytes:
    """Return a BIT STRING."""
    return write(BIT_STRING, bytes((unused_bits,)), content)


def oid(dotted: str) -> bytes:
    """Return an OBJECT IDENTIFIER from its dotted form."""
    first, second, *others = map(int, dotted.split("."))
    return write(OID, b"".join(map(_base128, (40 * first + second, *others))))


def _base128(arc: int) -> bytes:
    octets = [arc & 0x7F]
    while arc := arc >> 7:
        octets.append(0x80 | (arc & 0x7F))
    return bytes(reversed(octets))


def utf8(text: str) -> bytes:
    """Return a UTF8String."""
    return write(UTF8_STRING, text.encode())


def printable(text: str) -> bytes:
    """Return a PrintableString where its letters suffice, else a UTF8String (stamp standard 2.2)."""
    return write(PRINTABLE_STRING, text.encode()) if _PRINTABLE.issuperset(text) else utf8(text)


def ia5(text: str) -> bytes:
    """Return an IA5String."""
    return write(IA5_STRING, text.encode("ascii"))


def time(moment: datetime) -> bytes:
    """Return whole seconds as UTCTime, from 2050 on as GeneralizedTime (RFC 5280, 4.1.2.5)."""
    utc = moment.astimezone(UTC)
    if utc.year > _LAST_UTC_TIME_YEAR:
        return write(GENERALIZED_TIME, utc.strftime("%Y%m%d%H%M%SZ").encode())
    return write(UTC_TIME, utc.strftime("%y%m%d%H%M%SZ").encode())


def extension(dotted: str, value: bytes, *, critical: bool = False) -> bytes:
    """Return one Extension of a certificate or of a request."""
    return sequence(oid(dotted), *([boolean(True)] if critical else []), octet_string(value))


def name(attributes: Iterable[tuple[str, bytes]]) -> bytes:
    """Return a Name of single-valued RDNs from (dotted type, encoded value) pairs."""
    return sequence(*(set_of(sequence(oid(dotted), value)) for dotted, value in attributes))
