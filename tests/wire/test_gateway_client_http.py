"""The client against a real peer on loopback: what goes over the wire, and what every mishap there comes to."""

import json
import socket
import threading

import pytest

from khatm.environment import Environment
from khatm.gateway import Action, BodyFamily, Credentials, Gateway, Outcome, Submission, Verdict
from khatm.gateway.transport import HttpTransport
from tests.wire.gateway_peer import GatewayPeer, answer, drop, hang, reply, send_then_hang

SECRET = "EvolMW6UXYv+ZmHW2s6myzdfwqEDHG16uFjdDufKPzQ="
PAIR = Credentials("VFVsSlEwdFVRME5CWXl0b", SECRET)
DOCUMENT = Submission("aGFzaA==", "6f3b8d0e-2a71-4c55-9d3e-0c1f5a7e9b01", b"<Invoice/>")
REPORTED = b'{"validationResults":{"status":"PASS"},"reportingStatus":"REPORTED"}'
JSON = "Content-Type: application/json"


def report(peer: GatewayPeer, **limits: float) -> Outcome:
    with Gateway(Environment.SIMULATION, base_url=peer.base_url, transport=HttpTransport(**limits)) as gateway:
        return gateway.report(PAIR, DOCUMENT)


def parts(request: bytes) -> tuple[str, dict[str, str], bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode("ascii").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert len(headers) == len(lines)
    return first, headers, body


def test_request_on_the_wire_is_the_contracts():
    with GatewayPeer(answer("200 OK", REPORTED, JSON)) as peer:
        outcome = report(peer)
    assert (outcome.verdict, outcome.action) == (Verdict.ACCEPTED, Action.PROCEED)
    first, headers, body = parts(peer.requests[0])
    assert first == "POST /e-invoicing/simulation/invoices/reporting/single HTTP/1.1"
    assert headers.pop("User-Agent").startswith("khatm/")
    assert headers == {
        "Host": f"127.0.0.1:{peer.port}",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Accept-Language": "en",
        "Accept-Version": "V2",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Clearance-Status": "0",
        "Authorization": PAIR.authorization(),
    }
    assert json.loads(body) == {
        "invoiceHash": "aGFzaA==",
        "uuid": "6f3b8d0e-2a71-4c55-9d3e-0c1f5a7e9b01",
        "invoice": "PEludm9pY2UvPg==",
    }
    assert outcome.exchange.request_body == body


def test_six_calls_go_to_their_paths_over_one_connection():
    steps = [answer("404 Not Found", b"", then_close=False) for _ in range(6)]
    with (
        GatewayPeer(*steps) as peer,
        Gateway(Environment.SANDBOX, base_url=peer.base_url + "/") as gateway,
    ):
        gateway.compliance_csid(b"pem", "123345")
        gateway.check_compliance(PAIR, DOCUMENT)
        gateway.production_csid(PAIR, "1234567890123")
        gateway.renew_csid(PAIR, b"pem", "123345")
        gateway.report(PAIR, DOCUMENT)
        gateway.clear(PAIR, DOCUMENT)
    root = "/e-invoicing/developer-portal"
    assert [parts(request)[0] for request in peer.requests] == [
        f"POST {root}/compliance HTTP/1.1",
        f"POST {root}/compliance/invoices HTTP/1.1",
        f"POST {root}/production/csids HTTP/1.1",
        f"PATCH {root}/production/csids HTTP/1.1",
        f"POST {root}/invoices/reporting/single HTTP/1.1",
        f"POST {root}/invoices/clearance/single HTTP/1.1",
    ]
    assert peer.connections == 1
    assert "Authorization" not in parts(peer.requests[0])[1]
    assert parts(peer.requests[0])[1]["OTP"] == parts(peer.requests[3])[1]["OTP"] == "123345"


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
def test_redirect_is_not_followed(status):
    with GatewayPeer() as elsewhere:
        target = f"Location: http://127.0.0.1:{elsewhere.port}/stolen"
        with GatewayPeer(answer(status, b"", target)) as peer:
            outcome = report(peer)
    assert (outcome.verdict, outcome.action) == (Verdict.STOP_UNIT, Action.CHECK_CONNECTION)
    assert (elsewhere.connections, len(peer.requests)) == (0, 1)


@pytest.mark.parametrize("location", [None, "/e-invoicing/simulation/invoices/reporting/single", "http://[broken"])
def test_303_is_clearance_switched_off_with_or_without_location(location):
    headers = [f"Location: {location}"] if location else []
    body = b'{"message": "Clearance is deactiviated. Please use the /invoices/reporting/single endpoint instead."}'
    with (
        GatewayPeer(answer("303 See Other", body, *headers)) as peer,
        Gateway(Environment.SANDBOX, base_url=peer.base_url) as gateway,
    ):
        outcome = gateway.clear(PAIR, DOCUMENT)
    assert (outcome.verdict, outcome.action) == (Verdict.RETRY, Action.REPORT_INSTEAD)
    assert len(peer.requests) == 1


def test_cookies_are_not_sent_back():
    cookie = "Set-Cookie: TS0106293e=01abcdef; Path=/"
    with (
        GatewayPeer(answer("200 OK", REPORTED, cookie, then_close=False), answer("200 OK", REPORTED)) as peer,
        Gateway(Environment.SANDBOX, base_url=peer.base_url) as gateway,
    ):
        gateway.report(PAIR, DOCUMENT)
        gateway.report(PAIR, DOCUMENT)
    assert [("Cookie" in parts(request)[1]) for request in peer.requests] == [False, False]


def test_refused_connection_sent_nothing():
    with socket.create_server(("127.0.0.1", 0)) as closed_soon:
        port = closed_soon.getsockname()[1]
    with Gateway(Environment.SIMULATION, base_url=f"http://127.0.0.1:{port}/e-invoicing") as gateway:
        for outcome in (gateway.report(PAIR, DOCUMENT), gateway.compliance_csid(b"pem", "123456")):
            assert (outcome.verdict, outcome.action) == (Verdict.RETRY, Action.RESEND)
            assert outcome.row == "unreachable"
            assert (outcome.http_status, outcome.family) == (None, BodyFamily.NONE)
            assert "refused" in outcome.sentence().lower()
            assert outcome.exchange.failure is not None


def test_unknown_host_sent_nothing(monkeypatch):
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with Gateway(Environment.SIMULATION, base_url="https://gateway.invalid") as gateway:
        assert gateway.report(PAIR, DOCUMENT).row == "unreachable"


def test_host_name_that_cannot_be_asked_for_sent_nothing():
    with Gateway(Environment.SIMULATION, base_url=f"https://{'a' * 70}.invalid") as gateway:
        assert gateway.report(PAIR, DOCUMENT).row == "unreachable"


def test_peer_that_never_finishes_the_handshake_is_unreachable():
    with GatewayPeer() as peer:
        address = peer.base_url.replace("http://", "https://")
        transport = HttpTransport(connect_timeout=0.2)
        with Gateway(Environment.SIMULATION, base_url=address, transport=transport) as gateway:
            outcome = gateway.compliance_csid(b"pem", "123456")
    assert (outcome.row, outcome.action) == ("unreachable", Action.RESEND)


LOST = [
    ("before any answer", drop),
    ("in the status line", reply(b"HTTP/1.1 200")),
    ("in the headers", reply(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Le")),
    ("before the body", reply(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")),
    ("in the body", reply(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + REPORTED)),
    ("in a chunk", reply(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n44\r\n" + REPORTED[:30])),
    ("before the last chunk", reply(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{}\n\r\n")),
    ("no HTTP at all", reply(b"SSH-2.0-OpenSSH_9.6\r\n")),
]


@pytest.mark.parametrize("step", [step for _, step in LOST], ids=[name for name, _ in LOST])
def test_lost_answer_means_unknown_outcome(step):
    with GatewayPeer(step) as peer:
        outcome = report(peer)
    assert (outcome.row, outcome.verdict, outcome.action) == ("answer-lost", Verdict.RETRY, Action.RESEND)
    assert len(peer.requests) == 1, "a request is never sent twice behind the caller's back"


@pytest.mark.parametrize("step", [step for _, step in LOST], ids=[name for name, _ in LOST])
def test_lost_answer_where_an_otp_is_at_stake(step):
    with GatewayPeer(step) as peer, Gateway(Environment.SIMULATION, base_url=peer.base_url) as gateway:
        outcome = gateway.compliance_csid(b"pem", "123456")
    assert (outcome.row, outcome.verdict, outcome.action) == ("otp-answer-lost", Verdict.RETRY, Action.RESEND_ONCE)
    assert len(peer.requests) == 1


def test_what_had_arrived_is_kept_as_evidence():
    with GatewayPeer(reply(b"HTTP/1.1 202 Accepted\r\nContent-Length: 99\r\n\r\n" + REPORTED)) as peer:
        exchange = report(peer).exchange
    assert (exchange.response_status, exchange.response_body) == (202, REPORTED)
    assert exchange.failure.startswith("lost: ")


SLOW = [
    ("no answer", hang),
    ("no body", send_then_hang(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")),
    ("half a body", send_then_hang(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + REPORTED)),
]


@pytest.mark.parametrize("step", [step for _, step in SLOW], ids=[name for name, _ in SLOW])
def test_slow_answer_times_out(step):
    with GatewayPeer(step) as peer:
        outcome = report(peer, read_timeout=0.2)
    assert (outcome.row, outcome.action) == ("answer-lost", Action.RESEND)
    assert outcome.exchange.failure.startswith("timed_out: ")
    assert outcome.exchange.started < outcome.exchange.ended


def test_answer_that_drips_for_ever_times_out():
    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        pause = threading.Event()
        while not pause.wait(0.01):
            connection.sendall(b" ")

    with GatewayPeer(drip) as peer:
        outcome = report(peer, total_timeout=0.2)
    assert outcome.exchange.failure == "timed_out: no end within 0.2 s"


def test_answer_that_is_too_large_is_not_held():
    with GatewayPeer(reply(b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 300_000)) as peer:
        outcome = report(peer, max_response_bytes=100_000)
    assert (outcome.row, outcome.action) == ("too-large", Action.RESEND_ONCE)
    assert outcome.exchange.response_body == b""


PAGE = b"<html><head><title>504 Gateway Time-out</title></head><body><hr><center>nginx</center></body></html>"


@pytest.mark.parametrize(
    ("step", "row", "family"),
    [
        (answer("504 Gateway Time-out", PAGE, "Content-Type: text/html"), "gateway-trouble", BodyFamily.HTML),
        (answer("503 Service Unavailable", b"", "Retry-After: 7"), "gateway-trouble", BodyFamily.EMPTY),
        (answer("200 OK", b"", JSON), "answer-malformed", BodyFamily.EMPTY),
        (answer("200 OK", PAGE, "Content-Type: text/html"), "answer-malformed", BodyFamily.HTML),
        (answer("200 OK", REPORTED[:-9], JSON), "answer-malformed", BodyFamily.BROKEN),
        (answer("200 OK", REPORTED.replace(b"PASS", b"P\xc4SS"), JSON), "answer-malformed", BodyFamily.BROKEN),
        (answer("200 OK", REPORTED, "Content-Type: text/html"), "reported", BodyFamily.RESULT),
        (reply(b"HTTP/1.1 200 OK\r\n\r\n" + REPORTED), "reported", BodyFamily.RESULT),
        (reply(b"HTTP/1.0 200 OK\r\n\r\n" + REPORTED), "reported", BodyFamily.RESULT),
        (
            reply(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                + b"".join(b"1\r\n%c\r\n" % byte for byte in REPORTED)
                + b"0\r\n\r\n"
            ),
            "reported",
            BodyFamily.RESULT,
        ),
        (reply(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n" + REPORTED), "reported", BodyFamily.RESULT),
    ],
)
def test_complete_answers(step, row, family):
    with GatewayPeer(step) as peer:
        outcome = report(peer)
    assert (outcome.row, outcome.family) == (row, family)
    assert outcome.retry_after == (7.0 if outcome.http_status == 503 else None)


def test_same_bytes_are_sent_again_after_a_lost_answer():
    body = b'{"validationResults":{"errorMessages":[{"code":"Invoice-Errors"}]},"reportingStatus":"NOT_REPORTED"}'
    with (
        GatewayPeer(drop, answer("409 Conflict", body)) as peer,
        Gateway(Environment.SIMULATION, base_url=peer.base_url) as gateway,
    ):
        first, second = gateway.report(PAIR, DOCUMENT), gateway.report(PAIR, DOCUMENT)
    assert (first.action, second.verdict) == (Action.RESEND, Verdict.ACCEPTED)
    assert peer.requests[0] == peer.requests[1]


def test_idle_connection_closed_by_the_peer_costs_nothing():
    closed = threading.Event()

    def answer_then_close(connection: socket.socket) -> None:
        answer("200 OK", REPORTED)(connection)
        closed.set()

    with (
        GatewayPeer(answer_then_close, answer("200 OK", REPORTED)) as peer,
        Gateway(Environment.SIMULATION, base_url=peer.base_url) as gateway,
    ):
        assert gateway.report(PAIR, DOCUMENT).accepted
        assert closed.wait(5)
        assert gateway.report(PAIR, DOCUMENT).accepted
    assert (peer.connections, len(peer.requests)) == (2, 2)


def test_loopback_never_goes_through_a_proxy(monkeypatch):
    with GatewayPeer() as proxy, GatewayPeer(answer("200 OK", REPORTED)) as peer:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert report(peer).accepted
        assert proxy.connections == 0


def _through_proxy(monkeypatch, proxy: GatewayPeer, **environment: str) -> Outcome:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with Gateway(Environment.SIMULATION, base_url="https://gateway.invalid/e-invoicing") as gateway:
        return gateway.compliance_csid(b"pem", "123456")


def test_proxy_of_the_environment_is_used_for_other_hosts_and_sees_no_secret(monkeypatch):
    with GatewayPeer(answer("403 Forbidden", b"")) as proxy:
        outcome = _through_proxy(monkeypatch, proxy)
    assert proxy.requests[0].startswith(b"CONNECT gateway.invalid:443 HTTP/1.1\r\n")
    assert b"OTP" not in proxy.requests[0]
    assert (outcome.row, outcome.action) == ("unreachable", Action.RESEND)


def test_no_proxy_is_honoured(monkeypatch):
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with GatewayPeer() as proxy:
        monkeypatch.setattr(socket, "getaddrinfo", unknown)
        outcome = _through_proxy(monkeypatch, proxy, NO_PROXY="gateway.invalid")
        monkeypatch.undo()
    assert (outcome.row, proxy.connections) == ("unreachable", 0)


def test_unusable_proxy_of_the_environment_is_told(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "gopher://127.0.0.1:1")
    with Gateway(Environment.SIMULATION, base_url="https://gateway.invalid/e-invoicing") as gateway:
        outcome = gateway.report(PAIR, DOCUMENT)
    assert outcome.row == "unreachable"
    assert "gopher" in outcome.sentence()


def test_nothing_secret_is_logged_by_the_libraries_below(caplog):
    granted = {"requestID": 7, "dispositionMessage": "ISSUED", "binarySecurityToken": "VA==", "secret": SECRET}
    with (
        caplog.at_level(0),
        GatewayPeer(answer("200 OK", json.dumps(granted).encode(), JSON)) as peer,
        Gateway(Environment.SIMULATION, base_url=peer.base_url) as gateway,
    ):
        outcome = gateway.renew_csid(PAIR, b"pem", "482913")
    assert outcome.csid.secret == SECRET
    assert caplog.text, "the libraries below do log at this level"
    for hidden in (SECRET, PAIR.token, PAIR.authorization().removeprefix("Basic "), "482913"):
        assert hidden not in caplog.text
