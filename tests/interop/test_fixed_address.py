"""Other people's clients at the address that is fixed in their code: a proxy variable and the root bring them here."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from khatm.environment import Environment
from khatm.simulator.embedded import EmbeddedSimulator, InProcessSimulator
from khatm.simulator.recorder import Wanted
from tests.interop.authority import Authority, documents_of, fresh_vat_number

ROOT = Path(__file__).resolve().parents[2]
CLEARED, REPORTED = ["CLEARED"] * 3, ["REPORTED"] * 3
MODULES = {"tools_sdk": "zatca_tools", "fatoora_rs": "fatoora"}


@pytest.fixture(scope="module")
def simulator() -> Iterator[EmbeddedSimulator]:
    with EmbeddedSimulator(https=True, proxy=True, settings=["simulation.renewal=200"]) as opened:
        yield opened


def walk(simulator: EmbeddedSimulator, client: str, **environ: str) -> tuple[subprocess.CompletedProcess[str], str]:
    """Run the walk of a client in a process with these variables; also the VAT number."""
    if find_spec(MODULES[client]) is None:
        pytest.skip(f"{client} is not installed (pip install .[peers])")
    vat_number = fresh_vat_number()
    codes = [simulator.issue_otp("simulation", vat_number, purpose) for purpose in ("onboarding", "renewal")]
    command = [sys.executable, "-m", "tests.interop.fixed_address", client, vat_number, *codes]
    return (
        subprocess.run(
            command, cwd=ROOT, env=os.environ | environ, capture_output=True, text=True, timeout=240, check=False
        ),
        vat_number,
    )


@pytest.mark.parametrize("client", list(MODULES))
def test_walks_at_its_fixed_address(simulator: EmbeddedSimulator, client: str) -> None:
    done, vat_number = walk(simulator, client, **simulator.environ)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [*CLEARED, *REPORTED, "REPORTED"]
    devices = Authority(simulator.url).devices(Environment.SIMULATION, vat_number)
    assert [each["status"] for each in devices].count("Active") == 1
    hosts = {
        each.exchange.request.headers["host"]
        for each in simulator.fatoora.recorder.find(Wanted(vat_number=vat_number), 1000)
    }
    assert hosts == {"gw-fatoora.zatca.gov.sa"}


@pytest.mark.parametrize("client", list(MODULES))
def test_without_the_root_it_refuses(simulator: EmbeddedSimulator, client: str) -> None:
    """The walk above proves nothing about trust unless the same client turns back without it."""
    assert simulator.proxy_url is not None
    done, vat_number = walk(simulator, client, HTTPS_PROXY=simulator.proxy_url)
    assert done.returncode != 0
    assert "certificate" in done.stderr.lower()
    assert Authority(simulator.url).devices(Environment.SIMULATION, vat_number) == []


def test_the_tools_sdk_walks_without_a_socket() -> None:
    pytest.importorskip("zatca_tools", reason="zatca-tools-sdk is not installed (pip install .[peers])")
    from khatm.testing.transport import SimulatorTransport
    from tests.interop.tools_sdk import ToolsSdkUnit

    vat_number = fresh_vat_number()
    with (
        InProcessSimulator() as simulator,
        ToolsSdkUnit(SimulatorTransport(simulator), Environment.SIMULATION, vat_number, "1100") as unit,
    ):
        unit.onboard(simulator.issue_otp("simulation", vat_number))
        statuses = [unit.submit(*each).status for each in documents_of("1100")]
    assert statuses == [*CLEARED, *REPORTED]
