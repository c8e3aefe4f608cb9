"""The doctor names the mistake that was planted, by a stamper that shares nothing with the product."""

import base64
import hashlib
import html
import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from khatm.doctor.document import Examination, examine
from khatm.doctor.findings import Finding
from khatm.document.errors import UnreadableXml
from khatm.stamp.verify import verify
from tests import stamp_vectors
from tests.stamp_planter import (
    CERTIFICATE,
    ORDER,
    OTHER_CERTIFICATE,
    Records,
    Stamper,
    b64,
    b64_hex,
    ber,
    canonical,
    ecdsa,
    issuer,
    private_key,
    serial,
    sha,
    tlv,
)

GOOD = Stamper()
DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'


def errors(found: Examination) -> list[str]:
    return [each.code for each in found.findings if each.severity == "error"]


def test_planter_stamps_right_when_nothing_is_planted() -> None:
    found = examine(GOOD.stamped())
    assert found.sound
    assert [each.code for each in found.findings] == []
    assert not found.forms


def commented(xml: bytes) -> bytes:
    return xml.replace(b"<cbc:ProfileID>", b"<!-- till 4 --><cbc:ProfileID>", 1)


def minified(xml: bytes) -> bytes:
    return re.sub(rb">\s+<", b"><", xml)


def indented(xml: bytes) -> bytes:
    tree = etree.fromstring(xml).getroottree()
    etree.indent(tree, "  ")
    return bytes(etree.tostring(tree, encoding="UTF-8"))


def c14n2(xml: bytes) -> bytes:
    return etree.canonicalize(xml.decode()).encode()


def raw_pair(signature: bytes) -> str:
    r, s = decode_dss_signature(signature)
    return b64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def high(signature: bytes) -> str:
    r, s = decode_dss_signature(signature)
    return b64(encode_dss_signature(r, max(s, ORDER - s)))


def hashed_once(stamper: Stamper) -> Callable[[bytes], str]:
    """A signature whose curve operation runs on the invoice hash itself."""
    digest = sha(canonical(stamper.document))
    made = private_key().sign(digest, ec.ECDSA(Prehashed(hashes.SHA256())))
    return lambda _: b64(made)


def tag(number: int, change: Callable[[bytes], bytes]) -> Callable[[Records], Records]:
    return lambda records: [(each, change(value) if each == number else value) for each, value in records]


def text(change: Callable[[str], str]) -> Callable[[bytes], bytes]:
    return lambda value: change(value.decode()).encode()


def dedent(properties: str) -> str:
    """The lines of SignedProperties moved to the left by twelve blanks."""
    return properties.replace("\n" + " " * 12, "\n")


def signed_info(xml: bytes) -> bytes:
    element = etree.fromstring(xml).find(".//{*}SignedInfo")
    assert element is not None
    return bytes(etree.tostring(element, method="c14n", exclusive=True, with_tail=False))


def over_signed_info(xml: bytes) -> bytes:
    """The file with a signature over its SignedInfo, as XML signature has it."""
    signature = b64(ecdsa(signed_info(xml)))
    old = re.search(rb"<ds:SignatureValue>([^<]*)<", xml)
    assert old is not None
    code = re.search(rb'mimeCode="text/plain">([^<]{200,})<', xml)
    assert code is not None
    records = base64.b64decode(code[1])
    new_records = records.replace(bytes([7, len(old[1])]) + old[1], bytes([7, len(signature)]) + signature.encode())
    return xml.replace(old[1], signature.encode()).replace(code[1], base64.b64encode(new_records))


def characters(records: Records) -> str:
    """Lengths that count characters."""
    out = b""
    for number, value in records:
        size = len(value.decode()) if number <= 7 else len(value)
        out += bytes([number, size]) + value
    return b64(out)


def without_blanks_of_stamp(xml: bytes) -> bytes:
    return re.sub(rb"\s+(?=<cac:AccountingSupplierParty>)", b"", canonical(xml))


LONG_NAME = Stamper(document=stamp_vectors.file("unsigned/long-name.xml"))
ROUNDED = Stamper(document=stamp_vectors.file("unsigned/simplified-rounding.xml"))
DOLLARS = Stamper(document=stamp_vectors.file("unsigned/simplified-usd.xml"))
ROOT_EXT = b' xmlns:ext="urn:oasis:names:specification:ubl:schema:xsd:CommonExtensionComponents-2"'
SIGNATURE_ELEMENT = stamp_vectors.vectors()["templates"]["cac_signature"].encode()
PEM = x509.load_der_x509_certificate(CERTIFICATE).public_bytes(Encoding.PEM)
NAME = dict(GOOD._right(GOOD.document, "", ""))[1].decode()

