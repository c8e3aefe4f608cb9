"""VAT categories: which code, which scheme, where they come from and what they add up to."""

from contextlib import suppress
from decimal import Decimal
from functools import partial
from typing import Final, NamedTuple

from khatm.rules.abort import Abort, AbortKind
from khatm.rules.category_shapes import shapes
from khatm.rules.en16931.contexts import Context, indicates, lines
from khatm.rules.line_parts import every_line_parts, line_parts
from khatm.rules.numbers import EXACT, ZERO, decimal_of, dsum
from khatm.rules.patterns import norm
from khatm.rules.reading import Node, Nodes, Reading, descend, opt

CODES: Final = ("S", "Z", "E", "O")
_NET: Final = "cbc:LineExtensionAmount"


def vat(category: Node) -> bool:
    """Tell whether some tax scheme of the category is VAT, trimmed and in any case; two ids in one scheme abort."""
    if "cac:TaxScheme" not in category.kids:
        return False
    for scheme in category.kids["cac:TaxScheme"]:
        text = opt(scheme.all("cbc:ID"))
        if text == "VAT" or norm(text.upper()) == "VAT":
            return True
    return False


def code(category: Node) -> str:
    """Return the category's trimmed code, "" without one; two ids abort."""
    return norm(opt(category.all("cbc:ID")))


def by_code(categories: Context, reading: Reading) -> dict[str, list[Node]]:
    """Return the VAT categories by code, as match conditions see them: one that cannot be read matches nothing."""
    usual = shapes(reading)
    groups: dict[str, list[Node]] = {}
    for category in reading.fact(categories):
        known = usual[category].code if category in usual else _matched_code(category)
        if known is not None:
            groups.setdefault(known, []).append(category)
    return groups


def _matched_code(category: Node) -> str | None:
    try:
        known = code(category)
        return known if vat(category) else None
    except Abort:
        return None


class Sources(NamedTuple):
    """The codes of VAT categories met in document order, up to the first category that cannot be read."""

    codes: frozenset[str]
    abort: Abort | None

    def has(self, wanted: str) -> bool:
        """Tell whether some category has the code; raises Abort if one that comes before cannot be read."""
        if wanted in self.codes:
            return True
        if self.abort is not None:
            raise self.abort
        return False


def sources(reading: Reading, categories: Nodes) -> Sources:
    """Collect the codes of the VAT categories among the given ones."""
    usual = shapes(reading)
    codes: set[str] = set()
    for category in categories:
        if category in usual:
            codes.add(usual[category].code)
            continue
        try:
            if vat(category):
                codes.update([norm(id_.text) for id_ in category.all("cbc:ID")])
        except Abort as abort:
            return Sources(frozenset(codes), abort)
    return Sources(frozenset(codes), None)


def charge_categories(reading: Reading) -> Nodes:
    """Return the tax categories of all allowances and charges at any level."""
    return descend(reading.named("cac:AllowanceCharge"), "cac:TaxCategory")


def item_categories(reading: Reading) -> Nodes:
    """Return the tax categories of the items of all invoice and credit note lines."""
    if not reading.named("cac:CreditNoteLine"):
        return every_line_parts(reading).items
    lines = reading.any_of("cac:InvoiceLine", "cac:CreditNoteLine")
    return descend(lines, "cac:Item", "cac:ClassifiedTaxCategory")


def breakdown_categories(reading: Reading) -> Nodes:
    """Return the tax categories of the document's VAT breakdown, whatever the document element."""
    return descend([reading.root], "cac:TaxTotal", "cac:TaxSubtotal", "cac:TaxCategory")


def anywhere_charged(reading: Reading) -> Sources:
    """Collect the codes of all allowances and charges."""
    return sources(reading, reading.fact(charge_categories))


def anywhere_sold(reading: Reading) -> Sources:
    """Collect the codes of all items."""
    return sources(reading, reading.named("cac:ClassifiedTaxCategory"))


def broken_down(reading: Reading) -> Sources:
    """Collect the codes of the VAT breakdown."""
    return sources(reading, reading.fact(breakdown_categories))


def own_sources(reading: Reading) -> Sources:
    """Collect the codes of the document's own allowances and charges and of its own invoice lines."""
    charged = descend([reading.root], "cac:AllowanceCharge", "cac:TaxCategory")
    return sources(reading, [*charged, *_own_items(reading)])


def _own_items(reading: Reading) -> Nodes:
    if reading.root.name == "inv:Invoice":
        return line_parts(reading).items
    return descend([reading.root], "cac:InvoiceLine", "cac:Item", "cac:ClassifiedTaxCategory")


def line_nets(reading: Reading) -> dict[Node, Decimal | None]:
    """Return the net amounts of all lines that have one or none, as far as they can be read."""
    nets: dict[Node, Decimal | None] = {}
    with suppress(Abort):  # whoever asks for that line runs into it again
        for line in reading.fact(lines):
            nets[line] = decimal_of(line.all(_NET))
    return nets


def _base(wanted: str, reading: Reading) -> Decimal:
    root, usual, nets = reading.root, shapes(reading), reading.fact(line_nets)

    def counts(category: Node) -> bool:
        return (usual[category].code if category in usual else code(category)) == wanted

    counted, amounts = None, []
    for category in _own_items(reading):
        line = category.parent.parent  # type: ignore[union-attr]  # it was found below a line
        if line is not counted and line is not None and counts(category):
            counted = line  # its other categories make no difference
            amounts.append(nets[line] if line in nets else decimal_of(line.all(_NET)))
    total = dsum(amounts)
    for charge, combine in ((True, EXACT.add), (False, EXACT.subtract)):
        for node in root.all("cac:AllowanceCharge"):
            if indicates(node, charge) and any(map(counts, node.all("cac:TaxCategory"))):
                total = combine(total, decimal_of(node.all("cbc:Amount")) or ZERO)
    return total


BASES: Final = {wanted: partial(_base, wanted) for wanted in CODES}
"""Per code, the fact: line amounts plus charges minus allowances of that code, whatever the scheme, unrounded."""


def _taxable(wanted: str, tax_total: Node) -> Decimal:
    return dsum(
        [
            decimal_of(subtotal.all("cbc:TaxableAmount"))
            for subtotal in tax_total.all("cac:TaxSubtotal")
            if any(code(category) == wanted for category in subtotal.all("cac:TaxCategory"))
        ]
    )


TAXABLE: Final = {wanted: partial(_taxable, wanted) for wanted in CODES}
"""Per code, what a TaxTotal's subtotals of that code state as taxable."""


def single_scheme_vat(category: Node) -> bool:
    """As `vat`, where the rule takes a single truth value: two schemes abort."""
    if len(schemes := category.all("cac:TaxScheme")) > 1:
        raise Abort(AbortKind.SCHEMES, schemes[1].name, schemes[1])
    return vat(category)
