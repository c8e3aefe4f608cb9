"""What every call meets before an endpoint looks at it (gateway contract 1.3 to 1.6, 4.8, 4.9, 4.12)."""

import base64
import json
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from khatm.environment import Environment
from khatm.simulator.embedded import EmbeddedSimulator
from tests.wire.simulator_caller import Caller, Csid, Unit, http

SIMULATION = Environment.SIMULATION
PATHS = {
    "/compliance": ["POST"],
    "/compliance/invoices": ["POST"],
    "/production/csids": ["POST", "PATCH"],
    "/invoices/reporting/single": ["POST"],
    "/invoices/clearance/single": ["POST"],
}
CALLS = [(method, path) for path, methods in PATHS.items() for method in methods]
VERSION = "This Version is not supported or not provided in the header."


@pytest.fixture(scope="module")
def simulator() -> Iterator[EmbeddedSimulator]:
    with EmbeddedSimulator() as running:
        yield running


@pytest.fixture
def caller(simulator: EmbeddedSimulator) -> Caller:
    return Caller(simulator, SIMULATION)


@pytest.fixture(scope="module")
def unit(simulator: EmbeddedSimulator) -> Unit:
    return Unit(Caller(simulator, SIMULATION)).onboarded()


def is_spring(answer: httpx.Response, status: int, word: str) -> bool:
    members = answer.json()
    assert answer.headers["content-type"] == "application/json"
    assert list(members) == ["timestamp", "status", "error", "message"]
    assert isinstance(members["timestamp"], int)
    return (answer.status_code, members["status"], members["error"], members["message"]) == (status, status, word, "")


@pytest.mark.parametrize("segment", ["developer-portal", "simulation", "core"])
@pytest.mark.parametrize(("method", "path"), CALLS)
def test_the_six_paths_stand_in_every_environment(
    simulator: EmbeddedSimulator, segment: str, method: str, path: str
) -> None:
    url = f"{simulator.gateway_url}/{segment}{path}"
    answer = http().request(method, url, json={}, headers={"Accept-Version": "V2"})
    assert answer.status_code == (400 if path == "/compliance" else 401)


@pytest.mark.parametrize(
    "path",
    [
        "/e-invoicing/simulation/invoices/cancel",
        "/e-invoicing/simulation/invoices/status/0b6c1f5e-7d5a-4c8e-9a34-5f1c0d7e0a02",
        "/e-invoicing/simulation/invoices/reporting",
        "/e-invoicing/simulation/invoices/clearance/single/",
        "/e-invoicing/simulation",
        "/e-invoicing/sandbox/compliance",
        "/e-invoicing/production/compliance",
        "/e-invoicing/",
        "/compliance",
        "/",
    ],
)
def test_other_paths_do_not_exist(simulator: EmbeddedSimulator, path: str) -> None:
    answer = http().post(simulator.url + path, json={}, headers={"Accept-Version": "V2"})
    assert is_spring(answer, 404, "Not Found")


OTHER = [
    (each, path) for path in PATHS for each in ("GET", "PUT", "DELETE", "PATCH", "HEAD") if each not in PATHS[path]
]


@pytest.mark.parametrize(("method", "path"), OTHER)
def test_other_methods_are_not_allowed(caller: Caller, path: str, method: str) -> None:
    answer = caller.call(method, path, {})
    assert answer.status_code == 405
    assert answer.headers["allow"] == ", ".join(PATHS[path])
    if method != "HEAD":
        assert is_spring(answer, 405, "Method Not Allowed")


@pytest.mark.parametrize(("method", "path"), CALLS)
@pytest.mark.parametrize("version", [None, "V1", "v2", "V2.0", ""])
def test_the_version_comes_first_on_every_call(caller: Caller, method: str, path: str, version: str | None) -> None:
    caller.headers.pop("Accept-Version")
    headers = {} if version is None else {"Accept-Version": version}
    answer = caller.call(method, path, b"no json", **headers, Content_Type="text/xml")
    assert (answer.status_code, answer.text) == (406, VERSION)
    assert answer.headers["content-type"] == "text/plain;charset=UTF-8"


def test_a_lower_case_version_is_a_switch() -> None:
    with EmbeddedSimulator(settings=["simulation.accept_version=any-case"]) as running:
        caller = Caller(running, SIMULATION)
        assert caller.call("POST", "/compliance", {}, Accept_Version="v2").status_code == 400


