"""TLS is verified: an unknown issuer, a wrong name or an expired certificate is refused before anything is sent."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from khatm.environment import Environment
from khatm.gateway import Action, Credentials, Gateway, Submission, Verdict
from khatm.gateway.transport import HttpTransport
from tests.wire.gateway_peer import GatewayPeer, answer

PAIR = Credentials("VA==", "c2VjcmV0")
DOCUMENT = Submission("aGFzaA==", "6f3b8d0e", b"<Invoice/>")
REPORTED = b'{"validationResults":{"status":"PASS"},"reportingStatus":"REPORTED"}'


class Authority:
    """A throw-away certificate authority."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Throw-away root")])
        root = self._builder(self._name, self._key, days=30).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        certificate = root.add_extension(usage, critical=True).sign(self._key, hashes.SHA256())
        self.file = folder / "root.pem"
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def server(self, *, address: str = "127.0.0.1", days: int = 30) -> ssl.SSLContext:
        """Return the TLS side of a server whose certificate names the address and lasts so many days from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway")])
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address)), x509.DNSName("localhost")])
        issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        certificate = (
            self._builder(name, key, days)
            .add_extension(names, critical=False)
            .add_extension(issuer_key, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        file = self._folder / "server.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _builder(self, name: x509.Name, key: ec.EllipticCurvePrivateKey, days: int) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=60))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


def report(peer: GatewayPeer, transport: HttpTransport | None = None):
    with Gateway(Environment.SIMULATION, base_url=peer.base_url, transport=transport) as gateway:
        return gateway.report(PAIR, DOCUMENT)


def trusting(authority: Authority) -> HttpTransport:
    return HttpTransport(tls=ssl.create_default_context(cafile=str(authority.file)))


def assert_untrusted(outcome, peer):
    assert (outcome.row, outcome.verdict, outcome.action) == ("untrusted", Verdict.RETRY, Action.CHECK_CONNECTION)
    assert outcome.http_status is None
    assert "certificate" in outcome.sentence().lower()
    assert peer.requests == []


def test_certificate_of_an_unknown_issuer_is_refused(authority):
    with GatewayPeer(answer("200 OK", REPORTED), tls=authority.server()) as peer:
        assert_untrusted(report(peer), peer)


def test_certificate_of_a_trusted_issuer_is_accepted(authority):
    with GatewayPeer(answer("200 OK", REPORTED), tls=authority.server()) as peer:
        assert report(peer, trusting(authority)).verdict is Verdict.ACCEPTED


def test_trust_store_of_the_environment_is_honoured(authority, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with GatewayPeer(answer("200 OK", REPORTED), tls=authority.server()) as peer:
        assert report(peer).verdict is Verdict.ACCEPTED


def test_missing_trust_store_of_the_environment_is_told(authority, monkeypatch, tmp_path):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
    with GatewayPeer(answer("200 OK", REPORTED), tls=authority.server()) as peer:
        outcome = report(peer)
    assert (outcome.row, peer.connections) == ("untrusted", 0)


def test_certificate_of_another_name_is_refused(authority):
    with GatewayPeer(answer("200 OK", REPORTED), tls=authority.server(address="127.0.0.2")) as peer:
        assert_untrusted(report(peer, trusting(authority)), peer)


def test_expired_certificate_is_refused(authority):
    with GatewayPeer(answer("200 OK", REPORTED), tls=authority.server(days=-1)) as peer:
        assert_untrusted(report(peer, trusting(authority)), peer)


def test_peer_without_tls_is_unreachable():
    with GatewayPeer(greeting=b"HTTP/1.1 400 Bad Request\r\n\r\n") as peer:
        address = peer.base_url.replace("http:", "https:")
        with Gateway(Environment.SIMULATION, base_url=address) as gateway:
            outcome = gateway.report(PAIR, DOCUMENT)
    assert outcome.row == "unreachable"
    assert peer.requests == []


def test_production_settings_verify(monkeypatch):
    for variable in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(variable, raising=False)
    from khatm.gateway.transport import _trust_store

    context = _trust_store()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.cert_store_stats()["x509_ca"] > 50
