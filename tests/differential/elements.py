"""Elements that a mutation adds, with the elements below which the schema has a place for them."""

_VAT = "<cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme>"


def category(name: str, code: str, percent: str, more: str = "") -> str:
    """Return a tax category with the VAT scheme."""
    return f"<cac:{name}><cbc:ID>{code}</cbc:ID><cbc:Percent>{percent}</cbc:Percent>{more}{_VAT}</cac:{name}>"


def _allowance(indicator: str, amount: str, code: str, percent: str, more: str = "") -> str:
    return (
        f"<cac:AllowanceCharge><cbc:ChargeIndicator>{indicator}</cbc:ChargeIndicator>{more}"
        f'<cbc:Amount currencyID="SAR">{amount}</cbc:Amount>{category("TaxCategory", code, percent)}</cac:AllowanceCharge>'
    )


def _subtotal(taxable: str, tax: str, code: str, percent: str, more: str = "") -> str:
    return (
        f'<cac:TaxSubtotal><cbc:TaxableAmount currencyID="SAR">{taxable}</cbc:TaxableAmount>'
        f'<cbc:TaxAmount currencyID="SAR">{tax}</cbc:TaxAmount>{category("TaxCategory", code, percent, more)}</cac:TaxSubtotal>'
    )


_ROOT = "/inv:Invoice"
_BUYER = "//cac:AccountingCustomerParty/cac:Party"
_SELLER = "//cac:AccountingSupplierParty/cac:Party"
_LINE = "//cac:InvoiceLine"
_REASON = "<cbc:AllowanceChargeReasonCode>{0}</cbc:AllowanceChargeReasonCode><cbc:AllowanceChargeReason>{1}</cbc:AllowanceChargeReason>"
_PREPAYMENT = (
    "<cac:DocumentReference><cbc:ID>PRE-1</cbc:ID><cbc:IssueDate>2026-01-10</cbc:IssueDate><cbc:IssueTime>{0}</cbc:IssueTime>"
    "<cbc:DocumentTypeCode>{1}</cbc:DocumentTypeCode></cac:DocumentReference>"
)
_ATTACHED = (
    "<cac:AdditionalDocumentReference><cbc:ID>{0}</cbc:ID>{1}<cac:Attachment>"
    '<cbc:EmbeddedDocumentBinaryObject mimeCode="{2}">{3}</cbc:EmbeddedDocumentBinaryObject></cac:Attachment>'
    "</cac:AdditionalDocumentReference>"
)
_EXEMPT = "<cbc:TaxExemptionReasonCode>{0}</cbc:TaxExemptionReasonCode><cbc:TaxExemptionReason>{1}</cbc:TaxExemptionReason>"

