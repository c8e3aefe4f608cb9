"""The canonical form of any UBL invoice, and its hash.

Source: the stamp standard, section 3.
"""

import base64
import hashlib
import re
from copy import deepcopy
from itertools import chain, islice
from typing import Final

from lxml import etree

from khatm.document.canonical import CanonicalInvoice
from khatm.document.errors import UnreadableXml
from khatm.document.xml import CBC, INV, parse, text_of
from khatm.stamp.errors import MissingElement, NotCanonical
from khatm.stamp.facts import SUPPLIER, facts_of, require_facts, sources
from khatm.stamp.source_text import Span, canonical_source, parse_plain, without_extensions

INITIAL_PIH: Final = "NWZlY2ViNjZmZmM4NmYzOGQ5NTI3ODZjNmQ2OTZjNzljMmRiYzIzOWRkNGU5MWI0NjcyOWQ3M2EyN2ZiNTdlOQ=="
"""The previous invoice hash of a unit's first document: base64 of the hexadecimal SHA-256 of the character 0."""

_ALWAYS_OUT: Final = ("{*}UBLExtensions", "{*}Signature")
_REFERENCES: Final = "{*}AdditionalDocumentReference"
_MANY: Final = 500
"""Elements. Taking out those that Python holds costs lxml time that grows with their square; a copy holds none."""
_ID: Final = f"{{{CBC}}}ID"
# Quoted parts are skipped, because a bare > may stand inside an attribute value of the canonical form.
_ROOT_START = re.compile(rb'(?:<\?.*?\?>\n)*+<[^">]*+(?:"[^"]*+"[^">]*+)*+>', re.DOTALL)


def read_canonical(xml: bytes) -> CanonicalInvoice:
    """Read an invoice's XML into canonical bytes cut where the stamp goes in; an existing stamp is left out.

    Raises UnreadableXml, NotCanonical, or MissingElement for what the stamp needs (supplier, names, totals, times).
    """
    tree, span = _unstamped(xml)
    root = tree.getroot()
    if root.tag != f"{{{INV}}}Invoice":
        raise MissingElement("Invoice (UBL 2.1) as its root element", "the stamp")
    first = sources(root)
    supplier = first.get(SUPPLIER)
    if supplier is None:
        raise MissingElement("cac:AccountingSupplierParty", "the place of the stamp")
    facts = facts_of(first)
    require_facts(facts)
    text, begin, end = span
    start = _ROOT_START.match(text, begin)
    assert start is not None  # the canonical form of a document always begins so
    cut = _supplier_place(span, supplier)
    return CanonicalInvoice(text[begin : start.end()], text[start.end() : cut], text[cut:end], facts)


def invoice_hash(xml: bytes) -> str:
    """Return the invoice hash of any XML document: base64 of SHA-256 of its canonical form without the stamp.

    Raises UnreadableXml, NotCanonical.
    """
    _, (text, begin, end) = _unstamped(xml)
    return hash_text(memoryview(text)[begin:end])


def hash_text(*canonical: bytes | memoryview) -> str:
    """Return base64 of the SHA-256 of canonical bytes, in one piece or several (44 characters)."""
    digest = hashlib.sha256()
    for piece in canonical:
        digest.update(piece)
    return base64.b64encode(digest.digest()).decode()


def _unstamped(xml: bytes) -> tuple[etree._ElementTree, Span]:
    """Return a document's canonical form without the stamp, and its tree, which may lack the lines.

    Parts of the stamp are in the tree only where they tell no fact: as children of the root.
    """
    source = without_extensions(xml)
    canonical = canonical_source(source)  # of no worth before the parser has taken the file
    try:
        tree = parse(source) if canonical is None else parse_plain(source)
    except UnreadableXml:
        tree, canonical = parse(xml), None  # raises with the places that the file has
    if canonical is None:
        remove_stamp(tree)
        text = canonicalise(tree)
        canonical = Span(text, 0, len(text))
    elif canonical.text is not source and _has_deep_parts(tree.getroot()):
        remove_stamp(tree)
    return tree, canonical


def _has_deep_parts(root: etree._Element) -> bool:
    """Whether a part of a stamp may stand inside another element, where it would count as text of that."""
    return any(each.getparent() is not root for each in root.iter(*_ALWAYS_OUT, _REFERENCES))


def without_stamp(tree: etree._ElementTree) -> etree._ElementTree:
    """Return a document without its stamp: the tree itself, changed, or a copy where much has to come out."""
    left_out = tree.getroot().iter(*_ALWAYS_OUT, _REFERENCES)
    if next(islice(chain.from_iterable(each.iter() for each in left_out), _MANY, None), None) is not None:
        tree = deepcopy(tree)
    remove_stamp(tree)
    return tree


def remove_stamp(tree: etree._ElementTree) -> None:
    """Take UBLExtensions, cac:Signature and the QR references out of a tree, keeping all text around them.

    As in the SDK the names count, not the namespaces, at any depth below the root.
    """
    root = tree.getroot()
    etree.strip_elements(root, *_ALWAYS_OUT, with_tail=False)
    for element in list(root.iter(_REFERENCES)):
        if is_qr_reference(element):  # asked last, so that removing the others cannot make another one
            _unlink(element)


def _unlink(element: etree._Element) -> None:
    """Take an element out and leave the text after it where it is; the root stays."""
    parent = element.getparent()
    if parent is None:
        return
    tail = element.tail
    if tail:
        before = element.getprevious()
        if before is not None:
            before.tail = (before.tail or "") + tail
        else:
            parent.text = (parent.text or "") + tail
    parent.remove(element)


def is_qr_reference(element: etree._Element) -> bool:
    """Return whether a document reference is the QR code's: its ID, trimmed, is QR."""
    return any(text_of(child).strip() == "QR" for child in element.iterchildren(_ID))


def canonicalise(tree: etree._ElementTree) -> bytes:
    """Return the whole document in inclusive Canonical XML without comments.

    lxml does version 1.0, which gives the same bytes as 1.1 for whole documents. Raises NotCanonical.
    """
    try:
        canonical: bytes = etree.tostring(tree, method="c14n", with_comments=False)
    except etree.LxmlError as error:
        raise NotCanonical(str(error) or "the parser gives no reason") from None
    return canonical


def _supplier_place(canonical: Span, supplier: etree._Element) -> int:
    """Find where the start tag of the root's first supplier begins in the canonical bytes."""
    text, begin, end = canonical
    prefix = f"{supplier.prefix}:" if supplier.prefix else ""
    tag = f"<{prefix}AccountingSupplierParty".encode()
    place = text.find(tag, begin)
    if text.find(tag, place + 1) < 0:
        return place
    import secrets  # takes a while to load and is needed for hardly any document

    # The text stands more than once (nested, or inside a processing instruction): mark the right one and look again.
    mark = f"khatm-{secrets.token_hex(16)}"
    tree = parse(text[begin:end])
    next(tree.getroot().iterchildren(SUPPLIER)).addprevious(etree.ProcessingInstruction(mark))
    return begin + canonicalise(tree).find(f"<?{mark}".encode())
