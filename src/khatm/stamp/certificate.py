"""Certificates (CCSID and PCSID): reading them from every form they travel in, with the texts that the stamp repeats.

Source: the stamp standard, sections 2.3 and 2.4.
"""

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from khatm.stamp import armor, der
from khatm.stamp.errors import UnreadableCertificate
from khatm.stamp.keys import curve_of

_ISSUER_TYPES = {
    "2.5.4.3": "CN",
    "0.9.2342.19200300.100.1.25": "DC",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
}
_STRING_TYPES = {
    0x0C: ("UTF8String", "utf-8"),
    0x13: ("PrintableString", "ascii"),
    0x14: ("TeletexString", "latin-1"),
    0x16: ("IA5String", "ascii"),
    0x1C: ("UniversalString", "utf-32-be"),
    0x1E: ("BMPString", "utf-16-be"),
}
_MAX_SERIAL = 64
"""Octets of a serial number; RFC 5280 allows 20, section 4.1.2.2."""
_SUBJECT_ALTERNATIVE_NAME = "2.5.29.17"
_DIRECTORY_NAME = 0xA4
_QUOTED_BY_JAVA = frozenset(',+"\\<>;=\n')


class Attribute(NamedTuple):
    """One attribute of a name: dotted type, the name of its string type, its value."""

    oid: str
    string_type: str
    value: str


@dataclass(frozen=True, slots=True, eq=False)
class Certificate:
    """A certificate with everything that the stamp, the QR code and the screens need of it.

    `text` is base64 of the DER on one line, `digest` base64 of the hexadecimal SHA-256 of that text, `spki` the
    SubjectPublicKeyInfo in DER, `point` its key bytes, `curve` the kind of key, `signature` the issuer's signature,
    `alternative` the directory name of the subject alternative name, `extensions` pairs of dotted type and critical.
    """

    der: bytes
    text: str
    digest: str
    tbs: bytes
    issuer_name: str
    serial_number: int
    spki: bytes
    point: bytes
    curve: str
    signature: bytes
    not_before: datetime
    not_after: datetime
    subject: tuple[Attribute, ...]
    alternative: tuple[Attribute, ...]
    extensions: tuple[tuple[str, bool], ...]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Certificate) and other.der == self.der

    def __hash__(self) -> int:
        return hash(self.der)

    @property
    def common_name(self) -> str:
        """CN of the subject, empty if absent."""
        return _value(self.subject, "2.5.4.3")

    @property
    def organization(self) -> str:
        """O of the subject, empty if absent."""
        return _value(self.subject, "2.5.4.10")

    @property
    def organization_unit(self) -> str:
        """OU of the subject, empty if absent."""
        return _value(self.subject, "2.5.4.11")

    @property
    def country(self) -> str:
        """C of the subject, empty if absent."""
        return _value(self.subject, "2.5.4.6")

    @property
    def egs_serial(self) -> str:
        """The unit's serial number `1-…|2-…|3-…` (attribute 2.5.4.4 of the alternative name), empty if absent."""
        return _value(self.alternative, "2.5.4.4")

    @property
    def vat_number(self) -> str:
        """The VAT number (UID of the alternative name), empty if absent."""
        return _value(self.alternative, "0.9.2342.19200300.100.1.1")

    @property
    def invoice_types(self) -> str:
        """The type map, four digits TSCZ (title of the alternative name), empty if absent."""
        return _value(self.alternative, "2.5.4.12")

    @property
    def address(self) -> str:
        """The registered address of the alternative name, empty if absent."""
        return _value(self.alternative, "2.5.4.26")

    @property
    def business_category(self) -> str:
        """The business category of the alternative name, empty if absent."""
        return _value(self.alternative, "2.5.4.15")

    @property
    def token(self) -> str:
        """The certificate as the gateway's binarySecurityToken: base64 of the one-line base64 text."""
        return base64.b64encode(self.text.encode()).decode()

    @property
    def pem(self) -> bytes:
        """The certificate as PEM."""
        return armor.pem("CERTIFICATE", self.der)


def read_certificate(data: bytes | str) -> Certificate:
    """Read a certificate from PEM, DER, base64 (one line or broken), or a binarySecurityToken.

    Raises UnreadableCertificate.
    """
    try:
        blocks = armor.der_blocks(data)
        encoded = next((block[1] for block in blocks if "CERTIFICATE" in block[0]), blocks[0][1])
        return _certificate(encoded)
    except ValueError as error:  # NoDer, MalformedDer, and numbers or dates out of range
        raise UnreadableCertificate(str(error)) from None


