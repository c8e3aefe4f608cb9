"""The root of the simulator's TLS: kept or not, what its certificates say, and how little it can vouch for."""

import stat
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from khatm.clock import FixedClock
from khatm.simulator.errors import UnusableTlsRoot
from khatm.simulator.reach import Reach
from khatm.simulator.tls import TlsRoot


def test_a_root_is_kept_with_its_key_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "deeper"
    first = TlsRoot(folder)
    first.close()
    assert TlsRoot(folder).pem == first.pem == (folder / "tls-root.pem").read_text()
    assert stat.S_IMODE((folder / "tls-root.key").stat().st_mode) == 0o600


def test_a_root_that_is_not_kept_goes_with_its_simulator() -> None:
    one, other = TlsRoot(), TlsRoot()
    assert one.file.read_text() == one.pem != other.pem
    for each in (one, other):
        each.close()
        assert not each.file.parent.exists()


def test_a_kept_root_is_replaced_before_it_ends_under_a_server_certificate(tmp_path: Path) -> None:
    begun = datetime(2026, 1, 1, tzinfo=UTC)

    def pem_after(days: int) -> str:
        return TlsRoot(tmp_path, FixedClock(begun + timedelta(days=days))).pem

    first = pem_after(0)
    assert pem_after(3650 - 398 - 1) == first
    second = pem_after(3650 - 397)
    assert second != first
    assert pem_after(3650 - 397) == second


@pytest.mark.parametrize("broken", ["tls-root.pem", "tls-root.key"])
@pytest.mark.parametrize("content", [b"", b"nothing of the kind", "another key"])
def test_files_that_are_no_root_are_named(tmp_path: Path, broken: str, content: bytes | str) -> None:
    TlsRoot(tmp_path)
    if isinstance(content, str):
        TlsRoot(tmp_path / "other")
        content = (tmp_path / "other" / broken).read_bytes()
    (tmp_path / broken).write_bytes(content)
    with pytest.raises(UnusableTlsRoot) as raised:
        TlsRoot(tmp_path)
    assert str(tmp_path) in raised.value.sentence("en")
    assert "PRIVATE" not in raised.value.sentence("en")
    with pytest.raises(UnusableTlsRoot):
        Reach.open("127.0.0.1", https_port=0, proxy_port=0, folder=tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UnusableTlsRoot):
        TlsRoot(tmp_path / "file" / "below")


def test_half_a_root_is_made_anew(tmp_path: Path) -> None:
    before = TlsRoot(tmp_path).pem
    (tmp_path / "tls-root.pem").unlink()
    assert TlsRoot(tmp_path).pem != before


def test_the_root_vouches_for_the_gateway_and_loopback_only(tmp_path: Path) -> None:
    """OpenSSL is the judge: a certificate under the stolen key of the root fails for any other name."""
    root = TlsRoot(tmp_path)
    key = serialization.load_pem_private_key((tmp_path / "tls-root.key").read_bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    issuer = x509.load_pem_x509_certificate(root.pem.encode())

    def verified(names: list[x509.GeneralName], host: str) -> tuple[int, str]:
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")]))
            .issuer_name(issuer.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(key, hashes.SHA256())
        )
        file = tmp_path / "server.pem"
        file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        command = ["openssl", "verify", "-CAfile", str(root.file), "-verify_hostname", host, str(file)]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        return ran.returncode, ran.stdout + ran.stderr

    assert verified([x509.DNSName("gw-fatoora.zatca.gov.sa")], "gw-fatoora.zatca.gov.sa")[0] == 0
    for name in ("fatoora.zatca.gov.sa", "zatca.gov.sa", "example.com"):
        code, text = verified([x509.DNSName(name)], name)
        assert code != 0
        assert "permitted subtree violation" in text
