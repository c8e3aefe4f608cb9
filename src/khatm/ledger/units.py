"""EGS units: who they are, where they belong, and the head of their chain."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Connection, Row, Text, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from khatm.environment import Environment
from khatm.ledger import claims, schema
from khatm.ledger.errors import UnitExists, UnknownUnit
from khatm.ledger.prepared import Prepared

if TYPE_CHECKING:
    from khatm.ledger.generations import Generation
    from khatm.stamp.csr_fields import CsrFields

_unit = schema.unit


@dataclass(frozen=True, slots=True)
class Unit:
    """One EGS unit as the ledger knows it at the moment of reading."""

    id: int
    name: str
    environment: Environment
    csr_fields: "CsrFields"
    seller: dict[str, object] | None
    """The `seller` block of the authoring format, if the unit was added with one."""
    gateway_url: str | None
    """Replaces the gateway's base address for this unit."""
    vat_number: str
    type_map: str
    next_icv: int
    """The counter (KSA-16) that the next document takes."""
    last_hash: str
    """The invoice hash of the last document, the previous-invoice hash (KSA-13) of the next."""
    stopped_reason: str | None
    """Why nothing is sent for this unit (a 401), until it has new credentials or is resumed."""
    stopped_at: datetime | None
    created_at: datetime


def add(
    connection: Connection,
    *,
    name: str,
    environment: Environment,
    csr_fields: "CsrFields",
    seller: dict[str, object] | None,
    gateway_url: str | None,
    now: datetime,
) -> Unit:
    """Store a new unit with an empty chain; raises UnitExists."""
    from khatm.stamp.canonical import INITIAL_PIH

    new = insert(_unit).values(
        name=name,
        environment=environment.value,
        csr_fields=asdict(csr_fields),
        seller=seller,
        gateway_url=gateway_url,
        vat_number=csr_fields.organization_identifier,
        type_map=csr_fields.invoice_type,
        next_icv=1,
        last_hash=INITIAL_PIH,
        next_generation=1,
        created_at=now,
    )
    try:
        connection.execute(new)
    except IntegrityError:
        # The database keeps names apart: two processes may add the same one at the same moment.
        raise UnitExists(name=name) from None
    added = by_name(connection, name)
    claims.add(connection, added.id)
    return added


def by_name(connection: Connection, name: str) -> Unit:
    """Return the unit of that name; raises UnknownUnit with the names that exist."""
    row = connection.execute(select(_unit).where(_unit.c.name == name)).one_or_none()
    if row is None:
        known = connection.execute(select(_unit.c.name).order_by(_unit.c.name)).scalars().all()
        raise UnknownUnit(name=name, known=tuple(known))
    return _from_row(row)


_STORED = Prepared(select(_unit).where(_unit.c.name == bindparam("name", type_=Text)), ["name"])
_NAMES = tuple(column.name for column in _unit.c)


def at_once(connection: Connection, name: str) -> Unit:
    """Return the unit of that name by one prepared statement, for who asks before each document; as `by_name`."""
    row = _STORED.first(connection, (name,))
    if row is None:
        return by_name(connection, name)
    values = dict(zip(_NAMES, row, strict=True))
    values["csr_fields"] = _plain(values["csr_fields"])
    values["seller"] = None if values["seller"] is None else json.loads(values["seller"])
    for moment in ("stopped_at", "created_at"):
        values[moment] = None if values[moment] is None else datetime.fromisoformat(values[moment])
    return _from_values(values)


@lru_cache(maxsize=256)
def _plain(text: str) -> dict[str, str]:
    return cast("dict[str, str]", json.loads(text))


def find(connection: Connection, unit: Unit | str) -> Unit:
    """Return a unit given by name or as read before; raises UnknownUnit."""
    return by_name(connection, unit) if isinstance(unit, str) else by_id(connection, unit.id)


def by_id(connection: Connection, unit_id: int) -> Unit:
    """Return the unit of that id, which another row of the ledger refers to."""
    return _from_row(connection.execute(select(_unit).where(_unit.c.id == unit_id)).one())


def locked(connection: Connection, unit: "Unit | Generation | str") -> Unit:
    """Return a unit, or a generation's unit, with its row locked until the transaction ends; raises UnknownUnit.

    Whatever changes a unit, its generations or its chain begins with this, so that it never changes under the hands
    of another process. SQLite has let only one writer in already and needs no lock.
    """
    if isinstance(unit, str):
        which = _unit.c.name == unit
    else:
        which = _unit.c.id == (unit.id if isinstance(unit, Unit) else unit.unit_id)
    # "No key update": rows that merely refer to the unit may be added meanwhile.
    row = connection.execute(select(_unit).where(which).with_for_update(key_share=True)).one_or_none()
    return find(connection, cast("Unit | str", unit)) if row is None else _from_row(row)


def everyone(connection: Connection) -> list[Unit]:
    """Return all units by name."""
    return [_from_row(row) for row in connection.execute(select(_unit).order_by(_unit.c.name))]


def set_seller(connection: Connection, unit_id: int, seller: dict[str, object]) -> Unit:
    """Replace a unit's seller block."""
    connection.execute(update(_unit).where(_unit.c.id == unit_id).values(seller=seller))
    return by_id(connection, unit_id)


def set_gateway_url(connection: Connection, unit_id: int, gateway_url: str | None) -> Unit:
    """Replace the gateway's address for a unit."""
    connection.execute(update(_unit).where(_unit.c.id == unit_id).values(gateway_url=gateway_url))
    return by_id(connection, unit_id)


def stop(connection: Connection, unit_id: int, reason: str, now: datetime) -> None:
    """Record that nothing more may be sent for a unit, and why."""
    connection.execute(update(_unit).where(_unit.c.id == unit_id).values(stopped_reason=reason, stopped_at=now))


def resume(connection: Connection, unit_id: int) -> None:
    """Let a stopped unit send again."""
    connection.execute(update(_unit).where(_unit.c.id == unit_id).values(stopped_reason=None, stopped_at=None))


def take_generation_number(connection: Connection, unit_id: int) -> int:
    """Return the unit's next credential generation number and advance it: a number is never used twice."""
    number: int = connection.execute(select(_unit.c.next_generation).where(_unit.c.id == unit_id)).scalar_one()
    connection.execute(update(_unit).where(_unit.c.id == unit_id).values(next_generation=number + 1))
    return number


def _from_row(row: Row[tuple[object, ...]]) -> Unit:
    return _from_values(dict(row._mapping))


def _from_values(values: Mapping[str, Any]) -> Unit:
    from khatm.stamp.csr_fields import CsrFields

    return Unit(
        id=values["id"],
        name=values["name"],
        environment=Environment(values["environment"]),
        csr_fields=CsrFields(**cast("dict[str, str]", values["csr_fields"])),
        seller=cast("dict[str, object] | None", values["seller"]),
        gateway_url=values["gateway_url"],
        vat_number=values["vat_number"],
        type_map=values["type_map"],
        next_icv=values["next_icv"],
        last_hash=values["last_hash"],
        stopped_reason=values["stopped_reason"],
        stopped_at=values["stopped_at"],
        created_at=values["created_at"],
    )
