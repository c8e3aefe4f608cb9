"""The examination of one document: every cause of every failed check, and the tables that people compare by eye."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from khatm.doctor.case import Case
from khatm.doctor.difference import Difference, first_difference
from khatm.doctor.findings import Finding, facts, shown
from khatm.doctor.identity import Identity, examine_holder, identity
from khatm.doctor.invoice_hash import examine_digest, examine_tag, explain
from khatm.doctor.parts import examine_file, examine_parts
from khatm.doctor.properties import examine_properties
from khatm.doctor.qr_code import examine_code
from khatm.doctor.qr_tags import examine_tags
from khatm.doctor.signature import examine_signature
from khatm.doctor.signer import examine_signer
from khatm.document.errors import UnreadableXml
from khatm.document.xml import parse_strictly
from khatm.errors import Language
from khatm.rules.findings import Finding as RuleFinding
from khatm.stamp.canonical import canonicalise, remove_stamp
from khatm.stamp.certificate import Certificate
from khatm.stamp.qr import TAG_NAMES

MAX_BYTES: Final = 16 * 1024 * 1024
_LONGEST: Final = 96
_EXAMINERS: Final[tuple[Callable[[Case], Iterator[Finding]], ...]] = (
    examine_file,
    examine_parts,
    examine_digest,
    examine_signer,
    examine_properties,
    examine_signature,
    examine_code,
    examine_tags,
    examine_tag,
    examine_holder,
)


@dataclass(frozen=True, slots=True)
class Value:
    """One value of the stamp beside what it should be, cut to a line; `equal` None where nothing can be compared."""

    name: str
    equal: bool | None
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Form:
    """What the official rules say of the stamp's form: their finding, and its sentences."""

    rule: RuleFinding
    cause: dict[Language, str]
    fix: dict[Language, str]


