"""Why a QR tag does not repeat the document: each value that vendors put there is compared with what was found.

Source: the stamp standard, section 5.1.
"""

import base64
import hashlib
import html
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from khatm.doctor.case import Case, from_base64, to_base64
from khatm.doctor.causes import Facts, Word
from khatm.doctor.difference import first_difference
from khatm.doctor.findings import Finding, facts
from khatm.doctor.signature import encodings_of
from khatm.document.xml import NAMESPACES, text_of
from khatm.money import decimal
from khatm.rules.stamp_policy import spelled_otherwise
from khatm.stamp import armor, curve
from khatm.stamp.qr import NAME_BYTES_AT_RISK

_FIELDS: Final = {
    1: "cac:AccountingSupplierParty//cac:PartyLegalEntity/cbc:RegistrationName",
    2: "cac:AccountingSupplierParty//cac:PartyTaxScheme/cbc:CompanyID",
    3: "cbc:IssueDate, cbc:IssueTime",
    4: "cac:LegalMonetaryTotal/cbc:PayableAmount",
    5: "cac:TaxTotal/cbc:TaxAmount",
    7: "ds:SignatureValue",
    8: "ds:X509Certificate (SubjectPublicKeyInfo)",
    9: "ds:X509Certificate (signature)",
}
_AMOUNTS: Final = (
    ("cac:LegalMonetaryTotal/cbc:TaxInclusiveAmount", "cbc:TaxInclusiveAmount"),
    ("cac:LegalMonetaryTotal/cbc:TaxExclusiveAmount", "cbc:TaxExclusiveAmount"),
    ("cac:LegalMonetaryTotal/cbc:LineExtensionAmount", "cbc:LineExtensionAmount"),
    ("cac:LegalMonetaryTotal/cbc:PayableAmount", "cbc:PayableAmount"),
    ("cac:LegalMonetaryTotal/cbc:PrepaidAmount", "cbc:PrepaidAmount"),
    ("cac:TaxTotal[2]/cbc:TaxAmount", "cac:TaxTotal[2]/cbc:TaxAmount"),
    ("cac:TaxTotal[1]/cbc:TaxAmount", "cac:TaxTotal[1]/cbc:TaxAmount"),
)
_BUYER_NAME: Final = "cac:AccountingCustomerParty/cac:Party/cac:PartyLegalEntity/cbc:RegistrationName"
_BUYER_VAT: Final = "cac:AccountingCustomerParty/cac:Party/cac:PartyTaxScheme/cbc:CompanyID"
_SELLER_ID: Final = "cac:AccountingSupplierParty/cac:Party/cac:PartyIdentification/cbc:ID"
_SELLER_TRADE: Final = "cac:AccountingSupplierParty/cac:Party/cac:PartyName/cbc:Name"


def examine_tags(case: Case) -> Iterator[Finding]:
    """Yield why a tag differs; a code that is whole but of another document is told once."""
    if case.qr is None or not case.verification.checks.get("qr_tlv"):
        return
    other = _other_document(case)
    if other is not None:
        yield other
        return
    missing = [tag for tag in range(1, 10) if case.failed(f"qr_{tag}") and case.tag(tag) is None]
    if missing == [9]:
        yield Finding("DOCTOR-QR-TAG9-MISSING", "read", ("qr_9",), facts(tag=9, field=_FIELDS[9]))
    elif missing:
        told = facts(element="QR", tag=", ".join(map(str, missing)))
        yield Finding("DOCTOR-QR-TAG-MISSING", "read", tuple(f"qr_{tag}" for tag in missing), told)
    spelled = spelled_otherwise(case.verification)
    for tag, examine in ((1, _name), (2, _vat_number), (3, _time), (4, _amount), (5, _amount)):
        if case.failed(f"qr_{tag}") and (value := case.tag(tag)) is not None:
            found = examine(case, tag, value)
            yield replace(found, code="DOCTOR-QR-SPELLED") if f"qr_{tag}" in spelled else found
    for tag, examine_binary in ((7, _signature), (8, _key), (9, _authority)):
        if case.failed(f"qr_{tag}") and (value := case.tag(tag)) is not None:
            yield examine_binary(case, value)
    yield from _tolerated(case)


