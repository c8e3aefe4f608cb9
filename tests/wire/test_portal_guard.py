"""Who may use pages and management from a browser, and how much may be sent (Fetch standard, Fetch Metadata)."""

import asyncio
import socket
from collections.abc import Iterator

import httpx
import pytest
from starlette.responses import Response

from khatm.simulator.app import create_app
from khatm.simulator.embedded import EmbeddedSimulator
from khatm.simulator.web.guard import SECURITY_HEADERS, Guard, Receive, Scope, Send
from tests.wire.portal_visitor import Visitor
from tests.wire.simulator_caller import SELLER, http

PAGES = ("/portal/sign-in", "/portal/reference", "/portal/faults", "/portal/time", "/validator", "/portal/nothing")
MACHINES = ("/manage/devices", "/manage/openapi.json", "/manage/clock")
OTP = {"environment": "simulation", "vat_number": SELLER}


@pytest.fixture(scope="module")
def simulator() -> Iterator[EmbeddedSimulator]:
    with EmbeddedSimulator() as running:
        yield running


@pytest.mark.parametrize("path", [*PAGES, *MACHINES, "/portal/static/portal.js", "/portal/static/portal.css"])
def test_every_answer_carries_the_security_headers(simulator: EmbeddedSimulator, path: str) -> None:
    found = http().get(simulator.url + path)
    assert found.status_code == (404 if path.endswith("nothing") else 200)
    assert {name: found.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS
    policy = dict(part.strip().partition(" ")[::2] for part in found.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in found.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", [*PAGES[:5], *MACHINES, "/portal/static/portal.js"])
@pytest.mark.parametrize(
    "host", ["evil.test", "evil.test:80", "127.0.0.1.evil.test", "localhost:99999", "x@localhost", "", "a b", "[x"]
)
def test_a_name_that_is_not_ours_is_refused(simulator: EmbeddedSimulator, path: str, host: str) -> None:
    """A page that rebinds its own name to this address sends that name."""
    found = http().get(simulator.url + path, headers={"Host": host})
    # An ill-formed Host never reaches the application (RFC 9112, section 3.2).
    assert found.status_code in ((400, 403) if host in ("", "a b", "[x") else (403,))


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8080", "khatm.localhost", "[::1]:8080", "10.0.0.5", "gw-fatoora.zatca.gov.sa"]
)
def test_addresses_and_the_originals_names_are_ours(simulator: EmbeddedSimulator, host: str) -> None:
    assert http().get(simulator.url + "/manage/devices", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.test"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Origin": ""},
        {"Origin": "https://127.0.0.1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_other_sites_change_nothing(simulator: EmbeddedSimulator, headers: dict[str, str]) -> None:
    for path in ("/manage/otp", "/manage/reset", "/manage/faults"):
        found = http().post(simulator.url + path, json=OTP, headers=headers)
        assert (found.status_code, found.json()["error"]) == (403, "foreign-origin")
        assert found.json()["message"].keys() == {"en", "ar"}
    visitor = Visitor(simulator).signed_in()
    token = visitor.token()
    for path in ("/portal/onboard", "/portal/devices/revoke", "/portal/time/reset", "/validator", "/validator/api"):
        fields = {"token": token, "count": "1", "sure": "yes", "xml": "<a/>"}
        assert visitor.http.post(path, data=fields, headers=headers).status_code == 403
    assert simulator.fatoora.portal.live("simulation", SELLER, "onboarding", simulator.clock.now()) == []  # type: ignore[arg-type]


def test_our_own_pages_and_programs_without_a_browser_may(simulator: EmbeddedSimulator) -> None:
    own = {"Origin": simulator.url, "Sec-Fetch-Site": "same-origin"}
    assert http().post(simulator.url + "/manage/otp", json=OTP, headers=own).status_code == 200
    assert http().post(simulator.url + "/manage/otp", json=OTP).status_code == 200
    assert http().post(simulator.url + "/manage/reset").status_code == 200


FORMS = (
    "/portal/sign-in", "/portal/sign-out", "/portal/environment", "/portal/onboard", "/portal/renew",
    "/portal/devices/revoke", "/portal/taxpayer", "/portal/faults", "/portal/faults/clear", "/portal/time/clock",
    "/portal/time/snapshots", "/portal/time/reset",
)  # fmt: skip


@pytest.mark.parametrize("path", FORMS)
def test_a_form_needs_the_token_of_its_session(simulator: EmbeddedSimulator, path: str) -> None:
    visitor, other = Visitor(simulator).signed_in(), Visitor(simulator).signed_in()
    for token in ("", "0" * 64, other.token(), "é"):
        assert visitor.http.post(path, data={"token": token, "count": "1"}).status_code == 403


def test_the_list_of_forms_is_whole(simulator: EmbeddedSimulator) -> None:
    routes = [each for each in _routes(simulator) if each.startswith("/portal")]
    assert sorted(routes) == sorted(FORMS)


def _routes(simulator: EmbeddedSimulator) -> list[str]:
    return [
        each.path
        for each in create_app(simulator.fatoora).routes
        if "POST" in (getattr(each, "methods", None) or ())  # type: ignore[attr-defined]
    ]


def test_a_session_cannot_be_made_up(simulator: EmbeddedSimulator) -> None:
    visitor = Visitor(simulator).signed_in()
    [(name, sealed)] = [(each.name, str(each.value)) for each in visitor.http.cookies.jar if "portal" in each.name]
    payload, _, mac = sealed.partition(".")
    for forged in (f"{payload}x.{mac}", f"{payload}.{mac[:-1]}0", payload, "", "x" * 5000, f"{payload}.é"):
        found = http().get(
            simulator.url + "/portal", headers={"Cookie": f"{name}={forged}".encode()}, follow_redirects=False
        )
        assert found.status_code == 303
        assert found.headers["Location"] == "/portal/sign-in"
    cookie = Visitor(simulator).get("/portal/sign-in").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie


def test_bodies_are_bounded(simulator: EmbeddedSimulator) -> None:
    visitor = Visitor(simulator).signed_in()
    large = {"token": visitor.token(), "count": "1", "filler": "x" * 300_000}
    assert visitor.http.post("/portal/onboard", data=large).status_code == 413
    found = http().post(simulator.url + "/manage/otp", content=b" " * 4_200_000)
    assert (found.status_code, found.json()["error"]) == (413, "body-too-large")
    # without a Content-Length, the body is counted as it comes
    pieces = (b" " * 100_000 for _ in range(50))
    assert http().post(simulator.url + "/manage/otp", content=pieces).status_code == 413
    assert http().post(simulator.url + "/validator/api", content=b"x" * 16_000_000).status_code == 413


def test_headers_are_bounded_and_the_simulator_lives_on(simulator: EmbeddedSimulator) -> None:
    host, port = simulator.url.removeprefix("http://").split(":")
    for lines in (b"X-Long: " + b"x" * 100_000, b"\r\n".join(b"X-%d: y" % each for each in range(20_000))):
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(b"GET /portal/sign-in HTTP/1.1\r\nHost: localhost\r\n" + lines + b"\r\n\r\n")
            first = connection.recv(64)
            assert first.startswith((b"HTTP/1.1 400", b"HTTP/1.1 431")), first
    assert http().get(simulator.url + "/portal/sign-in").status_code == 200


def test_a_configured_name_is_ours() -> None:
    app = create_app_for(frozenset({"Fatoora.Internal"}))
    assert call(app, "fatoora.internal:8080") == 200
    assert call(app, "FATOORA.internal.") == 200
    assert call(app, "other.internal") == 403


def create_app_for(hosts: frozenset[str]) -> Guard:
    async def answering(scope: Scope, receive: Receive, send: Send) -> None:
        await Response("ok")(scope, receive, send)

    return Guard(answering, hosts=hosts, body_limit=10)


def call(app: Guard, host: str) -> int:
    """The status of a GET with this Host."""

    async def ask() -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
            return (await client.get("/", headers={"Host": host})).status_code

    return asyncio.run(ask())


def test_odd_bodies_of_forms_are_refused_without_a_fault_of_ours(simulator: EmbeddedSimulator) -> None:
    visitor = Visitor(simulator).signed_in()
    for body in (b"\xff\xfe=%zz", b"a=b&" * 2000, b"&&&&", b"\x00"):
        found = visitor.http.post(
            "/portal/onboard", content=body, headers={"Content-Type": "application/x-www-form-urlencoded"}
        )
        assert found.status_code in (400, 403), body
    for query in ("lang=%22%3E%3Cscript%3E", "notice=%3Cb%3E", "month=9999-99", "device=٣", "status=%00", "search=%ff"):
        for path in ("/portal/devices", "/portal/statistics", "/portal/renew"):
            assert visitor.http.get(f"{path}?{query}").status_code == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_refused(simulator: EmbeddedSimulator, method: str) -> None:
    assert httpx.request(method, simulator.url + "/portal/onboard", trust_env=False).status_code in (404, 405)
