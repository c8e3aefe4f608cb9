"""Read any UBL invoice into facts, as it stands: nothing is computed, corrected or judged.

Source: the document standard, section 11 for the paths of the terms.
"""

from lxml import etree

from khatm.document.errors import NotAnInvoice
from khatm.document.facts import (
    AdjustmentFacts,
    AmountFact,
    InvoiceFacts,
    LineFacts,
    PartyFacts,
    PaymentFacts,
    PrepaymentFacts,
    ReferenceFacts,
    TaxFacts,
    TaxTotalFacts,
    TotalsFacts,
)
from khatm.document.xml import CAC, CBC, INV, parse, text_of

_TRUE = ("true", "1")
_EMBEDDED = "EmbeddedDocumentBinaryObject"


def read_invoice(xml: bytes | etree._ElementTree) -> InvoiceFacts:
    """Return the facts of a UBL invoice, from its bytes or its parsed tree.

    Raises UnreadableXml, or NotAnInvoice when the document element is another one.
    """
    tree = parse(xml) if isinstance(xml, bytes) else xml
    root = tree.getroot()
    if root.tag != f"{{{INV}}}Invoice":
        raise NotAnInvoice(found=str(root.tag))
    invoice = _Node(root)
    delivery = invoice.child("Delivery")
    return InvoiceFacts(
        profile_id=invoice.text("ProfileID"),
        number=invoice.text("ID"),
        uuid=invoice.text("UUID"),
        issue_date=invoice.text("IssueDate"),
        issue_time=invoice.text("IssueTime"),
        type_code=invoice.text("InvoiceTypeCode"),
        transaction_code=invoice.attribute("InvoiceTypeCode", "name"),
        notes=tuple((note.get("languageID"), text_of(note).strip()) for note in root.findall(f"{{{CBC}}}Note")),
        currency=invoice.text("DocumentCurrencyCode"),
        tax_currency=invoice.text("TaxCurrencyCode"),
        order_ref=invoice.child("OrderReference").text("ID"),
        contract_ref=invoice.child("ContractDocumentReference").text("ID"),
        references=tuple(
            _reference(each.child("InvoiceDocumentReference")) for each in invoice.children("BillingReference")
        ),
        documents=tuple(_reference(each) for each in invoice.children("AdditionalDocumentReference")),
        seller=_party(invoice.child("AccountingSupplierParty").child("Party")),
        buyer=_party(invoice.child("AccountingCustomerParty").child("Party")),
        supply_date=delivery.text("ActualDeliveryDate"),
        supply_end=delivery.text("LatestDeliveryDate"),
        payments=tuple(_payment(each) for each in invoice.children("PaymentMeans")),
        adjustments=_adjustments(invoice),
        exchange_rate=invoice.child("TaxExchangeRate").text("CalculationRate"),
        tax_totals=tuple(
            TaxTotalFacts(each.amount("TaxAmount"), _subtotals(each)) for each in invoice.children("TaxTotal")
        ),
        totals=_totals(invoice.child("LegalMonetaryTotal")),
        lines=tuple(_line(each) for each in invoice.children("InvoiceLine")),
    )


class _Node:
    """An element whose children were looked at once, or the absence of one: then everything in it is absent."""

    __slots__ = ("_first", "element")

    def __init__(self, element: etree._Element | None) -> None:
        self.element = element
        self._first: dict[str, etree._Element] = {}
        if element is not None:
            for child in element.iterchildren("*"):
                self._first.setdefault(child.tag, child)

    def child(self, name: str) -> "_Node":
        element = self._first.get(f"{{{CAC}}}{name}")
        return _ABSENT if element is None else _Node(element)

    def children(self, name: str) -> "list[_Node]":
        tag = f"{{{CAC}}}{name}"
        if self.element is None or tag not in self._first:
            return []
        return [_Node(each) for each in self.element.iterchildren(tag)]

    def text(self, name: str) -> str | None:
        element = self._first.get(f"{{{CBC}}}{name}")
        return None if element is None else text_of(element).strip()

    def texts(self, name: str) -> tuple[str, ...]:
        tag = f"{{{CBC}}}{name}"
        if self.element is None or tag not in self._first:
            return ()
        return tuple(text_of(each).strip() for each in self.element.iterchildren(tag))

    def attribute(self, name: str, attribute: str) -> str | None:
        element = self._first.get(f"{{{CBC}}}{name}")
        return None if element is None else element.get(attribute)

    def amount(self, name: str) -> AmountFact | None:
        element = self._first.get(f"{{{CBC}}}{name}")
        return None if element is None else AmountFact(text_of(element).strip(), element.get("currencyID"))


_ABSENT = _Node(None)


