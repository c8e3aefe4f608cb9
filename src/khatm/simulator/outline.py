"""The few facts of a received document that the gateway's own checks stand on, read in one walk over its root.

Reads documents of any quality: what is missing is empty, what stands twice is kept twice.
"""

from dataclasses import dataclass, field

from lxml import etree

from khatm.document.xml import CAC, CBC, DS, text_of

_ID = f"{{{CBC}}}ID"
_UUID = f"{{{CBC}}}UUID"
_ATTACHMENT = f"{{{CAC}}}Attachment"
_OBJECT = f"{{{CBC}}}EmbeddedDocumentBinaryObject"
_PARTY = f"{{{CAC}}}Party"
_PARTY_TAX_SCHEME = f"{{{CAC}}}PartyTaxScheme"
_TAX_SCHEME = f"{{{CAC}}}TaxScheme"
_COMPANY_ID = f"{{{CBC}}}CompanyID"
_DS_SIGNATURE = f"{{{DS}}}Signature"
_CAC_SIGNATURE = f"{{{CAC}}}Signature"
_TYPE_CODE = f"{{{CBC}}}InvoiceTypeCode"
_REFERENCE = f"{{{CAC}}}AdditionalDocumentReference"
_SUPPLIER = f"{{{CAC}}}AccountingSupplierParty"
_CUSTOMER = f"{{{CAC}}}AccountingCustomerParty"
_TEXTS = {
    _ID: "number",
    _UUID: "uuid",
    f"{{{CBC}}}IssueDate": "issue_date",
    f"{{{CBC}}}IssueTime": "issue_time",
}


@dataclass(slots=True)
class Reference:
    """One `cac:AdditionalDocumentReference`: ICV, PIH, QR or a document of the seller's."""

    id: str
    uuids: list[str]
    objects: list[str]
    """The text of every embedded object in its attachments."""

    @property
    def name(self) -> str:
        """The id with its outer white space removed, as the rules compare it."""
        return self.id.strip(" \t\r\n")


@dataclass(slots=True)
class Outline:
    """What the gateway's own checks read of a document; texts verbatim, empty when absent."""

    root: etree._Element
    number: str = ""
    uuid: str = ""
    issue_date: str = ""
    issue_time: str = ""
    type_code: str = ""
    transaction_code: str = ""
    seller_vat_number: str = ""
    buyer_vat_number: str = ""
    references: list[Reference] = field(default_factory=list)
    signatures: list[etree._Element] = field(default_factory=list)
    """Every `ds:Signature`, wherever it stands."""
    signature_references: list[etree._Element] = field(default_factory=list)
    """Every `cac:Signature`, wherever it stands."""

    def named(self, name: str) -> list[Reference]:
        """Return the additional references with this id: `ICV`, `PIH` or `QR`."""
        return [reference for reference in self.references if reference.name == name]

    @property
    def counter(self) -> str:
        """The ICV, KSA-16."""
        return next((text for each in self.named("ICV") for text in each.uuids), "")

    @property
    def previous_hash(self) -> str:
        """The PIH, KSA-13."""
        return next((text for each in self.named("PIH") for text in each.objects), "")


def read_outline(tree: etree._ElementTree) -> Outline:
    """Read the outline of a parsed document, whatever its root is called."""
    root = tree.getroot()
    outline = Outline(root)
    seen: set[str] = set()
    for child in root.iterchildren(tag=etree.Element):
        tag = str(child.tag)
        if tag == _REFERENCE:
            outline.references.append(_reference(child))
        elif tag not in seen:
            seen.add(tag)
            _read(outline, tag, child)
    for signature in root.iter(_DS_SIGNATURE, _CAC_SIGNATURE):
        (outline.signatures if signature.tag == _DS_SIGNATURE else outline.signature_references).append(signature)
    return outline


def _read(outline: Outline, tag: str, child: etree._Element) -> None:
    name = _TEXTS.get(tag)
    if name is not None:
        setattr(outline, name, text_of(child))
    elif tag == _TYPE_CODE:
        outline.type_code = text_of(child)
        outline.transaction_code = child.get("name", "")
    elif tag == _SUPPLIER:
        outline.seller_vat_number = _vat_number(child)
    elif tag == _CUSTOMER:
        outline.buyer_vat_number = _vat_number(child)


def _reference(element: etree._Element) -> Reference:
    reference = Reference(text_of(_first(element, _ID)), [], [])
    for child in element.iterchildren(_UUID, _ATTACHMENT):
        if child.tag == _UUID:
            reference.uuids.append(text_of(child))
        else:
            reference.objects.extend(text_of(each) for each in child.iterchildren(_OBJECT))
    return reference


def _vat_number(party: etree._Element) -> str:
    """Return the company id of the party's VAT scheme (BT-31, BT-48), or of its first scheme if none is called VAT."""
    schemes = [scheme for each in party.iterchildren(_PARTY) for scheme in each.iterchildren(_PARTY_TAX_SCHEME)]
    for scheme in schemes:
        numbers = (number for each in scheme.iterchildren(_TAX_SCHEME) for number in each.iterchildren(_ID))
        if text_of(next(numbers, None)).strip() == "VAT":
            return text_of(_first(scheme, _COMPANY_ID))
    return text_of(_first(schemes[0], _COMPANY_ID)) if schemes else ""


def _first(element: etree._Element, tag: str) -> etree._Element | None:
    """Return the first child of a tag; `find`, which knows paths, takes twice as long."""
    return next(element.iterchildren(tag), None)
