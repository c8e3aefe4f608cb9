"""Rules on VAT categories: codes, exemption reasons, and the rates of standard rated items.

Source: Saudi rule specification, sites 032, 061, 062, 088, 108 and 114-128.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from khatm.rules.edition import ONLY_333, ONLY_348
from khatm.rules.ksa.comparisons import compare_whole
from khatm.rules.ksa.facts import (
    CHARGE,
    PERCENT,
    between,
    buyer_names,
    buyers,
    category_is,
    indicates,
    invoice,
    is_vat,
    lines,
    nonblank,
    repeated,
    selected,
    simplified_codes,
)
from khatm.rules.numbers import decimal_of, frac, number
from khatm.rules.patterns import norm
from khatm.rules.reading import NONE, Node, Reading, descend, filled, one, opt
from khatm.rules.site import Site

CATEGORY = "cac:TaxCategory"
SUBTOTAL_CATEGORY = ("cac:TaxTotal", "cac:TaxSubtotal", CATEGORY)
ITEM_CATEGORY = ("cac:Item", "cac:ClassifiedTaxCategory")
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
    categories = [
        node for node in descend(reading.named("cac:TaxTotal"), *SUBTOTAL_CATEGORY[1:]) if _exempts_citizens(node)
    ]
    if categories and any(
        node.attribute("schemeID") == "NAT" for node in descend(buyers(reading), "cac:PartyIdentification", "cbc:ID")
    ):
        return NONE
    return categories


def _category_code(reading: Reading) -> Iterator[Node]:
    """Substrings of the list pass: an empty code, a blank, "S Z"."""
    for node in invoice(reading):
        for categories in (
            node.path(*SUBTOTAL_CATEGORY),
            node.path("cac:InvoiceLine", *SUBTOTAL_CATEGORY),
            node.path(CHARGE, CATEGORY),
            node.path("cac:InvoiceLine", *ITEM_CATEGORY),
        ):
            for code in descend(categories, "cbc:ID"):
                if code.text not in " S Z E O ":
                    yield code


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
    codes = descend(reading.named("cac:TaxTotal"), *SUBTOTAL_CATEGORY[1:], CODE)
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
        + descend(reading.named("cac:TaxTotal"), *SUBTOTAL_CATEGORY[1:], PERCENT)
        + descend(reading.named("cac:InvoiceLine"), *ITEM_CATEGORY, PERCENT)
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


def _triggers(reading: Reading) -> int:
    """Count the S/VAT categories that template T39 stands on: its whole block runs once for each.

    An error in the selection means not selected, so an unreadable indicator only loses a trigger.
    """
    categories = [
        category
        for charge in reading.named(CHARGE)
        if charge.has(CATEGORY) and selected(_is_readable, charge)
        for category in charge.all(CATEGORY)
    ]
    categories += descend(reading.named("cac:TaxTotal"), *SUBTOTAL_CATEGORY[1:])
    categories += descend(reading.named("cac:InvoiceLine"), *ITEM_CATEGORY)
    return sum([selected(_is_standard, category) for category in categories])


def _is_readable(charge: Node) -> bool:
    return indicates(charge, False) or indicates(charge, True)


def _is_standard(category: Node) -> bool:
    return category_is(category, "S") and is_vat(category)


def _standard_rate(path: tuple[str, ...], reading: Reading) -> Iterable[Node]:
    """15 up to but excluding 16, or exactly 5."""
    times = reading.fact(_triggers)
    if not times:
        return NONE
    failing = [
        node
        for parent in invoice(reading)
        for node in parent.path(*path)
        if _is_standard(node) and node.has(PERCENT) and not _is_standard_rate(node.all(PERCENT))
    ]
    return repeated(failing, times)


def _is_standard_rate(rates: list[Node]) -> bool:
    value = number(one(rates))
    return (math.isfinite(value) and math.floor(value) == 15) or compare_whole(rates[0], 5) == 0


def _line_categories(reading: Reading) -> dict[str, list[Node]]:
    found: dict[str, list[Node]] = {"Z": [], "E": [], "O": []}
    for node in descend(lines(reading), *SUBTOTAL_CATEGORY):
        kind = _code(node)
        if kind in found and is_vat(node):
            found[kind].append(node)
    return found


def _of_lines(kinds: str, fails: Callable[[Node], bool], reading: Reading) -> Iterable[Node]:
    times = reading.fact(_triggers)
    if not times:
        return NONE
    found = reading.fact(_line_categories)
    return repeated([node for kind in kinds for node in found[kind] if fails(node)], times)


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
    Site("119", "BR-KSA-84", "error", partial(_standard_rate, (CHARGE, CATEGORY)), shows=_RATE),
    Site("120", "BR-KSA-84", "error", partial(_standard_rate, SUBTOTAL_CATEGORY), shows=_RATE),
    Site("121", "BR-KSA-84", "error", partial(_standard_rate, ("cac:InvoiceLine", *ITEM_CATEGORY)), shows=_RATE),
    Site("122", "BR-KSA-84", "error", partial(_standard_rate, ("cac:InvoiceLine", *SUBTOTAL_CATEGORY)), shows=_RATE),
    Site("123", "BR-KSA-93", "warning", partial(_of_lines, "Z", _lacks_code), ONLY_348),
    Site("124", "BR-KSA-94", "warning", partial(_of_lines, "E", _lacks_code), ONLY_348),
    Site("125", "BR-KSA-95", "warning", partial(_of_lines, "O", _lacks_code), ONLY_348),
    Site("126", "BR-KSA-96", "warning", partial(_of_lines, "ZEO", _lacks_reason), ONLY_348),
    Site(
        "127", "BR-KSA-CL-07", "warning", partial(_of_lines, "ZEO", partial(_has_foreign_code, _LINE_CODES)), ONLY_348
    ),
    Site("128", "BR-KSA-F-06-C39", "warning", partial(_of_lines, "ZEO", _long_reason), ONLY_348),
)
