"""The record of exchanges: its bounds, what comes back from it, and the words and causes that it gives them."""

import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from khatm.environment import Environment
from khatm.simulator import csr
from khatm.simulator.causes import CSR_IN_ARABIC, Because, Cause
from khatm.simulator.errors import UnusableStore
from khatm.simulator.exchange import Request, Response, json_response
from khatm.simulator.exchange_view import answer_body, curl, document_members, exchange_members, explanation
from khatm.simulator.recorder import Exchange, FaultNote, Recorder, Wanted
from khatm.simulator.verdicts import verdict_of

NOW = datetime(2026, 3, 1, 9, 30, 5, 123000, tzinfo=UTC)
ALL = Wanted()


def exchange(body: bytes = b"", **more: Any) -> Exchange:
    return Exchange(request=Request("POST", "/x", {}, body), response=Response(200, b""), received_at=NOW, **more)


def numbers(recorder: Recorder, wanted: Wanted = ALL, limit: int = 100) -> list[int]:
    found = [each.number for each in recorder.find(wanted, limit)]
    assert recorder.numbers(wanted, limit) == found
    return found


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    opened = Recorder()
    yield opened
    opened.close()


def test_the_latest_are_kept_within_number_and_size() -> None:
    recorder = Recorder(most=3, most_bytes=1000)
    for size in (10, 20, 30, 40):
        recorder.record(exchange(b"b" * size))
    assert [(each.number, len(each.exchange.request.body)) for each in recorder.find(ALL, 10)] == [
        (2, 20),
        (3, 30),
        (4, 40),
    ]
    assert numbers(recorder, limit=1) == [4]
    assert numbers(recorder, limit=0) == []
    recorder.record(exchange(b"b" * 980))
    assert numbers(recorder) == [5], "one large exchange takes the place of the others"
    recorder.record(exchange(b"b" * 2000))
    assert numbers(recorder) == [], "what is larger than the bound is not kept at all"
    recorder.record(exchange(b"b"))
    assert numbers(recorder) == [7]
    recorder.forget()
    assert numbers(recorder) == []
    assert recorder.last_number == 7
    recorder.record(exchange())
    assert numbers(recorder) == [8], "a number is never used twice"


def test_a_folder_keeps_them_across_restarts(tmp_path: Path) -> None:
    path = tmp_path / "deeper" / "exchanges.sqlite3"
    first = Recorder(path, most=5, most_bytes=None)
    for size in range(4):
        first.record(exchange(b"b" * size))
    first.close()
    second = Recorder(path, most=3, most_bytes=None)
    assert numbers(second) == [2, 3, 4]
    second.record(exchange())
    assert numbers(second) == [3, 4, 5]
    second.forget()
    second.close()
    third = Recorder(path)
    third.record(exchange())
    assert numbers(third) == [6]
    third.close()


def test_a_file_that_is_no_record_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "exchanges.sqlite3"
    path.write_bytes(b"something else entirely " * 100)
    with pytest.raises(UnusableStore):
        Recorder(path)
    with pytest.raises(UnusableStore):
        Recorder(path / "below")


def test_everything_comes_back_as_it_was(recorder: Recorder) -> None:
    given = Exchange(
        request=Request("PATCH", "/e/ü\ud800", {"otp": "123", "x-ü": "\x80"}, b"\xff\x00"),
        response=Response(401, b"\xfe", "text/html", {"Retry-After": "5"}, Because(Cause.EXPIRED, "2026 \ud800")),
        received_at=NOW,
        seconds=0.25,
        environment=Environment.PRODUCTION,
        endpoint="renewal",
        vat_number="399999999900003",
        fault=FaultNote(id=3, strike=2, then={"status": 401}, processed=False, true_status=None, delivered="all"),
    )
    recorder.record(given)
    found = recorder.one(1)
    assert found is not None
    assert given.response is not None
    because = Because(Cause.EXPIRED, "2026 ?")
    assert found.exchange == replace(
        given, request=replace(given.request, path="/e/ü?"), response=replace(given.response, because=because)
    )
    assert recorder.one(2) is None


def test_an_unanswered_call_comes_back_without_an_answer(recorder: Recorder) -> None:
    recorder.record(replace(exchange(), response=None))
    [found] = recorder.find(ALL, 1)
    assert (found.exchange.response, found.exchange.verdict) == (None, "unanswered")


