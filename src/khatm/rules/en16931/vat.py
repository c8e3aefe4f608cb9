"""The VAT breakdown and the categories S, Z, E and O wherever they stand."""

from collections.abc import Callable
from functools import partial

from khatm.rules.category_shapes import judged_by_shape
from khatm.rules.comparisons import compare_whole
from khatm.rules.edition import ONLY_333, ONLY_348
from khatm.rules.en16931 import categories as cat
from khatm.rules.en16931.contexts import Context, document, each, indicates, matches, missing, subtotals, too_precise
from khatm.rules.en16931.rates import co17_333, off, off_333
from khatm.rules.line_parts import every_line_parts
from khatm.rules.numbers import decimal_of, equal
from khatm.rules.patterns import norm
from khatm.rules.reading import NONE, Node, Nodes, Reading, descend, opt
from khatm.rules.site import Over, Site, Test

# --- the breakdown row (sites 074-080)


def _without_category(row: Node) -> bool:
    return not any(cat.vat(category) and category.has("cbc:ID") for category in row.all("cac:TaxCategory"))


def _without_rate(row: Node) -> bool:
    categories = row.all("cac:TaxCategory")
    rated = any(cat.vat(category) and category.has("cbc:Percent") for category in categories)
    return not rated and not any(cat.vat(category) and cat.code(category) == "O" for category in categories)


def _rows(wrong: Callable[[Reading, Node], bool]) -> Test:
    return lambda reading: [row for row in reading.fact(subtotals) if wrong(reading, row)]


# --- used and broken down (050-052, 055); zero rates of charges (053, 054)


def _not_broken_down(wanted: str) -> Test:
    def test(reading: Reading) -> Nodes:
        roots = document(reading)
        if not roots:
            return NONE
        used = reading.fact(cat.anywhere_charged).has(wanted) or reading.fact(cat.anywhere_sold).has(wanted)
        return roots if used and not reading.fact(cat.broken_down).has(wanted) else NONE

    return test


def _charge_not_zero_rated(wanted: str) -> Test:
    def charged(root: Node) -> bool:
        return any(
            indicates(charge, True)
            and any(cat.code(category) == wanted and cat.vat(category) for category in charge.all("cac:TaxCategory"))
            for charge in root.all("cac:AllowanceCharge")
        )

    def test(reading: Reading) -> Nodes:
        roots = document(reading)
        return roots if roots and charged(roots[0]) and not _some_zero_rate(reading) else NONE

    return test


def _some_zero_rate(reading: Reading) -> bool:
    if reading.root.name != "inv:Invoice":
        return False
    percents = reading.root.path("cac:AllowanceCharge", "cac:TaxCategory", "cbc:Percent")
    return any(compare_whole(percent, 0) == 0 for percent in percents)  # -0.00 is none: by the engine's order


# --- categories by code: in the breakdown, of allowances and charges, of items


def _charges(reading: Reading) -> list[tuple[bool, bool, Nodes]]:
    """Return, per allowance or charge with tax categories, whether it is an allowance, a charge, and the categories."""
    return [
        (matches(charge, False), matches(charge, True), charge.all("cac:TaxCategory"))
        for charge in reading.named("cac:AllowanceCharge")
        if charge.has("cac:TaxCategory")
    ]


def _allowance_categories(reading: Reading) -> Nodes:
    return [category for allowance, _, own in reading.fact(_charges) if allowance for category in own]


def _only_allowance_categories(reading: Reading) -> Nodes:
    return [
        category for allowance, charge, own in reading.fact(_charges) if allowance and not charge for category in own
    ]


def _only_charge_categories(reading: Reading) -> Nodes:
    return [category for _, charge, own in reading.fact(_charges) if charge for category in own]


def _invoice_line_categories(reading: Reading) -> Nodes:
    return every_line_parts(reading).items


