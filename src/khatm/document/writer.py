"""Write a computed document as canonical UBL: the bytes that are hashed are the bytes that are emitted.

No tree is built. Text and attributes are escaped as Canonical XML 1.1 does, attributes stand sorted, nothing stands
between elements. Source: the document standard, section 11; the stamp standard, sections 3.1 and 4.5.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import chain
from typing import TYPE_CHECKING, Final, Protocol

from khatm.document.canonical import CanonicalInvoice, StampFacts
from khatm.document.computed import ComputedDocument
from khatm.document.line_writer import line_xml, prepayment_xml
from khatm.document.markup import allowance_charge, amount, attribute_text, tax_category, text
from khatm.document.party_writer import buyer_xml, seller_xml
from khatm.document.xml import CAC, CBC, EXT, INV
from khatm.money import plain

if TYPE_CHECKING:
    from khatm.document.model import AuthoredDocument

DECLARATION: Final = b'<?xml version="1.0" encoding="UTF-8"?>\n'
_ROOT_START: Final = f'<Invoice xmlns="{INV}" xmlns:cac="{CAC}" xmlns:cbc="{CBC}" xmlns:ext="{EXT}">'.encode()
_ROOT_END: Final = b"</Invoice>"


class Place(Protocol):
    """Anything that says where a document stands in its unit's chain."""

    @property
    def uuid(self) -> str:
        """KSA-1."""

    @property
    def counter(self) -> int:
        """KSA-16."""

    @property
    def previous_hash(self) -> str:
        """KSA-13: the initial value on a unit's first document."""


@dataclass(frozen=True, slots=True)
class ChainPlace:
    """Where a document stands in its unit's chain."""

    uuid: str
    counter: int
    previous_hash: str


def write(computed: ComputedDocument, place: Place) -> CanonicalInvoice:
    """Return the document's canonical bytes, cut where the stamp goes in."""
    document, totals = computed.document, computed.totals
    currency = document.currency
    tail = BytesIO()
    for part in chain(
        _parties(document),
        _delivery(computed),
        _payment(document),
        _adjustments(computed),
        _tax_totals(computed),
        _monetary_total(computed),
        (line_xml(line, currency) for line in computed.lines),
        (prepayment_xml(line, currency) for line in computed.prepayment_lines),
    ):
        tail.write(part.encode())  # one by one, so that a long document is in memory once
    tail.write(_ROOT_END)
    facts = StampFacts(
        seller_name=document.seller.name,
        vat_number=document.seller.vat,
        issue_date=document.issue_date,
        issue_time=document.issue_time,
        payable=amount(totals.payable),
        vat_total=amount(totals.vat_sar),
        simplified=document.profile == "simplified",
        uuid=place.uuid,
        type_code=computed.type_code,
        transaction_code=computed.transaction_code,
        icv=str(place.counter),
        pih=place.previous_hash,
    )
    return CanonicalInvoice(_ROOT_START, "".join(_header(computed, place)).encode(), tail.getvalue(), facts)


def unstamped_xml(invoice: CanonicalInvoice) -> bytes:
    """Return the document as a file without a stamp: the XML declaration and the canonical bytes."""
    return b"".join((DECLARATION, invoice.head, invoice.body, invoice.tail))


def _header(computed: ComputedDocument, place: Place) -> Iterator[str]:
    document = computed.document
    yield (
        f"<cbc:ProfileID>reporting:1.0</cbc:ProfileID><cbc:ID>{text(document.number)}</cbc:ID>"
        f"<cbc:UUID>{text(place.uuid)}</cbc:UUID><cbc:IssueDate>{document.issue_date}</cbc:IssueDate>"
        f"<cbc:IssueTime>{document.issue_time}</cbc:IssueTime>"
        f'<cbc:InvoiceTypeCode name="{computed.transaction_code}">{computed.type_code}</cbc:InvoiceTypeCode>'
    )
    for note in document.notes:
        language = f' languageID="{note.lang}"' if note.lang is not None else ""
        yield f"<cbc:Note{language}>{text(note.text)}</cbc:Note>"
    yield (
        f"<cbc:DocumentCurrencyCode>{document.currency}</cbc:DocumentCurrencyCode>"
        "<cbc:TaxCurrencyCode>SAR</cbc:TaxCurrencyCode>"
    )
    if document.order_ref is not None:
        yield f"<cac:OrderReference><cbc:ID>{text(document.order_ref)}</cbc:ID></cac:OrderReference>"
    for reference in document.references:
        day = f"<cbc:IssueDate>{reference.issue_date}</cbc:IssueDate>" if reference.issue_date is not None else ""
        yield (
            f"<cac:BillingReference><cac:InvoiceDocumentReference><cbc:ID>{text(reference.number)}</cbc:ID>{day}"
            "</cac:InvoiceDocumentReference></cac:BillingReference>"
        )
    if document.contract_ref is not None:
        contract = text(document.contract_ref)
        yield f"<cac:ContractDocumentReference><cbc:ID>{contract}</cbc:ID></cac:ContractDocumentReference>"
    yield (
        "<cac:AdditionalDocumentReference><cbc:ID>ICV</cbc:ID>"
        f"<cbc:UUID>{place.counter}</cbc:UUID></cac:AdditionalDocumentReference>"
        "<cac:AdditionalDocumentReference><cbc:ID>PIH</cbc:ID><cac:Attachment>"
        f'<cbc:EmbeddedDocumentBinaryObject mimeCode="text/plain">{text(place.previous_hash)}'
        "</cbc:EmbeddedDocumentBinaryObject></cac:Attachment></cac:AdditionalDocumentReference>"
    )
    for attachment in document.attachments:
        description = ""
        if attachment.description is not None:
            description = f"<cbc:DocumentDescription>{text(attachment.description)}</cbc:DocumentDescription>"
        yield (
            f"<cac:AdditionalDocumentReference><cbc:ID>{text(attachment.id)}</cbc:ID>{description}<cac:Attachment>"
            f'<cbc:EmbeddedDocumentBinaryObject filename="{attribute_text(attachment.filename)}" '
            f'mimeCode="{attachment.mime_code}">{attachment.content}</cbc:EmbeddedDocumentBinaryObject>'
            "</cac:Attachment></cac:AdditionalDocumentReference>"
        )