def test_filters(recorder: Recorder) -> None:
    def add(environment: Environment | None, endpoint: Any, status: int, vat_number: str | None) -> None:
        recorder.record(
            replace(
                exchange(),
                environment=environment,
                endpoint=endpoint,
                vat_number=vat_number,
                response=Response(status, b""),
            )
        )

    add(Environment.SANDBOX, "reporting", 409, "3")  # 1
    add(Environment.SIMULATION, "reporting", 202, "4")  # 2
    add(Environment.SIMULATION, "clearance", 208, "3")  # 3
    add(Environment.PRODUCTION, "clearance", 500, "4")  # 4
    add(None, None, 404, None)  # 5
    for wanted, expected in (
        (Wanted(environments=("simulation",)), [2, 3]),
        (Wanted(environments=("sandbox", "production")), [1, 4]),
        (Wanted(endpoints=("clearance",)), [3, 4]),
        (Wanted(statuses=(range(409, 410),)), [1]),
        (Wanted(statuses=(range(200, 300), range(404, 405))), [2, 3, 5]),
        (Wanted(verdicts=("duplicate",)), [1, 3]),
        (Wanted(verdicts=("failed", "refused")), [4, 5]),
        (Wanted(vat_number="3"), [1, 3]),
        (Wanted(since=3), [4, 5]),
        (Wanted(before=3), [1, 2]),
        (Wanted(since=1, before=5, vat_number="4", environments=("production",)), [4]),
    ):
        assert numbers(recorder, wanted) == expected, wanted
    assert numbers(recorder, limit=2) == [4, 5]
    assert numbers(recorder, Wanted(since=0), limit=2) == [1, 2]
    assert numbers(recorder, Wanted(before=4), limit=2) == [2, 3]


def result(status: int, word: str) -> Response:
    return json_response(status, {"validationResults": {"status": word}})


def issued(status: int, word: str) -> Response:
    return json_response(status, {"dispositionMessage": word})


@pytest.mark.parametrize(
    ("endpoint", "response", "verdict"),
    [
        ("reporting", result(200, "PASS"), "accepted"),
        ("reporting", result(200, "WARNING"), "accepted_with_warnings"),
        ("clearance", result(202, "WARNING"), "accepted_with_warnings"),
        ("clearance", result(208, "PASS"), "duplicate"),
        ("reporting", result(409, "ERROR"), "duplicate"),
        ("reporting", json_response(409, {"reportingStatus": "REPORTED_SUCCESSFULLY_EARLIER"}), "duplicate"),
        ("compliance_check", result(406, "ERROR"), "step_done"),
        ("compliance_check", Response(406, b"This Version", "text/plain"), "refused"),
        ("reporting", result(400, "ERROR"), "rejected"),
        ("reporting", Response(400, b"Invalid Request", "text/plain"), "refused"),
        ("reporting", Response(401, b"[]"), "refused"),
        ("reporting", Response(200, b'{"validationRes'), "failed"),
        ("clearance", Response(303, b"{}"), "clearance_off"),
        ("clearance", Response(504, b"<html>"), "failed"),
        ("compliance_csid", issued(200, "ISSUED"), "issued"),
        ("production_csid", issued(200, "NOT_COMPLIANT"), "refused"),
        ("production_csid", issued(400, "NOT_COMPLIANT"), "refused"),
        ("renewal", issued(428, "NOT_COMPLIANT"), "renewal_begun"),
        (None, Response(404, b"{}"), "refused"),
        (None, Response(200, b"", "text/plain"), "refused"),
        ("reporting", None, "unanswered"),
    ],
)
def test_verdicts(endpoint: Any, response: Response | None, verdict: str) -> None:
    """Gateway contract 4.3, 4.5, 4.7, 4.10, 4.11."""
    assert verdict_of(endpoint, response) == verdict


def test_every_cause_has_its_sentences() -> None:
    for cause in Cause:
        english, arabic = (Because(cause, "FOUND").sentence(each) for each in ("en", "ar"))
        assert re.search(r"[\u0600-\u06ff]", arabic), cause
        assert ("FOUND" in english) == ("FOUND" in arabic), cause
        assert "{" not in english + arabic


