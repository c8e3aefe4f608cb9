"""What stands around the checks of a stamp: its declared form, its place, and content that nobody signed.

The verification recomputes every value; a document can hold all the right values and still declare something else, or
carry more than was signed. Source: the stamp standard, sections 2.2, 3.1, 4.2, 4.4 and 5.1.
"""

import binascii
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from khatm.document.xml import CAC, CBC, EXT
from khatm.rules.findings import Finding, Severity, Stage
from khatm.rules.reading import Node, Nodes, Reading

_ECDSA: Final = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
_SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"
_C14N: Final = "http://www.w3.org/2006/12/xml-c14n11"
_XPATH: Final = "http://www.w3.org/TR/1999/REC-xpath-19991116"
_PROPERTIES_TYPE: Final = "http://www.w3.org/2000/09/xmldsig#SignatureProperties"
_EXTENSION: Final = "urn:oasis:names:specification:ubl:dsig:enveloped:xades"
_PROPERTIES_URI: Final = "#xadesSignedProperties"

_ALGORITHMS: Final = (
    (("ds:SignedInfo", "ds:CanonicalizationMethod"), _C14N),
    (("ds:SignedInfo", "ds:SignatureMethod"), _ECDSA),
    (("ds:SignedInfo", "ds:Reference", "ds:DigestMethod"), _SHA256),
)
_TRANSFORMS: Final = (
    (_XPATH, "not(//ancestor-or-self::ext:UBLExtensions)"),
    (_XPATH, "not(//ancestor-or-self::cac:Signature)"),
    (_XPATH, "not(//ancestor-or-self::cac:AdditionalDocumentReference[cbc:ID='QR'])"),
    (_C14N, ""),
)
_BINDINGS: Final = {"ext": EXT, "cac": CAC, "cbc": CBC}

_PROPERTIES: Final = ("ds:Object", "xades:QualifyingProperties", "xades:SignedProperties")
_SIGNED: Final = (*_PROPERTIES, "xades:SignedSignatureProperties")
_CERT: Final = (*_SIGNED, "xades:SigningCertificate", "xades:Cert")
_PARTS: Final = (
    ("ds:SignedInfo",),
    ("ds:SignatureValue",),
    ("ds:KeyInfo", "ds:X509Data", "ds:X509Certificate"),
    _PROPERTIES,
    (*_SIGNED, "xades:SigningTime"),
    (*_CERT, "xades:CertDigest", "ds:DigestValue"),
    (*_CERT, "xades:IssuerSerial", "ds:X509IssuerName"),
    (*_CERT, "xades:IssuerSerial", "ds:X509SerialNumber"),
)
_PLACE: Final = (
    "ext:UBLExtensions",
    "ext:UBLExtension",
    "ext:ExtensionContent",
    "sig:UBLDocumentSignatures",
    "sac:SignatureInformation",
)
_ROOM: Final = (
    (2, frozenset({"ext:ExtensionURI", "ext:ExtensionContent"})),
    (3, frozenset({"sig:UBLDocumentSignatures"})),
    (4, frozenset({"sac:SignatureInformation"})),
    (5, frozenset({"cbc:ID", "sbc:ReferencedSignatureID", "ds:Signature"})),
)
"""What may stand at each level of the stamp's extension; all of it is outside the invoice hash."""
_SIGNATURE_PARTS: Final = frozenset({"ds:SignedInfo", "ds:SignatureValue", "ds:KeyInfo", "ds:Object"})
_REFERENCE_PARTS: Final = frozenset({"cbc:ID", "cac:Attachment"})
_POINTER_PARTS: Final = frozenset({"cbc:ID", "cbc:SignatureMethod"})
_LEFT_OUT: Final = ("UBLExtensions", "Signature", "AdditionalDocumentReference")
MOST: Final = 500
"""Findings of one examination; the structure check stops at as many."""
_INITIAL: Final = 88
"""Characters of the first document's PIH: base64 of a hexadecimal text; every later one has 44."""


def examine_stamp(reading: Reading) -> list[Finding]:
    """Return what is wrong with the form of the stamp, or lies outside it unsigned; empty without a stamp.

    At most MOST of each severity, so that many warnings hide no error.
    """
    found = [*_stamp(reading), *_places(reading)]
    if len(found) <= MOST:
        return found
    errors = [each for each in found if each.severity == "error"]
    return errors[:MOST] + [each for each in found if each.severity != "error"][:MOST]


def examine_qr(reading: Reading) -> list[Finding]:
    """Return what the QR references hold besides the code; it is outside the invoice hash."""
    strangers = (each for reference in references(reading, "QR") for each in _strangers(reference, _REFERENCE_PARTS))
    return [_finding("qr", "KHATM-UNSIGNED-QR", each, severity="warning") for each in islice(strangers, MOST)]