PLANTED: dict[str, tuple[str, Stamper]] = {
    # the invoice hash
    "comments hashed": (
        "DOCTOR-HASH-COMMENTS",
        GOOD.but(document=commented(GOOD.document), hashed=lambda xml: canonical(xml, with_comments=True)),
    ),
    "minified when hashed": ("DOCTOR-HASH-REINDENTED", GOOD.but(hashed=lambda xml: canonical(minified(xml)))),
    "indented after signing": (
        "DOCTOR-HASH-REINDENTED",
        GOOD.but(document=DECLARATION + minified(canonical(GOOD.document)), finish=lambda xml: indented(xml)),  # noqa: PLW0108 - defined below,
    ),
    "line breaks around the stamp": ("DOCTOR-HASH-STAMP-BLANKS", GOOD.but(around=(b"\n    ", b""))),
    "line breaks behind the stamp": ("DOCTOR-HASH-STAMP-BLANKS", GOOD.but(around=(b"", b"\n"))),
    "cac:Signature hashed": (
        "DOCTOR-HASH-STAMP-LEFT-IN",
        GOOD.but(
            hashed=lambda xml: canonical(
                xml.replace(b"<cac:AccountingSupplierParty>", SIGNATURE_ELEMENT + b"<cac:AccountingSupplierParty>")
            )
        ),
    ),
    "declaration hashed": ("DOCTOR-HASH-DECLARATION", GOOD.but(hashed=lambda xml: DECLARATION + canonical(xml))),
    "CRLF hashed": (
        "DOCTOR-HASH-LINE-ENDS",
        GOOD.but(hashed=lambda xml: canonical(xml).replace(b"\n", b"\r\n")),
    ),
    "exclusive canonical form": (
        "DOCTOR-HASH-METHOD",
        GOOD.but(
            document=GOOD.document.replace(b"<Invoice ", b'<Invoice xmlns:unused="urn:u" ', 1),
            hashed=lambda xml: canonical(xml, exclusive=True),
        ),
    ),
    "canonical XML 2.0": ("DOCTOR-HASH-METHOD", GOOD.but(hashed=c14n2)),
    "final line feed hashed": ("DOCTOR-HASH-FINAL-NEWLINE", GOOD.but(hashed=lambda xml: canonical(xml) + b"\n")),
    "byte order mark hashed": ("DOCTOR-HASH-BOM", GOOD.but(hashed=lambda xml: b"\xef\xbb\xbf" + canonical(xml))),
    "UTF-16 hashed": (
        "DOCTOR-HASH-ENCODING",
        GOOD.but(hashed=lambda xml: canonical(xml).decode().encode("utf-16-le")),
    ),
    "no canonical form": (
        "DOCTOR-HASH-NOT-CANONICAL",
        GOOD.but(
            document=GOOD.document.replace(b"<cbc:ProfileID>reporting", b"<cbc:ProfileID  >reporting", 1),
            hashed=lambda xml: xml,
        ),
    ),
    "Unicode composed before hashing": (
        "DOCTOR-HASH-UNICODE",
        GOOD.but(
            document=GOOD.document.replace("شارع".encode(), "شا\u0627\u0653رع".encode(), 1),
            hashed=lambda xml: unicodedata.normalize("NFC", canonical(xml).decode()).encode(),
        ),
    ),
    "namespace declared after hashing": (
        "DOCTOR-HASH-NAMESPACE",
        GOOD.but(hashed=lambda xml: canonical(xml).replace(ROOT_EXT, b"", 1)),
    ),
    "namespace dropped after hashing": (
        "DOCTOR-HASH-NAMESPACE",
        GOOD.but(
            document=GOOD.document.replace(
                b"<Invoice ", b'<Invoice xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
            ),
            finish=lambda xml: xml.replace(b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"', b""),
        ),
    ),
    "hash of the hash": ("DOCTOR-HASH-TWICE", GOOD.but(digest=lambda value: b64(sha(value)))),
    "hash in hexadecimal": ("DOCTOR-HASH-FORM", GOOD.but(digest=lambda value: value.hex())),
    "hash as base64 of hexadecimal": ("DOCTOR-HASH-FORM", GOOD.but(digest=lambda value: b64(value.hex().encode()))),
    "PIH in the place of the hash": (
        "DOCTOR-HASH-IS-PIH",
        GOOD.but(digest=lambda _: stamp_vectors.vectors()["constants"]["initial_pih"]),
    ),
    "time changed after signing": (
        "DOCTOR-EDITED-FIELD",
        GOOD.but(finish=lambda xml: xml.replace(b"<cbc:IssueTime>09:30:05<", b"<cbc:IssueTime>09:31:05<")),
    ),
    "total changed after signing": (
        "DOCTOR-EDITED-FIELD",
        GOOD.but(finish=lambda xml: re.sub(rb"(PayableAmount[^>]*>)115.00<", rb"\g<1>116.00<", xml)),
    ),
    "number changed after signing": (
        "DOCTOR-EDITED-AFTER-SIGNING",
        GOOD.but(finish=lambda xml: xml.replace(b"<cbc:ID>KH-S-0001<", b"<cbc:ID>KH-S-0007<")),
    ),
    "stale digest": (
        "DOCTOR-DIGEST-STALE",
        GOOD.but(
            block=lambda block: block.replace(b64(sha(canonical(GOOD.document))), b64(sha(b"an earlier version")))
        ),
    ),
    "SHA-512 in the place of SHA-256": (
        "DOCTOR-HASH-ALGORITHM",
        GOOD.but(digest=lambda _: b64(hashlib.sha512(canonical(GOOD.document)).digest())),
    ),
    "hash and signature of another document": (
        "DOCTOR-HASH-UNEXPLAINED",
        GOOD.but(digest=lambda _: b64(sha(b"another document")), message=lambda _: b"a third one"),
    ),
    "signature of another document": (
        "DOCTOR-SIGNATURE-OTHER-DOCUMENT",
        GOOD.but(digest=lambda _: b64(sha(b"another document")), message=lambda _: b"a third one"),
    ),
    "no digest": (
        "DOCTOR-VALUE-MISSING",
        GOOD.but(block=lambda block: re.sub(r"<ds:DigestValue>[^<]*</ds:DigestValue>", "", block, count=1)),
    ),
    "relative namespace": (
        "DOCTOR-NOT-CANONICAL",
        GOOD.but(finish=lambda xml: xml.replace(b"<cbc:ProfileID>", b'<cbc:ProfileID xmlns:r="relative">')),
    ),
    "placeholder digest": ("DOCTOR-VALUE-PLACEHOLDER", GOOD.but(digest=lambda _: "SET_DIGEST_VALUE")),
    # SignedProperties
    "properties without namespaces": (
        "DOCTOR-PROPERTIES-EMBEDDED",
        GOOD.but(properties=lambda value: re.sub(r' xmlns:\w+="[^"]*"', "", value)),
    ),
    "properties in exclusive canonical form": (
        "DOCTOR-PROPERTIES-METHOD",
        GOOD.but(
            properties=lambda value: re.sub(
                r"<ds:DigestMethod([^>]*)/>", r"<ds:DigestMethod\1></ds:DigestMethod>", value
            )
        ),
    ),
    "properties minified when hashed": (
        "DOCTOR-PROPERTIES-REINDENTED",
        GOOD.but(properties=lambda value: re.sub(r">\s+<", "><", value)),
    ),
    "properties indented otherwise when hashed": ("DOCTOR-PROPERTIES-REINDENTED", GOOD.but(properties=dedent)),
    "properties digest raw": ("DOCTOR-PROPERTIES-FORM", GOOD.but(properties_digest=lambda value: b64(sha(value)))),
    "signing time an hour off": (
        "DOCTOR-PROPERTIES-TIME",
        GOOD.but(properties=lambda value: value.replace("T12:30:06", "T11:28:41")),
    ),
    "signing time with Z when hashed": (
        "DOCTOR-PROPERTIES-TIME",
        GOOD.but(properties=lambda value: value.replace("T12:30:06", "T12:30:06Z")),
    ),
    "issuer changed after hashing": (
        "DOCTOR-PROPERTIES-VALUE",
        GOOD.but(
            issuer=lambda _: "CN=Nobody", properties=lambda value: value.replace("CN=Nobody", issuer(CERTIFICATE))
        ),
    ),
    "both namespaces on the root": (
        "DOCTOR-PROPERTIES-NAMESPACES",
        GOOD.but(
            properties=lambda value: value.replace(' xmlns:ds="http://www.w3.org/2000/09/xmldsig#"', "").replace(
                ' Id="xades', ' xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Id="xades'
            )
        ),
    ),
    "properties with CRLF": (
        "DOCTOR-PROPERTIES-LINE-ENDS",
        GOOD.but(properties=lambda value: value.replace("\n", "\r\n")),
    ),
    "comment in the properties": (
        "DOCTOR-PROPERTIES-COMMENT",
        GOOD.but(block=lambda block: block.replace("<xades:SigningTime>", "<!-- now --><xades:SigningTime>")),
    ),
    "properties of another document": (
        "DOCTOR-PROPERTIES-UNEXPLAINED",
        GOOD.but(properties=lambda value: value + "something else"),
    ),
    # the certificate in the stamp
    "certificate digest over DER": ("DOCTOR-CERTIFICATE-DIGEST-DER", GOOD.but(certificate_digest=b64_hex)),
    "certificate digest raw": (
        "DOCTOR-CERTIFICATE-DIGEST-FORM",
        GOOD.but(certificate_digest=lambda der: b64(sha(b64(der).encode()))),
    ),
    "certificate digest over PEM": (
        "DOCTOR-CERTIFICATE-DIGEST-TEXT",
        GOOD.but(certificate_digest=lambda _: b64_hex(PEM)),
    ),
    "certificate digest of another": (
        "DOCTOR-CERTIFICATE-DIGEST-OTHER",
        GOOD.but(certificate_digest=lambda _: b64_hex(b64(OTHER_CERTIFICATE).encode())),
    ),
    "certificate in lines": (
        "DOCTOR-CERTIFICATE-LINES",
        GOOD.but(
            embedded=lambda der: base64.encodebytes(der).decode().strip(),
            certificate_digest=lambda der: b64_hex(base64.encodebytes(der).strip()),
        ),
    ),
    "certificate as PEM": ("DOCTOR-CERTIFICATE-ARMOUR", GOOD.but(embedded=lambda _: PEM.decode())),
    "token in the place of the certificate": (
        "DOCTOR-CERTIFICATE-ARMOUR",
        GOOD.but(embedded=lambda der: b64(b64(der).encode())),
    ),
    "certificate unreadable": ("DOCTOR-CERTIFICATE-UNREADABLE", GOOD.but(embedded=lambda der: b64(der[:300]))),
    "another certificate described": (
        "DOCTOR-CERTIFICATE-SWAPPED",
        GOOD.but(
            certificate_digest=lambda _: b64_hex(b64(OTHER_CERTIFICATE).encode()),
            issuer=lambda _: "CN=eInvoicing",
            serial=lambda _: str(serial(OTHER_CERTIFICATE)),
        ),
    ),
    "issuer in encoded order": (
        "DOCTOR-ISSUER-ORDER",
        GOOD.but(issuer=lambda der: ", ".join(reversed(issuer(der).split(", ")))),
    ),
    "issuer without blanks": ("DOCTOR-ISSUER-BLANKS", GOOD.but(issuer=lambda der: issuer(der).replace(", ", ","))),
    "issuer with slashes": (
        "DOCTOR-ISSUER-FORM",
        GOOD.but(issuer=lambda der: "/" + "/".join(reversed(issuer(der).split(", ")))),
    ),
    "issuer is the subject": (
        "DOCTOR-ISSUER-SUBJECT",
        GOOD.but(
            issuer=lambda der: (
                f"CN={x509.load_der_x509_certificate(der).subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value}"
            )
        ),
    ),
    "issuer of somebody else": ("DOCTOR-ISSUER-OTHER", GOOD.but(issuer=lambda _: "CN=PRZEINVOICESCA9-CA, DC=local")),
    "serial in hexadecimal": ("DOCTOR-SERIAL-FORM", GOOD.but(serial=lambda der: f"{serial(der):X}")),
    "serial in floating point": ("DOCTOR-SERIAL-FLOAT", GOOD.but(serial=lambda der: f"{float(serial(der)):.0f}")),
    "serial of another": ("DOCTOR-SERIAL-OTHER", GOOD.but(serial=lambda _: "12345")),
    "placeholder block": (
        "DOCTOR-XADES-SAMPLE",
        GOOD.but(
            certificate_digest=lambda _: sha(b"somebody's certificate").hex(),
            issuer=lambda _: "CN=CommonName,O=GAZT,L=Katowice,ST=Silesia,C=PL",
            serial=lambda _: "15007377309689649296",
            properties_digest=lambda _: sha(b"somebody's properties").hex(),
        ),
    ),
    "issuer in small letters": ("DOCTOR-ISSUER-FORM", GOOD.but(issuer=lambda der: issuer(der).replace("DC", "dc"))),
    "issuer by OpenSSL's names": (
        "DOCTOR-ISSUER-FORM",
        GOOD.but(issuer=lambda der: issuer(der).replace("DC=", "domainComponent=").replace("CN=", "commonName=")),
    ),
    "issuer's common name only": ("DOCTOR-ISSUER-FORM", GOOD.but(issuer=lambda _: "PEZEINVOICESCA2-CA")),
    "issuer empty": ("DOCTOR-VALUE-PLACEHOLDER", GOOD.but(issuer=lambda _: "")),
    "serial empty": ("DOCTOR-VALUE-PLACEHOLDER", GOOD.but(serial=lambda _: "")),
    "serial in base64": ("DOCTOR-SERIAL-FORM", GOOD.but(serial=lambda der: b64(serial(der).to_bytes(19, "big")))),
    "serial in pairs": (
        "DOCTOR-SERIAL-FORM",
        GOOD.but(serial=lambda der: serial(der).to_bytes(19, "big").hex(":")),
    ),
    "serial in groups": ("DOCTOR-SERIAL-FORM", GOOD.but(serial=lambda der: f"{serial(der):,}")),
    "serial read in reverse": (
        "DOCTOR-SERIAL-FORM",
        GOOD.but(serial=lambda der: str(int.from_bytes(serial(der).to_bytes(19, "big"), "little"))),
    ),
    "serial with an exponent": ("DOCTOR-SERIAL-FLOAT", GOOD.but(serial=lambda der: f"{float(serial(der)):.15E}")),
    "certificate digest by SHA-1": (
        "DOCTOR-HASH-ALGORITHM",
        GOOD.but(certificate_digest=lambda der: b64(hashlib.sha1(b64(der).encode()).digest())),
    ),
    "certificate digest in capitals": (
        "DOCTOR-CERTIFICATE-DIGEST-FORM",
        GOOD.but(certificate_digest=lambda der: b64(sha(b64(der).encode()).hex().upper().encode())),
    ),
    "certificate digest empty": ("DOCTOR-VALUE-PLACEHOLDER", GOOD.but(certificate_digest=lambda _: "")),
    "hash in base64 twice": ("DOCTOR-HASH-FORM", GOOD.but(digest=lambda value: b64(b64(value).encode()))),
    "hash in the alphabet of addresses": (
        "DOCTOR-HASH-FORM",
        GOOD.but(digest=lambda value: base64.urlsafe_b64encode(value).decode().rstrip("=")),
    ),
    "properties digest by SHA-1": (
        "DOCTOR-HASH-ALGORITHM",
        GOOD.but(properties_digest=lambda text_: b64(hashlib.sha1(text_).digest())),
    ),
    "properties digest missing": (
        "DOCTOR-VALUE-MISSING",
        GOOD.but(
            block=lambda block: re.sub(
                r'(Type="[^"]*" URI="#xadesSignedProperties">.*?)<ds:DigestValue>[^<]*</ds:DigestValue>',
                r"\1",
                block,
                flags=re.DOTALL,
            )
        ),
    ),
    "properties digest not filled in": (
        "DOCTOR-VALUE-PLACEHOLDER",
        GOOD.but(properties_digest=lambda _: "SET_SIGNED_PROPERTIES_HASH"),
    ),
    "properties minified and raw": (
        "DOCTOR-PROPERTIES-FORM",
        GOOD.but(
            properties=lambda value: re.sub(r">\s+<", "><", value), properties_digest=lambda value: b64(sha(value))
        ),
    ),
    "properties printed with a blank before />": (
        "DOCTOR-PROPERTIES-METHOD",
        GOOD.but(properties=lambda value: value.replace("/>", " />")),
    ),
    "signature empty": ("DOCTOR-VALUE-PLACEHOLDER", GOOD.but(signature=lambda _: "")),
    "certificate empty": ("DOCTOR-VALUE-PLACEHOLDER", GOOD.but(embedded=lambda _: "")),
    # the signature
    "hashed once": ("DOCTOR-SIGNATURE-HASHED-ONCE", GOOD.but(signature=hashed_once(GOOD))),
    "hashed thrice": ("DOCTOR-SIGNATURE-HASHED-THRICE", GOOD.but(message=sha)),
    "signed the base64 text": ("DOCTOR-SIGNATURE-OVER-TEXT", GOOD.but(message=lambda value: b64(value).encode())),
    "signed the hexadecimal text": ("DOCTOR-SIGNATURE-OVER-TEXT", GOOD.but(message=lambda value: value.hex().encode())),
    "signed SignedInfo": ("DOCTOR-SIGNATURE-OVER-SIGNEDINFO", GOOD.but(finish=over_signed_info)),
    "signed the PIH": (
        "DOCTOR-SIGNATURE-OTHER-MESSAGE",
        GOOD.but(message=lambda _: base64.b64decode(stamp_vectors.vectors()["constants"]["initial_pih"])),
    ),
    "raw r and s": ("DOCTOR-SIGNATURE-RAW", GOOD.but(signature=raw_pair)),
    "signature in hexadecimal": (
        "DOCTOR-SIGNATURE-FORM",
        GOOD.but(signature=lambda value: value.hex(), code=lambda records: b64(ber(records))),
    ),
    "signature cut": ("DOCTOR-SIGNATURE-UNREADABLE", GOOD.but(signature=lambda value: b64(value[:50]))),
    "signature changed afterwards": (
        "DOCTOR-SIGNATURE-DAMAGED",
        GOOD.but(finish=lambda xml: re.sub(rb"(<ds:SignatureValue>.{30}).", rb"\1A", xml)),
    ),
    "another key": ("DOCTOR-SIGNATURE-OTHER-KEY", GOOD.but(key="egs-2")),
    # parts
    "stamp twice": (
        "DOCTOR-PART-REPEATED",
        GOOD.but(finish=lambda xml: xml.replace(SIGNATURE_ELEMENT, SIGNATURE_ELEMENT * 2)),
    ),
    "no cac:Signature": ("DOCTOR-PART-MISSING", GOOD.but(finish=lambda xml: xml.replace(SIGNATURE_ELEMENT, b""))),
    # the QR code
    "QR empty": ("DOCTOR-QR-EMPTY", GOOD.but(code=lambda _: "")),
    "QR placeholder": ("DOCTOR-VALUE-PLACEHOLDER", GOOD.but(code=lambda _: "SET_QR_CODE_DATA")),
    "QR in hexadecimal": ("DOCTOR-QR-ENCODING", GOOD.but(code=lambda records: tlv(records).hex())),
    "QR in base64 twice": ("DOCTOR-QR-ENCODING", GOOD.but(code=lambda records: b64(b64(tlv(records)).encode()))),
    "QR percent-encoded": (
        "DOCTOR-QR-ENCODING",
        GOOD.but(code=lambda records: b64(tlv(records)).replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")),
    ),
    "QR of values": ("DOCTOR-QR-NOT-BASE64", GOOD.but(code=lambda records: f"{NAME}|310123456700003")),
    "QR cut": ("DOCTOR-QR-TRUNCATED", GOOD.but(code=lambda records: b64(tlv(records)[:-20]))),
    "plain length above 127": ("DOCTOR-QR-LENGTH-PLAIN", LONG_NAME),
    "length in characters": ("DOCTOR-QR-LENGTH-CHARACTERS", GOOD.but(code=characters)),
    "tags in falling order": ("DOCTOR-QR-ORDER", GOOD.but(records=lambda records: records[::-1])),
    "tag twice": ("DOCTOR-QR-TAG-REPEATED", GOOD.but(records=lambda records: [*records, records[-1]])),
    "five tags only": ("DOCTOR-QR-TAG-MISSING", GOOD.but(records=lambda records: [*records[:5]])),
    "tag left out": ("DOCTOR-QR-TAG-MISSING", GOOD.but(records=lambda records: records[:3] + records[4:])),
    "QR of another document": (
        "DOCTOR-QR-OTHER-DOCUMENT",
        GOOD.but(records=lambda _: ROUNDED._right(ROUNDED.document, *other_hash_and_signature())),
    ),
    "name with blanks": (
        "DOCTOR-QR-NAME-SPELLING",
        GOOD.but(records=tag(1, lambda value: value.replace(b" ", b"  ", 1))),
    ),
    "name escaped": ("DOCTOR-QR-NAME-SPELLING", GOOD.but(records=tag(1, text(html.escape)))),
    "name in windows-1256": (
        "DOCTOR-QR-NAME-SPELLING",
        GOOD.but(records=tag(1, lambda value: value.decode().encode("cp1256"))),
    ),
    "name of somebody else": ("DOCTOR-QR-VALUE-OTHER", GOOD.but(records=tag(1, lambda _: b"Other"))),
    "CRN in the place of the VAT number": ("DOCTOR-QR-OTHER-FIELD", GOOD.but(records=tag(2, lambda _: b"1010203040"))),
    "time in UTC": ("DOCTOR-QR-TIME-ZONE", GOOD.but(records=tag(3, lambda _: b"2026-01-15T06:30:05"))),
    "time with a blank": ("DOCTOR-QR-FORM", GOOD.but(records=tag(3, lambda value: value.replace(b"T", b" ")))),
    "signing time in the QR": ("DOCTOR-QR-OTHER-FIELD", GOOD.but(records=tag(3, lambda _: b"2026-01-15T12:30:06"))),
    "tax-inclusive total": (
        "DOCTOR-QR-OTHER-FIELD",
        ROUNDED.but(records=tag(4, lambda _: amount(ROUNDED.document, "TaxInclusiveAmount"))),
    ),
    "total without decimals": ("DOCTOR-QR-FORM", GOOD.but(records=tag(4, lambda _: b"115"))),
    "total in Arabic digits": ("DOCTOR-QR-FORM", GOOD.but(records=tag(4, text(lambda _: "١١٥٫٠٠")))),
    "VAT in the other currency": (
        "DOCTOR-QR-OTHER-FIELD",
        DOLLARS.but(records=tag(5, lambda _: amount(DOLLARS.document, "TaxAmount", 1))),
    ),
    "hash as raw bytes": ("DOCTOR-QR-FORM", GOOD.but(records=tag(6, base64.b64decode))),
    "hash in hexadecimal in the QR": (
        "DOCTOR-QR-FORM",
        GOOD.but(records=tag(6, lambda value: base64.b64decode(value).hex().encode())),
    ),
    "hash with comments in the QR": (
        "DOCTOR-HASH-COMMENTS",
        GOOD.but(
            document=commented(GOOD.document),
            records=tag(6, lambda _: b64(sha(canonical(commented(GOOD.document), with_comments=True))).encode()),
        ),
    ),
    "hash of something else in the QR": (
        "DOCTOR-QR-HASH-OTHER",
        GOOD.but(records=tag(6, lambda _: b64(sha(b"something else")).encode())),
    ),
    "signature as raw bytes": ("DOCTOR-QR-FORM", GOOD.but(records=tag(7, base64.b64decode))),
    "signed twice": (
        "DOCTOR-QR-SIGNATURE-OTHER",
        GOOD.but(records=tag(7, lambda _: b64(ecdsa(b"x")).encode())),
    ),
    "key as base64": ("DOCTOR-QR-FORM", GOOD.but(records=tag(8, base64.b64encode))),
    "key as a point": ("DOCTOR-QR-FORM", GOOD.but(records=tag(8, lambda value: value[-65:]))),
    "key of somebody else": ("DOCTOR-QR-KEY-OTHER", GOOD.but(records=tag(8, lambda value: value[:-1] + b"\x00"))),
    "tag 9 missing": ("DOCTOR-QR-TAG9-MISSING", GOOD.but(records=lambda records: records[:-1])),
    "tag 9 as base64": ("DOCTOR-QR-FORM", GOOD.but(records=tag(9, base64.b64encode))),
    "tag 9 cut": ("DOCTOR-QR-TAG9-CUT", GOOD.but(records=tag(9, lambda value: value[16:]))),
    "tag 9 is the invoice's signature": (
        "DOCTOR-QR-TAG9-OWN",
        GOOD.but(records=lambda records: [*records[:-1], (9, base64.b64decode(records[6][1]))]),
    ),
    "tag 9 of another certificate": (
        "DOCTOR-QR-TAG9-OTHER",
        GOOD.but(records=tag(9, lambda _: x509.load_der_x509_certificate(OTHER_CERTIFICATE).signature)),
    ),
    # the file
    "UTF-16 file": (
        "DOCTOR-FILE-ENCODING",
        GOOD.but(finish=lambda xml: xml.decode().replace("UTF-8", "UTF-16").encode("utf-16")),
    ),
}


def amount(document: bytes, name: str, place: int = 0) -> bytes:
    found = etree.fromstring(document).findall(f".//{{*}}{name}" if name != "TaxAmount" else "{*}TaxTotal/{*}TaxAmount")
    return str(found[place].text).encode()


def other_hash_and_signature() -> tuple[str, str]:
    digest = sha(canonical(ROUNDED.document))
    return b64(digest), b64(ecdsa(digest))


@pytest.mark.parametrize("name", list(PLANTED))
def test_planted_mistake_is_named(name: str) -> None:
    code, stamper = PLANTED[name]
    xml = stamper.stamped()
    found = examine(xml)
    named = {each.code: each for each in found.findings}
    assert code in named, f"{name}: {list(named)}"
    assert not found.sound
    for language in ("en", "ar"):  # no fact that a sentence names is left out
        for sentence in (named[code].cause(language), named[code].fix(language), named[code].evidence(language)):
            assert re.search(r"(?<![A-Za-z0-9+/=\u0600-\u06ff])…(?![A-Za-z0-9])", sentence) is None, sentence
    explained = {check for each in found.findings for check in each.checks}
    if not xml.startswith(b"\xff\xfe"):
        assert set(verify(xml).failing) <= explained, "a failed check that nothing explains"
    assert "DOCTOR-UNEXPLAINED" not in named


ALONE = [name for name in PLANTED if name not in (
    "indented after signing", "properties of another document", "certificate as PEM", "certificate unreadable",
    "placeholder block", "issuer changed after hashing", "certificate in lines", "placeholder digest",
    "hash and signature of another document", "signature of another document",
    "properties minified and raw", "signature empty", "certificate empty",
    # an element without text is written <a/> where it is hashed, and the planter writes <a></a>
    "issuer empty", "serial empty", "certificate digest empty",
)]  # fmt: skip


@pytest.mark.parametrize("name", ALONE)
def test_nothing_else_is_claimed_to_be_wrong(name: str) -> None:
    """One mistake, one cause: what follows from it is told with it."""
    code, stamper = PLANTED[name]
    assert set(errors(examine(stamper.stamped()))) == {code}


PROVEN = {code for code, _ in PLANTED.values()} - {
    "DOCTOR-PROPERTIES-UNEXPLAINED", "DOCTOR-CERTIFICATE-DIGEST-OTHER", "DOCTOR-CERTIFICATE-SWAPPED",
    "DOCTOR-SIGNATURE-OTHER-KEY",
    "DOCTOR-HASH-UNEXPLAINED",
    "DOCTOR-SIGNATURE-OTHER-DOCUMENT",
}  # fmt: skip


@pytest.mark.parametrize("name", list(PLANTED))
def test_what_cannot_be_proven_is_said_so(name: str) -> None:
    code, stamper = PLANTED[name]
    found = next(each for each in examine(stamper.stamped()).findings if each.code == code)
    assert found.proven == (code in PROVEN)


def finding(stamper: Stamper, **options: object) -> Finding:
    found = examine(stamper.stamped(), **options)  # type: ignore[arg-type]
    return next(each for each in found.findings if each.severity == "error")


def test_another_key_is_proven_when_the_key_is_given() -> None:
    numbers = private_key("egs-2").public_key().public_numbers()
    point = b"\x04" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")
    found = examine(GOOD.but(key="egs-2").stamped(), key_point=point)
    signature = next(each for each in found.findings if each.code == "DOCTOR-SIGNATURE-OTHER-KEY")
    assert signature.proof == "verified"
    assert signature.facts["key"] == "key-given"
    assert "DOCTOR-KEY-OTHER" in errors(found)


def test_first_differing_byte_is_that_of_the_text_that_was_hashed() -> None:
    difference = finding(
        GOOD.but(document=commented(GOOD.document), hashed=lambda xml: canonical(xml, with_comments=True))
    ).difference
    assert difference is not None
    right, wrong = canonical(commented(GOOD.document)), canonical(commented(GOOD.document), with_comments=True)
    place = next(at for at in range(len(right)) if right[at] != wrong[at])
    assert difference.offset == place
    assert difference.line == right.count(b"\n", 0, place) + 1
    assert "⟦!⟧-- till 4" in difference.found
    assert "⟦c⟧bc:ProfileID" in difference.expected


def test_comparison_with_another_document_names_the_first_byte() -> None:
    xml = GOOD.stamped()
    changed = xml.replace(b"KH-S-0001", b"KH-S-0009")
    found = examine(changed, against=xml)
    assert found.comparison is not None
    assert found.comparison.offset == canonical(GOOD.document).index(b"KH-S-0001") + 8
    assert "KH-S-000⟦1⟧" in found.comparison.expected
    assert "KH-S-000⟦9⟧" in found.comparison.found
    assert examine(xml, against=GOOD.document).comparison is None


def test_buyer_is_not_shown() -> None:
    standard = Stamper(
        document=stamp_vectors.file("unsigned/standard-invoice.xml"), records=lambda records: records[:8]
    )
    xml = standard.stamped()
    changed = xml.replace("شارع المشتري".encode(), "شارع المشترى".encode())
    assert changed != xml
    found = examine(changed, against=xml)
    assert found.comparison is not None
    told = json.dumps([found.comparison.record(), *(each.record() for each in found.findings)], ensure_ascii=False)
    assert "المشتر" not in told
    assert "⟦*⟧" in found.comparison.expected
    buyer = etree.fromstring(xml).findtext(".//{*}AccountingCustomerParty//{*}RegistrationName")
    assert buyer is not None
    taken = examine(standard.but(records=lambda records: [(1, buyer.encode()), *records[1:8]]).stamped())
    assert errors(taken) == ["DOCTOR-QR-OTHER-FIELD"]
    assert buyer not in json.dumps([each.record() for each in taken.findings], ensure_ascii=False)
    assert buyer not in " ".join(each.found for each in taken.tags)


@pytest.mark.parametrize("name", [each.name for each in stamp_vectors.documents("own") if not each.failing_checks])
def test_own_documents_are_sound(name: str) -> None:
    found = examine(stamp_vectors.document(name).xml)
    assert found.sound
    assert not any(each.checks for each in found.findings)


MUTATED = [each.name for each in stamp_vectors.documents("mutated")]


@pytest.mark.parametrize("name", MUTATED)
def test_mutated_documents_are_sound_or_explained(name: str) -> None:
    document = stamp_vectors.document(name)
    found = examine(document.xml)
    assert found.sound == (not document.failing_checks)
    assert set(document.failing_checks) <= {check for each in found.findings for check in each.checks}
    assert "DOCTOR-UNEXPLAINED" not in errors(found)


@pytest.mark.parametrize(
    ("stamper", "code", "severity"),
    [
        (GOOD.but(signature=high), "DOCTOR-SIGNATURE-HIGH-S", "note"),
        (GOOD.but(records=tag(3, lambda value: value + b"Z")), "DOCTOR-QR-TIME-Z", "note"),
        (GOOD.but(records=tag(3, lambda _: b"2026-01-15T06:30:05Z")), "DOCTOR-QR-SPELLED", "warning"),
        (GOOD.but(records=tag(5, lambda _: b"15.0")), "DOCTOR-QR-SPELLED", "warning"),
        (GOOD.but(time="2019-01-15T12:30:06"), "DOCTOR-SIGNED-OUTSIDE-VALIDITY", "warning"),
        (GOOD.but(certificate=OTHER_CERTIFICATE), "DOCTOR-CERTIFICATE-COMPLIANCE", "note"),
        (GOOD.but(certificate=CERTIFICATE.replace(b"1100", b"1000")), "DOCTOR-CERTIFICATE-TYPE-MAP", "warning"),
        (LONG_NAME.but(code=lambda records: b64(ber(records))), "DOCTOR-QR-NAME-LONG", "warning"),
    ],
)
def test_what_is_only_noteworthy_fails_nothing(stamper: Stamper, code: str, severity: str) -> None:
    found = examine(stamper.stamped())
    assert found.sound
    assert {each.code: each.severity for each in found.findings}[code] == severity


def test_certificate_of_another_taxpayer_or_type_is_warned_of() -> None:
    vat = GOOD.document.replace(b"310123456700003", b"310123456700013")
    assert [each.code for each in examine(GOOD.but(document=vat).stamped()).findings] == ["DOCTOR-CERTIFICATE-VAT"]


def self_signed(curve: ec.EllipticCurve) -> bytes:
    key = ec.generate_private_key(curve)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "till")])
    began = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(77).not_valid_before(began).not_valid_after(began + timedelta(days=365))
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def test_wrong_curve_is_named() -> None:
    found = examine(GOOD.but(certificate=self_signed(ec.SECP256R1())).stamped())
    assert errors(found) == ["DOCTOR-WRONG-CURVE"]
    assert "DOCTOR-CERTIFICATE-ISSUER" in [each.code for each in found.findings]


