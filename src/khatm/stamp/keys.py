"""A unit's private key: making one, reading every form that is around, writing the SDK's forms.

Source: the stamp standard, section 1.1.
"""

import base64

from cryptography.hazmat.primitives.asymmetric import ec

from khatm.stamp import armor, der
from khatm.stamp.errors import EncryptedKey, UnreadableKey, WrongCurve

EC_PUBLIC_KEY = "1.2.840.10045.2.1"
SECP256K1 = "1.3.132.0.10"
CURVE_NAMES = {
    SECP256K1: "secp256k1",
    "1.2.840.10045.3.1.7": "secp256r1",
    "1.3.132.0.34": "secp384r1",
    "1.3.132.0.35": "secp521r1",
}
_ALGORITHM_NAMES = {
    "1.2.840.113549.1.1.1": "RSA",
    "1.2.840.10040.4.1": "DSA",
    "1.3.101.112": "Ed25519",
    "1.3.101.110": "X25519",
}
# The constant first part of every SubjectPublicKeyInfo on this curve; the 65-byte point follows.
_SPKI_PREFIX = bytes.fromhex("3056301006072a8648ce3d020106052b8104000a034200")
_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def generate_key() -> ec.EllipticCurvePrivateKey:
    """Make a new secp256k1 private key."""
    return ec.generate_private_key(ec.SECP256K1())


def load_key(data: bytes) -> ec.EllipticCurvePrivateKey:
    """Read a secp256k1 private key: SEC1 or PKCS#8, as PEM under any label, one-line or broken base64, or DER.

    The structure decides, never the label; BOM, CRLF and blanks are dropped.
    Raises UnreadableKey, EncryptedKey, or WrongCurve for keys of other kinds.
    """
    try:
        blocks = armor.der_blocks(data)
    except armor.NoDer as error:
        raise UnreadableKey(str(error)) from None
    if b"-----BEGIN" in data and b"ENCRYPTED" in data:
        raise EncryptedKey()
    label, encoded = next((block for block in blocks if "PRIVATE KEY" in block[0]), blocks[0])
    try:
        return _private_key(der.read(encoded))
    except der.MalformedDer as error:
        what = f"a PEM block {label} with " if label else ""
        raise UnreadableKey(f"{what}{error}") from None


def public_point(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the uncompressed public point, 65 bytes beginning with 04."""
    numbers = key.public_key().public_numbers()
    return b"\x04" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")


def public_key_info(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the SubjectPublicKeyInfo, always 88 bytes of DER."""
    return _SPKI_PREFIX + public_point(key)


def scalar(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the private scalar as 32 bytes; keep it out of logs and errors."""
    return key.private_numbers().private_value.to_bytes(32, "big")


def sec1_der(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the SEC1 encoding, 118 bytes: version, scalar, curve, point."""
    return der.write(
        der.SEQUENCE,
        der.write(der.INTEGER, b"\x01"),
        der.write(der.OCTET_STRING, scalar(key)),
        der.write(0xA0, der.write_oid(SECP256K1)),
        der.write(0xA1, der.write(der.BIT_STRING, b"\x00", public_point(key))),
    )


def sec1_base64(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the form of the SDK's key files: base64 of the SEC1 DER, one line, no header, no line feed."""
    return base64.b64encode(sec1_der(key))


def sec1_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the key as PEM `EC PRIVATE KEY`."""
    return armor.pem("EC PRIVATE KEY", sec1_der(key))


def curve_of(algorithm: der.Element) -> str:
    """Return the name of the key kind that an AlgorithmIdentifier names: a curve, an algorithm, or a dotted number."""
    parts = algorithm.children(1)
    kind = parts[0].oid
    if kind != EC_PUBLIC_KEY:
        return _ALGORITHM_NAMES.get(kind, kind)
    if len(parts) < 2 or parts[1].tag != der.OBJECT_IDENTIFIER:
        return "elliptic curve with explicit parameters"
    return CURVE_NAMES.get(parts[1].oid, parts[1].oid)


def _private_key(outer: der.Element) -> ec.EllipticCurvePrivateKey:
    parts = outer.expect(der.SEQUENCE).children(2)
    if parts[0].tag == der.SEQUENCE and parts[1].tag == der.OCTET_STRING and len(parts) == 2:
        raise EncryptedKey()  # EncryptedPrivateKeyInfo carries no version
    if parts[0].tag != der.INTEGER:
        raise der.MalformedDer("a public key, certificate or CSR instead of a private key")
    version = parts[0].integer
    if version == 1 and parts[1].tag == der.OCTET_STRING:
        return _from_sec1(parts, None)
    if version in (0, 1) and len(parts) > 2 and parts[1].tag == der.SEQUENCE:
        curve = curve_of(parts[1])
        if curve != "secp256k1":
            raise WrongCurve(curve)
        inner = der.read(parts[2].expect(der.OCTET_STRING).content)
        return _from_sec1(inner.expect(der.SEQUENCE).children(2), curve)
    if version == 0 and len(parts) >= 9:
        raise WrongCurve("RSA")
    raise der.MalformedDer(f"a structure of version {version} that is neither SEC1 nor PKCS#8")


def _from_sec1(parts: list[der.Element], curve: str | None) -> ec.EllipticCurvePrivateKey:
    number = parts[1].expect(der.OCTET_STRING).content
    for part in parts[2:]:
        inside = part.children(1)[0]
        if part.tag == 0xA0:
            curve = CURVE_NAMES.get(inside.oid, inside.oid) if inside.tag == der.OBJECT_IDENTIFIER else "explicit"
    if curve is None:
        raise der.MalformedDer("a SEC1 key that names no curve")
    if curve != "secp256k1":
        raise WrongCurve(curve)
    value = int.from_bytes(number, "big")
    if not 0 < value < _ORDER:
        raise der.MalformedDer("a private number outside the curve's range")
    key = ec.derive_private_key(value, ec.SECP256K1())
    point = next((part.children(1)[0].bits for part in parts[2:] if part.tag == 0xA1), b"")
    if point[:1] == b"\x04" and point != public_point(key):
        raise der.MalformedDer("a public point that does not belong to the private number")
    return key