def test_every_reason_for_refusing_a_csr_is_told_in_arabic() -> None:
    written = set()
    for node in ast.walk(ast.parse(inspect.getsource(csr))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "RefusedCsr":
            [argument] = node.args
            if isinstance(argument, ast.Constant):
                written.add(argument.value)
    assert len(written) > 15
    assert written <= set(CSR_IN_ARABIC)
    sentence = Because(Cause.CSR_REFUSED, "not base64").sentence("ar")
    assert CSR_IN_ARABIC["not base64"] in sentence


@pytest.mark.parametrize(
    "body",
    [b'{"secret":"abc=","x":1}', b'{"a":1,"secret":"abc', b'{"secret":"","b":"secret"}', b'{"value":{"secret":"abc"}}'],
)
def test_a_secret_is_masked_wherever_the_body_ends(body: bytes) -> None:
    response = Response(200, body)
    assert b"abc" not in answer_body(response, reveal=False)
    assert answer_body(response, reveal=True) == body


def test_odd_bodies_are_shown(recorder: Recorder) -> None:
    recorder.record(exchange(b"\xff\xfe"))
    [found] = recorder.find(ALL, 1)
    members = exchange_members(found)
    assert members["request"] == {"headers": {}, "body": "base64://4="}
    assert document_members(found.exchange) is None


@pytest.mark.parametrize(
    ("status", "members", "expected"),
    [
        (400, {"errors": [{"code": "Invalid-OTP", "message": "m"}]}, [("error", "Invalid-OTP", "m", True)]),
        (400, {"errors": [{"code": None, "message": None}]}, [("error", None, None, False)]),
        (
            400,
            {"requestID": -2, "dispositionMessage": "NOT_COMPLIANT", "errors": ["unable"]},
            [("error", "NOT_COMPLIANT", "unable", True)],
        ),
        (
            400,
            {"errorCode": "400", "errorCategory": "Invalid-CSR", "errorMessage": "m"},
            [("error", "Invalid-CSR", "m", True)],
        ),
        (400, {"code": "Missing-ComplianceSteps", "message": "m"}, [("error", "Missing-ComplianceSteps", "m", True)]),
        (500, {"category": "HTTP-Errors", "code": "500", "message": "m"}, [("error", "HTTP-Errors", "m", True)]),
        (401, {"timestamp": 1, "status": 401, "error": "Unauthorized", "message": ""}, []),
        (400, ["x"], []),
        (400, {"validationResults": {"errorMessages": None}}, []),
    ],
)
def test_every_family_of_refusal_is_explained(
    status: int, members: Any, expected: list[tuple[str, str | None, str | None, bool]]
) -> None:
    """Gateway contract 4.1: the families; the catalogue knows the codes."""
    given = replace(exchange(), response=json_response(status, members))
    found: Any = explanation(given)["messages"]
    assert [(each["severity"], each["code"], each["message"], each["fix"] is not None) for each in found] == expected


def test_a_document_that_is_no_invoice_is_shown_as_far_as_it_goes() -> None:
    def shown(xml: str) -> Any:
        body = json_response(200, {"invoice": xml}).body
        return document_members(exchange(body))

    assert shown("!!!") is None
    broken = shown("PGE+PC9iPg==")
    assert (broken["xml"], broken["facts"], broken["qr"], broken["cleared_xml"]) == ("<a></b>", None, None, None)
    assert shown("PGEvPg==")["facts"] is None
    assert shown("/w==")["xml"] == "base64:/w=="


def test_a_body_that_no_argument_can_hold_is_piped_into_curl() -> None:
    for body in (b"\xff", b"a\0b", b"@/etc/passwd", b"x" * 100_001):
        command = curl(exchange(body), "http://127.0.0.1:1", reveal=True)
        assert command.startswith("base64 -d <<'END' | curl ")
        assert command.endswith("\nEND")
    hostile = replace(exchange(b"{}"), request=Request("POST", "/x'; rm -rf /; '", {"x": "$(id)`id`"}, b"'\"$HOME"))
    import shlex

    words = shlex.split(curl(hostile, "http://h", reveal=True))
    assert words == [
        "curl",
        "--request",
        "POST",
        "http://h/x'; rm -rf /; '",
        "--header",
        "x: $(id)`id`",
        "--data-binary",
        "'\"$HOME",
    ]
