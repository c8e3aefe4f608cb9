"""What the written XML looks like: order, escaping, optional parts; and the names of archive files."""

import json
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from khatm.document.arithmetic import compute
from khatm.document.canonical import CanonicalInvoice
from khatm.document.filename import archive_name, name_of_facts, name_of_terms
from khatm.document.markup import attribute_text, text
from khatm.document.model import read_document
from khatm.document.writer import ChainPlace, unstamped_xml, write
from khatm.document.xml import CAC, CBC, EXT, INV, NAMESPACES

AUTHORED = Path(__file__).parents[1] / "data" / "authored"
PLACE = ChainPlace("5d2c0f3a-7f0b-4a53-9a55-0c3a0e4f1a01", 42, "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=")
Json = dict[str, Any]


def document(name: str, **changes: Any) -> Json:
    [path] = AUTHORED.glob(f"{name}-*.json")
    data: Json = json.loads(path.read_text("utf-8"))["input"]
    return {**data, **changes}


def written(data: Json) -> CanonicalInvoice:
    return write(compute(read_document(data)), PLACE)


def tree(data: Json) -> etree._Element:
    return etree.fromstring(unstamped_xml(written(data)))


def found(root: etree._Element, path: str) -> list[str]:
    return [str(each.text) for each in root.xpath(path, namespaces=NAMESPACES)]


def names(element: etree._Element) -> list[str]:
    return [etree.QName(child).localname for child in element]


def test_the_root_and_the_cuts() -> None:
    invoice = written(document("01"))
    root = f'<Invoice xmlns="{INV}" xmlns:cac="{CAC}" xmlns:cbc="{CBC}" xmlns:ext="{EXT}">'
    assert invoice.head == root.encode()
    assert invoice.body.startswith(b"<cbc:ProfileID>reporting:1.0</cbc:ProfileID><cbc:ID>")
    assert invoice.body.endswith(b"</cac:AdditionalDocumentReference>")
    assert invoice.tail.startswith(b"<cac:AccountingSupplierParty>") and invoice.tail.endswith(b"</Invoice>")
    assert unstamped_xml(invoice).startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<Invoice ')
    assert b"\n" not in invoice.head + invoice.body + invoice.tail


def test_the_facts_are_the_documents_own_text() -> None:
    invoice = written(document("11"))
    root = etree.fromstring(unstamped_xml(invoice))
    facts = invoice.facts
    assert [facts.payable] == found(root, "cac:LegalMonetaryTotal/cbc:PayableAmount")
    assert facts.vat_total == found(root, "cac:TaxTotal/cbc:TaxAmount")[0] == "1110.21"  # the SAR total stands first
    assert [facts.seller_name] == found(root, "cac:AccountingSupplierParty//cbc:RegistrationName")
    assert [facts.vat_number] == found(root, "cac:AccountingSupplierParty//cbc:CompanyID")
    assert (facts.issue_date, facts.issue_time) == ("2026-04-01", "10:00:00Z")
    assert (facts.uuid, facts.icv, facts.pih) == (PLACE.uuid, "42", PLACE.previous_hash)
    assert (facts.simplified, facts.type_code, facts.transaction_code) == (False, "388", "0100000")


def test_the_order_of_the_parts() -> None:
    data = document("12", order_ref="PO", contract_ref="CT", notes=[{"text": "n"}], currency="USD", sar_rate="3.75")
    data |= {"discounts": [{"amount": "1"}], "charges": [{"amount": "1", "reason": "r", "code": "FC"}]}
    assert names(tree(data)) == [
        "ProfileID", "ID", "UUID", "IssueDate", "IssueTime", "InvoiceTypeCode", "Note", "DocumentCurrencyCode",
        "TaxCurrencyCode", "OrderReference", "BillingReference", "BillingReference", "ContractDocumentReference",
        "AdditionalDocumentReference", "AdditionalDocumentReference", "AccountingSupplierParty",
        "AccountingCustomerParty", "Delivery", "PaymentMeans", "AllowanceCharge", "AllowanceCharge", "TaxExchangeRate",
        "TaxTotal", "TaxTotal", "LegalMonetaryTotal", "InvoiceLine", "InvoiceLine",
    ]  # fmt: skip


def test_totals_stand_only_where_there_is_something_to_total() -> None:
    plain = ["LineExtensionAmount", "TaxExclusiveAmount", "TaxInclusiveAmount", "PayableAmount"]
    [total] = tree(document("01")).xpath("cac:LegalMonetaryTotal", namespaces=NAMESPACES)
    assert names(total) == plain
    [total] = tree(document("10", rounding="0.04")).xpath("cac:LegalMonetaryTotal", namespaces=NAMESPACES)
    assert names(total) == [
        *plain[:3],
        "AllowanceTotalAmount",
        "PrepaidAmount",
        "PayableRoundingAmount",
        "PayableAmount",
    ]


