"""Clients with a fixed address reach the simulator: over TLS by name, or by its proxy, which leads nowhere else."""

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from khatm.simulator.embedded import EmbeddedSimulator
from khatm.simulator.proxy import MOST_HEAD_BYTES
from tests.wire.page import blocks, run_in_order
from tests.wire.simulator_caller import SELLER, http

HOSTS = ("gw-fatoora.zatca.gov.sa", "gw-apic-gov.gazt.gov.sa")
OTP = {"environment": "production", "vat_number": SELLER}


@pytest.fixture(scope="module")
def simulator() -> Iterator[EmbeddedSimulator]:
    with EmbeddedSimulator(https=True, proxy=True) as opened:
        yield opened


def trust(simulator: EmbeddedSimulator) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(simulator.tls_root_file))


def shown(simulator: EmbeddedSimulator, name: str) -> x509.Certificate:
    """The certificate that the server shows to a client which asks for a name and checks it."""
    with (
        plain_connection(simulator.https_url) as plain,
        trust(simulator).wrap_socket(plain, server_hostname=name) as secured,
    ):
        found = secured.getpeercert(binary_form=True)
    assert found is not None
    return x509.load_der_x509_certificate(found)


@pytest.mark.parametrize("name", [*HOSTS, "localhost", "127.0.0.1", "::1"])
def test_tls_proves_each_name(simulator: EmbeddedSimulator, name: str) -> None:
    certificate = shown(simulator, name)
    key = certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc < timedelta(days=398)
    assert certificate.not_valid_before_utc < datetime.now(UTC)
    extensions = certificate.extensions
    assert list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.SERVER_AUTH]
    usage = extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.digital_signature
    assert not usage.value.key_cert_sign
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_tls_proves_no_other_name_and_only_to_who_trusts_the_root(simulator: EmbeddedSimulator) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        shown(simulator, "fatoora.zatca.gov.sa")
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        http().get(f"{simulator.https_url}/manage/clock")


def test_http_and_https_are_one_simulator(simulator: EmbeddedSimulator) -> None:
    with httpx.Client(verify=trust(simulator), trust_env=False, timeout=30) as secured:
        code = secured.post(f"{simulator.https_url}/manage/otp", json=OTP).json()["otps"][0]["otp"]
        headers = {"Accept-Version": "V2", "OTP": code}
        spent = [
            client.post(f"{url}/e-invoicing/core/compliance", json={"csr": "bm8="}, headers=headers)
            for client, url in ((http(), simulator.url), (secured, simulator.https_url))
        ]
        assert [each.status_code for each in spent] == [400, 400]
        numbers = [each["number"] for each in http().get(f"{simulator.url}/manage/exchanges").json()["exchanges"]]
        assert len(numbers) == 2
        root = http().get(f"{simulator.url}/manage/tls-root.pem")
    assert root.headers["content-type"].startswith("application/x-pem-file")
    assert simulator.tls_root_file is not None
    assert root.text == simulator.tls_root_file.read_text()


def test_plain_http_has_no_root() -> None:
    with EmbeddedSimulator() as plain:
        assert plain.https_url is plain.proxy_url is plain.tls_root_file is None
        answer = http().get(f"{plain.url}/manage/tls-root.pem")
    assert answer.status_code == 404
    assert "--https-port" in answer.json()["message"]["en"]


