"""What became of a document: its next state, stored together with the evidence and under the unit's claim."""

from datetime import datetime

from sqlalchemy import Connection, insert, update

from khatm.ledger import claims, documents, events, exchanges, schema, units
from khatm.ledger.claims import UnitClaim
from khatm.ledger.documents import UNSENT, Document, DocumentState, Route
from khatm.ledger.events import EventKind
from khatm.ledger.exchanges import Exchange
from khatm.ledger.sending_errors import ClaimLost, NotSetAside

_document = schema.document


def attempt(connection: Connection, held: UnitClaim, document_id: int, exchange: Exchange) -> None:
    """Store an exchange that decides nothing yet, and count it. Raises ClaimLost."""
    claims.require_current(connection, held)
    exchanges.add(connection, document_id, exchange)
    connection.execute(update(_document).where(_document.c.id == document_id).values(attempts=_document.c.attempts + 1))


def settle(
    connection: Connection,
    held: UnitClaim,
    document: Document,
    state: DocumentState,
    *,
    exchange: Exchange | None,
    reason: str | None,
    next_attempt_at: datetime | None,
    route: Route,
    cleared_xml: bytes | None,
    stop_reason: str | None,
    now: datetime,
) -> Document:
    """Store what sending a document came to, with its last exchange, and perhaps stop its unit.

    Raises ClaimLost when the claim has passed on, or the document is decided already.
    """
    claims.require_current(connection, held)
    if exchange is not None:
        exchanges.add(connection, document.id, exchange)
    settled_at = None if state in UNSENT else now
    attempts = connection.execute(
        update(_document)
        .where(_document.c.id == document.id, _document.c.state.in_([each.value for each in UNSENT]))
        .values(
            state=state.value,
            reason=reason,
            attempts=_document.c.attempts + (0 if exchange is None else 1),
            next_attempt_at=next_attempt_at,
            route=route.value,
            settled_at=settled_at,
        )
        .returning(_document.c.attempts)
    ).scalar()
    if attempts is None:
        raise ClaimLost(unit=held.unit_name)
    if cleared_xml is not None:
        connection.execute(insert(schema.cleared_xml).values(document_id=document.id, content=cleared_xml))
    if state is DocumentState.SET_ASIDE:
        facts = {"reason": reason}
        events.add(connection, EventKind.SET_ASIDE, now, facts, unit_id=held.unit_id, document_id=document.id)
    if stop_reason is not None:
        units.stop(connection, held.unit_id, stop_reason, now)
        facts = {"reason": stop_reason}
        events.add(connection, EventKind.UNIT_STOPPED, now, facts, unit_id=held.unit_id, document_id=document.id)
    return document._replace(
        state=state,
        reason=reason,
        attempts=attempts,
        next_attempt_at=next_attempt_at,
        route=route,
        settled_at=settled_at,
    )


def put_back(connection: Connection, document: Document, now: datetime) -> Document:
    """Let a document that was set aside be sent again. Raises NotSetAside."""
    changed = connection.execute(
        update(_document)
        .where(_document.c.id == document.id, _document.c.state == DocumentState.SET_ASIDE.value)
        .values(state=DocumentState.WAITING.value, next_attempt_at=None, settled_at=None)
    )
    if changed.rowcount != 1:
        raise NotSetAside(uuid=document.uuid, state=documents.by_id(connection, document.id).state.value)
    events.add(connection, EventKind.PUT_BACK, now, unit_id=document.unit_id, document_id=document.id)
    return documents.by_id(connection, document.id)