def examine_chain(reading: Reading) -> list[Finding]:
    """Return what is wrong with the form of the previous invoice hash (KSA-13), whatever it should be."""
    found = references(reading, "PIH")
    findings = [_finding("pih", "KHATM-PIH-REPEATED", each) for each in found[1 : MOST + 1]]
    for reference in found[:1]:
        for value in reference.path("cac:Attachment", "cbc:EmbeddedDocumentBinaryObject")[:1]:
            text = value.text.strip()
            if not _hash_text(text):
                findings.append(_finding("pih", "KHATM-PIH-SHAPE", value, text))
            elif text != value.text:
                findings.append(_finding("pih", "KHATM-PIH-SHAPE", value, value.text, severity="warning"))
    return findings


def references(reading: Reading, identifier: str) -> Nodes:
    """Return the root's document references with this trimmed ID."""
    return [
        each
        for each in reading.root.all("cac:AdditionalDocumentReference")
        if any(id_.text.strip() == identifier for id_ in each.all("cbc:ID"))
    ]


def unfold(reading: Reading) -> list[Finding]:
    """Join the lines of the signature value and the QR code in the tree, and read a renamed SignedProperties.

    Neither changes what was signed: the parts are outside the invoice hash, and the digest of SignedProperties covers
    its Id. To be called once the rules have read the document, and before it is verified.
    """
    findings = []
    codes = [node for each in references(reading, "QR") for node in each.path("cac:Attachment", _OBJECT)]
    spelled: list[tuple[Stage, Nodes]] = [("signature", reading.named("ds:SignatureValue")[:1]), ("qr", codes[:1])]
    for stage, nodes in spelled:
        for node in nodes:
            joined = "".join(node.text.split())
            if not node.kids and joined != node.text.strip() and _is_base64(joined):
                for child in list(node.element):
                    node.element.remove(child)
                node.element.text = joined
                findings.append(_finding(stage, "KHATM-BASE64-LINES", node, severity="warning"))
    for signature in reading.named("ds:Signature")[:1]:
        named = [each.attribute("Id") for each in signature.path(*_PROPERTIES)]
        for reference in signature.path("ds:SignedInfo", "ds:Reference"):
            if len(named) == 1 and named[0] and reference.attribute("URI") == f"#{named[0]}":
                reference.element.set("URI", _PROPERTIES_URI)
    return findings


_OBJECT: Final = "cbc:EmbeddedDocumentBinaryObject"


def _stamp(reading: Reading) -> Iterator[Finding]:
    for signature in reading.named("ds:Signature")[:1]:
        yield from _form(signature)
        yield from _declared_references(signature)
        if tuple(_ancestors(signature)) != ("inv:Invoice", *_PLACE):
            yield _finding("signature", "KHATM-STAMP-PLACE", signature)
        yield from _around(signature)
        identifiers = Counter(reading.attribute_values("Id"))
        for node in (signature, *signature.path(*_PROPERTIES)):
            if identifiers[node.attribute("Id") or ""] > 1:
                yield _finding("signature", "KHATM-STAMP-ID", node, node.attribute("Id"))


def _form(signature: Node) -> Iterator[Finding]:
    """Yield the algorithms, parts and target that are not those of the profile."""
    methods = [(node, value) for steps, value in _ALGORITHMS for node in signature.path(*steps)]
    methods += [(node, _SHA256) for node in signature.path(*_CERT, "xades:CertDigest", "ds:DigestMethod")]
    for node, value in methods:
        if node.attribute("Algorithm") != value:
            yield _finding("signature", "KHATM-STAMP-ALGORITHM", node, node.attribute("Algorithm"))
    for steps in _PARTS:
        found = signature.path(*steps)
        if len(found) != 1:
            place = found[1] if found else signature
            yield _finding("signature", "KHATM-STAMP-PART", place, f"{len(found)} × {steps[-1]}")
    name = signature.attribute("Id")
    for holder in signature.path("ds:Object", "xades:QualifyingProperties"):
        target = (holder.attribute("Target") or "").removeprefix("#")
        if not name or target != name:
            yield _finding("signature", "KHATM-STAMP-TARGET", holder, target)


