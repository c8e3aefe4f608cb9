"""Certificates: every form in, the same facts as another reader finds, any damage one clear error.

Source: stamp standard 2.3, 2.4; the other reader is `cryptography`.
"""

import base64
import contextlib
import textwrap
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from khatm.stamp import der
from khatm.stamp.certificate import decode_token, read_certificate
from khatm.stamp.errors import UnreadableCertificate
from tests.vectors.entries import OWN

NAMES = ["own-ccsid-ar", "own-ccsid-en", "own-pcsid-ar", "own-pcsid-en"]
DER = (OWN / "certificates" / "own-pcsid-en.der").read_bytes()
TEXT = base64.b64encode(DER)
KEY = ec.generate_private_key(ec.SECP256K1())


def issued(issuer: x509.Name, not_after: datetime | None = None, curve: ec.EllipticCurve | None = None) -> bytes:
    """A small certificate made by `cryptography`."""
    key = KEY if curve is None else ec.generate_private_key(curve)
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(issuer, issuer, key.public_key(), 77, begin, not_after or begin + timedelta(9))
    return builder.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def changed(part: int, content: bytes) -> bytes:
    """Our certificate with another part: 1 is the serial number, 3 the issuer."""
    outer = der.read(DER).children()
    parts = [each.encoded for each in outer[0]]
    parts[part] = content
    return der.write(der.SEQUENCE, der.write(der.SEQUENCE, *parts), outer[1].encoded, outer[2].encoded)


def named(identifier: bytes) -> bytes:
    """A name of one attribute."""
    attribute = der.write(der.SEQUENCE, der.write(der.OBJECT_IDENTIFIER, identifier), der.write(der.UTF8_STRING, b"x"))
    return der.write(der.SEQUENCE, der.write(der.SET, attribute))


@pytest.mark.parametrize("name", NAMES)
def test_agrees_with_another_reader(name: str) -> None:
    encoded = (OWN / "certificates" / f"{name}.der").read_bytes()
    ours, theirs = read_certificate(encoded), x509.load_der_x509_certificate(encoded)
    assert ours.serial_number == theirs.serial_number
    assert ours.signature == theirs.signature
    assert ours.tbs == theirs.tbs_certificate_bytes
    assert (ours.not_before, ours.not_after) == (theirs.not_valid_before_utc, theirs.not_valid_after_utc)
    public = theirs.public_key()
    spki = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert ours.spki == spki
    assert ours.spki.endswith(ours.point)
    assert ours.curve == "secp256k1"
    assert [(a.oid, a.value) for a in ours.subject] == [(a.oid.dotted_string, a.value) for a in theirs.subject]
    assert ours.extensions == tuple((e.oid.dotted_string, e.critical) for e in theirs.extensions)
    directory = theirs.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    (name_inside,) = directory.get_values_for_type(x509.DirectoryName)
    assert [(a.oid, a.value) for a in ours.alternative] == [(a.oid.dotted_string, a.value) for a in name_inside]
    assert ours.pem == theirs.public_bytes(serialization.Encoding.PEM)


def test_named_facts() -> None:
    certificate = read_certificate(DER)
    assert certificate.vat_number == "310123456700003"
    assert certificate.invoice_types == "1100"
    assert certificate.egs_serial.startswith("1-")
    assert certificate.country == "SA"
    assert certificate.common_name.endswith("310123456700003")
    assert certificate.organization and certificate.organization_unit
    assert certificate.address and certificate.business_category


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(DER, id="DER"),
        pytest.param(TEXT, id="one line"),
        pytest.param(TEXT.decode(), id="text"),
        pytest.param(b"\xef\xbb\xbf" + TEXT + b"\r\n", id="BOM and CRLF"),
        pytest.param(base64.encodebytes(DER), id="broken lines"),
        pytest.param(base64.b64encode(TEXT), id="token"),
        pytest.param(textwrap.fill(base64.b64encode(TEXT).decode(), 76), id="token in lines"),
        pytest.param(read_certificate(DER).pem, id="PEM"),
        pytest.param(b"Bag Attributes\n" + read_certificate(DER).pem + b"tail", id="PEM with words around"),
        pytest.param(base64.b64encode(read_certificate(DER).pem), id="base64 of PEM"),
    ],
)
def test_forms_that_read(form: bytes | str) -> None:
    certificate = read_certificate(form)
    assert certificate == read_certificate(DER)
    assert certificate.text == TEXT.decode()


