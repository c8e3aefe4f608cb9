"""A document with every number computed, as the writer takes it.

Amounts are Decimals of the document's currency with two decimals, unless said otherwise. What a document has by the
thousand is a named tuple, made four times as fast as a frozen dataclass. Source: the document standard, sections 5 to
9 and 15.2.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from khatm.money import add, text2, trimmed

if TYPE_CHECKING:  # the writer needs the shapes only; importing the model costs a tenth of a second
    from khatm.document.lines import Line
    from khatm.document.model import AuthoredDocument


class Adjustment(NamedTuple):
    """One allowance or charge as it is emitted; base and percent stand together or not at all."""

    amount: Decimal
    reason: str | None
    code: str | None
    base: Decimal | None = None
    percent: Decimal | None = None

    def as_expected(self) -> dict[str, Any]:
        """Return the entry in the corpus form."""
        entry: dict[str, Any] = {"amount": text2(self.amount)}
        if self.base is not None and self.percent is not None:
            entry |= {"base": text2(self.base), "percent": trimmed(self.percent)}
        if self.reason is not None:
            entry["reason"] = self.reason
        if self.code is not None:
            entry["code"] = self.code
        return entry


class VatGroup(NamedTuple):
    """A VAT category with its rate: what a breakdown row stands for."""

    category: str
    rate: Decimal

    def as_expected(self) -> dict[str, Any]:
        """Return the pair in the corpus form."""
        return {"category": self.category, "rate": text2(self.rate)}


class ComputedLine(NamedTuple):
    """A line with its amounts (BG-25)."""

    id: str
    source: "Line"
    group: VatGroup
    price: str
    """BT-146, the text to write."""
    gross_price: str | None
    """BT-148 and, next, BT-147: only with a price discount on a net price."""
    price_discount: str | None
    discounts: tuple[Adjustment, ...]
    charges: tuple[Adjustment, ...]
    net: Decimal
    """BT-131."""
    vat: Decimal
    """KSA-11."""

    @property
    def gross(self) -> Decimal:
        """KSA-12; not kept, because long documents are as fast as their memory is small."""
        return add(self.net, self.vat)

    def as_expected(self) -> dict[str, Any]:
        """Return the line in the corpus form."""
        entry: dict[str, Any] = {"id": self.id, "price": self.price}
        if self.gross_price is not None:
            entry |= {"gross_price": self.gross_price, "price_discount": self.price_discount}
        return entry | {
            "discounts": [discount.as_expected() for discount in self.discounts],
            "charges": [charge.as_expected() for charge in self.charges],
            "net": text2(self.net),
            "vat": text2(self.vat),
            "gross": text2(self.gross),
        }


class PrepaymentLine(NamedTuple):
    """A line that deducts one VAT group of an earlier prepayment document (section 9)."""

    id: str
    number: str
    uuid: str | None
    issue_date: str
    issue_time: str
    group: VatGroup
    taxable: Decimal
    """KSA-31."""
    tax: Decimal
    """KSA-32."""
    reason_code: str | None
    reason: str | None

    def as_expected(self) -> dict[str, Any]:
        """Return the line in the corpus form."""
        amounts = {"taxable": text2(self.taxable), "tax": text2(self.tax), "reason_code": self.reason_code}
        return {"id": self.id, "number": self.number, **self.group.as_expected(), **amounts}


class DocumentAdjustment(NamedTuple):
    """A document allowance (BG-20) or charge (BG-21) of one VAT group."""

    group: VatGroup
    adjustment: Adjustment

    def as_expected(self) -> dict[str, Any]:
        """Return the entry in the corpus form."""
        return {**self.group.as_expected(), **self.adjustment.as_expected()}


class BreakdownRow(NamedTuple):
    """A row of the VAT breakdown (BG-23)."""

    group: VatGroup
    taxable: Decimal
    """BT-116."""
    tax: Decimal
    """BT-117."""
    reason_code: str | None
    """BT-121 and, next, BT-120: for Z, E and O."""
    reason: str | None

    def as_expected(self) -> dict[str, Any]:
        """Return the row in the corpus form."""
        row = {**self.group.as_expected(), "taxable": text2(self.taxable), "tax": text2(self.tax)}
        return row | ({"reason_code": self.reason_code, "reason": self.reason} if self.reason_code is not None else {})


class Totals(NamedTuple):
    """The document's totals (BG-22)."""

    line_net: Decimal
    """BT-106."""
    allowances: Decimal
    """BT-107."""
    charges: Decimal
    """BT-108."""
    tax_exclusive: Decimal
    """BT-109."""
    vat: Decimal
    """BT-110."""
    vat_sar: Decimal
    """BT-111, in riyals."""
    tax_inclusive: Decimal
    """BT-112."""
    prepaid: Decimal
    """BT-113."""
    rounding: Decimal
    """BT-114."""
    payable: Decimal
    """BT-115."""

    def as_expected(self) -> dict[str, str]:
        """Return the totals in the corpus form."""
        return {name: text2(amount) for name, amount in self._asdict().items()}


@dataclass(frozen=True, slots=True)
class ComputedDocument:
    """An authored document with every computed number."""

    document: "AuthoredDocument"
    type_code: str
    """BT-3."""
    transaction_code: str
    """KSA-2."""
    supply_date: str | None
    """KSA-5."""
    lines: tuple[ComputedLine, ...]
    prepayment_lines: tuple[PrepaymentLine, ...]
    allowances: tuple[DocumentAdjustment, ...]
    charges: tuple[DocumentAdjustment, ...]
    breakdown: tuple[BreakdownRow, ...]
    totals: Totals

    def as_expected(self) -> dict[str, Any]:
        """Return every computed number as text, in the shape of the corpus member `expected`."""
        return {
            "type_code": self.type_code,
            "transaction_code": self.transaction_code,
            "lines": [line.as_expected() for line in self.lines],
            "prepayment_lines": [line.as_expected() for line in self.prepayment_lines],
            "document_discounts": [entry.as_expected() for entry in self.allowances],
            "document_charges": [entry.as_expected() for entry in self.charges],
            "vat_breakdown": [row.as_expected() for row in self.breakdown],
            "totals": self.totals.as_expected(),
        }
