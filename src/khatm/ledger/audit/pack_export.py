"""Export: the documents of one unit and a range of Saudi days as an auditor's pack.

Source: the document standard, section 13 (file names, what is to be kept).
"""

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import BinaryIO

from sqlalchemy import Connection, and_, func, select

from khatm.ledger import documents, schema, units
from khatm.ledger.audit import archive, pack_events, pack_format, statement_text
from khatm.ledger.audit.errors import EmptyRange, NotExportable, RangeTooLarge
from khatm.ledger.audit.pack_documents import DocumentPacker
from khatm.ledger.audit.pack_format import (
    ChainPart,
    GenerationPart,
    ImportPart,
    Manifest,
    UnitPart,
)
from khatm.ledger.audit.pack_readme import readme
from khatm.ledger.audit.pack_writer import PackWriter
from khatm.ledger.audit.statement import Day
from khatm.ledger.documents import Document
from khatm.ledger.store import Store
from khatm.ledger.units import Unit
from khatm.stamp.canonical import INITIAL_PIH

_document = schema.document
_stamped = schema.stamped_xml
_cleared = schema.cleared_xml

Progress = Callable[[int, int], None]
"""Told how many documents are packed, and of how many."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What a pack holds."""

    unit: str
    documents: int
    first_icv: int
    last_icv: int
    next_icv: int
    last_hash: str
    sums_digest: str
    """The SHA-256 of SHA256SUMS, which stands for the whole content."""


@dataclass(frozen=True, slots=True)
class _Range:
    """The part of a chain that is packed: `count` documents of the days, on the counters `first` to `last`."""

    unit: Unit
    first_day: date
    last_day: date
    count: int
    first: int
    last: int

    @property
    def days(self) -> tuple[str, str]:
        return self.first_day.isoformat(), self.last_day.isoformat()


def export(
    store: Store, unit_name: str, first_day: date, last_day: date, target: BinaryIO, progress: Progress | None = None
) -> Exported:
    """Write the pack of a unit's documents issued from one Saudi day to another, both included, in one transaction.

    `target` is a seekable file open for writing. Raises UnknownUnit, EmptyRange, RangeTooLarge, NotExportable.
    """
    with store.read() as connection, PackWriter(target) as pack:
        unit = units.by_name(connection, unit_name)
        chosen = _range(connection, unit, first_day, last_day)
        chain = archive.chain(connection, unit)
        with tempfile.TemporaryFile() as lines:
            events = 0
            for event in pack_events.lines(connection, unit, first_day, last_day):
                lines.write(event.model_dump_json().encode() + b"\n")
                events += 1
            _add_head(connection, pack, chosen, chain, events)
            pack.add_file(pack_format.EVENTS, lines)
        with tempfile.TemporaryFile() as lines:
            days: dict[str, Day] = {}
            packer = DocumentPacker(connection, pack, unit)
            done = 0
            for document, xml, cleared in _documents(connection, chosen):
                line = packer.add(document, xml, cleared)
                lines.write(line.model_dump_json().encode() + b"\n")
                if xml is not None:
                    day = days.setdefault(document.issue_date, Day(unit.name, document.issue_date))
                    day.add(document.type_code, document.state, xml)
                    done += 1
                    if progress is not None:
                        progress(done, chosen.count)
            pack.add_file(pack_format.DOCUMENTS, lines)
        in_order = [days[day] for day in sorted(days)]
        for name, data in statement_members(in_order).items():
            pack.add(name, data)
        pack.add(pack_format.STATEMENT_TEXT, _statement_text(in_order))
        return Exported(
            unit.name, chosen.count, chosen.first, chosen.last, unit.next_icv, unit.last_hash, pack.add_sums()
        )


def statement_members(days: list[Day]) -> dict[str, bytes]:
    """Return the two forms of the statement for machines, as they stand in a pack of this version."""
    data = "".join(json.dumps(statement_text.as_data(day), ensure_ascii=False) + "\n" for day in days)
    return {
        pack_format.STATEMENT_DATA: data.encode(),
        pack_format.STATEMENT_CSV: "".join(statement_text.as_csv(days)).encode(),
    }


def _statement_text(days: list[Day]) -> bytes:
    text = ""
    for language in ("en", "ar"):
        lines = [line for day in days for line in statement_text.as_lines(day, language)]
        text += "\n".join([*lines, "", statement_text.CONVENTION[language], "", ""])
    return text.encode()


