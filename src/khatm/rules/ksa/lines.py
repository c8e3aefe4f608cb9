"""Rules on invoice lines: net amount, VAT and total of a line, quantities and units.

Source: Saudi rule specification, sites 060, 069, 074, 109, 110 and 142-144.
"""

from decimal import ROUND_FLOOR, Decimal

from khatm.rules.abort import Abort, AbortKind
from khatm.rules.ksa.facts import CHARGE, charges, is_tax_document, typed
from khatm.rules.numbers import CENT, EXACT, decimal_of, double_of, dsum, f2, frac, mul, number, r2, round_up
from khatm.rules.reading import NONE, Node, Reading, descend, filled, opt
from khatm.rules.site import Site

LINE = "cac:InvoiceLine"
TAX_TOTAL = "cac:TaxTotal"
TAX = "cbc:TaxAmount"
ROUNDING = "cbc:RoundingAmount"
NET = "cbc:LineExtensionAmount"
BASE_QUANTITY = ("cac:Price", "cbc:BaseQuantity")

_THOUSAND = Decimal(1000)
_NUDGE = Decimal("0.0000000000001")
"""0.00000000001, divided by the 100 of the formula."""
_MILLI = Decimal("0.001")


def _line_total(reading: Reading) -> list[Node]:
    """Line total = VAT + net amount, in doubles, without tolerance."""
    return [
        total
        for line in reading.named(LINE)
        for total in line.kids.get(TAX_TOTAL, NONE)
        if f2(double_of(total.all(ROUNDING))) != _total_text(line, total)
    ]


def _total_text(line: Node, total: Node) -> str:
    tax = double_of(total.all(TAX))
    if tax is None:
        return "NaN"
    net = double_of(line.all(NET))
    return "NaN" if net is None else f2(round_up((tax + net) * 100) / 100)


def _tax_missing(reading: Reading) -> list[Node]:
    return _demanded(reading, TAX)


def _total_missing(reading: Reading) -> list[Node]:
    return _demanded(reading, ROUNDING)


def _demanded(reading: Reading, name: str) -> list[Node]:
    nodes = typed(reading)
    if not (nodes and is_tax_document(reading)):
        return NONE
    return NONE if all(filled(line.path(TAX_TOTAL, name)) for line in reading.named(LINE)) else nodes


def _tax_decimals(reading: Reading) -> list[Node]:
    return [line for line in reading.named(LINE) if frac(opt(line.path(TAX_TOTAL, TAX))) > 2]


def _total_decimals(reading: Reading) -> list[Node]:
    return [line for line in reading.named(LINE) if frac(opt(line.path(TAX_TOTAL, ROUNDING))) > 2]


def _net_amount(reading: Reading) -> list[Node]:
    return [line for line in reading.named(LINE) if not _is_net_amount(line)]


def _is_net_amount(line: Node) -> bool:
    """Quantity x price, cut to three decimals, + charges - allowances, rounded half up; one cent of tolerance."""
    verdict = None if CHARGE in line.kids else _plain_verdict(line)
    return _computed_verdict(line) if verdict is None else verdict


def _plain_verdict(line: Node) -> bool | None:
    """Return the verdict in whole numbers for plain amounts without sign, None where the full rule is needed.

    Without charges the formula's 0.00000000001 changes nothing: it only pushes up what half up rounds up anyway.
    """
    prices = line.all("cac:Price")
    if len(prices) != 1 or (BASE_QUANTITY[1] in prices[0].kids and prices[0].all(BASE_QUANTITY[1])[0].text != "1"):
        return None
    net = _digits(line.all(NET))
    quantity = _digits(line.all("cbc:InvoicedQuantity"))
    price = _digits(prices[0].all("cbc:PriceAmount"))
    if net is None or quantity is None or price is None:
        return None
    thousandths = quantity[0] * price[0] * 1000 // 10 ** (quantity[1] + price[1])
    cents = (thousandths + 5) // 10
    return abs(net[0] * 100 - cents * 10 ** net[1]) in (0, 10 ** net[1])


