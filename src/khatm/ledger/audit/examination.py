"""One document against what is recorded of it: everything is recomputed from the stored bytes.

Source: the stamp standard, sections 3.1, 5 and 6.1; the gateway contract 8.3 and 8.4.
"""

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from khatm.document.canonical import StampFacts
from khatm.document.xml import parse
from khatm.errors import KhatmError
from khatm.ledger.audit.breaks import ChainBreak
from khatm.ledger.audit.record import Record, StampKey
from khatm.ledger.documents import reporting_deadline
from khatm.ledger.schema import moment_text
from khatm.stamp import curve, own_form
from khatm.stamp.canonical import canonicalise, hash_text, invoice_hash, remove_stamp
from khatm.stamp.facts import read_facts
from khatm.stamp.verify import Verification
from khatm.stamp.verify import verify as verify_stamp

BEFORE_THE_CHAIN: Final = ("bytes", "unreadable", "hash", "hash-of-another", "hash-in-row")
"""The checks that come before a document's place in the chain is looked at."""


@dataclass(frozen=True, slots=True)
class Examined:
    """How an examination ended, and the hash that the next document has to name as its previous one."""

    broken: ChainBreak | None
    invoice_hash: str


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the bytes turned out to be; `verification` is None where no check of the stamp failed or none was made."""

    canonical: bytes
    invoice_hash: str
    facts: StampFacts
    verification: Verification | None = None


def examine(
    record: Record, xml: bytes | None, cleared: bytes | None, key: StampKey | None, previous_hash: str | None
) -> Examined:
    """Recompute what a document's bytes say and compare it with its record; name the first difference.

    `previous_hash` is the hash of the document before, None where that is checked elsewhere. Without a `key` the
    stamp is left out: the chain alone is examined.
    """

    def end(check: str, expected: str, found: str, detail: str = "", carry: str = record.invoice_hash) -> Examined:
        return Examined(ChainBreak(record.icv, record.uuid, check, expected, found, detail), carry)

    if xml is None:
        return end("bytes", "the stamped bytes", "nothing")
    try:
        seen = _look(xml, key)
    except KhatmError as error:
        return end("unreadable", "a readable invoice", error.sentence())
    if seen.invoice_hash != record.invoice_hash:
        return end(*_hash_break(record, seen, xml, key))
    facts, previous = seen.facts, previous_hash or record.previous_hash
    for check, expected, found in (
        ("previous-hash", previous, record.previous_hash),
        ("embedded-counter", str(record.icv), str(facts.icv)),
        ("embedded-previous-hash", previous, str(facts.pih)),
        ("embedded-uuid", record.uuid, facts.uuid),
    ):
        if expected != found:
            return end(check, expected, found)
    broken = (
        _stamp_break(record, seen, xml, key) or _row_break(record, seen.facts) or _cleared_break(record, seen, cleared)
    )
    return Examined(broken, record.invoice_hash)


def _look(xml: bytes, key: StampKey | None) -> _Seen:
    """Read the bytes, quickly where they have our own form and every check passes. Raises UnreadableXml."""
    if key is None:
        tree = parse(xml)
        remove_stamp(tree)
        canonical = canonicalise(tree)
        return _Seen(canonical, hash_text(canonical), read_facts(tree.getroot()))
    if key.certificate is not None:
        checked = own_form.check(xml, key.certificate, point=key.point)
        if checked is not None:
            return _Seen(checked.canonical, checked.invoice_hash, checked.facts)
    verification = verify_stamp(xml, certificate=key.certificate)
    return _Seen(verification.canonical, verification.invoice_hash, verification.facts, verification)


def _hash_break(record: Record, seen: _Seen, xml: bytes, key: StampKey | None) -> tuple[str, str, str, str, str]:
    """Tell changed bytes from exchanged ones and from a changed row; the last part is the hash to go on with."""
    facts, expected, found = seen.facts, record.invoice_hash, seen.invoice_hash
    if key is None or _stamp_break(record, seen, xml, key) is not None:
        return "hash", expected, found, "", expected
    if facts.uuid != record.uuid:
        return "hash-of-another", expected, found, f"ICV {facts.icv}, UUID {facts.uuid}", expected
    return "hash-in-row", found, expected, "", found


def _stamp_break(record: Record, seen: _Seen, xml: bytes, key: StampKey | None) -> ChainBreak | None:
    verification = seen.verification
    if key is None or verification is None:
        return None
    fault = _certificate_fault(verification, key) or _signature_fault(verification, key) or _form_fault(seen, xml, key)
    return None if fault is None else ChainBreak(record.icv, record.uuid, *fault)


_Fault = tuple[str, str, str, str]
"""Check, expected, found and detail of a break."""


def _certificate_fault(verification: Verification, key: StampKey) -> _Fault | None:
    if not verification.stamped:
        return "stamp", "a stamp", "nothing", "stamp_present"
    if key.certificate is None:
        return "certificate", "a readable certificate", "nothing", key.label
    embedded = verification.certificate
    if embedded is None or embedded == key.certificate:
        return None  # an unreadable one fails the checks of the stamp
    expected, found = (f"{each.common_name} ({each.serial_number})" for each in (key.certificate, embedded))
    return "certificate", expected, found, key.label


def _signature_fault(verification: Verification, key: StampKey) -> _Fault | None:
    failing = [name for name in verification.failing if name != "signature_value" or not _signed_by(key, verification)]
    if not failing:
        return None
    first = verification.checks[failing[0]]
    return "stamp", first.expected, first.found, ", ".join(failing)


def _form_fault(seen: _Seen, xml: bytes, key: StampKey) -> _Fault | None:
    """Neither hash nor signature cover all bytes of a stamp, but the ledger issues only one form of them."""
    form = None if key.certificate is None else own_form.cut(xml, key.certificate)
    if form is not None and form.canonical == seen.canonical:
        return None
    return "stamp", "the bytes that were issued", "bytes changed where nothing signs them", "unsigned parts"


def _signed_by(key: StampKey, verification: Verification) -> bool:
    """Say whether the unit's own key made the signature where the certificate is the sandbox's canned one."""
    if key.point is None:
        return False
    try:
        digest = base64.b64decode(verification.invoice_hash, validate=True)
        signature = base64.b64decode(verification.signature_value or "", validate=True)
    except ValueError:
        return False
    return curve.verify(key.point, hashlib.sha256(digest).digest(), signature)


def _row_break(record: Record, facts: StampFacts) -> ChainBreak | None:
    profile = "simplified" if facts.simplified else "standard"
    for field, expected, found in (
        ("profile", profile, record.profile),
        ("type_code", facts.type_code, record.type_code),
        ("transaction_code", facts.transaction_code, record.transaction_code),
        ("issue_date", facts.issue_date, record.issue_date),
        ("issue_time", facts.issue_time, record.issue_time),
        ("payable", facts.payable, record.payable),
        ("vat_total", facts.vat_total, record.vat_total),
        ("deadline", _deadline(facts, record), record.deadline),
    ):
        if expected != found:
            return ChainBreak(record.icv, record.uuid, "row", str(expected), str(found), field)
    return None


def _deadline(facts: StampFacts, record: Record) -> str | None:
    """Return when the 24 hours end; what is recorded where the document's own time cannot be read."""
    if not facts.simplified:
        return None
    try:
        start = datetime.fromisoformat(f"{facts.issue_date}T{facts.issue_time}")
        return moment_text(reporting_deadline(facts.issue_date, facts.issue_time, start.replace(tzinfo=UTC)))
    except (ValueError, OverflowError):
        return record.deadline


def _cleared_break(record: Record, seen: _Seen, cleared: bytes | None) -> ChainBreak | None:
    """Clearance changes stamp and QR code, never what the hash covers."""
    if cleared is None or own_form.rest_of_cleared(cleared) == seen.canonical:
        return None
    try:
        found = invoice_hash(cleared)
    except KhatmError as error:
        found = error.sentence()
    if found == record.invoice_hash:
        return None
    return ChainBreak(record.icv, record.uuid, "cleared-copy", record.invoice_hash, found)
