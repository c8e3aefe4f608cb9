"""Ledgers to measure: with a unit that can issue, with as many documents as wanted, and writers that cost nothing."""

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

from benchmarks.invoices import SELLER_NAME, VAT_NUMBER, Identity, new_identity
from khatm.clock import SystemClock
from khatm.document.canonical import StampFacts
from khatm.environment import Environment
from khatm.ledger import issue_rows
from khatm.ledger.generations import Generation
from khatm.ledger.home import Home
from khatm.ledger.issue import ChainPlace
from khatm.ledger.issue_rows import Head
from khatm.ledger.ledger import Ledger, open_ledger
from khatm.stamp.csr_fields import CsrFields

UNIT = "till"
DOCUMENT_BYTES = 10_000
FIRST_DAY = datetime(2026, 1, 1, 9, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Ready:
    """What a writer gives to the ledger: bytes, their hash, and what they say."""

    xml: bytes
    invoice_hash: str
    facts: StampFacts


def ready_ledger(folder: Path, identity: Identity | None = None, **settings: str) -> Ledger:
    """A new ledger with one unit, live under a certificate of its own key."""
    ledger = open_ledger(Home(folder, environ=settings), SystemClock())
    fields = CsrFields("TILL", "1-K|2-1|3-1", VAT_NUMBER, "Branch", SELLER_NAME, "SA", "1100", "RRRD2929", "Retail")
    ledger.add_unit(UNIT, Environment.SIMULATION, fields)
    identity = identity or new_identity()
    token = base64.b64encode(base64.b64encode(identity.certificate_der)).decode()
    generation = ledger.begin_generation(UNIT, identity.key_pem.encode(), b"CSR")
    generation = ledger.record_ccsid(generation, token, "secret", "1")
    ledger.record_pcsid(generation, token, "secret", "2")
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

    def write(place: ChainPlace, _generation: Generation) -> Ready:
        return Ready(xml, f"{place.counter:044d}", facts_of(place, moment))

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
            rows.append((_row(head, generation, place, digest, moment), xml))
            head = head.after(place, digest)
        with ledger._store.write() as connection:
            issue_rows.store(connection, rows)
            issue_rows.advance(connection, head)
    # A log as long as the database would slow every look down; in use it never grows like that.
    with closing(sqlite3.connect(ledger.place)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _row(head: Head, generation: Generation, place: ChainPlace, digest: str, moment: datetime) -> dict[str, object]:
    facts = facts_of(place, moment)
    stamped = f"{moment:%Y-%m-%dT%H:%M:%S}.000000Z"
    return {
        "unit_id": head.unit_id,
        "generation_id": generation.id,
        "icv": place.counter,
        "uuid": place.uuid,
        "invoice_hash": digest,
        "previous_hash": place.previous_hash,
        "reference": None,
        "content_digest": None,
        "profile": "simplified",
        "type_code": facts.type_code,
        "transaction_code": facts.transaction_code,
        "issue_date": facts.issue_date,
        "issue_time": cast(str, facts.issue_time),
        "payable": facts.payable,
        "vat_total": facts.vat_total,
        "issued_at": stamped,
        "deadline": stamped,
        "state": "accepted",
        "route": "reporting",
        "attempts": 1,
        "claim_number": 0,
    }
