"""Certificate signing requests: from a unit's fields to the bytes that the authority expects, and back from a file.

Source: the stamp standard, sections 1.2 to 1.5.
"""

import base64
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from khatm.environment import Environment
from khatm.stamp import armor, der, keys
from khatm.stamp.csr_fields import CsrFields, CsrFinding
from khatm.stamp.csr_rules import lint
from khatm.stamp.errors import InvalidCsrFields, UnreadableCsr
from khatm.stamp.properties import read_properties

__all__ = [
    "Csr",
    "CsrFields",
    "CsrFinding",
    "build_csr",
    "lint",
    "public_point",
    "read_csr_file",
    "read_properties",
    "to_be_signed",
]

_SUBJECT = (
    ("2.5.4.6", der.PRINTABLE_STRING, "country_name"),
    ("2.5.4.11", der.UTF8_STRING, "organization_unit_name"),
    ("2.5.4.10", der.UTF8_STRING, "organization_name"),
    ("2.5.4.3", der.UTF8_STRING, "common_name"),
)
_ALTERNATIVE = (
    ("2.5.4.4", der.UTF8_STRING, "serial_number"),
    ("0.9.2342.19200300.100.1.1", der.UTF8_STRING, "organization_identifier"),
    ("2.5.4.12", der.UTF8_STRING, "invoice_type"),
    ("2.5.4.26", der.UTF8_STRING, "location_address"),
    ("2.5.4.15", der.UTF8_STRING, "industry_business_category"),
)
_EXTENSION_REQUEST = "1.2.840.113549.1.9.14"
_TEMPLATE_NAME = "1.3.6.1.4.1.311.20.2"
_SUBJECT_ALTERNATIVE_NAME = "2.5.29.17"
_ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2"
_DIRECTORY_NAME = 0xA4


@dataclass(frozen=True, slots=True)
class Csr:
    """A certificate signing request in DER; `tbs` is its to-be-signed part."""

    der: bytes
    tbs: bytes

    @property
    def pem(self) -> bytes:
        """PEM with LF and a final line feed."""
        return armor.pem("CERTIFICATE REQUEST", self.der)

    @property
    def api_text(self) -> str:
        """The gateway's `csr` member, also the SDK's default file: base64 of the whole PEM text, one line."""
        return base64.b64encode(self.pem).decode()


def build_csr(fields: CsrFields, environment: Environment, key: ec.EllipticCurvePrivateKey) -> Csr:
    """Make the CSR of a unit for an environment, signed with its key.

    Raises InvalidCsrFields with every error of the linter; warnings do not stop it.
    """
    errors = [finding for finding in lint(fields) if finding.severity == "error"]
    if errors:
        raise InvalidCsrFields(errors)
    tbs = to_be_signed(fields, environment, keys.public_key_info(key))
    signature = key.sign(tbs, ec.ECDSA(hashes.SHA256()))
    encoded = der.write(
        der.SEQUENCE,
        tbs,
        der.write(der.SEQUENCE, der.write_oid(_ECDSA_WITH_SHA256)),
        der.write(der.BIT_STRING, b"\x00", signature),
    )
    return Csr(encoded, tbs)


def to_be_signed(fields: CsrFields, environment: Environment, spki: bytes) -> bytes:
    """Return the CertificationRequestInfo in DER for a public key given as SubjectPublicKeyInfo."""
    template = der.write(der.UTF8_STRING, environment.csr_template.encode())
    alternative = der.write(der.SEQUENCE, der.write(_DIRECTORY_NAME, _name(fields, _ALTERNATIVE)))
    extensions = der.write(
        der.SEQUENCE,
        _extension(_TEMPLATE_NAME, template),
        _extension(_SUBJECT_ALTERNATIVE_NAME, alternative),
    )
    request = der.write(der.SEQUENCE, der.write_oid(_EXTENSION_REQUEST), der.write(der.SET, extensions))
    version = der.write(der.INTEGER, b"\x00")
    return der.write(der.SEQUENCE, version, _name(fields, _SUBJECT), spki, der.write(0xA0, request))


def read_csr_file(data: bytes) -> Csr:
    """Read a CSR from PEM, base64 of PEM (LF or CRLF inside), base64 of DER, or DER.

    Raises UnreadableCsr.
    """
    try:
        blocks = armor.der_blocks(data)
        encoded = next((block[1] for block in blocks if "REQUEST" in block[0]), blocks[0][1])
        tbs = der.read(encoded).expect(der.SEQUENCE).children(3)[0].expect(der.SEQUENCE)
        version, subject = tbs.children(4)[:2]
        subject.expect(der.SEQUENCE)
        if version.integer != 0:
            raise der.MalformedDer("a key or certificate instead of a CSR")
    except ValueError as error:
        raise UnreadableCsr(str(error)) from None
    return Csr(encoded, tbs.encoded)


def _name(fields: CsrFields, attributes: tuple[tuple[str, int, str], ...]) -> bytes:
    """Encode a Name of one attribute per RDN."""
    rdns = []
    for oid, string_type, field in attributes:
        value: str = getattr(fields, field)
        pair = der.write(der.SEQUENCE, der.write_oid(oid), der.write(string_type, value.encode()))
        rdns.append(der.write(der.SET, pair))
    return der.write(der.SEQUENCE, *rdns)


def _extension(oid: str, value: bytes) -> bytes:
    return der.write(der.SEQUENCE, der.write_oid(oid), der.write(der.OCTET_STRING, value))


def public_point(csr: bytes) -> bytes:
    """Return the public key (65 bytes on secp256k1) that a CSR in any text form asks a certificate for.

    Raises UnreadableCsr.
    """
    try:
        information = der.read(read_csr_file(csr).tbs).expect(der.SEQUENCE).children(3)
        return information[2].expect(der.SEQUENCE).children(2)[1].bits
    except der.MalformedDer as error:
        raise UnreadableCsr(str(error)) from None
