"""Proof and evidence over the ledger's documents, one transaction per method."""

from datetime import date
from typing import TYPE_CHECKING, BinaryIO

from sqlalchemy import Connection

from khatm.ledger import chain_import, documents, units
from khatm.ledger.audit import evidence, statement
from khatm.ledger.audit.errors import EarlierThanRecorded, ForeignTaxpayer, ForkedChain, NotLater, UnprovenGap
from khatm.ledger.audit.evidence import LastDocument
from khatm.ledger.audit.statement import Day
from khatm.ledger.audit.verification import ChainReport, verify_unit
from khatm.ledger.chain_import import ChainImport
from khatm.ledger.errors import UnknownDocument
from khatm.ledger.issue_rows import Head
from khatm.ledger.register import Register
from khatm.ledger.units import Unit

if TYPE_CHECKING:
    from khatm.ledger.audit.pack_export import Exported, Progress


class AuditRegister(Register):
    """The part of the ledger that proves its chains and lets them go on from elsewhere."""

    def verify_chain(self, unit: Unit | str, *, stamps: bool = False) -> ChainReport:
        """Recompute the chain of one unit (hash, counter, previous hash, head) in one transaction.

        With `stamps` these are verified too; `audit.verification.verify_ledger` does so in several processes, and
        compares UUIDs over all units.
        """
        return verify_unit(self._store, unit if isinstance(unit, str) else unit.name, stamps=stamps)

    def chain_imports(self, unit: Unit | str) -> list[ChainImport]:
        """Return where a unit's chain goes on from documents that are not in this ledger."""
        with self._store.read() as connection:
            return chain_import.of_unit(connection, units.find(connection, unit).id)

    def import_last_document(self, unit: Unit | str, xml: bytes) -> tuple[ChainImport, LastDocument]:
        """Let a unit's chain go on after the last document that was issued for it elsewhere, or was lost here.

        Its stamp is reported and not judged. Raises UnreadableXml, NotAnInvoice, EvidenceIncomplete, CounterUnusable,
        ForeignTaxpayer, NotLater, ForkedChain, EarlierThanRecorded.
        """
        last = evidence.read_last_document(xml)
        with self._store.write() as connection:
            found = units.locked(connection, unit)
            if last.issuer_vat != found.vat_number:
                raise ForeignTaxpayer(unit=found.name, found=last.issuer_vat or "—", allowed=found.vat_number)
            _require_continuation(connection, found, last)
            new = self._new_import(found, last.icv, last.invoice_hash, uuid=last.uuid, content=xml)
            self._require_recorded(connection, found, new)
            chain_import.add(connection, new)
        self._record.note([Head(found.id, found.name, new.icv + 1, new.invoice_hash)])
        return new, last

    def import_stated_head(
        self, unit: Unit | str, icv: int, invoice_hash: str, *, unproven: bool = False
    ) -> ChainImport:
        """Let a unit's chain go on after a hash and counter that are only stated.

        A unit with documents needs `unproven`, unless the head record remembers that very document. Raises
        HashUnusable, CounterUnusable, NotLater, UnprovenGap, ForkedChain, EarlierThanRecorded.
        """
        checked = evidence.checked_hash(invoice_hash)
        counter = evidence.checked_counter(str(icv))
        with self._store.write() as connection:
            found = units.locked(connection, unit)
            head = found.next_icv - 1
            if counter <= head:
                raise NotLater(unit=found.name, found=counter, last=head)
            new = self._new_import(found, counter, checked)
            remembered = self._require_recorded(connection, found, new)
            if head and not unproven and not remembered:
                raise UnprovenGap(unit=found.name, last=head, icv=counter)
            chain_import.add(connection, new)
        self._record.note([Head(found.id, found.name, new.icv + 1, new.invoice_hash)])
        return new

    def _require_recorded(self, connection: Connection, unit: Unit, new: ChainImport) -> bool:
        """Say whether the head record remembers that very document.

        Raises ForkedChain where it remembers another one at that place, EarlierThanRecorded where it knows a later one.
        """
        recorded = self._record.of_unit(connection, unit.id)
        if recorded is None or recorded.icv < new.icv:
            return False
        if recorded.icv > new.icv:
            raise EarlierThanRecorded(
                unit=unit.name, found=new.icv, recorded_icv=recorded.icv, recorded_hash=recorded.invoice_hash
            )
        if recorded.invoice_hash != new.invoice_hash:
            raise ForkedChain(
                unit=unit.name, icv=new.icv, field="hash", found=new.invoice_hash, allowed=recorded.invoice_hash
            )
        return True

    def statement(self, unit: Unit | str | None, first: date, last: date) -> list[Day]:
        """Return the daily statements of one unit, or of all by name, for a range of Saudi days with issues."""
        with self._store.read() as connection:
            wanted = units.everyone(connection) if unit is None else [units.find(connection, unit)]
            return [day for each in wanted for day in statement.of_unit(connection, each, first, last)]

    def export(
        self, unit: Unit | str, first: date, last: date, target: BinaryIO, progress: "Progress | None" = None
    ) -> "Exported":
        """Write an auditor's pack; see `audit.pack_export.export`. Raises UnknownUnit, EmptyRange, NotExportable."""
        from khatm.ledger.audit import pack_export  # loads pydantic

        return pack_export.export(
            self._store, unit if isinstance(unit, str) else unit.name, first, last, target, progress
        )

    def _new_import(
        self, unit: Unit, icv: int, invoice_hash: str, *, uuid: str | None = None, content: bytes | None = None
    ) -> ChainImport:
        return ChainImport(
            unit_id=unit.id,
            after_icv=unit.next_icv - 1,
            icv=icv,
            invoice_hash=invoice_hash,
            uuid=uuid,
            content=content,
            imported_at=self._clock.now(),
        )


def _require_continuation(connection: Connection, unit: Unit, last: LastDocument) -> None:
    """Raise unless the document can stand beyond the unit's head and contradicts nothing that is there."""
    head = unit.next_icv - 1
    if last.icv <= head:
        _refuse_earlier(connection, unit, last)
    if head and last.icv == head + 1 and last.previous_hash != unit.last_hash:
        raise ForkedChain(
            unit=unit.name,
            icv=last.icv,
            field="previous hash (KSA-13)",
            found=last.previous_hash,
            allowed=f"{unit.last_hash} (ICV {head})",
        )
    try:
        known = documents.by_uuid(connection, last.uuid)
    except UnknownDocument:
        return
    raise ForkedChain(
        unit=unit.name, icv=last.icv, field="UUID (KSA-1)", found=last.uuid, allowed=f"that UUID at ICV {known.icv}"
    )


def _refuse_earlier(connection: Connection, unit: Unit, last: LastDocument) -> None:
    """Raise NotLater for a document that the ledger has (or had before an import), ForkedChain for another one."""
    try:
        allowed = documents.by_icv(connection, unit.id, last.icv).invoice_hash
    except UnknownDocument:
        places = {each.icv: each.invoice_hash for each in chain_import.of_unit(connection, unit.id)}
        allowed = places.get(last.icv, last.invoice_hash)
    if allowed != last.invoice_hash:
        raise ForkedChain(unit=unit.name, icv=last.icv, field="hash", found=last.invoice_hash, allowed=allowed)
    raise NotLater(unit=unit.name, found=last.icv, last=unit.next_icv - 1)
