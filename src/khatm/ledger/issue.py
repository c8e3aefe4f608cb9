"""Issue: one document takes its place in a unit's chain, or nothing happens at all."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, cast

from sqlalchemy import Connection, insert, select

from khatm.ledger import documents, generations, schema, units
from khatm.ledger.documents import ArchiveKind, DocumentState, IssuedDocument, Profile, Route
from khatm.ledger.errors import ChainPlaceMismatch, NoLiveCredentials, ReferenceTaken
from khatm.ledger.generations import Generation
from khatm.ledger.units import Unit

if TYPE_CHECKING:
    from khatm.document.canonical import StampFacts

_document = schema.document


@dataclass(frozen=True, slots=True)
class ChainPlace:
    """What the chain gives a document: a fresh UUID, its counter (KSA-16) and the previous hash (KSA-13)."""

    uuid: str
    counter: int
    previous_hash: str


class Stamped(Protocol):
    """A finished document: exact bytes, invoice hash (44 characters of base64) and the facts it repeats."""

    @property
    def xml(self) -> bytes:
        """The whole file."""
        ...

    @property
    def invoice_hash(self) -> str:
        """Base64 of the SHA-256 of the canonical form."""
        ...

    @property
    def facts(self) -> "StampFacts":
        """What the document says of itself, UUID, counter and previous hash included."""
        ...


Write = Callable[[ChainPlace, Generation], Stamped]
"""Writes and stamps a document for a place, with the credentials of a generation. It runs under the unit's lock."""


def issue(
    connection: Connection,
    unit_name: str,
    write: Write,
    *,
    reference: str | None,
    digest: str | None,
    now: datetime,
) -> IssuedDocument:
    """Give a document its place, have it written and stamped, store it and advance the chain; the caller commits.

    Whatever `write` raises passes through and the transaction is rolled back: no counter is used up.
    Raises UnknownUnit, NoLiveCredentials, ReferenceTaken, ChainPlaceMismatch. Source: the gateway contract 8.4.
    """
    unit = units.by_name(connection, unit_name, lock=True)
    if reference is not None:
        earlier = _with_reference(connection, unit, reference, digest)
        if earlier is not None:
            return earlier
    generation = generations.live_one(connection, unit.id)
    if generation is None:
        raise NoLiveCredentials(unit=unit.name)
    place = ChainPlace(str(uuid.uuid4()), unit.next_icv, unit.last_hash)
    stamped = write(place, generation)
    _require_place(unit, place, stamped.facts)
    document_id = _store(connection, unit, generation, place, stamped, reference=reference, digest=digest, now=now)
    units.advance(connection, unit.id, next_icv=place.counter + 1, last_hash=stamped.invoice_hash)
    return IssuedDocument(documents.by_id(connection, document_id), stamped.xml)


def _with_reference(connection: Connection, unit: Unit, reference: str, digest: str | None) -> IssuedDocument | None:
    row = connection.execute(
        select(_document).where(_document.c.unit_id == unit.id, _document.c.reference == reference)
    ).one_or_none()
    if row is None:
        return None
    earlier = documents.from_row(row)
    if row.content_digest != digest:
        raise ReferenceTaken(unit=unit.name, reference=reference, icv=earlier.icv, uuid=earlier.uuid)
    xml = documents.content(connection, earlier.id, ArchiveKind.STAMPED)
    assert xml is not None
    return IssuedDocument(earlier, xml, repeated=True)


def _require_place(unit: Unit, place: ChainPlace, facts: "StampFacts") -> None:
    for field, found, allowed in (
        ("uuid", facts.uuid, place.uuid),
        ("counter (KSA-16)", facts.icv, str(place.counter)),
        ("previous hash (KSA-13)", facts.pih, place.previous_hash),
    ):
        if found != allowed:
            raise ChainPlaceMismatch(unit=unit.name, field=field, found=str(found), allowed=allowed)


def _store(
    connection: Connection,
    unit: Unit,
    generation: Generation,
    place: ChainPlace,
    stamped: Stamped,
    *,
    reference: str | None,
    digest: str | None,
    now: datetime,
) -> int:
    facts = stamped.facts
    deadline = documents.reporting_deadline(facts.issue_date, facts.issue_time, now) if facts.simplified else None
    result = connection.execute(
        insert(_document).values(
            unit_id=unit.id,
            generation_id=generation.id,
            icv=place.counter,
            uuid=place.uuid,
            invoice_hash=stamped.invoice_hash,
            previous_hash=place.previous_hash,
            reference=reference,
            content_digest=digest,
            profile=(Profile.SIMPLIFIED if facts.simplified else Profile.STANDARD).value,
            type_code=facts.type_code,
            transaction_code=facts.transaction_code,
            issue_date=facts.issue_date,
            issue_time=facts.issue_time,
            payable=facts.payable,
            vat_total=facts.vat_total,
            issued_at=now,
            deadline=deadline,
            state=DocumentState.ISSUED.value,
            route=(Route.REPORTING if facts.simplified else Route.CLEARANCE).value,
            attempts=0,
            claim_number=0,
        )
    )
    key = result.inserted_primary_key
    assert key is not None
    document_id = cast(int, key[0])
    connection.execute(
        insert(schema.archive).values(document_id=document_id, kind=ArchiveKind.STAMPED.value, content=stamped.xml)
    )
    return document_id
