"""Rules on VAT categories: codes, exemption reasons, and the rates of standard rated items.

Source: Saudi rule specification, sites 032, 061, 062, 088, 108 and 114-128.
"""

import math
from collections.abc import Callable, Iterable
from functools import partial

from khatm.rules.edition import ONLY_333, ONLY_348
from khatm.rules.ksa.comparisons import compare_whole
from khatm.rules.ksa.facts import (
    CATEGORY,
    CHARGE,
    PERCENT,
    between,
    buyer_names,
    buyers,
    category_is,
    every_line_parts,
    indicates,
    invoice,
    is_vat,
    line_parts,
    nonblank,
    repeated,
    selected,
    simplified_codes,
)
from khatm.rules.numbers import decimal_of, frac, number
from khatm.rules.patterns import norm
from khatm.rules.reading import NONE, Node, Reading, descend, filled, opt
from khatm.rules.site import Site

SUBTOTAL_CATEGORY = ("cac:TaxTotal", "cac:TaxSubtotal", CATEGORY)
REASON = "cbc:TaxExemptionReason"
CODE = "cbc:TaxExemptionReasonCode"

_CODES_E = frozenset({"", "VATEX-SA-29", "VATEX-SA-29-7", "VATEX-SA-30"})
_CODES_O = frozenset({"", "VATEX-SA-OOS"})
_CODES_Z_333 = frozenset(
    {
        "", "VATEX-SA-32", "VATEX-SA-33", "VATEX-SA-34-1", "VATEX-SA-34-2", "VATEX-SA-34-3", "VATEX-SA-34-4",
        "VATEX-SA-34-5", "VATEX-SA-35", "VATEX-SA-36", "VATEX-SA-EDU", "VATEX-SA-HEA", "VATEX-SA-MLTRY",
        "VATEX-SA-DIPLOMAT",
    }
)  # fmt: skip
_CODES_Z_LINES = _CODES_Z_333 | {"VATEX-SA-DUTYFREE"}
_CODES_Z = _CODES_Z_LINES | {"VATEX-SA-ROYALDECREE", "VATEX-SA-32(bis)"}

_CITIZENS = ("VATEX-SA-EDU", "VATEX-SA-HEA")
_CITIZENS_LIST = " VATEX-SA-HEA VATEX-SA-EDU "

Codes = dict[str, frozenset[str]]


def _code(category: Node) -> str:
    return norm(opt(category.all("cbc:ID")))


def _exempts_citizens(category: Node) -> bool:
    return any(code.text in _CITIZENS for code in category.all(CODE))


def _citizen_id_missing(reading: Reading) -> list[Node]:
    """Education and health of citizens need a national id; template T09, anywhere in the document."""
    categories = [node for node in _subtotal_categories(reading) if _exempts_citizens(node)]
    if categories and any(
        node.attribute("schemeID") == "NAT" for node in descend(buyers(reading), "cac:PartyIdentification", "cbc:ID")
    ):
        return NONE
    return categories


def _category_code(reading: Reading) -> list[Node]:
    """Substrings of the list pass: an empty code, a blank, "S Z"."""
    parts = line_parts(reading)
    document = [
        category
        for node in invoice(reading)
        for category in node.path(*SUBTOTAL_CATEGORY) + node.path(CHARGE, CATEGORY)
    ]
    return [
        code
        for categories in (document, parts.categories, parts.items)
        for category in categories
        for code in category.all("cbc:ID")
        if code.text not in " S Z E O "
    ]


def _untaxed(reading: Reading) -> list[Node]:
    """Return the document level Z, E and O categories; one with two ids is not selected."""
    return reading.fact(_find_untaxed)


def _find_untaxed(reading: Reading) -> list[Node]:
    return [
        node
        for node in reading.root.path(*SUBTOTAL_CATEGORY)
        if len(ids := node.all("cbc:ID")) == 1 and norm(ids[0].text) in ("Z", "E", "O")
    ]


def _untaxed_of_invoice(reading: Reading) -> list[Node]:
    return _untaxed(reading) if reading.root.name == "inv:Invoice" else NONE


def _long_reason(category: Node) -> bool:
    return category.has(REASON) and not between(1, opt(category.all(REASON)), 1000)


def _reason_length(reading: Reading) -> list[Node]:
    """What T09 stands on (EDU, HEA) never gets here."""
    return [node for node in _untaxed(reading) if not _exempts_citizens(node) and _long_reason(node)]


def _citizen_name_missing(reading: Reading) -> list[Node]:
    nodes = simplified_codes(reading)
    if not nodes:
        return NONE
    codes = descend(_subtotal_categories(reading), CODE)
    if not codes or any(code.text not in _CITIZENS_LIST for code in codes) or filled(buyer_names(reading)):
        return NONE
    return nodes


def _rate_range(reading: Reading) -> list[Node]:
    """A text with a % sign is no number: the stylesheet breaks off instead of reporting."""
    verdicts: dict[str, bool] = {}
    failing = []
    for node in _rates(reading):
        verdict = verdicts.get(node.text)
        if verdict is None:
            verdict = verdicts[node.text] = norm(node.text) == "" or _is_percentage(node)
        if not verdict:
            failing.append(node)
    return failing


def _is_percentage(node: Node) -> bool:
    value = decimal_of([node])
    return value is not None and 0 <= value <= 100 and frac(node.text) <= 2


def _rates(reading: Reading) -> list[Node]:
    return (
        descend(reading.named(CHARGE), CATEGORY, PERCENT)
        + descend(_subtotal_categories(reading), PERCENT)
        + descend(every_line_parts(reading).items, PERCENT)
    )


