"""Rules on prepaid amounts: the lines that settle advance invoices, their references and VAT.

Source: Saudi rule specification, sites 017-031. Templates T07 and T08 stand on the invoice's lines, T08 when some
prepaid amount is above 0, T07 when none is; an amount that cannot be compared selects neither.
"""

from collections.abc import Callable, Iterator
from functools import partial

from khatm.rules.abort import Abort
from khatm.rules.comparisons import compare_whole, number_of, some_above_zero, some_zero
from khatm.rules.edition import ONLY_333, ONLY_348
from khatm.rules.ksa.facts import (
    CHARGE,
    PERCENT,
    category_is,
    header,
    is_vat,
)
from khatm.rules.line_parts import line_parts, lines
from khatm.rules.numbers import CENT, ZERO, decimal_of, double_of, exactly, f2, frac, mul, r2, round_up
from khatm.rules.patterns import norm
from khatm.rules.reading import NONE, Node, Nodes, Reading, descend, opt
from khatm.rules.site import Over, Site

SUBTOTAL = ("cac:TaxTotal", "cac:TaxSubtotal")
TAXABLE = "cbc:TaxableAmount"
TAX = "cbc:TaxAmount"
CATEGORY = "cac:TaxCategory"
REFERENCE = "cac:DocumentReference"
TYPE = "cbc:DocumentTypeCode"
PREPAID = ("cac:LegalMonetaryTotal", "cbc:PrepaidAmount")


def _is_prepaid(reading: Reading) -> bool | None:
    if reading.root.name != "inv:Invoice":
        return None
    try:
        return some_above_zero(reading.root.path(*PREPAID))
    except Abort:
        return None


def _settling(reading: Reading) -> Nodes:
    """Return the lines T08 stands on."""
    return lines(reading) if reading.fact(_is_prepaid) is True else NONE


def _subtotals(reading: Reading, prepaid: bool) -> Nodes:
    return line_parts(reading).subtotals if reading.fact(_is_prepaid) is prepaid else NONE


def _line_sums(reading: Reading) -> tuple[float | None, float | None]:
    subtotals = line_parts(reading).subtotals
    return _sum(descend(subtotals, TAXABLE)), _sum(descend(subtotals, TAX))


def _sum(nodes: Nodes) -> float | None:
    """Return the sum in doubles from left to right, None for no node (which is then the integer 0)."""
    if not nodes:
        return None
    total = number_of(nodes[0])
    for node in nodes[1:]:
        total += number_of(node)
    return total


def _sum_text(taxable: float | None, tax: float | None) -> str:
    if taxable is None and tax is None:
        return f2(ZERO)
    return f2((0.0 if taxable is None else taxable) + (0.0 if tax is None else tax))


def _prepaid_total(reading: Reading) -> Nodes:
    return [node for node in header(reading) if _differs_from_lines(node, reading)]


def _differs_from_lines(node: Node, reading: Reading) -> bool:
    given = decimal_of(node.path(*PREPAID))
    prepaid = ZERO if given is None else given
    own = node.name == "inv:Invoice"
    subtotals = line_parts(reading).subtotals if own else descend(node.all("cac:InvoiceLine"), *SUBTOTAL)
    if prepaid == 0 and (descend(subtotals, TAXABLE) or descend(subtotals, TAX)):
        return True
    taxable, tax = _sum(descend(subtotals, TAXABLE)), _sum(descend(subtotals, TAX))
    if prepaid != 0 and (taxable or 0) > 0 and (tax or 0) > 0:
        codes = node.path("cac:InvoiceLine", REFERENCE, TYPE)
        if any(code.text != "386" for code in codes):
            return True
    return f2(prepaid) != _sum_text(taxable, tax)


