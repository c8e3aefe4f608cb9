"""TLS for the gateway's own names, under a throw-away root.

The root has nothing to do with the authority that issues CSIDs. Whoever trusts it trusts it for the names below and
for nothing else: its name constraints say so, and clients check them.
Source: RFC 5280 (4.2.1.10 on name constraints), RFC 6125, CA/Browser Forum Baseline Requirements 6.3.2 (398 days).
"""

import ipaddress
import os
import ssl
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from khatm.clock import Clock, SystemClock
from khatm.simulator.errors import UnusableTlsRoot

GATEWAY_HOST = "gw-fatoora.zatca.gov.sa"
RETIRED_HOST = "gw-apic-gov.gazt.gov.sa"
"""The gateway's name of 2021 and 2022, which one client in use still has."""
AUTHORITY_HOSTS = (GATEWAY_HOST, RETIRED_HOST)

ROOT_FILE = "tls-root.pem"
"""The root's name in the folder that keeps it."""
KEY_FILE = "tls-root.key"
"""The name of its private key, readable by its owner only."""

_NAMES = (*AUTHORITY_HOSTS, "localhost")
_ADDRESSES = (ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1"))
_SERVER_LIFE = timedelta(days=397)
_ROOT_LIFE = timedelta(days=3650)
_SLACK = timedelta(days=1)
"""Certificates begin a little before they are made, so that a client whose clock is behind accepts them."""


class TlsRoot:
    """A root with its certificate in a file; the certificate that the server shows is made anew by every start.

    The machine's clock counts here, not the simulator's, because clients compare with theirs.
    """

    def __init__(self, folder: Path | None = None, clock: Clock | None = None) -> None:
        """Take the root that `folder` keeps, or make one. Without a folder it lasts until `close`.

        A kept root that ends before a server certificate would is replaced. Raises UnusableTlsRoot.
        """
        self._now = (clock or SystemClock()).now().replace(microsecond=0)
        self._temporary = None
        if folder is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="khatm-simulator-")
            folder = Path(self._temporary.name)
        self.file = (folder / ROOT_FILE).absolute()
        """The certificate in PEM, for clients to trust."""
        try:
            self._key, self._certificate = self._kept() or self._made()
        except OSError as error:
            self.close()
            raise UnusableTlsRoot(path=str(self.file), reason=error.strerror or str(error)) from error
        except ValueError as error:
            self.close()
            raise UnusableTlsRoot(path=str(self.file), reason=str(error).partition("\n")[0]) from error

    @property
    def pem(self) -> str:
        """The certificate, as in the file."""
        return self._certificate.public_bytes(Encoding.PEM).decode()

    def server_context(self) -> ssl.SSLContext:
        """Return the server's side of TLS with a certificate made now."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._server_certificate(key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["http/1.1"])
        with tempfile.TemporaryDirectory(prefix="khatm-simulator-") as folder:
            # The context reads files only; a folder of this kind can be entered by its owner only.
            file = Path(folder) / "server.pem"
            file.write_bytes(_private(key) + certificate.public_bytes(Encoding.PEM))
            context.load_cert_chain(file)
        return context

    def close(self) -> None:
        """Remove the file of a root that is not kept."""
        if self._temporary is not None:
            self._temporary.cleanup()

    def _kept(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate] | None:
        key_file = self.file.with_name(KEY_FILE)
        if not (key_file.exists() and self.file.exists()):
            return None
        key = load_pem_private_key(key_file.read_bytes(), password=None)
        certificate = x509.load_pem_x509_certificate(self.file.read_bytes())
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            raise ValueError(f"{KEY_FILE} is not its key")
        ends_too_soon = certificate.not_valid_after_utc < self._now + _SERVER_LIFE
        return None if ends_too_soon else (key, certificate)

    def _made(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._root_certificate(key)
        self.file.parent.mkdir(parents=True, exist_ok=True)
        key_file = self.file.with_name(KEY_FILE)
        # A key without its certificate is made anew, so the key goes first.
        self.file.unlink(missing_ok=True)
        key_file.unlink(missing_ok=True)
        with os.fdopen(os.open(key_file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(_private(key))
        self.file.write_bytes(certificate.public_bytes(Encoding.PEM))
        return key, certificate

    def _root_certificate(self, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Khatm Simulator TLS Root (test only)")])
        networks = [x509.IPAddress(ipaddress.ip_network(each)) for each in _ADDRESSES]
        permitted = [*map(x509.DNSName, _NAMES), *networks]
        begins = self._now - _SLACK
        return (
            _builder(name, name, key, begins, begins + _ROOT_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(signs_certificates=True), critical=True)
            .add_extension(x509.NameConstraints(permitted, None), critical=True)
            .sign(key, hashes.SHA256())
        )

    def _server_certificate(self, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, GATEWAY_HOST)])
        names = [*map(x509.DNSName, _NAMES), *map(x509.IPAddress, _ADDRESSES)]
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        begins = self._now - _SLACK
        return (
            _builder(name, self._certificate.subject, key, begins, begins + _SERVER_LIFE)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(issuer, critical=False)
            .sign(self._key, hashes.SHA256())
        )


def _builder(
    name: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, begins: datetime, ends: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
