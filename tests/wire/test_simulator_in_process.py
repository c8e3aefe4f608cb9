"""httpx against a simulator of its own process: the answers of the wire, and its accidents, without a socket."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from khatm.simulator.embedded import EmbeddedSimulator, InProcessSimulator
from khatm.testing.transport import AsyncSimulatorTransport, SimulatorTransport
from tests.csr_maker import CsrRecipe, csr_member, make_csr
from tests.wire.simulator_caller import SELLER, http

HOST = "https://gw-fatoora.zatca.gov.sa"
RETIRED = "https://gw-apic-gov.gazt.gov.sa"
COMPLIANCE = "/e-invoicing/simulation/compliance"
HEADERS = {"Accept-Version": "V2"}
OTP = {"environment": "simulation", "vat_number": SELLER}


@pytest.fixture
def simulator() -> Iterator[InProcessSimulator]:
    with InProcessSimulator() as opened:
        yield opened


@pytest.fixture
def client(simulator: InProcessSimulator) -> Iterator[httpx.Client]:
    with httpx.Client(transport=SimulatorTransport(simulator), timeout=30, headers=HEADERS) as opened:
        yield opened


def csr() -> str:
    from cryptography.hazmat.primitives.asymmetric import ec

    recipe = CsrRecipe().for_unit("simulation", SELLER, "1100")
    return csr_member(make_csr(recipe, ec.generate_private_key(ec.SECP256K1())))


def test_a_unit_gets_its_certificate_at_the_real_addresses_without_a_socket(
    simulator: InProcessSimulator, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("bind", "connect", "listen"):
        monkeypatch.setattr(socket.socket, name, None)
    assert simulator.gateway_url == f"{HOST}/e-invoicing"
    for host in (HOST, RETIRED):
        code = client.post(f"{host}/manage/otp", json=OTP).json()["otps"][0]["otp"]
        answer = client.post(f"{host}{COMPLIANCE}", json={"csr": csr()}, headers={"OTP": code})
        assert answer.json()["dispositionMessage"] == "ISSUED"
    assert len(client.get(f"{HOST}/manage/devices", params=OTP | {"environment": "simulation"}).json()["devices"]) == 2


@pytest.mark.parametrize(
    ("method", "path", "content"),
    [
        ("POST", COMPLIANCE, b"{}"),
        ("POST", COMPLIANCE, b"x" * 6_000_000),
        ("GET", "/e-invoicing/core/nothing%20here?x=%C3%A9", None),
        ("POST", "/e-invoicing/core/invoices/reporting/single", b'{"uuid":1}'),
        ("OPTIONS", "/e-invoicing/core/compliance/invoices", None),
        ("GET", "/manage/switches", None),
        ("GET", "/manage/devices?environment=mars", None),
    ],
)
def test_it_answers_as_over_http(client: httpx.Client, method: str, path: str, content: bytes | None) -> None:
    with EmbeddedSimulator() as served:
        over_http = http().request(method, served.url + path, content=content, headers=HEADERS)
    here = client.request(method, HOST + path, content=content)
    assert here.status_code == over_http.status_code

    def without_times(answer: httpx.Response) -> object:
        if "timestamp" not in answer.text:
            return answer.content
        return {name: value for name, value in answer.json().items() if name != "timestamp"}

    assert without_times(here) == without_times(over_http)
    del over_http.headers["date"]
    assert here.headers == over_http.headers


@pytest.mark.parametrize(
    "url",
    ["https://fatoora.zatca.gov.sa/", "http://gw-fatoora.zatca.gov.sa/", f"{HOST}:8443/", "https://127.0.0.1/"],
)
def test_other_addresses_are_not_there(client: httpx.Client, url: str) -> None:
    with pytest.raises(httpx.ConnectError, match=HOST):
        client.get(url)


@pytest.mark.parametrize(
    ("then", "raised"),
    [
        ({"drop": "close"}, httpx.RemoteProtocolError),
        ({"drop": "reset", "when": "after"}, httpx.ReadError),
        ({"truncate": "connection"}, httpx.RemoteProtocolError),
        ({"truncate": "connection", "keep": 0}, httpx.RemoteProtocolError),
        ({"delay": 30, "when": "after"}, httpx.ReadTimeout),
        ({"bytes_per_second": 1}, httpx.ReadTimeout),
    ],
)
def test_faults_are_what_a_network_makes_of_them(
    simulator: InProcessSimulator, then: dict[str, object], raised: type[httpx.TransportError]
) -> None:
    simulator.arm_faults({"endpoint": "*", "then": then})
    begun = time.monotonic()
    with httpx.Client(transport=SimulatorTransport(simulator), timeout=0.5, headers=HEADERS) as client:
        with pytest.raises(raised) as caught:
            client.post(f"{HOST}{COMPLIANCE}", json={})
        assert caught.value.request.url == f"{HOST}{COMPLIANCE}"
        assert client.post(f"{HOST}{COMPLIANCE}", json={}).status_code == 400
    assert time.monotonic() - begun < 20, "a call that a fault holds back does not keep the transport open"


def test_a_call_goes_on_when_its_caller_has_given_up(simulator: InProcessSimulator) -> None:
    simulator.arm_faults({"endpoint": "compliance_csid", "then": {"delay": 1}})
    code = simulator.issue_otp("simulation", SELLER)
    with httpx.Client(transport=SimulatorTransport(simulator), timeout=0.1, headers=HEADERS) as client:
        with pytest.raises(httpx.ReadTimeout):
            client.post(f"{HOST}{COMPLIANCE}", json={"csr": csr()}, headers={"OTP": code})
        for _ in range(200):
            if simulator.fatoora.registry.devices():
                break
            time.sleep(0.05)
    assert len(simulator.fatoora.registry.devices()) == 1


def test_bodies_come_as_they_are_sent(simulator: InProcessSimulator, client: httpx.Client) -> None:
    simulator.arm_faults({"endpoint": "*", "then": {"bytes_per_second": 5000}})
    with client.stream("POST", f"{HOST}{COMPLIANCE}", json={}) as answer:
        parts = list(answer.iter_raw())
    assert len(parts) >= 1
    assert len(b"".join(parts)) == int(answer.headers["content-length"])


def test_many_threads_share_one_transport(client: httpx.Client) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda _: client.post(f"{HOST}/manage/otp", json=OTP).json(), range(40))
        assert len({each["otps"][0]["otp"] for each in answers}) == 40


def test_an_async_client_works_in_its_own_loop(simulator: InProcessSimulator) -> None:
    async def walk() -> None:
        transport = AsyncSimulatorTransport(simulator)
        async with httpx.AsyncClient(transport=transport, timeout=0.5, headers=HEADERS) as client:
            codes = await asyncio.gather(*(client.post(f"{HOST}/manage/otp", json=OTP) for _ in range(10)))
            assert len({each.json()["otps"][0]["otp"] for each in codes}) == 10
            simulator.arm_faults({"endpoint": "*", "then": {"delay": 60}})
            with pytest.raises(httpx.ReadTimeout):
                await client.post(f"{HOST}{COMPLIANCE}", json={})
            simulator.arm_faults({"endpoint": "*", "then": {"drop": "close"}})
            with pytest.raises(httpx.RemoteProtocolError):
                await client.post(f"{HOST}{COMPLIANCE}", json={})

    asyncio.run(walk())


def test_a_closed_transport_leaves_no_thread(simulator: InProcessSimulator) -> None:
    def threads() -> int:
        return sum(each.name == "khatm-transport" for each in threading.enumerate())

    before = threads()
    transport = SimulatorTransport(simulator)
    assert threads() == before + 1
    transport.close()
    transport.close()
    assert threads() == before


def test_a_served_simulator_can_be_called_without_its_socket_too() -> None:
    with EmbeddedSimulator() as served, httpx.Client(transport=SimulatorTransport(served), headers=HEADERS) as client:
        client.post(f"{HOST}{COMPLIANCE}", json={})
        http().post(f"{served.url}{COMPLIANCE}", json={}, headers=HEADERS)
        assert len(http().get(f"{served.url}/manage/exchanges").json()["exchanges"]) == 2
