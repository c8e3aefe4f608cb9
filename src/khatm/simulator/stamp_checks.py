"""Whether a document's cryptographic stamp is right: required on simplified ones, checked where present on others.

Source: gateway contract, sections 5.2 and 8.2 step 6 (f), the switches of 14.1; stamp standard, section 6.1.
"""

import base64
import binascii
from collections.abc import Callable, Iterator
from typing import Final

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from khatm.simulator import messages
from khatm.simulator.messages import WireMessage
from khatm.simulator.outline import Outline
from khatm.simulator.switches import Switches
from khatm.stamp.verify import Verification

_ECDSA_SHA256: Final = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"


def stamp_findings(
    verification: Verification, outline: Outline, switches: Switches, known_certificate: Callable[[bytes], bool]
) -> Iterator[WireMessage]:
    """Yield what is wrong with the stamp; `known_certificate` tells a CSID of the caller's from others by its DER."""
    if outline.signatures > 1 or outline.signature_references > 1:
        yield messages.SIGNATURE_INVALID  # which of them would count is not to be guessed
        return
    if not outline.signatures:
        if verification.facts.simplified:
            yield messages.SIGNATURE_INVALID
        return
    if outline.signature_method != _ECDSA_SHA256:
        yield messages.SIGNATURE_METHOD
    if _fails(verification, "invoice_digest"):
        yield messages.HASH_DIFFERS  # the contract names no other code for a hash that is not the document's
    if not _signature_holds(verification, switches):
        yield messages.SIGNATURE_INVALID
    if switches.stamp_digests:
        if _fails(verification, "certificate_digest"):
            yield messages.CERTIFICATE_HASHING
        if _fails(verification, "signed_properties_digest"):
            yield messages.SIGNED_PROPERTIES_HASHING
    if outline.certificates > 1:
        yield messages.INVALID_CERTIFICATE
        return
    yield from _certificate_findings(verification, switches, known_certificate)


def _certificate_findings(
    verification: Verification, switches: Switches, known_certificate: Callable[[bytes], bool]
) -> Iterator[WireMessage]:
    certificate = verification.certificate
    if certificate is None:
        yield messages.INVALID_CERTIFICATE
        return
    # The digest over the embedded text is the certificate's own only if that text is plain base64 on one line, as
    # the authority's verifier wants it; other forms of a certificate are readable, but not to the gateway.
    embedded_digest = verification.checks["certificate_digest"].expected
    if embedded_digest != certificate.digest or not certificate.vat_number:
        yield messages.INVALID_CERTIFICATE
    if switches.stamp_digests and (_fails(verification, "issuer_name") or _fails(verification, "serial_number")):
        yield messages.CERTIFICATE_ISSUER_NAME
    if switches.unknown_signing_certificate == "warning" and not known_certificate(certificate.der):
        yield messages.INVALID_SIGNING_CERTIFICATE


def _signature_holds(verification: Verification, switches: Switches) -> bool:
    """Tell whether SignatureValue is right: under the certificate's key, or where that is not asked, in form only.

    An unreadable certificate has a message of its own, so the form is all that is asked then too.
    """
    if switches.signature_key_check and verification.certificate is not None:
        return not _fails(verification, "signature_value")
    try:
        r, s = decode_dss_signature(base64.b64decode(verification.signature_value or "", validate=True))
    except (binascii.Error, ValueError):
        return False
    return r > 0 and s > 0


def _fails(verification: Verification, check: str) -> bool:
    return not verification.checks[check].passed
