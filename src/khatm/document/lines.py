"""What is supplied: lines, discounts and charges, VAT, and the prepayments that a document deducts.

What there are thousands of are dataclasses with slots, which take a quarter of the memory of models. Source: the
document standard, sections 5, 6, 9 and 15.1.
"""

from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic.dataclasses import dataclass
from pydantic_core import PydanticCustomError

from khatm.document.codes import CHARGE_REASONS, EXEMPTION_REASONS, NOT_IN_PREPAYMENTS, Category, exemption_term
from khatm.document.parties import Block
from khatm.document.values import (
    Amount,
    Day,
    Number,
    Percent,
    Positive,
    Price,
    Text127,
    Text1000,
    Time,
    Uuid,
    listed,
    refused,
    shaped,
)

_STRICT = ConfigDict(extra="forbid")
Basis = Literal["net", "gross"]

_VatRate = Annotated[
    Decimal,
    Number(
        lambda n: n in (15, 5, 0),
        "15 or 5 for category S, 0 for Z, E and O",
        "15 أو 5 للفئة S و0 للفئات Z وE وO",
        "BR-KSA-84",
    ),
]
_ChargeCode = Annotated[
    str,
    listed(
        CHARGE_REASONS,
        "a charge reason code of UNTDID 7161 such as FC (freight)",
        "رمز سبب الرسوم من UNTDID 7161 مثل FC",
        "BR-KSA-CL-06",
    ),
]
_DiscountCode = Annotated[
    str,
    shaped("[0-9A-Za-z]{1,10}", "a reason code of UNTDID 5189 such as 95", "رمز سبب الخصم من UNTDID 5189 مثل 95"),
]


def _code_wanted(category: Category, rule: str) -> PydanticCustomError:
    codes = ", ".join(EXEMPTION_REASONS[category])
    return refused("vat-reason", f"one of {codes}", f"أحد الرموز {codes}", rule, at="reason_code")


@dataclass(config=_STRICT, frozen=True, slots=True, kw_only=True)
class VatBlock:
    """A VAT category with its rate and, for Z, E and O, the reason (BT-118 to BT-121)."""

    category: Category
    rate: _VatRate | None = None
    """15 or 5 for S, which must be given; 0 for the others, which is assumed."""
    reason_code: Text127 | None = None
    """BT-121, of the category's VATEX-SA codes."""
    reason: Text1000 | None = None
    """BT-120; the code's own text in both languages when left out."""

    explained: ClassVar[bool] = False
    """Whether Z, E and O must give their reason here."""

    @model_validator(mode="after")
    def _consistent(self) -> "VatBlock":
        if self.category == "S":
            if not self.rate:  # any other rate than 15, 5 and 0 is refused at the field
                raise refused("vat-rate", "15 or 5 for category S", "15 أو 5 للفئة S", "BR-KSA-84", at="rate")
            if self.reason_code is not None or self.reason is not None:
                at = "reason" if self.reason_code is None else "reason_code"
                raise refused("vat-reason", "no reason for category S", "لا سبب للفئة S", "BR-S-10", at=at)
        elif self.rate:
            allowed = f"0 for category {self.category}"
            raise refused("vat-rate", allowed, f"0 للفئة {self.category}", "BR-KSA-84", at="rate")
        elif self.reason_code is not None and exemption_term(self.category, self.reason_code) is None:
            raise _code_wanted(self.category, "BR-KSA-CL-04")
        elif self.reason_code is None and (self.explained or self.reason is not None):
            raise _code_wanted(self.category, "BR-KSA-69")
        return self

    @property
    def percent(self) -> Decimal:
        """The rate as a number, 0 for Z, E and O."""
        return self.rate if self.rate is not None else Decimal(0)

    @property
    def reason_text(self) -> str | None:
        """BT-120: the text given, or the code's own."""
        if self.reason is not None or self.reason_code is None:
            return self.reason
        term = exemption_term(self.category, self.reason_code)
        return term.bilingual if term is not None else None


@dataclass(config=_STRICT, frozen=True, slots=True, kw_only=True)
class Vat(VatBlock):
    """The VAT of a line; Z, E and O say why."""

    explained = True


