"""DER, as much as certificates, CSRs and keys need: a strict reader and a writer.

Reading by hand keeps the exact bytes of every part (names, extensions, signatures), which the stamp copies and hashes,
and starts faster than a full X.509 library. Source: ITU-T X.690, definite lengths only.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

INTEGER = 0x02
BIT_STRING = 0x03
OCTET_STRING = 0x04
OBJECT_IDENTIFIER = 0x06
UTF8_STRING = 0x0C
PRINTABLE_STRING = 0x13
UTC_TIME = 0x17
GENERALIZED_TIME = 0x18
SEQUENCE = 0x30
SET = 0x31


_MAX_IDENTIFIER = 64
"""Octets of an OBJECT IDENTIFIER; an arc of any length would take time that grows with its square."""


class MalformedDer(ValueError):
    """Bytes that are not DER, or not of the expected shape."""


@dataclass(frozen=True, slots=True)
class Element:
    """One DER element: its tag octet, its whole encoding, and its content."""

    tag: int
    encoded: bytes
    content: bytes

    def __iter__(self) -> Iterator["Element"]:
        """Iterate over the elements inside; MalformedDer if the content is no series of elements."""
        offset = 0
        while offset < len(self.content):
            child, offset = _element(self.content, offset)
            yield child

    def children(self, at_least: int = 0) -> list["Element"]:
        """Return the elements inside; MalformedDer if there are fewer than `at_least`."""
        inside = list(self)
        if len(inside) < at_least:
            raise MalformedDer(f"{len(inside)} parts where {at_least} are needed")
        return inside

    def expect(self, tag: int) -> "Element":
        """Return self if it has this tag; MalformedDer otherwise."""
        if self.tag != tag:
            raise MalformedDer(f"tag {self.tag:#04x} where {tag:#04x} is needed")
        return self

    @property
    def integer(self) -> int:
        """The value of an INTEGER."""
        self.expect(INTEGER)
        if not self.content:
            raise MalformedDer("an empty INTEGER")
        return int.from_bytes(self.content, "big", signed=True)

    @property
    def oid(self) -> str:
        """The value of an OBJECT IDENTIFIER in dotted form."""
        self.expect(OBJECT_IDENTIFIER)
        if len(self.content) > _MAX_IDENTIFIER:
            raise MalformedDer(f"an OBJECT IDENTIFIER of {len(self.content)} octets")
        return _dotted(self.content)

    @property
    def bits(self) -> bytes:
        """The bytes of a BIT STRING without unused bits."""
        self.expect(BIT_STRING)
        if self.content[:1] != b"\x00":
            raise MalformedDer("a BIT STRING that is not made of whole bytes")
        return self.content[1:]


def read(data: bytes) -> Element:
    """Read the one element that fills `data`; MalformedDer if bytes are missing or left over."""
    element, end = _element(data, 0)
    if end != len(data):
        raise MalformedDer(f"{len(data) - end} bytes after the end")
    return element


def write(tag: int, *contents: bytes) -> bytes:
    """Encode one element from the encodings of its parts (or its plain content)."""
    content = b"".join(contents)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def write_oid(dotted: str) -> bytes:
    """Encode an OBJECT IDENTIFIER given in dotted form."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    octets = bytearray()
    for arc in (first * 40 + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(0x80 | (arc & 0x7F))
        octets += bytes(reversed(groups))
    return write(OBJECT_IDENTIFIER, bytes(octets))


def _element(data: bytes, offset: int) -> tuple[Element, int]:
    if offset + 2 > len(data):
        raise MalformedDer("bytes are missing at the end")
    tag = data[offset]
    if tag & 0x1F == 0x1F:
        raise MalformedDer("a tag of several octets")
    size = data[offset + 1]
    start = offset + 2
    if size >= 0x80:
        count = size & 0x7F
        if not 1 <= count <= 4:
            raise MalformedDer("an indefinite or oversized length")
        size = int.from_bytes(data[start : start + count], "big")
        start += count
        if size < 0x80 or size >> (8 * (count - 1)) == 0:
            raise MalformedDer("a length that is not in its shortest form")
    end = start + size
    if end > len(data):
        raise MalformedDer("bytes are missing at the end")
    return Element(tag, data[offset:end], data[start:end]), end


@lru_cache(maxsize=256)  # certificates name the same few types again and again
def _dotted(content: bytes) -> str:
    if not content or content[-1] & 0x80:
        raise MalformedDer("a broken OBJECT IDENTIFIER")
    arcs: list[int] = []
    value = 0
    for octet in content:
        value = value << 7 | octet & 0x7F
        if not octet & 0x80:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(str(arc) for arc in (first, arcs[0] - 40 * first, *arcs[1:]))
