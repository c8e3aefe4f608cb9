"""Issued documents: what the ledger knows of each beside its exact bytes, and how they are found."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Row,
    Select,
    func,
    literal_column,
    or_,
    select,
    union_all,
    update,
)

from khatm.clock import SAUDI
from khatm.ledger import schema
from khatm.ledger.errors import UnknownDocument

_document = schema.document

REPORTING_PERIOD = timedelta(hours=24)
"""How long after its issue a simplified document may be reported. Source: the gateway contract 8.6."""


class DocumentState(StrEnum):
    """Where a document stands with the authority."""

    ISSUED = "issued"
    """In the ledger, never answered for."""
    WAITING = "waiting"
    """Sent at least once without a decision; the same bytes go out again."""
    ACCEPTED = "accepted"
    """Cleared or reported."""
    ACCEPTED_WITH_WARNINGS = "accepted_with_warnings"
    REJECTED = "rejected"
    """Refused for good; it keeps its ICV and its place in the chain."""
    SET_ASIDE = "set_aside"
    """Needs a human; it blocks no other document."""


UNSENT = (DocumentState.ISSUED, DocumentState.WAITING)
REFUSED = (DocumentState.REJECTED, DocumentState.SET_ASIDE)


class Profile(StrEnum):
    """The two families of documents (KSA-2 positions 1 and 2)."""

    STANDARD = "standard"
    SIMPLIFIED = "simplified"


class Route(StrEnum):
    """The endpoint that a document goes to; a standard one is reported when clearance is switched off."""

    CLEARANCE = "clearance"
    REPORTING = "reporting"


class Document(NamedTuple):
    """One document as the ledger knows it at the moment of reading; its bytes are read by an explicit call."""

    id: int
    unit_id: int
    generation_id: int
    """The credentials that stamped it, and that it goes out with while they live."""
    icv: int
    uuid: str
    invoice_hash: str
    previous_hash: str
    reference: str | None
    """The caller's own name for it, unique within the unit."""
    profile: Profile
    type_code: str
    """BT-3: 388, 381, 383 or 386."""
    transaction_code: str
    """KSA-2, seven to nine digits."""
    issue_date: str
    issue_time: str
    payable: str
    vat_total: str
    issued_at: datetime
    deadline: datetime | None
    """Until when a simplified document should be reported: issue date and time plus 24 hours."""
    state: DocumentState
    route: Route
    attempts: int
    """How many times it was sent and something about it was stored."""
    next_attempt_at: datetime | None
    reason: str | None
    """Why it waits, was rejected or was set aside."""
    settled_at: datetime | None
    follows: int | None = None
    """The document that this one corrects or changes."""


class IssuedDocument(NamedTuple):
    """What an issue gives back: the document, its exact stamped bytes, and whether it had been issued before."""

    document: Document
    xml: bytes
    repeated: bool = False
    """True when the caller's reference was known with the same content: this is that earlier document."""


@dataclass(frozen=True, slots=True)
class StoredXml:
    """Stamped bytes as they are read back."""

    content: bytes
    sha256: str | None
    """Their SHA-256 in hex as it was at issue; None for documents of a ledger from before it was kept."""


def content_digest(content: object) -> str:
    """Return the digest by which two requests with one reference are compared: SHA-256 of canonical JSON, in hex.

    `content` is plain data (dicts, lists, text, numbers, Decimal); the order of members does not matter.
    """
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def reporting_deadline(issue_date: str, issue_time: str, issued_at: datetime) -> datetime:
    """Return the end of the 24 hours: from issue date and time (KSA-25), in Saudi time unless a zone is written."""
    return (_moment_of_issue(issue_date, issue_time) or issued_at) + REPORTING_PERIOD


@lru_cache(maxsize=64)
def _moment_of_issue(issue_date: str, issue_time: str) -> datetime | None:
    try:
        start = datetime.fromisoformat(f"{issue_date}T{issue_time}")
    except ValueError:
        return None
    return start if start.tzinfo else start.replace(tzinfo=SAUDI)


def by_uuid(connection: Connection, uuid: str) -> Document:
    """Return the document with that UUID; raises UnknownDocument."""
    row = connection.execute(select(_document).where(_document.c.uuid == uuid)).one_or_none()
    if row is None:
        raise UnknownDocument(wanted=uuid)
    return from_row(row)