def test_unsigned_standard_document_is_sound_and_an_unsigned_simplified_one_is_not() -> None:
    standard = examine(stamp_vectors.file("unsigned/standard-invoice.xml"))
    assert standard.sound
    assert [each.code for each in standard.findings] == ["DOCTOR-UNSTAMPED"]
    simplified = examine(GOOD.document)
    assert errors(simplified) == ["DOCTOR-PART-MISSING"] * 3


def body(xml: bytes, **members: str) -> bytes:
    told = {"invoiceHash": b64(sha(canonical(GOOD.document))), "uuid": "0b6c1f5e-7d5a-4c8e-9a34-5f1c0d7e0a01"}
    return json.dumps({**told, "invoice": b64(xml), **members}).encode()


def test_request_body_is_opened_and_its_members_are_compared() -> None:
    xml = GOOD.stamped()
    assert examine(body(xml)).sound
    assert errors(examine(body(xml, uuid="7d5a"))) == ["DOCTOR-REQUEST-UUID"]
    assert errors(examine(body(xml, invoiceHash=b64(sha(b"?"))))) == ["DOCTOR-REQUEST-HASH"]
    ended = b64(sha(canonical(GOOD.document) + b"\n"))
    assert errors(examine(body(xml, invoiceHash=ended))) == ["DOCTOR-HASH-FINAL-NEWLINE"]


