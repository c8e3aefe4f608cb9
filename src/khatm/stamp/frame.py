"""The stamp's template with a certificate filled in, cut at the places of the values that differ between documents.

Stamping joins the pieces around the values; reading a file of our own form takes them apart again. Source: the stamp
standard, sections 4.2 to 4.5.
"""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import Final

from khatm.document.xml import CAC, CBC, EXT
from khatm.stamp.certificate import Certificate
from khatm.stamp.template import CAC_SIGNATURE, EXTENSIONS, QR_REFERENCE, SIGNED_PROPERTIES

DECLARATION: Final = b'<?xml version="1.0" encoding="UTF-8"?>\n'
QR_BEFORE, QR_AFTER = QR_REFERENCE.encode().split(b"@QR@")
SIGNATURE: Final = CAC_SIGNATURE.encode()
_DECLARATIONS: Final = tuple(
    f' xmlns:{prefix}="{uri}"'.encode() for prefix, uri in (("ext", EXT), ("cac", CAC), ("cbc", CBC))
)


@dataclass(frozen=True, slots=True)
class Frame:
    """The pieces around invoice hash, properties digest, signature and signing time; then those of the text P."""

    before_hash: bytes
    before_properties_digest: bytes
    before_signature: bytes
    before_time: bytes
    after_time: bytes
    properties_before_time: bytes
    properties_after_time: bytes


@lru_cache(maxsize=256)
def frame_of(certificate: Certificate) -> Frame:
    """Return the pieces for a certificate."""
    values = {
        "@CERT@": certificate.text,
        "@CDIG@": certificate.digest,
        "@ISS@": escape(certificate.issuer_name, quote=False),
        "@SER@": str(certificate.serial_number),
    }
    extensions = _pieces(EXTENSIONS, values, "@HASH@", "@SPD@", "@SIG@", "@TIME@")
    properties = _pieces(SIGNED_PROPERTIES, values, "@TIME@")
    return Frame(*extensions, *properties)


def properties_digest(frame: Frame, time: bytes) -> bytes:
    """Digest the text P (4.3) for a signing time: base64 of the hexadecimal SHA-256."""
    return _properties_digest(frame.properties_before_time, time, frame.properties_after_time)


@lru_cache(maxsize=64)
def undeclared(head: bytes) -> bytes:
    """Return the namespace declarations that the template's elements need and the root start tag lacks.

    `head` ends with the root start tag.
    """
    start_tag = head[head.rindex(b"<") :]  # a processing instruction before it may quote anything
    return b"".join(declaration for declaration in _DECLARATIONS if declaration not in start_tag)


@lru_cache(maxsize=16)
def _properties_digest(*parts: bytes) -> bytes:
    # The same for all stamps of a certificate within a second.
    return base64.b64encode(hashlib.sha256(b"".join(parts)).hexdigest().encode())


def _pieces(template: str, values: dict[str, str], *places: str) -> Iterator[bytes]:
    """Cut the template at the places, then fill in the values, so that no value is taken for a place."""
    rest = template
    for place in (*places, None):
        piece, rest = rest.split(place) if place else (rest, "")
        for name, value in values.items():
            piece = piece.replace(name, value)
        yield piece.encode()
