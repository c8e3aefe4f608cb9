"""The daily statement: what a unit issued on a Saudi day, what became of it, and what it adds up to.

To be compared with the portal's statistics and with the books. Amounts are read from the stamped bytes, which are what
the authority has. Source: the gateway contract 10.1; the document standard, sections 1.1 and 7.
"""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, select

from khatm.document.amounts import Amounts, read_amounts
from khatm.errors import KhatmError
from khatm.ledger import documents, schema
from khatm.ledger.documents import DocumentState
from khatm.ledger.units import Unit
from khatm.money import ZERO

_document = schema.document
_stamped = schema.stamped_xml


class Kind(StrEnum):
    """Kinds of documents by BT-3."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    DEBIT_NOTE = "debit_note"
    PREPAYMENT = "prepayment"
    OTHER = "other"


KINDS: Final = {"388": Kind.INVOICE, "381": Kind.CREDIT_NOTE, "383": Kind.DEBIT_NOTE, "386": Kind.PREPAYMENT}

_COUNTED_AS: Final = {
    DocumentState.ISSUED: "waiting",
    DocumentState.WAITING: "waiting",
    DocumentState.ACCEPTED: "accepted",
    DocumentState.ACCEPTED_WITH_WARNINGS: "warned",
    DocumentState.REJECTED: "rejected",
    DocumentState.SET_ASIDE: "set_aside",
}
_AT_THE_AUTHORITY: Final = ("accepted", "warned")


@dataclass(slots=True)
class Sums:
    """Amounts added up with their sign: credit notes count as negative."""

    taxable: Decimal = ZERO
    vat: Decimal = ZERO
    vat_sar: Decimal = ZERO

    def add(self, amounts: Amounts, sign: int) -> None:
        """Add a document's amounts."""
        self.taxable += sign * amounts.taxable
        self.vat += sign * amounts.vat
        self.vat_sar += sign * amounts.vat_sar


@dataclass(slots=True)
class Counts:
    """How many documents were issued, and what became of them; `issued` is the sum of the others."""

    issued: int = 0
    accepted: int = 0
    warned: int = 0
    rejected: int = 0
    waiting: int = 0
    set_aside: int = 0

    def add(self, counted_as: str) -> None:
        """Count one document."""
        self.issued += 1
        setattr(self, counted_as, getattr(self, counted_as) + 1)


@dataclass(slots=True)
class KindSums:
    """One kind of document in one currency: counts, the sums of all that were issued, and of those accepted."""

    kind: Kind
    currency: str
    counts: Counts = field(default_factory=Counts)
    issued: Sums = field(default_factory=Sums)
    accepted: Sums = field(default_factory=Sums)
    unreadable: int = 0
    """Documents whose amounts could not be read; they are counted and not summed."""

    @property
    def sign(self) -> int:
        """-1 for credit notes, which take back what an invoice charged."""
        return -1 if self.kind is Kind.CREDIT_NOTE else 1


@dataclass(slots=True)
class Day:
    """One unit on one Saudi day of issue (BT-2)."""

    unit: str
    day: str
    kinds: dict[tuple[Kind, str], KindSums] = field(default_factory=dict)

    def add(self, type_code: str, state: DocumentState | str, xml: bytes | None) -> None:
        """Count a document and add its amounts."""
        amounts = _amounts(xml)
        kind, currency = KINDS.get(type_code, Kind.OTHER), amounts.currency if amounts is not None else ""
        sums = self.kinds.setdefault((kind, currency), KindSums(kind, currency))
        counted_as = _COUNTED_AS[DocumentState(state)]
        sums.counts.add(counted_as)
        if amounts is None:
            sums.unreadable += 1
            return
        sums.issued.add(amounts, sums.sign)
        if counted_as in _AT_THE_AUTHORITY:
            sums.accepted.add(amounts, sums.sign)

    @property
    def counts(self) -> Counts:
        """The counts of all kinds together."""
        total = Counts()
        for each in self.rows():
            for name in Counts.__slots__:
                setattr(total, name, getattr(total, name) + getattr(each.counts, name))
        return total

    def rows(self) -> list[KindSums]:
        """Return the kinds in the order of `Kind`, and currencies by name."""
        order = list(Kind)
        return sorted(self.kinds.values(), key=lambda each: (order.index(each.kind), each.currency))


def of_unit(connection: Connection, unit: Unit, first: date, last: date) -> list[Day]:
    """Return a unit's days on which it issued, in order; indexes find their documents."""
    query = select(_document.c.issue_date, _document.c.type_code, _document.c.state, _stamped.c.content)
    query = query.outerjoin(_stamped, _stamped.c.document_id == _document.c.id)
    found = documents.in_days(query, unit.id, first, last).execution_options(yield_per=100)
    days: dict[str, Day] = {}
    for issue_date, type_code, state, xml in connection.execute(found):
        day = days.get(issue_date)
        if day is None:
            day = days[issue_date] = Day(unit.name, issue_date)
        day.add(type_code, state, xml)
    return [days[day] for day in sorted(days)]


def _amounts(xml: bytes | None) -> Amounts | None:
    try:
        return None if xml is None else read_amounts(xml)
    except KhatmError:
        return None
