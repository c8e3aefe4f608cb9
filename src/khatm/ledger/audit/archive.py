"""Reading a ledger for its proof: where each chain should stand, and stretches of it with their bytes."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, Text, func, select, type_coerce

from khatm.ledger import chain_import, generations, schema, units
from khatm.ledger.audit.record import Record, StampKey, stamp_key
from khatm.ledger.chain_import import ChainImport
from khatm.ledger.units import Unit
from khatm.stamp.canonical import INITIAL_PIH

_document = schema.document
_stamped = schema.stamped_xml
_cleared = schema.cleared_xml

_FACTS = (
    *("icv", "uuid", "invoice_hash", "previous_hash", "profile", "type_code", "transaction_code"),
    *("issue_date", "issue_time", "payable", "vat_total"),
)


@dataclass(frozen=True, slots=True)
class Stretch:
    """An unbroken row of counters of one unit, `first` to `last`.

    `previous_hash` is what the first one must name as its previous hash; None: the last of the stretch before.
    """

    unit_id: int
    first: int
    last: int
    previous_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Chain:
    """A unit's chain as it stood at one moment: documents are never changed, so all up to the head can be read later.

    `last_icv` is the highest counter that a document has, 0 for none.
    """

    unit: Unit
    imports: tuple[ChainImport, ...]
    last_icv: int

    def segments(self) -> list[Stretch]:
        """Return the stretches between the imports; each begins with a known previous hash."""
        found: list[Stretch] = []
        first, previous = 1, INITIAL_PIH
        for each in self.imports:
            if each.after_icv >= first:
                found.append(Stretch(self.unit.id, first, each.after_icv, previous))
            first, previous = each.icv + 1, each.invoice_hash
        if self.last_icv >= first:
            found.append(Stretch(self.unit.id, first, self.last_icv, previous))
        return found


def chain(connection: Connection, unit: Unit) -> Chain:
    """Return where a unit's chain stands, in the transaction that read the unit."""
    last = connection.execute(select(func.max(_document.c.icv)).where(_document.c.unit_id == unit.id)).scalar()
    return Chain(unit, tuple(chain_import.of_unit(connection, unit.id)), last or 0)


def cut(segments: list[Stretch], size: int) -> list[Stretch]:
    """Cut stretches into pieces of at most `size` documents."""
    pieces: list[Stretch] = []
    for segment in segments:
        for first in range(segment.first, segment.last + 1, size):
            last = min(first + size - 1, segment.last)
            pieces.append(
                Stretch(segment.unit_id, first, last, segment.previous_hash if first == segment.first else None)
            )
    return pieces


def documents(connection: Connection, stretch: Stretch) -> Iterator[tuple[Record, bytes | None, bytes | None]]:
    """Walk through a stretch in ICV order: record, stamped bytes (None: lost), cleared copy if any."""
    labels = {each.id: each.label for each in generations.of_unit(connection, stretch.unit_id)}
    query = (
        select(
            *(_document.c[name] for name in _FACTS),
            type_coerce(_document.c.deadline, Text),
            _document.c.generation_id,
            _stamped.c.content,
            _cleared.c.content,
        )
        .outerjoin(_stamped, _stamped.c.document_id == _document.c.id)
        .outerjoin(_cleared, _cleared.c.document_id == _document.c.id)
        .where(_document.c.unit_id == stretch.unit_id, _document.c.icv.between(stretch.first, stretch.last))
        .order_by(_document.c.icv)
        .execution_options(yield_per=100)
    )
    for *facts, generation_id, xml, cleared in connection.execute(query):
        label = labels.get(generation_id, f"#{generation_id}")
        yield Record(**dict(zip((*_FACTS, "deadline"), facts, strict=True)), generation=label), xml, cleared


def stamp_keys(connection: Connection, unit_id: int) -> dict[str, StampKey]:
    """Return the keys of a unit's generations by label."""
    return {each.label: stamp_key(each) for each in generations.of_unit(connection, unit_id)}


def repeated_uuids(connection: Connection) -> list[tuple[str, list[tuple[str, int]]]]:
    """Return the UUIDs that more than one document has, in any unit, each with units and counters.

    It reads every row and trusts no index; letters of both cases are the same UUID.
    """
    lowered = func.lower(_document.c.uuid)
    everywhere = select(lowered.label("uuid")).union_all(
        select(func.lower(schema.chain_import.c.uuid)).where(schema.chain_import.c.uuid.is_not(None))
    )
    found = everywhere.subquery()
    twice = connection.execute(select(found.c.uuid).group_by(found.c.uuid).having(func.count() > 1)).scalars().all()
    names = {unit.id: unit.name for unit in units.everyone(connection)}
    return [(uuid, _places(connection, uuid, names)) for uuid in twice]


def _places(connection: Connection, uuid: str, names: dict[int, str]) -> list[tuple[str, int]]:
    places: list[tuple[str, int]] = []
    for table in (_document, schema.chain_import):
        rows = connection.execute(select(table.c.unit_id, table.c.icv).where(func.lower(table.c.uuid) == uuid))
        places += [(names[unit_id], icv) for unit_id, icv in rows]
    return sorted(places, key=lambda place: place[1])
