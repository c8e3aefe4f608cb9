"""Why a QR code cannot be decoded, or is not the list of records that it should be.

Source: the stamp standard, sections 5.1 and 5.2.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final
from urllib.parse import unquote

from khatm.doctor.case import Case, from_base64
from khatm.doctor.causes import Word
from khatm.doctor.digests import is_placeholder
from khatm.doctor.findings import Finding, facts
from khatm.stamp import qr
from khatm.stamp.errors import UnreadableQr

ELEMENT: Final = "cbc:EmbeddedDocumentBinaryObject (QR)"
_LAST: Final = 9


def examine_code(case: Case) -> Iterator[Finding]:
    """Yield what is wrong with the code as a whole."""
    text = case.stamp.qr_text
    if text is None or not case.failed("qr_tlv"):
        return
    tags = [f"qr_{tag}" for tag in range(1, _LAST + 1) if case.failed(f"qr_{tag}")]
    checks = ("qr_tlv", *tags)
    if not text:
        yield Finding("DOCTOR-QR-EMPTY", "read", checks, facts(element=ELEMENT))
    elif is_placeholder(text):
        yield Finding("DOCTOR-VALUE-PLACEHOLDER", "read", checks, facts(element=ELEMENT, found=text))
    elif _standard_base64(text) is None:
        yield _not_base64(text, checks)
    else:
        yield from _records(case, text)


def _not_base64(text: str, checks: tuple[str, ...]) -> Finding:
    told = facts(element=ELEMENT, found=text[:60])
    for form, data in _other_encodings(text):
        if data is not None and _decoded(data) is not None:
            return Finding("DOCTOR-QR-ENCODING", "reproduced", checks, {**told, "form": Word(form)})
    return Finding("DOCTOR-QR-NOT-BASE64", "read", checks, told)


def _other_encodings(text: str) -> Iterator[tuple[str, bytes | None]]:
    joined = "".join(text.split())
    yield "form-lines", _standard_base64(joined)
    yield "form-hex", _unhex(joined)
    yield "form-percent", _standard_base64(unquote(joined))
    yield "form-data-address", _standard_base64(joined.partition("base64,")[2])
    standard = joined.replace("-", "+").replace("_", "/").rstrip("=")
    yield "form-base64-url", _standard_base64(standard + "=" * (-len(standard) % 4))


def _records(case: Case, text: str) -> Iterator[Finding]:
    """Base64 that holds no good list of records."""
    raw = _standard_base64(text) or b""
    told = facts(element=ELEMENT, found=case.verification.checks["qr_tlv"].found)
    checks = ("qr_tlv", *(f"qr_{tag}" for tag in range(1, _LAST + 1) if case.failed(f"qr_{tag}")))
    inner = from_base64(raw.decode("ascii")) if raw.isascii() else None
    if inner is not None and _decoded(inner) is not None:
        yield Finding("DOCTOR-QR-ENCODING", "reproduced", checks, {**told, "form": Word("form-base64-twice")})
        return
    content = _decoded(raw)
    if content is not None and content.lengths == "plain":
        long = next((tag, value) for tag, value in content.items if len(value) > 0x7F)
        told = facts(element=ELEMENT, tag=long[0], found=len(long[1]))
        yield Finding("DOCTOR-QR-LENGTH-PLAIN", "reproduced", ("qr_tlv",), told)
        return
    counted = by_characters(raw)
    if counted is not None:
        tag, value = next((tag, value) for tag, value in counted if not value.isascii())
        told = facts(element=ELEMENT, tag=tag, found=len(value.decode()), expected=len(value))
        yield Finding("DOCTOR-QR-LENGTH-CHARACTERS", "reproduced", checks, told)
        return
    if content is None:
        failure = _failure(text)
        yield Finding("DOCTOR-QR-TRUNCATED", "read", checks, facts(element=ELEMENT, found=failure))
        return
    yield from _order(content, told)


def _order(content: qr.QrContent, told: object) -> Iterator[Finding]:
    tags = [tag for tag, _ in content.items]
    listed = facts(element=ELEMENT, found=", ".join(map(str, tags)), expected="1, 2, … 9")
    if len(set(tags)) != len(tags):
        yield Finding("DOCTOR-QR-TAG-REPEATED", "read", ("qr_tlv",), listed)
    elif any(after < before for before, after in pairwise(tags)):
        yield Finding("DOCTOR-QR-ORDER", "read", ("qr_tlv",), listed)
    else:
        wanted = range(1, max(5, *tags) + 1) if tags else range(1, 6)
        missing = ", ".join(str(tag) for tag in wanted if tag not in tags)
        checks = ("qr_tlv", *(f"qr_{tag}" for tag in wanted if tag not in tags))
        yield Finding("DOCTOR-QR-TAG-MISSING", "read", checks, {**listed, "tag": missing})


def by_characters(raw: bytes) -> list[tuple[int, bytes]] | None:
    """Read records whose lengths count characters of UTF-8; None unless that fits and differs from bytes."""
    records: list[tuple[int, bytes]] = []
    at = 0
    while at + 1 < len(raw):
        tag, size = raw[at], raw[at + 1]
        at += 2
        end = _end_of_characters(raw, at, size) if tag <= 7 else at + size if at + size <= len(raw) else None
        if end is None:
            return None
        records.append((tag, raw[at:end]))
        at = end
    tags = [tag for tag, _ in records]
    differs = any(not value.isascii() for tag, value in records if tag <= 7)
    return records if at == len(raw) and tags == list(range(1, len(tags) + 1)) and len(tags) >= 5 and differs else None


def _end_of_characters(raw: bytes, at: int, count: int) -> int | None:
    for _ in range(count):
        if at >= len(raw) or raw[at] & 0xC0 == 0x80:
            return None
        at += 1
        while at < len(raw) and raw[at] & 0xC0 == 0x80:
            at += 1
    return at


def _decoded(raw: bytes) -> qr.QrContent | None:
    """Decode records; by either rule of lengths, whichever gives ascending tags."""
    try:
        return qr.decode(base64.b64encode(raw).decode("ascii"))
    except UnreadableQr:
        return None


def _failure(text: str) -> str:
    try:
        qr.decode(text, accept_plain=False)
    except UnreadableQr as error:
        return error.found
    return ""


def _standard_base64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text.strip().encode("ascii"), validate=True) or None
    except (binascii.Error, UnicodeEncodeError):
        return None


def _unhex(text: str) -> bytes | None:
    return binascii.unhexlify(text) if re.fullmatch(r"(?:[0-9a-fA-F]{2})+", text) else None
