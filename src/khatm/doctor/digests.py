"""How a digest is written: which bytes a text stands for, by which encoding and which algorithm."""

import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Final

from khatm.doctor.case import from_base64

_HEX: Final = re.compile(r"[0-9a-fA-F]+")
_ALGORITHMS: Final = {20: "SHA-1", 28: "SHA-224", 48: "SHA-384", 64: "SHA-512", 16: "MD5"}
PLACEHOLDERS: Final = re.compile(
    r"(?i)^(?:$|[.…?x_*-]+|set_[a-z0-9_]+|\{\{?[^{}]*\}?\}|%[^%]*%|\$\{?[^{}]*\}?|@[a-z0-9_]+@|\[[^\]]*\]|<[^>]*>|"
    r"null|none|undefined|nan|todo|tbd|string|test|dummy|sample|placeholder|your[ _-].*|to ?be ?.*|"
    r"(?:invoice[ _-]?)?(?:hash|digest(?:value)?)|signature(?:[ _-]?value)?|certificate|qr(?:[ _-]?code)?|"
    r"(?:AAAA)+A*=*)$"
)
"""Texts that templates carry where a value belongs."""


@dataclass(frozen=True, slots=True)
class Written:
    """A digest as a document writes it: its bytes and the form, one of the words `form-…` of the table."""

    digest: bytes
    form: str


def is_placeholder(text: str | None) -> bool:
    """Whether a text is empty or what a template carries where a value belongs."""
    return text is not None and PLACEHOLDERS.match(text.strip()) is not None


def readings(text: str | None) -> list[Written]:
    """Return every way in which a text can be read as a SHA-256; empty if it can be none."""
    if text is None:
        return []
    joined = "".join(text.split())
    found = []
    if len(joined) == 64 and _HEX.fullmatch(joined):
        found.append(Written(binascii.unhexlify(joined), "form-hex"))
    raw = from_base64(joined)
    if raw is not None and len(raw) == 32:
        found.append(Written(raw, "form-base64"))
    inner = _ascii(raw)
    if len(inner) == 64 and _HEX.fullmatch(inner):
        upper = inner != inner.lower()
        found.append(Written(binascii.unhexlify(inner), "form-base64-upper-hex" if upper else "form-base64-hex"))
    again = from_base64(inner) if inner else None
    if again is not None and len(again) == 32:
        found.append(Written(again, "form-base64-twice"))
    if raw is None and (lax := from_base64(_standard(joined))) is not None and len(lax) == 32:
        found.append(Written(lax, "form-base64-url"))
    return found


def other_algorithm(text: str | None, data: bytes) -> str | None:
    """Return the name of the algorithm that gives this digest of the data, None if none of the known ones does."""
    joined = "".join((text or "").split())
    raw = from_base64(joined)
    candidates = [raw, _unhex(joined), _unhex(_ascii(raw))]
    for digest in candidates:
        name = _ALGORITHMS.get(len(digest or b""))
        if name is not None:
            made = hashlib.new(name.replace("-", "").lower(), data, usedforsecurity=False).digest()
            if made == digest:
                return name
    return None


def _unhex(text: str) -> bytes | None:
    return binascii.unhexlify(text) if _HEX.fullmatch(text) and len(text) % 2 == 0 else None


def _ascii(raw: bytes | None) -> str:
    return raw.decode("ascii") if raw is not None and raw.isascii() else ""


def _standard(text: str) -> str:
    """Turn the alphabet of URLs, and missing padding, into standard base64."""
    standard = text.replace("-", "+").replace("_", "/").rstrip("=")
    return standard + "=" * (-len(standard) % 4)