def _prepaid_total_333(reading: Reading) -> Nodes:
    subtotals = _subtotals(reading, True)
    if not subtotals:
        return NONE
    prepaid = f2(decimal_of(reading.root.path(*PREPAID)))
    taxable, tax = reading.fact(_line_sums)
    if taxable is not None:
        taxable = (
            float(exactly(taxable)) + 0.0
        )  # this sum alone is a decimal on the way, and loses a negative zero's sign
    return subtotals if prepaid != _sum_text(taxable, tax) else NONE


def _references(reading: Reading) -> Iterator[tuple[Node, Node]]:
    for line in _settling(reading):
        for reference in line.all(REFERENCE):
            yield line, reference


def _other_type(reference: Node) -> bool:
    return any(code.text != "386" for code in reference.all(TYPE))


def _reference_type(reading: Reading) -> Nodes:
    return [
        reference
        for _, reference in _references(reading)
        if _other_type(reference) and norm(opt(reference.all(TYPE))) != "386"
    ]


def _advance_references(reading: Reading, holds: Callable[[Node], bool]) -> Nodes:
    """Return the references to advance invoices, by their code, on lines of which `holds` is not true."""
    failing: list[Node] = []
    for line in _settling(reading):
        references = [reference for reference in line.all(REFERENCE) if not _other_type(reference)]
        if references and not holds(line):
            failing += references
    return failing


def _settling_amounts(reading: Reading) -> Nodes:
    """An absent rounding amount or price fires, though the rule's text says "if exist"."""
    return _advance_references(reading, _amounts_are_zero)


def _amounts_are_zero(line: Node) -> bool:
    return (
        some_zero(line.all("cbc:LineExtensionAmount"))
        and some_zero(line.path("cac:TaxTotal", TAX))
        and any(compare_whole(node, 0) == 0 for node in line.path("cac:TaxTotal", "cbc:RoundingAmount"))
        and some_zero(line.path("cac:Price", "cbc:PriceAmount"))
    )


def _settling_allowances(reading: Reading) -> Nodes:
    """One zero allowance hides others that are not zero."""
    return _advance_references(reading, lambda line: not line.has(CHARGE) or some_zero(line.path(CHARGE, "cbc:Amount")))


def _reference_facts(reading: Reading) -> Nodes:
    names = ("cbc:ID", "cbc:IssueDate", "cbc:IssueTime", TYPE)
    return [reference for _, reference in _references(reading) if not all(map(reference.has, names))]


def _no_reference(reading: Reading) -> Nodes:
    """Every line, but only when not one of them has a reference."""
    settling = _settling(reading)
    return NONE if any(line.has(REFERENCE) for line in settling) else settling


def _settling_vat(reading: Reading) -> Nodes:
    """The four facts may come from different subtotals."""
    failing: list[Node] = []
    for line in _settling(reading):
        references = line.all(REFERENCE)
        if references and not (
            line.path(*SUBTOTAL, TAX)
            and line.path(*SUBTOTAL, CATEGORY, PERCENT)
            and line.path(*SUBTOTAL, TAXABLE)
            and line.path(*SUBTOTAL, CATEGORY, "cbc:ID")
        ):
            failing += references
    return failing


def _untaxed(subtotal: Node) -> bool:
    """Branch Z of BR-KSA-79: not S, and E, Z, O without a rate, or anything without a rate."""
    categories = subtotal.all(CATEGORY)
    if any(category_is(category, "S") for category in categories):
        return False
    rates = descend(categories, PERCENT)
    return (
        (not rates and any(category_is(category, "O") for category in categories))
        or any(category_is(category, "E") or category_is(category, "Z") for category in categories)
        or norm(opt(rates)) == ""
    )


def _untaxed_amount(_: Reading, subtotals: Nodes) -> Nodes:
    return [node for node in subtotals if _untaxed(node) and not _is_untaxed_amount(node)]


def _is_untaxed_amount(subtotal: Node) -> bool:
    tax = f2(double_of(subtotal.all(TAX)))
    taxable = decimal_of(subtotal.all(TAXABLE))
    if tax != f2(mul(taxable, ZERO)):
        return False
    if taxable is None:
        return tax == "NaN"
    product = mul(taxable, decimal_of(subtotal.path(CATEGORY, PERCENT)))
    return tax == f2(r2(mul(product, CENT)))