def test_form_of_the_stamp_is_examined_too() -> None:
    rsa = GOOD.but(block=lambda block: block.replace("xmldsig-more#ecdsa-sha256", "xmldsig-more#rsa-sha256")).stamped()
    found = examine(rsa)
    assert not found.sound
    assert [each.rule.rule for each in found.forms] == ["KHATM-STAMP-ALGORITHM"]


@pytest.mark.parametrize("xml", [b"", b"<a", b"<!DOCTYPE a><a/>", b"<a>" * 300, b"{}", b'{"invoice": 3}', b"[" * 9])
def test_unreadable_input_is_an_error_of_its_own(xml: bytes) -> None:
    with pytest.raises(UnreadableXml):
        examine(xml)


def test_size_is_limited() -> None:
    with pytest.raises(UnreadableXml) as caught:
        examine(GOOD.stamped(), max_bytes=1000)
    assert caught.value.reason == "too-large"


def test_line_breaks_in_base64_are_read_as_the_rules_read_them() -> None:
    wrapped = GOOD.but(
        signature=lambda value: base64.encodebytes(value).decode(),
        code=lambda records: base64.encodebytes(tlv(records)).decode(),
    )
    found = examine(wrapped.stamped())
    assert [each.rule.rule for each in found.forms] == ["KHATM-BASE64-LINES"] * 2
    assert [each.code for each in found.findings] == ["DOCTOR-QR-FORM"]  # the tag holds the line breaks too


