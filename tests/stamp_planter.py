"""A stamper made of hashlib, lxml and cryptography alone, each of whose steps can be done wrong.

It shares nothing with the product's stamp, so that a mistake planted here is the vendor's mistake and not our idea of
it. The texts of the stamp come from the vectors (`templates`).
"""

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree

from tests import stamp_vectors

Records = list[tuple[int, bytes]]
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
SUPPLIER = b"<cac:AccountingSupplierParty>"
CERTIFICATE = stamp_vectors.file("certificates/own-pcsid-en.der")
OTHER_CERTIFICATE = stamp_vectors.file("certificates/own-ccsid-en.der")


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def b64_hex(data: bytes) -> str:
    """Base64 of the hexadecimal SHA-256, the form of the two XAdES digests."""
    return b64(sha(data).hex().encode())


def canonical(xml: bytes, **options: bool) -> bytes:
    """Inclusive canonical XML of an unsigned document."""
    tree = etree.fromstring(xml).getroottree()
    return bytes(etree.tostring(tree, **{"method": "c14n", "with_comments": False, **options}))  # type: ignore[call-overload]


def private_key(name: str = "egs") -> ec.EllipticCurvePrivateKey:
    scalar = int.from_bytes(stamp_vectors.key_scalar(name), "big")
    return ec.derive_private_key(scalar, ec.SECP256K1())


def ecdsa(message: bytes, key: str = "egs") -> bytes:
    """An ordinary ECDSA-SHA256 signature over a message: DER, low s, always the same."""
    algorithm = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
    r, s = decode_dss_signature(private_key(key).sign(message, algorithm))
    return encode_dss_signature(r, min(s, ORDER - s))


def tlv(records: Records) -> bytes:
    return b"".join(bytes([tag, len(value)]) + value for tag, value in records)


def ber(records: Records) -> bytes:
    """Records with the long form of lengths above 127."""
    return b"".join(
        bytes([tag, len(value)] if len(value) < 128 else [tag, 0x81, len(value)]) + value for tag, value in records
    )


def one_line(certificate: bytes) -> str:
    return b64(certificate)


def issuer(certificate: bytes) -> str:
    """The issuer's parts from the last encoded to the first, joined by a comma and a blank."""
    names = {"2.5.4.3": "CN", "0.9.2342.19200300.100.1.25": "DC"}
    parts = [
        f"{names[each.oid.dotted_string]}={each.value}" for each in x509.load_der_x509_certificate(certificate).issuer
    ]
    return ", ".join(reversed(parts))


def serial(certificate: bytes) -> int:
    return x509.load_der_x509_certificate(certificate).serial_number


def spki(certificate: bytes) -> bytes:
    key = x509.load_der_x509_certificate(certificate).public_key()
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@dataclass(frozen=True)
class Stamper:
    """The steps of stamping in the order in which they are done; each may be replaced by a wrong one.

    `hashed` turns the document into the bytes that are hashed, `digest` writes a hash into DigestValue, `message`
    is what is signed, `signature` how the DER signature is written. `properties` turns the right text of
    SignedProperties into the text that is hashed, and `properties_digest` writes its digest. `records` changes the QR
    code's records, `code` writes them. `block` changes the stamp's text, `finish` the finished file.
    """

    document: bytes = field(default_factory=lambda: stamp_vectors.file("unsigned/simplified-invoice.xml"))
    key: str = "egs"
    certificate: bytes = CERTIFICATE
    time: str = "2026-01-15T12:30:06"
    hashed: Callable[[bytes], bytes] = canonical
    digest: Callable[[bytes], str] = b64
    message: Callable[[bytes], bytes] = lambda invoice_hash: invoice_hash
    signature: Callable[[bytes], str] = b64
    embedded: Callable[[bytes], str] = one_line
    certificate_digest: Callable[[bytes], str] = lambda der: b64_hex(b64(der).encode())
    issuer: Callable[[bytes], str] = issuer
    serial: Callable[[bytes], str] = lambda der: str(serial(der))
    properties: Callable[[str], str] = lambda text: text
    properties_digest: Callable[[bytes], str] = b64_hex
    records: Callable[[Records], Records] = lambda records: records
    code: Callable[[Records], str] = lambda records: b64(tlv(records))
    block: Callable[[str], str] = lambda text: text
    around: tuple[bytes, bytes] = (b"", b"")
    """White space before and behind each of the three elements."""
    finish: Callable[[bytes], bytes] = lambda xml: xml

    def but(self, **steps: object) -> "Stamper":
        return replace(self, **steps)  # type: ignore[arg-type]

    def stamped(self) -> bytes:
        """The file."""
        document = canonical_source(self.document)
        invoice_hash = sha(self.hashed(document))
        digest = self.digest(invoice_hash)
        signature = self.signature(ecdsa(self.message(invoice_hash), self.key))
        templates = stamp_vectors.vectors()["templates"]
        values = {
            "@TIME@": self.time,
            "@CDIG@": self.certificate_digest(self.certificate),
            "@ISS@": self.issuer(self.certificate),
            "@SER@": self.serial(self.certificate),
        }
        text = self.properties(_filled(templates["signed_properties_hashed"], values))
        values |= {"@HASH@": digest, "@SIG@": signature, "@CERT@": self.embedded(self.certificate)}
        values["@SPD@"] = self.properties_digest(text.encode())
        extensions = self.block(_filled(templates["extensions"], values)).encode()
        code = self.code(self.records(self._right(document, digest, signature)))
        reference = _filled(templates["qr_reference"], {"@QR@": code}).encode()
        before, behind = self.around
        parts = [before + part + behind for part in (extensions, reference, templates["cac_signature"].encode())]
        start = re.search(rb"<Invoice[^>]*>", document)
        assert start is not None
        place = document.index(SUPPLIER)
        head, body, tail = document[: start.end()], document[start.end() : place], document[place:]
        declaration = b'<?xml version="1.0" encoding="UTF-8"?>\n'
        return self.finish(b"".join((declaration, head, parts[0], body, parts[1], parts[2], tail)))

    def _right(self, document: bytes, digest: str, signature: str) -> Records:
        certificate = x509.load_der_x509_certificate(self.certificate)
        return [
            *basic_records(document),
            (6, digest.encode()),
            (7, signature.encode()),
            (8, spki(self.certificate)),
            (9, certificate.signature),
        ]


def basic_records(document: bytes) -> Records:
    """Tags 1 to 5, read from the document with plain XPath."""
    root = etree.fromstring(document)
    names = {"cac": root.nsmap["cac"], "cbc": root.nsmap["cbc"]}

    def one(path: str) -> bytes:
        found = root.xpath(path, namespaces=names)
        return str(found[0].text).encode()  # type: ignore[index,union-attr]

    moment = one("cbc:IssueDate") + b"T" + one("cbc:IssueTime")
    return [
        (1, one("cac:AccountingSupplierParty//cac:PartyLegalEntity/cbc:RegistrationName")),
        (2, one("cac:AccountingSupplierParty//cac:PartyTaxScheme/cbc:CompanyID")),
        (3, moment),
        (4, one("cac:LegalMonetaryTotal/cbc:PayableAmount")),
        (5, one("cac:TaxTotal/cbc:TaxAmount")),
    ]


def canonical_source(xml: bytes) -> bytes:
    """The document's text without its declaration, comments kept, so that pieces can be put in between."""
    return re.sub(rb"^<\?xml[^>]*\?>\s*", b"", xml)


def _filled(template: str, values: dict[str, str]) -> str:
    for place, value in values.items():
        template = template.replace(place, value.replace("&", "&amp;").replace("<", "&lt;"))
    return template
