"""A certificate request as the authority reads it: from the received bytes, with its own eyes.

Source: gateway contract, sections 3 and 6.5; stamp standard 1.4 for the structure.
"""

import base64
import binascii
import logging
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from khatm.simulator import der
from khatm.simulator.switches import Switches

_log = logging.getLogger(__name__)

COUNTRY, ORGANIZATION, ORGANIZATION_UNIT, COMMON_NAME = "2.5.4.6", "2.5.4.10", "2.5.4.11", "2.5.4.3"
SURNAME, USER_ID, TITLE = "2.5.4.4", "0.9.2342.19200300.100.1.1", "2.5.4.12"
REGISTERED_ADDRESS, STREET_ADDRESS, BUSINESS_CATEGORY = "2.5.4.26", "2.5.4.9", "2.5.4.15"
ALTERNATIVE_NAME, TEMPLATE_NAME = "2.5.29.17", "1.3.6.1.4.1.311.20.2"

_EXTENSION_REQUEST = "1.2.840.113549.1.9.14"
_ECDSA_SHA256, _ECDSA_SHA1 = "1.2.840.10045.4.3.2", "1.2.840.10045.4.1"
_DIRECTORY_NAME = 0xA4
_ATTRIBUTES = 0xA0
_ARMOUR = re.compile(
    rb"-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----(.*?)-----END (?:NEW )?CERTIFICATE REQUEST-----", re.S
)
_VAT_NUMBER = re.compile(r"3[0-9]{13}3\Z")
_TYPE_MAP = re.compile(r"(?:1[01]|01)[01]{2}\Z")
_EGS_SERIAL = re.compile(r"1-(.+)\|2-(.+)\|3-(.+)\Z", re.S)
_TIN = re.compile(r"[0-9]{10}\Z")
_LONGEST_SERIAL = 64


class RefusedCsr(Exception):
    """A request that the authority refuses; `reason` is for the operator, the wire says only `Invalid-CSR`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SerialTooLong(RefusedCsr):
    """The EGS serial number is longer than the gateway allows; the wire has a code of its own for it."""


@dataclass(frozen=True, slots=True)
class ReceivedCsr:
    """A request that passed every check: the bytes that a certificate copies and the facts the authority keeps."""

    der: bytes
    subject: bytes
    """The Name element, as sent."""
    alternative_name: bytes
    """The value of the subjectAltName extension, as sent."""
    public_key: bytes
    """SubjectPublicKeyInfo with an uncompressed point."""
    template: str
    common_name: str
    names: tuple[tuple[str, str], ...]
    """Every attribute of the subject as (dotted type, text), in the order sent."""
    egs_serial: str
    vat_number: str
    type_map: str


def read_csr(text: str, switches: Switches) -> ReceivedCsr:
    """Read the `csr` member of a request (base64 of PEM, or of DER).

    Raises RefusedCsr, or SerialTooLong for that one cause.
    """
    return read_request(_decode(text), switches)


def read_request(encoded: bytes, switches: Switches) -> ReceivedCsr:
    """Read a request from its DER; raises as `read_csr` does."""
    try:
        return _read(encoded, switches)
    except der.MalformedDer as error:
        raise RefusedCsr(f"not a PKCS#10 request: {error}") from error


def _decode(text: str) -> bytes:
    try:
        once = base64.b64decode("".join(text.split()), validate=True)
        armoured = _ARMOUR.search(once)
        if armoured is None:
            _log.warning("a CSR without PEM armour: whether the real gateway reads base64 of DER is not known")
            return once
        return base64.b64decode(b"".join(armoured[1].split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise RefusedCsr("not base64") from error


def _read(encoded: bytes, switches: Switches) -> ReceivedCsr:
    parts = der.element(encoded).expect(der.SEQUENCE).children()
    if len(parts) != 3:
        raise RefusedCsr("a request has three parts")
    info, algorithm, signature = parts
    fields = info.expect(der.SEQUENCE).children()
    if len(fields) < 3:
        raise RefusedCsr("no version, subject or public key")
    key = _public_key(fields[2].whole, switches)
    _check_signature(key, info.whole, algorithm, signature, switches)
    subject = _attributes(fields[1])
    extensions = _extensions(fields[3:])
    unit = _unit(extensions)
    _check_subject(subject, unit[USER_ID])
    return ReceivedCsr(
        der=encoded,
        subject=fields[1].whole,
        alternative_name=extensions[ALTERNATIVE_NAME],
        public_key=key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        template=_template(extensions),
        common_name=_first(subject, COMMON_NAME),
        names=tuple(subject),
        egs_serial=unit[SURNAME],
        vat_number=unit[USER_ID],
        type_map=unit[TITLE],
    )


def _public_key(encoded: bytes, switches: Switches) -> ec.EllipticCurvePublicKey:
    try:
        key = load_der_public_key(encoded)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise RefusedCsr("a public key that cannot be read") from error
    curves: tuple[type[ec.EllipticCurve], ...] = (ec.SECP256K1,)
    if switches.csr_p256 == "accept":
        curves += (ec.SECP256R1,)
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, curves):
        raise RefusedCsr("the public key is not on secp256k1")
    return key


def _check_signature(
    key: ec.EllipticCurvePublicKey, signed: bytes, algorithm: der.Element, signature: der.Element, switches: Switches
) -> None:
    identifier = algorithm.expect(der.SEQUENCE).children()
    allowed: dict[str, hashes.HashAlgorithm] = {_ECDSA_SHA256: hashes.SHA256()}
    if switches.csr_sha1 == "accept":
        allowed[_ECDSA_SHA1] = hashes.SHA1()  # noqa: S303 - one known client signs its request so
    digest = allowed.get(identifier[0].oid() if identifier else "")
    if digest is None:
        raise RefusedCsr("the request is not signed with ECDSA and SHA-256")
    bits = signature.expect(der.BIT_STRING).content
    if bits[:1] != b"\0":
        raise RefusedCsr("a signature that is not whole octets")
    try:
        key.verify(bits[1:], signed, ec.ECDSA(digest))
    except InvalidSignature as error:
        raise RefusedCsr("the request's own signature does not verify") from error


def _attributes(name: der.Element) -> list[tuple[str, str]]:
    """Return the attributes of a Name, in order, as (dotted type, text)."""
    pairs: list[tuple[str, str]] = []
    for relative in name.expect(der.SEQUENCE).children():
        for attribute in relative.expect(der.SET).children():
            kind, value = _pair(attribute)
            pairs.append((kind.oid(), value.text()))
    return pairs


def _pair(holder: der.Element) -> tuple[der.Element, der.Element]:
    parts = holder.expect(der.SEQUENCE).children()
    if len(parts) != 2:
        raise RefusedCsr("an attribute without a value")
    return parts[0], parts[1]


def _extensions(attributes: list[der.Element]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for holder in attributes:
        for attribute in holder.expect(_ATTRIBUTES).children():
            kind, values = _pair(attribute)
            if kind.oid() == _EXTENSION_REQUEST:
                for extension in der.element(values.expect(der.SET).content).expect(der.SEQUENCE).children():
                    parts = extension.expect(der.SEQUENCE).children()
                    if len(parts) < 2:
                        raise RefusedCsr("an extension without a value")
                    found[parts[0].oid()] = parts[-1].expect(der.OCTET_STRING).content
    return found


def _template(extensions: dict[str, bytes]) -> str:
    """Return the template's name, whatever string type holds it, or the bare text that some connectors send."""
    if TEMPLATE_NAME not in extensions:
        raise RefusedCsr("no certificate template name (1.3.6.1.4.1.311.20.2)")
    value = extensions[TEMPLATE_NAME]
    try:
        return der.element(value).text()
    except der.MalformedDer:
        return value.decode("latin-1")