INTEGRITY = stamp_vectors.FOLDER.parent / "integrity"


@pytest.mark.parametrize("name", ["expired-signer", "untrusted-signer", "type-standard-unsigned"])
def test_documents_of_strange_signers_are_whole(name: str) -> None:
    found = examine((INTEGRITY / f"{name}.xml").read_bytes())
    assert found.sound
    strange = [each.code for each in found.findings]
    assert ("DOCTOR-CERTIFICATE-ISSUER" in strange) == name.endswith("signer")


# The eight samples of SDK 3.2.0 that do not agree with themselves; what each holds is said in the stamp standard,
# section 9.
INCONSISTENT = {
    "Exempt_Standard_Invoice": {"DOCTOR-XADES-SAMPLE"},
    "Zero_Rate_Standard_Invoice": {"DOCTOR-XADES-SAMPLE"},
    "Sample Invoice[Advance Payements] - 1": {
        "DOCTOR-PROPERTIES-REINDENTED",
        "DOCTOR-ISSUER-BLANKS",
        "DOCTOR-QR-OTHER-DOCUMENT",
    },
    "Sample Invoice[Advance Payements] - 2": {
        "DOCTOR-PROPERTIES-REINDENTED",
        "DOCTOR-ISSUER-BLANKS",
        "DOCTOR-QR-OTHER-DOCUMENT",
    },
    "Simplified_Credit_Note_Error": {"DOCTOR-EDITED-AFTER-SIGNING"},
    "Simplified_Debit_Note_Error": {"DOCTOR-EDITED-AFTER-SIGNING"},
    "Simplified_Invoice_Error": {"DOCTOR-EDITED-AFTER-SIGNING"},
    "Standard_Invoice": {"DOCTOR-DIGEST-STALE"},
}