def _range(connection: Connection, unit: Unit, first_day: date, last_day: date) -> _Range:
    days = first_day.isoformat(), last_day.isoformat()
    found = documents.in_days(select(_document.c.icv), unit.id, first_day, last_day).subquery()
    count, first, last = connection.execute(
        select(func.count(), func.min(found.c.icv), func.max(found.c.icv)).select_from(found)
    ).one()
    if not count:
        raise EmptyRange(unit=unit.name, first_day=days[0], last_day=days[1])
    if count > pack_format.MOST_DOCUMENTS:
        raise RangeTooLarge(unit=unit.name, documents=count, most=pack_format.MOST_DOCUMENTS)
    return _Range(unit, first_day, last_day, count, first, last)


def _add_head(connection: Connection, pack: PackWriter, chosen: _Range, chain: archive.Chain, events: int) -> None:
    """Write the readme, the manifest, the certificates, and the evidence of imports."""
    unit = chosen.unit
    manifest = Manifest(
        format="khatm-auditor-pack",
        version=2,
        unit=UnitPart(
            name=unit.name,
            vat_number=unit.vat_number,
            environment=unit.environment.value,
            common_name=unit.csr_fields.common_name,
            serial_number=unit.csr_fields.serial_number,
        ),
        first_day=chosen.days[0],
        last_day=chosen.days[1],
        documents=chosen.count,
        listed=_listed(connection, chosen),
        events=events,
        chain=_chain_part(connection, chosen, chain),
        generations=tuple(_generations(connection, unit)),
    )
    pack.add(pack_format.README, readme(manifest))
    pack.add(pack_format.MANIFEST, manifest.model_dump_json(indent=2).encode() + b"\n")
    for label, key in archive.stamp_keys(connection, unit.id).items():
        if key.certificate is not None:
            pack.add(f"certificates/{label}.pem", key.certificate.pem)
    for each, part in zip(chain.imports, manifest.chain.imports, strict=True):
        if each.content is not None and part.file is not None:
            pack.add(part.file, each.content)


def _listed(connection: Connection, chosen: _Range) -> int:
    query = select(func.count()).where(
        _document.c.unit_id == chosen.unit.id, _document.c.icv.between(chosen.first, chosen.last)
    )
    return int(connection.execute(query).scalar_one())


def _chain_part(connection: Connection, chosen: _Range, chain: archive.Chain) -> ChainPart:
    unit = chosen.unit
    before = chosen.first - 1
    known = {each.icv: each.invoice_hash for each in chain.imports} | {0: INITIAL_PIH}
    previous = known.get(before)
    if previous is None:
        query = select(_document.c.invoice_hash).where(_document.c.unit_id == unit.id, _document.c.icv == before)
        previous = connection.execute(query).scalar() or ""
    return ChainPart(
        previous_icv=before,
        previous_hash=previous,
        next_icv=unit.next_icv,
        last_hash=unit.last_hash,
        imports=tuple(
            ImportPart(
                after_icv=each.after_icv,
                icv=each.icv,
                invoice_hash=each.invoice_hash,
                uuid=each.uuid,
                file=f"evidence/ICV-{each.icv}.xml" if each.proven else None,
            )
            for each in chain.imports
        ),
    )


def _generations(connection: Connection, unit: Unit) -> Iterator[GenerationPart]:
    for label, key in archive.stamp_keys(connection, unit.id).items():
        if key.certificate is not None:
            point = None if key.point is None else key.point.hex()
            yield GenerationPart(label=label, certificate=f"certificates/{label}.pem", public_key=point)


def _documents(connection: Connection, chosen: _Range) -> Iterator[tuple[Document, bytes | None, bytes | None]]:
    """Walk through the counters in order; documents of other days come without their bytes."""
    wanted = _document.c.issue_date.between(*chosen.days)
    query = (
        select(_document, _stamped.c.content.label("stamped"), _cleared.c.content.label("cleared"))
        .outerjoin(_stamped, and_(_stamped.c.document_id == _document.c.id, wanted))
        .outerjoin(_cleared, and_(_cleared.c.document_id == _document.c.id, wanted))
        .where(_document.c.unit_id == chosen.unit.id, _document.c.icv.between(chosen.first, chosen.last))
        .order_by(_document.c.icv)
        .execution_options(yield_per=100)
    )
    first, last = chosen.days
    for row in connection.execute(query):
        document = documents.from_row(row)
        if row.stamped is None and first <= document.issue_date <= last:
            raise NotExportable(unit=chosen.unit.name, icv=document.icv)
        yield document, row.stamped, row.cleared
