"""What is left after a run, counted from the archive's bytes and the authority's own database.

The rows are read with the database's driver and the hash is computed here: nothing of the ledger has a say.
"""

import hashlib
import json
import sqlite3
from base64 import b64encode
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from lxml import etree

from tests.torture.authority import Authority
from tests.torture.documents import is_rejected, is_standard, reference, unit_of
from tests.torture.plan import REJECTED_RULE, UNITS, Plan

_FIRST_PIH = b64encode(hashlib.sha256(b"0").hexdigest().encode()).decode()
_CBC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"
_CAC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2}"
_EXTENSIONS = "{urn:oasis:names:specification:ubl:schema:xsd:CommonExtensionComponents-2}UBLExtensions"
_ARCHIVE = """
    SELECT unit.name, document.icv, document.uuid, document.reference, document.invoice_hash, stamped_xml.content,
        cleared_xml.content
    FROM document JOIN unit ON unit.id = document.unit_id
        LEFT JOIN stamped_xml ON stamped_xml.document_id = document.id
        LEFT JOIN cleared_xml ON cleared_xml.document_id = document.id
    ORDER BY unit.name, document.icv
"""
_ANSWERS = """
    SELECT document.invoice_hash, exchange.http_status, exchange.response_body
    FROM exchange JOIN document ON document.id = exchange.document_id
"""


@dataclass
class Findings:
    """What was counted, and every sentence about something that should not be."""

    documents: int = 0
    accepted: int = 0
    rejected: int = 0
    cleared_copies: int = 0
    acknowledged: int = 0
    wrong: list[str] = field(default_factory=list)


def examine(plan: Plan, database: str | Path, authority: Authority, acknowledged: list[Path]) -> Findings:
    """Look at everything."""
    findings = Findings()
    archive = [*_rows(database, _ARCHIVE)]
    findings.documents = len(archive)
    _chains(archive, findings.wrong)
    _completeness(plan, archive, findings.wrong)
    _acknowledgements(archive, acknowledged, findings)
    _acceptance(archive, authority, [*_rows(database, _ANSWERS)], findings)
    return findings


def _rows(database: str | Path, query: str) -> Iterator[tuple]:
    if isinstance(database, Path):
        with closing(sqlite3.connect(database)) as connection:
            yield from connection.execute(query)
    else:
        with psycopg.connect(database) as connection:
            yield from connection.execute(query.encode())


def _chains(archive: list[tuple], wrong: list[str]) -> None:
    """Gaps, forks and doubled counters or UUIDs, by the bytes alone."""
    previous: dict[str, str] = defaultdict(lambda: _FIRST_PIH)
    counter: Counter[str] = Counter()
    for unit, icv, uuid, _, invoice_hash, xml, cleared in archive:
        counter[unit] += 1
        root = etree.fromstring(xml)
        said = (root.findtext(f"{_CBC}UUID"), _reference(root, "ICV"), _reference(root, "PIH"))
        if said != (uuid, str(counter[unit]), previous[unit]) or icv != counter[unit]:
            wrong.append(f"{unit} {icv}: says {said}, expected {(uuid, counter[unit], previous[unit])}")
        previous[unit] = _hash(root)
        if invoice_hash != previous[unit]:
            wrong.append(f"{unit} {icv}: the row says hash {invoice_hash}, the bytes {previous[unit]}")
        if cleared is not None and _hash(etree.fromstring(cleared)) != previous[unit]:
            wrong.append(f"{unit} {icv}: the cleared copy is another document")
    doubled = [uuid for uuid, times in Counter(row[2] for row in archive).items() if times > 1]
    wrong.extend(f"UUID {uuid} is there more than once" for uuid in doubled)


def _completeness(plan: Plan, archive: list[tuple], wrong: list[str]) -> None:
    asked_for = Counter((unit_of(number), reference(number)) for number in range(plan.documents))
    found = Counter((row[0], row[3]) for row in archive)
    wrong.extend(f"{key} is missing" for key in asked_for - found)
    wrong.extend(f"{key} is there too often" for key in found - asked_for)


def _acknowledgements(archive: list[tuple], acknowledged: list[Path], findings: Findings) -> None:
    """Whatever a caller was told was issued is there as it was told."""
    there = {(row[3], row[0], row[1], row[2]) for row in archive}
    for path in acknowledged:
        for line in path.read_text().splitlines():
            if line.count(" ") == 3:
                number, unit, icv, uuid = line.split()
                findings.acknowledged += 1
                if (reference(int(number)), unit, int(icv), uuid) not in there:
                    findings.wrong.append(f"acknowledged and lost: {line}")


def _acceptance(archive: list[tuple], authority: Authority, answers: list[tuple], findings: Findings) -> None:
    """Accepted exactly once, or refused by the scripted rule with the answer kept; cleared copies where one came."""
    vat_numbers = {unit.name: unit.vat_number for unit in UNITS}
    accepted = Counter(authority.accepted())
    refused = {row[0] for row in answers if row[1] == 400 and REJECTED_RULE.encode() in bytes(row[2] or b"")}
    with_copy = {row[0] for row in answers if row[1] in (200, 202, 208) and _has_copy(bytes(row[2] or b""))}
    for unit, icv, _, own_name, invoice_hash, _, cleared in archive:
        number = int(own_name.rpartition("-")[2])
        times = accepted.pop((vat_numbers[unit], invoice_hash), 0)
        if times != (0 if is_rejected(number) else 1):
            findings.wrong.append(f"{unit} {icv}: accepted {times} times")
        if is_rejected(number) != (invoice_hash in refused):
            findings.wrong.append(f"{unit} {icv}: the evidence of a rejection is missing, or is there for no reason")
        findings.accepted += times
        findings.rejected += invoice_hash in refused
        findings.cleared_copies += cleared is not None
        if is_standard(number) and (cleared is not None) != (invoice_hash in with_copy and not is_rejected(number)):
            findings.wrong.append(f"{unit} {icv}: a cleared copy that came is not kept, or one is kept that never came")
    findings.wrong.extend(f"the authority has accepted what nobody issued: {key}" for key in accepted)


def _has_copy(answer: bytes) -> bool:
    try:
        return bool(json.loads(answer).get("clearedInvoice"))
    except ValueError:
        return False


def _reference(root: etree._Element, identifier: str) -> str | None:
    for each in root.iterfind(f"{_CAC}AdditionalDocumentReference"):
        if each.findtext(f"{_CBC}ID") == identifier:
            if identifier == "ICV":
                return each.findtext(f"{_CBC}UUID")
            return each.findtext(f"{_CAC}Attachment/{_CBC}EmbeddedDocumentBinaryObject")
    return None


def _hash(root: etree._Element) -> str:
    """The invoice hash of a document whose three parts have no text behind them that counts."""
    for part in [*root.iterfind(_EXTENSIONS), *root.iterfind(f"{_CAC}Signature")]:
        _drop(root, part)
    for each in root.findall(f"{_CAC}AdditionalDocumentReference"):
        if each.findtext(f"{_CBC}ID") == "QR":
            _drop(root, each)
    return b64encode(hashlib.sha256(etree.tostring(root, method="c14n")).digest()).decode()


def _drop(root: etree._Element, part: etree._Element) -> None:
    """Take an element out and leave the text behind it where it is."""
    before = part.getprevious()
    if part.tail and before is not None:
        before.tail = (before.tail or "") + part.tail
    elif part.tail:
        root.text = (root.text or "") + part.tail
    root.remove(part)
