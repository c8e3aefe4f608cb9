"""Invoice lines: identified, measured, priced, named and with a VAT category."""

from khatm.rules.abort import Abort, AbortKind
from khatm.rules.edition import ONLY_333, ONLY_348
from khatm.rules.en16931.categories import single_scheme_vat
from khatm.rules.en16931.contexts import each, lines, longer, looped_lines, missing, outside, too_precise, unfilled
from khatm.rules.patterns import all_digits
from khatm.rules.reading import Node, Reading, opt
from khatm.rules.site import Site

_NAME = ("cac:Item", "cbc:Name")
_BUYERS_ID = ("cac:Item", "cac:BuyersItemIdentification", "cbc:ID")
_SELLERS_ID = ("cac:Item", "cac:SellersItemIdentification", "cbc:ID")
_STANDARD_ID = ("cac:Item", "cac:StandardItemIdentification", "cbc:ID")


def _long_unit(line: Node) -> bool:
    units = [unit for node in line.all("cbc:InvoicedQuantity") if (unit := node.attribute("unitCode")) is not None]
    if len(units) > 1:
        raise Abort(AbortKind.MULTIPLE, "unitCode", line)
    return bool(units) and len(units[0]) > 127


def _only_digits(line: Node) -> bool:
    return all_digits(opt(line.path(*_NAME)))


def _without_quantity(line: Node) -> bool:
    quantities = line.all("cbc:InvoicedQuantity")
    # The text is compared with "0": 0.00, which advance payments carry, passes.
    return not quantities or any("0" in node.text and "0" in node.texts for node in quantities)


def _without_vat_category(line: Node) -> bool:
    categories = line.path("cac:Item", "cac:ClassifiedTaxCategory")
    return not any(single_scheme_vat(category) and category.has("cbc:ID") for category in categories)


def _properties(reading: Reading) -> list[Node]:
    return reading.named("cac:AdditionalItemProperty")


def _incomplete_property(node: Node) -> bool:
    return not (node.has("cbc:Name") and node.has("cbc:Value"))


_ID, _QUANTITY, _NET = ("cbc:ID",), ("cbc:InvoicedQuantity",), ("cbc:LineExtensionAmount",)

SITES = (
    Site("044", "BR-KSA-F-06-C17", "error", each(looped_lines, outside(1, 6, "cbc:ID")), shows=_ID),
    Site("045", "BR-KSA-F-06-C30", "warning", each(looped_lines, longer(127, *_BUYERS_ID)), shows=_BUYERS_ID),
    Site("046", "BR-KSA-F-06-C31", "warning", each(looped_lines, longer(127, *_SELLERS_ID)), shows=_SELLERS_ID),
    Site("047", "BR-KSA-F-06-C20", "warning", each(looped_lines, longer(127, *_STANDARD_ID)), shows=_STANDARD_ID),
    Site("056", "BR-KSA-F-06-C18", "warning", each(lines, _long_unit), shows=_QUANTITY),
    Site("057", "BR-KSA-F-06-C19", "warning", each(lines, outside(3, 1000, *_NAME)), ONLY_348, shows=_NAME),
    Site("057", "BR-KSA-F-06-C19", "warning", each(lines, outside(1, 1000, *_NAME)), ONLY_333, shows=_NAME),
    Site("058", "BR-KSA-F-C-01", "warning", each(lines, _only_digits), ONLY_348, shows=_NAME),
    Site("059", "BR-21", "warning", each(lines, unfilled("cbc:ID"))),
    Site("060", "BR-22", "error", each(lines, _without_quantity), shows=_QUANTITY),
    Site("061", "BR-24", "error", each(lines, missing("cbc:LineExtensionAmount"))),
    Site("062", "BR-25", "warning", each(lines, unfilled(*_NAME))),
    Site("063", "BR-26", "error", each(lines, missing("cac:Price", "cbc:PriceAmount"))),
    Site("064", "BR-CO-04", "error", each(lines, _without_vat_category)),
    Site("065", "BR-DEC-23", "warning", each(lines, too_precise("cbc:LineExtensionAmount")), shows=_NET),
    Site("069", "BR-54", "error", each(_properties, _incomplete_property)),
)