def _declared_references(signature: Node) -> Iterator[Finding]:
    """Yield the references that are not the two of the profile: the document, and SignedProperties."""
    declared = signature.path("ds:SignedInfo", "ds:Reference")
    properties = [f"#{node.attribute('Id')}" for node in signature.path(*_PROPERTIES)]
    expected = ["", *properties[:1]]
    if [each.attribute("URI") for each in declared] != expected:
        wrong = [each for each in declared if each.attribute("URI") not in expected] or declared[2:]
        place = wrong[0] if wrong else signature
        yield _finding("signature", "KHATM-STAMP-REFERENCE", place, place.attribute("URI"))
    for each in declared[1:2]:
        if each.attribute("Type") != _PROPERTIES_TYPE:
            found = each.attribute("Type")
            yield _finding("signature", "KHATM-STAMP-REFERENCE", each, found, severity="warning")
    for each in declared[:1]:
        transforms = each.path("ds:Transforms", "ds:Transform")
        wrong = [node for node, wanted in zip(transforms, _TRANSFORMS, strict=False) if not _transforms(node, *wanted)]
        wrong += transforms[len(_TRANSFORMS) :]
        if wrong or len(transforms) < len(_TRANSFORMS):
            yield _finding("signature", "KHATM-STAMP-TRANSFORM", wrong[0] if wrong else each)


def _transforms(node: Node, algorithm: str, expression: str) -> bool:
    paths = node.all("ds:XPath")
    if node.attribute("Algorithm") != algorithm or len(paths) != (1 if expression else 0):
        return False
    for path in paths:
        scope = path.element.nsmap
        bound = all(scope.get(each) == uri for each, uri in _BINDINGS.items() if f"{each}:" in expression)
        if path.text.strip() != expression or not bound:
            return False
    return True


def _around(signature: Node) -> Iterator[Finding]:
    """Yield what lies beside the signature in its own extension."""
    strangers = [*_strangers(signature, _SIGNATURE_PARTS), *signature.all("ds:Object")[1:]]
    for holder in signature.all("ds:Object"):
        strangers += _strangers(holder, frozenset({"xades:QualifyingProperties"}))
        for properties in holder.all("xades:QualifyingProperties"):
            strangers += _strangers(properties, frozenset({"xades:SignedProperties"}))
    node = signature.parent
    for _, allowed in reversed(_ROOM):
        if node is None:
            break
        strangers += _strangers(node, allowed)
        node = node.parent
    for each in strangers[:MOST]:
        yield _finding("signature", "KHATM-UNSIGNED-EXTENSION", each, severity="warning")


def _places(reading: Reading) -> Iterator[Finding]:
    """Yield elements that the hash leaves out and that are no part of the stamp, or stand elsewhere."""
    for extension in reading.root.path("ext:UBLExtensions", "ext:UBLExtension"):
        if not extension.path(*_PLACE[2:], "ds:Signature"):
            yield _finding("signature", "KHATM-UNSIGNED-EXTENSION", extension, severity="warning")
    for pointer in reading.root.all("cac:Signature"):
        for each in _strangers(pointer, _POINTER_PARTS):
            yield _finding("signature", "KHATM-UNSIGNED-SIGNATURE", each)
    for name in reading.names():
        if not name.endswith(_LEFT_OUT):
            continue
        local = name.rpartition("}")[2].rpartition(":")[2]
        if local not in _LEFT_OUT:
            continue
        for node in reading.named(name):
            if _misplaced(node, name, local):
                yield _finding("signature", "KHATM-STAMP-PLACE", node)


def _misplaced(node: Node, name: str, local: str) -> bool:
    """Whether the hash leaves this element out although it is not where the stamp puts it."""
    at_root = node.parent is not None and node.parent.parent is None
    if local == "AdditionalDocumentReference":
        left_out = any(each.text.strip() == "QR" for each in node.all("cbc:ID"))
        return left_out and not (at_root and name == "cac:AdditionalDocumentReference")
    if name == "ds:Signature":
        return False  # looked at where it is expected; more than one is a check of the verification
    return not (at_root and name in ("ext:UBLExtensions", "cac:Signature"))


def _ancestors(node: Node) -> list[str]:
    names: list[str] = []
    parent = node.parent
    while parent is not None:
        names.append(parent.name)
        parent = parent.parent
    return names[::-1]


def _strangers(node: Node, allowed: frozenset[str]) -> list[Node]:
    return [each for name, kids in node.kids.items() if name not in allowed for each in kids]


def _hash_text(text: str) -> bool:
    """Base64 of 32 bytes, or of a hexadecimal SHA-256 as in the first document of a unit."""
    if not _is_base64(text):
        return False
    raw = binascii.a2b_base64(text.encode("ascii"))
    if len(text) == _INITIAL:
        return len(raw) == 64 and all(each in b"0123456789abcdefABCDEF" for each in raw)
    return len(raw) == 32


def _is_base64(text: str) -> bool:
    try:
        binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except (binascii.Error, UnicodeEncodeError):
        return False
    return bool(text)


def _finding(
    stage: Stage, rule: str, node: Node, found: Sequence[str] | str | None = None, *, severity: Severity = "error"
) -> Finding:
    text = None if found is None else str(found)[:200]
    return Finding(rule, severity, f"{stage}:{rule}", node.location(), text)
