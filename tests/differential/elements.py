"""Elements that a mutation adds, with the elements below which the schema has a place for them."""

_ROOT = "/inv:Invoice"
_BUYER = "//cac:AccountingCustomerParty/cac:Party"
_SELLER = "//cac:AccountingSupplierParty/cac:Party"
_ADDRESSES = f"{_BUYER}/cac:PostalAddress | {_SELLER}/cac:PostalAddress"
_TOTAL = "//cac:LegalMonetaryTotal"
_LINE = "//cac:InvoiceLine"
_LINE_TAX = "//cac:InvoiceLine/cac:TaxTotal"
_ITEM = "//cac:InvoiceLine/cac:Item"
_PRICE = "//cac:InvoiceLine/cac:Price"
_TAX = "/inv:Invoice/cac:TaxTotal"
_ENVELOPED = "urn:oasis:names:specification:ubl:dsig:enveloped:xades"
_SIGNATURE = "urn:oasis:names:specification:ubl:signature:Invoice"


def cac(name: str, *content: str) -> str:
    """Return an aggregate element with this content."""
    return f"<cac:{name}>{''.join(content)}</cac:{name}>"


def cbc(name: str, text: str, **attributes: str) -> str:
    """Return a basic element."""
    written = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f"<cbc:{name}{written}>{text}</cbc:{name}>"


def money(name: str, text: str, currency: str = "SAR") -> str:
    """Return an amount."""
    return cbc(name, text, currencyID=currency)


def category(name: str, code: str, percent: str, *more: str) -> str:
    """Return a tax category with the VAT scheme."""
    return cac(name, cbc("ID", code), cbc("Percent", percent), *more, _VAT)


def _charge(indicator: str, *content: str) -> str:
    return cac("AllowanceCharge", cbc("ChargeIndicator", indicator), *content)


def _document_charge(indicator: str, amount: str, code: str, percent: str, *more: str) -> str:
    return _charge(indicator, *more, money("Amount", amount), category("TaxCategory", code, percent))


def _subtotal(taxable: str, tax: str, code: str, percent: str, *more: str) -> str:
    amounts = money("TaxableAmount", taxable) + money("TaxAmount", tax)
    return cac("TaxSubtotal", amounts, category("TaxCategory", code, percent, *more))


def _reason(text: str) -> str:
    return cbc("AllowanceChargeReason", text)


def _coded(code: str, text: str) -> str:
    return cbc("AllowanceChargeReasonCode", code) + _reason(text)


def _exempt(code: str, text: str) -> str:
    return cbc("TaxExemptionReasonCode", code) + cbc("TaxExemptionReason", text)


def _prepayment(time: str, code: str) -> str:
    when = cbc("IssueDate", "2026-01-10") + cbc("IssueTime", time)
    return cac("DocumentReference", cbc("ID", "PRE-1"), when, cbc("DocumentTypeCode", code))


def _attached(name: str, mime: str, text: str, *more: str) -> str:
    attachment = cac("Attachment", cbc("EmbeddedDocumentBinaryObject", text, mimeCode=mime))
    return cac("AdditionalDocumentReference", cbc("ID", name), *more, attachment)


def _billed(*content: str) -> str:
    return cac("BillingReference", cac("InvoiceDocumentReference", *content))


def _party_id(text: str, scheme: str | None = None) -> str:
    return cac("PartyIdentification", cbc("ID", text, schemeID=scheme) if scheme else cbc("ID", text))


def _delivery(actual: str | None, latest: str | None) -> str:
    dates = (("ActualDeliveryDate", actual), ("LatestDeliveryDate", latest))
    return cac("Delivery", *(cbc(name, date) for name, date in dates if date))


def _rate(source: str, target: str, rate: str) -> str:
    currencies = cbc("SourceCurrencyCode", source) + cbc("TargetCurrencyCode", target)
    return cac("TaxExchangeRate", currencies, cbc("CalculationRate", rate))


def _vat_number(text: str) -> str:
    return cac("PartyTaxScheme", cbc("CompanyID", text), _VAT)


def _item_id(name: str) -> str:
    return cac(name, cbc("ID", "i" * 128))


_VAT = cac("TaxScheme", cbc("ID", "VAT"))
_LONG = "r" * 1001