def test_token_is_decoded_once() -> None:
    assert decode_token(base64.b64encode(TEXT).decode()) == TEXT.decode()
    for wrong in ("", "@@", base64.b64encode(DER).decode()):
        if wrong:
            with pytest.raises(UnreadableCertificate):
                decode_token(wrong)


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        (b"", "empty"),
        (b"{}", "neither PEM"),
        (KEY.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ), "needed"),
        (DER[:200], "missing"),
        (base64.b64encode(b"\x30\x00"), "parts"),
        (changed(1, der.write(der.INTEGER, b"\x7f" * 3000)), "a serial number of 3000 octets"),
        (changed(3, named(b"\x81" * 5000 + b"\x01")), "an OBJECT IDENTIFIER of 5001 octets"),
        (b"-----BEGIN A-----" * 5000, "a PEM header without its footer"),
        (b"A" * 200_000, "far too many"),
    ],
)  # fmt: skip
def test_other_things_are_refused(form: bytes, reason: str) -> None:
    with pytest.raises(UnreadableCertificate, match=reason):
        read_certificate(form)


@given(st.integers(0, len(DER) - 1), st.integers(1, 255))
def test_any_damage_reads_or_gives_the_one_error(place: int, flip: int) -> None:
    damaged = bytearray(DER)
    damaged[place] ^= flip
    with contextlib.suppress(UnreadableCertificate):
        read_certificate(bytes(damaged))


def test_issuer_text_quotes_as_java_does() -> None:
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "SA"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, 'A, "B" Ltd'),
            x509.NameAttribute(NameOID.COMMON_NAME, " blank"),
            x509.NameAttribute(NameOID.SURNAME, "x"),
        ]
    )
    assert read_certificate(issued(name)).issuer_name == 'OID.2.5.4.4=x, CN=" blank", O="A, \\"B\\" Ltd", C=SA'


def test_other_curves_and_far_dates_are_read() -> None:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    far = datetime(2060, 5, 4, 3, 2, 1, tzinfo=UTC)
    certificate = read_certificate(issued(name, far, ec.SECP256R1()))
    assert certificate.curve == "secp256r1"
    assert certificate.not_after == far
    assert certificate.alternative == ()
    assert certificate.vat_number == ""


@pytest.mark.parametrize("year", [1950, 1999, 2049, 2050])
def test_the_century_is_that_of_rfc_5280(year: int) -> None:
    """Years 50 to 99 of the short form are of the last century; the other reader knows too."""
    moment = datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC)
    text = moment.strftime("%y%m%d%H%M%SZ" if year < 2050 else "%Y%m%d%H%M%SZ").encode()
    element = der.write(der.UTC_TIME if year < 2050 else der.GENERALIZED_TIME, text)
    encoded = changed(4, der.write(der.SEQUENCE, element, der.write(der.GENERALIZED_TIME, b"20991231235959Z")))
    theirs = x509.load_der_x509_certificate(encoded)
    assert read_certificate(encoded).not_before == theirs.not_valid_before_utc == moment


@pytest.mark.parametrize(
    "text", [b"2603041215Z", b"260304121500", b"26030412150Z", b"2603041215+0Z", b"261304121500Z", b"260304 21500Z"]
)
def test_a_time_of_another_form_is_refused(text: bytes) -> None:
    validity = der.write(der.SEQUENCE, der.write(der.UTC_TIME, text), der.write(der.UTC_TIME, b"300101000000Z"))
    with pytest.raises(UnreadableCertificate):
        read_certificate(changed(4, validity))
