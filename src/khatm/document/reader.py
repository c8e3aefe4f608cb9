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


def read_invoice(xml: bytes | etree._ElementTree) -> InvoiceFacts:
    """Return the facts of a UBL invoice, from its bytes or its parsed tree.

    Raises UnreadableXml, or NotAnInvoice when the document element is another one.
    """
    tree = parse(xml) if isinstance(xml, bytes) else xml
    root = tree.getroot()
    if root.tag != f"{{{INV}}}Invoice":
        raise NotAnInvoice(found=str(root.tag))
    type_code = root.find(f"{{{CBC}}}InvoiceTypeCode")
    delivery = _child(root, "Delivery")
    return InvoiceFacts(
        profile_id=_text(root, "ProfileID"),
        number=_text(root, "ID"),
        uuid=_text(root, "UUID"),
        issue_date=_text(root, "IssueDate"),
        issue_time=_text(root, "IssueTime"),
        type_code=_text(root, "InvoiceTypeCode"),
        transaction_code=type_code.get("name") if type_code is not None else None,
        notes=tuple((note.get("languageID"), text_of(note).strip()) for note in root.findall(f"{{{CBC}}}Note")),
        currency=_text(root, "DocumentCurrencyCode"),
        tax_currency=_text(root, "TaxCurrencyCode"),
        order_ref=_text(_child(root, "OrderReference"), "ID"),
        contract_ref=_text(_child(root, "ContractDocumentReference"), "ID"),
        references=tuple(
            _reference(_child(each, "InvoiceDocumentReference")) for each in _children(root, "BillingReference")
        ),
        documents=tuple(_reference(each) for each in _children(root, "AdditionalDocumentReference")),
        seller=_party(_child(root, "AccountingSupplierParty")),
        buyer=_party(_child(root, "AccountingCustomerParty")),
        supply_date=_text(delivery, "ActualDeliveryDate"),
        supply_end=_text(delivery, "LatestDeliveryDate"),
        payments=tuple(_payment(each) for each in _children(root, "PaymentMeans")),
        adjustments=_adjustments(root),
        exchange_rate=_text(_child(root, "TaxExchangeRate"), "CalculationRate"),
        tax_totals=tuple(
            TaxTotalFacts(_amount(each, "TaxAmount"), _subtotals(each)) for each in _children(root, "TaxTotal")
        ),
        totals=_totals(_child(root, "LegalMonetaryTotal")),
        lines=tuple(_line(each) for each in _children(root, "InvoiceLine")),
    )


def _child(element: etree._Element | None, name: str) -> etree._Element | None:
    return element.find(f"{{{CAC}}}{name}") if element is not None else None


def _children(element: etree._Element | None, name: str) -> list[etree._Element]:
    return element.findall(f"{{{CAC}}}{name}") if element is not None else []


def _text(element: etree._Element | None, name: str) -> str | None:
    found = element.find(f"{{{CBC}}}{name}") if element is not None else None
    return text_of(found).strip() if found is not None else None


def _texts(element: etree._Element, name: str) -> tuple[str, ...]:
    return tuple(text_of(each).strip() for each in element.findall(f"{{{CBC}}}{name}"))


def _amount(element: etree._Element | None, name: str) -> AmountFact | None:
    found = element.find(f"{{{CBC}}}{name}") if element is not None else None
    return AmountFact(text_of(found).strip(), found.get("currencyID")) if found is not None else None


def _reference(element: etree._Element | None) -> ReferenceFacts:
    embedded = (
        element.find(f"{{{CAC}}}Attachment/{{{CBC}}}EmbeddedDocumentBinaryObject") if element is not None else None
    )
    return ReferenceFacts(
        id=_text(element, "ID"),
        issue_date=_text(element, "IssueDate"),
        uuid=_text(element, "UUID"),
        description=_text(element, "DocumentDescription"),
        content=text_of(embedded).strip() if embedded is not None else None,
        mime_code=embedded.get("mimeCode") if embedded is not None else None,
        filename=embedded.get("filename") if embedded is not None else None,
    )


