"""The document under examination, read once: its bytes, its tree, its stamp, and what verification says of it."""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from lxml import etree

from khatm.document.canonical import StampFacts
from khatm.document.xml import parse
from khatm.rules.findings import Finding as RuleFinding
from khatm.rules.integrity import unfold
from khatm.rules.reading import read
from khatm.stamp import qr
from khatm.stamp.certificate import Certificate
from khatm.stamp.embedded import EmbeddedStamp, isolated_text, read_embedded
from khatm.stamp.verify import Verification, verify_tree


@dataclass(frozen=True)
class Case:
    """One document. `key_point` is the public key (65 bytes) of a private key given beside it, `other` a certificate.

    The tree is read anew for whoever changes it. `memory` keeps what takes long to find out and is asked again.
    """

    xml: bytes
    key_point: bytes | None = None
    other: Certificate | None = None
    memory: dict[str, object] = field(default_factory=dict, compare=False, repr=False)

    def tree(self) -> etree._ElementTree:
        """Return a fresh tree of the document."""
        return parse(self.xml)

    def _read(self) -> tuple[etree._ElementTree, list[RuleFinding]]:
        """Return a fresh tree as the rules read it: base64 joined, a renamed SignedProperties found."""
        tree = self.tree()
        return tree, unfold(read(tree))

    @cached_property
    def _unfolded(self) -> tuple[etree._ElementTree, list[RuleFinding]]:
        return self._read()

    @property
    def whole(self) -> etree._ElementTree:
        """The tree that nobody changes any more."""
        return self._unfolded[0]

    @property
    def folds(self) -> list[RuleFinding]:
        """What had to be unfolded to be read; the rules only warn of it."""
        return self._unfolded[1]

    @property
    def root(self) -> etree._Element:
        """The root of the unchanged tree."""
        return self.whole.getroot()

    @cached_property
    def stamp(self) -> EmbeddedStamp:
        """The parts of the stamp."""
        return read_embedded(self.root)

    @cached_property
    def verification(self) -> Verification:
        """What every check says."""
        return verify_tree(self._read()[0])

    @property
    def facts(self) -> StampFacts:
        """What the QR code should repeat."""
        return self.verification.facts

    @property
    def certificate(self) -> Certificate | None:
        """The embedded certificate, if it can be read."""
        return self.verification.certificate

    @property
    def canonical(self) -> bytes:
        """The bytes whose hash is the invoice hash."""
        return self.verification.canonical

    @property
    def invoice_hash(self) -> str:
        """The recomputed hash, base64."""
        return self.verification.invoice_hash

    @cached_property
    def properties(self) -> bytes | None:
        """The text of SignedProperties that is hashed, None if there is none."""
        element = self.stamp.signed_properties
        text = None if element is None else isolated_text(element)
        return None if text is None else text.encode("utf-8", "surrogatepass")

    @cached_property
    def qr(self) -> qr.QrContent | None:
        """The QR code as far as it can be decoded."""
        return self.verification.qr

    def failed(self, name: str) -> bool:
        """Whether a check was made and failed."""
        check = self.verification.checks.get(name)
        return check is not None and not check.passed

    def tag(self, number: int) -> bytes | None:
        """Return the value of a QR tag, None if it is not there."""
        return None if self.qr is None else self.qr.value(number)

    def points(self) -> Iterator[tuple[str, bytes]]:
        """Yield the public keys that may have signed, by the name of their source in the table of words."""
        if self.certificate is not None:
            yield "key-certificate", self.certificate.point
        if self.other is not None:
            yield "key-other-certificate", self.other.point
        if self.key_point is not None:
            yield "key-given", self.key_point
        spki = self.tag(8)
        if spki is not None and len(spki) >= 65:
            yield "key-qr", spki[-65:]
        yield "key-platform", PLATFORM


PLATFORM = bytes.fromhex(
    "0447627e3749d376f7f8cd1d4cfa1f64245f04afbc19d6ec9e1c384cd984a9a707"
    "193b6b48d69b6b7515af36a63b2ee15992f6814150f7636e630786c61a22b98e"
)
"""The public key with which the authority's sandbox stamps what it clears. Source: the stamp standard, section 7."""


def from_base64(text: str | None) -> bytes | None:
    """Decode base64, white space inside dropped; None if it is none."""
    if text is None:
        return None
    try:
        return base64.b64decode("".join(text.split()).encode("ascii"), validate=True) or None
    except (binascii.Error, UnicodeEncodeError):
        return None


def to_base64(data: bytes) -> str:
    """Encode as base64 on one line."""
    return base64.b64encode(data).decode("ascii")
