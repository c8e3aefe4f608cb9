"""Rules that run once per standard rated category: rates of S, and exemption reasons on lines.

Source: Saudi rule specification, section 6 and sites 119-128 (template T39). A document without any S/VAT category is
never looked at; with k of them every finding comes k times.
"""

import math
from collections.abc import Callable, Iterable
from functools import partial

from khatm.rules.category_shapes import judged_by_shape
from khatm.rules.comparisons import compare_whole
from khatm.rules.edition import ONLY_348
from khatm.rules.ksa.categories import (
    CODES_E,
    CODES_O,
    CODES_Z_LINES,
    SUBTOTAL_CATEGORY,
    code_of,
    has_foreign_code,
    has_long_reason,
    lacks_code,
    lacks_reason,
    subtotal_categories,
)
from khatm.rules.ksa.facts import (
    CATEGORY,
    CHARGE,
    PERCENT,
    category_is,
    indicates,
    invoice,
    is_vat,
    repeated,
    selected,
)
from khatm.rules.line_parts import every_line_parts, line_parts
from khatm.rules.numbers import number
from khatm.rules.reading import NONE, Node, Nodes, Reading, descend, opt
from khatm.rules.site import Site


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
    categories += subtotal_categories(reading)
    categories += every_line_parts(reading).items
    return frozenset(judged_by_shape(partial(selected, _is_standard), reading, categories))


def _is_readable(charge: Node) -> bool:
    return indicates(charge, False) or indicates(charge, True)


def _is_standard(category: Node) -> bool:
    return category_is(category, "S") and is_vat(category)


def _standard_rate(choose: Callable[[Reading], Nodes], reading: Reading) -> Iterable[Node]:
    """15 up to but excluding 16, or exactly 5."""
    triggers = reading.fact(_triggers)
    if not triggers:
        return NONE

    def fires(category: Node) -> bool:
        rates = category.all(PERCENT)
        if not (category in triggers or _is_standard(category)) or not rates:
            return False
        opt(rates)  # two of them break it off
        return not _is_standard_rate(rates[0])

    return repeated(judged_by_shape(fires, reading, choose(reading)), len(triggers))


def _is_standard_rate(rate: Node) -> bool:
    value = number(rate.text)
    return (math.isfinite(value) and math.floor(value) == 15) or compare_whole(rate, 5) == 0


def _charge_categories(reading: Reading) -> Nodes:
    return descend(invoice(reading), CHARGE, CATEGORY)


def _document_categories(reading: Reading) -> Nodes:
    return descend(invoice(reading), *SUBTOTAL_CATEGORY)


def _item_categories(reading: Reading) -> Nodes:
    return line_parts(reading).items


def _prepaid_categories(reading: Reading) -> Nodes:
    return line_parts(reading).categories


def _line_categories(reading: Reading) -> dict[str, list[Node]]:
    found: dict[str, list[Node]] = {"Z": [], "E": [], "O": []}
    for node in line_parts(reading).categories:
        kind = code_of(node)
        if kind in found and is_vat(node):
            found[kind].append(node)
    return found


def _of_lines(kinds: str, fails: Callable[[Node], bool], reading: Reading) -> Iterable[Node]:
    triggers = reading.fact(_triggers)
    if not triggers:
        return NONE
    found = reading.fact(_line_categories)
    return repeated([node for kind in kinds for node in found[kind] if fails(node)], len(triggers))


_LINE_CODES = {"Z": CODES_Z_LINES, "E": CODES_E, "O": CODES_O}
_RATE = (PERCENT,)

SITES = (
    Site("119", "BR-KSA-84", "error", partial(_standard_rate, _charge_categories), shows=_RATE),
    Site("120", "BR-KSA-84", "error", partial(_standard_rate, _document_categories), shows=_RATE),
    Site("121", "BR-KSA-84", "error", partial(_standard_rate, _item_categories), shows=_RATE),
    Site("122", "BR-KSA-84", "error", partial(_standard_rate, _prepaid_categories), shows=_RATE),
    Site("123", "BR-KSA-93", "warning", partial(_of_lines, "Z", lacks_code), ONLY_348),
    Site("124", "BR-KSA-94", "warning", partial(_of_lines, "E", lacks_code), ONLY_348),
    Site("125", "BR-KSA-95", "warning", partial(_of_lines, "O", lacks_code), ONLY_348),
    Site("126", "BR-KSA-96", "warning", partial(_of_lines, "ZEO", lacks_reason), ONLY_348),
    Site("127", "BR-KSA-CL-07", "warning", partial(_of_lines, "ZEO", partial(has_foreign_code, _LINE_CODES)), ONLY_348),
    Site("128", "BR-KSA-F-06-C39", "warning", partial(_of_lines, "ZEO", has_long_reason), ONLY_348),
)
