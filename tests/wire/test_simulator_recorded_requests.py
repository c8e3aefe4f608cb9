"""Certificate requests that eleven third-party clients sent, answered strictly (client behaviour 3)."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from khatm.environment import Environment
from khatm.simulator.embedded import EmbeddedSimulator
from tests.wire.simulator_caller import Caller, Csid, fresh

TAXPAYER = "399999999900003"
REFUSED = {"jaicome": "prime256v1", "malik12tree-zatca": "SHA-1"}
CLIENTS = [
    "ZatcaPython",
    "aashahin-zatca-sdk",
    "dokhna",
    "erpgulf",
    "fatoora-rs",
    "jaicome",
    "malik12tree-zatca",
    "saleh7-php-zatca-xml",
    "zatca-tools-sdk",
    "zatca-xml-js",
    "zidsa-zatca",
]


@pytest.fixture(scope="module")
def strict() -> Iterator[EmbeddedSimulator]:
    with EmbeddedSimulator() as simulator:
        yield simulator


@pytest.fixture(scope="module")
def lenient() -> Iterator[EmbeddedSimulator]:
    with EmbeddedSimulator(settings=["simulation.csr_p256=accept", "simulation.csr_sha1=accept"]) as simulator:
        yield simulator


def recorded(corpus: Path, client: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((corpus / "wire" / client / "001-POST-compliance.json").read_text())
    return found


def replay(simulator: EmbeddedSimulator, request: dict[str, Any]) -> Any:
    caller = Caller(fresh(simulator), Environment.SIMULATION, headers={})
    dropped = {"host", "content-length", "otp", "connection"}
    headers = {name: value for name, value in request["headers"] if name.lower() not in dropped}
    return caller.call("POST", "/compliance", request["body"], OTP=caller.otp(vat_number=TAXPAYER), **headers)


@pytest.mark.parametrize("client", CLIENTS)
def test_recorded_requests(shared_corpus: Path, strict: EmbeddedSimulator, client: str) -> None:
    answer = replay(strict, recorded(shared_corpus, client))
    if client in REFUSED:
        assert (answer.status_code, answer.json()["errorCategory"]) == (400, "Invalid-CSR"), REFUSED[client]
    else:
        assert_copied(recorded(shared_corpus, client), answer)


@pytest.mark.parametrize("client", REFUSED)
def test_recorded_requests_that_a_switch_lets_in(shared_corpus: Path, lenient: EmbeddedSimulator, client: str) -> None:
    assert_copied(recorded(shared_corpus, client), replay(lenient, recorded(shared_corpus, client)))


def assert_copied(request: dict[str, Any], answer: Any) -> None:
    """Subject and alternative name are the request's bytes, the key is its key."""
    assert answer.status_code == 200
    encoded = Csid.of(answer.json()).der
    csr = x509.load_pem_x509_csr(base64.b64decode(request["body"]["csr"]))
    certificate = x509.load_der_x509_certificate(encoded)
    assert certificate.subject.public_bytes() == csr.subject.public_bytes()
    assert csr.subject.public_bytes() in encoded
    spki = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert certificate.public_key().public_bytes(*spki) == csr.public_key().public_bytes(*spki)
    [directory] = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    [sent] = next(each for each in request["csr"]["extensions"] if each["oid"] == "2.5.29.17")["san"]
    assert [each.value for each in directory.value] == [value for _, _, value in sent["dirName"]]
    start = csr.tbs_certrequest_bytes.index(bytes.fromhex("0603551d11"))
    assert csr.tbs_certrequest_bytes[start : start + 100] in encoded