def test_the_exchange_rate_only_in_foreign_documents() -> None:
    assert found(tree(document("01")), "cac:TaxExchangeRate") == []
    [rate] = tree(document("11")).xpath("cac:TaxExchangeRate", namespaces=NAMESPACES)
    assert [(etree.QName(each).localname, each.text) for each in rate] == [
        ("SourceCurrencyCode", "EUR"),
        ("TargetCurrencyCode", "SAR"),
        ("CalculationRate", "4.0875"),
    ]


def test_a_note_without_payment_says_cash_and_its_reasons() -> None:
    data = document("12", reasons=["Return of goods", "إرجاع سلع"])
    del data["payment"]
    [payment] = tree(data).xpath("cac:PaymentMeans", namespaces=NAMESPACES)
    assert [each.text for each in payment] == ["10", "Return of goods", "إرجاع سلع"]
    invoice = document("01")
    del invoice["payment"]
    assert found(tree(invoice), "cac:PaymentMeans") == []


def test_a_standard_invoice_says_its_supply_date_and_no_other_document_must() -> None:
    dates = "cac:Delivery/cbc:ActualDeliveryDate"
    data = document("01")
    del data["supply"]
    assert found(tree(data), dates) == ["2026-03-02"]
    assert found(tree(data | {"kind": "prepayment"}), dates) == []
    assert found(tree(document("07")), dates) == []


def test_a_simplified_document_without_buyer_has_the_empty_party() -> None:
    assert b"<cac:AccountingCustomerParty></cac:AccountingCustomerParty>" in written(document("07")).tail
    for empty in ({}, {"ids": {}}, {"address": {}}, {"contact": {}}):
        tail = written(document("07", buyer=empty)).tail
        assert b"<cac:AccountingCustomerParty>" in tail
        assert not any(
            not len(each) and not each.text
            for each in tree(document("07", buyer=empty)).iter()
            if "Customer" not in each.tag
        )


def test_lines_with_every_optional_part() -> None:
    line = {
        "name": "A & B", "quantity": "12.50", "price": "10.0", "price_discount": "2.50", "per": "100", "unit": 'c"m',
        "vat": {"category": "S", "rate": "15"}, "note": "handle <gently>", "buyer_sku": "B", "seller_sku": "S",
        "standard_id": "GTIN", "discounts": [{"amount": "0.1"}],
        "charges": [{"percent": "10", "reason": "Packing", "code": "PC"}],
    }  # fmt: skip
    [written_line] = tree(document("01", lines=[line])).xpath("cac:InvoiceLine", namespaces=NAMESPACES)
    assert etree.tostring(written_line, method="c14n", exclusive=True).decode() == (
        f'<cac:InvoiceLine xmlns:cac="{CAC}"><cbc:ID xmlns:cbc="{CBC}">1</cbc:ID>'
        f'<cbc:Note xmlns:cbc="{CBC}">handle &lt;gently&gt;</cbc:Note>'
        f'<cbc:InvoicedQuantity xmlns:cbc="{CBC}" unitCode="c&quot;m">12.50</cbc:InvoicedQuantity>'
        f'<cbc:LineExtensionAmount xmlns:cbc="{CBC}" currencyID="SAR">0.93</cbc:LineExtensionAmount>'
        f'<cac:AllowanceCharge><cbc:ChargeIndicator xmlns:cbc="{CBC}">false</cbc:ChargeIndicator>'
        f'<cbc:Amount xmlns:cbc="{CBC}" currencyID="SAR">0.10</cbc:Amount></cac:AllowanceCharge>'
        f'<cac:AllowanceCharge><cbc:ChargeIndicator xmlns:cbc="{CBC}">true</cbc:ChargeIndicator>'
        f'<cbc:AllowanceChargeReasonCode xmlns:cbc="{CBC}">PC</cbc:AllowanceChargeReasonCode>'
        f'<cbc:AllowanceChargeReason xmlns:cbc="{CBC}">Packing</cbc:AllowanceChargeReason>'
        f'<cbc:MultiplierFactorNumeric xmlns:cbc="{CBC}">10</cbc:MultiplierFactorNumeric>'
        f'<cbc:Amount xmlns:cbc="{CBC}" currencyID="SAR">0.09</cbc:Amount>'
        f'<cbc:BaseAmount xmlns:cbc="{CBC}" currencyID="SAR">0.94</cbc:BaseAmount></cac:AllowanceCharge>'
        f'<cac:TaxTotal><cbc:TaxAmount xmlns:cbc="{CBC}" currencyID="SAR">0.14</cbc:TaxAmount>'
        f'<cbc:RoundingAmount xmlns:cbc="{CBC}" currencyID="SAR">1.07</cbc:RoundingAmount></cac:TaxTotal>'
        f'<cac:Item><cbc:Name xmlns:cbc="{CBC}">A &amp; B</cbc:Name>'
        f'<cac:BuyersItemIdentification><cbc:ID xmlns:cbc="{CBC}">B</cbc:ID></cac:BuyersItemIdentification>'
        f'<cac:SellersItemIdentification><cbc:ID xmlns:cbc="{CBC}">S</cbc:ID></cac:SellersItemIdentification>'
        f'<cac:StandardItemIdentification><cbc:ID xmlns:cbc="{CBC}">GTIN</cbc:ID></cac:StandardItemIdentification>'
        f'<cac:ClassifiedTaxCategory><cbc:ID xmlns:cbc="{CBC}">S</cbc:ID>'
        f'<cbc:Percent xmlns:cbc="{CBC}">15.00</cbc:Percent>'
        f'<cac:TaxScheme><cbc:ID xmlns:cbc="{CBC}">VAT</cbc:ID></cac:TaxScheme></cac:ClassifiedTaxCategory></cac:Item>'
        f'<cac:Price><cbc:PriceAmount xmlns:cbc="{CBC}" currencyID="SAR">7.5</cbc:PriceAmount>'
        f'<cbc:BaseQuantity xmlns:cbc="{CBC}" unitCode="c&quot;m">100</cbc:BaseQuantity>'
        f'<cac:AllowanceCharge><cbc:ChargeIndicator xmlns:cbc="{CBC}">false</cbc:ChargeIndicator>'
        f'<cbc:Amount xmlns:cbc="{CBC}" currencyID="SAR">2.5</cbc:Amount>'
        f'<cbc:BaseAmount xmlns:cbc="{CBC}" currencyID="SAR">10</cbc:BaseAmount></cac:AllowanceCharge></cac:Price>'
        "</cac:InvoiceLine>"
    )


