"""Ledgers to measure the ledger alone: writers that cost nothing, and as many documents as wanted in no time.

`filled_ledger` makes real documents; here only rows and bytes of the right size count.
"""

import base64
import hashlib
import sqlite3
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from benchmarks.filled_ledger import add_unit
from benchmarks.invoices import SELLER_NAME, VAT_NUMBER
from khatm.clock import SystemClock
from khatm.document.canonical import StampFacts
from khatm.ledger import issue_rows
from khatm.ledger.generations import Generation
from khatm.ledger.home import Home
from khatm.ledger.issue import ChainPlace
from khatm.ledger.issue_rows import Head
from khatm.ledger.ledger import Ledger, open_ledger

UNIT = "till"
DOCUMENT_BYTES = 10_000
FIRST_DAY = datetime(2026, 1, 1, 9, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Ready:
    """What a writer gives to the ledger: bytes, their hash, and what they say."""

    xml: bytes
    invoice_hash: str
    facts: StampFacts


def ready_ledger(folder: Path, **settings: str) -> Ledger:
    """A new ledger with one unit that can issue."""
    ledger = open_ledger(Home(folder, environ=settings), SystemClock())
    add_unit(ledger, UNIT)
    return ledger


def facts_of(place: ChainPlace, moment: datetime) -> StampFacts:
    """What a simplified invoice at a place says."""
    return StampFacts(
        seller_name=SELLER_NAME,
        vat_number=VAT_NUMBER,
        issue_date=f"{moment:%Y-%m-%d}",
        issue_time=f"{moment:%H:%M:%S}",
        payable="115.00",
        vat_total="15.00",
        simplified=True,
        uuid=place.uuid,
        type_code="388",
        transaction_code="0200000",
        icv=str(place.counter),
        pih=place.previous_hash,
    )


def costless(size: int = DOCUMENT_BYTES) -> Callable[[ChainPlace, Generation], Ready]:
    """A writer whose document costs next to nothing, so that what an issue takes is the ledger's own."""
    xml = b"x" * size
    moment = datetime.now(UTC)
    facts = facts_of(ChainPlace("", 0, ""), moment)
    same = {name: getattr(facts, name) for name in facts._fields if name not in ("uuid", "icv", "pih")}

    def write(place: ChainPlace, _generation: Generation) -> Ready:
        facts = StampFacts(uuid=place.uuid, icv=str(place.counter), pih=place.previous_hash, **same)
        return Ready(xml, f"{place.counter:044d}", facts)

    return write


def fill(ledger: Ledger, number: int, *, per_day: int, size: int = DOCUMENT_BYTES) -> None:
    """Put so many accepted documents into a ledger, fast, so many with each day's date; the chain is whole."""
    generation = ledger.live_generation(UNIT)
    assert generation is not None
    unit = ledger.unit(UNIT)
    head = Head(unit.id, UNIT, unit.next_icv, unit.last_hash)
    for first in range(0, number, 2000):
        rows: list[issue_rows.Row] = []
        for index in range(first, min(first + 2000, number)):
            moment = FIRST_DAY + timedelta(days=index // per_day, seconds=index % per_day)
            place = ChainPlace(str(uuid.uuid4()), head.next_icv, head.last_hash)
            xml = (place.uuid.encode() * (size // 36 + 1))[:size]
            digest = base64.b64encode(hashlib.sha256(xml).digest()).decode()
            rows.append(issue_rows.Row(_row(head, generation, place, digest, moment), xml))
            head = head._replace(next_icv=place.counter + 1, last_hash=digest)
        with ledger._store.write() as connection:
            issue_rows.store(connection, rows)
            issue_rows.advance(connection, head)
    # A log as long as the database would slow every look down; in use it never grows like that.
    with closing(sqlite3.connect(ledger.place)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _row(
    head: Head, generation: Generation, place: ChainPlace, digest: str, moment: datetime
) -> issue_rows.NewDocument:
    facts = facts_of(place, moment)
    stamped = f"{moment:%Y-%m-%dT%H:%M:%S}.000000Z"
    return issue_rows.NewDocument(
        unit_id=head.unit_id,
        generation_id=generation.id,
        icv=place.counter,
        uuid=place.uuid,
        invoice_hash=digest,
        previous_hash=place.previous_hash,
        reference=None,
        content_digest=None,
        profile="simplified",
        type_code=facts.type_code,
        transaction_code=facts.transaction_code,
        issue_date=facts.issue_date,
        issue_time=cast(str, facts.issue_time),
        payable=facts.payable,
        vat_total=facts.vat_total,
        issued_at=stamped,
        deadline=stamped,
        state="accepted",
        route="reporting",
        attempts=1,
        follows=None,
    )