@pytest.mark.parametrize("name", list(INCONSISTENT))
def test_inconsistent_official_samples_are_explained(shared_corpus: Path, name: str) -> None:
    xml = (shared_corpus / "official" / "sdk-3.2.0-inconsistent" / f"{name}.xml").read_bytes()
    found = examine(xml)
    proven = {each.code for each in found.findings if each.proven}
    assert proven >= INCONSISTENT[name]
    assert set(verify(xml).failing) <= {check for each in found.findings for check in each.checks}


def test_consistent_official_samples_are_sound(shared_corpus: Path) -> None:
    vectors = json.loads((shared_corpus / "vectors" / "stamp.json").read_bytes())["documents"]
    samples = [each for each in vectors if each["group"] in ("sdk-3.3.3", "sdk-3.4.8")]
    assert len(samples) == 45
    for each in samples:
        found = examine((shared_corpus / each["file"]).read_bytes())
        assert found.sound, each["file"]
        assert not any(one.severity == "warning" for one in found.findings), each["file"]


def test_what_the_sandbox_clears_is_known(shared_corpus: Path) -> None:
    folder = shared_corpus / "official" / "sandbox-cleared"
    for path in sorted(folder.glob("*.xml")):
        found = examine(path.read_bytes())
        assert found.sound, path.name
        assert [each.code for each in found.findings if each.checks] == ["DOCTOR-SIGNATURE-OF-PLATFORM"]


