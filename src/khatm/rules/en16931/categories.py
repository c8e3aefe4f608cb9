"""VAT categories: which code, which scheme, where they come from and what they add up to."""

from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Final

from khatm.rules.abort import Abort, AbortKind
from khatm.rules.en16931.contexts import indicates
from khatm.rules.numbers import EXACT, ZERO, decimal_of, dsum
from khatm.rules.patterns import norm
from khatm.rules.reading import Node, Reading, descend, opt

CODES: Final = ("S", "Z", "E", "O")


def vat(category: Node) -> bool:
    """Tell whether some tax scheme of the category is VAT, trimmed and in any case; two ids in one scheme abort."""
    for scheme in category.all("cac:TaxScheme"):
        text = opt(scheme.all("cbc:ID"))
        if text == "VAT" or norm(text.upper()) == "VAT":
            return True
    return False


def code(category: Node) -> str:
    """Return the category's trimmed code, "" without one; two ids abort."""
    return norm(opt(category.all("cbc:ID")))


def is_vat(category: Node, wanted: str) -> bool:
    """Tell, in a match condition, whether the category has that code and a VAT scheme."""
    try:
        return code(category) == wanted and vat(category)
    except Abort:
        return False


@dataclass(frozen=True, slots=True)
class Sources:
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


def sources(categories: list[Node]) -> Sources:
    """Collect the codes of the VAT categories among the given ones."""
    codes: set[str] = set()
    for category in categories:
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
    lines = reading.any_of("cac:InvoiceLine", "cac:CreditNoteLine")
    return descend(lines, "cac:Item", "cac:ClassifiedTaxCategory")


def breakdown_categories(reading: Reading) -> list[Node]:
    """Return the tax categories of the document's VAT breakdown, whatever the document element."""
    return descend([reading.root], "cac:TaxTotal", "cac:TaxSubtotal", "cac:TaxCategory")


def anywhere_charged(reading: Reading) -> Sources:
    """Collect the codes of all allowances and charges."""
    return sources(reading.fact(charge_categories))


def anywhere_sold(reading: Reading) -> Sources:
    """Collect the codes of all items."""
    return sources(reading.named("cac:ClassifiedTaxCategory"))


def broken_down(reading: Reading) -> Sources:
    """Collect the codes of the VAT breakdown."""
    return sources(reading.fact(breakdown_categories))


def own_sources(reading: Reading) -> Sources:
    """Collect the codes of the document's own allowances and charges and of its own invoice lines."""
    charged = descend([reading.root], "cac:AllowanceCharge", "cac:TaxCategory")
    return sources(charged + descend([reading.root], "cac:InvoiceLine", "cac:Item", "cac:ClassifiedTaxCategory"))


def _base(wanted: str, reading: Reading) -> Decimal:
    root = reading.root
    total = dsum(
        [
            decimal_of(line.all("cbc:LineExtensionAmount"))
            for line in root.all("cac:InvoiceLine")
            if any(code(category) == wanted for category in line.path("cac:Item", "cac:ClassifiedTaxCategory"))
        ]
    )
    for charge, combine in ((True, EXACT.add), (False, EXACT.subtract)):
        for node in root.all("cac:AllowanceCharge"):
            if indicates(node, charge) and any(code(category) == wanted for category in node.all("cac:TaxCategory")):
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
