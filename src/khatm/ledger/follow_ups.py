"""Follow-ups: which document takes the place of a refused one, or changes an accepted one."""

from datetime import datetime

from sqlalchemy import Connection, select

from khatm.ledger import documents, events, schema
from khatm.ledger.documents import REFUSED, UNSENT, Document
from khatm.ledger.errors import UnknownDocument
from khatm.ledger.events import EventKind
from khatm.ledger.sending_errors import AlreadyFollowed, FollowedUndecided, NothingToDismiss

_document = schema.document


def followed_by_new(connection: Connection, uuid: str, new_uuid: str, now: datetime) -> int:
    """Return the id of the document that a new one follows, and write the event down.

    Two processes cannot follow a refused document at once: its row stays locked until the commit. Raises
    UnknownDocument, FollowedUndecided, AlreadyFollowed.
    """
    row = connection.execute(select(_document).where(_document.c.uuid == uuid).with_for_update()).one_or_none()
    if row is None:
        raise UnknownDocument(wanted=uuid)
    followed = documents.from_row(row)
    if followed.state in UNSENT:
        raise FollowedUndecided(uuid=uuid, state=followed.state.value)
    if followed.state in REFUSED:
        for other in of_document(connection, followed.id):
            if other.state not in REFUSED:
                raise AlreadyFollowed(uuid=uuid, by=other.uuid, state=other.state.value)
    events.add(
        connection,
        EventKind.FOLLOWED,
        now,
        {"by": new_uuid},
        unit_id=followed.unit_id,
        document_id=followed.id,
    )
    return followed.id


def of_document(connection: Connection, document_id: int) -> list[Document]:
    """Return the documents that follow a document, in the order of their issue."""
    rows = connection.execute(
        select(_document).where(_document.c.follows == document_id).order_by(_document.c.issued_at, _document.c.id)
    )
    return [documents.from_row(row) for row in rows]


def dismiss(connection: Connection, document: Document, reason: str, now: datetime) -> None:
    """Write down that a refused document needs no follow-up. Raises NothingToDismiss."""
    found = documents.by_id(connection, document.id)
    if found.state not in REFUSED or of_document(connection, found.id):
        raise NothingToDismiss(uuid=found.uuid, state=found.state.value)
    facts = {"reason": reason}
    events.add(connection, EventKind.DISMISSED, now, facts, unit_id=found.unit_id, document_id=found.id)
