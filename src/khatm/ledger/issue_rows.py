"""The rows that an issue reads and writes: the head of the unit's chain, the live generation, the document."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from sqlalchemy import BigInteger, Connection, Text, bindparam, insert, literal_column, select, update

from khatm.ledger import generations, schema, units
from khatm.ledger.errors import NoLiveCredentials
from khatm.ledger.generations import Generation
from khatm.ledger.prepared import Prepared

_unit = schema.unit
_generation = schema.generation
_document = schema.document

_HEAD = Prepared(
    select(_unit.c.id, _unit.c.next_icv, _unit.c.last_hash)
    .where(_unit.c.name == bindparam("name", type_=Text))
    .with_for_update(key_share=True)
)
_LIVE = Prepared(
    select(_generation.c.id).where(
        _generation.c.unit_id == bindparam("unit_id", type_=BigInteger), _generation.c.state == literal_column("'live'")
    )
)
_COLUMNS = (
    *("unit_id", "generation_id", "icv", "uuid", "invoice_hash", "previous_hash", "reference", "content_digest"),
    *("profile", "type_code", "transaction_code", "issue_date", "issue_time", "payable", "vat_total", "issued_at"),
    *("deadline", "state", "route", "attempts", "claim_number"),
)
_INSERT_DOCUMENT = Prepared(insert(_document), _COLUMNS)
_ID_BY_UUID = Prepared(select(_document.c.id).where(_document.c.uuid == bindparam("uuid", type_=Text)))
_INSERT_XML = Prepared(insert(schema.stamped_xml), ("document_id", "content"))
_ADVANCE = Prepared(
    update(_unit)
    .where(_unit.c.id == bindparam("unit", type_=BigInteger))
    .values(next_icv=bindparam("next_icv"), last_hash=bindparam("last_hash"))
)


@dataclass(frozen=True, slots=True)
class ChainPlace:
    """What the chain gives a document: a fresh UUID, its counter (KSA-16) and the previous hash (KSA-13)."""

    uuid: str
    counter: int
    previous_hash: str


@dataclass(frozen=True, slots=True)
class Head:
    """Where a unit's chain stands."""

    unit_id: int
    unit_name: str
    next_icv: int
    last_hash: str

    def next_place(self) -> ChainPlace:
        """Return the place after the last document, with a fresh UUID."""
        return ChainPlace(str(uuid.uuid4()), self.next_icv, self.last_hash)


class LiveGenerations:
    """The live generations seen so far; what is live does not change, so each is read from the database once."""

    def __init__(self) -> None:
        self._seen: dict[int, Generation] = {}

    def of_unit(self, connection: Connection, head: Head) -> Generation:
        """Return a unit's live generation; raises NoLiveCredentials."""
        row = _LIVE.first(connection, {"unit_id": head.unit_id})
        if row is None:
            raise NoLiveCredentials(unit=head.unit_name)
        generation_id = cast(int, row[0])
        found = self._seen.get(generation_id)
        if found is None:
            found = self._seen[generation_id] = generations.by_id(connection, generation_id)
        return found


def locked_head(connection: Connection, unit_name: str) -> Head:
    """Return the head of a unit's chain with the unit's row locked; raises UnknownUnit."""
    row = _HEAD.first(connection, {"name": unit_name})
    if row is None:
        # Raises, and says what names there are.
        return locked_head(connection, units.by_name(connection, unit_name).name)
    return Head(cast(int, row[0]), unit_name, cast(int, row[1]), cast(str, row[2]))


def store(connection: Connection, row: Mapping[str, object], xml: bytes) -> int:
    """Store a document's row and its exact bytes; return its id."""
    _INSERT_DOCUMENT.run(connection, row)
    found = _ID_BY_UUID.first(connection, row)
    assert found is not None
    _INSERT_XML.run(connection, {"document_id": found[0], "content": xml})
    return cast(int, found[0])


def advance(connection: Connection, head: Head, invoice_hash: str) -> None:
    """Move the head of the chain past the document just stored."""
    _ADVANCE.run(connection, {"unit": head.unit_id, "next_icv": head.next_icv + 1, "last_hash": invoice_hash})
