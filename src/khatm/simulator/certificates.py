"""The profiles of the certificates that the authority issues, as the bytes it signs, and their reading back.

The real profiles, not those of the published standard: gateway contract 2.4 and 2.5, stamp standard 2.1 and 2.2.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from khatm.clock import saudi_time
from khatm.simulator import der
from khatm.simulator.csr import (
    ALTERNATIVE_NAME,
    COMMON_NAME,
    COUNTRY,
    ORGANIZATION,
    ORGANIZATION_UNIT,
    TITLE,
    USER_ID,
)

ECDSA_SHA256 = der.sequence(der.oid("1.2.840.10045.4.3.2"))
_VERSION_3 = der.explicit(0, der.integer(2))
_BASIC_CONSTRAINTS, _KEY_USAGE, _EXTENDED_KEY_USAGE = "2.5.29.19", "2.5.29.15", "2.5.29.37"
_SUBJECT_KEY_ID, _AUTHORITY_KEY_ID = "2.5.29.14", "2.5.29.35"
_AUTHORITY_INFORMATION, _CA_ISSUERS = "1.3.6.1.5.5.7.1.1", "1.3.6.1.5.5.7.48.2"
_TEMPLATE, _APPLICATION_POLICIES = "1.3.6.1.4.1.311.21.7", "1.3.6.1.4.1.311.21.10"
_CODE_SIGNING, _CLIENT_AUTHENTICATION = der.oid("1.3.6.1.5.5.7.3.3"), der.oid("1.3.6.1.5.5.7.3.2")
_TEMPLATE_VALUE = der.sequence(
    der.oid("1.3.6.1.4.1.311.21.8.2200605.9715090.14372516.15973785.1368149.102.16683749.11944510"),
    der.integer(100),
    der.integer(18),
)
_DIGITAL_SIGNATURE = der.bit_string(b"\x80", 7)
_CERT_SIGN_AND_CRL_SIGN = der.bit_string(b"\x06", 1)
_DOMAIN_COMPONENT = "0.9.2342.19200300.100.1.25"
_PCSID_SUBJECT_ORDER = (COUNTRY, ORGANIZATION, ORGANIZATION_UNIT, COMMON_NAME)
_CCSID_YEARS = 5
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ARMOUR = re.compile(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.S)

EINVOICING_NAME = der.name([(COMMON_NAME, der.utf8("eInvoicing"))])


class Subject(Protocol):
    """What a certificate takes over from a request."""

    @property
    def subject(self) -> bytes:
        """The Name element, as sent."""
        ...

    @property
    def names(self) -> tuple[tuple[str, str], ...]:
        """The Name's attributes as (dotted type, text), in order."""
        ...

    @property
    def alternative_name(self) -> bytes:
        """The value of the subjectAltName extension, as sent."""
        ...

    @property
    def public_key(self) -> bytes:
        """SubjectPublicKeyInfo."""
        ...


@dataclass(frozen=True, slots=True)
class PcsidIssuer:
    """What one PCSID authority puts into every certificate."""

    common_name: str
    key_id: bytes
    """SHA-1 of its uncompressed point."""
    address: str
    """caIssuers: where its own certificate can be fetched."""
    prefix: int
    tail: bytes
    days: int
    ends: datetime
    """The end of its own certificate, which cuts off what it issues."""


def pcsid_issuer_name(common_name: str) -> bytes:
    """Return a PCSID issuer's Name: three IA5String domain components, then the PrintableString common name."""
    components = [(_DOMAIN_COMPONENT, der.ia5(label)) for label in ("local", "gov", "extgazt")]
    return der.name([*components, (COMMON_NAME, der.printable(common_name))])


def pcsid_serial(issuer: PcsidIssuer, request_number: int, random: bytes) -> bytes:
    """Return the 19 octets of a PCSID's serial number (stamp standard 2.2).

    `request_number` is the certification authority's own 32-bit count, not the wire's requestID; `random` is 8 bytes.
    """
    number = request_number.to_bytes(4)
    return bytes((issuer.prefix,)) + number + random + issuer.tail + number