def _other_document(case: Case) -> Finding | None:
    """A code whose signature fits its own hash, which is not this document's: it was made for another one."""
    if case.qr is None or not case.failed("qr_6"):
        return None
    key, text, signature = case.tag(8), case.qr.text(6), case.qr.text(7)
    if key is None or text == case.stamp.digest_value:
        return None
    digest = from_base64(text)
    if digest is None or not signature or len(key) < 65:
        return None
    if not any(case.failed(f"qr_{tag}") for tag in (1, 2, 3, 4, 5, 7)):
        return None
    for _, encoded in encodings_of(signature):
        if curve.verify(key[-65:], hashlib.sha256(digest).digest(), encoded):
            checks = tuple(f"qr_{tag}" for tag in range(1, 10) if case.failed(f"qr_{tag}"))
            told = facts(
                element="QR", found=text, expected=case.invoice_hash, key=Word("key-qr"), message=Word("message-qr")
            )
            return Finding("DOCTOR-QR-OTHER-DOCUMENT", "verified", checks, told)
    return None


def _told(case: Case, tag: int, expected: str, value: bytes) -> Facts:
    return facts(tag=tag, field=_FIELDS[tag], expected=expected, found=value.decode("utf-8", "replace"))


def _name(case: Case, tag: int, value: bytes) -> Finding:
    right = case.facts.seller_name
    told = _told(case, tag, right, value)
    parting = first_difference("QR tag 1", right.encode(), value)
    for form, spelled in _name_forms(right):
        if value == spelled:
            return Finding("DOCTOR-QR-NAME-SPELLING", "compared", ("qr_1",), {**told, "form": Word(form)}, parting)
    if " ".join(value.decode("utf-8", "replace").split()) == " ".join(right.split()):
        return Finding("DOCTOR-QR-NAME-SPELLING", "compared", ("qr_1",), {**told, "form": Word("name-blanks")}, parting)
    for path, field in ((_BUYER_NAME, "cac:AccountingCustomerParty"), (_SELLER_TRADE, "cac:PartyName/cbc:Name")):
        if _is_text(case, path, value):
            hidden = facts(tag=tag, field=_FIELDS[tag], expected=right, found=field, other=field)
            return Finding("DOCTOR-QR-OTHER-FIELD", "compared", ("qr_1",), hidden)
    if right.encode().startswith(value):
        return Finding("DOCTOR-QR-NAME-SPELLING", "compared", ("qr_1",), {**told, "form": Word("name-cut")}, parting)
    return Finding("DOCTOR-QR-VALUE-OTHER", "compared", ("qr_1",), told, parting)


def _name_forms(right: str) -> Iterator[tuple[str, bytes]]:
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        made = unicodedata.normalize(form, right)
        if made != right:
            yield "name-unicode", made.encode()
    yield "name-escaped", html.escape(right, quote=False).encode()
    yield "name-escaped", html.escape(right).encode()
    for encoding in ("cp1256", "iso-8859-6", "utf-16-le", "utf-16-be"):
        yield "name-encoding", right.encode(encoding, "replace")
    for encoding in ("latin-1", "cp1252", "cp1256"):
        yield "name-mangled", right.encode().decode(encoding, "replace").encode()
    yield "name-questions", right.encode("ascii", "replace")
    for changed in (right.upper(), right.lower(), right.title()):
        yield "name-case", changed.encode()


def _vat_number(case: Case, tag: int, value: bytes) -> Finding:
    told = _told(case, tag, case.facts.vat_number, value)
    for path, field in ((_BUYER_VAT, "cac:AccountingCustomerParty"), (_SELLER_ID, "cac:PartyIdentification/cbc:ID")):
        if _is_text(case, path, value):
            return Finding("DOCTOR-QR-OTHER-FIELD", "compared", ("qr_2",), {**told, "other": field})
    certificate = case.certificate
    if certificate is not None and value.decode("utf-8", "replace") == certificate.vat_number:
        return Finding("DOCTOR-QR-OTHER-FIELD", "compared", ("qr_2",), {**told, "other": "ds:X509Certificate (UID)"})
    parting = first_difference("QR tag 2", case.facts.vat_number.encode(), value)
    if re.sub(rb"\D", b"", value).decode() == case.facts.vat_number:
        return Finding("DOCTOR-QR-FORM", "compared", ("qr_2",), {**told, "form": Word("form-separators")}, parting)
    return Finding("DOCTOR-QR-VALUE-OTHER", "compared", ("qr_2",), told, parting)


