"""What a request may be and where it may come from, on every path (RFC 6585, Fetch, OWASP on DNS rebinding)."""

import re
import socket
import ssl
from collections.abc import Iterator

import httpx
import pytest
from starlette.routing import BaseRoute, Mount, Route

from khatm.simulator.app import create_app
from khatm.simulator.embedded import EmbeddedSimulator, InProcessSimulator
from khatm.testing.transport import SimulatorTransport
from tests.wire.simulator_caller import SELLER, http

KIB = 1024
GATEWAY = [
    f"/e-invoicing/{environment}{path}"
    for environment in ("developer-portal", "simulation", "core")
    for path in (
        "/compliance",
        "/compliance/invoices",
        "/production/csids",
        "/invoices/reporting/single",
        "/invoices/clearance/single",
    )
]
ELSEWHERE = ["/", "/nothing", "/e-invoicing/simulation/nothing", "/portal/static/portal.css", "/CertEnroll/x.crt"]


def listed() -> list[tuple[str, str]]:
    """Method and path of every route of management and pages, with something in the place of each name."""
    with InProcessSimulator() as simulator:
        return sorted(set(_listed(create_app(simulator.fatoora).routes, "")))


def _listed(routes: list[BaseRoute], before: str) -> Iterator[tuple[str, str]]:
    for each in routes:
        if isinstance(each, Mount):
            yield from _listed(each.routes, before + each.path)
        elif isinstance(each, Route):
            path = before + re.sub(r"\{vat_number\}", SELLER, each.path)
            path = re.sub(r"\{environment\}", "simulation", path)
            for method in (each.methods or {"GET"}) - {"HEAD"}:
                yield method, re.sub(r"\{[^}]+\}", "1", path)


LISTED = listed()
MANAGEMENT = [each for each in LISTED if each[1].startswith("/manage/")]
PATHS = sorted({path for _, path in LISTED} | {*GATEWAY, *ELSEWHERE})


@pytest.fixture(scope="module")
def simulator() -> Iterator[EmbeddedSimulator]:
    with EmbeddedSimulator(https=True, proxy=True) as running:
        yield running


def test_the_lists_are_whole() -> None:
    assert {("POST", "/manage/otp"), ("POST", "/manage/devices/1/revoke"), ("DELETE", "/manage/faults/1")} <= set(
        LISTED
    )
    assert len(MANAGEMENT) > 25
    assert ("POST", "/validator/api") in LISTED


def connect(url: str) -> socket.socket:
    host, port = url.partition("://")[2].split(":")
    return socket.create_connection((host, int(port)))


def status_of(connection: socket.socket, *pieces: bytes) -> int:
    """Send pieces, and return the status of what is answered then; the connection is closed."""
    with connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
        except OSError:  # it was refused before all of it was sent
            pass
        answer = b""
        while b"\r\n\r\n" not in answer and (part := connection.recv(4096)):
            answer += part
    return int(answer.split(b" ", 2)[1])


HEADS = {
    "one long header": (b"/", b"X-Long: " + b"x" * 65 * KIB),
    "many headers": (b"/", b"\r\n".join(b"X-%05d: y" % each for each in range(12_000))),
    "a long target": (b"/?" + b"x" * 65 * KIB, b"X: y"),
    "a long name": (b"/", b"x" * 65 * KIB + b": y"),
}


@pytest.mark.parametrize("form", list(HEADS))
@pytest.mark.parametrize("path", [GATEWAY[6], "/manage/otp", "/portal/sign-in", "/validator/api", "/nothing"])
def test_a_head_above_the_limit_is_refused_however_it_comes(simulator: EmbeddedSimulator, path: str, form: str) -> None:
    target, headers = HEADS[form]
    head = b"POST " + path.encode() + target[1:] + b" HTTP/1.1\r\nHost: localhost\r\n" + headers + b"\r\n\r\n"
    assert status_of(connect(simulator.url), head) == 431
    assert (
        status_of(connect(simulator.url), *(head[start : start + 5000] for start in range(0, len(head), 5000))) == 431
    )


@pytest.mark.parametrize("path", PATHS)
def test_the_limit_holds_on_every_path(simulator: EmbeddedSimulator, path: str) -> None:
    first = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX: "
    assert status_of(connect(simulator.url), first.encode() + b"x" * 65 * KIB + b"\r\n\r\n") == 431
    assert status_of(connect(simulator.url), first.encode() + b"x" * 63 * KIB + b"\r\n\r\n") not in (431, 500)


