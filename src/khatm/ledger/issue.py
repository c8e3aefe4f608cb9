"""Issue: one document takes its place in a unit's chain, or nothing happens at all."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import Connection, select

from khatm.ledger import documents, issue_rows, schema
from khatm.ledger.documents import Document, DocumentState, IssuedDocument, Profile, Route
from khatm.ledger.errors import ChainPlaceMismatch, ReferenceTaken
from khatm.ledger.generations import Generation
from khatm.ledger.issue_rows import ChainPlace, Head, LiveGenerations

if TYPE_CHECKING:
    from khatm.document.canonical import StampFacts

__all__ = ["ChainPlace", "Stamped", "Write", "issue"]

_document = schema.document


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
    live: LiveGenerations,
    *,
    reference: str | None,
    digest: str | None,
    now: datetime,
) -> IssuedDocument:
    """Give a document its place, have it written and stamped, store it and advance the chain; the caller commits.

    Whatever `write` raises passes through and the transaction is rolled back: no counter is used up.
    Raises UnknownUnit, NoLiveCredentials, ReferenceTaken, ChainPlaceMismatch. Source: the gateway contract 8.4.
    """
    head = issue_rows.locked_head(connection, unit_name)
    if reference is not None:
        earlier = _with_reference(connection, head, reference, digest)
        if earlier is not None:
            return earlier
    generation = live.of_unit(connection, head)
    place = head.next_place()
    stamped = write(place, generation)
    _require_place(head, place, stamped.facts)
    document = _new_document(head, generation, place, stamped, reference=reference, now=now)
    document_id = issue_rows.store(connection, _row(document, digest), stamped.xml)
    issue_rows.advance(connection, head, stamped.invoice_hash)
    return IssuedDocument(replace(document, id=document_id), stamped.xml)


def _with_reference(connection: Connection, head: Head, reference: str, digest: str | None) -> IssuedDocument | None:
    row = connection.execute(
        select(_document).where(_document.c.unit_id == head.unit_id, _document.c.reference == reference)
    ).one_or_none()
    if row is None:
        return None
    earlier = documents.from_row(row)
    if row.content_digest != digest:
        raise ReferenceTaken(unit=head.unit_name, reference=reference, icv=earlier.icv, uuid=earlier.uuid)
    return IssuedDocument(earlier, documents.stamped_xml(connection, earlier.id), repeated=True)


def _require_place(head: Head, place: ChainPlace, facts: "StampFacts") -> None:
    for field, found, allowed in (
        ("uuid", facts.uuid, place.uuid),
        ("counter (KSA-16)", facts.icv, str(place.counter)),
        ("previous hash (KSA-13)", facts.pih, place.previous_hash),
    ):
        if found != allowed:
            raise ChainPlaceMismatch(unit=head.unit_name, field=field, found=str(found), allowed=allowed)


def _new_document(
    head: Head, generation: Generation, place: ChainPlace, stamped: Stamped, *, reference: str | None, now: datetime
) -> Document:
    facts = stamped.facts
    deadline = documents.reporting_deadline(facts.issue_date, facts.issue_time, now) if facts.simplified else None
    return Document(
        id=0,  # known once it is stored
        unit_id=head.unit_id,
        generation_id=generation.id,
        icv=place.counter,
        uuid=place.uuid,
        invoice_hash=stamped.invoice_hash,
        previous_hash=place.previous_hash,
        reference=reference,
        profile=Profile.SIMPLIFIED if facts.simplified else Profile.STANDARD,
        type_code=facts.type_code,
        transaction_code=facts.transaction_code,
        issue_date=facts.issue_date,
        issue_time=facts.issue_time,
        payable=facts.payable,
        vat_total=facts.vat_total,
        issued_at=now,
        deadline=deadline,
        state=DocumentState.ISSUED,
        route=Route.REPORTING if facts.simplified else Route.CLEARANCE,
        attempts=0,
        next_attempt_at=None,
        reason=None,
        settled_at=None,
    )


def _row(document: Document, digest: str | None) -> dict[str, object]:
    """Return a new document as the database stores it."""
    deadline = document.deadline
    return {
        "unit_id": document.unit_id,
        "generation_id": document.generation_id,
        "icv": document.icv,
        "uuid": document.uuid,
        "invoice_hash": document.invoice_hash,
        "previous_hash": document.previous_hash,
        "reference": document.reference,
        "content_digest": digest,
        "profile": document.profile.value,
        "type_code": document.type_code,
        "transaction_code": document.transaction_code,
        "issue_date": document.issue_date,
        "issue_time": document.issue_time,
        "payable": document.payable,
        "vat_total": document.vat_total,
        "issued_at": schema.moment_text(document.issued_at),
        "deadline": None if deadline is None else schema.moment_text(deadline),
        "state": document.state.value,
        "route": document.route.value,
        "attempts": document.attempts,
    }