def _untaxed_amount_333(reading: Reading) -> Nodes:
    return [
        node
        for node in _subtotals(reading, True)
        if _untaxed(node) and f2(double_of(node.all(TAX))) != f2(mul(decimal_of(node.all(TAXABLE)), ZERO))
    ]


def _taxed_amount(_: Reading, subtotals: Nodes) -> Nodes:
    return [node for node in subtotals if not _untaxed(node) and not _is_taxed_amount(node)]


def _is_taxed_amount(subtotal: Node) -> bool:
    """One cent of tolerance, in doubles, after rounding."""
    if norm(opt(subtotal.path(CATEGORY, PERCENT))) == "":
        return False
    tax = f2(double_of(subtotal.all(TAX)))
    taxable = double_of(subtotal.all(TAXABLE))
    if taxable is None:
        return tax == "NaN"
    rate = decimal_of(descend([category for category in subtotal.all(CATEGORY) if is_vat(category)], PERCENT))
    if rate is None:
        return tax == "NaN"
    expected = round_up(taxable * float(rate) / 100 * 100 + 0.01) / 100
    return tax in (f2(expected - 0.01), f2(expected + 0.01), f2(expected))


def _decimals(reading: Reading) -> Nodes:
    return [
        node for node in _subtotals(reading, True) if frac(opt(node.all(TAXABLE))) > 2 or frac(opt(node.all(TAX))) > 2
    ]


def _zero_rate(code: str, reading: Reading) -> Nodes:
    """An absent rate fires too: nothing does not equal 0.

    The engine looks at the rate first: where it is 0, two ids in a tax scheme go unnoticed.
    """
    return [
        node
        for node in _subtotals(reading, True)
        if decimal_of(node.path(CATEGORY, PERCENT)) != 0
        and any(category_is(category, code) and is_vat(category) for category in node.all(CATEGORY))
    ]


_UNPAID, _PREPAID = (partial(_subtotals, prepaid=prepaid) for prepaid in (False, True))
_RATE = (CATEGORY, PERCENT)

SITES = (
    Site("017", "BR-KSA-80", "warning", _prepaid_total, ONLY_348, shows=PREPAID),
    Site("017", "BR-KSA-80", "warning", _prepaid_total_333, ONLY_333),
    Site("018", "BR-KSA-79", "warning", Over(_UNPAID, _untaxed_amount), ONLY_348, shows=(TAX,)),
    Site("019", "BR-KSA-79", "warning", Over(_UNPAID, _taxed_amount), ONLY_348, shows=(TAX,)),
    Site("020", "BR-KSA-74", "error", _reference_type, shows=(TYPE,)),
    Site("021", "BR-KSA-82", "error", _settling_amounts),
    Site("022", "BR-KSA-82", "error", _settling_allowances),
    Site("023", "BR-KSA-73", "warning", _reference_facts),
    Site("024", "BR-KSA-73", "warning", _no_reference),
    Site("025", "BR-KSA-75", "warning", _settling_vat),
    Site("026", "BR-KSA-79", "warning", Over(_PREPAID, _untaxed_amount), ONLY_348, shows=(TAX,)),
    Site("026", "BR-KSA-79", "warning", _untaxed_amount_333, ONLY_333, shows=(TAX,)),
    Site("027", "BR-KSA-79", "warning", Over(_PREPAID, _taxed_amount), shows=(TAX,)),
    Site("028", "BR-KSA-DEC-06", "warning", _decimals),
    Site("029", "BR-KSA-76", "warning", partial(_zero_rate, "Z"), shows=_RATE),
    Site("030", "BR-KSA-77", "warning", partial(_zero_rate, "E"), shows=_RATE),
    Site("031", "BR-KSA-78", "warning", partial(_zero_rate, "O"), shows=_RATE),
)
