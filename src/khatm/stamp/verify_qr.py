"""The checks of the QR code against the document that carries it.

Source: the stamp standard, sections 5.1, 5.2 and 6.1 (`qr_tlv`, `qr_1` to `qr_9`).
"""

from typing import Final

from lxml import etree

from khatm.document.canonical import StampFacts
from khatm.document.xml import CAC, CBC, text_of
from khatm.money import decimal
from khatm.stamp import qr
from khatm.stamp.certificate import Certificate
from khatm.stamp.embedded import EmbeddedStamp
from khatm.stamp.errors import UnreadableQr
from khatm.stamp.verdict import Findings

_LAST_TAG: Final = 9
_INCLUSIVE: Final = f"{{{CAC}}}LegalMonetaryTotal/{{{CBC}}}TaxInclusiveAmount"


def check_qr(
    stamp: EmbeddedStamp,
    facts: StampFacts,
    root: etree._Element,
    invoice_hash: str,
    certificate: Certificate | None,
    findings: Findings,
) -> qr.QrContent | None:
    """Decode the QR code and compare every tag; return the content, or None if it cannot be decoded."""
    try:
        content = qr.decode(stamp.qr_text or "", accept_plain=False)
    except UnreadableQr as error:
        return _undecodable(error, stamp, facts, findings)
    tags = ",".join(str(tag) for tag, _ in content.items)
    findings.add("qr_tlv", content.in_order, "tags 1 to 5 or more, in order", tags)
    signature = None if stamp.signature is None else stamp.signature_value or ""
    expected = expected_tags(facts, invoice_hash, signature, certificate, content.value(_LAST_TAG) is not None)
    for tag, value in expected.items():
        _compare(tag, value, content.value(tag), findings)
    inclusive = text_of(root.find(_INCLUSIVE))
    findings.information["qr_4_is_tax_inclusive"] = content.value(4) == inclusive.encode()
    if len(facts.seller_name.encode()) >= qr.NAME_BYTES_AT_RISK:
        findings.warnings.append("qr-name-long")
    return content


def _undecodable(
    error: UnreadableQr, stamp: EmbeddedStamp, facts: StampFacts, findings: Findings
) -> qr.QrContent | None:
    """Report an undecodable code: every tag where there is no base64 at all, else only the records."""
    findings.add("qr_tlv", False, "base64 of records of tag, length and value", f"{error.stage}: {error.found}")
    if error.stage == "base64":
        for tag in range(1, _LAST_TAG + 1 if facts.simplified else _LAST_TAG):
            findings.add(f"qr_{tag}", False, qr.TAG_NAMES[tag], "")
        findings.information["qr_4_is_tax_inclusive"] = False
        return None
    try:
        plain = qr.decode(stamp.qr_text or "")
    except UnreadableQr:
        return None
    findings.warnings.append("qr-plain-lengths")
    return plain


def expected_tags(
    facts: StampFacts, invoice_hash: str, signature_value: str | None, certificate: Certificate | None, has_last: bool
) -> dict[int, bytes | None]:
    """Return what each tag should hold, in order; a tag whose value cannot be known is None.

    `signature_value` is None for a document without a signature; `has_last` says that the code carries tag 9.
    """
    expected: dict[int, bytes | None] = {
        1: facts.seller_name.encode(),
        2: facts.vat_number.encode(),
        3: f"{facts.issue_date}T{facts.issue_time}".encode(),
        4: facts.payable.encode(),
        5: facts.vat_total.encode(),
        6: invoice_hash.encode(),
    }
    if signature_value is not None:
        expected[7] = signature_value.encode()
        expected[8] = None if certificate is None else certificate.spki
        if facts.simplified or has_last:  # a tag 9 on a standard document is allowed, and then it must be right
            expected[9] = None if certificate is None else certificate.signature
    return expected


def _compare(tag: int, expected: bytes | None, found: bytes | None, findings: Findings) -> None:
    passed = expected is not None and expected == found
    if tag == 3 and expected is not None and found is not None:
        passed = _same_time(expected.decode(), found.decode("utf-8", "replace"))
    if tag == 5 and not passed and expected is not None and found is not None and _same_number(expected, found):
        findings.warnings.append("qr-5-numerically-equal")
    findings.add(f"qr_{tag}", passed, _shown(tag, expected), _shown(tag, found))


def _same_time(document: str, found: str) -> bool:
    """Equal, equal but for a trailing Z, or a UTC time of the document as Saudi time."""
    return document.removesuffix("Z") == found.removesuffix("Z") or qr.utc_as_saudi(document) == found


def _same_number(expected: bytes, found: bytes) -> bool:
    try:
        return decimal(expected.decode()) == decimal(found.decode())
    except ValueError:
        return False


def _shown(tag: int, value: bytes | None) -> str:
    if value is None:
        return ""
    if tag >= 8:
        return value.hex()
    return value.decode("utf-8", "replace")
