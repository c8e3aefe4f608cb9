"""Advice on lines: amounts to the halala, numbering, quantities and units.

The official rules leave a halala on the net amount and never look at the line's VAT. A tax-inclusive price is a reason
for both to differ by rounding: there the line's total with VAT is what is exact.

Source: the document standard, sections 5.1, 7.2, 7.3 and 7.4; written rule BR-KSA-50.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from khatm.money import HALALA, divide, multiply, round2, total
from khatm.rules.advice.facts import (
    CHARGE,
    LINES,
    TOTAL,
    LineFacts,
    advise,
    amount,
    is_charge,
    line_nodes,
    simplified,
    text,
)
from khatm.rules.numbers import EXACT, ZERO
from khatm.rules.reading import Node, Nodes, Reading
from khatm.rules.site import Over

_HUNDRED: Final = Decimal(100)
_HALF: Final = HALALA / 2
_ROUNDED: Final = _HALF * _HUNDRED
_PRICE_DECIMALS: Final = 10
_PRICE_CHARACTERS: Final = 14
_LONGEST_UNIT: Final = 127
"""What is longer breaks an official rule (BR-KSA-F-06-C18)."""
_identifier = re.compile("[1-9][0-9]{0,5}").fullmatch
_unit = re.compile("[A-Z0-9]{2,3}").fullmatch


def _net(_: Reading, some: Sequence[LineFacts]) -> Iterator[Node]:
    for line in some:
        product = _product(line)
        if product is None or line.net is None:
            continue
        changes = _changes(line.node) if line.node.has(CHARGE) else ZERO
        if changes is None or -_HALF <= EXACT.subtract(EXACT.add(product, changes), line.net) < _HALF:
            continue  # rounded half up, it is the net amount
        off = abs(EXACT.subtract(line.net, EXACT.add(round2(product), changes)))
        if 0 < off <= HALALA and not _from_a_shelf_price(line, product):
            yield line.node


def _product(line: LineFacts) -> Decimal | None:
    """Return quantity x price / base quantity, unrounded."""
    price = amount(line.node.path("cac:Price", "cbc:PriceAmount"))
    bases = line.node.path("cac:Price", "cbc:BaseQuantity")
    if price is None or line.quantity is None:
        return None
    product = EXACT.multiply(line.quantity, price)
    if not bases:
        return product
    per = amount(bases)
    return divide(product, per) if per else None


def _changes(line: Node) -> Decimal | None:
    """Return charges minus allowances, None if one cannot be read."""
    changes = []
    for node in line.all(CHARGE):
        value = amount(node.all("cbc:Amount"))
        if value is None:
            return None
        changes.append(value if is_charge(node) else -value)
    return total(changes)


def _from_a_shelf_price(line: LineFacts, product: Decimal) -> bool:
    """Tell whether net and VAT add up to quantity x tax-inclusive price, within the rounding of the written price.

    The price without VAT is then written with up to 10 decimals, and 14 characters in all.
    """
    if line.net is None or line.vat is None or line.rate is None:
        return False
    price = amount(line.node.path("cac:Price", "cbc:PriceAmount"))
    if not price or line.quantity is None:
        return False
    decimals = max(2, min(_PRICE_DECIMALS, _PRICE_CHARACTERS - 1 - len(str(int(abs(price))))))
    factor = divide(EXACT.add(line.rate, _HUNDRED), _HUNDRED)
    units = abs(divide(product, price))
    allowed = EXACT.add(_HALF, multiply(units, factor, Decimal(5).scaleb(-decimals - 1)))
    off = EXACT.subtract(multiply(product, factor), EXACT.add(line.net, line.vat))
    return abs(off) <= allowed


def _vat(_: Reading, some: Sequence[LineFacts]) -> Iterator[Node]:
    for line in some:
        if line.net is None or line.vat is None or line.rate is None:
            continue
        # In hundredths of the amounts; half a halala is what rounding explains.
        off = EXACT.subtract(EXACT.multiply(line.net, line.rate), EXACT.multiply(line.vat, _HUNDRED))
        if not -_ROUNDED <= off < _ROUNDED and abs(off) >= EXACT.add(line.rate, _HUNDRED) * HALALA:
            # Cut from a running total of tax-inclusive amounts, the net is within a halala of total / (1 + rate).
            yield line.node


def _simplified(reading: Reading) -> Nodes:
    """Standard documents must have a total (BR-KSA-53)."""
    return line_nodes(reading) if simplified(reading) else []


def _total_missing(_: Reading, some: Nodes) -> Nodes:
    return [line for line in some if not text(line.path(TOTAL, "cbc:RoundingAmount"))]


def _identifier_shape(_: Reading, some: Sequence[LineFacts]) -> Iterator[Node]:
    for line in some:
        for node in line.node.all("cbc:ID"):
            if 0 < len(node.text) <= 6 and not _identifier(node.text):
                yield node


def _identifier_repeated(reading: Reading) -> Nodes:
    nodes = [node for line in line_nodes(reading) for node in line.all("cbc:ID")]
    counts = Counter(node.text for node in nodes)
    if len(counts) == len(nodes):
        return []
    seen: set[str] = set()
    return [node for node in nodes if node.text in seen or seen.add(node.text)]  # type: ignore[func-returns-value]


def _no_quantity(_: Reading, some: Sequence[LineFacts]) -> Iterator[Node]:
    """The text 0 alone breaks an official rule (BR-22)."""
    for line in some:
        nodes = line.node.all("cbc:InvoicedQuantity")
        if not line.prepayment and line.quantity == 0 and nodes[0].text != "0":
            yield nodes[0]


def _units(_: Reading, some: Sequence[LineFacts]) -> Iterator[Node]:
    for line in some:
        for node in line.node.all("cbc:InvoicedQuantity"):
            code = node.attribute("unitCode")
            if code and len(code) <= _LONGEST_UNIT and not _unit(code):
                yield node


def _base_units(_: Reading, some: Sequence[LineFacts]) -> Iterator[Node]:
    for line in some:
        bases = line.node.path("cac:Price", "cbc:BaseQuantity")
        counted = {node.attribute("unitCode") for node in line.node.all("cbc:InvoicedQuantity")} if bases else set()
        for base in bases:
            code = base.attribute("unitCode")
            if code and counted and counted != {code}:
                yield base


SITES = (
    advise("LINE-NET", Over(LINES, _net), "cbc:LineExtensionAmount"),
    advise("LINE-VAT", Over(LINES, _vat), TOTAL, "cbc:TaxAmount"),
    advise("LINE-TOTAL", Over(_simplified, _total_missing), TOTAL, "cbc:RoundingAmount"),
    advise("LINE-ID", Over(LINES, _identifier_shape)),
    advise("LINE-ID-REPEATED", _identifier_repeated),
    advise("QUANTITY-ZERO", Over(LINES, _no_quantity)),
    advise("UNIT-CODE", Over(LINES, _units), "@unitCode"),
    advise("UNIT-DIFFERS", Over(LINES, _base_units), "@unitCode"),
)
