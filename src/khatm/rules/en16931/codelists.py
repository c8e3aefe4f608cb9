"""Codes that must be on a list, wherever they stand (the stylesheet's pattern of its own)."""

from khatm.rules.category_shapes import judged_by_shape
from khatm.rules.en16931.contexts import each, invoice
from khatm.rules.en16931.values import (
    COUNTRIES,
    CREDITNOTE_TYPES,
    CURRENCIES,
    INVOICE_TYPES,
    PAYMENT_MEANS,
    TAX_CATEGORIES,
    listed,
)  # fmt: skip
from khatm.rules.line_parts import line_parts
from khatm.rules.patterns import norm
from khatm.rules.reading import Node, Nodes, Reading, descend
from khatm.rules.site import Site

_AMOUNTS = (
    "cbc:Amount", "cbc:BaseAmount", "cbc:PriceAmount", "cbc:TaxAmount", "cbc:TaxableAmount", "cbc:LineExtensionAmount",
    "cbc:TaxExclusiveAmount", "cbc:TaxInclusiveAmount", "cbc:AllowanceTotalAmount", "cbc:ChargeTotalAmount",
    "cbc:PrepaidAmount", "cbc:PayableRoundingAmount", "cbc:PayableAmount",
)  # fmt: skip


def _type_codes(reading: Reading) -> Nodes:
    return reading.any_of("cbc:InvoiceTypeCode", "cbc:CreditNoteTypeCode")


def _unknown_type(node: Node) -> bool:
    return not listed(CREDITNOTE_TYPES if node.name == "cbc:CreditNoteTypeCode" else INVOICE_TYPES, node.text)


def _amounts_in_unknown_currency(reading: Reading) -> Nodes:
    found: list[Node] = []
    for name in _AMOUNTS:
        if any(map(_unknown_code, reading.currencies(name))):
            found += [node for node in reading.named(name) if _unknown_code(node.attribute("currencyID"))]
    return found


def _unknown_code(currency: str | None) -> bool:
    return bool(currency) and currency not in CURRENCIES and norm(currency or "") not in CURRENCIES


def _document_currencies(reading: Reading) -> Nodes:
    return reading.named("cbc:DocumentCurrencyCode")


def _tax_currencies(reading: Reading) -> Nodes:
    return reading.named("cbc:TaxCurrencyCode")


def _unknown_currency(node: Node) -> bool:
    return not listed(CURRENCIES, node.text)


def _countries(reading: Reading) -> Nodes:
    return descend(reading.named("cac:Country"), "cbc:IdentificationCode")


def _payment_codes(reading: Reading) -> Nodes:
    return descend(reading.named("cac:PaymentMeans"), "cbc:PaymentMeansCode")


def _unknown_tax_category_ids(reading: Reading) -> Nodes:
    roots, parts = invoice(reading), line_parts(reading)
    rows = descend(roots, "cac:TaxTotal", "cac:TaxSubtotal", "cac:TaxCategory")
    charges = descend(roots, "cac:AllowanceCharge", "cac:TaxCategory")
    unknown = judged_by_shape(_has_unknown_id, reading, [*rows, *parts.categories, *charges, *parts.items])
    return [node for node in descend(unknown, "cbc:ID") if not listed(TAX_CATEGORIES, node.text)]


def _has_unknown_id(category: Node) -> bool:
    return any(not listed(TAX_CATEGORIES, node.text) for node in category.all("cbc:ID"))


SITES = (
    Site("098", "BR-CL-01", "error", each(_type_codes, _unknown_type)),
    Site("099", "BR-CL-03", "error", _amounts_in_unknown_currency),
    Site("100", "BR-CL-04", "error", each(_document_currencies, _unknown_currency)),
    Site("101", "BR-CL-05", "error", each(_tax_currencies, _unknown_currency)),
    Site("102", "BR-CL-14", "warning", each(_countries, lambda node: not listed(COUNTRIES, node.text))),
    Site("103", "BR-CL-16", "warning", each(_payment_codes, lambda node: not listed(PAYMENT_MEANS, node.text))),
    Site("104", "BR-CL-18", "error", _unknown_tax_category_ids),
)
