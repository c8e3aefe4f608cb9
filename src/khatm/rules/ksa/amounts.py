"""The rule that amounts are not negative.

Source: Saudi rule specification, site 132. Not covered: net amounts and totals of lines, rounding, payable amount.
"""

import re
from collections.abc import Iterator

from khatm.rules.comparisons import compare_whole
from khatm.rules.ksa.facts import (
    CHARGE,
    invoice,
    selected,
)
from khatm.rules.line_parts import line_parts
from khatm.rules.patterns import norm
from khatm.rules.reading import NONE, Node, Nodes, Reading, descend, opt
from khatm.rules.site import Site

TOTAL = "cac:TaxTotal"
SUBTOTAL = "cac:TaxSubtotal"

_TOTALS = (
    "cbc:LineExtensionAmount", "cbc:TaxExclusiveAmount", "cbc:TaxInclusiveAmount", "cbc:AllowanceTotalAmount",
    "cbc:ChargeTotalAmount", "cbc:PrepaidAmount",
)  # fmt: skip
_BOTH = ("cbc:Amount", "cbc:BaseAmount")
_NAMES = (
    *_TOTALS, *_BOTH, "cbc:TaxableAmount", "cbc:TaxAmount", "cbc:CalculationRate", "cbc:InvoicedQuantity",
    "cbc:PriceAmount",
)  # fmt: skip
_plain = re.compile(r"(?:[0-9]+(?:\.[0-9]*)?)?").fullmatch


def _negative(reading: Reading) -> Nodes:
    """By the engine's order: -0.00 is below 0, -0 is not."""
    if all(_plain(text) for name in _NAMES for text in reading.texts(name)):
        return NONE
    nodes = [node for nodes in _amounts(reading) for node in nodes]
    return [node for node in nodes if node.text != "" and compare_whole(node, 0) < 0]


def _amounts(reading: Reading) -> Iterator[Nodes]:
    for document in invoice(reading):
        totals = document.all(TOTAL)
        subtotals = descend(totals, SUBTOTAL)
        for subtotal in subtotals:
            if selected(_is_in_scope, subtotal):
                yield subtotal.all("cbc:TaxableAmount")
        yield descend(subtotals, "cbc:TaxAmount")
        yield descend(totals, "cbc:TaxAmount")
        yield from _of(document.all(CHARGE), _BOTH)
        yield from _of(document.all("cac:LegalMonetaryTotal"), _TOTALS)
        yield document.path("cac:TaxExchangeRate", "cbc:CalculationRate")
    parts = line_parts(reading)
    yield descend(parts.lines, "cbc:InvoicedQuantity")
    yield from _of(descend(parts.lines, CHARGE), _BOTH)
    yield descend(parts.totals, "cbc:TaxAmount")
    yield from _of(parts.subtotals, ("cbc:TaxableAmount", "cbc:TaxAmount"))
    yield descend(parts.prices, "cbc:PriceAmount")
    yield from _of(descend(parts.prices, CHARGE), _BOTH)


def _of(nodes: Nodes, names: tuple[str, ...]) -> Iterator[Nodes]:
    if nodes:
        for name in names:
            yield descend(nodes, name)


def _is_in_scope(subtotal: Node) -> bool:
    return norm(opt(descend(subtotal.all("cac:TaxCategory"), "cbc:ID"))) != "O"


SITES = (Site("132", "BR-KSA-F-04", "error", _negative),)