def decode_token(token: str) -> str:
    """Decode a binarySecurityToken once: the one-line base64 text of the certificate.

    Raises UnreadableCertificate for a token that is not base64 of such a text.
    """
    try:
        text = base64.b64decode("".join(token.split()), validate=True).decode("ascii")
        base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        raise UnreadableCertificate("a token that is not base64 of base64 text") from None
    return "".join(text.split())


def _certificate(encoded: bytes) -> Certificate:
    outer = der.read(encoded).expect(der.SEQUENCE).children(3)
    tbs = outer[0].expect(der.SEQUENCE)
    parts = tbs.children(6)
    if parts[0].tag == 0xA0:  # the version; v1 certificates have none
        parts = parts[1:]
    serial, _, issuer, validity, subject, spki = parts[:6]
    if len(serial.content) > _MAX_SERIAL:
        raise der.MalformedDer(f"a serial number of {len(serial.content)} octets")
    not_before, not_after = validity.expect(der.SEQUENCE).children(2)[:2]
    key = spki.expect(der.SEQUENCE).children(2)
    extensions, alternative = _extensions(parts[6:])
    text = base64.b64encode(encoded)
    return Certificate(
        der=encoded,
        text=text.decode(),
        digest=base64.b64encode(hashlib.sha256(text).hexdigest().encode()).decode(),
        tbs=tbs.encoded,
        issuer_name=_issuer_text(issuer),
        serial_number=serial.integer,
        spki=spki.encoded,
        point=key[1].bits,
        curve=curve_of(key[0].expect(der.SEQUENCE)),
        signature=outer[2].bits,
        not_before=_time(not_before),
        not_after=_time(not_after),
        subject=tuple(attribute for rdn in _name(subject) for attribute in rdn),
        alternative=alternative,
        extensions=extensions,
    )


def _extensions(optional: list[der.Element]) -> tuple[tuple[tuple[str, bool], ...], tuple[Attribute, ...]]:
    listed: list[tuple[str, bool]] = []
    alternative: tuple[Attribute, ...] = ()
    for extension in (e for part in optional if part.tag == 0xA3 for e in part.children(1)[0]):
        fields = extension.expect(der.SEQUENCE).children(2)
        kind, value = fields[0].oid, fields[-1].expect(der.OCTET_STRING)
        listed.append((kind, len(fields) > 2 and fields[1].content == b"\xff"))
        if kind == _SUBJECT_ALTERNATIVE_NAME:
            for name in der.read(value.content):
                if name.tag == _DIRECTORY_NAME:
                    rdns = _name(name.children(1)[0])
                    alternative = tuple(attribute for rdn in rdns for attribute in rdn)
    return tuple(listed), alternative


def _name(name: der.Element) -> list[list[Attribute]]:
    return [[_attribute(pair) for pair in rdn.expect(der.SET)] for rdn in name.expect(der.SEQUENCE)]


def _attribute(pair: der.Element) -> Attribute:
    kind, value = pair.expect(der.SEQUENCE).children(2)[:2]
    string_type, encoding = _STRING_TYPES.get(value.tag, (f"tag {value.tag:#04x}", "latin-1"))
    return Attribute(kind.oid, string_type, value.content.decode(encoding, "replace"))


def _issuer_text(issuer: der.Element) -> str:
    """Write a name as Java's X500Name prints it: last RDN first, comma and blank between, quoted where needed."""
    return ", ".join("+".join(_typed(attribute) for attribute in rdn) for rdn in reversed(_name(issuer)))


def _typed(attribute: Attribute) -> str:
    value = attribute.value
    if value != value.strip(" ") or not _QUOTED_BY_JAVA.isdisjoint(value):
        value = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{_ISSUER_TYPES.get(attribute.oid, 'OID.' + attribute.oid)}={value}"


def _time(element: der.Element) -> datetime:
    """Read a time in the only form that RFC 5280, section 4.1.2.5, allows: to the second, in UTC."""
    text = element.content.decode("ascii")
    digits = {der.UTC_TIME: 2, der.GENERALIZED_TIME: 4}.get(element.tag, 0)
    if not digits or len(text) != digits + len("mmddHHMMSSZ") or text[-1] != "Z" or not text[:-1].isdecimal():
        raise der.MalformedDer("a validity that is no time")
    year = int(text[:digits])
    if element.tag == der.UTC_TIME:
        year += 1900 if year >= 50 else 2000
    month, day, hour, minute, second = (int(text[at : at + 2]) for at in range(digits, len(text) - 1, 2))
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


def _value(attributes: tuple[Attribute, ...], oid: str) -> str:
    return next((attribute.value for attribute in attributes if attribute.oid == oid), "")