@pytest.mark.parametrize("drop", ["close", "reset"])
@pytest.mark.parametrize("way", ["https", "proxy"])
def test_broken_connections_break_over_tls_too(simulator: EmbeddedSimulator, way: str, drop: str) -> None:
    simulator.arm_faults({"endpoint": "*", "then": {"drop": drop}})
    with plain_connection(simulator.https_url if way == "https" else simulator.proxy_url) as plain:
        if way == "proxy":
            plain.sendall(f"CONNECT {HOSTS[0]}:443 HTTP/1.1\r\n\r\n".encode())
            assert plain.recv(100).startswith(b"HTTP/1.1 200 ")
        with trust(simulator).wrap_socket(plain, server_hostname=HOSTS[0]) as secured:
            secured.sendall(b"POST /e-invoicing/core/compliance HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
            if drop == "close":
                assert secured.recv(100) == b""
                return
            # Below TLS, because Python's TLS takes a reset for an end.
            os.set_blocking(secured.fileno(), True)
            with pytest.raises(ConnectionResetError):
                while os.read(secured.fileno(), 4096):
                    pass


def plain_connection(url: str | None) -> socket.socket:
    host, port = str(url).partition("://")[2].split(":")
    return socket.create_connection((host, int(port)), timeout=30)


def proxied(simulator: EmbeddedSimulator, sent: bytes) -> bytes:
    """What the proxy answers to these octets until it closes."""
    with plain_connection(simulator.proxy_url) as connection:
        connection.sendall(sent)
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize("host", HOSTS)
def test_the_proxy_variable_and_the_root_suffice(
    simulator: EmbeddedSimulator, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", str(simulator.proxy_url))
    monkeypatch.setenv("SSL_CERT_FILE", str(simulator.tls_root_file))
    answer = httpx.post(f"https://{host}/manage/otp", json=OTP, timeout=30)
    assert len(answer.json()["otps"][0]["otp"]) == 6


@pytest.mark.parametrize("host", [HOSTS[0], HOSTS[1].upper(), f"{HOSTS[0]}.", f"{HOSTS[0]}:443"])
def test_the_proxy_takes_the_absolute_form(simulator: EmbeddedSimulator, host: str) -> None:
    body = json.dumps(OTP).encode()
    head = (
        f"POST https://{host}/manage/otp?a=1 HTTP/1.1\r\nHost: elsewhere\r\nProxy-Connection: keep-alive\r\n"
        f"Connection: keep-alive\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    answer = proxied(simulator, head.encode() + body)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close" in answer.lower(), "the next call may be for another destination"
    assert len(json.loads(answer.partition(b"\r\n\r\n")[2])["otps"]) == 1


@pytest.mark.parametrize(
    "request_line",
    [
        "CONNECT example.com:443",
        "CONNECT 127.0.0.1:{port}",
        "CONNECT localhost:{port}",
        f"CONNECT {HOSTS[0]}:80",
        f"CONNECT {HOSTS[0]}:22",
        f"CONNECT {HOSTS[0]}.example.com:443",
        f"CONNECT example.com#{HOSTS[0]}:443",
        f"CONNECT user@{HOSTS[0]}:443",
        f"CONNECT {HOSTS[0]}:443:443",
        "CONNECT [::1]:443",
        "CONNECT",
        "CONNECT /",
        "GET http://127.0.0.1:{port}/manage/clock",
        f"GET http://{HOSTS[0]}/manage/clock",
        "GET https://example.com/",
        f"GET https://example.com@{HOSTS[0]}/",
        f"GET https://{HOSTS[0]}:8443/",
        f"GET ftp://{HOSTS[0]}/",
        "GET /manage/clock",
        "OPTIONS *",
        "GET https://[bad/",
        "ⅽONNECT x:1",
    ],
)
def test_the_proxy_leads_nowhere_else(simulator: EmbeddedSimulator, request_line: str) -> None:
    port = simulator.url.rpartition(":")[2]
    sent = f"{request_line.format(port=port)} HTTP/1.1\r\nHost: {HOSTS[0]}\r\nContent-Length: 3\r\n\r\nabc"
    answer = proxied(simulator, sent.encode())
    status = answer.split(b" ", 2)[1]
    assert status in (b"403", b"400"), answer
    if status == b"403":
        text = answer.partition(b"\r\n\r\n")[2].decode()
        assert f"the simulator only: {HOSTS[0]}:443, {HOSTS[1]}:443" in text
        assert "المحاكي" in text


def test_the_proxy_does_not_pass_on_what_follows_a_call(simulator: EmbeddedSimulator) -> None:
    sent = (
        f"GET https://{HOSTS[0]}/manage/clock HTTP/1.1\r\nHost: x\r\n\r\n" + "GET https://example.com/ HTTP/1.1\r\n\r\n"
    )
    assert proxied(simulator, sent.encode()).count(b"HTTP/1.1 ") == 1
    eager = f"CONNECT {HOSTS[0]}:443 HTTP/1.1\r\n\r\nhello"
    assert proxied(simulator, eager.encode()).startswith(b"HTTP/1.1 400 ")


def test_the_proxy_bounds_what_it_reads(simulator: EmbeddedSimulator) -> None:
    long = f"CONNECT {HOSTS[0]}:443 HTTP/1.1\r\nX: ".encode() + b"x" * (MOST_HEAD_BYTES + 1)
    assert proxied(simulator, long).startswith(b"HTTP/1.1 431 ")
    assert proxied(simulator, b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    assert http().get(f"{simulator.url}/manage/clock").status_code == 200


def test_a_handshake_that_fails_concerns_nobody_else(simulator: EmbeddedSimulator) -> None:
    sent = f"CONNECT {HOSTS[0]}:443 HTTP/1.1\r\n\r\n".encode()
    with plain_connection(simulator.proxy_url) as connection:
        connection.sendall(sent)
        assert connection.recv(100).startswith(b"HTTP/1.1 200 ")
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        while connection.recv(100):
            pass
    assert http().get(f"{simulator.url}/manage/clock").status_code == 200


def test_the_program_prints_what_brings_a_client_here_and_keeps_its_root(tmp_path: Path) -> None:
    """The printed lines, in a shell, bring curl and its fixed address to the simulator, before and after a restart."""
    assert shutil.which("curl"), "curl is needed"
    start = "from khatm.cli.khatm import main; main()"
    command = [sys.executable, "-c", start, "simulator", "--port", "0", "--https-port", "0"]
    roots = []
    for _ in range(2):
        data = tmp_path / "kept here"
        with subprocess.Popen(
            [*command, "--proxy-port", "0", "--data", str(data)], stdout=subprocess.PIPE, text=True, env=os.environ
        ) as process:
            try:
                assert process.stdout is not None
                lines = [process.stdout.readline() for _ in range(5)]
                script = "".join(lines[1:]) + f"curl -sS https://{HOSTS[1]}/manage/tls-root.pem"
                ran = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=60, check=False)
                assert ran.returncode == 0, ran.stderr
                roots.append(ran.stdout)
                process.send_signal(signal.SIGTERM)
                assert process.wait(timeout=30) == 0
            finally:
                process.kill()
        assert lines[0].startswith("simulator ready: http://127.0.0.1:")
        assert f"127.0.0.1 {HOSTS[0]} {HOSTS[1]}" in lines[2]
    assert roots[0] == roots[1] == (tmp_path / "kept here" / "tls-root.pem").read_text()


def test_the_page_brings_curl_here(tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    commands = [each for each in blocks("simulator.md", "sh") if "--proxy-port" in each]
    assert '"frozen":false' in run_in_order(commands, folder, tmp_path)
    assert (folder / "fatoora" / "tls-root.pem").exists()
