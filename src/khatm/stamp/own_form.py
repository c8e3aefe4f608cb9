"""Checking a stamped file that has the very form we write: every check of `verify`, in a third of its time.

The stamp's bytes are compared with the template of a certificate instead of being parsed; what is left is parsed and
canonicalised once more, so the invoice hash is recomputed and not believed. Whatever is not exactly as expected gives
None, and `verify` then says what it is. Source: the stamp standard, sections 3, 4.2 to 4.5 and 5.1.
"""

import base64
import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from lxml import etree

from khatm.document.canonical import StampFacts
from khatm.document.xml import parse
from khatm.errors import KhatmError
from khatm.stamp import curve, qr
from khatm.stamp.canonical import canonicalise
from khatm.stamp.certificate import Certificate, read_certificate
from khatm.stamp.errors import UnreadableCertificate
from khatm.stamp.facts import read_facts
from khatm.stamp.frame import DECLARATION, QR_AFTER, QR_BEFORE, SIGNATURE, frame_of, properties_digest, undeclared
from khatm.stamp.source_text import canonical_source, mentions_stamp
from khatm.stamp.verify_qr import expected_tags

_TIME: Final = re.compile(rb"[0-9T:.Z+-]{10,40}")
_LONGEST_HEAD: Final = 4096
_LONGEST_CERTIFICATE: Final = 16_384
"""Bytes of a root start tag and of a certificate's text; both are kept for the next document."""
_CERTIFICATE: Final = (b"<ds:X509Certificate>", b"</ds:X509Certificate>")


@dataclass(frozen=True, slots=True)
class OwnForm:
    """A stamped file in pieces: `canonical` is what is left without the stamp, the rest are the stamp's values."""

    canonical: bytes
    digest_value: bytes
    properties_digest: bytes
    signature_value: bytes
    signing_time: bytes
    qr_text: bytes


@dataclass(frozen=True, slots=True)
class Checked:
    """A document all of whose checks passed: its canonical bytes, its hash, and what it says."""

    canonical: bytes
    invoice_hash: str
    facts: StampFacts


def check(xml: bytes, certificate: Certificate, *, point: bytes | None = None) -> Checked | None:
    """Make every check of `verify` on a file of our own form stamped under a certificate; None if one may fail.

    `point` is the public key (65 bytes) that made the signature where it is not the certificate's.
    """
    form = cut(xml, certificate)
    if form is None:
        return None
    try:
        tree = parse(form.canonical)
        if not _is_canonical(tree, form.canonical):
            return None
    except KhatmError:
        return None
    facts = read_facts(tree.getroot())
    digest = hashlib.sha256(form.canonical).digest()
    invoice_hash = base64.b64encode(digest)
    if form.digest_value != invoice_hash or not _signed(form, certificate, point, digest):
        return None
    tags = expected_tags(facts, invoice_hash.decode(), form.signature_value.decode(), certificate, has_last=False)
    if qr.encode((tag, value or b"") for tag, value in tags.items()).encode() != form.qr_text:
        return None
    return Checked(form.canonical, invoice_hash.decode(), facts)


def cut(xml: bytes, certificate: Certificate) -> OwnForm | None:
    """Take a file apart at the places of the template; None if any byte of the stamp's template is not there."""
    head_end = xml.find(b">", len(DECLARATION), _LONGEST_HEAD) + 1
    head = xml[len(DECLARATION) : head_end]
    if not xml.startswith(DECLARATION) or b"<" not in head or undeclared(head):
        return None
    frame = frame_of(certificate)
    pieces = (frame.before_hash, frame.before_properties_digest, frame.before_signature, frame.before_time)
    values, at = [], head_end
    for piece in pieces:
        if not xml.startswith(piece, at):
            return None
        begin = at + len(piece)
        at = xml.find(b"<", begin)
        values.append(xml[begin:at])
    if not xml.startswith(frame.after_time, at) or not _TIME.fullmatch(values[3]):
        return None
    body = at + len(frame.after_time)
    reference = xml.find(QR_BEFORE, body)
    text = reference + len(QR_BEFORE)
    tail = xml.find(b"<", text)
    qr_text, after = xml[text:tail], QR_AFTER + SIGNATURE + b"<"
    if reference < 0 or tail < 0 or not xml.startswith(after, tail):
        return None
    tail += len(after) - 1
    canonical = b"".join((xml[len(DECLARATION) : head_end], xml[body:reference], xml[tail:]))
    digest, properties, signature, time = values
    return OwnForm(canonical, digest, properties, signature, time, qr_text)


def rest_of_cleared(xml: bytes) -> bytes | None:
    """Return the bytes that are left of a cleared copy without the authority's stamp, if that has the template's form.

    Where they equal a document's canonical bytes, the copy has its hash; otherwise, and where this is None, the parser
    has to look at it. The authority's certificate is the one in the copy, and its signature is not judged (the gateway
    contract 8.3).
    """
    begin, end = (xml.find(mark) for mark in _CERTIFICATE)
    known = 0 <= begin < end < begin + _LONGEST_CERTIFICATE
    certificate = _certificate(xml[begin + len(_CERTIFICATE[0]) : end]) if known else None
    form = None if certificate is None else cut(xml, certificate)
    return None if form is None else form.canonical


@lru_cache(maxsize=64)
def _certificate(text: bytes) -> Certificate | None:
    try:
        return read_certificate(text)
    except UnreadableCertificate:
        return None


def _is_canonical(tree: etree._ElementTree, text: bytes) -> bool:
    """Whether a parsed text is canonical and has no part of a stamp."""
    return canonical_source(text) == (text, 0, len(text)) or (not mentions_stamp(text) and canonicalise(tree) == text)


def _signed(form: OwnForm, certificate: Certificate, point: bytes | None, digest: bytes) -> bool:
    """Check the signature over the recomputed hash, and the digest of the signed properties."""
    if form.properties_digest != properties_digest(frame_of(certificate), form.signing_time):
        return False
    if certificate.curve != "secp256k1":
        return False
    try:
        signature = base64.b64decode(form.signature_value, validate=True)
    except ValueError:
        return False
    return curve.verify(point or certificate.point, hashlib.sha256(digest).digest(), signature)
