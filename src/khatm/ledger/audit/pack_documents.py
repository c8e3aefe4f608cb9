"""The files of one document in an auditor's pack, and its line in the list.

Source: the document standard, section 13.
"""

import json
import re
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from khatm.document.filename import archive_name
from khatm.ledger import exchanges, generations
from khatm.ledger.audit.pack_format import DocumentLine
from khatm.ledger.audit.pack_writer import PackWriter
from khatm.ledger.documents import Document
from khatm.ledger.exchanges import Exchange
from khatm.ledger.redaction import without_secrets
from khatm.ledger.schema import moment_text
from khatm.ledger.units import Unit

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LONGEST_STEM: Final = 180
"""File systems take 255 bytes; a number (BT-1) may be longer."""


class DocumentPacker:
    """Writes documents into a pack under ZATCA's file names, in a folder per day.

    Where two documents would share a name, the later one gets its counter added.
    """

    def __init__(self, connection: Connection, pack: PackWriter, unit: Unit) -> None:
        self._connection = connection
        self._pack = pack
        self._labels = {each.id: each.label for each in generations.of_unit(connection, unit.id)}
        self._taken: set[str] = set()

    def add(self, document: Document, xml: bytes | None, cleared: bytes | None) -> DocumentLine:
        """Write a document's files and return its line; one without `xml` is only listed."""
        if xml is None:
            return self._line(document, None, None, None)
        name = self._name(document, xml)
        file = f"documents/{name}.xml"
        self._pack.add(file, xml)
        copy = answers = None
        if cleared is not None:
            copy = f"cleared/{name}.xml"
            self._pack.add(copy, cleared)
        made = exchanges.of_document(self._connection, document.id)
        if made:
            answers = f"exchanges/{name}.json"
            self._pack.add(answers, _exchanges_json(made))
        return self._line(document, file, copy, answers)

    def _name(self, document: Document, xml: bytes) -> str:
        stem = archive_name(xml).removesuffix(".xml")[:_LONGEST_STEM]
        folder = document.issue_date if _DAY.fullmatch(document.issue_date) else "undated"
        # Some file systems see no difference between upper and lower case.
        if f"{folder}/{stem}".lower() in self._taken:
            stem = f"{stem}_ICV-{document.icv}"
        self._taken.add(f"{folder}/{stem}".lower())
        return f"{folder}/{stem}"

    def _line(self, document: Document, file: str | None, cleared: str | None, answers: str | None) -> DocumentLine:
        return DocumentLine(
            icv=document.icv,
            uuid=document.uuid,
            invoice_hash=document.invoice_hash,
            previous_hash=document.previous_hash,
            profile=document.profile.value,
            type_code=document.type_code,
            transaction_code=document.transaction_code,
            issue_date=document.issue_date,
            issue_time=document.issue_time,
            payable=document.payable,
            vat_total=document.vat_total,
            deadline=_moment(document.deadline),
            generation=self._labels[document.generation_id],
            issued_at=moment_text(document.issued_at),
            reference=document.reference,
            state=document.state.value,
            route=document.route.value,
            attempts=document.attempts,
            reason=document.reason,
            settled_at=_moment(document.settled_at),
            file=file,
            cleared=cleared,
            exchanges=answers,
        )


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment_text(moment)


def _exchanges_json(made: list[Exchange]) -> bytes:
    return (json.dumps([_exchange(each) for each in made], ensure_ascii=False, indent=2) + "\n").encode()


def _exchange(exchange: Exchange) -> object:
    """Return an exchange as plain data; secrets are not stored, and are looked for once more on the way out."""
    values = {name: getattr(exchange, name) for name in Exchange.__slots__ if name != "generation_id"}
    return without_secrets(
        {name: moment_text(value) if isinstance(value, datetime) else value for name, value in values.items()}
    )
