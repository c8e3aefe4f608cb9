"""Private keys: every form in, the SDK's forms out, everything else refused with the reason.

Source: stamp standard 1.1.
"""

import base64

import pytest
from cryptography.hazmat.primitives import serialization as forms
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from khatm.errors import KhatmError
from khatm.stamp import der, keys
from khatm.stamp.errors import EncryptedKey, UnreadableKey, WrongCurve

KEY = ec.derive_private_key(0x1234567890ABCDEF, ec.SECP256K1())
NO_PASSPHRASE = forms.NoEncryption()


def written(
    key: ec.EllipticCurvePrivateKey, encoding: forms.Encoding, form: forms.PrivateFormat, passphrase: bytes = b""
) -> bytes:
    protection = forms.BestAvailableEncryption(passphrase) if passphrase else NO_PASSPHRASE
    return key.private_bytes(encoding, form, protection)


SEC1 = written(KEY, forms.Encoding.DER, forms.PrivateFormat.TraditionalOpenSSL)
PKCS8 = written(KEY, forms.Encoding.DER, forms.PrivateFormat.PKCS8)
OPENSSL_PARAMETERS = b"-----BEGIN EC PARAMETERS-----\nBgUrgQQACg==\n-----END EC PARAMETERS-----\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(SEC1, id="SEC1 DER"),
        pytest.param(PKCS8, id="PKCS#8 DER"),
        pytest.param(written(KEY, forms.Encoding.PEM, forms.PrivateFormat.TraditionalOpenSSL), id="SEC1 PEM"),
        pytest.param(written(KEY, forms.Encoding.PEM, forms.PrivateFormat.PKCS8), id="PKCS#8 PEM"),
        pytest.param(
            OPENSSL_PARAMETERS + written(KEY, forms.Encoding.PEM, forms.PrivateFormat.TraditionalOpenSSL),
            id="as openssl ecparam -genkey writes it",
        ),
        pytest.param(base64.b64encode(written(KEY, forms.Encoding.PEM, forms.PrivateFormat.PKCS8)), id="base64 of PEM"),
        pytest.param(b"\xef\xbb\xbf  " + base64.encodebytes(SEC1).replace(b"\n", b"\r\n"), id="BOM, blanks, CRLF"),
    ],
)
def test_forms_that_load(text: bytes) -> None:
    assert keys.scalar(keys.load_key(text)) == (0x1234567890ABCDEF).to_bytes(32, "big")


def test_what_is_written_is_what_openssl_reads() -> None:
    for text in (keys.sec1_pem(KEY), forms_pem(keys.sec1_der(KEY))):
        loaded = forms.load_pem_private_key(text, None)
        assert isinstance(loaded, ec.EllipticCurvePrivateKey)
        assert loaded.private_numbers() == KEY.private_numbers()
    spki = KEY.public_key().public_bytes(forms.Encoding.DER, forms.PublicFormat.SubjectPublicKeyInfo)
    assert keys.public_key_info(KEY) == spki
    assert len(spki) == 88


def forms_pem(encoded: bytes) -> bytes:
    return b"-----BEGIN EC PRIVATE KEY-----\n" + base64.encodebytes(encoded) + b"-----END EC PRIVATE KEY-----\n"


def test_new_keys_are_on_the_curve_and_differ() -> None:
    first, second = keys.generate_key(), keys.generate_key()
    assert isinstance(first.curve, ec.SECP256K1)
    assert keys.scalar(first) != keys.scalar(second)


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()])
@pytest.mark.parametrize("form", [forms.PrivateFormat.PKCS8, forms.PrivateFormat.TraditionalOpenSSL])
def test_other_curves_are_refused_by_name(curve: ec.EllipticCurve, form: forms.PrivateFormat) -> None:
    with pytest.raises(WrongCurve) as caught:
        keys.load_key(written(ec.generate_private_key(curve), forms.Encoding.PEM, form))
    assert caught.value.found == curve.name
    assert "secp256k1" in caught.value.sentence("en") and curve.name in caught.value.sentence("ar")


def test_other_kinds_of_key_are_refused_by_name() -> None:
    big = rsa.generate_private_key(65537, 2048)
    for form in (forms.PrivateFormat.PKCS8, forms.PrivateFormat.TraditionalOpenSSL):
        with pytest.raises(WrongCurve, match="RSA"):
            keys.load_key(big.private_bytes(forms.Encoding.PEM, form, NO_PASSPHRASE))
    small = ed25519.Ed25519PrivateKey.generate()
    with pytest.raises(WrongCurve, match="Ed25519"):
        keys.load_key(small.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, NO_PASSPHRASE))


@pytest.mark.parametrize("form", [forms.PrivateFormat.PKCS8, forms.PrivateFormat.TraditionalOpenSSL])
def test_encrypted_keys_are_refused_as_such(form: forms.PrivateFormat) -> None:
    with pytest.raises(EncryptedKey, match="Decrypt it first"):
        keys.load_key(written(KEY, forms.Encoding.PEM, form, b"secret"))
    with pytest.raises(EncryptedKey):
        keys.load_key(written(KEY, forms.Encoding.DER, forms.PrivateFormat.PKCS8, b"secret"))


def sec1(scalar: bytes, *rest: bytes) -> bytes:
    version, number = der.write(der.INTEGER, b"\x01"), der.write(der.OCTET_STRING, scalar)
    return der.write(der.SEQUENCE, version, number, *rest)


CURVE = der.write(0xA0, der.write_oid("1.3.132.0.10"))
OTHER_POINT = der.write(0xA1, der.write(der.BIT_STRING, b"\x00", keys.public_point(keys.generate_key())))
PUBLIC = KEY.public_key().public_bytes(forms.Encoding.PEM, forms.PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(b"", "it is empty", id="empty"),
        pytest.param(b" \r\n", "it is empty", id="blank"),
        pytest.param("مفتاح".encode(), "neither PEM, nor base64, nor DER", id="words"),
        pytest.param(b"-----BEGIN PRIVATE KEY-----\nMIGE", "header without its footer", id="PEM cut short"),
        pytest.param(SEC1[:-1], "bytes are missing", id="DER cut short"),
        pytest.param(SEC1 + b"\x00", "after the end", id="DER too long"),
        pytest.param(PUBLIC, "a public key", id="public key"),
        pytest.param(sec1(b"\x00" * 32, CURVE), "outside the curve's range", id="zero"),
        pytest.param(sec1(b"\xff" * 32, CURVE), "outside the curve's range", id="beyond the order"),
        pytest.param(sec1(b"\x01" * 32), "names no curve", id="no curve"),
        pytest.param(sec1(b"\x01" * 32, CURVE, OTHER_POINT), "does not belong", id="another point"),
        pytest.param(b"0" * 3_000_000, "far too many", id="huge"),
    ],
)
def test_unreadable_keys_say_why(text: bytes, reason: str) -> None:
    with pytest.raises(UnreadableKey) as caught:
        keys.load_key(text)
    assert reason in str(caught.value)
    assert caught.value.exit_code == 2


def test_no_error_shows_the_key() -> None:
    """A key that is refused late, for its point, has been decoded; nothing of it may be said."""
    secret = bytes(range(1, 33))
    with pytest.raises(KhatmError) as caught:
        keys.load_key(base64.b64encode(sec1(secret, CURVE, OTHER_POINT)))
    said = caught.value.sentence("en") + caught.value.sentence("ar") + repr(caught.value)
    assert secret.hex() not in said
    assert base64.b64encode(secret).decode() not in said
