"""The stamp as a received document carries it: its parts, their number, and the text that was hashed.

Source: the stamp standard, sections 4.2 to 4.4.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from lxml import etree

from khatm.document.xml import CAC, CBC, DS, XADES, text_of
from khatm.stamp.canonical import is_qr_reference

_SIGNATURE: Final = f"{{{DS}}}Signature"
_REFERENCE: Final = f"{{{DS}}}Reference"
_DIGEST: Final = f"{{{DS}}}DigestValue"
_PROPERTIES: Final = f"{{{XADES}}}SignedProperties"
_EMBEDDED_OBJECT: Final = f"{{{CAC}}}Attachment/{{{CBC}}}EmbeddedDocumentBinaryObject"
_PROPERTIES_URI: Final = "#xadesSignedProperties"
_ATTRIBUTE_ESCAPES: Final = {'"': "&quot;"}


@dataclass(frozen=True, slots=True)
class EmbeddedStamp:
    """The parts of the first stamp in a document, as trimmed text, and how many of each part there are.

    `certificate_text` keeps its inner white space; `signature` and `signed_properties` are elements of the tree.
    """

    signatures: int
    qr_references: int
    signature_references: int
    signature: etree._Element | None
    digest_value: str | None
    properties_digest: str | None
    signature_value: str | None
    certificate_text: str | None
    signed_properties: etree._Element | None
    signing_time: str | None
    certificate_digest: str | None
    issuer_name: str | None
    serial_number: str | None
    qr_text: str | None


def read_embedded(root: etree._Element) -> EmbeddedStamp:
    """Find the stamp's parts below an invoice's root element; absent parts are None."""
    signatures = list(root.iter(_SIGNATURE))
    references = [e for e in root.iter(f"{{{CAC}}}AdditionalDocumentReference") if is_qr_reference(e)]
    signature = signatures[0] if signatures else None
    properties = None if signature is None else next(signature.iter(_PROPERTIES), None)
    digests = _digests(signature)
    return EmbeddedStamp(
        signatures=len(signatures),
        qr_references=len(references),
        signature_references=sum(1 for _ in root.iter(f"{{{CAC}}}Signature")),
        signature=signature,
        digest_value=digests[0],
        properties_digest=digests[1],
        signature_value=_below(signature, f"{{{DS}}}SignatureValue"),
        certificate_text=_below(signature, f"{{{DS}}}X509Certificate"),
        signed_properties=properties,
        signing_time=_below(properties, f"{{{XADES}}}SigningTime"),
        certificate_digest=_below(properties, _DIGEST),
        issuer_name=_below(properties, f"{{{DS}}}X509IssuerName"),
        serial_number=_below(properties, f"{{{DS}}}X509SerialNumber"),
        qr_text=text_of(references[0].find(_EMBEDDED_OBJECT)).strip() if references else None,
    )


def isolated_text(element: etree._Element) -> str | None:
    """Return the text P: the element alone, each prefix declared where it is first needed.

    None if a comment or processing instruction stands inside, which no source tells how to serialise. Source: 4.3.
    """
    parts: list[str] = []
    return "".join(parts) if _isolate(element, {}, parts) else None


def _isolate(element: etree._Element, scope: Mapping[str | None, str], parts: list[str]) -> bool:
    if isinstance(element, (etree._Comment, etree._ProcessingInstruction)):
        return False
    prefix, name = element.prefix, etree.QName(element)
    tag = f"{prefix}:{name.localname}" if prefix else name.localname
    parts.append(f"<{tag}")
    if scope.get(prefix, "") != (name.namespace or ""):
        parts.append(f' xmlns{":" + prefix if prefix else ""}="{escape(name.namespace or "", _ATTRIBUTE_ESCAPES)}"')
        scope = {**scope, prefix: name.namespace or ""}
    for key, value in element.attrib.items():
        parts.append(f' {_attribute_name(element, str(key))}="{escape(str(value), _ATTRIBUTE_ESCAPES)}"')
    if not len(element) and not element.text:
        parts.append("/>")
        return True
    parts.append(">" + escape(element.text or ""))
    for child in element:
        if not _isolate(child, scope, parts):
            return False
        parts.append(escape(child.tail or ""))
    parts.append(f"</{tag}>")
    return True


def _attribute_name(element: etree._Element, key: str) -> str:
    if not key.startswith("{"):
        return key
    name = etree.QName(key)
    prefix = next((each for each, uri in element.nsmap.items() if each and uri == name.namespace), "xml")
    return f"{prefix}:{name.localname}"


def _digests(signature: etree._Element | None) -> tuple[str | None, str | None]:
    """Return the digest of the reference to the invoice and that of the reference to SignedProperties."""
    invoice = properties = None
    for reference in () if signature is None else signature.iter(_REFERENCE):
        value = reference.find(_DIGEST)
        text = None if value is None else text_of(value).strip()
        if reference.get("Id") == "invoiceSignedData":
            invoice = invoice or text
        elif reference.get("URI") == _PROPERTIES_URI:
            properties = properties or text
    return invoice, properties


def _below(element: etree._Element | None, tag: str) -> str | None:
    found = None if element is None else next(element.iter(tag), None)
    return None if found is None else text_of(found).strip()