def test_header_names_have_any_case_and_values_any_blanks(unit: Unit) -> None:
    assert unit.pcsid is not None
    host, port = urlsplit(unit.caller.simulator.url).netloc.split(":")
    body = json.dumps(unit.document("standard-invoice").body).encode()
    lines = [
        "POST /e-invoicing/simulation/invoices/clearance/single?trace=1 HTTP/1.1",
        f"hOST: {host}:{port}",
        "aCCEPT-vERSION:   V2  ",
        "CONTENT-TYPE: Application/JSON; charset=UTF-8",
        f"authorization: bAsIc  {unit.pcsid.authorization['Authorization'].partition(' ')[2]} ",
        "Cookie: TS0106293e=0123456789abcdef",
        "X-Unknown: 1",
        f"content-length: {len(body)}",
        "connection: close",
    ]
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head = answer.partition(b"\r\n\r\n")[0].decode().lower().split("\r\n")
    assert head[0] == "http/1.1 200 ok"
    assert "content-type: application/json" in head
    assert any(line.startswith("content-length: ") for line in head)
    assert not any(line.startswith(("content-encoding", "transfer-encoding", "server:")) for line in head)


def basic(text: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


def test_every_failure_of_authentication_is_the_same_401(unit: Unit) -> None:
    csid = unit.pcsid
    assert csid is not None
    inner = base64.b64decode(csid.token).decode()
    other = "A" if csid.secret[0] != "A" else "B"
    wrong = [
        {},
        {"Authorization": ""},
        {"Authorization": "Basic"},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic " + base64.b64encode(b"\xff\xfe:x").decode()},
        {"Authorization": "Bearer " + csid.token},
        {"Authorization": csid.authorization["Authorization"].replace("Basic ", "Basic")},
        basic(csid.token),
        basic(f"{csid.token}:"),
        basic(f":{csid.secret}"),
        basic(f"{csid.token}:{csid.secret} "),
        basic(f"{csid.token}:{other}{csid.secret[1:]}"),
        basic(f"{inner}:{csid.secret}"),
        basic(f"{csid.token[:-4]}:{csid.secret}"),
        basic(f"{csid.secret}:{csid.token}"),
    ]
    document = unit.document("standard-invoice").body
    bodies = set()
    for headers in wrong:
        answer = unit.caller.call("POST", "/invoices/clearance/single", document, **headers)
        assert is_spring(answer, 401, "Unauthorized")
        assert answer.headers["www-authenticate"] == 'Basic realm="Realm"'
        bodies.add(tuple(answer.json()))
    assert len(bodies) == 1


def test_a_token_decoded_and_encoded_again_is_the_same(unit: Unit) -> None:
    """The habit of half of the known clients (client behaviour 4)."""
    csid = unit.pcsid
    assert csid is not None
    again = base64.b64encode(base64.b64decode(csid.token).strip()).decode()
    assert again == csid.token
    assert unit.send("/invoices/clearance/single", unit.document("standard-invoice"), csid).status_code == 200


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""])
def test_other_content_types_are_unsupported(caller: Caller, content_type: str) -> None:
    answer = caller.call("POST", "/compliance", {"csr": ""}, Content_Type=content_type)
    assert is_spring(answer, 415, "Unsupported Media Type")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b'{"csr": NaN}',
        b'{"csr": Infinity}',
        b'{"csr": "\xff"}',
        b"\xef\xbb\xbf{}",
        b'{"csr": "x"} trailing',
        b'{"csr": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"csr": ' + b"9" * 10_000 + b"}",
    ],
    ids=lambda body: body[:20].decode("latin-1"),
)
def test_what_is_no_json_object_is_a_bad_request(caller: Caller, unit: Unit, body: bytes) -> None:
    assert is_spring(caller.call("POST", "/compliance", body, OTP="123456"), 400, "Bad Request")
    assert unit.pcsid is not None
    answer = caller.call("POST", "/invoices/reporting/single", body, **unit.pcsid.authorization)
    assert is_spring(answer, 400, "Bad Request")


def test_authentication_comes_before_json(caller: Caller) -> None:
    assert caller.call("POST", "/invoices/reporting/single", b"{").status_code == 401