def _party(holder: etree._Element | None) -> PartyFacts:
    party = _child(holder, "Party")
    address, contact = _child(party, "PostalAddress"), _child(party, "Contact")
    identifications = [each.find(f"{{{CBC}}}ID") for each in _children(party, "PartyIdentification")]
    return PartyFacts(
        name=_text(_child(party, "PartyLegalEntity"), "RegistrationName"),
        vat=_text(_child(party, "PartyTaxScheme"), "CompanyID"),
        ids=tuple((each.get("schemeID"), text_of(each).strip()) for each in identifications if each is not None),
        street=_text(address, "StreetName"),
        additional_street=_text(address, "AdditionalStreetName"),
        building=_text(address, "BuildingNumber"),
        plot=_text(address, "PlotIdentification"),
        district=_text(address, "CitySubdivisionName"),
        city=_text(address, "CityName"),
        postal_code=_text(address, "PostalZone"),
        province=_text(address, "CountrySubentity"),
        country=_text(_child(address, "Country"), "IdentificationCode"),
        contact_name=_text(contact, "Name"),
        telephone=_text(contact, "Telephone"),
        email=_text(contact, "ElectronicMail"),
        contact_note=_text(contact, "Note"),
    )


def _payment(element: etree._Element) -> PaymentFacts:
    account = _child(element, "PayeeFinancialAccount")
    return PaymentFacts(
        code=_text(element, "PaymentMeansCode"),
        reasons=_texts(element, "InstructionNote"),
        account=_text(account, "ID"),
        terms=_text(account, "PaymentNote"),
    )


def _adjustments(element: etree._Element | None) -> tuple[AdjustmentFacts, ...]:
    return tuple(
        AdjustmentFacts(
            charge=_text(each, "ChargeIndicator") in _TRUE,
            amount=_amount(each, "Amount"),
            base=_amount(each, "BaseAmount"),
            percent=_text(each, "MultiplierFactorNumeric"),
            reason=_text(each, "AllowanceChargeReason"),
            code=_text(each, "AllowanceChargeReasonCode"),
            taxes=tuple(_tax(category) for category in _children(each, "TaxCategory")),
        )
        for each in _children(element, "AllowanceCharge")
    )


def _tax(category: etree._Element | None, subtotal: etree._Element | None = None) -> TaxFacts:
    return TaxFacts(
        category=_text(category, "ID"),
        rate=_text(category, "Percent"),
        taxable=_amount(subtotal, "TaxableAmount"),
        tax=_amount(subtotal, "TaxAmount"),
        reason_code=_text(category, "TaxExemptionReasonCode"),
        reason=_text(category, "TaxExemptionReason"),
    )


def _subtotals(total: etree._Element | None) -> tuple[TaxFacts, ...]:
    return tuple(_tax(_child(each, "TaxCategory"), each) for each in _children(total, "TaxSubtotal"))


def _totals(element: etree._Element | None) -> TotalsFacts:
    return TotalsFacts(
        line_net=_amount(element, "LineExtensionAmount"),
        allowances=_amount(element, "AllowanceTotalAmount"),
        charges=_amount(element, "ChargeTotalAmount"),
        tax_exclusive=_amount(element, "TaxExclusiveAmount"),
        tax_inclusive=_amount(element, "TaxInclusiveAmount"),
        prepaid=_amount(element, "PrepaidAmount"),
        rounding=_amount(element, "PayableRoundingAmount"),
        payable=_amount(element, "PayableAmount"),
    )


def _line(element: etree._Element) -> LineFacts:
    quantity = element.find(f"{{{CBC}}}InvoicedQuantity")
    total, item, price = _child(element, "TaxTotal"), _child(element, "Item"), _child(element, "Price")
    category = _child(item, "ClassifiedTaxCategory")
    document = _child(element, "DocumentReference")
    return LineFacts(
        id=_text(element, "ID"),
        notes=_texts(element, "Note"),
        quantity=_text(element, "InvoicedQuantity"),
        unit=quantity.get("unitCode") if quantity is not None else None,
        net=_amount(element, "LineExtensionAmount"),
        vat=_amount(total, "TaxAmount"),
        gross=_amount(total, "RoundingAmount"),
        adjustments=_adjustments(element),
        name=_text(item, "Name"),
        buyer_sku=_text(_child(item, "BuyersItemIdentification"), "ID"),
        seller_sku=_text(_child(item, "SellersItemIdentification"), "ID"),
        standard_id=_text(_child(item, "StandardItemIdentification"), "ID"),
        tax=_tax(category) if category is not None else None,
        price=_amount(price, "PriceAmount"),
        per=_text(price, "BaseQuantity"),
        price_discount=next(iter(_adjustments(price)), None),
        prepayment=_prepayment(document) if document is not None else None,
        subtotals=_subtotals(total),
    )


def _prepayment(document: etree._Element) -> PrepaymentFacts:
    return PrepaymentFacts(
        number=_text(document, "ID"),
        uuid=_text(document, "UUID"),
        issue_date=_text(document, "IssueDate"),
        issue_time=_text(document, "IssueTime"),
        type_code=_text(document, "DocumentTypeCode"),
    )
