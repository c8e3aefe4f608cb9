"""Fill a ledger with really stamped documents, thousands a second: what large archives are measured on.

    python -m benchmarks.filled_ledger FOLDER --documents 100000 --units 4

Every document is written and stamped by the product; the arithmetic is done once per shape, and many documents share a
commit. A seed gives the same shapes in the same order; keys and UUIDs are fresh. All invented.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

from sqlalchemy import insert, update

from benchmarks.invoices import FIRST_PREVIOUS_HASH, UUID, VAT_NUMBER, Identity, authored, new_identity
from benchmarks.khatm_side import signer_of
from khatm.clock import SAUDI, FixedClock
from khatm.document.arithmetic import compute
from khatm.document.canonical import CanonicalInvoice
from khatm.document.model import read_document
from khatm.document.writer import ChainPlace, write
from khatm.environment import Environment
from khatm.ledger import schema
from khatm.ledger.documents import Document, IssuedDocument, Profile
from khatm.ledger.generations import Generation
from khatm.ledger.home import Home
from khatm.ledger.issue import ChainPlace as LedgerPlace
from khatm.ledger.issue import IssueRequest
from khatm.ledger.ledger import Ledger, open_ledger
from khatm.stamp.certificate import read_certificate
from khatm.stamp.csr_fields import CsrFields
from khatm.stamp.signers import Signer
from khatm.stamp.xades import StampedInvoice, stamp

FIRST_DAY: Final = datetime(2026, 3, 5, 8, 0, tzinfo=SAUDI)
BATCH: Final = 500
"""Documents per commit."""

RETAIL: Final = (12, 12, 12, 8, 4, 2, 4, 1)
"""How often each of the shapes comes in a small shop."""

_MARKS: Final = {
    "number": b"<cbc:ID>NUMBER-MARK</cbc:ID>",
    "uuid": f"<cbc:UUID>{UUID}</cbc:UUID>".encode(),
    "date": b"<cbc:IssueDate>2026-03-04</cbc:IssueDate>",
    "time": b"<cbc:IssueTime>12:10:00</cbc:IssueTime>",
    "counter": b"<cbc:UUID>999999999</cbc:UUID>",
    "previous": FIRST_PREVIOUS_HASH.encode(),
}


@dataclass(frozen=True, slots=True)
class Filled:
    """A filled ledger: where it lies, its units, and how many documents each of them has."""

    home: Home
    units: tuple[str, ...]
    documents_per_unit: int


class Shape:
    """One kind of document, computed once, with the places of what differs from document to document."""

    def __init__(self, content: dict[str, Any]) -> None:
        computed = compute(read_document(content))
        self._invoice = write(computed, ChainPlace(UUID, 999_999_999, FIRST_PREVIOUS_HASH))

    def at(self, place: LedgerPlace, number: str, moment: datetime) -> CanonicalInvoice:
        """Return the document for a place in a chain, with its number and Saudi time of issue."""
        date, clock = moment.strftime("%Y-%m-%d %H:%M:%S").split()
        values = {
            "number": f"<cbc:ID>{number}</cbc:ID>",
            "uuid": f"<cbc:UUID>{place.uuid}</cbc:UUID>",
            "date": f"<cbc:IssueDate>{date}</cbc:IssueDate>",
            "time": f"<cbc:IssueTime>{clock}</cbc:IssueTime>",
            "counter": f"<cbc:UUID>{place.counter}</cbc:UUID>",
            "previous": place.previous_hash,
        }
        body = self._invoice.body
        for name, mark in _MARKS.items():
            body = body.replace(mark, values[name].encode(), 1)
        facts = self._invoice.facts._replace(
            uuid=place.uuid,
            issue_date=date,
            issue_time=clock,
            icv=str(place.counter),
            pih=place.previous_hash,
        )
        return CanonicalInvoice(self._invoice.head, body, self._invoice.tail, facts)


def fill(
    folder: Path,
    documents: int,
    *,
    units: int = 1,
    per_day: int = 1000,
    settled: bool = True,
    seed: int = 1,
    home: Home | None = None,
    weights: Sequence[int] = RETAIL,
) -> Filled:
    """Make a ledger in `folder` (or at `home`) with `documents` documents spread evenly over `units`.

    A unit issues `per_day` documents a day. With `settled` all are accepted, with one exchange each, and every
    standard document has a cleared copy; without, they wait. `weights` says how often each of `shapes` comes.
    """
    home = home or Home(folder, environ={})
    names = tuple(f"till-{number}" for number in range(1, units + 1))
    each = documents // units
    with open_ledger(home, FixedClock(FIRST_DAY)) as ledger:
        for number, name in enumerate(names):
            signer = add_unit(ledger, name)
            rng = Random(seed + number)
            _fill_unit(ledger, name, signer, each, per_day=per_day, settled=settled, rng=rng, weights=weights)
    return Filled(home, names, each)


def shapes() -> list[Shape]:
    """The kinds of documents that a small shop issues: mostly receipts, some notes, some tax invoices."""
    receipts = [content("simplified", "invoice", lines) for lines in (1, 2, 3, 5, 8)]
    others = [
        content("simplified", "credit_note", 1),
        content("standard", "invoice", 3),
        content("standard", "debit_note", 1),
    ]
    return [Shape(each) for each in receipts + others]


def content(profile: str, kind: str, lines: int) -> dict[str, Any]:
    """Return the authoring data of one kind, with the marks that `Shape` replaces."""
    data = authored(lines) | {"profile": profile, "kind": kind, "number": "NUMBER-MARK"}
    if kind != "invoice":
        data |= {"references": [{"number": "BM-2026-0001"}], "reasons": ["Return of goods | إرجاع سلع"]}
    if profile == "standard":
        data["supply"] = {"date": "2026-03-04"}
        data["buyer"] = {
            "name": "مطعم الواحة | Oasis Restaurant",
            "vat": "399999995400003",
            "address": dict(data["seller"]["address"]),
        }
    return data


def add_unit(ledger: Ledger, name: str) -> Signer:
    """Add a unit that can issue, live under a certificate of its own key; return its signer."""
    identity: Identity = new_identity()
    fields = CsrFields(
        common_name=name,
        serial_number=f"1-Khatm|2-1|3-{name}",
        organization_identifier=VAT_NUMBER,
        organization_unit_name="الفرع الرئيسي",
        organization_name="شركة ركن النخيل",
        country_name="SA",
        invoice_type="1100",
        location_address="RRRD2929",
        industry_business_category="Retail",
    )
    unit = ledger.add_unit(name, Environment.SIMULATION, fields)
    generation = ledger.begin_generation(unit, identity.key_pem.encode(), b"")
    token = read_certificate(identity.certificate_der).token
    generation = ledger.record_ccsid(generation, token, "benchmark", "1234567890123")
    ledger.record_pcsid(generation, token, "benchmark", "30368")
    return signer_of(identity)


def _fill_unit(
    ledger: Ledger,
    unit: str,
    signer: Signer,
    documents: int,
    *,
    per_day: int,
    settled: bool,
    rng: Random,
    weights: Sequence[int],
) -> None:
    kinds = shapes()
    platform = signer_of(new_identity())  # clears under a certificate of its own, as the authority does
    gap = timedelta(hours=14) / per_day
    for first in range(1, documents + 1, BATCH):
        copies: list[bytes | None] = []

        def request(icv: int, copies: list[bytes | None] = copies) -> IssueRequest:
            moment = FIRST_DAY + timedelta(days=(icv - 1) // per_day) + (icv - 1) % per_day * gap
            shape = rng.choices(kinds, weights)[0]

            def written(place: LedgerPlace, _generation: Generation) -> StampedInvoice:
                invoice = shape.at(place, f"BM-{place.counter:07d}", moment)
                standard = settled and not invoice.facts.simplified
                copies.append(stamp(invoice, platform, moment).xml if standard else None)
                return stamp(invoice, signer, moment)

            return IssueRequest(unit, written)

        answers = ledger.issue_all([request(icv) for icv in range(first, min(first + BATCH, documents + 1))])
        stored = []
        for answer, copy in zip(answers, copies, strict=True):
            assert isinstance(answer, IssuedDocument), answer
            stored.append((answer.document, copy))
        if settled:
            with ledger._store.write() as connection:
                _settle(connection, stored)


def _settle(connection: Any, stored: list[tuple[Document, bytes | None]]) -> None:
    """Record that each document was accepted at once: state, one exchange, and the cleared copy."""
    rows = list(_exchanges(stored))
    connection.execute(insert(schema.exchange), rows)
    copies = [{"document_id": document.id, "content": xml} for document, xml in stored if xml is not None]
    if copies:
        connection.execute(insert(schema.cleared_xml), copies)
    first, last = stored[0][0].id, stored[-1][0].id
    connection.execute(
        update(schema.document)
        .where(schema.document.c.id.between(first, last))
        .values(state="accepted", attempts=1, settled_at=stored[-1][0].issued_at)
    )


def _exchanges(stored: list[tuple[Document, bytes | None]]) -> Iterator[dict[str, object]]:
    for document, _ in stored:
        standard = document.profile is Profile.STANDARD
        done = "CLEARED" if standard else "REPORTED"
        name = "clearanceStatus" if standard else "reportingStatus"
        yield {
            "document_id": document.id,
            "generation_id": document.generation_id,
            "call": "clearance" if standard else "reporting",
            "outcome_row": "accepted",
            "verdict": "accepted",
            "method": "POST",
            "url": f"https://gw-fatoora.zatca.gov.sa/e-invoicing/simulation/invoices/{document.route.value}/single",
            "request_headers": [["Accept-Version", "V2"], ["Content-Type", "application/json"]],
            "request_body_sha256": "0" * 64,
            "http_status": 200,
            "response_headers": [["Content-Type", "application/json"]],
            "response_body": f'{{"validationResults":{{"status":"PASS"}},"{name}":"{done}"}}'.encode(),
            "failure": None,
            "started_at": document.issued_at,
            "ended_at": document.issued_at,
        }


def main() -> int:
    """Fill a ledger and print how long it took."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.filled_ledger", description=__doc__)
    parser.add_argument("folder", type=Path, help="becomes KHATM_HOME of the new ledger")
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--units", type=int, default=1)
    parser.add_argument("--per-day", type=int, default=1000)
    parser.add_argument("--unsent", action="store_true", help="leave all documents waiting to be sent")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = time.perf_counter()
    filled = fill(
        options.folder,
        options.documents,
        units=options.units,
        per_day=options.per_day,
        settled=not options.unsent,
        seed=options.seed,
    )
    seconds = time.perf_counter() - began
    made = filled.documents_per_unit * len(filled.units)
    print(f"{made} documents in {len(filled.units)} units, {seconds:.1f} s, {made / seconds:.0f} documents/s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
