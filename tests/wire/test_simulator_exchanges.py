"""The record over /manage: lists, one exchange in full, why it was refused, exports, waiting, and no secrets."""

import base64
import json
import shlex
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from khatm.environment import Environment
from khatm.rules.catalogue import explain
from khatm.simulator.embedded import EmbeddedSimulator
from tests.csr_maker import CsrRecipe, csr_member, make_csr
from tests.wire.fault_stage import Stage
from tests.wire.simulator_caller import SELLER, Caller, Unit, http

SANDBOX, SIMULATION, PRODUCTION = Environment


@pytest.fixture(scope="module")
def opened() -> Iterator[Stage]:
    with Stage.open() as stage:
        yield stage


@pytest.fixture
def stage(opened: Stage) -> Stage:
    return opened.again()


def get(stage: Stage, path: str, **query: object) -> httpx.Response:
    params = {name: str(value) for name, value in query.items()}
    return http().get(f"{stage.simulator.url}/manage{path}", params=params)


def listed(stage: Stage, **query: object) -> list[dict[str, Any]]:
    answer = get(stage, "/exchanges", **query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["exchanges"]
    return found


def latest(stage: Stage, **query: object) -> dict[str, Any]:
    number = listed(stage, limit=1)[0]["number"]
    found: dict[str, Any] = get(stage, f"/exchanges/{number}", **query).json()
    return found


def test_one_exchange_in_full(stage: Stage) -> None:
    document = stage.document()
    stage.send(document)
    found = latest(stage)
    assert list(found) == [
        "number", "received_at", "seconds", "environment", "endpoint", "vat_number", "method", "path", "status",
        "verdict", "codes", "cause", "fault", "request", "response", "why", "document", "curl",
    ]  # fmt: skip
    assert (found["environment"], found["endpoint"], found["vat_number"]) == ("simulation", "reporting", SELLER)
    assert (found["status"], found["verdict"], found["codes"], found["cause"]) == (200, "accepted", [], None)
    assert found["why"] == {"cause": None, "text": None, "messages": []}
    assert json.loads(found["request"]["body"]) == document.body
    facts = found["document"]["facts"]
    assert found["document"]["xml"].encode() == document.xml
    assert (facts["uuid"], facts["type_code"]) == (document.uuid, "388")
    assert facts["seller"]["vat"] == SELLER
    tags = {each["tag"]: each["value"] for each in found["document"]["qr"]}
    assert (tags[2], tags[4], tags[6]) == (SELLER, facts["totals"]["tax_inclusive"]["text"], document.invoice_hash)
    assert sorted(tags) == list(range(1, 10))


def test_a_clearance_shows_the_cleared_document(stage: Stage) -> None:
    document = stage.document("clearance")
    answer = stage.send(document, "clearance").json()
    found = latest(stage)["document"]
    assert found["cleared_xml"].encode() == base64.b64decode(answer["clearedInvoice"])
    assert found["xml"].encode() == document.xml


def test_a_rejection_is_explained_message_by_message_in_two_languages(stage: Stage) -> None:
    stage.unit.submit("simplified-invoice", {SELLER: "311234567800003"})
    found = latest(stage)
    assert found["verdict"] == "rejected"
    by_code = {each["code"]: each for each in found["why"]["messages"]}
    assert set(found["codes"]) == set(by_code)
    explained = by_code["certificate-permissions"]
    entry = explain("certificate-permissions")
    assert entry is not None
    assert explained["severity"] == "error"
    assert explained["message"].startswith("User only allowed to use the vat number")
    assert explained["title"] == {"en": entry.en.title, "ar": entry.ar.title}
    assert explained["fix"] == {"en": entry.en.fix, "ar": entry.ar.fix}
    assert found["why"]["text"] is None, "the wire says it all"


def test_warnings_are_explained_too(stage: Stage) -> None:
    stage.manage("POST", "/clock", {"advance_seconds": 90000})
    document = stage.document()
    stage.manage("POST", "/clock", {"advance_seconds": 90000})
    stage.send(document)
    [message] = latest(stage)["why"]["messages"]
    assert (message["code"], message["severity"]) == ("BR-KSA-98", "warning")
    assert message["why"]["ar"]


# --- what one 401, one Invalid-OTP, one Invalid-CSR hides ----------------------------------------------------------


def basic(text: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


def authorization(unit: Unit, case: str) -> dict[str, str]:
    assert unit.pcsid is not None
    assert unit.ccsid is not None
    return {
        "none": {},
        "bearer": {"Authorization": "Bearer x"},
        "inner": basic(f"{base64.b64decode(unit.pcsid.token).decode()}:{unit.pcsid.secret}"),
        "secret": basic(f"{unit.pcsid.token}:x"),
        "kind": unit.ccsid.authorization,
    }.get(case, unit.pcsid.authorization)


@pytest.mark.parametrize(
    ("case", "cause", "found"),
    [
        ("none", "no-authorization", ""),
        ("bearer", "unreadable-authorization", ""),
        ("inner", "unknown-token", ""),
        ("secret", "wrong-secret", ""),
        ("kind", "wrong-kind-of-csid", "CCSID"),
        ("revoked", "revoked", "20"),
        ("expired", "expired", "20"),
        ("environment", "token-of-another-environment", "simulation"),
    ],
)
def test_what_a_401_does_not_say(stage: Stage, case: str, cause: str, found: str) -> None:
    if case == "revoked":
        [device] = stage.manage("GET", "/devices")["devices"]
        stage.manage("POST", f"/devices/{device['id']}/revoke")
    if case == "expired":
        stage.manage("POST", "/clock", {"advance_seconds": 731 * 86400})
    caller = Caller(stage.simulator, PRODUCTION) if case == "environment" else stage.unit.caller
    answer = caller.call("POST", "/invoices/reporting/single", {}, **authorization(stage.unit, case))
    assert answer.status_code == 401
    assert cause not in answer.text
    shown = latest(stage)
    assert (shown["cause"], shown["why"]["cause"], shown["verdict"]) == (cause, cause, "refused")
    assert found in shown["why"]["text"]["en"]
    assert found in shown["why"]["text"]["ar"]


@pytest.mark.parametrize("case", ["unknown", "used", "expired", "purpose", "taxpayer"])
def test_what_an_invalid_otp_does_not_say(stage: Stage, case: str) -> None:
    caller = stage.unit.caller
    unit = Unit(caller)
    otp = {
        "unknown": lambda: "000000",
        "purpose": lambda: caller.otp("renewal"),
        "taxpayer": lambda: caller.otp(vat_number="311234567800003"),
    }.get(case, caller.otp)()
    if case == "used":
        assert caller.call("POST", "/compliance", {"csr": unit.csr}, OTP=otp).status_code == 200
    if case == "expired":
        stage.manage("POST", "/clock", {"advance_seconds": 3601})
    answer = caller.call("POST", "/compliance", {"csr": unit.csr}, OTP=otp)
    assert answer.json() == {"errors": [{"code": "Invalid-OTP", "message": "The provided OTP is invalid"}]}
    shown = latest(stage)
    assert (
        shown["cause"]
        == {
            "unknown": "otp-unknown",
            "used": "otp-used",
            "expired": "otp-expired",
            "purpose": "otp-for-another-purpose",
            "taxpayer": "otp-of-another-taxpayer",
        }[case]
    )
    assert (shown["codes"], shown["vat_number"]) == (["Invalid-OTP"], SELLER)


def test_what_an_invalid_csr_does_not_say(stage: Stage) -> None:
    caller = stage.unit.caller
    recipe = CsrRecipe().for_unit("simulation", SELLER, "0011")
    caller.call("POST", "/compliance", {"csr": csr_member(make_csr(recipe))}, OTP=caller.otp())
    shown = latest(stage)
    assert (shown["cause"], shown["codes"]) == ("csr-refused", ["Invalid-CSR"])
    assert "invoice type map" in shown["why"]["text"]["en"]
    assert "خريطة أنواع الفواتير" in shown["why"]["text"]["ar"]


OTHERS: list[tuple[str, Callable[[Stage], object]]] = [
    ("unknown-path", lambda stage: stage.unit.caller.call("POST", "/nothing", {})),
    ("unknown-method", lambda stage: stage.unit.caller.call("PUT", "/compliance", {})),
    ("wrong-version", lambda stage: stage.unit.caller.call("POST", "/compliance", {}, Accept_Version="V1")),
    ("wrong-content-type", lambda stage: stage.unit.caller.call("POST", "/compliance", {}, Content_Type="text/xml")),
    ("no-json-object", lambda stage: stage.unit.caller.call("POST", "/compliance", b"[]")),
    ("preflight-refused", lambda stage: stage.unit.caller.call("OPTIONS", "/compliance/invoices", b"")),
    ("too-large", lambda stage: stage.unit.caller.call("POST", "/compliance", b"x" * 6_000_000)),
    ("request-id-of-another-csid", lambda stage: stage.unit.caller.call(
        "POST", "/production/csids", {"compliance_request_id": "1"}, **authorization(stage.unit, "kind"))),
    ("clearance-off", lambda stage: (stage.arm("clearance", {"clearance": "off"}),
                                     stage.send(stage.document("clearance"), "clearance"))),
    ("fault", lambda stage: (stage.arm("reporting", {"status": 503}), stage.send(stage.document()))),
]  # fmt: skip


@pytest.mark.parametrize(("cause", "call"), OTHERS, ids=lambda given: given if isinstance(given, str) else "")
def test_other_causes(stage: Stage, cause: str, call: Callable[[Stage], object]) -> None:
    call(stage)
    assert latest(stage)["cause"] == cause


# --- lists ---------------------------------------------------------------------------------------------------------


def test_lists_are_filtered_and_paged(stage: Stage) -> None:
    document = stage.document()
    stage.send(document)
    stage.send(document)
    stage.send(stage.document("clearance"), "clearance")
    Caller(stage.simulator, PRODUCTION).call("POST", "/invoices/reporting/single", {})
    everything = listed(stage, view="summary")
    assert [(each["environment"], each["endpoint"], each["status"], each["verdict"]) for each in everything] == [
        ("simulation", "reporting", 200, "accepted"),
        ("simulation", "reporting", 409, "duplicate"),
        ("simulation", "clearance", 200, "accepted"),
        ("production", "reporting", 401, "refused"),
    ]
    assert "request" not in everything[0]
    first, second, third, fourth = (each["number"] for each in everything)
    for query, expected in (
        ({"environment": "production"}, [fourth]),
        ({"endpoint": "clearance,renewal"}, [third]),
        ({"status": "4xx"}, [second, fourth]),
        ({"status": "200, 401"}, [first, third, fourth]),
        ({"verdict": "duplicate"}, [second]),
        ({"vat_number": SELLER}, [first, second, third]),
        ({"since": second}, [third, fourth]),
        ({"since": first, "limit": 1}, [second]),
        ({"before": third, "limit": 1}, [second]),
        ({"limit": 0}, []),
    ):
        assert [each["number"] for each in listed(stage, **query)] == expected, query
    page = get(stage, "/exchanges", since=first, limit=2).json()
    assert ([each["number"] for each in page["exchanges"]], page["last"]) == ([second, third], third)
    assert get(stage, "/exchanges", since=third, limit=2).json()["last"] == fourth
    assert http().delete(f"{stage.simulator.url}/manage/exchanges").json() == {"last": fourth}
    assert listed(stage) == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"environment": "core"}, "environment"),
        ({"endpoint": "reporting,"}, "endpoint"),
        ({"status": "6xx"}, "status"),
        ({"status": "4x"}, "status"),
        ({"status": "²"}, "status"),
        ({"verdict": "good"}, "verdict"),
        ({"vat_number": "1"}, "vat_number"),
        ({"since": "-1"}, "since"),
        ({"before": "x"}, "before"),
        ({"limit": "1e3"}, "limit"),
        ({"wait": "61"}, "wait"),
        ({"view": "some"}, "view"),
        ({"reveal": "yes"}, "reveal"),
        ({"state": "x"}, "state"),
    ],
)
def test_a_wrong_query_is_named(stage: Stage, query: dict[str, str], field: str) -> None:
    answer = get(stage, "/exchanges", **query)
    assert (answer.status_code, answer.json()["field"]) == (400, field)