def _digits(nodes: list[Node]) -> tuple[int, int] | None:
    """Return digits and scale of the only node's plain number: 12.50 is (1250, 2)."""
    if len(nodes) != 1:
        return None
    whole, _, rest = nodes[0].text.partition(".")
    number_text = whole + rest
    if len(number_text) > 30 or not (number_text.isascii() and number_text.isdigit()):
        return None
    return int(number_text), len(rest)


def _computed_verdict(line: Node) -> bool:
    given = decimal_of(line.all(NET))
    if given is None:
        return False
    product = _product(line)
    if product is None:
        return False
    thousandths = EXACT.multiply(product, _THOUSAND).to_integral_value(ROUND_FLOOR, EXACT)
    cut = EXACT.add(EXACT.multiply(thousandths, _MILLI), _NUDGE)
    added = dsum(_amounts(line, True))
    taken = dsum(_amounts(line, False))
    expected = r2(EXACT.subtract(EXACT.add(cut, added), taken))
    return expected is not None and abs(EXACT.subtract(given, expected)) in (0, CENT)


def _product(line: Node) -> Decimal | None:
    quantity = decimal_of(line.all("cbc:InvoicedQuantity"))
    if quantity is None:
        return None  # the price is then not looked at
    price = decimal_of(line.path("cac:Price", "cbc:PriceAmount"))
    bases = line.path(*BASE_QUANTITY)
    if bases and price is not None:
        price = _divide(price, bases)
    return mul(quantity, price)


def _divide(price: Decimal, bases: list[Node]) -> Decimal:
    base = decimal_of(bases)
    if base is None or base == 0:
        raise Abort(AbortKind.DIVISION, bases[0].text, bases[0])
    if base == 1:
        return price
    # The engine keeps 18 decimals, more when the price has decimals of its own, and rounds halves down.
    price_scale, base_scale = _scale(price), _scale(base)
    places = max(18, price_scale - base_scale + 18)
    whole_price, whole_base = int(price.scaleb(price_scale, EXACT)), int(base.scaleb(base_scale, EXACT))
    quotient, rest = divmod(abs(whole_price) * 10 ** (places - price_scale + base_scale), abs(whole_base))
    if 2 * rest > abs(whole_base):
        quotient += 1
    signed = quotient if (whole_price < 0) == (whole_base < 0) else -quotient
    return Decimal(signed).scaleb(-places, EXACT)


def _scale(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return -exponent if isinstance(exponent, int) and exponent < 0 else 0


def _amounts(line: Node, want: bool) -> list[Decimal | None]:
    return [decimal_of(charge.all("cbc:Amount")) for charge in charges([line], want)] if line.has(CHARGE) else []


def _unit_long(reading: Reading) -> list[Node]:
    return [
        line
        for line in reading.named(LINE)
        if any(len(node.attribute("unitCode") or "") > 127 for node in line.path(*BASE_QUANTITY))
    ]


def _base_quantity(reading: Reading) -> list[Node]:
    """0 never gets here: the division in the line amount breaks off first."""
    bases = descend(reading.named(LINE), *BASE_QUANTITY)
    return [node for node in bases if node.text != "" and not number(node.text) > 0]


SITES = (
    Site("060", "BR-KSA-51", "warning", _line_total, shows=(ROUNDING,)),
    Site("069", "BR-KSA-52", "error", _tax_missing),
    Site("074", "BR-KSA-53", "error", _total_missing),
    Site("109", "BR-KSA-DEC-03", "warning", _tax_decimals, shows=(TAX_TOTAL, TAX)),
    Site("110", "BR-KSA-DEC-04", "warning", _total_decimals, shows=(TAX_TOTAL, ROUNDING)),
    Site("142", "BR-KSA-EN16931-11", "warning", _net_amount, shows=(NET,)),
    Site("143", "BR-KSA-F-06-C21", "warning", _unit_long),
    Site("144", "BR-KSA-EN16931-12", "error", _base_quantity),
)
