"""The same call on many connections at once: it happens once, and every other answer says so (gateway contract 8.5)."""

import json
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from khatm.environment import Environment
from tests.simulator_process import SimulatorProcess
from tests.wire.simulator_caller import SELLER, Caller, Unit, endpoint_of, http

CONNECTIONS = 50
REPORTED, CLEARED = "simplified-invoice", "standard-invoice"


@pytest.fixture(scope="module", params=["memory", "memory, workers", "file", "file, workers"])
def simulator(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    data: Path | None = tmp_path_factory.mktemp("state") if "file" in request.param else None
    workers = "2" if "workers" in request.param else "0"
    with SimulatorProcess(data=data, options=("--set", "simulation.chain=warn", "--workers", workers)) as running:
        yield running


@pytest.fixture(scope="module")
def unit(simulator: SimulatorProcess) -> Unit:
    return Unit(Caller(simulator, Environment.SIMULATION)).onboarded()


def at_once(url: str, path: str, body: bytes, headers: dict[str, str]) -> list[tuple[int, bytes]]:
    """Send one call on every connection, all but its last octet, then the last octets; return statuses and bodies."""
    host, port = url.removeprefix("http://").split(":")
    lines = [f"POST {path} HTTP/1.1", f"Host: {host}:{port}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    call = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
    with ExitStack() as opened:
        connections = [opened.enter_context(socket.create_connection((host, int(port)))) for _ in range(CONNECTIONS)]
        for connection in connections:
            connection.sendall(call[:-1])
        for connection in connections:
            connection.sendall(call[-1:])
        answers = [opened.enter_context(connection.makefile("rb")).read() for connection in connections]
    heads = [answer.partition(b"\r\n\r\n") for answer in answers]
    return [(int(head.split(b" ", 2)[1]), content) for head, _, content in heads]


@pytest.mark.parametrize(
    ("kind", "first", "repeated"),
    [(REPORTED, 200, 409), (REPORTED, 202, 409), (CLEARED, 200, 208), (CLEARED, 202, 208)],
)
def test_copies_of_one_document(unit: Unit, kind: str, first: int, repeated: int) -> None:
    assert unit.submit(kind).status_code == 200  # what the switch `chain` compares the next one with
    before = unit.caller.device()["accepted_documents"]
    age = timedelta(hours=30 if (kind, first) == (REPORTED, 202) else 0)  # BR-KSA-98 warns after 24 hours
    if (kind, first) == (CLEARED, 202):
        unit.counter += 1  # the switch `chain` warns of the gap
    document = unit.document(kind, age=age)
    assert unit.pcsid is not None
    headers = {"Accept-Version": "V2", "Content-Type": "application/json", **unit.pcsid.authorization}
    path = f"/e-invoicing/simulation{endpoint_of(kind)}"
    answers = at_once(unit.caller.simulator.url, path, json.dumps(document.body).encode(), headers)
    assert Counter(status for status, _ in answers) == {first: 1, repeated: CONNECTIONS - 1}
    told = [json.loads(content) for _, content in answers]
    if kind == CLEARED:
        assert len({each["clearedInvoice"] for each in told}) == 1
        assert all(each["clearanceStatus"] == "CLEARED" for each in told)
    else:
        assert Counter(each["reportingStatus"] for each in told) == {"REPORTED": 1, "NOT_REPORTED": CONNECTIONS - 1}
    assert unit.caller.device()["accepted_documents"] == before + 1
    assert unit.send(endpoint_of(kind), document).status_code == repeated


def test_one_password_makes_one_unit(simulator: SimulatorProcess) -> None:
    unit = Unit(Caller(simulator, Environment.SIMULATION), "1000")
    headers = {"Accept-Version": "V2", "Content-Type": "application/json", "OTP": unit.caller.otp()}
    body = json.dumps({"csr": unit.csr}).encode()
    answers = at_once(simulator.url, "/e-invoicing/simulation/compliance", body, headers)
    assert Counter(status for status, _ in answers) == {200: 1, 400: CONNECTIONS - 1}
    refused = {json.loads(content)["errors"][0]["code"] for status, content in answers if status == 400}
    assert refused == {"Invalid-OTP"}


def test_the_management_gives_every_connection_a_password_of_its_own(simulator: SimulatorProcess) -> None:
    body = json.dumps({"environment": "simulation", "vat_number": SELLER}).encode()
    answers = at_once(simulator.url, "/manage/otp", body, {"Content-Type": "application/json"})
    assert {status for status, _ in answers} == {200}
    codes = [json.loads(content)["otps"][0]["otp"] for _, content in answers]
    assert len(set(codes)) == CONNECTIONS
    assert http().get(f"{simulator.url}/manage/clock").status_code == 200