@pytest.mark.parametrize("number", ["0", "999999", "x", "9" * 30])
def test_an_unknown_number(stage: Stage, number: str) -> None:
    answer = get(stage, f"/exchanges/{number}")
    assert (answer.status_code, answer.json()["error"]) == (404, "unknown-exchange")


def test_whoever_waits_is_told_when_something_comes(stage: Stage) -> None:
    last = get(stage, "/exchanges", limit=0).json()["last"]
    found: list[Any] = []
    query = {"since": str(last), "wait": "30", "view": "summary", "verdict": "accepted"}
    waiting = threading.Thread(
        target=lambda: found.extend(
            httpx.get(f"{stage.simulator.url}/manage/exchanges", params=query, timeout=60, trust_env=False).json()[
                "exchanges"
            ]
        )
    )
    waiting.start()
    stage.unit.caller.call("POST", "/nothing", {})
    time.sleep(0.3)
    assert waiting.is_alive(), "what does not fit the filter is not waited for"
    stage.send(stage.document())
    waiting.join(20)
    assert [(each["number"], each["verdict"]) for each in found] == [(last + 2, "accepted")]
    assert get(stage, "/exchanges", since=last + 2, wait=1).json() == {"exchanges": [], "last": last + 2}


# --- exports -------------------------------------------------------------------------------------------------------


