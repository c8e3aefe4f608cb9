"""Parts of the stamp that are not there, or there twice, and how the file itself is written.

Source: the stamp standard, sections 4.2 to 4.4 and 6.1.
"""

from collections.abc import Iterator
from typing import Final

from khatm.doctor.case import Case
from khatm.doctor.findings import Finding, facts

_PARTS: Final = (
    ("stamp_present", "ds:Signature", "signatures"),
    ("qr_present", "cac:AdditionalDocumentReference (QR)", "qr_references"),
    ("cac_signature_present", "cac:Signature", "signature_references"),
)


def examine_parts(case: Case) -> Iterator[Finding]:
    """Yield the parts that a simplified document lacks, and those that any document holds twice."""
    if not case.facts.simplified and case.stamp.signature is None and case.stamp.qr_text is None:
        yield Finding("DOCTOR-UNSTAMPED", "read", (), facts(element="ds:Signature"))
    for check, element, member in _PARTS:
        if case.failed(check):
            count = int(getattr(case.stamp, member))
            code = "DOCTOR-PART-REPEATED" if count else "DOCTOR-PART-MISSING"
            yield Finding(code, "read", (check,), facts(element=element, found=count))


def examine_file(case: Case) -> Iterator[Finding]:
    """Yield what the gateway does not take although an XML parser does: another encoding than UTF-8."""
    encoding = (case.whole.docinfo.encoding or "UTF-8").upper()
    if case.xml.startswith((b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<")):
        encoding = "UTF-16"
    if encoding not in ("UTF-8", "US-ASCII"):
        yield Finding("DOCTOR-FILE-ENCODING", "read", (), facts(element="<?xml ?>", found=encoding, expected="UTF-8"))
    if not case.canonical:
        checks = tuple(name for name in ("invoice_digest", "signature_value", "qr_6") if case.failed(name))
        yield Finding("DOCTOR-NOT-CANONICAL", "read", checks, facts(element="xmlns"))
