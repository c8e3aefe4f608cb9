"""What the rules look for below invoice lines, found once per document."""

from typing import NamedTuple

from khatm.rules.reading import NONE, Node, Nodes, Reading, descend

_LINE = "cac:InvoiceLine"
_TOTAL = "cac:TaxTotal"
_SUBTOTAL = "cac:TaxSubtotal"


class LineParts(NamedTuple):
    """What many rules look for below lines, in document order."""

    lines: Nodes
    totals: Nodes
    subtotals: Nodes
    """`cac:TaxTotal/cac:TaxSubtotal`."""
    categories: Nodes
    """The tax categories of the subtotals."""
    items: Nodes
    """The tax categories of the items."""
    prices: Nodes


def lines(reading: Reading) -> Nodes:
    """Return the lines of the invoice (`/inv:Invoice/cac:InvoiceLine`)."""
    return reading.root.all(_LINE) if reading.root.name == "inv:Invoice" else NONE


def line_parts(reading: Reading) -> LineParts:
    """Return the parts of the invoice's own lines (`/inv:Invoice/cac:InvoiceLine`)."""
    return reading.fact(_own_parts)


def every_line_parts(reading: Reading) -> LineParts:
    """Return the parts of all elements called `cac:InvoiceLine`, wherever they stand."""
    return reading.fact(_every_parts)


def _own_parts(reading: Reading) -> LineParts:
    own = lines(reading)
    if len(own) == len(reading.named(_LINE)):
        return every_line_parts(reading)
    return _parts(reading, own)


def _every_parts(reading: Reading) -> LineParts:
    return _parts(reading, reading.named(_LINE))


def _parts(reading: Reading, found: Nodes) -> LineParts:
    totals = descend(found, _TOTAL)
    subtotals = descend(totals, _SUBTOTAL) if any(map(_is_of_line, reading.named(_SUBTOTAL))) else NONE
    items = descend(found, "cac:Item", "cac:ClassifiedTaxCategory")
    return LineParts(
        found, totals, subtotals, descend(subtotals, "cac:TaxCategory"), items, descend(found, "cac:Price")
    )


def _is_of_line(subtotal: Node) -> bool:
    line = subtotal.up(2)
    return line is not None and line.name == _LINE