def _coded(categories: Context, *codes: str) -> dict[str, Context]:
    groups = partial(cat.by_code, categories)

    def of(wanted: str) -> Context:
        return lambda reading: reading.fact(groups).get(wanted, NONE)

    return {wanted: of(wanted) for wanted in codes}


_BROKEN_DOWN = _coded(cat.breakdown_categories, *cat.CODES)
_ALLOWED = _coded(_allowance_categories, "E", "Z")
_SOLD = _coded(cat.item_categories, "E", "S", "Z")
_S_ALLOWED = _coded(_only_allowance_categories, "S")["S"]
_S_CHARGED = _coded(_only_charge_categories, "S")["S"]
_S_SOLD_BY_INVOICE = _coded(_invoice_line_categories, "S")["S"]


def _s_sold(reading: Reading) -> Nodes:
    return (_S_SOLD_BY_INVOICE if reading.named("cac:CreditNoteLine") else _SOLD["S"])(reading)


def _rate_not_zero(category: Node) -> bool:
    percent = decimal_of(category.all("cbc:Percent"))
    return percent is None or percent != 0


def _rate_not_positive(category: Node) -> bool:
    return not any(compare_whole(percent, 0) > 0 for percent in category.all("cbc:Percent"))


def _row_of(category: Node) -> Node:
    row = category.parent
    assert row is not None
    return row


def _some_vat(category: Node) -> bool:
    tax = decimal_of(_row_of(category).all("cbc:TaxAmount"))
    return tax is None or tax != 0


def _base_differs(wanted: str, reading: Reading, category: Node) -> bool:
    stated = decimal_of(_row_of(category).all("cbc:TaxableAmount"))
    return not equal(stated, reading.fact(cat.BASES[wanted]))


def _sum_differs(wanted: str, reading: Reading, category: Node) -> bool:
    total = _row_of(category).parent
    assert total is not None
    return reading.fact_at(cat.TAXABLE[wanted], total) != reading.fact(cat.BASES[wanted])


def _wrong_base(wanted: str, reading: Reading) -> Nodes:
    return [
        category
        for category in reading.fact(_BROKEN_DOWN[wanted])
        if not reading.fact(cat.own_sources).has(wanted) or _base_differs(wanted, reading, category)
    ]


def _wrong_base_333(wanted: str, reading: Reading) -> Nodes:
    return [node for node in reading.fact(_BROKEN_DOWN[wanted]) if _base_differs(wanted, reading, node)]


def _wrong_standard_base(reading: Reading) -> Nodes:
    return [
        category
        for category in reading.fact(_BROKEN_DOWN["S"])
        if not reading.fact(cat.own_sources).has("S") or _sum_differs("S", reading, category)
    ]


def _wrong_any_base_333(reading: Reading) -> Nodes:
    return [
        category
        for category in reading.fact(_BROKEN_DOWN["S"])
        if any(_sum_differs(wanted, reading, category) for wanted in cat.CODES)
    ]


def _wrong_standard_vat(wrong: Callable[[Reading, Node], bool], reading: Reading) -> Nodes:
    return [
        category
        for category in reading.fact(_BROKEN_DOWN["S"])
        if norm(opt(category.all("cbc:Percent"))) == "" or wrong(reading, _row_of(category))
    ]


def _standard_row_named(reading: Reading) -> bool:
    ids = descend(reading.fact(cat.breakdown_categories), "cbc:ID")
    return any("S" in id_.text and "S" in id_.texts for id_ in ids)


def _standard_with_exemption(reading: Reading) -> Nodes:
    exempted = [
        category
        for category in reading.fact(_BROKEN_DOWN["S"])
        if category.has("cbc:TaxExemptionReason") or category.has("cbc:TaxExemptionReasonCode")
    ]
    if not exempted or not reading.fact(_standard_row_named):
        return NONE
    return exempted


_TAX, _TAXABLE, _PERCENT = ("cbc:TaxAmount",), ("cbc:TaxableAmount",), ("cbc:Percent",)