def _time(case: Case, tag: int, value: bytes) -> Finding:
    right = f"{case.facts.issue_date}T{case.facts.issue_time}"
    text = value.decode("utf-8", "replace")
    told = _told(case, tag, right, value)
    parting = first_difference("QR tag 3", right.encode(), value)
    found, issued = _moment(text), _moment(right)
    if found is not None and issued is not None:
        if found in (issued + timedelta(hours=3), issued - timedelta(hours=3)):
            return Finding("DOCTOR-QR-TIME-ZONE", "compared", ("qr_3",), told, parting)
        if found == issued:
            return Finding("DOCTOR-QR-FORM", "compared", ("qr_3",), {**told, "form": Word("form-time")}, parting)
    if text[:19] == (case.stamp.signing_time or "")[:19]:
        return Finding("DOCTOR-QR-OTHER-FIELD", "compared", ("qr_3",), {**told, "other": "xades:SigningTime"}, parting)
    if (
        text.isdecimal()
        or re.fullmatch(r"\d{1,2}[/.-]\d{1,2}[/.-]\d{4}.*|\d{4}[/.]\d{1,2}[/.]\d{1,2}.*", text)
        or (text in (case.facts.issue_date, right[:16]))
    ):
        return Finding("DOCTOR-QR-FORM", "compared", ("qr_3",), {**told, "form": Word("form-time")}, parting)
    return Finding("DOCTOR-QR-VALUE-OTHER", "compared", ("qr_3",), told, parting)


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.strip()).replace(tzinfo=None)
    except ValueError:
        return None


def _amount(case: Case, tag: int, value: bytes) -> Finding:
    right = case.facts.payable if tag == 4 else case.facts.vat_total
    told = _told(case, tag, right, value)
    checks = (f"qr_{tag}",)
    text = value.decode("utf-8", "replace")
    parting = first_difference(f"QR tag {tag}", right.encode(), value)
    number = _number(text)
    if number is not None and number == _number(right):
        return Finding("DOCTOR-QR-FORM", "compared", checks, {**told, "form": Word("form-amount")}, parting)
    for path, field in _AMOUNTS:
        for element in case.root.iterfind(path, NAMESPACES):
            if number is not None and number == _number(text_of(element)):
                return Finding("DOCTOR-QR-OTHER-FIELD", "compared", checks, {**told, "other": field}, parting)
    if number is not None and (total := _number(right)) is not None and number == -total:
        return Finding("DOCTOR-QR-FORM", "compared", checks, {**told, "form": Word("form-sign")}, parting)
    return Finding("DOCTOR-QR-VALUE-OTHER", "compared", checks, told, parting)


_ARABIC_DIGITS: Final = str.maketrans("٠١٢٣٤٥٦٧٨٩٫", "0123456789.", "٬, \u00a0")


def _number(text: str) -> Decimal | None:
    plain = re.sub(r"(?i)sar|ر\.س|﷼", "", text.translate(_ARABIC_DIGITS)).strip()
    try:
        return decimal(plain)
    except ValueError:
        return None


def _signature(case: Case, value: bytes) -> Finding:
    right = case.stamp.signature_value or ""
    told = facts(tag=7, field=_FIELDS[7], expected=right, found=_shown(value))
    raw = from_base64(right) or b""
    forms = {
        "form-raw": raw,
        "form-hex": raw.hex().encode(),
        "form-base64-twice": base64.b64encode(right.encode()),
    }
    for form, data in forms.items():
        if value == data and value:
            return Finding("DOCTOR-QR-FORM", "reproduced", ("qr_7",), {**told, "form": Word(form)})
    if "".join(value.decode("utf-8", "replace").split()) == "".join(right.split()):
        return Finding("DOCTOR-QR-FORM", "compared", ("qr_7",), {**told, "form": Word("form-lines")})
    for text in (value.decode("utf-8", "replace"), to_base64(value)):
        if any(each == raw for form, each in encodings_of(text) if form == "form-raw-pair"):
            return Finding("DOCTOR-QR-FORM", "reproduced", ("qr_7",), {**told, "form": Word("form-raw-pair")})
    parting = first_difference("QR tag 7", right.encode(), value)
    return Finding("DOCTOR-QR-SIGNATURE-OTHER", "compared", ("qr_7",), told, parting)


