"""The two curve operations on secp256k1: sign and verify a 32-byte digest.

libsecp256k1 does them where its binding is installed; elsewhere OpenSSL does, and low s is applied by hand. Both give
the same bytes (RFC 6979 nonces). Source: the stamp standard, sections 1.1 and 4.1, vectors `ecdsa`.
"""

from functools import cache
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


class Backend(Protocol):
    """A way to do the curve operations."""

    def sign(self, scalar: bytes, digest: bytes) -> bytes:
        """Return the deterministic low-s signature in DER."""
        ...

    def verify(self, point: bytes, digest: bytes, signature: bytes) -> bool:
        """Return whether a DER signature, of low or high s, fits the digest under the 65-byte point."""
        ...


class Libsecp256k1:
    """The operations by libsecp256k1."""

    def __init__(self) -> None:
        from btclib_libsecp256k1 import dsa

        self._dsa = dsa

    def sign(self, scalar: bytes, digest: bytes) -> bytes:
        """Return the deterministic low-s signature in DER."""
        signature: bytes = self._dsa.sign(digest, scalar)
        return signature

    def verify(self, point: bytes, digest: bytes, signature: bytes) -> bool:
        """Return whether the signature fits; the library refuses high s, so that is normalised first."""
        try:
            if self._dsa.verify(digest, point, signature):
                return True
            normalised = self._dsa.normalize(signature)
            return normalised != signature and bool(self._dsa.verify(digest, point, normalised))
        except ValueError:  # not DER, or not a point of the curve
            return False


class OpenSsl:
    """The operations by OpenSSL through `cryptography`."""

    def sign(self, scalar: bytes, digest: bytes) -> bytes:
        """Return the deterministic low-s signature in DER."""
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec, utils

        key = ec.derive_private_key(int.from_bytes(scalar, "big"), ec.SECP256K1())
        algorithm = ec.ECDSA(utils.Prehashed(hashes.SHA256()), deterministic_signing=True)
        r, s = utils.decode_dss_signature(key.sign(digest, algorithm))
        return utils.encode_dss_signature(r, min(s, _ORDER - s))

    def verify(self, point: bytes, digest: bytes, signature: bytes) -> bool:
        """Return whether the signature fits."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric import ec

        try:
            key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256K1(), point)
            key.verify(signature, digest, _plain_ecdsa())
        except (InvalidSignature, ValueError):
            return False
        return True


@cache
def _plain_ecdsa() -> "ec.ECDSA":
    """ECDSA over a digest, for verifying: the class itself loads half of `cryptography` to see if it may sign."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, utils

    class PlainEcdsa(ec.ECDSA):
        def __init__(self) -> None:
            self._prehashed = utils.Prehashed(hashes.SHA256())

        @property
        def algorithm(self) -> utils.Prehashed:
            return self._prehashed

    return PlainEcdsa()


_chosen: list[Backend] = []


def backend() -> Backend:
    """Return the fastest backend of this machine, loaded once at first use."""
    if not _chosen:
        try:
            _chosen.append(Libsecp256k1())
        except ImportError:
            _chosen.append(OpenSsl())
    return _chosen[0]


def start_quickly() -> None:
    """Take OpenSSL if nothing is chosen yet: one signature is done before libsecp256k1's binding would be read."""
    if not _chosen:
        _chosen.append(OpenSsl())


def sign(scalar: bytes, digest: bytes) -> bytes:
    """Sign a 32-byte digest with a 32-byte private scalar: DER, RFC 6979, low s."""
    return backend().sign(scalar, digest)


def verify(point: bytes, digest: bytes, signature: bytes) -> bool:
    """Return whether a DER signature over a 32-byte digest fits a 65-byte public point; never raises for bad input."""
    return backend().verify(point, digest, signature)
