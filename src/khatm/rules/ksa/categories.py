"""Rules on VAT categories: codes, exemption reasons, and what a rate may look like.

Source: Saudi rule specification, sites 032, 061, 062, 088, 108 and 114-118.
"""

from functools import partial

from khatm.rules.category_shapes import judged_by_shape
from khatm.rules.edition import ONLY_333, ONLY_348
from khatm.rules.ksa.facts import (
    CATEGORY,
    CHARGE,
    PERCENT,
    between,
    buyer_names,
    buyers,
    invoice,
    nonblank,
    simplified_codes,
)
from khatm.rules.line_parts import every_line_parts, line_parts
from khatm.rules.numbers import decimal_of, frac
from khatm.rules.patterns import norm
from khatm.rules.reading import NONE, Node, Nodes, Reading, descend, filled, opt
from khatm.rules.site import Site

SUBTOTAL_CATEGORY = ("cac:TaxTotal", "cac:TaxSubtotal", CATEGORY)
REASON = "cbc:TaxExemptionReason"
CODE = "cbc:TaxExemptionReasonCode"

CODES_E = frozenset({"", "VATEX-SA-29", "VATEX-SA-29-7", "VATEX-SA-30"})
CODES_O = frozenset({"", "VATEX-SA-OOS"})
_CODES_Z_333 = frozenset(
    {
        "", "VATEX-SA-32", "VATEX-SA-33", "VATEX-SA-34-1", "VATEX-SA-34-2", "VATEX-SA-34-3", "VATEX-SA-34-4",
        "VATEX-SA-34-5", "VATEX-SA-35", "VATEX-SA-36", "VATEX-SA-EDU", "VATEX-SA-HEA", "VATEX-SA-MLTRY",
        "VATEX-SA-DIPLOMAT",
    }
)  # fmt: skip
CODES_Z_LINES = _CODES_Z_333 | {"VATEX-SA-DUTYFREE"}
_CODES_Z = CODES_Z_LINES | {"VATEX-SA-ROYALDECREE", "VATEX-SA-32(bis)"}

_CITIZENS = ("VATEX-SA-EDU", "VATEX-SA-HEA")
_CITIZENS_LIST = " VATEX-SA-HEA VATEX-SA-EDU "

Codes = dict[str, frozenset[str]]


def code_of(category: Node) -> str:
    """Return the category's code, trimmed; raises Abort for two ids."""
    return norm(opt(category.all("cbc:ID")))


def _exempts_citizens(category: Node) -> bool:
    return any(code.text in _CITIZENS for code in category.all(CODE))


def _citizen_id_missing(reading: Reading) -> Nodes:
    """Education and health of citizens need a national id; template T09, anywhere in the document."""
    categories = [node for node in subtotal_categories(reading) if _exempts_citizens(node)]
    if categories and any(
        node.attribute("schemeID") == "NAT" for node in descend(buyers(reading), "cac:PartyIdentification", "cbc:ID")
    ):
        return NONE
    return categories


def _category_code(reading: Reading) -> Nodes:
    """Substrings of the list pass: an empty code, a blank, "S Z"."""
    parts = line_parts(reading)
    document = [
        category
        for node in invoice(reading)
        for category in (*node.path(*SUBTOTAL_CATEGORY), *node.path(CHARGE, CATEGORY))
    ]
    unknown = judged_by_shape(_has_unknown_code, reading, [*document, *parts.categories, *parts.items])
    return [code for code in descend(unknown, "cbc:ID") if _is_unknown_code(code)]


def _has_unknown_code(category: Node) -> bool:
    return any(map(_is_unknown_code, category.all("cbc:ID")))


def _is_unknown_code(code: Node) -> bool:
    return code.text not in " S Z E O "


def _untaxed(reading: Reading) -> Nodes:
    """Return the document level Z, E and O categories; one with two ids is not selected."""
    return reading.fact(_find_untaxed)


def _find_untaxed(reading: Reading) -> Nodes:
    return [
        node
        for node in reading.root.path(*SUBTOTAL_CATEGORY)
        if len(ids := node.all("cbc:ID")) == 1 and norm(ids[0].text) in ("Z", "E", "O")
    ]


def _untaxed_of_invoice(reading: Reading) -> Nodes:
    return _untaxed(reading) if reading.root.name == "inv:Invoice" else NONE


