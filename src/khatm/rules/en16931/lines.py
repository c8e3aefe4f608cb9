"""Invoice lines: identified, measured, priced, named and with a VAT category."""

from collections.abc import Callable

from khatm.rules.abort import Abort, AbortKind
from khatm.rules.category_shapes import shapes
from khatm.rules.edition import ONLY_333, ONLY_348
from khatm.rules.en16931.categories import single_scheme_vat
from khatm.rules.en16931.contexts import (
    each,
    lines,
    longer,
    looped_lines,
    missing,
    outside,
    too_precise,
    unfilled,
    where,
)
from khatm.rules.patterns import all_digits
from khatm.rules.reading import Node, Nodes, Reading, filled, opt
from khatm.rules.site import Made, Over, Site, Test

_NAME = ("cac:Item", "cbc:Name")
_BUYERS_ID = ("cac:Item", "cac:BuyersItemIdentification", "cbc:ID")
_SELLERS_ID = ("cac:Item", "cac:SellersItemIdentification", "cbc:ID")
_STANDARD_ID = ("cac:Item", "cac:StandardItemIdentification", "cbc:ID")


def _long_id(*names: str) -> Test:
    return where(names[1], each(looped_lines, longer(127, *names)))


def _long_unit(line: Node) -> bool:
    if len(quantities := line.all("cbc:InvoicedQuantity")) == 1:
        return len(quantities[0].attribute("unitCode") or "") > 127
    units = [unit for node in quantities if (unit := node.attribute("unitCode")) is not None]
    if len(units) > 1:
        raise Abort(AbortKind.MULTIPLE, "unitCode", line)
    return bool(units) and len(units[0]) > 127


_item_names: Made[Node, tuple[Node, Nodes]] = Made(lines, lambda line: (line, line.path(*_NAME)))


def _named(fires: Callable[[Nodes], bool]) -> Test:
    return Over(_item_names, lambda _, named: [line for line, names in named if fires(names)])


def _of_length(least: int, most: int) -> Callable[[Nodes], bool]:
    return lambda names: bool(names) and not least <= len(opt(names)) <= most


def _without_quantity(line: Node) -> bool:
    quantities = line.all("cbc:InvoicedQuantity")
    # The text is compared with "0": 0.00, which advance payments carry, passes.
    return not quantities or any("0" in node.text and "0" in node.texts for node in quantities)


def _without_vat_category(reading: Reading, some: Nodes) -> Nodes:
    usual = shapes(reading)

    def has(line: Node) -> bool:
        for category in line.path("cac:Item", "cac:ClassifiedTaxCategory"):
            if category in usual or (single_scheme_vat(category) and category.has("cbc:ID")):
                return True
        return False

    return [line for line in some if not has(line)]


def _properties(reading: Reading) -> Nodes:
    return reading.named("cac:AdditionalItemProperty")


def _incomplete_property(node: Node) -> bool:
    return not (node.has("cbc:Name") and node.has("cbc:Value"))


_ID, _QUANTITY, _NET = ("cbc:ID",), ("cbc:InvoicedQuantity",), ("cbc:LineExtensionAmount",)

SITES = (
    Site("044", "BR-KSA-F-06-C17", "error", each(looped_lines, outside(1, 6, "cbc:ID")), shows=_ID),
    Site("045", "BR-KSA-F-06-C30", "warning", _long_id(*_BUYERS_ID), shows=_BUYERS_ID),
    Site("046", "BR-KSA-F-06-C31", "warning", _long_id(*_SELLERS_ID), shows=_SELLERS_ID),
    Site("047", "BR-KSA-F-06-C20", "warning", _long_id(*_STANDARD_ID), shows=_STANDARD_ID),
    Site("056", "BR-KSA-F-06-C18", "warning", each(lines, _long_unit), shows=_QUANTITY),
    Site("057", "BR-KSA-F-06-C19", "warning", _named(_of_length(3, 1000)), ONLY_348, shows=_NAME),
    Site("057", "BR-KSA-F-06-C19", "warning", _named(_of_length(1, 1000)), ONLY_333, shows=_NAME),
    Site("058", "BR-KSA-F-C-01", "warning", _named(lambda names: all_digits(opt(names))), ONLY_348, shows=_NAME),
    Site("059", "BR-21", "warning", each(lines, unfilled("cbc:ID"))),
    Site("060", "BR-22", "error", each(lines, _without_quantity), shows=_QUANTITY),
    Site("061", "BR-24", "error", each(lines, missing("cbc:LineExtensionAmount"))),
    Site("062", "BR-25", "warning", _named(lambda names: not filled(names))),
    Site("063", "BR-26", "error", each(lines, missing("cac:Price", "cbc:PriceAmount"))),
    Site("064", "BR-CO-04", "error", Over(lines, _without_vat_category)),
    Site("065", "BR-DEC-23", "warning", each(lines, too_precise("cbc:LineExtensionAmount")), shows=_NET),
    Site("069", "BR-54", "error", each(_properties, _incomplete_property)),
)
