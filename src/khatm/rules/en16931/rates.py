"""The VAT amount of a breakdown row against its rate, in the binary arithmetic of each edition.

3.4.8 computes in doubles and rounds half to even, 3.3.3 in single precision and rounds half up; both allow one halala
per invoice line. Source: the EN rule specification, section 2, near() and the 3.3.3 variants.
"""

import math

from khatm.rules.abort import Abort, AbortKind
from khatm.rules.en16931.categories import code, vat
from khatm.rules.numbers import dbl, double_of, half_even, round_up, single
from khatm.rules.patterns import norm
from khatm.rules.reading import Node, Nodes, Reading, one, opt


def rates(subtotal: Node) -> Nodes:
    """Return the Percent elements of the VAT categories of a breakdown row."""
    categories = subtotal.all("cac:TaxCategory")
    return [percent for category in categories if vat(category) for percent in category.all("cbc:Percent")]


def off(reading: Reading, subtotal: Node) -> bool:
    """Tell whether the row's VAT is not base times rate, as 3.4.8 computes; a missing number is off.

    Numbers are read in this order, and none behind a missing one.
    """
    tax = double_of(subtotal.all("cbc:TaxAmount"))
    base = None if tax is None else double_of(subtotal.all("cbc:TaxableAmount"))
    rate = None if base is None else double_of(rates(subtotal))
    if tax is None or base is None or rate is None:
        return True
    product = base * (rate / 100)
    if math.isinf(product):
        raise Abort(AbortKind.CAST, str(product), subtotal)
    if math.isnan(product):
        return True
    should = round_up(float(half_even(product)) * 100) / 100
    tolerance = single(len(reading.named("cac:InvoiceLine")) / 100)
    most = round_up((should + tolerance) * 100) / 100
    least = round_up((should - tolerance) * 100) / 100
    return not (least <= tax <= most or tax == should)


def off_333(reading: Reading, subtotal: Node) -> bool:
    """Tell whether the row's VAT is not base times rate, as 3.3.3 computes; a missing number aborts."""
    tax, base = _tax_and_base(subtotal)
    least, should, most = _limits_333(reading, base, _single(subtotal, rates(subtotal)))
    return not (least <= tax <= most or tax == should)


def co17_333(reading: Reading, subtotal: Node) -> bool:
    """Tell whether BR-CO-17 of 3.3.3 fires: rows of E, Z, O or no rate must state no VAT."""
    categories = subtotal.all("cac:TaxCategory")
    codes = [code(category) for category in categories]
    percents = [percent for category in categories for percent in category.all("cbc:Percent")]
    free = "E" in codes or "Z" in codes or ("O" in codes and not percents) or norm(opt(percents)) == ""
    if "S" in codes or not free:
        return off_333(reading, subtotal)
    tax, base = _tax_and_base(subtotal)
    if tax == 0:
        return False
    rate = double_of(rates(subtotal)) if norm(opt(percents)) else None
    if rate is None:
        return True
    # The limits stand the wrong way round here: the tolerance helps only where it is nothing.
    least, _, most = _limits_333(reading, base, single(rate))
    return not most <= tax <= least


def _tax_and_base(subtotal: Node) -> tuple[float, float]:
    return _single(subtotal, subtotal.all("cbc:TaxAmount")), _single(subtotal, subtotal.all("cbc:TaxableAmount"))


def _single(subtotal: Node, nodes: Nodes) -> float:
    value = dbl(one(nodes))
    if value is None:
        raise Abort(AbortKind.MULTIPLE, None, subtotal)  # the error class of a typed variable without a value
    return single(value)


def _limits_333(reading: Reading, base: float, rate: float) -> tuple[float, float, float]:
    should = _halala(single(base * single(rate / 100)))
    tolerance = single(len(reading.named("cac:InvoiceLine")) / 100)
    return _halala(single(should - tolerance)), should, _halala(single(should + tolerance))


def _halala(value: float) -> float:
    return single(single(round_up(single(value * 100))) / 100)