def ccsid_tbs(request: Subject, milliseconds: int) -> bytes:
    """Return the to-be-signed part of a CCSID issued at this Unix time, which is its serial number.

    Source: stamp standard 2.1; a fifth anniversary on 29 February that does not exist falls on the 28th.
    """
    moment = _EPOCH + timedelta(milliseconds=milliseconds)
    begins = moment.replace(microsecond=0) - timedelta(seconds=5)
    day = saudi_time(moment).replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        ends = day.replace(year=day.year + _CCSID_YEARS)
    except ValueError:
        ends = day.replace(year=day.year + _CCSID_YEARS, day=28)
    return der.sequence(
        _VERSION_3,
        der.integer(milliseconds),
        ECDSA_SHA256,
        EINVOICING_NAME,
        der.sequence(der.time(begins), der.time(ends)),
        request.subject,
        request.public_key,
        _extensions(
            der.extension(_BASIC_CONSTRAINTS, der.sequence(), critical=True),
            der.extension(ALTERNATIVE_NAME, request.alternative_name),
        ),
    )


def pcsid_tbs(request: Subject, issuer: PcsidIssuer, serial: bytes, begins: datetime) -> bytes:
    """Return the to-be-signed part of a PCSID whose validity begins at this second (stamp standard 2.2).

    `serial` is the octets of the number, the first below 128.
    """
    start = begins.replace(microsecond=0)
    purposes = (_CODE_SIGNING, _CLIENT_AUTHENTICATION)
    return der.sequence(
        _VERSION_3,
        der.write(der.INTEGER, serial),
        ECDSA_SHA256,
        pcsid_issuer_name(issuer.common_name),
        der.sequence(der.time(start), der.time(min(start + timedelta(days=issuer.days), issuer.ends))),
        _pcsid_subject(request.names),
        request.public_key,
        _extensions(
            der.extension(ALTERNATIVE_NAME, request.alternative_name),
            der.extension(_SUBJECT_KEY_ID, der.octet_string(key_id(request.public_key))),
            der.extension(_AUTHORITY_KEY_ID, der.sequence(der.write(0x80, issuer.key_id))),
            der.extension(_AUTHORITY_INFORMATION, _ca_issuers(issuer.address)),
            der.extension(_KEY_USAGE, _DIGITAL_SIGNATURE, critical=True),
            der.extension(_TEMPLATE, _TEMPLATE_VALUE),
            der.extension(_EXTENDED_KEY_USAGE, der.sequence(*purposes)),
            der.extension(_APPLICATION_POLICIES, der.sequence(*(der.sequence(purpose) for purpose in purposes))),
        ),
    )


def authority_tbs(
    *,
    subject: bytes,
    issuer: bytes,
    public_key: bytes,
    issuer_key_id: bytes,
    serial: bytes,
    begins: datetime,
    ends: datetime,
    path_length: int | None,
) -> bytes:
    """Return the to-be-signed part of a certificate of the authority itself: the root or one that issues PCSIDs.

    `serial` is 16 random bytes. Source: stamp standard 2.2, last paragraph.
    """
    constraints = der.sequence(der.boolean(True), *([] if path_length is None else [der.integer(path_length)]))
    return der.sequence(
        _VERSION_3,
        der.integer(int.from_bytes(serial)),
        ECDSA_SHA256,
        issuer,
        der.sequence(der.time(begins), der.time(ends)),
        subject,
        public_key,
        _extensions(
            der.extension(_BASIC_CONSTRAINTS, constraints, critical=True),
            der.extension(_KEY_USAGE, _CERT_SIGN_AND_CRL_SIGN, critical=True),
            der.extension(_SUBJECT_KEY_ID, der.octet_string(key_id(public_key))),
            der.extension(_AUTHORITY_KEY_ID, der.sequence(der.write(0x80, issuer_key_id))),
        ),
    )


def bare_tbs(name: bytes, public_key: bytes, serial: bytes, begins: datetime, ends: datetime) -> bytes:
    """Return the to-be-signed part of a self-signed certificate without extensions, which is version 1."""
    validity = der.sequence(der.time(begins), der.time(ends))
    return der.sequence(der.integer(int.from_bytes(serial)), ECDSA_SHA256, name, validity, name, public_key)


def sign(tbs: bytes, key: ec.EllipticCurvePrivateKey, *, plain: bool = False) -> bytes:
    """Return the certificate: the to-be-signed part with its ecdsa-with-SHA256 signature.

    `plain` signs again until the octet of a SEQUENCE's tag stands only at the signature's start, on average 1.3 times.
    """
    signature = key.sign(tbs, ec.ECDSA(hashes.SHA256()))
    while plain and der.SEQUENCE in signature[1:]:
        signature = key.sign(tbs, ec.ECDSA(hashes.SHA256()))
    return der.sequence(tbs, ECDSA_SHA256, der.bit_string(signature))