def _unit(extensions: dict[str, bytes]) -> dict[str, str]:
    """Return the alternative name's directory attributes by type, after checking each against section 6.5."""
    if ALTERNATIVE_NAME not in extensions:
        raise RefusedCsr("no subject alternative name")
    directory_names = [
        general
        for general in der.element(extensions[ALTERNATIVE_NAME]).expect(der.SEQUENCE).children()
        if general.tag == _DIRECTORY_NAME
    ]
    if not directory_names:
        raise RefusedCsr("no directory name in the subject alternative name")
    unit: dict[str, str] = {}
    for kind, text in _attributes(der.element(directory_names[0].content)):
        unit.setdefault(kind, text)
    serial = unit.get(SURNAME, "")
    if len(serial) > _LONGEST_SERIAL:
        raise SerialTooLong(f"an EGS serial number of {len(serial)} characters")
    parts = _EGS_SERIAL.match(serial)
    if parts is None or not all(part.strip() for part in parts.groups()):
        raise RefusedCsr("the EGS serial number is not 1-…|2-…|3-…")
    if not _VAT_NUMBER.match(unit.get(USER_ID, "")):
        raise RefusedCsr("the VAT number is not 15 digits from 3 to 3")
    if not _TYPE_MAP.match(unit.get(TITLE, "")):
        raise RefusedCsr("the invoice type map is not four digits with a 1 among the first two")
    # Some real requests carry the address as streetAddress; the authority has accepted them (6.5).
    if not (unit.get(REGISTERED_ADDRESS, "") or unit.get(STREET_ADDRESS, "")).strip():
        raise RefusedCsr("no registered address")
    if not unit.get(BUSINESS_CATEGORY, "").strip():
        raise RefusedCsr("no business category")
    return unit


def _check_subject(subject: list[tuple[str, str]], vat_number: str) -> None:
    if _first(subject, COUNTRY) != "SA":
        raise RefusedCsr("the country is not SA")
    for kind, label in ((COMMON_NAME, "common name"), (ORGANIZATION, "organization"), (ORGANIZATION_UNIT, "unit")):
        if not _first(subject, kind).strip():
            raise RefusedCsr(f"no {label} in the subject")
    if vat_number[10] == "1" and not _TIN.match(_first(subject, ORGANIZATION_UNIT)):
        raise RefusedCsr("the organization unit of a VAT group member is its 10-digit TIN")


def _first(subject: list[tuple[str, str]], kind: str) -> str:
    return next((text for found, text in subject if found == kind), "")
