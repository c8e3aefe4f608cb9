"""The facts that the stamp repeats, read from an invoice's XML.

Source: the stamp standard, section 5.1.
"""

from itertools import islice
from typing import Final, cast

from lxml import etree

from khatm.document.canonical import StampFacts
from khatm.document.xml import CAC, CBC, NAMESPACES, text_of
from khatm.stamp.errors import MissingElement

SUPPLIER: Final = f"{{{CAC}}}AccountingSupplierParty"
COUNTER: Final = "ICV"
_NAME: Final = f"{{{CBC}}}RegistrationName"
_VAT_NUMBER: Final = f"{{{CBC}}}CompanyID"
_UUID: Final = f"{{{CBC}}}UUID"
_EMBEDDED: Final = f"{{{CBC}}}EmbeddedDocumentBinaryObject"
_TYPE_CODE: Final = f"{{{CBC}}}InvoiceTypeCode"
_ISSUE_DATE: Final = f"{{{CBC}}}IssueDate"
_ISSUE_TIME: Final = f"{{{CBC}}}IssueTime"
_VAT_TOTAL: Final = f"{{{CBC}}}TaxAmount"
_PAYABLE: Final = f"{{{CBC}}}PayableAmount"

# One evaluation for everything is several times as fast as a search per fact. Of a document with thousands of lines,
# over which each path would go, the children that hold facts are looked at one by one.
_PATHS: Final = (
    "cac:AccountingSupplierParty",
    "cac:AccountingSupplierParty/cac:Party/cac:PartyLegalEntity/cbc:RegistrationName",
    "cac:AccountingSupplierParty/cac:Party/cac:PartyTaxScheme/cbc:CompanyID",
    "cbc:IssueDate[1]",
    "cbc:IssueTime[1]",
    "cac:TaxTotal/cbc:TaxAmount",
    "cac:LegalMonetaryTotal/cbc:PayableAmount",
    "cbc:UUID[1]",
    "cbc:InvoiceTypeCode[1]",
    "cac:AdditionalDocumentReference[normalize-space(cbc:ID)='ICV']/cbc:UUID",
    "cac:AdditionalDocumentReference[normalize-space(cbc:ID)='PIH']/cac:Attachment/cbc:EmbeddedDocumentBinaryObject",
)
_FACTS: Final = etree.XPath("|".join(_PATHS), namespaces=NAMESPACES)
_FACTS_OF_CHILD: Final = etree.XPath("|".join(f"self::{path}" for path in _PATHS), namespaces=NAMESPACES)
_FEW: Final = 200
_HOLDERS: Final = (
    SUPPLIER,
    _ISSUE_DATE,
    _ISSUE_TIME,
    f"{{{CAC}}}TaxTotal",
    f"{{{CAC}}}LegalMonetaryTotal",
    _UUID,
    _TYPE_CODE,
    f"{{{CAC}}}AdditionalDocumentReference",
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
    return facts_of(sources(root))


def sources(root: etree._Element) -> dict[str, etree._Element]:
    """Return the first element of each fact by its tag, also SUPPLIER; the counter's one stands under COUNTER."""
    first: dict[str, etree._Element] = {}
    for element in _found(root):
        tag = element.tag
        if tag == _UUID and element.getparent() is not root:
            tag = COUNTER
        first.setdefault(tag, element)
    return first


def _found(root: etree._Element) -> "list[etree._Element]":
    if len(root) > _FEW:
        held = list(islice(root.iterchildren(*_HOLDERS), _FEW))
        if len(held) < _FEW:
            return [each for child in held for each in cast("list[etree._Element]", _FACTS_OF_CHILD(child))]
    return cast("list[etree._Element]", _FACTS(root))


def facts_of(first: dict[str, etree._Element]) -> StampFacts:
    """Turn the elements that `sources` found into facts."""
    type_code, counter, previous = first.get(_TYPE_CODE), first.get(COUNTER), first.get(_EMBEDDED)
    transaction_code = "" if type_code is None else type_code.get("name", "")
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
        icv=None if counter is None else text_of(counter).strip(),
        pih=None if previous is None else text_of(previous).strip(),
    )


def require_facts(facts: StampFacts) -> None:
    """Raise MissingElement for the first fact that a stamp cannot do without."""
    for name, element, needed_for in _NEEDED:
        if not getattr(facts, name):
            raise MissingElement(element, needed_for)
