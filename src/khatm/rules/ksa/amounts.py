"""The rule that amounts are not negative.

Source: Saudi rule specification, site 132. Not covered: net amounts and totals of lines, rounding, payable amount.
"""

from collections.abc import Iterator

from khatm.rules.ksa.comparisons import compare_whole
from khatm.rules.ksa.facts import CHARGE, selected
from khatm.rules.patterns import norm
from khatm.rules.reading import Node, Reading, descend, opt
from khatm.rules.site import Site

TOTAL = "cac:TaxTotal"
SUBTOTAL = "cac:TaxSubtotal"

_TOTALS = (
    "cbc:LineExtensionAmount", "cbc:TaxExclusiveAmount", "cbc:TaxInclusiveAmount", "cbc:AllowanceTotalAmount",
    "cbc:ChargeTotalAmount", "cbc:PrepaidAmount",
)  # fmt: skip
_BOTH = ("cbc:Amount", "cbc:BaseAmount")


def _negative(reading: Reading) -> list[Node]:
    """By the engine's order: -0.00 is below 0, -0 is not."""
    return [
        node
        for nodes in _amounts(reading)
        for node in nodes
        if not _is_plain(text := node.text) and text != "" and compare_whole(node, 0) < 0
    ]


def _is_plain(text: str) -> bool:
    """Tell whether the text is a number without sign, which is most of them."""
    return text.replace(".", "", 1).isdigit() and text.isascii()


def _amounts(reading: Reading) -> Iterator[list[Node]]:
    for document in reading.named("inv:Invoice"):
        for subtotal in document.path(TOTAL, SUBTOTAL):
            if selected(_is_in_scope, subtotal):
                yield subtotal.all("cbc:TaxableAmount")
        yield document.path(TOTAL, SUBTOTAL, "cbc:TaxAmount")
        yield document.path(TOTAL, "cbc:TaxAmount")
        yield from _of(document.all(CHARGE), _BOTH)
        yield from _of(document.all("cac:LegalMonetaryTotal"), _TOTALS)
        yield from _of_lines(document.all("cac:InvoiceLine"))
        yield document.path("cac:TaxExchangeRate", "cbc:CalculationRate")


def _of_lines(lines: list[Node]) -> Iterator[list[Node]]:
    yield descend(lines, "cbc:InvoicedQuantity")
    yield from _of(descend(lines, CHARGE), _BOTH)
    totals = descend(lines, TOTAL)
    yield descend(totals, "cbc:TaxAmount")
    yield from _of(descend(totals, SUBTOTAL), ("cbc:TaxableAmount", "cbc:TaxAmount"))
    prices = descend(lines, "cac:Price")
    yield descend(prices, "cbc:PriceAmount")
    yield from _of(descend(prices, CHARGE), _BOTH)


def _of(nodes: list[Node], names: tuple[str, ...]) -> Iterator[list[Node]]:
    if nodes:
        for name in names:
            yield descend(nodes, name)


def _is_in_scope(subtotal: Node) -> bool:
    return norm(opt(descend(subtotal.all("cac:TaxCategory"), "cbc:ID"))) != "O"


SITES = (Site("132", "BR-KSA-F-04", "error", _negative),)
