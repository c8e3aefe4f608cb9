"""What clearance does to a standard document: the platform's stamp goes in, the rest stays as it came.

Source: gateway contract, section 8.3; stamp standard, sections 4 and 7.
"""

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final, Protocol
from xml.sax.saxutils import escape

from khatm.clock import saudi_time
from khatm.document.canonical import StampFacts
from khatm.document.xml import CAC, CBC, EXT, parse
from khatm.simulator.splice import Places, find_places
from khatm.stamp import qr, template
from khatm.stamp.canonical import canonicalise, hash_text, remove_stamp
from khatm.stamp.certificate import Certificate
from khatm.stamp.facts import read_facts

_NAMESPACES: Final = {"ext": EXT, "cac": CAC, "cbc": CBC}
_EXTENSIONS_PREFIXES: Final = ("ext", "cbc")
_REFERENCE_PREFIXES: Final = ("cac", "cbc")
_PLACE: Final = re.compile("(@TIME@|@HASH@|@SIG@|@SPD@)")


class PlatformKey(Protocol):
    """The authority's stamping key."""

    def sign(self, digest: bytes) -> bytes:
        """Sign the 32 bytes that the curve operation itself runs on; return ECDSA in DER."""
        ...


@dataclass(frozen=True, slots=True)
class Unstamped:
    """What the clearance stamp repeats of the document: its invoice hash and the QR code's facts."""

    document_hash: str
    """Base64 of 32 bytes."""
    facts: StampFacts


def clear(
    document: bytes | Places,
    *,
    platform: PlatformKey,
    certificate: Certificate,
    at: datetime,
    unstamped: Unstamped | None = None,
) -> bytes:
    """Return the cleared document: `document` with the platform's stamp in place of any that it had.

    `certificate` is embedded: the platform's own, under which the stamp verifies, or as the sandbox does the
    caller's, under which it does not. `at` is the aware moment of clearance; the stamp holds it as Saudi time.
    A document cut at its places, and `unstamped`, spare reading it again when an examination has done so.
    Raises UnclearableDocument for a document without a supplier, which no examination lets through.
    """
    places = document if isinstance(document, Places) else find_places(document)
    if unstamped is None:
        unstamped = read_unstamped(b"".join((places.head, places.body, places.tail)))
    digest = base64.b64decode(unstamped.document_hash)
    signature = base64.b64encode(platform.sign(hashlib.sha256(digest).digest())).decode()
    time = saudi_time(at).strftime("%Y-%m-%dT%H:%M:%S")
    texts = _texts(certificate)
    properties = texts.signed_properties.replace("@TIME@", time)
    values = {
        "@TIME@": time,
        "@HASH@": unstamped.document_hash,
        "@SIG@": signature,
        "@SPD@": _base64_of_hex(properties.encode()),
    }
    extensions = "".join([values.get(each, each) for each in texts.extensions])
    reference = template.QR_REFERENCE.replace("@QR@", _qr_text(unstamped, signature, certificate))
    return b"".join(
        (
            places.head,
            _declaring(extensions, _EXTENSIONS_PREFIXES, places.unbound).encode(),
            places.body,
            _declaring(reference, _REFERENCE_PREFIXES, places.unbound).encode(),
            _declaring(template.CAC_SIGNATURE, _REFERENCE_PREFIXES, places.unbound).encode(),
            places.tail,
        )
    )


def read_unstamped(xml: bytes) -> Unstamped:
    """Read from a document what its clearance stamp will repeat."""
    tree = parse(xml)
    facts = read_facts(tree.getroot())
    remove_stamp(tree)
    return Unstamped(hash_text(canonicalise(tree)), facts)


def _qr_text(unstamped: Unstamped, signature: str, certificate: Certificate) -> str:
    """Return the QR code of a cleared document: tags 1 to 8, never the certificate's signature (8.3)."""
    facts = unstamped.facts
    texts = (
        facts.seller_name,
        facts.vat_number,
        f"{facts.issue_date}T{facts.issue_time}",
        facts.payable,
        facts.vat_total,
        unstamped.document_hash,
        signature,
    )
    values = [*(text.encode() for text in texts), certificate.spki]
    return qr.encode(enumerate(values, start=1))


def _declaring(text: str, prefixes: tuple[str, ...], unbound: frozenset[str]) -> str:
    """Declare on a part's own element the prefixes that the document's root does not bind."""
    missing = [prefix for prefix in prefixes if prefix in unbound]
    if not missing:
        return text
    declarations = "".join(f' xmlns:{prefix}="{_NAMESPACES[prefix]}"' for prefix in missing)
    start, bracket, rest = text.partition(">")
    return start + declarations + bracket + rest


@dataclass(frozen=True, slots=True)
class _CertificateTexts:
    """The stamp's texts with everything filled in that depends on the certificate only."""

    extensions: tuple[str, ...]
    """Text and places by turns."""
    signed_properties: str


@lru_cache(maxsize=64)
def _texts(certificate: Certificate) -> _CertificateTexts:
    extensions, properties = template.EXTENSIONS, template.SIGNED_PROPERTIES
    values = {
        "@CERT@": certificate.text,
        "@CDIG@": _base64_of_hex(certificate.text.encode()),
        "@ISS@": escape(certificate.issuer_name),
        "@SER@": str(certificate.serial_number),
    }
    for place, value in values.items():
        extensions, properties = extensions.replace(place, value), properties.replace(place, value)
    return _CertificateTexts(tuple(_PLACE.split(extensions)), properties)


def _base64_of_hex(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).hexdigest().encode()).decode()
