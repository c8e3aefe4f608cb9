"""The journal of onboarding calls: what was about to be asked, written before, and what was answered, after."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import Connection, Row, insert, select, update

from khatm.ledger import schema
from khatm.ledger.redaction import without_secrets

_journal = schema.call_journal


@dataclass(frozen=True, slots=True)
class Intent:
    """One call as the journal holds it; without an answer its outcome is unknown."""

    id: int
    unit_id: int
    generation_id: int | None
    call: str
    facts: Mapping[str, object]
    started_at: datetime
    answer: Mapping[str, object] | None
    answered_at: datetime | None


def open_intent(
    connection: Connection,
    *,
    unit_id: int,
    generation_id: int | None,
    call: str,
    facts: Mapping[str, object],
    now: datetime,
) -> int:
    """Write down a call before it is made; return its number. Secrets among the facts are blanked."""
    result = connection.execute(
        insert(_journal).values(
            unit_id=unit_id, generation_id=generation_id, call=call, facts=without_secrets(facts), started_at=now
        )
    )
    key = result.inserted_primary_key
    assert key is not None
    return cast(int, key[0])


def close_intent(connection: Connection, intent_id: int, facts: Mapping[str, object], now: datetime) -> None:
    """Write down what a call was answered with; secrets among the facts are blanked."""
    connection.execute(
        update(_journal).where(_journal.c.id == intent_id).values(answer=without_secrets(facts), answered_at=now)
    )


def of_unit(connection: Connection, unit_id: int, *, only_open: bool) -> list[Intent]:
    """Return a unit's calls in order, or only those whose answer was never stored."""
    query = select(_journal).where(_journal.c.unit_id == unit_id).order_by(_journal.c.id)
    if only_open:
        query = query.where(_journal.c.answered_at.is_(None))
    return [_from_row(row) for row in connection.execute(query)]


def _from_row(row: Row[tuple[object, ...]]) -> Intent:
    values = row._mapping
    return Intent(
        id=values["id"],
        unit_id=values["unit_id"],
        generation_id=values["generation_id"],
        call=values["call"],
        facts=cast("Mapping[str, object]", values["facts"]),
        started_at=values["started_at"],
        answer=cast("Mapping[str, object] | None", values["answer"]),
        answered_at=values["answered_at"],
    )
