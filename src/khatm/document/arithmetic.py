"""Compute every number of a document from its authored facts.

All rounding is half up to two decimals, in decimal arithmetic, on final results only. Source: the document standard,
sections 5 to 9 and, for the order, 15.2.
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, localcontext

from khatm.document.codes import FLAG_ORDER, PROFILE_DIGITS
from khatm.document.computed import (
    BreakdownRow,
    ComputedDocument,
    ComputedLine,
    DocumentAdjustment,
    PrepaymentLine,
    Totals,
    VatGroup,
)
from khatm.document.errors import InvalidDocument, Problem
from khatm.document.line_arithmetic import EXACT, Tally, compute_lines
from khatm.document.model import AuthoredDocument
from khatm.document.refusals import has_default_supply_date
from khatm.document.spread import Tallies, document_level
from khatm.memory import uncollected
from khatm.money import ZERO, divide, multiply, percent_of, round2, text2

__all__ = ["ComputedDocument", "compute"]


def compute(document: AuthoredDocument) -> ComputedDocument:
    """Return the document with every total.

    Raises InvalidDocument where the numbers themselves are refused: a line or a VAT group below zero, an amount that
    cannot be spread, prepayments above the total.
    """
    with uncollected(), localcontext(EXACT):
        return _compute(document)


def _compute(document: AuthoredDocument) -> ComputedDocument:
    tallies: Tallies = {}
    problems: list[Problem] = []
    lines = compute_lines(document.lines, tallies, problems)
    allowances = document_level(document.discounts, "discounts", tallies, problems)
    charges = document_level(document.charges, "charges", tallies, problems)
    breakdown = [_row(group, tally) for group, tally in tallies.items()]
    if not problems:  # a line below zero brings its group below zero too
        problems += [_above_group(row) for row in breakdown if row.taxable < 0]
    prepayment_lines = _prepayment_lines(document, len(lines))
    breakdown += _zero_rows(prepayment_lines, breakdown)
    totals = _totals(document, tallies, lines, allowances, charges, breakdown, prepayment_lines)
    if totals.payable < 0 and not problems:
        problems.append(_below_zero(document, totals))
    if problems:
        raise InvalidDocument(tuple(problems))
    return ComputedDocument(
        document=document,
        type_code=document.type_code,
        transaction_code=_transaction_code(document),
        supply_date=_supply_date(document),
        lines=tuple(lines),
        prepayment_lines=tuple(prepayment_lines),
        allowances=tuple(allowances),
        charges=tuple(charges),
        breakdown=tuple(breakdown),
        totals=totals,
    )


def _transaction_code(document: AuthoredDocument) -> str:
    """KSA-2: seven digits, and only as many more as the flags of positions 8 and 9 need (section 1.2)."""
    digits = "".join("1" if flag in document.flags else "0" for flag in FLAG_ORDER)
    shown = 7 if "b2g" in document.flags else 6 if "continuous" in document.flags else 5
    return PROFILE_DIGITS[document.profile] + digits[:shown]


def _supply_date(document: AuthoredDocument) -> str | None:
    if document.supply is not None and document.supply.date is not None:
        return document.supply.date
    return document.issue_date if has_default_supply_date(document.kind, document.profile) else None


def _row(group: VatGroup, tally: Tally) -> BreakdownRow:
    taxable = tally.line_net + tally.adjusted
    return BreakdownRow(group, taxable, percent_of(taxable, group.rate), tally.reason_code, tally.reason)


def _prepayment_lines(document: AuthoredDocument, after: int) -> list[PrepaymentLine]:
    """One line per prepayment document and VAT group, numbered after the real lines (section 9)."""
    lines: list[PrepaymentLine] = []
    for prepayment in document.prepayments:
        for part in prepayment.parts:
            taxable = round2(part.taxable)
            tax = percent_of(taxable, part.percent) if part.tax is None else round2(part.tax)
            lines.append(
                PrepaymentLine(
                    id=str(after + len(lines) + 1),
                    number=prepayment.number,
                    uuid=prepayment.uuid,
                    issue_date=prepayment.issue_date,
                    issue_time=prepayment.issue_time,
                    group=VatGroup(part.category, part.percent),
                    taxable=taxable,
                    tax=tax,
                    reason_code=part.reason_code,
                    reason=part.reason_text,
                )
            )
    return lines


def _zero_rows(prepayments: Sequence[PrepaymentLine], breakdown: Sequence[BreakdownRow]) -> list[BreakdownRow]:
    """Rows of 0.00 for categories that only prepayment lines use (section 9 item 5)."""
    present = {row.group.category for row in breakdown}
    rows = []
    for line in prepayments:
        if line.group.category not in present:
            present.add(line.group.category)
            rows.append(BreakdownRow(line.group, ZERO, ZERO, line.reason_code, line.reason))
    return rows


def _totals(
    document: AuthoredDocument,
    tallies: Tallies,
    lines: Sequence[ComputedLine],
    allowances: Sequence[DocumentAdjustment],
    charges: Sequence[DocumentAdjustment],
    breakdown: Sequence[BreakdownRow],
    prepayments: Sequence[PrepaymentLine],
) -> Totals:
    """The formulas of section 7.1."""
    line_net = sum((line.net for line in lines), ZERO)
    allowance_total = sum((entry.adjustment.amount for entry in allowances), ZERO)
    charge_total = sum((entry.adjustment.amount for entry in charges), ZERO)
    tax_exclusive = line_net - allowance_total + charge_total
    vat = sum((row.tax for row in breakdown), ZERO)
    rate = document.sar_rate if document.currency != "SAR" else None
    tax_inclusive = tax_exclusive + vat
    prepaid = sum((line.taxable + line.tax for line in prepayments), ZERO)
    rounding = _rounding(document, tallies, tax_inclusive, prepaid)
    return Totals(
        line_net=line_net,
        allowances=allowance_total,
        charges=charge_total,
        tax_exclusive=tax_exclusive,
        vat=vat,
        vat_sar=vat if rate is None else round2(multiply(vat, rate)),
        tax_inclusive=tax_inclusive,
        prepaid=prepaid,
        rounding=rounding,
        payable=tax_inclusive - prepaid + rounding,
    )


def _rounding(document: AuthoredDocument, tallies: Tallies, tax_inclusive: Decimal, prepaid: Decimal) -> Decimal:
    """BT-114: as given, to reach a multiple of `round_to`, or what tax-inclusive prices leave over (section 7.4)."""
    if document.rounding is not None:
        return round2(document.rounding)
    told = sum((tally.inclusive for tally in tallies.values()), ZERO) if _all_inclusive(document) else tax_inclusive
    if document.round_to is None:
        return told - tax_inclusive
    steps = divide(told - prepaid, document.round_to).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    return round2(multiply(steps, document.round_to)) - (tax_inclusive - prepaid)


def _all_inclusive(document: AuthoredDocument) -> bool:
    """Tell whether the sum of the tax-inclusive amounts is what the customer was told."""
    return (
        all(line.price_basis == "gross" for line in document.lines)
        and all(discount.basis == "gross" for discount in document.discounts)
        and all(charge.basis == "gross" for charge in document.charges)
    )


def _above_group(row: BreakdownRow) -> Problem:
    name = f"{row.group.category} {text2(row.group.rate)}"
    return Problem(
        "discounts",
        f"discounts that bring the VAT group {name} to {text2(row.taxable)}",
        "discounts that leave each VAT group at zero or more",
        "above-group",
        None,
        "خصومات تبقي كل مجموعة ضريبية صفرا أو أكثر",
    )


def _below_zero(document: AuthoredDocument, totals: Totals) -> Problem:
    return Problem(
        "prepayments" if document.prepayments else "rounding",
        f"a payable amount of {text2(totals.payable)}",
        "prepayments and rounding that leave zero or more to pay",
        "below-zero",
        None,
        "دفعات مقدمة وتقريب تبقي المبلغ المستحق صفرا أو أكثر",
    )
