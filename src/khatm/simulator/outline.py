"""The few facts of a received document that the gateway's own checks stand on, read from the nodes of its walk.

Reads documents of any quality: what is missing is empty, what stands twice is kept twice.
"""

from dataclasses import dataclass, field
from itertools import islice

from khatm.document.nodes import Node, Nodes
from khatm.document.walk import Walked


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

    number: str = ""
    uuid: str = ""
    issue_date: str = ""
    issue_time: str = ""
    type_code: str = ""
    transaction_code: str = ""
    seller_vat_number: str = ""
    buyer_vat_number: str = ""
    references: list[Reference] = field(default_factory=list)
    signatures: int = 0
    """How many `ds:Signature` there are, wherever they stand."""
    signature_method: str = ""
    """The algorithm of the first one."""
    certificates: int = 0
    """How many certificates there are in the first one, 2 for more."""
    signature_references: int = 0
    """How many `cac:Signature` there are, wherever they stand."""

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


def read_outline(walked: Walked) -> Outline:
    """Read the outline of a document, whatever its root is called."""
    root, everywhere = walked.root, walked.by_name
    signatures = everywhere.get("ds:Signature", ())
    outline = Outline(
        number=_text(root, "cbc:ID"),
        uuid=_text(root, "cbc:UUID"),
        issue_date=_text(root, "cbc:IssueDate"),
        issue_time=_text(root, "cbc:IssueTime"),
        type_code=_text(root, "cbc:InvoiceTypeCode"),
        transaction_code=_attribute(root.all("cbc:InvoiceTypeCode"), "name"),
        seller_vat_number=_vat_number(root.all("cac:AccountingSupplierParty")),
        buyer_vat_number=_vat_number(root.all("cac:AccountingCustomerParty")),
        references=[_reference(each) for each in root.all("cac:AdditionalDocumentReference")],
        signatures=len(signatures),
        signature_references=len(everywhere.get("cac:Signature", ())),
    )
    for signature in signatures[:1]:
        outline.signature_method = _attribute(signature.path("ds:SignedInfo", "ds:SignatureMethod"), "Algorithm")
        inside = (each for each in everywhere.get("ds:X509Certificate", ()) if _is_below(each, signature))
        outline.certificates = sum(1 for _ in islice(inside, 2))
    return outline


def _reference(node: Node) -> Reference:
    objects = node.path("cac:Attachment", "cbc:EmbeddedDocumentBinaryObject")
    uuids = node.all("cbc:UUID")
    return Reference(_text(node, "cbc:ID"), [each.text for each in uuids], [each.text for each in objects])


def _vat_number(parties: Nodes) -> str:
    """Return the company id of the party's VAT scheme (BT-31, BT-48), or of its first scheme if none is called VAT."""
    schemes = parties[0].path("cac:Party", "cac:PartyTaxScheme") if parties else ()
    for scheme in schemes:
        if _text(scheme, "cac:TaxScheme", "cbc:ID").strip() == "VAT":
            return _text(scheme, "cbc:CompanyID")
    return _text(schemes[0], "cbc:CompanyID") if schemes else ""


def _text(node: Node, *names: str) -> str:
    """Return the text of the first node at the end of these steps, empty for none."""
    found = node.path(*names)
    return found[0].text if found else ""


def _attribute(nodes: Nodes, name: str) -> str:
    return (nodes[0].attribute(name) or "") if nodes else ""


def _is_below(node: Node, other: Node) -> bool:
    above = node.parent
    while above is not None and above is not other:
        above = above.parent
    return above is other
