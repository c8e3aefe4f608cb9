"""Rules on invoice lines: net amount, VAT and total of a line, quantities and units.

Source: Saudi rule specification, sites 060, 069, 074, 109, 110 and 142-144.
"""

from khatm.rules.abort import Abort, AbortKind
from khatm.rules.ksa.facts import (
    CHARGE,
    charges,
    is_tax_document,
    typed,
)
from khatm.rules.line_parts import every_line_parts
from khatm.rules.numbers import EXACT, decimal_of, double_of, f2, frac, number, round_up
from khatm.rules.reading import NONE, Node, Nodes, Reading, descend, filled, opt
from khatm.rules.site import Over, Site

LINE = "cac:InvoiceLine"
TAX_TOTAL = "cac:TaxTotal"
TAX = "cbc:TaxAmount"
ROUNDING = "cbc:RoundingAmount"
NET = "cbc:LineExtensionAmount"
BASE_QUANTITY = ("cac:Price", "cbc:BaseQuantity")
MAX_DIGITS = 4_000
"""Whole numbers of more digits take time that grows with their square; the stage ends there (LIMIT)."""


def _lines(reading: Reading) -> Nodes:
    return reading.named(LINE)


def _line_total(_: Reading, lines: Nodes) -> Nodes:
    """Line total = VAT + net amount, in doubles, without tolerance."""
    return [
        total
        for line in lines
        for total in line.kids.get(TAX_TOTAL, NONE)
        if not _agrees(double_of(total.all(ROUNDING)), _expected(line, total))
    ]


def _agrees(stated: float | None, expected: float | None) -> bool:
    """Compare as the picture `#.00` writes them, so that two missing numbers agree."""
    return (stated == expected and stated != 0) or f2(stated) == f2(expected)


def _expected(line: Node, total: Node) -> float | None:
    tax = double_of(total.all(TAX))
    if tax is None:
        return None
    net = double_of(line.all(NET))
    return None if net is None else round_up((tax + net) * 100) / 100


def _tax_missing(reading: Reading) -> Nodes:
    return _demanded(reading, TAX)


def _total_missing(reading: Reading) -> Nodes:
    return _demanded(reading, ROUNDING)


def _demanded(reading: Reading, name: str) -> Nodes:
    nodes = typed(reading)
    if not (nodes and is_tax_document(reading)):
        return NONE
    return NONE if all(filled(line.path(TAX_TOTAL, name)) for line in reading.named(LINE)) else nodes


def _tax_decimals(_: Reading, lines: Nodes) -> Nodes:
    return [line for line in lines if frac(opt(line.path(TAX_TOTAL, TAX))) > 2]


def _total_decimals(_: Reading, lines: Nodes) -> Nodes:
    return [line for line in lines if frac(opt(line.path(TAX_TOTAL, ROUNDING))) > 2]


def _net_amount(_: Reading, lines: Nodes) -> Nodes:
    return [line for line in lines if not _is_net_amount(line)]


def _is_net_amount(line: Node) -> bool:
    """Quantity x price, cut to three decimals, + charges - allowances, rounded half up; one cent of tolerance.

    Computed exactly, in whole numbers.
    """
    net = _exact(line.all(NET))
    if net is None:
        return False
    thousandths = _cut_product(line)
    if thousandths is None:
        return False
    cents = _rounded(thousandths, _signed_amounts(line)) if CHARGE in line.kids else (thousandths + 5) // 10
    return abs(net[0] * 100 - cents * 10 ** net[1]) in (0, 10 ** net[1])