SITES = (
    Site("050", "BR-E-01", "warning", _not_broken_down("E")),
    Site("051", "BR-O-01", "warning", _not_broken_down("O")),
    Site("052", "BR-S-01", "warning", _not_broken_down("S"), ONLY_348),
    Site("053", "BR-Z-07", "error", _charge_not_zero_rated("Z")),
    Site("054", "BR-E-07", "error", _charge_not_zero_rated("E")),
    Site("055", "BR-Z-01", "warning", _not_broken_down("Z")),
    Site("074", "BR-45", "error", each(subtotals, missing("cbc:TaxableAmount"))),
    Site("075", "BR-46", "error", each(subtotals, missing("cbc:TaxAmount"))),
    Site("076", "BR-47", "error", each(subtotals, _without_category)),
    Site("077", "BR-48", "error", each(subtotals, _without_rate)),
    Site("078", "BR-CO-17", "warning", _rows(off), ONLY_348, shows=_TAX),
    Site("078", "BR-CO-17", "warning", _rows(co17_333), ONLY_333, shows=_TAX),
    Site("079", "BR-DEC-19", "warning", each(subtotals, too_precise("cbc:TaxableAmount")), shows=_TAXABLE),
    Site("080", "BR-DEC-20", "warning", each(subtotals, too_precise("cbc:TaxAmount")), shows=_TAX),
    Site("081", "BR-E-08", "warning", partial(_wrong_base, "E"), ONLY_348),
    Site("081", "BR-E-08", "warning", partial(_wrong_base_333, "E"), ONLY_333),
    Site("082", "BR-E-09", "error", each(_BROKEN_DOWN["E"], _some_vat)),
    Site("083", "BR-E-06", "error", each(_ALLOWED["E"], _rate_not_zero), shows=_PERCENT),
    Site("084", "BR-E-05", "error", Over(_SOLD["E"], partial(judged_by_shape, _rate_not_zero)), shows=_PERCENT),
    Site("085", "BR-O-08", "warning", partial(_wrong_base, "O"), ONLY_348),
    Site("085", "BR-O-08", "error", partial(_wrong_base_333, "O"), ONLY_333),
    Site("086", "BR-O-09", "error", each(_BROKEN_DOWN["O"], _some_vat)),
    Site("087", "BR-S-08", "warning", _wrong_standard_base, ONLY_348),
    Site("087", "BR-S-08", "warning", _wrong_any_base_333, ONLY_333),
    Site("088", "BR-S-09", "warning", partial(_wrong_standard_vat, off), ONLY_348, shows=_PERCENT),
    Site("088", "BR-S-09", "warning", partial(_wrong_standard_vat, off_333), ONLY_333, shows=_PERCENT),
    Site("089", "BR-S-10", "warning", _standard_with_exemption, shows=("cbc:TaxExemptionReasonCode",)),
    Site("090", "BR-S-06", "error", each(_S_ALLOWED, _rate_not_positive), shows=_PERCENT),
    Site("091", "BR-S-07", "warning", each(_S_CHARGED, _rate_not_positive), shows=_PERCENT),
    Site("092", "BR-Z-08", "warning", partial(_wrong_base, "Z"), ONLY_348),
    Site("092", "BR-Z-08", "warning", partial(_wrong_base_333, "Z"), ONLY_333),
    Site("093", "BR-Z-09", "error", each(_BROKEN_DOWN["Z"], _some_vat)),
    Site("094", "BR-Z-06", "error", each(_ALLOWED["Z"], _rate_not_zero), shows=_PERCENT),
    Site("095", "BR-Z-05", "error", Over(_SOLD["Z"], partial(judged_by_shape, _rate_not_zero)), shows=_PERCENT),
    Site("105", "BR-S-05", "warning", Over(_s_sold, partial(judged_by_shape, _rate_not_positive)), shows=_PERCENT),
)
