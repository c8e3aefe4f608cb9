"""The amounts of lines, net priced and tax-inclusive, and the running totals of their VAT groups.

Plain operators are used for speed; they are exact in the context EXACT.

Source: the document standard, sections 5.1, 5.3, 7.4 and 15.2 item 1.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache

from khatm.document.computed import Adjustment, ComputedLine, VatGroup
from khatm.document.errors import Problem
from khatm.document.lines import DocumentCharge, DocumentDiscount, Line, LineCharge, LineDiscount
from khatm.money import ZERO, percent_of, round2, text2, trimmed

EXACT = Context(prec=60, rounding=ROUND_HALF_UP)
"""The context that `compute` sets for plain operators: no product or quotient of amounts is rounded before we do it."""

_HUNDRED = Decimal(100)
_ONE = Decimal(1)
_PRICE_CHARACTERS = 14
_PRICE_DECIMALS = 10
_shown = lru_cache(maxsize=1024)(trimmed)
"""The text of a price, without trailing zeros; few prices are alone in a document."""


@dataclass(slots=True)
class Tally:
    """What a VAT group has come to so far."""

    line_net: Decimal = ZERO
    """Sum of BT-131."""
    line_gross: Decimal = ZERO
    """Sum of KSA-12."""
    adjusted: Decimal = ZERO
    """Document charges minus document allowances."""
    inclusive: Decimal = ZERO
    """Running total of the tax-inclusive amounts, from which net amounts are cut (section 7.4)."""
    reason_code: str | None = None
    reason: str | None = None

    def net_of(self, gross: Decimal, rate: Decimal) -> Decimal:
        """Add a tax-inclusive amount (negative for a discount) to the running total and return the net that it adds."""
        divisor = _HUNDRED + rate
        before = round2(self.inclusive * _HUNDRED / divisor)
        self.inclusive += gross
        return round2(self.inclusive * _HUNDRED / divisor) - before


def compute_lines(lines: Sequence[Line], tallies: dict[VatGroup, Tally], problems: list[Problem]) -> list[ComputedLine]:
    """Return the lines with their amounts, filling the tallies by order of appearance; report lines below zero."""
    computed = []
    seen: dict[tuple[str, Decimal], tuple[VatGroup, Tally]] = {}
    for number, line in enumerate(lines, 1):
        vat = line.vat
        named = (vat.category, vat.percent)
        found = seen.get(named)
        if found is None:
            group = VatGroup(*named)
            tally = tallies.setdefault(group, Tally(reason_code=vat.reason_code, reason=vat.reason_text))
            found = seen[named] = (group, tally)
        group, tally = found  # one object for all its lines, which keeps long documents small
        result = (
            _gross_line(number, line, group, tally) if line.price_basis == "gross" else _net_line(number, line, group)
        )
        tally.line_net += result.net
        tally.line_gross += result.gross
        if result.net < ZERO:
            problems.append(_below_zero(number, result))
        computed.append(result)
    return computed


def adjustment(entry: LineDiscount | LineCharge | DocumentDiscount | DocumentCharge, base: Decimal) -> Adjustment:
    """Return a net allowance or charge; `base` is what a percentage is of when the entry names none."""
    if entry.amount is not None:
        return Adjustment(round2(entry.amount), entry.reason, entry.code)
    assert entry.percent is not None
    base = base if entry.base is None else round2(entry.base)
    amount = percent_of(base, entry.percent)
    if percent_in_doubles(base, entry.percent) == amount:  # else the authority expects another amount (section 5.3)
        return Adjustment(amount, entry.reason, entry.code, base, entry.percent)
    return Adjustment(amount, entry.reason, entry.code)


def percent_in_doubles(base: Decimal, percent: Decimal) -> Decimal:
    """Return a percentage amount as BR-KSA-EN16931-03 computes it, in binary floating point (section 5.3)."""
    return Decimal(repr(math.floor((float(base) * float(percent) / 100) * 100 + 0.5) / 100))


def _product(quantity: Decimal, price: Decimal, per: Decimal) -> Decimal:
    amount = quantity * price
    return round2(amount if per == _ONE else amount / per)


def _net_line(number: int, line: Line, group: VatGroup) -> ComputedLine:
    price = line.price - line.price_discount if line.price_discount else line.price
    base = net = _product(line.quantity, price, line.per)
    discounts: tuple[Adjustment, ...] = ()
    charges: tuple[Adjustment, ...] = ()
    if line.discounts:
        discounts = tuple(adjustment(discount, base) for discount in line.discounts)
        net -= sum((each.amount for each in discounts), ZERO)
    if line.charges:
        charges = tuple(adjustment(charge, base) for charge in line.charges)
        net += sum((each.amount for each in charges), ZERO)
    vat = round2(net * group.rate / _HUNDRED)
    gross_price = price_discount = None
    if line.price_discount:
        gross_price, price_discount = _shown(line.price), _shown(line.price_discount)
    # In the order of the fields: with their names it takes twice the time.
    return ComputedLine(
        str(number), line, group, _shown(price), gross_price, price_discount, discounts, charges, net, vat
    )


def _gross_line(number: int, line: Line, group: VatGroup, tally: Tally) -> ComputedLine:
    """A tax-inclusive line: KSA-12 is what the customer pays, BT-131 is cut from the group's running total."""
    shelf = line.price - line.price_discount if line.price_discount else line.price
    before = gross = _product(line.quantity, shelf, line.per)
    for discount in line.discounts:
        gross -= adjustment(discount, before).amount
    for charge in line.charges:
        gross += adjustment(charge, before).amount
    net = tally.net_of(gross, group.rate)
    price = _net_price(shelf, group.rate)
    discounts, charges = _one_entry(line, _product(line.quantity, price, line.per) - net)
    return ComputedLine(
        id=str(number),
        source=line,
        group=group,
        price=trimmed(price, at_least=2),
        gross_price=None,
        price_discount=None,
        discounts=discounts,
        charges=charges,
        net=net,
        vat=gross - net,
    )


def _net_price(shelf: Decimal, rate: Decimal) -> Decimal:
    """BT-146 of a shelf price: at most 10 decimals and 14 characters in all."""
    exact = shelf * _HUNDRED / (_HUNDRED + rate)
    whole = len(str(int(exact)))
    decimals = max(2, min(_PRICE_DECIMALS, _PRICE_CHARACTERS - whole - 1))
    return exact.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)


def _one_entry(line: Line, fall: Decimal) -> tuple[tuple[Adjustment, ...], tuple[Adjustment, ...]]:
    """All discounts and charges of a tax-inclusive line become one entry, an amount only (sections 7.4 and 15.2)."""
    if fall > 0 and line.discounts:
        return (Adjustment(fall, line.discounts[0].reason, line.discounts[0].code),), ()
    if fall < 0 and line.charges:
        return (), (Adjustment(-fall, line.charges[0].reason, line.charges[0].code),)
    return (), ()


def _below_zero(number: int, line: ComputedLine) -> Problem:
    return Problem(
        f"lines[{number - 1}].discounts",
        f"a line amount of {text2(line.net)}",
        "discounts that leave the line at zero or more",
        "below-zero",
        None,
        "خصومات تبقي قيمة البند صفرا أو أكثر",
    )