ADDITIONS: tuple[tuple[str, str], ...] = (
    (_ROOT, cbc("DueDate", "2026-06-30")),
    (_ROOT, cbc("DueDate", "1999-06-30")),
    (_ROOT, cbc("TaxPointDate", "1999-01-01")),
    (_ROOT, cbc("TaxPointDate", "2022-01-01")),
    (_ROOT, cbc("Note", _LONG)),
    (_ROOT, cbc("Note", f"{'n' * 600}<!--c-->{'n' * 600}")),
    (_ROOT, cbc("TaxCurrencyCode", "SAR")),
    (_ROOT, cac("OrderReference", cbc("ID", "PO-1"))),
    (_ROOT, cac("OrderReference", cbc("ID", "p" * 128))),
    (_ROOT, cac("ContractDocumentReference", cbc("ID", "CT-1"))),
    (_ROOT, cac("ContractDocumentReference", cbc("ID", "c" * 128))),
    (_ROOT, _billed(cbc("ID", "INV-1"), cbc("IssueDate", "2026-01-01"))),
    (_ROOT, _billed(cbc("ID", "b" * 5001))),
    (_ROOT, cac("BillingReference", cac("CreditNoteDocumentReference", cbc("ID", "CN-1")))),
    (_ROOT, _attached("QR", "text/plain", "AQxPYXNpcyBQYWxtIEUC")),
    (_ROOT, _attached("PIH", "text/plain", "NWZlY2ViNjY=")),
    (_ROOT, _attached("DOC-7", "application/zip", "AAAA", cbc("UUID", "5"))),
    (_ROOT, _attached("DOC-8", "application/pdf", "AAAA")),
    (_ROOT, cac("AdditionalDocumentReference", cbc("ID", "ICV"), cbc("UUID", "9"))),
    (_ROOT, cac("Signature", cbc("ID", _SIGNATURE), cbc("SignatureMethod", _ENVELOPED))),
    (_ROOT, _delivery("2026-06-10", None)),
    (_ROOT, _delivery("2026-06-10", "2026-06-01")),
    (_ROOT, _delivery(None, "2026-06-20")),
    (_ROOT, cac("PaymentMeans", cbc("PaymentMeansCode", "42"), cbc("InstructionNote", "Returned"))),
    (_ROOT, cac(
        "PaymentMeans", cbc("PaymentMeansCode", "30"), cbc("InstructionNote", _LONG),
        cac("PayeeFinancialAccount", cbc("ID", "a" * 128), cbc("PaymentNote", _LONG)),
    )),
    (_ROOT, cac("TaxTotal", money("TaxAmount", "15.00"))),
    (_ROOT, cac("TaxTotal", money("TaxAmount", "0.00"), _subtotal("0.00", "0.00", "Z", "0.00"))),
    (_ROOT, _rate("USD", "SAR", "3.75")),
    (_ROOT, _rate("SAR", "USD", "123456789.123456")),
    (_ROOT, _document_charge("false", "5.00", "S", "15.00", _reason("Discount"))),
    (_ROOT, _document_charge("false", "5.00", "S", "0.00", _coded("95", "Discount"))),
    (_ROOT, _document_charge("false", "5.00", "Z", "15.00", cbc("MultiplierFactorNumeric", "10.555"))),
    (_ROOT, _document_charge("false", "5.00", "E", "5.00", _reason(_LONG))),
    (_ROOT, _document_charge("false", "5.001", "O", "0.00", cbc("MultiplierFactorNumeric", "101"))),
    (_ROOT, _document_charge("true", "6.00", "S", "15.00", _coded("FC", "Freight"))),
    (_ROOT, _document_charge("true", "6.001", "S", "0.00", _reason(_LONG))),
    (_ROOT, _document_charge("true", "6.00", "Z", "15.00")),
    (_ROOT, _document_charge("true", "6.00", "E", "15.00", _coded("QQ", " "))),
    (_ROOT, _document_charge("true", "6.00", "O", "15.00", _coded("FC", "Freight"))),
    (_BUYER, _party_id("3105829471", "TIN")),
    (_BUYER, _party_id("4105829471", "NAT")),
    (_BUYER, _party_id("4105829471", "IQA")),
    (_BUYER, _party_id("4105829471", "TIN")),
    (_BUYER, _party_id("10", "CRN")),
    (_BUYER, _party_id("10", "700")),
    (_BUYER, _party_id("10")),
    (_SELLER, _party_id("55", "MLS")),
    (_SELLER, _party_id("55")),
    (_BUYER, cac("Contact", cbc("Name", _LONG), cbc("Telephone", "t" * 31), cbc("Note", _LONG))),
    (_BUYER, cac("Contact", cbc("Name", "Sara"), cbc("ElectronicMail", "s@example.com"))),
    (_BUYER, cac("Contact", cbc("Note", "a"), cbc("Note", "b"))),
    (_BUYER, _vat_number("300187465900003")),
    (_SELLER, _vat_number("300187465900003")),
    (_BUYER, cac("PartyLegalEntity", cbc("RegistrationName", "Buyer"))),
    (_ADDRESSES, cbc("CountrySubentity", "s" * 128)),
    (_ADDRESSES, cbc("AdditionalStreetName", "s" * 128)),
    (_ADDRESSES, cbc("PlotIdentification", "123")),
    (_ADDRESSES, cac("Country", cbc("IdentificationCode", "SA"))),
    (_TOTAL, money("PrepaidAmount", "10.00")),
    (_TOTAL, money("PrepaidAmount", "0.001")),
    (_TOTAL, money("PayableRoundingAmount", "0.01")),
    (_TOTAL, money("PayableRoundingAmount", "0.001", "XYZ")),
    (_TOTAL, money("ChargeTotalAmount", "6.00")),
    (_TOTAL, money("AllowanceTotalAmount", "5.001")),
    (_LINE, _prepayment("10:00:00", "386")),
    (_LINE, _prepayment("10:00:00Z", "386")),
    (_LINE, _prepayment("10:00", "388")),
    (_LINE, cac("DocumentReference", cbc("ID", "PRE-2"))),
    (_LINE, _charge(
        "false", _reason("d"), cbc("MultiplierFactorNumeric", "10"),
        money("Amount", "1.00"), money("BaseAmount", "10.00"),
    )),
    (_LINE, _charge("false", _reason(_LONG), money("Amount", "1.001"))),
    (_LINE, _charge("true", _reason(_LONG), money("Amount", "1.001"), money("BaseAmount", "1.001"))),
    (_LINE, _charge("true", money("Amount", "1.00"))),
    (_LINE, _delivery("2026-06-10", "2026-06-01")),
    (_LINE, _billed(cbc("ID", ""))),
    (_LINE, cac("TaxTotal", money("TaxAmount", "1.00"), money("RoundingAmount", "2.001"))),
    (_LINE_TAX, _subtotal("10.00", "1.50", "S", "15.00")),
    (_LINE_TAX, _subtotal("10.001", "1.501", "S", "20")),
    (_LINE_TAX, _subtotal("10.00", "0.00", "Z", "0.00", _exempt("VATEX-SA-32", "Export"))),
    (_LINE_TAX, _subtotal("10.00", "1.00", "Z", "5.00", _exempt("VATEX-SA-30", _LONG))),
    (_LINE_TAX, _subtotal("10.00", "1.00", "E", "5.00")),
    (_LINE_TAX, _subtotal("10.00", "1.00", "O", "5.00", _exempt("VATEX-SA-EDU", "Education"))),
    (_TAX, _subtotal("10.00", "1.50", "S", "15.00")),
    (_TAX, _subtotal("10.00", "0.01", "Z", "0.00", _exempt("VATEX-SA-EDU", "Education"))),
    (_TAX, _subtotal("10.00", "0.01", "E", "0.00", _exempt("VATEX-SA-29", _LONG))),
    (_TAX, _subtotal("10.00", "0.01", "O", "0.00")),
    ("//cac:TaxCategory", _exempt("VATEX-SA-HEA", "Health")),
    ("//cac:TaxCategory", _exempt("VATEX-SA-99", "Other")),
    ("//cac:TaxScheme", cbc("Name", "VAT")),
    (_ITEM, category("ClassifiedTaxCategory", "O", "0.00")),
    (_ITEM, category("ClassifiedTaxCategory", "Z", "5.00")),
    (_ITEM, category("ClassifiedTaxCategory", "E", "5.00")),
    (_ITEM, _item_id("BuyersItemIdentification")),
    (_ITEM, _item_id("SellersItemIdentification")),
    (_ITEM, _item_id("StandardItemIdentification")),
    (_ITEM, cac("AdditionalItemProperty", cbc("Name", "Colour"))),
    (_PRICE, cbc("BaseQuantity", "3", unitCode="PCE")),
    (_PRICE, cbc("BaseQuantity", "-1", unitCode="u" * 128)),
    (_PRICE, _charge("true", money("Amount", "1.00"))),
    (_PRICE, _charge("false", money("Amount", "1.00"), money("BaseAmount", "9.00"))),
    ("//cac:AllowanceCharge", money("BaseAmount", "50.00")),
    ("//cac:AllowanceCharge", cbc("MultiplierFactorNumeric", "10")),
    ("//cac:AllowanceCharge", cbc("AllowanceChargeReasonCode", "FC")),
)  # fmt: skip
"""Where (an XPath), and what."""
