"""VAT categories: which code, which scheme, where they come from and what they add up to."""

from decimal import Decimal
from functools import partial
from typing import Final, NamedTuple

from khatm.rules.abort import Abort, AbortKind
from khatm.rules.en16931.contexts import Context, indicates
from khatm.rules.line_parts import every_line_parts, line_parts
from khatm.rules.numbers import EXACT, ZERO, decimal_of, dsum
from khatm.rules.patterns import norm
from khatm.rules.reading import Node, Reading, descend, opt

CODES: Final = ("S", "Z", "E", "O")


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


def plain_codes(reading: Reading) -> dict[Node, str]:
    """Return the codes of all categories of the usual shape: one id, one scheme, and its one id is VAT."""
    codes: dict[Node, str] = {}
    for name in ("cac:ClassifiedTaxCategory", "cac:TaxCategory"):
        for category in reading.named(name):
            ids, schemes = category.all("cbc:ID"), category.all("cac:TaxScheme")
            if len(ids) == 1 and len(schemes) == 1:
                names = schemes[0].all("cbc:ID")
                if len(names) == 1 and names[0].text == "VAT":
                    codes[category] = norm(ids[0].text)
    return codes


def by_code(categories: Context, reading: Reading) -> dict[str, list[Node]]:
    """Return the VAT categories by code, as match conditions see them: one that cannot be read matches nothing."""
    plain = reading.fact(plain_codes)
    groups: dict[str, list[Node]] = {}
    for category in reading.fact(categories):
        known = plain[category] if category in plain else _matched_code(category)
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


def sources(reading: Reading, categories: list[Node]) -> Sources:
    """Collect the codes of the VAT categories among the given ones."""
    plain = reading.fact(plain_codes)
    codes: set[str] = set()
    for category in categories:
        if category in plain:
            codes.add(plain[category])
            continue
        try:
            if vat(category):
                codes.update([norm(id_.text) for id_ in category.all("cbc:ID")])
        except Abort as abort:
            return Sources(frozenset(codes), abort)
    return Sources(frozenset(codes), None)


def charge_categories(reading: Reading) -> list[Node]:
    """Return the tax categories of all allowances and charges at any level."""
    return descend(reading.named("cac:AllowanceCharge"), "cac:TaxCategory")


def item_categories(reading: Reading) -> list[Node]:
    """Return the tax categories of the items of all invoice and credit note lines."""
    if not reading.named("cac:CreditNoteLine"):
        return every_line_parts(reading).items
    lines = reading.any_of("cac:InvoiceLine", "cac:CreditNoteLine")
    return descend(lines, "cac:Item", "cac:ClassifiedTaxCategory")


def breakdown_categories(reading: Reading) -> list[Node]:
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
    return sources(reading, charged + _own_items(reading))


def _own_items(reading: Reading) -> list[Node]:
    if reading.root.name == "inv:Invoice":
        return line_parts(reading).items
    return descend([reading.root], "cac:InvoiceLine", "cac:Item", "cac:ClassifiedTaxCategory")


def _base(wanted: str, reading: Reading) -> Decimal:
    root, plain = reading.root, reading.fact(plain_codes)

    def counts(category: Node) -> bool:
        return (plain[category] if category in plain else code(category)) == wanted

    counted, amounts = None, []
    for category in _own_items(reading):
        line = category.parent.parent  # type: ignore[union-attr]  # it was found below a line
        if line is not counted and line is not None and counts(category):
            counted = line  # its other categories make no difference
            amounts.append(decimal_of(line.all("cbc:LineExtensionAmount")))
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
