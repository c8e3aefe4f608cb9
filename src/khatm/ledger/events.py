"""Events: what happened to units and documents beside their exchanges with the gateway, never changed afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import Connection, Select, insert, select

from khatm.ledger import schema

_event = schema.event


class EventKind(StrEnum):
    """What may happen."""

    UNIT_STOPPED = "unit_stopped"
    UNIT_RESUMED = "unit_resumed"
    SET_ASIDE = "set_aside"
    """A document needs a human; the facts hold the reason."""
    PUT_BACK = "put_back"
    """A document that had been set aside is sent again."""
    ESCALATED = "escalated"
    """A document is not at the authority so many hours after its issue."""
    CLAIM_HANDED_OVER = "claim_handed_over"
    """A process took over the sending of a unit from another that had not given it back."""
    CIRCUIT_OPENED = "circuit_opened"
    """A gateway is left alone until the time in the facts."""
    CIRCUIT_CLOSED = "circuit_closed"
    CORRECTION_DRAFTED = "correction_drafted"
    """A follow-up of a document was drafted."""
    DISMISSED = "dismissed"
    """Somebody said that a refused document needs no follow-up; the facts hold why."""
    FOLLOWED = "followed"
    """A follow-up of a document was issued; the facts hold its UUID."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; without a unit it concerns a gateway."""

    id: int
    at: datetime
    kind: EventKind
    unit_id: int | None
    document_id: int | None
    facts: Mapping[str, object]


def add(
    connection: Connection,
    kind: EventKind,
    now: datetime,
    facts: Mapping[str, object] | None = None,
    *,
    unit_id: int | None = None,
    document_id: int | None = None,
) -> None:
    """Write an event down; the facts are plain JSON values and hold no secrets."""
    connection.execute(
        insert(_event).values(at=now, kind=kind.value, unit_id=unit_id, document_id=document_id, facts=facts or {})
    )


def read(
    connection: Connection,
    *,
    unit_id: int | None = None,
    document_id: int | None = None,
    kinds: tuple[EventKind, ...] = (),
    limit: int = 0,
) -> list[Event]:
    """Return events in order, of a unit, of a document, of some kinds; with a `limit` only the last ones."""
    query = select(_event)
    if unit_id is not None:
        query = query.where(_event.c.unit_id == unit_id)
    if document_id is not None:
        query = query.where(_event.c.document_id == document_id)
    if kinds:
        query = query.where(_event.c.kind.in_([kind.value for kind in kinds]))
    return _read(connection, query, limit)


def of_gateways(connection: Connection, limit: int) -> list[Event]:
    """Return the last events that concern no unit: what happened to gateways."""
    return _read(connection, select(_event).where(_event.c.unit_id.is_(None)), limit)


def _read(connection: Connection, query: Select[tuple[Any, ...]], limit: int) -> list[Event]:
    query = query.order_by(_event.c.id.desc())
    if limit:
        query = query.limit(limit)
    found = [
        Event(
            id=row.id,
            at=row.at,
            kind=EventKind(row.kind),
            unit_id=row.unit_id,
            document_id=row.document_id,
            facts=cast("Mapping[str, object]", row.facts),
        )
        for row in connection.execute(query)
    ]
    return found[::-1]