def public_key_info(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return a key's SubjectPublicKeyInfo with an uncompressed point."""
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def key_id(public_key: bytes) -> bytes:
    """Return the SHA-1 of the point of a SubjectPublicKeyInfo: a key identifier (RFC 5280, 4.2.1.2)."""
    bits = der.element(public_key).children()[1].expect(der.BIT_STRING)
    return hashlib.sha1(bits.content[1:], usedforsecurity=False).digest()


def _pcsid_subject(names: tuple[tuple[str, str], ...]) -> bytes:
    return der.name(
        (kind, der.printable(text)) for kind in _PCSID_SUBJECT_ORDER for found, text in names if found == kind
    )


def _ca_issuers(address: str) -> bytes:
    return der.sequence(der.sequence(der.oid(_CA_ISSUERS), der.write(0x86, address.encode("ascii"))))


def _extensions(*extensions: bytes) -> bytes:
    return der.explicit(3, der.sequence(*extensions))


@dataclass(frozen=True, slots=True)
class IssuedCertificate:
    """A certificate with the facts that the gateway keeps about it."""

    der: bytes
    vat_number: str
    type_map: str
    not_before: datetime
    not_after: datetime

    @property
    def fingerprint(self) -> bytes:
        """SHA-256 of the DER."""
        return hashlib.sha256(self.der).digest()

    @property
    def token(self) -> str:
        """`binarySecurityToken`: base64 of base64 of DER, no line breaks (gateway contract 2.1)."""
        return base64.b64encode(base64.b64encode(self.der)).decode()


def validity(encoded: bytes) -> tuple[datetime, datetime]:
    """Return when a version 3 certificate begins and ends; der.MalformedDer if it is none."""
    tbs = der.element(encoded).expect(der.SEQUENCE).children(3)[0].expect(der.SEQUENCE).children(8)
    begins, ends = (_moment(each) for each in tbs[4].expect(der.SEQUENCE).children())
    return begins, ends


def read_issued(encoded: bytes) -> IssuedCertificate:
    """Read a CSID's certificate; der.MalformedDer if it is none."""
    begins, ends = validity(encoded)
    unit = _directory_name(der.element(encoded).children()[0].children()[-1])
    return IssuedCertificate(encoded, unit.get(USER_ID, ""), unit.get(TITLE, ""), begins, ends)


def _directory_name(extensions: der.Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for extension in der.element(extensions.content).children():
        parts = extension.children(2)
        if parts[0].oid() == ALTERNATIVE_NAME:
            for general in der.element(parts[-1].content).children():
                for relative in der.element(general.content).children():
                    kind, value = der.element(relative.content).children()
                    found.setdefault(kind.oid(), value.text())
    return found


def _moment(element: der.Element) -> datetime:
    pattern = "%y%m%d%H%M%SZ" if element.tag == der.UTC_TIME else "%Y%m%d%H%M%SZ"
    try:
        return datetime.strptime(element.content.decode("ascii"), pattern).replace(tzinfo=UTC)
    except ValueError as error:
        raise der.MalformedDer("a time that cannot be read") from error


def pem(encoded: bytes) -> str:
    """Return a certificate in PEM, 64 letters to the line."""
    text = base64.b64encode(encoded).decode()
    lines = "\n".join(text[start : start + 64] for start in range(0, len(text), 64))
    return f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"


def decode_certificate_file(data: bytes) -> bytes:
    """Return the DER of a certificate file: PEM, one-line base64, base64 of base64, or DER; ValueError otherwise."""
    if data[:1] == b"\x30":
        return data
    text = data.decode("ascii", errors="strict").strip()
    armoured = _ARMOUR.search(text)
    for _ in range(2):
        try:
            found = base64.b64decode("".join((armoured[1] if armoured else text).split()), validate=True)
        except binascii.Error as error:
            raise ValueError("neither DER nor base64 of it") from error
        if found[:1] == b"\x30":
            return found
        text, armoured = found.decode("ascii", errors="strict"), None
    raise ValueError("no certificate inside")
