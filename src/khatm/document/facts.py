"""What a UBL invoice says, as text: whoever wrote it, right or wrong.

Text is the element's own, without white space around it; None stands for an element that is not there, an empty
string for one without content. Source: the terms of the document standard (BT and KSA ids), section 11 for the paths.
"""

from dataclasses import dataclass
from decimal import Decimal

from khatm.money import decimal


@dataclass(frozen=True, slots=True)
class AmountFact:
    """An amount as it is written, with its currency."""

    text: str
    currency: str | None

    @property
    def value(self) -> Decimal | None:
        """The number, None where the text is not a plain decimal."""
        try:
            return decimal(self.text)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class PartyFacts:
    """Seller (BG-4) or buyer (BG-7)."""

    name: str | None = None
    """BT-27, BT-44."""
    vat: str | None = None
    """BT-31, BT-48."""
    ids: tuple[tuple[str | None, str], ...] = ()
    """Scheme and value: BT-29, BT-46."""
    street: str | None = None
    additional_street: str | None = None
    building: str | None = None
    plot: str | None = None
    district: str | None = None
    city: str | None = None
    postal_code: str | None = None
    province: str | None = None
    country: str | None = None
    contact_name: str | None = None
    telephone: str | None = None
    email: str | None = None
    contact_note: str | None = None


@dataclass(frozen=True, slots=True)
class TaxFacts:
    """A tax category with its rate, and for a breakdown row or a prepayment the amounts and the reason."""

    category: str | None
    rate: str | None
    taxable: AmountFact | None = None
    tax: AmountFact | None = None
    reason_code: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class AdjustmentFacts:
    """An allowance or a charge of the document, of a line or of a price."""

    charge: bool
    amount: AmountFact | None
    base: AmountFact | None
    percent: str | None
    reason: str | None
    code: str | None
    taxes: tuple[TaxFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class PrepaymentFacts:
    """The prepayment document that a line deducts (KSA-26 to KSA-30)."""

    number: str | None
    uuid: str | None
    issue_date: str | None
    issue_time: str | None
    type_code: str | None


@dataclass(frozen=True, slots=True)
class LineFacts:
    """A line (BG-25)."""

    id: str | None
    notes: tuple[str, ...]
    quantity: str | None
    unit: str | None
    net: AmountFact | None
    """BT-131."""
    vat: AmountFact | None
    """KSA-11."""
    gross: AmountFact | None
    """KSA-12."""
    adjustments: tuple[AdjustmentFacts, ...]
    name: str | None
    buyer_sku: str | None
    seller_sku: str | None
    standard_id: str | None
    tax: TaxFacts | None
    price: AmountFact | None
    """BT-146."""
    per: str | None
    """BT-149."""
    price_discount: AdjustmentFacts | None
    """BT-147 and BT-148."""
    prepayment: PrepaymentFacts | None
    subtotals: tuple[TaxFacts, ...]
    """KSA-31 to KSA-34, KSA-41 and KSA-42, on prepayment lines."""


@dataclass(frozen=True, slots=True)
class TotalsFacts:
    """The document's totals (BG-22)."""

    line_net: AmountFact | None
    allowances: AmountFact | None
    charges: AmountFact | None
    tax_exclusive: AmountFact | None
    tax_inclusive: AmountFact | None
    prepaid: AmountFact | None
    rounding: AmountFact | None
    payable: AmountFact | None


@dataclass(frozen=True, slots=True)
class TaxTotalFacts:
    """One tax total: the bare one is BT-111, the one with subtotals BT-110 with the breakdown (BG-23)."""

    amount: AmountFact | None
    subtotals: tuple[TaxFacts, ...]


@dataclass(frozen=True, slots=True)
class PaymentFacts:
    """One group of payment instructions (BG-16)."""

    code: str | None
    reasons: tuple[str, ...]
    """KSA-10."""
    account: str | None
    terms: str | None


@dataclass(frozen=True, slots=True)
class ReferenceFacts:
    """A corrected document (BG-3) or a supporting one (BG-24)."""

    id: str | None
    issue_date: str | None = None
    uuid: str | None = None
    description: str | None = None
    content: str | None = None
    """The embedded object's text, base64."""
    mime_code: str | None = None
    filename: str | None = None


@dataclass(frozen=True, slots=True)
class InvoiceFacts:
    """Everything that the Saudi terms name in a UBL invoice."""

    profile_id: str | None
    number: str | None
    uuid: str | None
    issue_date: str | None
    issue_time: str | None
    type_code: str | None
    transaction_code: str | None
    notes: tuple[tuple[str | None, str], ...]
    """Language and text (BT-22)."""
    currency: str | None
    tax_currency: str | None
    order_ref: str | None
    contract_ref: str | None
    references: tuple[ReferenceFacts, ...]
    documents: tuple[ReferenceFacts, ...]
    """All additional document references: ICV, PIH, QR and attachments."""
    seller: PartyFacts
    buyer: PartyFacts
    supply_date: str | None
    supply_end: str | None
    payments: tuple[PaymentFacts, ...]
    adjustments: tuple[AdjustmentFacts, ...]
    exchange_rate: str | None
    tax_totals: tuple[TaxTotalFacts, ...]
    totals: TotalsFacts
    lines: tuple[LineFacts, ...]

    @property
    def simplified(self) -> bool:
        """Whether the transaction code begins with 02."""
        return (self.transaction_code or "").startswith("02")

    @property
    def icv(self) -> str | None:
        """KSA-16."""
        return next((each.uuid for each in self.documents if each.id == "ICV"), None)

    @property
    def pih(self) -> str | None:
        """KSA-13."""
        return next((each.content for each in self.documents if each.id == "PIH"), None)

    @property
    def qr(self) -> str | None:
        """KSA-14."""
        return next((each.content for each in self.documents if each.id == "QR"), None)

    @property
    def attachments(self) -> tuple[ReferenceFacts, ...]:
        """The supporting documents (BG-24) that are not the authority's own references."""
        return tuple(each for each in self.documents if each.id not in ("ICV", "PIH", "QR"))

    @property
    def vat(self) -> AmountFact | None:
        """BT-110: the tax total with subtotals."""
        return next((each.amount for each in self.tax_totals if each.subtotals), None)

    @property
    def vat_sar(self) -> AmountFact | None:
        """BT-111: the tax total without subtotals."""
        return next((each.amount for each in self.tax_totals if not each.subtotals), None)

    @property
    def breakdown(self) -> tuple[TaxFacts, ...]:
        """BG-23."""
        return tuple(row for total in self.tax_totals for row in total.subtotals)
