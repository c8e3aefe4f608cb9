"""The events in an auditor's pack: what happened to its documents at any time, and to the unit within its days.

Events about documents of other days stay out, as those documents' content does.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time

from sqlalchemy import Connection, and_, or_, select

from khatm.clock import SAUDI, saudi_time
from khatm.ledger import schema
from khatm.ledger.audit.pack_format import EventLine
from khatm.ledger.events import EventKind
from khatm.ledger.redaction import without_secrets
from khatm.ledger.schema import moment_text
from khatm.ledger.units import Unit

_event = schema.event
_document = schema.document

_OF_MACHINES = ("former", "owner")
"""Facts that name processes of the taxpayer, which are nobody else's business."""
_FIRST_YEAR = date(1, 1, 2)
"""The first day of the calendar begins in Saudi time before it does in UTC, where no moment can say so."""


def lines(connection: Connection, unit: Unit, first_day: date, last_day: date) -> Iterator[EventLine]:
    """Return the events of a pack in the order in which they were written down."""
    begin = datetime.combine(max(first_day, _FIRST_YEAR), time.min, SAUDI)
    end = datetime.combine(last_day, time.max, SAUDI)
    in_pack = _document.c.issue_date.between(first_day.isoformat(), last_day.isoformat())
    # A unit is stopped over a document, and still it is the unit that stopped.
    of_unit = or_(_event.c.document_id.is_(None), _event.c.kind == EventKind.UNIT_STOPPED.value)
    query = (
        select(_event.c.at, _event.c.kind, _event.c.facts, _document.c.icv, _document.c.uuid)
        .outerjoin(_document, and_(_document.c.id == _event.c.document_id, in_pack))
        .where(
            _event.c.unit_id == unit.id,
            or_(_document.c.id.is_not(None), and_(of_unit, _event.c.at.between(begin, end))),
        )
        .order_by(_event.c.id)
        .execution_options(yield_per=100)
    )
    for at, kind, facts, icv, uuid in connection.execute(query):
        yield EventLine(at=moment_text(at), kind=kind, icv=icv, uuid=uuid, facts=_told(facts))


def objection(line: EventLine, first_day: str, last_day: str, icv_of: Mapping[str, int]) -> tuple[str, str] | None:
    """Return what is wrong with a line, as what was expected and found; `icv_of` gives the listed UUIDs' counters."""
    if line.uuid is not None or line.icv is not None:
        listed = icv_of.get((line.uuid or "").lower())
        return None if listed is not None and listed == line.icv else ("a document of the list", str(line.uuid))
    try:
        day = saudi_time(datetime.fromisoformat(line.at)).date().isoformat()
    except (ValueError, OverflowError):
        return "a moment", line.at
    return None if first_day <= day <= last_day else (f"{first_day} to {last_day}", day)


def _told(facts: Mapping[str, object]) -> dict[str, object]:
    told = {name: value for name, value in facts.items() if name not in _OF_MACHINES}
    kept = without_secrets(told)
    assert isinstance(kept, dict)
    return kept