def _rounded(thousandths: int, amounts: list[tuple[int, int]]) -> int:
    """Return product and charges in cents, halves up; the formula's 0.00000000001 matters only with charges."""
    scale = max([13, *[places for _, places in amounts]])
    total = thousandths * 10 ** (scale - 3) + 10 ** (scale - 13)
    total += sum([amount * 10 ** (scale - places) for amount, places in amounts])
    return int((200 * total + 10**scale) // (2 * 10**scale))


def _cut_product(line: Node) -> int | None:
    """Return quantity x price (per base quantity) in whole thousandths, cut towards minus infinity."""
    quantity = _exact(line.all("cbc:InvoicedQuantity"))
    if quantity is None:
        return None  # the price is then not looked at
    price = _exact(line.path("cac:Price", "cbc:PriceAmount"))
    if price is None:
        return None
    bases = line.path(*BASE_QUANTITY)
    if bases:
        price = _divide(price, bases)
    return int(quantity[0] * price[0] * 1000 // 10 ** (quantity[1] + price[1]))


def _exact(nodes: Nodes) -> tuple[int, int] | None:
    """Return the only node's decimal as digits and scale, 12.50 as (1250, 2); None for no node."""
    if len(nodes) == 1:
        whole, _, rest = nodes[0].text.partition(".")
        digits = whole + rest
        if digits.isdigit() and digits.isascii() and len(digits) < 40:
            return int(digits), len(rest)
    value = decimal_of(nodes)
    if value is None:
        return None
    if len(nodes[0].text) > MAX_DIGITS:
        raise Abort(AbortKind.LIMIT, nodes[0].text, nodes[0])
    exponent = value.as_tuple().exponent
    scale = -exponent if isinstance(exponent, int) and exponent < 0 else 0
    return int(value.scaleb(scale, EXACT)), scale


def _divide(price: tuple[int, int], bases: Nodes) -> tuple[int, int]:
    """Divide as the engine does: to 18 decimals, more when the price has more than the base; halves go down."""
    base = _exact(bases)
    if base is None or base[0] == 0:
        raise Abort(AbortKind.DIVISION, bases[0].text, bases[0])
    quotient, rest = divmod(price[0] * 10 ** base[1], base[0])
    if rest == 0 and price[1] <= 18:
        return quotient, price[1]
    (price_digits, price_scale), (base_digits, base_scale) = _without_zeros(*price), _without_zeros(*base)
    places = max(18, price_scale - base_scale + 18)
    quotient, rest = divmod(abs(price_digits) * 10 ** (places - price_scale + base_scale), abs(base_digits))
    if 2 * rest > abs(base_digits):
        quotient += 1
    return (quotient if (price_digits < 0) == (base_digits < 0) else -quotient), places


def _without_zeros(digits: int, scale: int) -> tuple[int, int]:
    for _ in range(min(scale, 40)):
        if digits % 10:
            break
        digits, scale = digits // 10, scale - 1
    return digits, scale


def _signed_amounts(line: Node) -> list[tuple[int, int]]:
    """Return what the line's charges add and its allowances take away; an indicator may be both, or neither."""
    amounts = []
    for want, sign in ((True, 1), (False, -1)):
        for charge in charges([line], want):
            amount = _exact(charge.all("cbc:Amount"))
            if amount is not None:
                amounts.append((sign * amount[0], amount[1]))
    return amounts


def _unit_long(reading: Reading) -> Nodes:
    bases = descend(every_line_parts(reading).prices, BASE_QUANTITY[1])
    if max([len(base.attribute("unitCode") or "") for base in bases], default=0) <= 127:
        return NONE
    return [
        line
        for line in reading.named(LINE)
        if any(len(base.attribute("unitCode") or "") > 127 for base in line.path(*BASE_QUANTITY))
    ]


def _base_quantity(reading: Reading) -> Nodes:
    """0 never gets here: the division in the line amount breaks off first."""
    bases = descend(every_line_parts(reading).prices, BASE_QUANTITY[1])
    return [node for node in bases if node.text != "" and not number(node.text) > 0]


SITES = (
    Site("060", "BR-KSA-51", "warning", Over(_lines, _line_total), shows=(ROUNDING,)),
    Site("069", "BR-KSA-52", "error", _tax_missing),
    Site("074", "BR-KSA-53", "error", _total_missing),
    Site("109", "BR-KSA-DEC-03", "warning", Over(_lines, _tax_decimals), shows=(TAX_TOTAL, TAX)),
    Site("110", "BR-KSA-DEC-04", "warning", Over(_lines, _total_decimals), shows=(TAX_TOTAL, ROUNDING)),
    Site("142", "BR-KSA-EN16931-11", "warning", Over(_lines, _net_amount), shows=(NET,)),
    Site("143", "BR-KSA-F-06-C21", "warning", _unit_long),
    Site("144", "BR-KSA-EN16931-12", "error", _base_quantity),
)
