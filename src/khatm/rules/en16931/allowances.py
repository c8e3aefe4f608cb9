"""Allowances and charges of the document and of its lines."""

from khatm.rules.en16931.categories import vat
from khatm.rules.en16931.contexts import (
    document_allowances,
    document_charges,
    each,
    line_allowances,
    line_charges,
    missing,
    too_precise,
)  # fmt: skip
from khatm.rules.reading import Node, filled
from khatm.rules.site import Site


def _without_vat_category(charge: Node) -> bool:
    return not any(vat(category) and filled(category.all("cbc:ID")) for category in charge.all("cac:TaxCategory"))


_AMOUNT = ("cbc:Amount",)
_BASE = ("cbc:BaseAmount",)
_CODE = ("cac:TaxCategory", "cbc:ID")

SITES = (
    Site("002", "BR-31", "error", each(document_allowances, missing("cbc:Amount"))),
    Site("003", "BR-32", "error", each(document_allowances, _without_vat_category), shows=_CODE),
    Site("004", "BR-DEC-01", "warning", each(document_allowances, too_precise("cbc:Amount")), shows=_AMOUNT),
    Site("005", "BR-DEC-02", "warning", each(document_allowances, too_precise("cbc:BaseAmount")), shows=_BASE),
    Site("006", "BR-36", "warning", each(document_charges, missing("cbc:Amount"))),
    Site("007", "BR-37", "warning", each(document_charges, missing("cac:TaxCategory", "cbc:ID"))),
    Site("008", "BR-DEC-06", "warning", each(document_charges, too_precise("cbc:BaseAmount")), shows=_BASE),
    Site("009", "BR-DEC-05", "warning", each(document_charges, too_precise("cbc:Amount")), shows=_AMOUNT),
    Site("010", "BR-43", "warning", each(line_charges, missing("cbc:Amount"))),
    Site("011", "BR-DEC-27", "warning", each(line_charges, too_precise("cbc:Amount")), shows=_AMOUNT),
    Site("012", "BR-DEC-28", "warning", each(line_charges, too_precise("cbc:BaseAmount")), shows=_BASE),
    Site("066", "BR-41", "error", each(line_allowances, missing("cbc:Amount"))),
    Site("067", "BR-DEC-24", "warning", each(line_allowances, too_precise("cbc:Amount")), shows=_AMOUNT),
    Site("068", "BR-DEC-25", "warning", each(line_allowances, too_precise("cbc:BaseAmount")), shows=_BASE),
)
