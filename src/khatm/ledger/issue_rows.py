"""The rows that an issue reads and writes: the head of the unit's chain, the live generation, the documents."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import BigInteger, Connection, Text, bindparam, insert, literal_column, select, update

from khatm.ledger import generations, schema, units
from khatm.ledger.generations import Generation
from khatm.ledger.prepared import Prepared

_unit = schema.unit
_generation = schema.generation
_document = schema.document

_head = select(_unit.c.id, _unit.c.next_icv, _unit.c.last_hash).where(_unit.c.name == bindparam("name", type_=Text))
_HEAD = Prepared(_head.with_for_update(key_share=True))
# In SQLite the transaction itself is the lock, so one statement may read both. In PostgreSQL a statement that waited
# for the row sees anew only that row, and would find the generation that was live before the wait.
_HEAD_AND_LIVE = Prepared(
    _head.add_columns(
        select(_generation.c.id)
        .where(_generation.c.unit_id == _unit.c.id, _generation.c.state == literal_column("'live'"))
        .scalar_subquery()
    )
)
_LIVE = Prepared(
    select(_generation.c.id).where(
        _generation.c.unit_id == bindparam("unit_id", type_=BigInteger), _generation.c.state == literal_column("'live'")
    )
)
_COLUMNS = (
    *("unit_id", "generation_id", "icv", "uuid", "invoice_hash", "previous_hash", "reference", "content_digest"),
    *("profile", "type_code", "transaction_code", "issue_date", "issue_time", "payable", "vat_total", "issued_at"),
    *("deadline", "state", "route", "attempts", "follows"),
)
_INSERT_DOCUMENT = Prepared(insert(_document), _COLUMNS)
_INSERT_XML = Prepared(insert(schema.stamped_xml), ("document_id", "content", "sha256", "authored"))
_ADVANCE = Prepared(
    update(_unit)
    .where(_unit.c.id == bindparam("unit", type_=BigInteger))
    .values(next_icv=bindparam("next_icv"), last_hash=bindparam("last_hash"))
)


class ChainPlace(NamedTuple):
    """What the chain gives a document: a fresh UUID, its counter (KSA-16) and the previous hash (KSA-13)."""

    uuid: str
    counter: int
    previous_hash: str


class Head(NamedTuple):
    """Where a unit's chain stands."""

    unit_id: int
    unit_name: str
    next_icv: int
    last_hash: str

    def after(self, place: ChainPlace, invoice_hash: str) -> "Head":
        """Return where the chain stands once a place is filled by a document of this hash."""
        return Head(self.unit_id, self.unit_name, place.counter + 1, invoice_hash)

    def next_place(self) -> ChainPlace:
        """Return the place after the last document, with a fresh UUID."""
        return ChainPlace(_fresh_uuid(), self.next_icv, self.last_hash)


_VARIANT = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))


def _fresh_uuid() -> str:
    """Return a random UUID (RFC 4122, version 4) in a third of the time that the standard library's object takes."""
    digits = os.urandom(16).hex()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{_VARIANT[digits[16]]}{digits[17:20]}-{digits[20:]}"


class LiveGenerations:
    """The live generations seen so far; what is live does not change, so each is read from the database once."""

    def __init__(self) -> None:
        self._seen: dict[int, Generation] = {}

    def of_unit(self, connection: Connection, unit_id: int) -> Generation | None:
        """Return a unit's live generation, None if it has none."""
        generation_id = _live_id(connection, unit_id)
        return None if generation_id is None else self.of_id(connection, generation_id)

    def of_id(self, connection: Connection, generation_id: int) -> Generation:
        """Return a generation that is live in this transaction."""
        found = self._seen.get(generation_id)
        if found is None:
            found = self._seen[generation_id] = generations.by_id(connection, generation_id)
        return found


def locked_head(connection: Connection, unit_name: str) -> tuple[Head, int | None]:
    """Return the head of a unit's chain with the unit's row locked, and the id of its live generation, None if it has
    none; raises UnknownUnit.
    """
    at_once = connection.dialect.name == "sqlite"
    row = (_HEAD_AND_LIVE if at_once else _HEAD).first(connection, {"name": unit_name})
    if row is None:
        # Raises, and says what names there are.
        return locked_head(connection, units.by_name(connection, unit_name).name)
    head = Head(row[0], unit_name, row[1], row[2])
    return head, row[3] if at_once else _live_id(connection, head.unit_id)


def _live_id(connection: Connection, unit_id: int) -> int | None:
    row = _LIVE.first(connection, {"unit_id": unit_id})
    return None if row is None else row[0]


Row = tuple[Mapping[str, object], bytes]
"""A new document as the database stores it, and its exact bytes."""


def store(connection: Connection, rows: Sequence[Row]) -> list[int]:
    """Store new documents and their exact bytes; return their ids in order."""
    ids = _INSERT_DOCUMENT.insert_many(connection, [row for row, _ in rows])
    _INSERT_XML.run_many(connection, [_bytes_row(each, *row) for each, row in zip(ids, rows, strict=True)])
    return ids


def _bytes_row(document_id: int, row: Mapping[str, object], xml: bytes) -> dict[str, object]:
    digest = hashlib.sha256(xml).hexdigest()
    return {"document_id": document_id, "content": xml, "sha256": digest, "authored": row["authored"]}


def advance(connection: Connection, head: Head) -> None:
    """Move the head of a chain past the documents just stored."""
    _ADVANCE.run(connection, {"unit": head.unit_id, "next_icv": head.next_icv, "last_hash": head.last_hash})
