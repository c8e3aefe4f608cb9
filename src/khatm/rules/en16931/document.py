"""What stands on the document itself: identity, dates, parties, currencies, references, and the sum of it all."""

import re

from khatm.rules.abort import Abort, AbortKind
from khatm.rules.edition import ONLY_333, ONLY_348
from khatm.rules.en16931.contexts import (
    document,
    document_tax_totals,
    each,
    invoice,
    longer,
    missing,
    outside,
    unfilled,
)
from khatm.rules.numbers import add, decimal_of, dsum, r2
from khatm.rules.reading import NONE, Node, Nodes, Reading, descend, filled, opt
from khatm.rules.site import Site

_SELLER = ("cac:AccountingSupplierParty", "cac:Party")
_BUYER = ("cac:AccountingCustomerParty", "cac:Party")
_SELLER_NAME = (*_SELLER, "cac:PartyLegalEntity", "cbc:RegistrationName")
_SELLER_SUBENTITY = (*_SELLER, "cac:PostalAddress", "cbc:CountrySubentity")
_BUYER_SUBENTITY = (*_BUYER, "cac:PostalAddress", "cbc:CountrySubentity")
_COUNTRY = ("cac:Country", "cbc:IdentificationCode")

tax_name = re.compile(r"01\d{5}").search
r"""Finds a tax invoice's transaction code anywhere in a text; \d takes the digits of every script, as in XPath."""


def names_tax_invoice(reading: Reading) -> bool:
    """Tell whether the `name` attribute of any element looks like a tax invoice's transaction code."""
    return any(map(tax_name, reading.attribute_values("name")))


def _long_note(reading: Reading) -> Nodes:
    for root in invoice(reading):
        for note in root.all("cbc:Note"):
            if len(note.text) > 1000 and any(len(text) > 1000 for text in note.texts):
                return [root]
    return NONE


def _without_type(root: Node) -> bool:
    return not (filled(root.all("cbc:InvoiceTypeCode")) or filled(root.all("cbc:CreditNoteTypeCode")))


def _without_lines(root: Node) -> bool:
    return not root.has("cac:InvoiceLine") and not root.has("cac:CreditNoteLine")


def _other_tax_currency(root: Node) -> bool:
    codes = {code.text for code in root.all("cbc:TaxCurrencyCode")}
    if not codes:
        return False
    plain = [total for total in root.all("cac:TaxTotal") if not total.has("cac:TaxSubtotal")]
    if any(not total.has("cbc:TaxAmount") for total in plain):
        return True
    stated = (amount.attribute("currencyID") for amount in descend(plain, "cbc:TaxAmount"))
    return any(code is not None and code not in codes for code in stated)


def _missing_tax_currency(reading: Reading) -> Nodes:
    def fires(root: Node) -> bool:
        amounts = descend(reading.named("cac:TaxTotal"), "cbc:TaxAmount")
        stated = {amount.attribute("currencyID") for amount in amounts}
        return any(code.text not in stated for code in root.all("cbc:TaxCurrencyCode"))

    return [root for root in document(reading) if fires(root)]


def _wrong_inclusive(root: Node) -> bool:
    """Some TaxTotal states VAT in each currency, and the totals agree; only then are the stated amounts read.

    That is the order in which the engine looks, and so breaks off.
    """
    currencies = list(dict.fromkeys([code.text for code in root.all("cbc:DocumentCurrencyCode")]))
    if not currencies:
        return False
    stated = _vat_by_currency(root)
    if any(currency not in stated for currency in currencies) or not _inclusive_agrees(root):
        return True
    for currency in currencies:
        for amounts in stated[currency]:
            decimal_of(amounts)
    return False


def _vat_by_currency(root: Node) -> dict[str, list[Nodes]]:
    stated: dict[str, list[Nodes]] = {}
    for total in root.all("cac:TaxTotal"):
        own: dict[str, list[Node]] = {}
        for amount in total.all("cbc:TaxAmount"):
            currency = amount.attribute("currencyID")
            if currency is not None:
                own.setdefault(currency, []).append(amount)
        for currency, amounts in own.items():
            stated.setdefault(currency, []).append(amounts)
    return stated


def _inclusive_agrees(root: Node) -> bool:
    """The sum is computed first; where the net total is missing there is none, and nothing else is read."""
    totals = root.all("cac:LegalMonetaryTotal")
    nets = [net for total in totals if (net := decimal_of(total.all("cbc:TaxExclusiveAmount"))) is not None]
    if len(nets) > 1:
        raise Abort(AbortKind.MULTIPLE, "cbc:TaxExclusiveAmount", root)
    if not nets:
        return False
    # Every subtotal of every TaxTotal counts, in whatever currency; TaxTotal/TaxAmount itself does not.
    vat = dsum([decimal_of(sub.all("cbc:TaxAmount")) for sub in root.path("cac:TaxTotal", "cac:TaxSubtotal")])
    expected = r2(add(nets[0], vat))
    return any(decimal_of(total.all("cbc:TaxInclusiveAmount")) == expected for total in totals)


def _unfilled_references(reading: Reading) -> Nodes:
    return [node for node in reading.named("cac:AdditionalDocumentReference") if not filled(node.all("cbc:ID"))]


