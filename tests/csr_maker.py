"""Makes certificate requests for tests of the authority: right ones, and broken ones that no good builder would make.

It stands on `cryptography` and on nothing of the product, so that the authority is not tested with its own eyes.
"""

import base64
from dataclasses import dataclass, field, replace

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID, ObjectIdentifier

TEMPLATES = {
    "sandbox": "TSTZATCA-Code-Signing",
    "simulation": "PREZATCA-Code-Signing",
    "production": "ZATCA-Code-Signing",
}
_SUBJECT = {
    "C": NameOID.COUNTRY_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "CN": NameOID.COMMON_NAME,
    "L": NameOID.LOCALITY_NAME,
    "2.5.4.97": ObjectIdentifier("2.5.4.97"),
}
_UNIT = {
    "SN": NameOID.SURNAME,
    "UID": NameOID.USER_ID,
    "title": NameOID.TITLE,
    "registeredAddress": ObjectIdentifier("2.5.4.26"),
    "street": NameOID.STREET_ADDRESS,
    "businessCategory": NameOID.BUSINESS_CATEGORY,
}


@dataclass(frozen=True)
class CsrRecipe:
    """What goes into a request; a value of None leaves the attribute out."""

    subject: dict[str, str | None] = field(
        default_factory=lambda: {"C": "SA", "OU": "Riyadh Branch", "O": "Khatm Test Est", "CN": "TST-1"}
    )
    unit: dict[str, str | None] = field(
        default_factory=lambda: {
            "SN": "1-KHATM|2-POS|3-0001",
            "UID": "310123456700003",
            "title": "1100",
            "registeredAddress": "RRRD2929",
            "businessCategory": "Retail",
        }
    )
    template: bytes | None = b"\x0c\x15PREZATCA-Code-Signing"
    """The extension's value, DER or not; None leaves the extension out."""
    curve: ec.EllipticCurve = field(default_factory=ec.SECP256K1)
    digest: hashes.HashAlgorithm = field(default_factory=hashes.SHA256)
    with_alternative_name: bool = True

    def for_unit(self, environment: str, vat_number: str, type_map: str) -> "CsrRecipe":
        """The same for another environment, taxpayer and map."""
        text = TEMPLATES[environment].encode()
        return replace(
            self,
            unit=self.unit | {"UID": vat_number, "title": type_map},
            template=bytes((0x0C, len(text))) + text,
        )


def make_csr(recipe: CsrRecipe, key: ec.EllipticCurvePrivateKey | None = None) -> bytes:
    """Return the request in PEM, signed with a key that is made if none is given."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(_name(recipe.subject, _SUBJECT))
    if recipe.template is not None:
        extension = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.311.20.2"), recipe.template)
        builder = builder.add_extension(extension, critical=False)
    if recipe.with_alternative_name:
        names = x509.SubjectAlternativeName([x509.DirectoryName(_name(recipe.unit, _UNIT))])
        builder = builder.add_extension(names, critical=False)
    signed = builder.sign(key or ec.generate_private_key(recipe.curve), recipe.digest)
    return signed.public_bytes(Encoding.PEM)


def csr_member(pem: bytes) -> str:
    """Return the `csr` member of a request: base64 of the whole PEM text."""
    return base64.b64encode(pem).decode()


def _name(values: dict[str, str | None], types: dict[str, ObjectIdentifier]) -> x509.Name:
    return x509.Name(
        x509.NameAttribute(
            types[name],
            text,
            _type=_ASN1Type.PrintableString if name == "C" else _ASN1Type.UTF8String,
            _validate=False,
        )
        for name, text in values.items()
        if text is not None
    )