def test_attachments_and_notes() -> None:
    attachment = {"id": "A-1", "filename": 'a"b.pdf', "mime_code": "application/pdf", "content": "QUJD RA==\n"}
    data = document("01", attachments=[attachment | {"description": "Delivery"}], notes=[{"text": "ن", "lang": "ar"}])
    root = tree(data)
    embedded = root.xpath("cac:AdditionalDocumentReference[3]/cac:Attachment/*", namespaces=NAMESPACES)
    assert [(each.text, dict(each.attrib)) for each in embedded] == [
        ("QUJDRA==", {"filename": 'a"b.pdf', "mimeCode": "application/pdf"})
    ]
    assert found(root, "cac:AdditionalDocumentReference/cbc:DocumentDescription") == ["Delivery"]
    assert found(root, "cac:AdditionalDocumentReference/cbc:UUID") == ["42"]  # a second one makes the rules abort
    assert [note.get("languageID") for note in root.xpath("cbc:Note", namespaces=NAMESPACES)] == ["ar"]


@pytest.mark.parametrize(
    ("value", "as_text", "as_attribute"),
    [
        ("a & b < c > d", "a &amp; b &lt; c &gt; d", "a &amp; b &lt; c > d"),
        ('"quoted"', '"quoted"', "&quot;quoted&quot;"),
        ("tab\tline\nreturn\r", "tab\tline\nreturn&#xD;", "tab&#x9;line&#xA;return&#xD;"),
        ("&amp;", "&amp;amp;", "&amp;amp;"),
    ],
)
def test_escaping_is_that_of_canonical_xml(value: str, as_text: str, as_attribute: str) -> None:
    assert (text(value), attribute_text(value)) == (as_text, as_attribute)
    element = etree.fromstring(f'<a b="{attribute_text(value)}">{text(value)}</a>')
    assert etree.tostring(element, method="c14n").decode() == f'<a b="{as_attribute}">{as_text}</a>'


def test_archive_names() -> None:
    """The example and the decisions of the document standard, section 13."""
    invoice = written(document("01"))
    name = "399999998100003_20260302T091500_PC-2026-0001.xml"
    assert archive_name(unstamped_xml(invoice)) == name
    assert name_of_facts(invoice.facts, "PC-2026-0001") == name
    assert name_of_terms("3", "2026-04-01", "10:00:00Z", "فاتورة/7_a b") == "3_20260401T100000Z_-------7-a-b.xml"
