"""Khatm's own ways of doing what the benchmarks measure."""

from typing import Any

from benchmarks.invoices import FIRST_PREVIOUS_HASH, SIGNING_TIME, UUID, Identity
from khatm.document.arithmetic import compute
from khatm.document.canonical import CanonicalInvoice
from khatm.document.model import read_document
from khatm.document.writer import DECLARATION, ChainPlace, unstamped_xml, write
from khatm.document.xml import parse
from khatm.stamp.canonical import canonicalise, read_canonical, remove_stamp
from khatm.stamp.certificate import read_certificate
from khatm.stamp.signers import FileSigner, Signer
from khatm.stamp.xades import stamp

_PLACE = ChainPlace(UUID, 1, FIRST_PREVIOUS_HASH)


def signer_of(identity: Identity) -> Signer:
    """The key file signer that the command line uses, with libsecp256k1 where it has a wheel."""
    return FileSigner(identity.key, read_certificate(identity.certificate_der))


def canonical_of(document: dict[str, Any]) -> CanonicalInvoice:
    """Authoring data to canonical bytes: read and check every field, compute every total, write."""
    return write(compute(read_document(document)), _PLACE)


def unstamped_of(document: dict[str, Any]) -> bytes:
    """The invoice as a file without a stamp."""
    return unstamped_xml(canonical_of(document))


def author_and_stamp(document: dict[str, Any], signer: Signer) -> bytes:
    """Authoring data to the stamped document, in memory."""
    return stamp(canonical_of(document), signer, SIGNING_TIME).xml


def stamp_existing(xml: bytes, signer: Signer) -> bytes:
    """An existing XML to the stamped document: parse, hash, XAdES, QR, self-check."""
    return stamp(read_canonical(xml), signer, SIGNING_TIME).xml


def without_stamp(xml: bytes) -> bytes:
    """A stamped file as it was before: the white space between elements stays."""
    tree = parse(xml)
    remove_stamp(tree)
    return DECLARATION + canonicalise(tree)