@dataclass(frozen=True, slots=True)
class Examination:
    """What the doctor says of a document.

    `values` are hash, digests and signature, `tags` the QR code, each beside the recomputed value. `comparison` is the
    first byte in which the document parts from another one that was given, None if none was or none parts.
    """

    invoice_hash: str
    uuid: str
    simplified: bool
    findings: tuple[Finding, ...]
    forms: tuple[Form, ...]
    values: tuple[Value, ...]
    tags: tuple[Value, ...]
    certificate: Identity | None
    comparison: Difference | None

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong; warnings and notes may be left."""
        return not any(each.severity == "error" for each in self.findings) and not any(
            each.rule.severity == "error" for each in self.forms
        )


def examine(
    data: bytes,
    *,
    key_point: bytes | None = None,
    certificate: Certificate | None = None,
    against: bytes | None = None,
    max_bytes: int = MAX_BYTES,
) -> Examination:
    """Examine a document, or the request body that carries one.

    `key_point` (65 bytes) and `certificate` are what should have signed it, `against` the bytes of a document that it
    is compared with. Raises UnreadableXml.
    """
    body = _request(data)
    xml = data if body is None else body[0]
    _refuse(xml, max_bytes)
    case = Case(xml, key_point, certificate)
    findings = [*_examined(case)]
    if body is not None:
        findings += _of_request(case, *body[1:])
    return Examination(
        invoice_hash=case.invoice_hash,
        uuid=case.facts.uuid,
        simplified=case.facts.simplified,
        findings=tuple(sorted(findings, key=lambda each: _ORDER[each.severity])),
        forms=tuple(_forms(case)),
        values=tuple(_values(case)),
        tags=tuple(_tags(case)),
        certificate=None if case.certificate is None else identity(case.certificate),
        comparison=None if against is None else _compared(case, against, max_bytes),
    )


def is_document(data: bytes) -> bool:
    """Whether bytes look like XML, or like a request body with a document in it."""
    start = data[:64].removeprefix(b"\xef\xbb\xbf").lstrip()
    return start.startswith((b"<", b"\xff\xfe", b"\xfe\xff", b"\x00<", b"{")) or not start


_ORDER: Final = {"error": 0, "warning": 1, "note": 2}


def _refuse(xml: bytes, max_bytes: int) -> None:
    """Raise UnreadableXml for what no reader takes; another encoding than UTF-8 is examined and told."""
    try:
        parse_strictly(xml, max_bytes=max_bytes)
    except UnreadableXml as error:
        if error.reason != "encoding" or "instead of UTF-8" not in error.found:
            raise


def _examined(case: Case) -> Iterator[Finding]:
    """Yield the findings; a check that an earlier finding explains is not explained again."""
    told: set[str] = set()
    for examiner in _EXAMINERS:
        explained: set[str] = set()
        for each in examiner(case):
            if each.checks and set(each.checks) <= told:
                continue
            explained |= set(each.checks)
            yield each
        told |= explained
    left = [name for name in case.verification.failing if name not in told]
    if left:
        tried = facts(found=", ".join(left), tried=0)
        yield Finding("DOCTOR-UNEXPLAINED", "excluded", tuple(left), tried)


def _request(data: bytes) -> tuple[bytes, str, str] | None:
    """Take a request body apart: the document, its hash and its UUID as the client sent them."""
    if not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return None
    from khatm.doctor.case import from_base64

    try:
        body = json.loads(data.decode("utf-8-sig"))
        xml = from_base64(body["invoice"])
        return None if xml is None else (xml, str(body.get("invoiceHash", "")), str(body.get("uuid", "")))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _of_request(case: Case, invoice_hash: str, uuid: str) -> Iterator[Finding]:
    if invoice_hash != case.invoice_hash:
        found = explain(case, invoice_hash, "invoiceHash", ("invoiceHash",))
        told = facts(element="invoiceHash", found=invoice_hash, expected=case.invoice_hash)
        yield found or Finding("DOCTOR-REQUEST-HASH", "compared", ("invoiceHash",), told)
    if uuid != case.facts.uuid:
        told = facts(element="uuid", found=uuid, expected=case.facts.uuid)
        yield Finding("DOCTOR-REQUEST-UUID", "compared", ("uuid",), told)


def _forms(case: Case) -> Iterator[Form]:
    """Yield what the rules about the stamp's form say: algorithms, places, parts, unsigned content."""
    from khatm.rules.catalogue import explain as explain_code
    from khatm.rules.integrity import examine_chain, examine_qr, examine_stamp
    from khatm.rules.reading import read
    from khatm.rules.stamp_policy import judge_records

    reading = read(case.tree())
    found = [*examine_stamp(reading), *examine_qr(reading), *examine_chain(reading), *case.folds]
    for rule in (*found, *judge_records(reading, case.verification)):
        entry = explain_code(rule.rule)
        if entry is not None:
            texts: dict[Language, str] = {"en": entry.en.why, "ar": entry.ar.why}
            fixes: dict[Language, str] = {"en": entry.en.fix, "ar": entry.ar.fix}
            yield Form(rule, texts, fixes)


def _values(case: Case) -> Iterator[Value]:
    names = (
        "invoice_digest",
        "signed_properties_digest",
        "certificate_digest",
        "issuer_name",
        "serial_number",
        "signature_value",
    )
    for name in names:
        check = case.verification.checks.get(name)
        if check is not None:
            yield Value(name, check.passed, shown(check.expected, 96), shown(check.found, 96))


def _tags(case: Case) -> Iterator[Value]:
    for tag, _ in TAG_NAMES.items():
        check = case.verification.checks.get(f"qr_{tag}")
        if check is None:
            continue
        found, expected = check.found, check.expected
        if not check.passed and tag == 1 and case.tag(1) is not None and _is_buyer(case):
            found = "…"
        yield Value(f"qr_{tag}", check.passed, shown(expected, _LONGEST), shown(found, _LONGEST))


def _is_buyer(case: Case) -> bool:
    return any(each.code == "DOCTOR-QR-OTHER-FIELD" and "qr_1" in each.checks for each in examine_tags(case))


def _compared(case: Case, against: bytes, max_bytes: int) -> Difference | None:
    tree = parse_strictly(against, max_bytes=max_bytes)
    remove_stamp(tree)
    return first_difference("canonical form", canonicalise(tree), case.canonical, invoice=True)