def _key(case: Case, value: bytes) -> Finding:
    certificate = case.certificate
    if certificate is None:
        return Finding("DOCTOR-CERTIFICATE-UNREADABLE", "read", ("qr_8",), facts(element="ds:X509Certificate"))
    spki, point = certificate.spki, certificate.point
    told = facts(tag=8, field=_FIELDS[8], expected=spki.hex(), found=_shown(value))
    compressed = bytes([2 + point[-1] % 2]) + point[1:33]
    forms = (
        ("form-base64", base64.b64encode(spki)), ("form-hex", spki.hex().encode()), ("form-point", point),
        ("form-point", point[1:]), ("form-point", compressed), ("form-base64", base64.b64encode(point)),
        ("form-certificate", certificate.der), ("form-certificate", certificate.text.encode()),
        ("form-pem", _pem(spki)), ("form-pem", _pem(spki).strip()),
    )  # fmt: skip
    for form, data in forms:
        if value == data:
            return Finding("DOCTOR-QR-FORM", "reproduced", ("qr_8",), {**told, "form": Word(form)})
    parting = first_difference("QR tag 8", spki.hex().encode(), value.hex().encode())
    return Finding("DOCTOR-QR-KEY-OTHER", "compared", ("qr_8",), told, parting)


def _authority(case: Case, value: bytes) -> Finding:
    certificate = case.certificate
    if certificate is None:
        return Finding("DOCTOR-CERTIFICATE-UNREADABLE", "read", ("qr_9",), facts(element="ds:X509Certificate"))
    right = certificate.signature
    told = facts(tag=9, field=_FIELDS[9], expected=right.hex(), found=_shown(value))
    own = from_base64(case.stamp.signature_value) or b""
    if value in (own, base64.b64encode(own)) and own:
        return Finding("DOCTOR-QR-TAG9-OWN", "reproduced", ("qr_9",), told)
    digest = hashlib.sha256(certificate.der).digest()
    forms = (
        ("form-base64", base64.b64encode(right)), ("form-hex", right.hex().encode()), ("form-bits", b"\x00" + right),
        ("form-certificate-digest", digest), ("form-certificate-digest", certificate.digest.encode()),
    )  # fmt: skip
    for form, data in forms:
        if value == data:
            return Finding("DOCTOR-QR-FORM", "reproduced", ("qr_9",), {**told, "form": Word(form)})
    parting = first_difference("QR tag 9", right.hex().encode(), value.hex().encode())
    if value and value != right and (right.endswith(value) or right.startswith(value)):
        told = {**told, "found": f"{len(value)}", "expected": f"{len(right)}"}
        return Finding("DOCTOR-QR-TAG9-CUT", "compared", ("qr_9",), told, parting)
    return Finding("DOCTOR-QR-TAG9-OTHER", "compared", ("qr_9",), told, parting)


def _tolerated(case: Case) -> Iterator[Finding]:
    name = case.facts.seller_name
    if len(name.encode()) >= NAME_BYTES_AT_RISK:
        yield Finding("DOCTOR-QR-NAME-LONG", "read", (), facts(tag=1, found=len(name.encode())))
    text = None if case.qr is None else case.qr.text(3)
    if not case.failed("qr_3") and text is not None and text.endswith("Z"):
        yield Finding("DOCTOR-QR-TIME-Z", "read", (), facts(tag=3, found=text))


def _is_text(case: Case, path: str, value: bytes) -> bool:
    wanted = value.decode("utf-8", "replace").strip()
    return any(text_of(each).strip() == wanted for each in case.root.iterfind(path, NAMESPACES))


def _pem(spki: bytes) -> bytes:
    return armor.pem("PUBLIC KEY", spki)


def _shown(value: bytes) -> str:
    try:
        text = value.decode("ascii")
    except UnicodeDecodeError:
        return value.hex()
    return text if text.isprintable() else value.hex()