def test_members_that_are_no_texts_are_findings_and_no_failures(unit: Unit) -> None:
    assert unit.pcsid is not None
    for value in (None, 5, True, [], {}, "\ud800", 1.5):
        for name in ("invoiceHash", "uuid", "invoice"):
            body = unit.document("standard-invoice").body | {name: value}
            answer = unit.caller.call("POST", "/invoices/clearance/single", body, **unit.pcsid.authorization)
            assert answer.status_code == 400
            assert answer.json()["validationResults"]["status"] == "ERROR"


def test_a_body_above_the_limit_is_too_large() -> None:
    with EmbeddedSimulator(settings=["simulation.max_body=20000", "production.max_body=100"]) as running:
        caller = Caller(running, SIMULATION)
        assert caller.call("POST", "/compliance", {"csr": "x" * 19_000}, OTP="1").status_code == 400
        answer = caller.call("POST", "/compliance", {"csr": "x" * 20_000}, OTP="1")
        assert (answer.status_code, answer.headers["content-type"]) == (413, "text/html")
        parts = (b"x" * 1000 for _ in range(100))
        url = f"{running.gateway_url}/simulation/compliance"
        assert http().post(url, content=parts, headers={"Accept-Version": "V2"}).status_code == 413


def test_five_mebibytes_pass_and_more_do_not(caller: Caller) -> None:
    frame = len(b'{"csr": ""}')
    at_limit = 5 * 1024 * 1024 - frame
    assert caller.call("POST", "/compliance", {"csr": "x" * at_limit}, OTP="123456").status_code == 400
    assert caller.call("POST", "/compliance", {"csr": "x" * (at_limit + 1)}, OTP="123456").status_code == 413


def test_a_chunked_body_is_read(unit: Unit) -> None:
    assert unit.pcsid is not None
    body = json.dumps(unit.document("standard-invoice").body).encode()
    parts = (body[start : start + 1000] for start in range(0, len(body), 1000))
    headers = {"Accept-Version": "V2", "Content-Type": "application/json", **unit.pcsid.authorization}
    url = f"{unit.caller.simulator.gateway_url}/simulation/invoices/clearance/single"
    assert http().post(url, content=parts, headers=headers).status_code == 200


def test_long_headers_pass(unit: Unit) -> None:
    csid = unit.pcsid
    assert csid is not None
    assert 2000 < len(csid.authorization["Authorization"]) < 2700
    document = unit.document("standard-invoice")
    long = {"X-Long": "x" * (16 * 1024)}
    assert unit.send("/invoices/clearance/single", document, csid, **long).status_code == 200


@pytest.mark.parametrize("path", PATHS)
def test_preflight_succeeds_on_two_paths_only(caller: Caller, path: str) -> None:
    asked = {"Origin": "http://page.test", "Access-Control-Request-Headers": "otp,accept-version"}
    answer = caller.call("OPTIONS", path, b"", **asked)
    if path in ("/compliance", "/production/csids"):
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["access-control-allow-headers"] == "otp,accept-version"
        assert answer.headers["access-control-allow-methods"] == ", ".join(PATHS[path])
        assert caller.call("POST", path, {}, **asked).headers["access-control-allow-origin"] == "*"
    else:
        assert is_spring(answer, 403, "Forbidden")
        assert "access-control-allow-origin" not in caller.call("POST", path, {}, **asked).headers


def test_cors_can_be_opened() -> None:
    with EmbeddedSimulator(settings=["simulation.cors=open"]) as running:
        caller = Caller(running, SIMULATION)
        for path in PATHS:
            assert caller.call("OPTIONS", path, b"", Origin="http://page.test").status_code == 200


def test_extra_headers_of_real_clients_are_swallowed(caller: Caller) -> None:
    unit = Unit(caller, "1000")
    extra = {"Authorization": "Basic x", "Clearance-Status": "1", "Accept-Language": "ar", "Accept": "*/*"}
    asked = caller.call("POST", "/compliance", {"csr": unit.csr}, OTP=caller.otp(), **extra)
    assert asked.status_code == 200
    unit.ccsid = Csid.of(asked.json())
    for kind in ("standard-invoice", "standard-credit-note", "standard-debit-note"):
        document = unit.document(kind, unit.ccsid)
        answer = unit.send("/compliance/invoices", document, unit.ccsid, **{"Clearance-Status": "1", "OTP": "1"})
        assert answer.status_code == 200
    members = {"compliance_request_id": unit.ccsid.request_id}
    given = caller.call("POST", "/production/csids", members, OTP="123456", **unit.ccsid.authorization)
    assert given.status_code == 200