def has_long_reason(category: Node) -> bool:
    """Tell whether there is an exemption reason of no or more than 1000 characters; raises Abort for two."""
    return category.has(REASON) and not between(1, opt(category.all(REASON)), 1000)


def _reason_length(reading: Reading) -> Nodes:
    """What T09 stands on (EDU, HEA) never gets here."""
    return [node for node in _untaxed(reading) if not _exempts_citizens(node) and has_long_reason(node)]


def _citizen_name_missing(reading: Reading) -> Nodes:
    nodes = simplified_codes(reading)
    if not nodes:
        return NONE
    codes = descend(subtotal_categories(reading), CODE)
    if not codes or any(code.text not in _CITIZENS_LIST for code in codes) or filled(buyer_names(reading)):
        return NONE
    return nodes


def _rate_range(reading: Reading) -> Nodes:
    """A text with a % sign is no number: the stylesheet breaks off instead of reporting it."""
    categories = [
        *descend(reading.named(CHARGE), CATEGORY),
        *subtotal_categories(reading),
        *every_line_parts(reading).items,
    ]
    return [
        rate
        for category in judged_by_shape(_has_impossible_rate, reading, categories)
        for rate in category.all(PERCENT)
        if not _is_percentage(rate)
    ]


def _has_impossible_rate(category: Node) -> bool:
    verdicts = [_is_percentage(rate) for rate in category.all(PERCENT)]  # the engine may break off at the second one
    return not all(verdicts)


def _is_percentage(node: Node) -> bool:
    if norm(node.text) == "":
        return True
    if frac(node.text) > 2:
        return False  # the engine looks at the decimals first: 1.50E+1 is reported and breaks nothing off
    value = decimal_of([node])
    return value is not None and 0 <= value <= 100


def lacks_reason(category: Node) -> bool:
    """Tell whether an exemption code stands without a reason; raises Abort for two reasons."""
    return category.has(CODE) and not nonblank(category.all(REASON))


def _reason_missing(reading: Reading) -> Nodes:
    return [node for node in _untaxed_of_invoice(reading) if lacks_reason(node)]


def has_foreign_code(codes: Codes, category: Node) -> bool:
    """Tell whether the exemption code is none of its category's; raises Abort for two codes."""
    return norm(opt(category.all(CODE))) not in codes[code_of(category)]


def _reason_code(codes: Codes, reading: Reading) -> Nodes:
    return [node for node in _untaxed_of_invoice(reading) if has_foreign_code(codes, node)]


def lacks_code(category: Node) -> bool:
    """Tell whether the exemption code is absent or blank; raises Abort for two."""
    return not nonblank(category.all(CODE))


def _code_missing(kind: str, reading: Reading) -> Nodes:
    return [node for node in _untaxed_of_invoice(reading) if code_of(node) == kind and lacks_code(node)]


def subtotal_categories(reading: Reading) -> Nodes:
    """Return the tax categories of all subtotals, of the document and of lines."""
    return reading.fact(_find_subtotal_categories)


def _find_subtotal_categories(reading: Reading) -> Nodes:
    return descend(reading.named("cac:TaxTotal"), *SUBTOTAL_CATEGORY[1:])


_DOCUMENT_CODES = {"Z": _CODES_Z, "E": CODES_E, "O": CODES_O}
_DOCUMENT_CODES_333 = {"Z": _CODES_Z_333, "E": CODES_E, "O": CODES_O}

SITES = (
    Site("032", "BR-KSA-49", "error", _citizen_id_missing, shows=(CODE,)),
    Site("061", "BR-KSA-18", "error", _category_code),
    Site("062", "BR-KSA-F-06-C16", "warning", _reason_length, shows=(REASON,)),
    Site("088", "BR-KSA-25", "warning", _citizen_name_missing),
    Site("108", "BR-KSA-DEC-02", "error", _rate_range),
    Site("114", "BR-KSA-83", "warning", _reason_missing),
    Site("115", "BR-KSA-CL-04", "warning", partial(_reason_code, _DOCUMENT_CODES), ONLY_348, shows=(CODE,)),
    Site("115", "BR-KSA-CL-04", "warning", partial(_reason_code, _DOCUMENT_CODES_333), ONLY_333, shows=(CODE,)),
    Site("116", "BR-KSA-24", "warning", partial(_code_missing, "O")),
    Site("117", "BR-KSA-23", "warning", partial(_code_missing, "E")),
    Site("118", "BR-KSA-69", "warning", partial(_code_missing, "Z")),
)