def _lacks_reason(category: Node) -> bool:
    return category.has(CODE) and not nonblank(category.all(REASON))


def _reason_missing(reading: Reading) -> list[Node]:
    return [node for node in _untaxed_of_invoice(reading) if _lacks_reason(node)]


def _has_foreign_code(codes: Codes, category: Node) -> bool:
    return norm(opt(category.all(CODE))) not in codes[_code(category)]


def _reason_code(codes: Codes, reading: Reading) -> list[Node]:
    return [node for node in _untaxed_of_invoice(reading) if _has_foreign_code(codes, node)]


def _lacks_code(category: Node) -> bool:
    return not nonblank(category.all(CODE))


def _code_missing(kind: str, reading: Reading) -> list[Node]:
    return [node for node in _untaxed_of_invoice(reading) if _code(node) == kind and _lacks_code(node)]


def _triggers(reading: Reading) -> frozenset[Node]:
    """Return the S/VAT categories that template T39 stands on: its whole block runs once for each.

    An error in the selection means not selected, so an unreadable indicator only loses a trigger.
    """
    categories = [
        category
        for charge in reading.named(CHARGE)
        if CATEGORY in charge.kids and selected(_is_readable, charge)
        for category in charge.all(CATEGORY)
    ]
    categories += _subtotal_categories(reading)
    categories += every_line_parts(reading).items
    return frozenset([category for category in categories if selected(_is_standard, category)])


def _subtotal_categories(reading: Reading) -> list[Node]:
    return reading.fact(_find_subtotal_categories)


def _find_subtotal_categories(reading: Reading) -> list[Node]:
    return descend(reading.named("cac:TaxTotal"), *SUBTOTAL_CATEGORY[1:])


def _is_readable(charge: Node) -> bool:
    return indicates(charge, False) or indicates(charge, True)


def _is_standard(category: Node) -> bool:
    return category_is(category, "S") and is_vat(category)


def _standard_rate(choose: Callable[[Reading], list[Node]], reading: Reading) -> Iterable[Node]:
    """15 up to but excluding 16, or exactly 5."""
    triggers = reading.fact(_triggers)
    if not triggers:
        return NONE
    verdicts: dict[str, bool] = {}
    failing = []
    for node in choose(reading):
        rates = node.all(PERCENT)
        if (node in triggers or _is_standard(node)) and rates:
            text = opt(rates)
            if text not in verdicts:
                verdicts[text] = _is_standard_rate(rates[0])
            if not verdicts[text]:
                failing.append(node)
    return repeated(failing, len(triggers))


def _is_standard_rate(rate: Node) -> bool:
    value = number(rate.text)
    return (math.isfinite(value) and math.floor(value) == 15) or compare_whole(rate, 5) == 0


def _charge_categories(reading: Reading) -> list[Node]:
    return descend(invoice(reading), CHARGE, CATEGORY)


def _document_categories(reading: Reading) -> list[Node]:
    return descend(invoice(reading), *SUBTOTAL_CATEGORY)


def _item_categories(reading: Reading) -> list[Node]:
    return line_parts(reading).items


def _prepaid_categories(reading: Reading) -> list[Node]:
    return line_parts(reading).categories


def _line_categories(reading: Reading) -> dict[str, list[Node]]:
    found: dict[str, list[Node]] = {"Z": [], "E": [], "O": []}
    for node in line_parts(reading).categories:
        kind = _code(node)
        if kind in found and is_vat(node):
            found[kind].append(node)
    return found


def _of_lines(kinds: str, fails: Callable[[Node], bool], reading: Reading) -> Iterable[Node]:
    triggers = reading.fact(_triggers)
    if not triggers:
        return NONE
    found = reading.fact(_line_categories)
    return repeated([node for kind in kinds for node in found[kind] if fails(node)], len(triggers))


_DOCUMENT_CODES = {"Z": _CODES_Z, "E": _CODES_E, "O": _CODES_O}
_DOCUMENT_CODES_333 = {"Z": _CODES_Z_333, "E": _CODES_E, "O": _CODES_O}
_LINE_CODES = {"Z": _CODES_Z_LINES, "E": _CODES_E, "O": _CODES_O}
_RATE = (PERCENT,)

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
    Site("119", "BR-KSA-84", "error", partial(_standard_rate, _charge_categories), shows=_RATE),
    Site("120", "BR-KSA-84", "error", partial(_standard_rate, _document_categories), shows=_RATE),
    Site("121", "BR-KSA-84", "error", partial(_standard_rate, _item_categories), shows=_RATE),
    Site("122", "BR-KSA-84", "error", partial(_standard_rate, _prepaid_categories), shows=_RATE),
    Site("123", "BR-KSA-93", "warning", partial(_of_lines, "Z", _lacks_code), ONLY_348),
    Site("124", "BR-KSA-94", "warning", partial(_of_lines, "E", _lacks_code), ONLY_348),
    Site("125", "BR-KSA-95", "warning", partial(_of_lines, "O", _lacks_code), ONLY_348),
    Site("126", "BR-KSA-96", "warning", partial(_of_lines, "ZEO", _lacks_reason), ONLY_348),
    Site(
        "127", "BR-KSA-CL-07", "warning", partial(_of_lines, "ZEO", partial(_has_foreign_code, _LINE_CODES)), ONLY_348
    ),
    Site("128", "BR-KSA-F-06-C39", "warning", partial(_of_lines, "ZEO", _long_reason), ONLY_348),
)