def test_a_header_that_never_ends_is_refused(simulator: EmbeddedSimulator) -> None:
    start = b"POST /manage/otp HTTP/1.1\r\nHost: localhost\r\nX: "
    for first in (start, b"GET /" + b"x" * 10, start + b"x\r\nY"):
        assert status_of(connect(simulator.url), first, *[b"x" * KIB] * 400) == 431


def test_the_refusal_says_what_is_allowed(simulator: EmbeddedSimulator) -> None:
    answer = http().get(f"{simulator.url}/e-invoicing/simulation/compliance", headers={"X": "x" * 66 * KIB})
    said = answer.json()
    assert (answer.status_code, said["error"], said["allowed"]) == (431, "headers-too-large", 64 * KIB)
    assert said["message"].keys() == {"en", "ar"}


def test_heads_of_calls_that_follow_each_other_are_not_added_up(simulator: EmbeddedSimulator) -> None:
    call = b"GET /manage/clock HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 40 * KIB + b"\r\n\r\n"
    with connect(simulator.url) as connection, connection.makefile("rb") as answers:
        for _ in range(4):
            connection.sendall(call)
            assert answers.readline() == b"HTTP/1.1 200 OK\r\n"
            length = 0
            while (line := answers.readline()) != b"\r\n":
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            assert len(answers.read(length)) == length


def test_the_limit_holds_by_https_and_by_the_proxy(simulator: EmbeddedSimulator) -> None:
    root = ssl.create_default_context(cafile=str(simulator.tls_root_file))
    large = {"X": "x" * 66 * KIB}
    with httpx.Client(verify=root, trust_env=False) as client:
        assert client.get(f"{simulator.https_url}/manage/clock", headers=large).status_code == 431
    with httpx.Client(verify=root, trust_env=False, proxy=simulator.proxy_url) as client:
        url = "https://gw-fatoora.zatca.gov.sa/e-invoicing/simulation/compliance"
        assert client.post(url, headers=large).status_code == 431


def test_the_limit_holds_without_a_socket() -> None:
    with InProcessSimulator() as simulator, httpx.Client(transport=SimulatorTransport(simulator)) as client:
        for path in (GATEWAY[6], "/manage/clock"):
            url = f"https://gw-fatoora.zatca.gov.sa{path}"
            assert client.get(url, headers={"X": "x" * 66 * KIB}).status_code == 431


@pytest.mark.parametrize("path", GATEWAY)
def test_a_call_to_the_gateway_takes_five_mebibytes(simulator: EmbeddedSimulator, path: str) -> None:
    most = 5 * KIB * KIB
    method = "PATCH" if path.endswith("csids") else "POST"
    for size, refused in ((most, False), (most + 1, True)):
        for content in (b" " * size, iter([b" " * size])):  # with its length, and in chunks
            answer = http().request(method, simulator.url + path, content=content)
            assert (answer.status_code == 413) == refused, answer.text


@pytest.mark.parametrize(
    ("method", "path"), [each for each in LISTED if each[0] != "GET" and not each[1].startswith("/CertEnroll")]
)
def test_every_other_path_takes_what_is_documented(simulator: EmbeddedSimulator, method: str, path: str) -> None:
    most = 4 * KIB * KIB if path.startswith("/manage") else 256 * KIB
    if path.startswith("/validator"):
        most = 3 * 5 * KIB * KIB + 4096  # a form takes three octets for one of the document
    answer = http().request(method, simulator.url + path, content=b" " * (most + 1))
    assert answer.status_code == 413
    assert http().request(method, simulator.url + path, content=b" " * most).status_code != 413


@pytest.mark.parametrize(("method", "path"), MANAGEMENT)
def test_management_is_refused_from_other_origins_and_names(
    simulator: EmbeddedSimulator, method: str, path: str
) -> None:
    foreign: list[dict[str, str]] = [
        {"Origin": "http://evil.test"},
        {"Origin": "null"},
        {"Origin": simulator.url.replace("127.0.0.1", "localhost")},
        {"Host": "evil.test"},
        {"Host": "evil.test", "Origin": "http://evil.test"},
        {"Host": "127.0.0.1.evil.test"},
    ]
    if method != "GET":
        foreign += [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}]
    for headers in foreign:
        answer = http().request(method, simulator.url + path, headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (
            403,
            "foreign-host" if "evil" in headers.get("Host", "") else "foreign-origin",
        ), headers
        assert "access-control-allow-origin" not in answer.headers
    asked = {"Origin": "http://evil.test", "Access-Control-Request-Method": method}
    preflight = http().request("OPTIONS", simulator.url + path, headers=asked)
    assert preflight.status_code == 403
    assert "access-control-allow-origin" not in preflight.headers
