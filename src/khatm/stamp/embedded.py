"""The stamp as a received document carries it: its parts, their number, and the text that was hashed.

Source: the stamp standard, sections 4.2 to 4.4.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from lxml import etree

from khatm.document.xml import CAC, CBC, DS, XADES, text_of
from khatm.stamp.canonical import is_qr_reference

_SIGNATURE: Final = f"{{{DS}}}Signature"
_DOCUMENT_REFERENCE: Final = f"{{{CAC}}}AdditionalDocumentReference"
_POINTER: Final = f"{{{CAC}}}Signature"
_REFERENCE: Final = f"{{{DS}}}Reference"
_DIGEST: Final = f"{{{DS}}}DigestValue"
_PROPERTIES: Final = f"{{{XADES}}}SignedProperties"
_EMBEDDED_OBJECT: Final = f"{{{CAC}}}Attachment/{{{CBC}}}EmbeddedDocumentBinaryObject"
_PROPERTIES_URI: Final = "#xadesSignedProperties"


class EmbeddedStamp(NamedTuple):
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
    parts: dict[str, list[etree._Element]] = {tag: [] for tag in (_SIGNATURE, _DOCUMENT_REFERENCE, _POINTER)}
    for element in root.iter(*parts):
        parts[str(element.tag)].append(element)
    references = [each for each in parts[_DOCUMENT_REFERENCE] if is_qr_reference(each)]
    signature = next(iter(parts[_SIGNATURE]), None)
    signed = _firsts(signature, _PROPERTIES, f"{{{DS}}}SignatureValue", f"{{{DS}}}X509Certificate")
    properties = signed.get(_PROPERTIES)
    said = _firsts(
        properties, f"{{{XADES}}}SigningTime", _DIGEST, f"{{{DS}}}X509IssuerName", f"{{{DS}}}X509SerialNumber"
    )
    digests = _digests(signature)
    return EmbeddedStamp(
        signatures=len(parts[_SIGNATURE]),
        qr_references=len(references),
        signature_references=len(parts[_POINTER]),
        signature=signature,
        digest_value=digests[0],
        properties_digest=digests[1],
        signature_value=_trimmed(signed, f"{{{DS}}}SignatureValue"),
        certificate_text=_trimmed(signed, f"{{{DS}}}X509Certificate"),
        signed_properties=properties,
        signing_time=_trimmed(said, f"{{{XADES}}}SigningTime"),
        certificate_digest=_trimmed(said, _DIGEST),
        issuer_name=_trimmed(said, f"{{{DS}}}X509IssuerName"),
        serial_number=_trimmed(said, f"{{{DS}}}X509SerialNumber"),
        qr_text=text_of(references[0].find(_EMBEDDED_OBJECT)).strip() if references else None,
    )


def isolated_text(element: etree._Element) -> str | None:
    """Return the text P: the element alone, each prefix declared where it is first needed.

    None if a comment or processing instruction stands inside, which no source tells how to serialise. Source: 4.3.
    """
    parts: list[str] = []
    return "".join(parts) if _isolate(element, {}, parts) else None


def _isolate(element: etree._Element, scope: Mapping[str | None, str], parts: list[str]) -> bool:
    name: object = element.tag
    if not isinstance(name, str):  # a comment or an instruction
        return False
    prefix = element.prefix
    namespace, _, local = name[1:].rpartition("}") if name.startswith("{") else ("", "", name)
    tag = f"{prefix}:{local}" if prefix else local
    parts.append(f"<{tag}")
    if scope.get(prefix, "") != namespace:
        parts.append(f' xmlns{":" + prefix if prefix else ""}="{_quoted(namespace)}"')
        scope = {**scope, prefix: namespace}
    for key, value in _written(element):
        parts.append(f' {key}="{_quoted(value)}"')
    if not len(element) and not element.text:
        parts.append("/>")
        return True
    parts.append(">" + _escaped(element.text or ""))
    for child in element:
        if not _isolate(child, scope, parts):
            return False
        parts.append(_escaped(child.tail or ""))
    parts.append(f"</{tag}>")
    return True


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace(">", "&gt;").replace("<", "&lt;")


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', "&quot;")


def _written(element: etree._Element) -> Iterator[tuple[str, str]]:
    """Yield the attributes with the names that the document writes."""
    prefixes: dict[str, str] | None = None
    for name, value in element.items():
        if not str(name).startswith("{"):
            yield str(name), str(value)
            continue
        if prefixes is None:
            prefixes = {uri: prefix for prefix, uri in reversed(element.nsmap.items()) if prefix}
        namespace, _, local = str(name)[1:].partition("}")
        yield f"{prefixes.get(namespace, 'xml')}:{local}", str(value)


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


def _firsts(element: etree._Element | None, *tags: str) -> dict[str, etree._Element]:
    """Return the first element of each tag at or below an element."""
    found: dict[str, etree._Element] = {}
    for each in () if element is None else element.iter(*tags):
        found.setdefault(str(each.tag), each)
    return found


def _trimmed(found: Mapping[str, etree._Element], tag: str) -> str | None:
    return text_of(found[tag]).strip() if tag in found else None
