"""Places at which a unit's chain goes on from a document that this ledger did not issue or no longer has.

The numbers between the last document here and that one are declared: verification names them, and does not take them
for a loss that nobody noticed. Source: the gateway contract 8.4.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, insert, select, update

from khatm.ledger import schema

_import = schema.chain_import


@dataclass(frozen=True, slots=True)
class ChainImport:
    """One such place. `uuid` and `content` are those of the document at `icv`; None: its hash was only stated."""

    unit_id: int
    after_icv: int
    """The last document that the ledger had when the import was made; 0 for none."""
    icv: int
    invoice_hash: str
    """What the next document names as its previous hash."""
    uuid: str | None
    content: bytes | None
    """The bytes of the document at `icv`, kept as evidence."""
    imported_at: datetime

    @property
    def proven(self) -> bool:
        """Whether the document itself was given, and not only its hash and counter."""
        return self.content is not None

    @property
    def is_gap(self) -> bool:
        """Whether documents of this ledger come before: what lies between was lost here, not issued elsewhere."""
        return self.after_icv > 0


def of_unit(connection: Connection, unit_id: int) -> list[ChainImport]:
    """Return a unit's imports in the order of the chain."""
    rows = connection.execute(select(_import).where(_import.c.unit_id == unit_id).order_by(_import.c.icv))
    return [_from_row(row) for row in rows]


def add(connection: Connection, new: ChainImport) -> None:
    """Store an import and let the unit's chain go on after it; the caller has checked it and commits."""
    connection.execute(
        insert(_import).values(
            unit_id=new.unit_id,
            after_icv=new.after_icv,
            icv=new.icv,
            invoice_hash=new.invoice_hash,
            uuid=new.uuid,
            content=new.content,
            imported_at=new.imported_at,
        )
    )
    connection.execute(
        update(schema.unit)
        .where(schema.unit.c.id == new.unit_id)
        .values(next_icv=new.icv + 1, last_hash=new.invoice_hash)
    )


def _from_row(row: Row[tuple[object, ...]]) -> ChainImport:
    values = row._mapping
    return ChainImport(
        unit_id=values["unit_id"],
        after_icv=values["after_icv"],
        icv=values["icv"],
        invoice_hash=values["invoice_hash"],
        uuid=values["uuid"],
        content=values["content"],
        imported_at=values["imported_at"],
    )
