"""Why an invoice hash is not the recomputed one: in the stamp, in the QR code, or in a request.

Source: the stamp standard, section 3.
"""

import hashlib
from collections.abc import Iterator

from khatm.doctor.case import Case, to_base64
from khatm.doctor.causes import Word
from khatm.doctor.difference import first_difference
from khatm.doctor.digests import Written, is_placeholder, other_algorithm, readings
from khatm.doctor.findings import Finding, facts
from khatm.doctor.spellings import tried

DIGEST_VALUE = "ds:DigestValue (invoiceSignedData)"


def examine_digest(case: Case) -> Iterator[Finding]:
    """Yield why DigestValue is not the invoice hash, and what else fails for the same reason."""
    if not case.failed("invoice_digest") or not case.canonical:
        return
    checks = ("invoice_digest", *_followers(case))
    found = explain(case, case.stamp.digest_value, DIGEST_VALUE, checks)
    yield found or _left(case, checks)


def explain(case: Case, text: str | None, element: str, checks: tuple[str, ...]) -> Finding | None:
    """Return the mistake that makes this text out of the document, None if no known one does."""
    if text is None:
        return Finding("DOCTOR-VALUE-MISSING", "read", checks, facts(element=element))
    if is_placeholder(text):
        return Finding("DOCTOR-VALUE-PLACEHOLDER", "read", checks, facts(element=element, found=text or '""'))
    if not case.canonical:
        return None
    if case.facts.pih is not None and text == case.facts.pih:
        told = facts(element=element, found=text, expected=case.invoice_hash)
        return Finding("DOCTOR-HASH-IS-PIH", "compared", checks, told)
    written = readings(text)
    return _of_form(case, written, text, element, checks) or _of_spelling(case, written, text, element, checks)


def _of_form(case: Case, written: list[Written], text: str, element: str, checks: tuple[str, ...]) -> Finding | None:
    """The right digest written in another way, hashed again, or made by another algorithm."""
    right = hashlib.sha256(case.canonical).digest()
    told = {"element": element, "found": text, "expected": case.invoice_hash}
    for each in written:
        if each.digest == right:
            return Finding("DOCTOR-HASH-FORM", "reproduced", checks, facts(form=Word(each.form), **told))
    for over, data in (
        ("over-bytes", right),
        ("over-base64", case.invoice_hash.encode()),
        ("over-hex", right.hex().encode()),
    ):
        if any(each.digest == hashlib.sha256(data).digest() for each in written):
            return Finding("DOCTOR-HASH-TWICE", "reproduced", checks, facts(over=Word(over), **told))
    algorithm = other_algorithm(text, case.canonical)
    if algorithm is not None:
        return Finding("DOCTOR-HASH-ALGORITHM", "reproduced", checks, facts(algorithm=algorithm, **told))
    return None


def _of_spelling(
    case: Case, written: list[Written], text: str, element: str, checks: tuple[str, ...]
) -> Finding | None:
    forms = {each.digest: each.form for each in written}
    match = tried(case).find(case, forms) if forms else None
    if match is None:
        return None
    digest, spelling = match
    told = facts(element=element, found=text, expected=case.invoice_hash, form=Word(forms[digest]), **spelling.facts)
    parting = first_difference("canonical form", case.canonical, spelling.data, invoice=True)
    return Finding(spelling.code, "reproduced", (*checks, *spelling.checks), told, parting)


def _left(case: Case, checks: tuple[str, ...]) -> Finding:
    """What is left when no known mistake makes the digest: the signature tells which of the two is of this content."""
    told = facts(
        element=DIGEST_VALUE,
        found=case.stamp.digest_value,
        expected=case.invoice_hash,
        key=Word("key-certificate"),
        tried=len(tried(case).places),
    )
    over_digest = case.verification.information.get("signature_over_digest_value", False)
    if over_digest:
        return Finding("DOCTOR-EDITED-AFTER-SIGNING", "verified", checks, {**told, "message": Word("message-digest")})
    if not case.failed("signature_value"):
        return Finding("DOCTOR-DIGEST-STALE", "verified", checks, {**told, "message": Word("message-hash")})
    return Finding("DOCTOR-HASH-UNEXPLAINED", "excluded", checks, told)


def _followers(case: Case) -> Iterator[str]:
    """Yield the checks that fail only because the digest does."""
    tag = case.tag(6)
    if case.failed("qr_6") and tag is not None and tag == (case.stamp.digest_value or "").encode():
        yield "qr_6"
    if case.failed("signature_value") and case.verification.information.get("signature_over_digest_value"):
        yield "signature_value"


def examine_tag(case: Case) -> Iterator[Finding]:
    """Yield why QR tag 6 is not the invoice hash where it is not simply the wrong DigestValue."""
    tag = case.tag(6)
    if not case.failed("qr_6") or tag is None or "qr_6" in _followers(case):
        return
    checks = ("qr_6",)
    right = hashlib.sha256(case.canonical).digest()
    told = facts(tag=6, field="ds:DigestValue", found=_text(tag), expected=case.invoice_hash)
    if tag == right:
        yield Finding("DOCTOR-QR-FORM", "reproduced", checks, {**told, "form": Word("form-raw")})
        return
    text = tag.decode("utf-8", "replace")
    found = explain(case, text, "QR tag 6", checks)
    if found is None and len(tag) == 32:
        found = explain(case, to_base64(tag), "QR tag 6", checks)
    if found is not None and found.code == "DOCTOR-HASH-FORM":
        yield Finding("DOCTOR-QR-FORM", "reproduced", checks, {**told, "form": found.facts["form"]})
        return
    parting = first_difference("QR tag 6", case.invoice_hash.encode(), tag)
    yield found or Finding("DOCTOR-QR-HASH-OTHER", "compared", checks, told, parting)


def _text(tag: bytes) -> str:
    return tag.decode("ascii") if tag.isascii() and tag.decode("ascii").isprintable() else tag.hex()
