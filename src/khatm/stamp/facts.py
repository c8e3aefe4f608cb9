"""The facts that the stamp repeats, read from an invoice's XML.

Source: the stamp standard, section 5.1.
"""

from typing import Final, cast

from lxml import etree

from khatm.document.canonical import StampFacts
from khatm.document.xml import CBC, NAMESPACES, text_of
from khatm.stamp.errors import MissingElement

_NAME: Final = f"{{{CBC}}}RegistrationName"
_VAT_NUMBER: Final = f"{{{CBC}}}CompanyID"
_ID: Final = f"{{{CBC}}}ID"
_UUID: Final = f"{{{CBC}}}UUID"
_EMBEDDED: Final = f"{{{CBC}}}EmbeddedDocumentBinaryObject"
_TYPE_CODE: Final = f"{{{CBC}}}InvoiceTypeCode"
_ISSUE_DATE: Final = f"{{{CBC}}}IssueDate"
_ISSUE_TIME: Final = f"{{{CBC}}}IssueTime"
_VAT_TOTAL: Final = f"{{{CBC}}}TaxAmount"
_PAYABLE: Final = f"{{{CBC}}}PayableAmount"

# One evaluation, in document order, is several times as fast as a search per fact.
_FACTS: Final = etree.XPath(
    "cbc:UUID|cbc:IssueDate|cbc:IssueTime|cbc:InvoiceTypeCode|cac:TaxTotal/cbc:TaxAmount"
    "|cac:LegalMonetaryTotal/cbc:PayableAmount"
    "|cac:AccountingSupplierParty/cac:Party/cac:PartyLegalEntity/cbc:RegistrationName"
    "|cac:AccountingSupplierParty/cac:Party/cac:PartyTaxScheme/cbc:CompanyID",
    namespaces=NAMESPACES,
)
_REFERENCES: Final = etree.XPath(
    "cac:AdditionalDocumentReference/cbc:ID|cac:AdditionalDocumentReference/cbc:UUID"
    "|cac:AdditionalDocumentReference/cac:Attachment/cbc:EmbeddedDocumentBinaryObject",
    namespaces=NAMESPACES,
)
_NEEDED: Final = (
    ("transaction_code", "cbc:InvoiceTypeCode with its name attribute", "the choice of QR tags"),
    ("issue_date", "cbc:IssueDate", "the QR code (tag 3)"),
    ("issue_time", "cbc:IssueTime", "the QR code (tag 3)"),
    ("seller_name", "the supplier's cac:PartyLegalEntity/cbc:RegistrationName", "the QR code (tag 1)"),
    ("vat_number", "the supplier's cac:PartyTaxScheme/cbc:CompanyID", "the QR code (tag 2)"),
    ("vat_total", "cac:TaxTotal/cbc:TaxAmount", "the QR code (tag 5)"),
    ("payable", "cac:LegalMonetaryTotal/cbc:PayableAmount", "the QR code (tag 4)"),
)


def read_facts(root: etree._Element) -> StampFacts:
    """Read what the QR code repeats from an invoice's root element; what is absent is empty (ICV and PIH: None)."""
    first: dict[str, etree._Element] = {}
    for element in cast("list[etree._Element]", _FACTS(root)):
        first.setdefault(element.tag, element)
    type_code = first.get(_TYPE_CODE)
    transaction_code = "" if type_code is None else type_code.get("name", "")
    counter, previous_hash = _chain_place(root)
    return StampFacts(
        seller_name=text_of(first.get(_NAME)).strip(),
        vat_number=text_of(first.get(_VAT_NUMBER)).strip(),
        issue_date=text_of(first.get(_ISSUE_DATE)),
        issue_time=text_of(first.get(_ISSUE_TIME)),
        payable=text_of(first.get(_PAYABLE)),
        vat_total=text_of(first.get(_VAT_TOTAL)),
        simplified=transaction_code.startswith("02"),
        uuid=text_of(first.get(_UUID)).strip(),
        type_code=text_of(type_code).strip(),
        transaction_code=transaction_code,
        icv=counter,
        pih=previous_hash,
    )


def require_facts(facts: StampFacts) -> None:
    """Raise MissingElement for the first fact that a stamp cannot do without."""
    for name, element, needed_for in _NEEDED:
        if not getattr(facts, name):
            raise MissingElement(element, needed_for)


def _chain_place(root: etree._Element) -> tuple[str | None, str | None]:
    """Read ICV (BT-KSA-16) and PIH (BT-KSA-13) from the first references with these IDs."""
    names: dict[etree._Element, str] = {}
    values: dict[tuple[etree._Element, str], str] = {}
    for element in cast("list[etree._Element]", _REFERENCES(root)):
        parent = element.getparent()
        assert parent is not None
        if element.tag == _ID:
            names.setdefault(parent, text_of(element).strip())
        else:
            reference = parent if element.tag == _UUID else parent.getparent()
            assert reference is not None
            values.setdefault((reference, element.tag), text_of(element).strip())
    counter = next((reference for reference, name in names.items() if name == "ICV"), None)
    previous = next((reference for reference, name in names.items() if name == "PIH"), None)
    return (
        None if counter is None else values.get((counter, _UUID)),
        None if previous is None else values.get((previous, _EMBEDDED)),
    )