# What eleven third-party clients do wrong, as the report on recorded clients says (client behaviour, sections 5 and 8).
CLIENTS = {
    "ZatcaPython": {"DOCTOR-QR-TAG9-CUT"},
    "aashahin-zatca-sdk": set(),
    "dokhna": set(),
    "erpgulf": set(),
    "fatoora-rs": set(),
    "jaicome": {"DOCTOR-WRONG-CURVE"},
    "malik12tree-zatca": {"DOCTOR-SIGNATURE-OVER-TEXT", "DOCTOR-SERIAL-FLOAT"},
    "saleh7-php-zatca-xml": set(),
    "zatca-tools-sdk": set(),
    "zatca-xml-js": set(),
    "zidsa-zatca-fixed": set(),
    "zidsa-zatca": {"DOCTOR-HASH-STAMP-BLANKS"},
}


def bodies(content: object) -> Iterator[bytes]:
    """The request bodies in a recording, at whatever depth they stand."""
    if isinstance(content, dict):
        if isinstance(content.get("invoice"), str) and len(content["invoice"]) > 1000:
            yield json.dumps(content).encode()
        for value in content.values():
            yield from bodies(value)
    elif isinstance(content, list):
        for value in content:
            yield from bodies(value)
    elif isinstance(content, str) and content.startswith("{") and '"invoice"' in content:
        yield from bodies(json.loads(content))


@pytest.mark.parametrize("client", list(CLIENTS))
def test_mistakes_of_recorded_clients_are_named(shared_corpus: Path, client: str) -> None:
    recorded = [path for path in (shared_corpus / "wire" / client).rglob("*") if path.suffix in (".json", ".jsonl")]
    named: set[str] = set()
    examined = 0
    for path in recorded:
        text = path.read_text(encoding="utf-8")
        for line in text.splitlines() if path.suffix == ".jsonl" else [text]:
            for body in bodies(json.loads(line)):
                named |= set(errors(examine(body)))
                examined += 1
    assert examined >= 5
    assert named == CLIENTS[client]
