"""The rows that an issue reads and writes: the head of the unit's chain, the live generation, the documents."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import BigInteger, Connection, Text, bindparam, insert, literal_column, select, update

from khatm.ledger import generations, schema, units
from khatm.ledger.generations import Generation
from khatm.ledger.prepared import Prepared

_unit = schema.unit
_generation = schema.generation
_document = schema.document

_head = select(_unit.c.id, _unit.c.next_icv, _unit.c.last_hash).where(_unit.c.name == bindparam("name", type_=Text))
_HEAD = Prepared(_head.with_for_update(key_share=True), ["name"])
# In SQLite the transaction itself is the lock, so one statement may read both. In PostgreSQL a statement that waited
# for the row sees anew only that row, and would find the generation that was live before the wait.
_HEAD_AND_LIVE = Prepared(
    _head.add_columns(
        select(_generation.c.id)
        .where(_generation.c.unit_id == _unit.c.id, _generation.c.state == literal_column("'live'"))
        .scalar_subquery()
    ),
    ["name"],
)
_LIVE = Prepared(
    select(_generation.c.id).where(
        _generation.c.unit_id == bindparam("unit_id", type_=BigInteger), _generation.c.state == literal_column("'live'")
    ),
    ["unit_id"],
)
_ADVANCE = Prepared(
    update(_unit)
    .where(_unit.c.id == bindparam("unit", type_=BigInteger))
    .values(next_icv=bindparam("next_icv"), last_hash=bindparam("last_hash")),
    ["next_icv", "last_hash", "unit"],
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


_VARIANT = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))


def uuid_beginning(moment: datetime) -> str:
    """Return how UUIDs of a moment begin: 12 hexadecimal digits of milliseconds since 1970, in two groups."""
    digits = f"{int(moment.timestamp() * 1000) % 2**48:012x}"
    return f"{digits[:8]}-{digits[8:]}"


def fresh_uuid(beginning: str) -> str:
    """Return a new UUID, version 4 in form (RFC 4122): a `uuid_beginning` and 74 random bits.

    Documents of one time stand side by side in the index of UUIDs, so that a commit changes a page or two of it and not
    one for each document.
    """
    digits = os.urandom(10).hex()
    return f"{beginning}-4{digits[:3]}-{_VARIANT[digits[3]]}{digits[4:7]}-{digits[7:19]}"


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
    row = (_HEAD_AND_LIVE if at_once else _HEAD).first(connection, (unit_name,))
    if row is None:
        # Raises, and says what names there are.
        return locked_head(connection, units.by_name(connection, unit_name).name)
    head = Head(row[0], unit_name, row[1], row[2])
    return head, row[3] if at_once else _live_id(connection, head.unit_id)


def _live_id(connection: Connection, unit_id: int) -> int | None:
    row = _LIVE.first(connection, (unit_id,))
    return None if row is None else row[0]


class NewDocument(NamedTuple):
    """A new document's row, as the database stores it: columns of the document table, in its order."""

    unit_id: int
    generation_id: int
    icv: int
    uuid: str
    invoice_hash: str
    previous_hash: str
    reference: str | None
    content_digest: str | None
    profile: str
    type_code: str
    transaction_code: str
    issue_date: str
    issue_time: str
    payable: str
    vat_total: str
    issued_at: str
    deadline: str | None
    state: str
    route: str
    attempts: int
    follows: int | None


@dataclass(slots=True)
class Row:
    """A new document, its exact bytes, what it was written from, and its id once it is stored."""

    document: NewDocument
    xml: bytes
    authored: bytes | None = None
    document_id: int = 0


_INSERT_DOCUMENT = Prepared(insert(_document), NewDocument._fields)
_INSERT_XML = Prepared(insert(schema.stamped_xml), ["document_id", "content", "sha256", "authored"])


def store(connection: Connection, rows: Sequence[Row]) -> None:
    """Store new documents and their exact bytes, and tell each its id."""
    ids = _INSERT_DOCUMENT.insert_many(connection, [row.document for row in rows])
    kept = []
    for row, document_id in zip(rows, ids, strict=True):
        row.document_id = document_id
        kept.append((document_id, row.xml, hashlib.sha256(row.xml).hexdigest(), row.authored))
    _INSERT_XML.run_many(connection, kept)


def advance(connection: Connection, head: Head) -> None:
    """Move the head of a chain past the documents just stored."""
    _ADVANCE.run(connection, (head.next_icv, head.last_hash, head.unit_id))