ADDITIONS: tuple[tuple[str, str], ...] = (
    (_ROOT, "<cbc:DueDate>2026-06-30</cbc:DueDate>"),
    (_ROOT, "<cbc:DueDate>1999-06-30</cbc:DueDate>"),
    (_ROOT, "<cbc:TaxPointDate>1999-01-01</cbc:TaxPointDate>"),
    (_ROOT, "<cbc:TaxPointDate>2022-01-01</cbc:TaxPointDate>"),
    (_ROOT, f"<cbc:Note>{'n' * 1001}</cbc:Note>"),
    (_ROOT, f"<cbc:Note>{'n' * 600}<!--c-->{'n' * 600}</cbc:Note>"),
    (_ROOT, "<cbc:TaxCurrencyCode>SAR</cbc:TaxCurrencyCode>"),
    (_ROOT, "<cac:OrderReference><cbc:ID>PO-1</cbc:ID></cac:OrderReference>"),
    (_ROOT, f"<cac:OrderReference><cbc:ID>{'p' * 128}</cbc:ID></cac:OrderReference>"),
    (_ROOT, "<cac:ContractDocumentReference><cbc:ID>CT-1</cbc:ID></cac:ContractDocumentReference>"),
    (_ROOT, f"<cac:ContractDocumentReference><cbc:ID>{'c' * 128}</cbc:ID></cac:ContractDocumentReference>"),
    (_ROOT, "<cac:BillingReference><cac:InvoiceDocumentReference><cbc:ID>INV-1</cbc:ID><cbc:IssueDate>2026-01-01</cbc:IssueDate></cac:InvoiceDocumentReference></cac:BillingReference>"),
    (_ROOT, f"<cac:BillingReference><cac:InvoiceDocumentReference><cbc:ID>{'b' * 5001}</cbc:ID></cac:InvoiceDocumentReference></cac:BillingReference>"),
    (_ROOT, "<cac:BillingReference><cac:CreditNoteDocumentReference><cbc:ID>CN-1</cbc:ID></cac:CreditNoteDocumentReference></cac:BillingReference>"),
    (_ROOT, _ATTACHED.format("QR", "", "text/plain", "AQxPYXNpcyBQYWxtIEUC")),
    (_ROOT, _ATTACHED.format("PIH", "", "text/plain", "NWZlY2ViNjY=")),
    (_ROOT, _ATTACHED.format("DOC-7", "<cbc:UUID>5</cbc:UUID>", "application/zip", "AAAA")),
    (_ROOT, _ATTACHED.format("DOC-8", "", "application/pdf", "AAAA")),
    (_ROOT, "<cac:AdditionalDocumentReference><cbc:ID>ICV</cbc:ID><cbc:UUID>9</cbc:UUID></cac:AdditionalDocumentReference>"),
    (_ROOT, "<cac:Signature><cbc:ID>urn:oasis:names:specification:ubl:signature:Invoice</cbc:ID><cbc:SignatureMethod>urn:oasis:names:specification:ubl:dsig:enveloped:xades</cbc:SignatureMethod></cac:Signature>"),
    (_ROOT, "<cac:Delivery><cbc:ActualDeliveryDate>2026-06-10</cbc:ActualDeliveryDate></cac:Delivery>"),
    (_ROOT, "<cac:Delivery><cbc:ActualDeliveryDate>2026-06-10</cbc:ActualDeliveryDate><cbc:LatestDeliveryDate>2026-06-01</cbc:LatestDeliveryDate></cac:Delivery>"),
    (_ROOT, "<cac:Delivery><cbc:LatestDeliveryDate>2026-06-20</cbc:LatestDeliveryDate></cac:Delivery>"),
    (_ROOT, "<cac:PaymentMeans><cbc:PaymentMeansCode>42</cbc:PaymentMeansCode><cbc:InstructionNote>Returned</cbc:InstructionNote></cac:PaymentMeans>"),
    (_ROOT, f"<cac:PaymentMeans><cbc:PaymentMeansCode>30</cbc:PaymentMeansCode><cbc:InstructionNote>{'r' * 1001}</cbc:InstructionNote><cac:PayeeFinancialAccount><cbc:ID>{'a' * 128}</cbc:ID><cbc:PaymentNote>{'p' * 1001}</cbc:PaymentNote></cac:PayeeFinancialAccount></cac:PaymentMeans>"),
    (_ROOT, "<cac:TaxTotal><cbc:TaxAmount currencyID=\"SAR\">15.00</cbc:TaxAmount></cac:TaxTotal>"),
    (_ROOT, f"<cac:TaxTotal><cbc:TaxAmount currencyID=\"SAR\">0.00</cbc:TaxAmount>{_subtotal('0.00', '0.00', 'Z', '0.00')}</cac:TaxTotal>"),
    (_ROOT, "<cac:TaxExchangeRate><cbc:SourceCurrencyCode>USD</cbc:SourceCurrencyCode><cbc:TargetCurrencyCode>SAR</cbc:TargetCurrencyCode><cbc:CalculationRate>3.75</cbc:CalculationRate></cac:TaxExchangeRate>"),
    (_ROOT, "<cac:TaxExchangeRate><cbc:SourceCurrencyCode>SAR</cbc:SourceCurrencyCode><cbc:TargetCurrencyCode>USD</cbc:TargetCurrencyCode><cbc:CalculationRate>123456789.123456</cbc:CalculationRate></cac:TaxExchangeRate>"),
    (_ROOT, _allowance("false", "5.00", "S", "15.00", "<cbc:AllowanceChargeReason>Discount</cbc:AllowanceChargeReason>")),
    (_ROOT, _allowance("false", "5.00", "S", "0.00", _REASON.format("95", "Discount"))),
    (_ROOT, _allowance("false", "5.00", "Z", "15.00", "<cbc:MultiplierFactorNumeric>10.555</cbc:MultiplierFactorNumeric>")),
    (_ROOT, _allowance("false", "5.00", "E", "5.00", f"<cbc:AllowanceChargeReason>{'a' * 1001}</cbc:AllowanceChargeReason>")),
    (_ROOT, _allowance("false", "5.001", "O", "0.00", "<cbc:MultiplierFactorNumeric>101</cbc:MultiplierFactorNumeric>")),
    (_ROOT, _allowance("true", "6.00", "S", "15.00", _REASON.format("FC", "Freight"))),
    (_ROOT, _allowance("true", "6.001", "S", "0.00", f"<cbc:AllowanceChargeReason>{'a' * 1001}</cbc:AllowanceChargeReason>")),
    (_ROOT, _allowance("true", "6.00", "Z", "15.00")),
    (_ROOT, _allowance("true", "6.00", "E", "15.00", _REASON.format("QQ", " "))),
    (_ROOT, _allowance("true", "6.00", "O", "15.00", _REASON.format("FC", "Freight"))),
    (_BUYER, '<cac:PartyIdentification><cbc:ID schemeID="TIN">3105829471</cbc:ID></cac:PartyIdentification>'),
    (_BUYER, '<cac:PartyIdentification><cbc:ID schemeID="NAT">4105829471</cbc:ID></cac:PartyIdentification>'),
    (_BUYER, '<cac:PartyIdentification><cbc:ID schemeID="IQA">4105829471</cbc:ID></cac:PartyIdentification>'),
    (_BUYER, '<cac:PartyIdentification><cbc:ID schemeID="TIN">4105829471</cbc:ID></cac:PartyIdentification>'),
    (_BUYER, '<cac:PartyIdentification><cbc:ID schemeID="CRN">10</cbc:ID></cac:PartyIdentification>'),
    (_BUYER, '<cac:PartyIdentification><cbc:ID schemeID="700">10</cbc:ID></cac:PartyIdentification>'),
    (_BUYER, "<cac:PartyIdentification><cbc:ID>10</cbc:ID></cac:PartyIdentification>"),
    (_SELLER, '<cac:PartyIdentification><cbc:ID schemeID="MLS">55</cbc:ID></cac:PartyIdentification>'),
    (_SELLER, "<cac:PartyIdentification><cbc:ID>55</cbc:ID></cac:PartyIdentification>"),
    (_BUYER, f"<cac:Contact><cbc:Name>{'n' * 1001}</cbc:Name><cbc:Telephone>{'t' * 31}</cbc:Telephone><cbc:Note>{'m' * 1001}</cbc:Note></cac:Contact>"),
    (_BUYER, "<cac:Contact><cbc:Name>Sara</cbc:Name><cbc:Telephone>0501234567</cbc:Telephone><cbc:ElectronicMail>s@example.com</cbc:ElectronicMail></cac:Contact>"),
    (_BUYER, "<cac:Contact><cbc:Note>a</cbc:Note><cbc:Note>b</cbc:Note></cac:Contact>"),
    (_BUYER, f"<cac:PartyTaxScheme><cbc:CompanyID>300187465900003</cbc:CompanyID>{_VAT}</cac:PartyTaxScheme>"),
    (_BUYER, "<cac:PartyLegalEntity><cbc:RegistrationName>Buyer</cbc:RegistrationName></cac:PartyLegalEntity>"),
    (_SELLER, f"<cac:PartyTaxScheme><cbc:CompanyID>300187465900003</cbc:CompanyID>{_VAT}</cac:PartyTaxScheme>"),
    (f"{_BUYER}/cac:PostalAddress | {_SELLER}/cac:PostalAddress", f"<cbc:CountrySubentity>{'s' * 128}</cbc:CountrySubentity>"),
    (f"{_BUYER}/cac:PostalAddress | {_SELLER}/cac:PostalAddress", f"<cbc:AdditionalStreetName>{'s' * 128}</cbc:AdditionalStreetName>"),
    (f"{_BUYER}/cac:PostalAddress | {_SELLER}/cac:PostalAddress", "<cbc:PlotIdentification>123</cbc:PlotIdentification>"),
    (f"{_BUYER}/cac:PostalAddress | {_SELLER}/cac:PostalAddress", "<cac:Country><cbc:IdentificationCode>SA</cbc:IdentificationCode></cac:Country>"),
    ("//cac:LegalMonetaryTotal", '<cbc:PrepaidAmount currencyID="SAR">10.00</cbc:PrepaidAmount>'),
    ("//cac:LegalMonetaryTotal", '<cbc:PrepaidAmount currencyID="SAR">0.001</cbc:PrepaidAmount>'),
    ("//cac:LegalMonetaryTotal", '<cbc:PayableRoundingAmount currencyID="SAR">0.01</cbc:PayableRoundingAmount>'),
    ("//cac:LegalMonetaryTotal", '<cbc:PayableRoundingAmount currencyID="XYZ">0.001</cbc:PayableRoundingAmount>'),
    ("//cac:LegalMonetaryTotal", '<cbc:ChargeTotalAmount currencyID="SAR">6.00</cbc:ChargeTotalAmount>'),
    ("//cac:LegalMonetaryTotal", '<cbc:AllowanceTotalAmount currencyID="SAR">5.001</cbc:AllowanceTotalAmount>'),
    (_LINE, _PREPAYMENT.format("10:00:00", "386")),
    (_LINE, _PREPAYMENT.format("10:00", "388")),
    (_LINE, "<cac:DocumentReference><cbc:ID>PRE-2</cbc:ID></cac:DocumentReference>"),
    (_LINE, '<cac:AllowanceCharge><cbc:ChargeIndicator>false</cbc:ChargeIndicator><cbc:AllowanceChargeReason>d</cbc:AllowanceChargeReason><cbc:MultiplierFactorNumeric>10</cbc:MultiplierFactorNumeric><cbc:Amount currencyID="SAR">1.00</cbc:Amount><cbc:BaseAmount currencyID="SAR">10.00</cbc:BaseAmount></cac:AllowanceCharge>'),
    (_LINE, f'<cac:AllowanceCharge><cbc:ChargeIndicator>false</cbc:ChargeIndicator><cbc:AllowanceChargeReason>{"d" * 1001}</cbc:AllowanceChargeReason><cbc:Amount currencyID="SAR">1.001</cbc:Amount></cac:AllowanceCharge>'),
    (_LINE, f'<cac:AllowanceCharge><cbc:ChargeIndicator>true</cbc:ChargeIndicator><cbc:AllowanceChargeReason>{"c" * 1001}</cbc:AllowanceChargeReason><cbc:Amount currencyID="SAR">1.001</cbc:Amount><cbc:BaseAmount currencyID="SAR">1.001</cbc:BaseAmount></cac:AllowanceCharge>'),
    (_LINE, '<cac:AllowanceCharge><cbc:ChargeIndicator>true</cbc:ChargeIndicator><cbc:Amount currencyID="SAR">1.00</cbc:Amount></cac:AllowanceCharge>'),
    (_LINE, "<cac:Delivery><cbc:ActualDeliveryDate>2026-06-10</cbc:ActualDeliveryDate><cbc:LatestDeliveryDate>2026-06-01</cbc:LatestDeliveryDate></cac:Delivery>"),
    (_LINE, "<cac:BillingReference><cac:InvoiceDocumentReference><cbc:ID/></cac:InvoiceDocumentReference></cac:BillingReference>"),
    (_LINE, '<cac:TaxTotal><cbc:TaxAmount currencyID="SAR">1.00</cbc:TaxAmount><cbc:RoundingAmount currencyID="SAR">2.001</cbc:RoundingAmount></cac:TaxTotal>'),
    (f"{_LINE}/cac:TaxTotal", _subtotal("10.00", "1.50", "S", "15.00")),
    (f"{_LINE}/cac:TaxTotal", _subtotal("10.001", "1.501", "S", "20")),
    (f"{_LINE}/cac:TaxTotal", _subtotal("10.00", "0.00", "Z", "0.00", _EXEMPT.format("VATEX-SA-32", "Export"))),
    (f"{_LINE}/cac:TaxTotal", _subtotal("10.00", "1.00", "Z", "5.00", _EXEMPT.format("VATEX-SA-30", "e" * 1001))),
    (f"{_LINE}/cac:TaxTotal", _subtotal("10.00", "1.00", "E", "5.00")),
    (f"{_LINE}/cac:TaxTotal", _subtotal("10.00", "1.00", "O", "5.00", _EXEMPT.format("VATEX-SA-EDU", "Education"))),
    ("/inv:Invoice/cac:TaxTotal", _subtotal("10.00", "1.50", "S", "15.00")),
    ("/inv:Invoice/cac:TaxTotal", _subtotal("10.00", "0.01", "Z", "0.00", _EXEMPT.format("VATEX-SA-EDU", "Education"))),
    ("/inv:Invoice/cac:TaxTotal", _subtotal("10.00", "0.01", "E", "0.00", _EXEMPT.format("VATEX-SA-29", "x" * 1001))),
    ("/inv:Invoice/cac:TaxTotal", _subtotal("10.00", "0.01", "O", "0.00")),
    ("//cac:TaxCategory", _EXEMPT.format("VATEX-SA-HEA", "Health")),
    ("//cac:TaxCategory", _EXEMPT.format("VATEX-SA-99", "Other")),
    ("//cac:TaxCategory/cac:TaxScheme | //cac:ClassifiedTaxCategory/cac:TaxScheme", "<cbc:Name>VAT</cbc:Name>"),
    (f"{_LINE}/cac:Item", category("ClassifiedTaxCategory", "O", "0.00")),
    (f"{_LINE}/cac:Item", category("ClassifiedTaxCategory", "Z", "5.00")),
    (f"{_LINE}/cac:Item", category("ClassifiedTaxCategory", "E", "5.00")),
    (f"{_LINE}/cac:Item", f"<cac:BuyersItemIdentification><cbc:ID>{'i' * 128}</cbc:ID></cac:BuyersItemIdentification>"),
    (f"{_LINE}/cac:Item", f"<cac:SellersItemIdentification><cbc:ID>{'i' * 128}</cbc:ID></cac:SellersItemIdentification>"),
    (f"{_LINE}/cac:Item", f"<cac:StandardItemIdentification><cbc:ID>{'i' * 128}</cbc:ID></cac:StandardItemIdentification>"),
    (f"{_LINE}/cac:Item", "<cac:AdditionalItemProperty><cbc:Name>Colour</cbc:Name></cac:AdditionalItemProperty>"),
    (f"{_LINE}/cac:Price", '<cbc:BaseQuantity unitCode="PCE">3</cbc:BaseQuantity>'),
    (f"{_LINE}/cac:Price", f'<cbc:BaseQuantity unitCode="{"u" * 128}">-1</cbc:BaseQuantity>'),
    (f"{_LINE}/cac:Price", '<cac:AllowanceCharge><cbc:ChargeIndicator>true</cbc:ChargeIndicator><cbc:Amount currencyID="SAR">1.00</cbc:Amount></cac:AllowanceCharge>'),
    (f"{_LINE}/cac:Price", '<cac:AllowanceCharge><cbc:ChargeIndicator>false</cbc:ChargeIndicator><cbc:Amount currencyID="SAR">1.00</cbc:Amount><cbc:BaseAmount currencyID="SAR">9.00</cbc:BaseAmount></cac:AllowanceCharge>'),
    ("//cac:AllowanceCharge", '<cbc:BaseAmount currencyID="SAR">50.00</cbc:BaseAmount>'),
    ("//cac:AllowanceCharge", "<cbc:MultiplierFactorNumeric>10</cbc:MultiplierFactorNumeric>"),
    ("//cac:AllowanceCharge", "<cbc:AllowanceChargeReasonCode>FC</cbc:AllowanceChargeReasonCode>"),
)  # fmt: skip
"""Where (an XPath), and what."""