def _reference(node: _Node) -> ReferenceFacts:
    attachment = node.child("Attachment")
    return ReferenceFacts(
        id=node.text("ID"),
        issue_date=node.text("IssueDate"),
        uuid=node.text("UUID"),
        description=node.text("DocumentDescription"),
        content=attachment.text(_EMBEDDED),
        mime_code=attachment.attribute(_EMBEDDED, "mimeCode"),
        filename=attachment.attribute(_EMBEDDED, "filename"),
    )


def _party(party: _Node) -> PartyFacts:
    address, contact = party.child("PostalAddress"), party.child("Contact")
    identifications = [
        (each.attribute("ID", "schemeID"), each.text("ID")) for each in party.children("PartyIdentification")
    ]
    return PartyFacts(
        name=party.child("PartyLegalEntity").text("RegistrationName"),
        vat=party.child("PartyTaxScheme").text("CompanyID"),
        ids=tuple((scheme, value) for scheme, value in identifications if value is not None),
        street=address.text("StreetName"),
        additional_street=address.text("AdditionalStreetName"),
        building=address.text("BuildingNumber"),
        plot=address.text("PlotIdentification"),
        district=address.text("CitySubdivisionName"),
        city=address.text("CityName"),
        postal_code=address.text("PostalZone"),
        province=address.text("CountrySubentity"),
        country=address.child("Country").text("IdentificationCode"),
        contact_name=contact.text("Name"),
        telephone=contact.text("Telephone"),
        email=contact.text("ElectronicMail"),
        contact_note=contact.text("Note"),
    )


def _payment(node: _Node) -> PaymentFacts:
    account = node.child("PayeeFinancialAccount")
    return PaymentFacts(
        code=node.text("PaymentMeansCode"),
        reasons=node.texts("InstructionNote"),
        account=account.text("ID"),
        terms=account.text("PaymentNote"),
    )


def _adjustments(node: _Node) -> tuple[AdjustmentFacts, ...]:
    return tuple(
        AdjustmentFacts(
            charge=each.text("ChargeIndicator") in _TRUE,
            amount=each.amount("Amount"),
            base=each.amount("BaseAmount"),
            percent=each.text("MultiplierFactorNumeric"),
            reason=each.text("AllowanceChargeReason"),
            code=each.text("AllowanceChargeReasonCode"),
            taxes=tuple(_tax(category) for category in each.children("TaxCategory")),
        )
        for each in node.children("AllowanceCharge")
    )


def _tax(category: _Node, subtotal: _Node = _ABSENT) -> TaxFacts:
    return TaxFacts(
        category=category.text("ID"),
        rate=category.text("Percent"),
        taxable=subtotal.amount("TaxableAmount"),
        tax=subtotal.amount("TaxAmount"),
        reason_code=category.text("TaxExemptionReasonCode"),
        reason=category.text("TaxExemptionReason"),
    )


def _subtotals(total: _Node) -> tuple[TaxFacts, ...]:
    return tuple(_tax(each.child("TaxCategory"), each) for each in total.children("TaxSubtotal"))


def _totals(node: _Node) -> TotalsFacts:
    return TotalsFacts(
        line_net=node.amount("LineExtensionAmount"),
        allowances=node.amount("AllowanceTotalAmount"),
        charges=node.amount("ChargeTotalAmount"),
        tax_exclusive=node.amount("TaxExclusiveAmount"),
        tax_inclusive=node.amount("TaxInclusiveAmount"),
        prepaid=node.amount("PrepaidAmount"),
        rounding=node.amount("PayableRoundingAmount"),
        payable=node.amount("PayableAmount"),
    )


def _line(line: _Node) -> LineFacts:
    total, item, price = line.child("TaxTotal"), line.child("Item"), line.child("Price")
    category, document = item.child("ClassifiedTaxCategory"), line.child("DocumentReference")
    return LineFacts(
        id=line.text("ID"),
        notes=line.texts("Note"),
        quantity=line.text("InvoicedQuantity"),
        unit=line.attribute("InvoicedQuantity", "unitCode"),
        net=line.amount("LineExtensionAmount"),
        vat=total.amount("TaxAmount"),
        gross=total.amount("RoundingAmount"),
        adjustments=_adjustments(line),
        name=item.text("Name"),
        buyer_sku=item.child("BuyersItemIdentification").text("ID"),
        seller_sku=item.child("SellersItemIdentification").text("ID"),
        standard_id=item.child("StandardItemIdentification").text("ID"),
        tax=_tax(category) if category.element is not None else None,
        price=price.amount("PriceAmount"),
        per=price.text("BaseQuantity"),
        price_discount=next(iter(_adjustments(price)), None),
        prepayment=_prepayment(document) if document.element is not None else None,
        subtotals=_subtotals(total),
    )


def _prepayment(document: _Node) -> PrepaymentFacts:
    return PrepaymentFacts(
        number=document.text("ID"),
        uuid=document.text("UUID"),
        issue_date=document.text("IssueDate"),
        issue_time=document.text("IssueTime"),
        type_code=document.text("DocumentTypeCode"),
    )
