"""Signers: whoever holds a unit's private key and can sign a digest with it.

Source: the stamp standard, section 4.1.
"""

from typing import Protocol

from cryptography.hazmat.primitives.asymmetric import ec

from khatm.stamp import curve, keys
from khatm.stamp.certificate import Certificate
from khatm.stamp.errors import ForeignCertificate


class Signer(Protocol):
    """A private key in some place, with the certificate that goes into the stamp."""

    @property
    def certificate(self) -> Certificate:
        """The certificate that the stamp embeds."""
        ...

    @property
    def point(self) -> bytes:
        """The public point (65 bytes) of the signing key; the certificate's own but for the sandbox's canned one."""
        ...

    def sign(self, digest: bytes) -> bytes:
        """Sign the 32 bytes that the curve operation itself runs on; return ECDSA in DER, low or high s."""
        ...


class FileSigner:
    """A signer whose key was loaded from a file or opened from the ledger.

    Raises ForeignCertificate if the key is not the certificate's, unless `allow_foreign_certificate` says that this is
    meant: the sandbox hands out one canned certificate whatever key the CSR had.
    """

    def __init__(
        self,
        key: ec.EllipticCurvePrivateKey,
        certificate: Certificate,
        *,
        allow_foreign_certificate: bool = False,
    ) -> None:
        self._scalar = keys.scalar(key)
        self._sign = curve.backend().sign
        self.point = keys.public_point(key)
        self.certificate = certificate
        if self.point != certificate.point and not allow_foreign_certificate:
            raise ForeignCertificate(certificate.common_name, certificate.serial_number)

    def __repr__(self) -> str:
        return f"FileSigner({self.certificate.common_name!r}, serial {self.certificate.serial_number})"

    def sign(self, digest: bytes) -> bytes:
        """Sign a 32-byte digest: DER, deterministic (RFC 6979), low s."""
        return self._sign(self._scalar, digest)