def by_icv(connection: Connection, unit_id: int, icv: int) -> Document:
    """Return the unit's document with that counter; raises UnknownDocument."""
    row = connection.execute(
        select(_document).where(_document.c.unit_id == unit_id, _document.c.icv == icv)
    ).one_or_none()
    if row is None:
        raise UnknownDocument(wanted=str(icv))
    return from_row(row)


def by_id(connection: Connection, document_id: int) -> Document:
    """Return a document that a value read before refers to."""
    return from_row(connection.execute(select(_document).where(_document.c.id == document_id)).one())


def of_unit(
    connection: Connection, unit_id: int, *, states: Sequence[DocumentState] = (), after: int = 0, limit: int = 0
) -> list[Document]:
    """Return a unit's documents in ICV order, those in `states` if any are named, beyond ICV `after`."""
    query = select(_document).where(_document.c.unit_id == unit_id, _document.c.icv > after).order_by(_document.c.icv)
    if states:
        query = query.where(_document.c.state.in_([state.value for state in states]))
    if limit:
        query = query.limit(limit)
    return [from_row(row) for row in connection.execute(query)]


def of_day(connection: Connection, unit_id: int, day: date) -> list[Document]:
    """Return a unit's documents whose issue date (BT-2) is a day, in ICV order."""
    rows = connection.execute(in_days(select(_document), unit_id, day, day))
    return sorted((from_row(row) for row in rows), key=lambda document: document.icv)


def in_days(query: Select[Any], unit_id: int, first: date, last: date) -> CompoundSelect[Any]:
    """Narrow a query of documents down to a unit's with an issue date (BT-2) in a span of days, in no order.

    Two halves, each with its index: what is decided stands in one by days, into which no issue has to write; what is
    not decided is a handful.
    """
    of_unit = (_document.c.unit_id == unit_id) & _document.c.issue_date.between(first.isoformat(), last.isoformat())
    return union_all(query.where(of_unit, ~_is_unsent()), query.where(of_unit, _is_unsent()))


def unsent(
    connection: Connection, unit_id: int, *, profile: Profile | None = None, after: int = 0, limit: int = 0
) -> list[Document]:
    """Return documents that are not decided yet, of one profile or both, in ICV order, whatever time has come."""
    wanted = _is_unsent() if profile is None else _is_unsent() & (_document.c.profile == profile.value)
    return _unsent(connection, unit_id, wanted, after, limit)


def sendable(connection: Connection, now: datetime, holding: int) -> list[int]:
    """Return the ids of the units that have documents to send now.

    A simplified document that waits for its next attempt holds the later ones of its unit back until it has had
    `holding` attempts; standard ones wait for nobody.
    """
    held = _holders(now, holding).subquery()
    simplified = _document.c.profile == Profile.SIMPLIFIED.value
    ready = or_(_document.c.next_attempt_at.is_(None), _document.c.next_attempt_at <= now)
    rows = connection.execute(
        select(_document.c.unit_id)
        .outerjoin(held, held.c.unit_id == _document.c.unit_id)
        .where(_is_unsent(), ready, or_(~simplified, held.c.icv.is_(None), _document.c.icv < held.c.icv))
        .distinct()
    )
    return list(rows.scalars())


def reporting_holder(connection: Connection, unit_id: int, now: datetime, holding: int) -> int | None:
    """Return the ICV of the simplified document that holds back the later ones of its unit, see `sendable`."""
    held = _holders(now, holding).subquery()
    return connection.execute(select(held.c.icv).where(held.c.unit_id == unit_id)).scalar()


def _holders(now: datetime, holding: int) -> Select[tuple[int, int]]:
    return (
        select(_document.c.unit_id, func.min(_document.c.icv).label("icv"))
        .where(
            _is_unsent(),
            _document.c.profile == Profile.SIMPLIFIED.value,
            _document.c.next_attempt_at > now,
            _document.c.attempts < holding,
        )
        .group_by(_document.c.unit_id)
    )


def due(connection: Connection, unit_id: int, now: datetime, *, after: int = 0, limit: int = 0) -> list[Document]:
    """Return undecided documents whose next attempt is due, in ICV order."""
    ready = or_(_document.c.next_attempt_at.is_(None), _document.c.next_attempt_at <= now)
    return _unsent(connection, unit_id, _is_unsent() & ready, after, limit)


