"""zatca-xml-js 0.1.9, unmodified, in Node: onboarding, checks and reporting at its fixed, retired address."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from khatm.environment import Environment
from khatm.simulator.embedded import EmbeddedSimulator
from tests.interop import xml_js
from tests.interop.authority import SANDBOX_VAT_NUMBER, Authority

KINDS = ("invoice", "credit", "debit")
STEPS = ["compliance", *(f"check {each}" for each in KINDS), "production", *(f"report {each}" for each in KINDS)]


def brought(simulator: EmbeddedSimulator, way: str) -> dict[str, str]:
    """The variables that bring the client to a simulator."""
    if way == "proxy":
        return {name: value for name, value in simulator.environ.items() if "proxy" in name.lower()}
    return {
        "NODE_EXTRA_CA_CERTS": str(simulator.tls_root_file),
        "NODE_OPTIONS": f"--require {xml_js.HOSTS_ENTRY}",
        "KHATM_HTTPS_PORT": str(simulator.https_url).rpartition(":")[2],
    }


@pytest.fixture(params=["proxy", "hosts"])
def way(request: pytest.FixtureRequest) -> str:
    """A proxy variable, or a hosts entry and the root in Node's trust store."""
    return str(request.param)


@pytest.fixture
def lenient() -> Iterator[EmbeddedSimulator]:
    """A simulator whose sandbox answers 200 where there are warnings: the client takes 202 for a failure."""
    with EmbeddedSimulator(https=True, proxy=True, settings=["sandbox.warnings_as_200=on"]) as opened:
        yield opened


def test_walks_from_a_csr_to_reported_documents(lenient: EmbeddedSimulator, way: str, tmp_path: Path) -> None:
    lines = xml_js.walk(SANDBOX_VAT_NUMBER, "123345", tmp_path, brought(lenient, way))
    assert [each["step"] for each in lines] == STEPS, lines
    for line in lines:
        if line["step"] not in ("compliance", "production"):
            results = line["answer"]["validationResults"]
            assert line["answer"]["reportingStatus"] == "REPORTED"
            # client-behaviour 8: a summary invoice without a buyer's name, and a Z that only the QR's time has.
            warned = {each["code"] for each in results["warningMessages"]}
            assert warned == {"BR-KSA-71", "invoiceTimeStamp_QRCODE_INVALID"}
    device = Authority(lenient.url).device(Environment.SANDBOX, SANDBOX_VAT_NUMBER)
    assert (device["status"], device["accepted_documents"]) == ("Active", 3)
    hosts = {each["request"]["headers"]["host"] for each in exchanges(lenient)}
    assert hosts == {"gw-apic-gov.gazt.gov.sa"}


def test_stops_at_the_first_202(way: str, tmp_path: Path) -> None:
    # client-behaviour 7 and 9.14: warnings are answered as documented, and this client stops itself there.
    with EmbeddedSimulator(https=True, proxy=True) as strict:
        lines = xml_js.walk(SANDBOX_VAT_NUMBER, "123345", tmp_path, brought(strict, way))
        assert [each["step"] for each in lines] == STEPS[:2]
        assert lines[-1]["error"] == "Error in compliance check."
        assert [each["status"] for each in exchanges(strict)] == [200, 202]


def test_reads_the_refusal_of_an_otp(lenient: EmbeddedSimulator, way: str, tmp_path: Path) -> None:
    [line] = xml_js.walk(SANDBOX_VAT_NUMBER, "111111", tmp_path, brought(lenient, way))
    assert (line["step"], line["status"]) == ("compliance", 400)


def test_refuses_without_the_root(lenient: EmbeddedSimulator, tmp_path: Path) -> None:
    environ = brought(lenient, "hosts")
    del environ["NODE_EXTRA_CA_CERTS"]
    [line] = xml_js.walk(SANDBOX_VAT_NUMBER, "123345", tmp_path, environ)
    assert "certificate" in line["error"]
    assert exchanges(lenient) == []


def exchanges(simulator: EmbeddedSimulator) -> list[dict[str, Any]]:
    found = httpx.get(f"{simulator.url}/manage/exchanges", trust_env=False, timeout=30).json()
    return list(found["exchanges"])
