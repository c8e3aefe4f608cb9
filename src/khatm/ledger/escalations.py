"""Escalations: simplified documents that are not at the authority so many hours after their issue.

Each is recorded once per document and level, whichever processes look at the same time, and carries its own telling:
who takes it to be told has it until the next attempt is due, so a teller that dies only delays it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from khatm.ledger import documents, events, schema
from khatm.ledger.documents import REFUSED, REPORTING_PERIOD, UNSENT, Document, DocumentState
from khatm.ledger.events import EventKind

_document = schema.document
_escalation = schema.escalation

LEVELS = (6, 18, 23)
"""Hours after the issue at which a document that is not at the authority is escalated."""


@dataclass(frozen=True, slots=True)
class Escalation:
    """One document at one level, taken to be told."""

    document: Document
    hours: int
    attempts: int
    """How many times it has been taken, this time included."""


def raise_due(connection: Connection, now: datetime, limit: int) -> int:
    """Record what has become late since the last look, at most `limit` documents a level; return how many."""
    raised = 0
    for hours in LEVELS:
        for document in _late(connection, now, hours, limit):
            if _record(connection, document, hours, now):
                raised += 1
                facts = {"hours": hours, "deadline": document.deadline.isoformat() if document.deadline else None}
                events.add(
                    connection,
                    EventKind.ESCALATED,
                    now,
                    facts,
                    unit_id=document.unit_id,
                    document_id=document.id,
                )
    return raised


def take_untold(connection: Connection, now: datetime, until: datetime, limit: int) -> list[Escalation]:
    """Take escalations of documents that are still late; nobody else gets them before `until`."""
    rows = connection.execute(
        select(_escalation.c.document_id, _escalation.c.hours)
        .where(_escalation.c.told_at.is_(None), _escalation.c.next_attempt_at <= now)
        .order_by(_escalation.c.hours.desc(), _escalation.c.document_id)
        .limit(limit)
    ).all()
    taken = []
    for document_id, hours in rows:
        this = _this(document_id, hours)
        document = documents.by_id(connection, document_id)
        if not _is_late(document):
            connection.execute(update(_escalation).where(this).values(told_at=now))  # there is nothing to tell any more
            continue
        attempts = connection.execute(
            update(_escalation)
            # Asked again, now that the row is locked: another process may have taken it meanwhile.
            .where(this, _escalation.c.told_at.is_(None), _escalation.c.next_attempt_at <= now)
            .values(attempts=_escalation.c.attempts + 1, next_attempt_at=until)
            .returning(_escalation.c.attempts)
        ).scalar()
        if attempts is not None:
            taken.append(Escalation(document, hours, attempts))
    return taken


def told(connection: Connection, those: Sequence[Escalation], now: datetime) -> None:
    """Write down that escalations were told."""
    for one in those:
        connection.execute(update(_escalation).where(_this(one.document.id, one.hours)).values(told_at=now))


def put_off(connection: Connection, those: Sequence[Escalation], until: datetime) -> None:
    """Write down that escalations could not be told, and when it is tried again."""
    for one in those:
        connection.execute(update(_escalation).where(_this(one.document.id, one.hours)).values(next_attempt_at=until))


def _late(connection: Connection, now: datetime, hours: int, limit: int) -> list[Document]:
    """Return documents that were issued so many hours ago, are not at the authority, and have no such record yet."""
    recorded = select(_escalation.c.document_id).where(
        _escalation.c.document_id == _document.c.id, _escalation.c.hours == hours
    )
    latest = now + REPORTING_PERIOD - timedelta(hours=hours)
    found: list[Document] = []
    set_aside = documents.is_one_of(REFUSED) & (_document.c.state == DocumentState.SET_ASIDE.value)
    for state in (documents.is_one_of(UNSENT), set_aside):  # apart, since an index serves each
        query = (
            select(_document)
            .where(state, _document.c.deadline <= latest, ~recorded.exists())
            .order_by(_document.c.unit_id, _document.c.icv)
            .limit(limit)
        )
        found += [documents.from_row(row) for row in connection.execute(query)]
    return found


def _record(connection: Connection, document: Document, hours: int, now: datetime) -> bool:
    """Record an escalation; return False when another process has done so."""
    values = {"document_id": document.id, "hours": hours, "raised_at": now, "attempts": 0, "next_attempt_at": now}
    new: sqlite.Insert | postgresql.Insert = postgresql.insert(_escalation)
    if connection.dialect.name == "sqlite":
        new = sqlite.insert(_escalation)
    inserted = new.values(values).on_conflict_do_nothing().returning(_escalation.c.hours)
    return connection.execute(inserted).first() is not None


def _is_late(document: Document) -> bool:
    return document.state in UNSENT or document.state is DocumentState.SET_ASIDE


def _this(document_id: int, hours: int) -> ColumnElement[bool]:
    return (_escalation.c.document_id == document_id) & (_escalation.c.hours == hours)