def _means_without_code(reading: Reading) -> Nodes:
    means = [node for node in reading.named("cac:PaymentMeans") if not node.has("cbc:PaymentMeansCode")]
    if not means or not reading.fact(names_tax_invoice):
        return NONE
    return means


def _billing_references(reading: Reading) -> Nodes:
    return reading.named("cac:BillingReference")


def _seller_addresses(reading: Reading) -> Nodes:
    return descend(reading.named("cac:AccountingSupplierParty"), "cac:Party", "cac:PostalAddress")


def _buyer_address_incomplete(reading: Reading) -> bool:
    addresses = descend(reading.named("cac:AccountingCustomerParty"), "cac:Party", "cac:PostalAddress")
    for path in (_COUNTRY, ("cbc:StreetName",), ("cbc:CityName",), ("cbc:PostalZone",)):
        nodes = descend(addresses, *path)
        if not filled(nodes) or not opt(nodes):
            return True
    return False


def _tax_invoices_without_address(reading: Reading) -> Nodes:
    codes = [node for node in reading.named("cbc:InvoiceTypeCode") if (node.attribute("name") or "")[:2] == "01"]
    if not codes or not reading.fact(names_tax_invoice) or not reading.fact(_buyer_address_incomplete):
        return NONE
    return codes


def _wrong_vat_total(total: Node) -> bool:
    if not total.has("cac:TaxSubtotal"):
        return False
    stated = decimal_of(total.all("cbc:TaxAmount"))
    return stated is None or stated != r2(
        dsum([decimal_of(u.all("cbc:TaxAmount")) for u in total.all("cac:TaxSubtotal")])
    )


def _beyond_halala(code_name: str, reading: Reading) -> Nodes:
    amounts = descend(reading.named("inv:Invoice"), "cac:TaxTotal", "cbc:TaxAmount")
    long = [amount for amount in amounts if len(amount.text) - amount.text.find(".") > 3 and "." in amount.text]
    if not long:
        return NONE
    codes = {code.text for code in reading.named(code_name)}
    return [amount for amount in long if amount.attribute("currencyID") in codes]


def _document_currency_precision(reading: Reading) -> Nodes:
    return _beyond_halala("cbc:DocumentCurrencyCode", reading)


def _tax_currency_precision(reading: Reading) -> Nodes:
    return _beyond_halala("cbc:TaxCurrencyCode", reading)


SITES = (
    Site("001", "BR-52", "warning", _unfilled_references),
    Site("031", "BR-02", "warning", each(document, unfilled("cbc:ID"))),
    Site("032", "BR-KSA-F-06-C1", "warning", each(document, longer(127, "cbc:ID")), shows=("cbc:ID",)),
    Site("033", "BR-KSA-F-06-C2", "warning", _long_note, shows=("cbc:Note",)),
    Site("034", "BR-03", "error", each(document, unfilled("cbc:IssueDate"))),
    Site("035", "BR-04", "error", each(document, _without_type)),
    Site("036", "BR-05", "error", each(document, unfilled("cbc:DocumentCurrencyCode"))),
    Site("037", "BR-06", "warning", each(document, unfilled(*_SELLER_NAME))),
    Site("038", "BR-KSA-F-06-C10", "warning", each(document, outside(1, 1000, *_SELLER_NAME)), shows=_SELLER_NAME),
    Site("039", "BR-KSA-F-06-C8", "warning", each(document, longer(127, *_SELLER_SUBENTITY)), shows=_SELLER_SUBENTITY),
    Site("040", "BR-08", "warning", each(document, missing(*_SELLER, "cac:PostalAddress"))),
    Site("041", "BR-KSA-F-06-C27", "warning", each(document, longer(127, *_BUYER_SUBENTITY)), shows=_BUYER_SUBENTITY),
    Site("042", "BR-16", "error", each(document, _without_lines)),
    Site("043", "BR-53", "warning", each(document, _other_tax_currency), ONLY_348, shows=("cbc:TaxCurrencyCode",)),
    Site("043", "BR-53", "warning", _missing_tax_currency, ONLY_333, shows=("cbc:TaxCurrencyCode",)),
    Site(
        "048", "BR-CO-15", "error", each(document, _wrong_inclusive),
        shows=("cac:LegalMonetaryTotal", "cbc:TaxInclusiveAmount"),
    ),
    Site("049", "BR-CO-18", "error", each(document, missing("cac:TaxTotal", "cac:TaxSubtotal"))),
    Site("070", "BR-49", "warning", _means_without_code),
    Site("071", "BR-55", "error", each(_billing_references, unfilled("cac:InvoiceDocumentReference", "cbc:ID"))),
    Site("072", "BR-09", "warning", each(_seller_addresses, unfilled(*_COUNTRY))),
    Site("073", "BR-CO-14", "error", each(document_tax_totals, _wrong_vat_total), shows=("cbc:TaxAmount",)),
    Site("096", "BR-DEC-13", "warning", _document_currency_precision),
    Site("097", "BR-DEC-15", "warning", _tax_currency_precision),
    Site("333:BR-10", "BR-10", "warning", _tax_invoices_without_address, ONLY_333),
)  # fmt: skip