def _parties(document: "AuthoredDocument") -> Iterator[str]:
    yield seller_xml(document.seller)
    yield buyer_xml(document.buyer)


def _delivery(computed: ComputedDocument) -> Iterator[str]:
    supply = computed.document.supply
    if computed.supply_date is None:
        return
    yield f"<cac:Delivery><cbc:ActualDeliveryDate>{computed.supply_date}</cbc:ActualDeliveryDate>"
    if supply is not None and supply.end is not None:
        yield f"<cbc:LatestDeliveryDate>{supply.end}</cbc:LatestDeliveryDate>"
    yield "</cac:Delivery>"


def _payment(document: "AuthoredDocument") -> Iterator[str]:
    payment = document.payment
    if payment is None and not document.is_note:
        return
    code = payment.code if payment is not None else "10"  # a note needs the group, its reason lives inside
    yield f"<cac:PaymentMeans><cbc:PaymentMeansCode>{code}</cbc:PaymentMeansCode>"
    for reason in document.reasons:
        yield f"<cbc:InstructionNote>{text(reason)}</cbc:InstructionNote>"
    if payment is not None and (payment.account is not None or payment.terms is not None):
        yield "<cac:PayeeFinancialAccount>"
        if payment.account is not None:
            yield f"<cbc:ID>{text(payment.account)}</cbc:ID>"
        if payment.terms is not None:
            yield f"<cbc:PaymentNote>{text(payment.terms)}</cbc:PaymentNote>"
        yield "</cac:PayeeFinancialAccount>"
    yield "</cac:PaymentMeans>"


def _adjustments(computed: ComputedDocument) -> Iterator[str]:
    currency = computed.document.currency
    for entry in computed.allowances:
        yield allowance_charge("false", entry.adjustment, currency, entry.group)
    for entry in computed.charges:
        yield allowance_charge("true", entry.adjustment, currency, entry.group)


def _tax_totals(computed: ComputedDocument) -> Iterator[str]:
    """The SAR total first: the QR code's VAT value is read from the first one (section 8)."""
    document, totals = computed.document, computed.totals
    currency = document.currency
    if currency != "SAR" and document.sar_rate is not None:
        yield (
            f"<cac:TaxExchangeRate><cbc:SourceCurrencyCode>{currency}</cbc:SourceCurrencyCode>"
            "<cbc:TargetCurrencyCode>SAR</cbc:TargetCurrencyCode>"
            f"<cbc:CalculationRate>{plain(document.sar_rate)}</cbc:CalculationRate></cac:TaxExchangeRate>"
        )
    yield (
        f'<cac:TaxTotal><cbc:TaxAmount currencyID="SAR">{amount(totals.vat_sar)}</cbc:TaxAmount></cac:TaxTotal>'
        f'<cac:TaxTotal><cbc:TaxAmount currencyID="{currency}">{amount(totals.vat)}</cbc:TaxAmount>'
    )
    for row in computed.breakdown:
        yield (
            f'<cac:TaxSubtotal><cbc:TaxableAmount currencyID="{currency}">{amount(row.taxable)}</cbc:TaxableAmount>'
            f'<cbc:TaxAmount currencyID="{currency}">{amount(row.tax)}</cbc:TaxAmount>'
            f"{tax_category('TaxCategory', row.group, row.reason_code, row.reason)}</cac:TaxSubtotal>"
        )
    yield "</cac:TaxTotal>"


def _monetary_total(computed: ComputedDocument) -> Iterator[str]:
    totals, currency = computed.totals, computed.document.currency
    amounts = [
        ("LineExtensionAmount", totals.line_net, True),
        ("TaxExclusiveAmount", totals.tax_exclusive, True),
        ("TaxInclusiveAmount", totals.tax_inclusive, True),
        ("AllowanceTotalAmount", totals.allowances, bool(computed.allowances)),
        ("ChargeTotalAmount", totals.charges, bool(computed.charges)),
        ("PrepaidAmount", totals.prepaid, bool(computed.prepayment_lines)),
        ("PayableRoundingAmount", totals.rounding, bool(totals.rounding)),
        ("PayableAmount", totals.payable, True),
    ]
    yield "<cac:LegalMonetaryTotal>"
    for name, value, shown in amounts:
        if shown:
            yield f'<cbc:{name} currencyID="{currency}">{amount(value)}</cbc:{name}>'
    yield "</cac:LegalMonetaryTotal>"