def test_json_lines_hold_one_exchange_each(stage: Stage) -> None:
    for _ in range(3):
        stage.send(stage.document())
    answer = get(stage, "/exchanges.jsonl", verdict="accepted")
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    assert [json.loads(line) for line in answer.text.splitlines()] == listed(stage)


ENTRY = {"startedDateTime", "time", "request", "response", "cache", "timings"}
REQUEST = {"method", "url", "httpVersion", "cookies", "headers", "queryString", "headersSize", "bodySize"}
RESPONSE = {
    "status", "statusText", "httpVersion", "cookies", "headers", "content", "redirectURL", "headersSize", "bodySize",
}  # fmt: skip


def test_a_har_has_what_the_format_demands(stage: Stage) -> None:
    """HTTP Archive 1.2: the mandatory members of log, entry, request, response, content and timings."""
    document = stage.document()
    stage.send(document)
    stage.arm("reporting", {"drop": "close"})
    stage.raw(document)
    stage.unit.caller.call("POST", "/compliance", b"\xff\xfe")
    log = get(stage, "/exchanges.har").json()["log"]
    assert (log["version"], set(log["creator"]), len(log["entries"])) == ("1.2", {"name", "version"}, 3)
    for entry in log["entries"]:
        assert set(entry) >= ENTRY
        assert set(entry["request"]) >= REQUEST
        assert set(entry["response"]) >= RESPONSE
        assert set(entry["response"]["content"]) >= {"size", "mimeType"}
        assert set(entry["timings"]) >= {"send", "wait", "receive"}
        assert set(entry["request"]["postData"]) >= {"mimeType", "params", "text"}
        assert all(set(each) == {"name", "value"} for each in entry["request"]["headers"])
    good, dropped, odd = log["entries"]
    assert good["request"]["url"] == f"{stage.simulator.gateway_url}/simulation/invoices/reporting/single"
    assert json.loads(good["request"]["postData"]["text"]) == document.body
    assert (good["response"]["status"], good["response"]["statusText"]) == (200, "OK")
    assert good["response"]["content"]["size"] == len(good["response"]["content"]["text"])
    assert (dropped["response"]["status"], dropped["_khatm"]["fault"]["delivered"]) == (0, "nothing")
    assert base64.b64decode(odd["request"]["postData"]["text"]) == b"\xff\xfe"
    assert get(stage, "/exchanges.har", status=599).json()["log"]["entries"] == []


