"""What is not at the authority: documents without a decision, and refused ones that nobody has taken care of."""

from sqlalchemy import Connection, func, select

from khatm.ledger import documents, schema
from khatm.ledger.documents import REFUSED, UNSENT, Document
from khatm.ledger.events import EventKind

_document = schema.document
_event = schema.event


def undecided(connection: Connection, unit_id: int | None, limit: int) -> list[Document]:
    """Return documents without a decision, those whose period ends first at the head; standard ones by their age."""
    query = select(_document).where(documents.is_one_of(UNSENT))
    if unit_id is not None:
        query = query.where(_document.c.unit_id == unit_id)
    query = query.order_by(_document.c.deadline.is_(None), _document.c.deadline, _document.c.issued_at, _document.c.id)
    if limit:
        query = query.limit(limit)
    return [documents.from_row(row) for row in connection.execute(query)]


def refused(connection: Connection, unit_id: int | None) -> list[Document]:
    """Return documents that were set aside, or rejected and neither followed nor dismissed."""
    later = schema.document.alias("later")
    followed = select(later.c.id).where(later.c.follows == _document.c.id).exists()
    dismissed = (
        select(_event.c.id)
        .where(_event.c.document_id == _document.c.id, _event.c.kind == EventKind.DISMISSED.value)
        .exists()
    )
    query = select(_document).where(documents.is_one_of(REFUSED), ~followed, ~dismissed)
    if unit_id is not None:
        query = query.where(_document.c.unit_id == unit_id)
    query = query.order_by(_document.c.deadline.is_(None), _document.c.deadline, _document.c.issued_at, _document.c.id)
    return [documents.from_row(row) for row in connection.execute(query)]


def waiting_counts(connection: Connection) -> dict[int, int]:
    """Return how many documents without a decision each unit has that has any."""
    rows = connection.execute(
        select(_document.c.unit_id, func.count()).where(documents.is_one_of(UNSENT)).group_by(_document.c.unit_id)
    )
    return {int(unit_id): int(number) for unit_id, number in rows}