@dataclass(config=_STRICT, frozen=True, slots=True, kw_only=True)
class _Adjustment:
    """A discount or a charge: an amount, or a percentage of a base."""

    amount: Amount | None = None
    percent: Percent | None = None
    base: Amount | None = None
    """The base of the percentage; what that is without it depends on where the adjustment stands."""
    reason: Text1000 | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "_Adjustment":
        if (self.amount is None) == (self.percent is None):
            raise refused("amount-or-percent", "either `amount` or `percent`", "إما `amount` أو `percent`")
        if self.base is not None and self.percent is None:
            raise refused(
                "base", "no base, or `percent` beside it", "دون أساس أو مع `percent`", "BR-KSA-EN16931-05", at="base"
            )
        return self


@dataclass(config=_STRICT, frozen=True, slots=True, kw_only=True)
class LineDiscount(_Adjustment):
    """A discount of one line (BG-27)."""

    code: _DiscountCode | None = None


@dataclass(config=_STRICT, frozen=True, slots=True, kw_only=True)
class LineCharge(_Adjustment):
    """A charge of one line (BG-28); reason and code are required."""

    reason: Text1000
    code: _ChargeCode


@dataclass(config=_STRICT, frozen=True, slots=True, kw_only=True)
class DocumentDiscount(_Adjustment):
    """A discount of the whole document (BG-20), spread over all VAT groups unless `vat` names one."""

    code: _DiscountCode | None = None
    vat: VatBlock | None = None
    basis: Basis = "net"
    """`gross`: the amount includes VAT."""


@dataclass(config=_STRICT, frozen=True, slots=True, kw_only=True)
class DocumentCharge(_Adjustment):
    """A charge of the whole document (BG-21); reason and code are required."""

    reason: Text1000
    code: _ChargeCode
    vat: VatBlock | None = None
    basis: Basis = "net"


@dataclass(config=_STRICT, frozen=True, slots=True, kw_only=True)
class Line:
    """One item supplied (BG-25)."""

    name: Text1000
    """BT-153."""
    quantity: Positive
    """BT-129."""
    price: Price
    """Per `per` units, before `price_discount`; with VAT when `price_basis` is `gross`."""
    vat: Vat
    unit: Text127 = "PCE"
    """BT-130, a UN/ECE Recommendation 20 code by preference."""
    per: Positive = Decimal(1)
    """BT-149: how many units the price is for."""
    price_basis: Basis = "net"
    price_discount: Price | None = None
    """BT-147, taken off the price."""
    discounts: tuple[LineDiscount, ...] = ()
    charges: tuple[LineCharge, ...] = ()
    seller_sku: Text127 | None = None
    """BT-155."""
    buyer_sku: Text127 | None = None
    """BT-156."""
    standard_id: Text127 | None = None
    """BT-157, such as a GTIN."""
    note: Text1000 | None = None
    """BT-127."""

    @field_validator("price_discount")
    @classmethod
    def _covered_by_the_price(cls, discount: Decimal | None, info: ValidationInfo) -> Decimal | None:
        price = info.data.get("price")
        if discount is not None and price is not None and discount > price:
            raise refused("price-discount", "at most the price", "لا يتجاوز السعر", "BR-KSA-EN16931-07")
        return discount


@dataclass(config=_STRICT, frozen=True, slots=True, kw_only=True)
class PrepaymentPart(VatBlock):
    """What one prepayment document taxed in one VAT group (KSA-31 to KSA-34, KSA-41, KSA-42)."""

    explained = True
    taxable: Amount
    tax: Amount | None = None
    """Computed from the rate when left out."""

    @field_validator("reason_code")
    @classmethod
    def _known_to_prepayments(cls, code: str | None) -> str | None:
        if code in NOT_IN_PREPAYMENTS:
            raise refused(
                "vat-reason",
                f"any code of the category but {' and '.join(sorted(NOT_IN_PREPAYMENTS))}",
                f"أي رمز للفئة ما عدا {' و'.join(sorted(NOT_IN_PREPAYMENTS))}",
                "BR-KSA-CL-07",
            )
        return code


class Prepayment(Block):
    """An earlier prepayment document (386) that this document deducts."""

    number: Text127
    """KSA-26."""
    uuid: Uuid | None = None
    """KSA-27."""
    issue_date: Day
    """KSA-28."""
    issue_time: Time
    """KSA-29."""
    parts: tuple[PrepaymentPart, ...] = Field(min_length=1)