def test_the_curl_command_repeats_the_call(stage: Stage) -> None:
    refused = stage.unit.submit("simplified-invoice", {SELLER: "311234567800003"})
    masked, revealed = latest(stage)["curl"], latest(stage, reveal="true")["curl"]
    assert replay(masked).status_code == 401
    again = replay(revealed)
    assert (again.status_code, again.json()) == (400, refused.json())
    first, second, third = listed(stage)
    assert (second["cause"], third["request"]) == (
        "unreadable-authorization",
        first["request"] | {"headers": third["request"]["headers"]},
    )


def replay(command: str) -> httpx.Response:
    """Do what curl would do."""
    words = iter(shlex.split(command))
    assert next(words) == "curl"
    method, url, headers, body = "GET", "", [], b""
    for word in words:
        if word == "--request":
            method = next(words)
        elif word == "--header":
            name, _, value = next(words).partition(": ")
            headers.append((name, value.encode()))
        elif word == "--data-binary":
            body = next(words).encode()
        else:
            url = word
    return http().request(method, url, content=body, headers=headers)


# --- secrets -------------------------------------------------------------------------------------------------------


def test_no_view_shows_a_secret_unless_asked_to(stage: Stage) -> None:
    caller = stage.unit.caller
    unit, otp = Unit(caller, "1000"), caller.otp()
    answer = caller.call("POST", "/compliance", {"csr": unit.csr}, OTP=otp, Cookie="TS0106293e=0123abcd")
    secret = answer.json()["secret"]
    stage.send(stage.document())
    assert stage.unit.pcsid is not None
    basic = stage.unit.pcsid.authorization["Authorization"].partition(" ")[2]
    for path in ("/exchanges", "/exchanges.har", "/exchanges.jsonl"):
        hidden, shown = get(stage, path).text, get(stage, path, reveal="true").text
        for value in (secret, otp, basic, "0123abcd"):
            assert value not in hidden, path
            assert value in shown, path
    number = listed(stage)[0]["number"]
    hidden, shown = (get(stage, f"/exchanges/{number}", reveal=each).text for each in ("false", "true"))
    assert secret not in hidden
    assert otp not in hidden
    assert secret in shown
    assert f"otp: {otp}" in shown


# --- kept in a folder ----------------------------------------------------------------------------------------------


def test_a_folder_keeps_the_record_and_restoring_a_snapshot_does_not_touch_it(tmp_path: Path) -> None:
    with EmbeddedSimulator(data=tmp_path, keep_exchanges=4) as simulator:
        unit = Unit(Caller(simulator, SIMULATION), "1000").onboarded()
        snapshot = simulator.fatoora.take_snapshot()
        unit.submit("standard-invoice")
        simulator.fatoora.restore_snapshot(snapshot.id)
        before = http().get(f"{simulator.url}/manage/exchanges").json()
    with EmbeddedSimulator(data=tmp_path, keep_exchanges=4) as simulator:
        assert http().get(f"{simulator.url}/manage/exchanges").json() == before
        assert [each["number"] for each in before["exchanges"]] == [3, 4, 5, 6]
        assert before["exchanges"][-1]["endpoint"] == "clearance"