def bring_forward(connection: Connection, environment: str, gateway_url: str | None, now: datetime) -> int:
    """Make the waiting documents of all units behind a gateway due now; return how many.

    Those stay as they are whose last answer was a 429: they wait because they were told to.
    """
    unit, exchange = schema.unit, schema.exchange
    behind = select(unit.c.id).where(
        unit.c.environment == environment, unit.c.gateway_url.is_not_distinct_from(gateway_url)
    )
    last_status = (
        select(exchange.c.http_status)
        .where(exchange.c.document_id == _document.c.id)
        .order_by(exchange.c.id.desc())
        .limit(1)
        .correlate(_document)
        .scalar_subquery()
    )
    changed = connection.execute(
        update(_document)
        .where(
            _is_unsent(),
            _document.c.next_attempt_at > now,
            _document.c.unit_id.in_(behind),
            last_status.is_distinct_from(429),
        )
        .values(next_attempt_at=now)
    )
    return changed.rowcount


def counts(connection: Connection, unit_id: int) -> dict[DocumentState, int]:
    """Return how many documents of a unit are in each state."""
    rows = connection.execute(
        select(_document.c.state, func.count()).where(_document.c.unit_id == unit_id).group_by(_document.c.state)
    )
    found = {DocumentState(state): int(number) for state, number in rows}
    return {state: found.get(state, 0) for state in DocumentState}


def unsent_count(connection: Connection, unit_id: int) -> int:
    """Return how many documents of a unit are not decided yet."""
    count: int = connection.execute(
        select(func.count()).select_from(_document).where(_document.c.unit_id == unit_id, _is_unsent())
    ).scalar_one()
    return count


def stamped_xml(connection: Connection, document_id: int) -> bytes:
    """Return the exact bytes that were issued."""
    content: bytes = connection.execute(
        select(schema.stamped_xml.c.content).where(schema.stamped_xml.c.document_id == document_id)
    ).scalar_one()
    return content


def stored_xml(connection: Connection, document_id: int) -> StoredXml | None:
    """Return the issued bytes with the digest stored beside them, None when they are lost."""
    row = connection.execute(
        select(schema.stamped_xml.c.content, schema.stamped_xml.c.sha256).where(
            schema.stamped_xml.c.document_id == document_id
        )
    ).one_or_none()
    return None if row is None else StoredXml(row.content, row.sha256)


def authored(connection: Connection, document_id: int) -> bytes | None:
    """Return what a document was written from, as it was kept; None when nothing was."""
    return connection.execute(
        select(schema.stamped_xml.c.authored).where(schema.stamped_xml.c.document_id == document_id)
    ).scalar()


def cleared_xml(connection: Connection, document_id: int) -> bytes | None:
    """Return the bytes that clearance gave back, None if there are none."""
    return connection.execute(
        select(schema.cleared_xml.c.content).where(schema.cleared_xml.c.document_id == document_id)
    ).scalar()


def from_row(row: Row[tuple[object, ...]]) -> Document:
    """Return the value that a row of the document table stands for."""
    values = row._mapping
    return Document(
        id=values["id"],
        unit_id=values["unit_id"],
        generation_id=values["generation_id"],
        icv=values["icv"],
        uuid=values["uuid"],
        invoice_hash=values["invoice_hash"],
        previous_hash=values["previous_hash"],
        reference=values["reference"],
        profile=Profile(values["profile"]),
        type_code=values["type_code"],
        transaction_code=values["transaction_code"],
        issue_date=values["issue_date"],
        issue_time=values["issue_time"],
        payable=values["payable"],
        vat_total=values["vat_total"],
        issued_at=values["issued_at"],
        deadline=values["deadline"],
        state=DocumentState(values["state"]),
        route=Route(values["route"]),
        attempts=values["attempts"],
        next_attempt_at=values["next_attempt_at"],
        reason=values["reason"],
        settled_at=values["settled_at"],
        follows=values["follows"],
    )


def is_one_of(states: Sequence[DocumentState]) -> ColumnElement[bool]:
    """Return the condition that a document is in one of some states: `UNSENT` or `REFUSED`, for which indexes exist."""
    # Written into the statement, in the index's own words: only so does SQLite see that a partial index serves it.
    return _document.c.state.in_([literal_column(f"'{state.value}'") for state in states])


def _is_unsent() -> ColumnElement[bool]:
    return is_one_of(UNSENT)


def _unsent(
    connection: Connection, unit_id: int, condition: ColumnElement[bool], after: int, limit: int
) -> list[Document]:
    query = (
        select(_document)
        .where(_document.c.unit_id == unit_id, _document.c.icv > after, condition)
        .order_by(_document.c.icv)
    )
    if limit:
        query = query.limit(limit)
    return [from_row(row) for row in connection.execute(query)]
