"""The facts that the stamp repeats, read from an invoice's XML.

Source: the stamp standard, section 5.1.
"""

from typing import Final

from lxml import etree

from khatm.document.canonical import StampFacts
from khatm.document.xml import CAC, CBC, text_of
from khatm.stamp.errors import MissingElement


def _tag(name: str) -> str:
    return f"{{{CBC}}}{name}"


_ID: Final = _tag("ID")
_SUPPLIER: Final = f"{{{CAC}}}AccountingSupplierParty"
_REFERENCE: Final = f"{{{CAC}}}AdditionalDocumentReference"
_TAX_TOTAL: Final = f"{{{CAC}}}TaxTotal"
_MONETARY_TOTAL: Final = f"{{{CAC}}}LegalMonetaryTotal"
_TAX_AMOUNT, _TYPE_CODE, _UUID = _tag("TaxAmount"), _tag("InvoiceTypeCode"), _tag("UUID")
_ISSUE_DATE, _ISSUE_TIME, _PAYABLE = _tag("IssueDate"), _tag("IssueTime"), _tag("PayableAmount")
_NAME_PATH: Final = f"{{{CAC}}}Party/{{{CAC}}}PartyLegalEntity/{{{CBC}}}RegistrationName"
_VAT_PATH: Final = f"{{{CAC}}}Party/{{{CAC}}}PartyTaxScheme/{{{CBC}}}CompanyID"
_EMBEDDED_PATH: Final = f"{{{CAC}}}Attachment/{{{CBC}}}EmbeddedDocumentBinaryObject"

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
    references: dict[str, etree._Element] = {}
    vat_total = ""
    for child in root:
        name = child.tag
        if name == _REFERENCE:
            references.setdefault(text_of(child.find(_ID)).strip(), child)
        elif name == _TAX_TOTAL:
            if not vat_total:
                vat_total = text_of(child.find(_TAX_AMOUNT))
        elif isinstance(name, str):
            first.setdefault(name, child)
    type_code = first.get(_TYPE_CODE)
    transaction_code = "" if type_code is None else type_code.get("name", "")
    supplier = first.get(_SUPPLIER)
    return StampFacts(
        seller_name=_text_at(supplier, _NAME_PATH).strip(),
        vat_number=_text_at(supplier, _VAT_PATH).strip(),
        issue_date=text_of(first.get(_ISSUE_DATE)),
        issue_time=text_of(first.get(_ISSUE_TIME)),
        payable=_text_at(first.get(_MONETARY_TOTAL), _PAYABLE),
        vat_total=vat_total,
        simplified=transaction_code.startswith("02"),
        uuid=text_of(first.get(_UUID)).strip(),
        type_code=text_of(type_code).strip(),
        transaction_code=transaction_code,
        icv=_reference_value(references.get("ICV"), _UUID),
        pih=_reference_value(references.get("PIH"), _EMBEDDED_PATH),
    )


def require_facts(facts: StampFacts) -> None:
    """Raise MissingElement for the first fact that a stamp cannot do without."""
    for name, element, needed_for in _NEEDED:
        if not getattr(facts, name):
            raise MissingElement(element, needed_for)


def _text_at(element: etree._Element | None, path: str) -> str:
    return "" if element is None else text_of(element.find(path))


def _reference_value(reference: etree._Element | None, path: str) -> str | None:
    if reference is None:
        return None
    found = reference.find(path)
    return None if found is None else text_of(found).strip()
