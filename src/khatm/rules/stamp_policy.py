"""What a stamp says about its signer and its time, and which differences are only spelling; all of it warns.

Nothing binds the signing time and the certificate to the signature, and no check of the stamp standard judges who
issued the certificate. Source: the stamp standard, sections 2.2, 4.1, 5.1, 5.2 and 6.1.
"""

import base64
import binascii
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from khatm.clock import SAUDI
from khatm.rules.findings import Finding
from khatm.rules.integrity import references
from khatm.rules.reading import Nodes, Reading
from khatm.stamp.qr import TAG_NAMES
from khatm.stamp.verify import Verification

_AUTHORITY: Final = ", DC=extgazt, DC=gov, DC=local"
_ISSUERS: Final = frozenset(
    [
        "CN=eInvoicing",
        "CN=PRZEINVOICESCA1-CA" + _AUTHORITY,
        "CN=PRZEINVOICESCA2-CA" + _AUTHORITY,
        "CN=PRZEINVOICESCA4-CA" + _AUTHORITY,
        "CN=PEZEINVOICESCA2-CA" + _AUTHORITY,
        "CN=PEZEINVOICESCA3-CA" + _AUTHORITY,
        "CN=TSZEINVOICE-SubCA-1" + _AUTHORITY,
    ]
)
_ZONES: Final = timedelta(hours=3)
"""A time without a zone may be Saudi time or UTC."""
_ROOT: Final = "/inv:Invoice[1]"


def judge_signer(reading: Reading, verification: Verification) -> list[Finding]:
    """Return warnings about an issuer that is not the authority's, and a signing time that cannot be."""
    certificate = verification.certificate
    if certificate is None:
        return []
    findings = []
    if certificate.issuer_name not in _ISSUERS:
        place = _location(reading.named("ds:X509Certificate"))
        findings.append(_warning("signature", "KHATM-ISSUER-UNKNOWN", place, certificate.issuer_name))
    signed, issued = verification.signing_time or "", _issue_time(verification)
    moment = _moment(signed)
    if moment is not None:
        outside = moment + _ZONES < certificate.not_before or moment - _ZONES > certificate.not_after
        if outside or (issued is not None and moment + _ZONES < issued):
            place = _location(reading.named("xades:SigningTime"))
            findings.append(_warning("signature", "KHATM-SIGNING-TIME", place, signed))
    return findings


def judge_records(reading: Reading, verification: Verification) -> Iterator[Finding]:
    """Yield records of the QR code that no reader knows, and lengths written longer than they need to be."""
    nodes = [
        node
        for each in references(reading, "QR")
        for node in each.path("cac:Attachment", "cbc:EmbeddedDocumentBinaryObject")
    ]
    if verification.qr is None or not nodes:
        return
    unknown = [str(tag) for tag, _ in verification.qr.items if tag not in TAG_NAMES]
    if unknown and verification.checks["qr_tlv"].passed:
        yield _warning("qr", "KHATM-QR-TAG", nodes[0].location(), ",".join(unknown[:20]))
    if verification.qr.lengths == "ber" and _longer_than_needed(nodes[0].text):
        yield Finding("KHATM-QR-LENGTH", "error", "qr:KHATM-QR-LENGTH", nodes[0].location())


def spelled_otherwise(verification: Verification) -> frozenset[str]:
    """Return the failed checks whose value is right and only written in another way: `qr_3`, `qr_5`.

    Tag 5 may be the same number in other digits; tag 3 the same instant with an offset.
    """
    names = set()
    if "qr-5-numerically-equal" in verification.warnings:
        names.add("qr_5")
    time = verification.checks.get("qr_3")
    if time is not None and not time.passed and time.found != time.expected:
        found, issued = _moment(time.found), _issue_time(verification)
        if found is not None and issued is not None and found in (issued, issued + _ZONES):
            names.add("qr_3")
    return frozenset(names)


def _issue_time(verification: Verification) -> datetime | None:
    facts = verification.facts
    return _moment(f"{facts.issue_date.strip()}T{facts.issue_time.strip()}")


def _moment(text: str) -> datetime | None:
    """Read an XML date and time; without a zone it is Saudi time. None if it is none."""
    try:
        moment = datetime.fromisoformat(text.strip())
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=SAUDI)
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if 1 < moment.year < 9999 and "T" in text else None


def _longer_than_needed(text: str) -> bool:
    """Whether a length below 128 takes the long form, or any length begins with a zero octet."""
    try:
        raw = base64.b64decode(text.strip().encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return False
    at = 0
    while at + 1 < len(raw):
        size = raw[at + 1]
        at += 2
        if size > 0x7F:
            count = size & 0x7F
            size = int.from_bytes(raw[at : at + count], "big")
            if size < 0x80 or raw[at] == 0:
                return True
            at += count
        at += size
    return False


def _location(nodes: Nodes) -> str:
    return nodes[0].location() if nodes else _ROOT


def _warning(stage: str, rule: str, place: str, found: str) -> Finding:
    return Finding(rule, "warning", f"{stage}:{rule}", place, found[:200])
