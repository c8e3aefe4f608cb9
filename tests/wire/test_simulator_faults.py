"""Faults on the wire, seen with sockets and a plain client: what arrives, what the authority keeps, how often."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from khatm.environment import Environment
from khatm.simulator.app import create_app
from khatm.simulator.embedded import EmbeddedSimulator
from tests.wire.fault_stage import Stage
from tests.wire.simulator_caller import SELLER, Caller, Unit, codes, http

ENDPOINTS = ["reporting", "clearance"]
REPEAT = {"reporting": 409, "clearance": 208}


@pytest.fixture(scope="module")
def opened() -> Iterator[Stage]:
    with Stage.open() as stage:
        yield stage


@pytest.fixture
def stage(opened: Stage) -> Stage:
    return opened.again()


# --- broken connections --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_dropped_before_processing_nothing_arrives_and_nothing_is_kept(stage: Stage, endpoint: str) -> None:
    stage.arm(endpoint, {"drop": "close"})
    document = stage.document(endpoint)
    assert stage.raw(document, endpoint) == b""
    assert stage.stored() == {}
    [exchange] = stage.exchanges()
    assert (exchange["status"], exchange["response"]) == (None, None)
    assert exchange["fault"]["processed"] is False
    assert stage.send(document, endpoint).status_code == 200, "the same bytes are new to the authority"
    assert stage.stored() == {"accepted": 1}


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_dropped_after_processing_the_document_is_accepted_exactly_once(stage: Stage, endpoint: str) -> None:
    stage.arm(endpoint, {"drop": "close", "when": "after"})
    document = stage.document(endpoint)
    assert stage.raw(document, endpoint) == b""
    assert stage.stored() == {"accepted": 1}
    [exchange] = stage.exchanges()
    assert (exchange["status"], exchange["fault"]["delivered"]) == (200, "nothing"), "the lost answer is on record"
    assert [stage.send(document, endpoint).status_code for _ in range(2)] == [REPEAT[endpoint]] * 2
    assert stage.stored() == {"accepted": 1, "duplicate": 2}


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_reset_is_a_tcp_reset(stage: Stage, when: str) -> None:
    stage.arm("reporting", {"drop": "reset", "when": when})
    with pytest.raises(ConnectionResetError):
        stage.raw(stage.document())
    assert stage.stored() == ({} if when == "before" else {"accepted": 1})


def test_a_plain_client_sees_a_drop_as_a_lost_connection(stage: Stage) -> None:
    stage.arm("reporting", {"drop": "close"}, times=2)
    document = stage.document()
    for _ in range(2):
        with pytest.raises(httpx.RemoteProtocolError):
            stage.send(document)
    assert stage.send(document).status_code == 200


def test_a_truncated_body_ends_before_its_declared_length(stage: Stage) -> None:
    stage.arm("reporting", {"truncate": "connection", "keep": 25})
    document = stage.document()
    head, _, body = stage.raw(document).partition(b"\r\n\r\n")
    declared = int(dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:])[b"content-length"])
    assert head.startswith(b"HTTP/1.1 200 ")
    assert (body, declared > 100) == (b'{"validationResults":{"in', True)
    assert stage.exchanges()[0]["fault"]["delivered"] == "part"
    stage.arm("reporting", {"truncate": "connection"})
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        stage.send(document)


def test_truncated_json_is_whole_for_http(stage: Stage) -> None:
    stage.arm("clearance", {"truncate": "json"})
    document = stage.document("clearance")
    answer = stage.send(document, "clearance")
    assert answer.status_code == 200
    assert answer.headers["content-length"] == str(len(answer.content))
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    whole = stage.send(document, "clearance").json()
    assert whole["clearedInvoice"].startswith(
        json.loads(answer.text.partition('"clearedInvoice":')[2].rstrip() + '"')
    ), "what arrived is the beginning of the true answer"


def test_slow_bytes_come_at_the_rate_asked_for(stage: Stage) -> None:
    document = stage.document()
    length = len(stage.send(document).content)
    stage.arm("reporting", {"bytes_per_second": 2000}, times=1)
    begun = time.monotonic()
    answer = stage.send(document)
    taken = time.monotonic() - begun
    assert answer.status_code == 409
    assert taken >= 0.9 * len(answer.content) / 2000
    assert length > 200


def test_a_delay_is_before_or_after_the_processing(stage: Stage) -> None:
    """A client gives up before the end: with `after` its document is there at once, with `before` later."""
    first, second = stage.document(), stage.document()
    stage.arm("reporting", {"delay": 1.5, "when": "after"})
    with pytest.raises(httpx.ReadTimeout):
        impatient(stage, first)
    assert stage.stored() == {"accepted": 1}
    stage.arm("reporting", {"delay": 1.0})
    with pytest.raises(httpx.ReadTimeout):
        impatient(stage, second)
    assert stage.stored() == {"accepted": 1}, "not looked at yet"
    deadline = time.monotonic() + 20
    while stage.stored() != {"accepted": 2}:
        assert time.monotonic() < deadline, "the call goes on without its client"
        time.sleep(0.05)
    assert stage.send(second).status_code == 409


def impatient(stage: Stage, document: Any) -> httpx.Response:
    assert stage.unit.pcsid is not None
    url = f"{stage.simulator.gateway_url}/simulation/invoices/reporting/single"
    headers = {"Accept-Version": "V2", **stage.unit.pcsid.authorization}
    return httpx.post(url, json=document.body, headers=headers, timeout=0.4, trust_env=False)


def test_other_calls_go_on_while_one_is_delayed(stage: Stage) -> None:
    stage.arm("clearance", {"delay": 3, "when": "after"})
    slow = stage.document("clearance")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lambda: stage.submit(slow, "clearance", read_timeout=1.0))
        while not stage.fired()[0]:
            time.sleep(0.02)
        assert stage.send(stage.document()).status_code == 200
        assert not waiting.done()
        assert waiting.result().row == "answer-lost"


# --- answers -------------------------------------------------------------------------------------------------------

ANSWERS: list[tuple[dict[str, object], int, str, object]] = [
    ({"status": 429, "retry_after": 7}, 429, "text/html", "<title>429 Too Many Requests</title>"),
    ({"status": 429}, 429, "text/html", "nginx"),
    ({"status": 500}, 500, "application/json", {"category": "HTTP-Errors", "code": "500"}),
    ({"status": 500, "body": "FLAT"}, 500, "application/json", {"code": "Invalid-Request"}),
    ({"status": 500, "body": "HTTPERR"}, 500, "application/json", {"category": "HTTP-Errors", "code": "500"}),
    ({"status": 502}, 502, "text/html", "<title>502 Bad Gateway</title>"),
    ({"status": 503}, 503, "text/html", "<title>503 Service Temporarily Unavailable</title>"),
    ({"status": 504}, 504, "text/html", "<title>504 Gateway Time-out</title>"),
    ({"status": 400, "body": "TEXT"}, 400, "text/plain;charset=UTF-8", "Invalid Request"),
    ({"status": 401}, 401, "application/json", {"status": 401, "error": "Unauthorized", "message": ""}),
    ({"status": 409, "body": "DUPLICATE-LATE-2025"}, 409, "application/json",
     {"reportingStatus": "REPORTED_SUCCESSFULLY_EARLIER"}),
    ({"status": 200, "body": "NOT-COMPLIANT"}, 200, "application/json",
     {"requestID": -2, "dispositionMessage": "NOT_COMPLIANT", "binarySecurityToken": None, "secret": None}),
    ({"status": 599, "body": "EMPTY"}, 599, "text/html", ""),
    ({"status": 418, "content": {"a": "ب"}}, 418, "application/json", {"a": "ب"}),
    ({"status": 418, "content": "no"}, 418, "text/plain;charset=UTF-8", "no"),
]  # fmt: skip


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("then", "status", "kind", "body"), ANSWERS, ids=lambda given: str(given)[:40])
def test_answers_before_and_after_processing(
    stage: Stage, then: dict[str, object], status: int, kind: str, body: object, when: str
) -> None:
    stage.arm("reporting", {**then, "when": when})
    document = stage.document()
    answer = stage.send(document)
    assert (answer.status_code, answer.headers["content-type"]) == (status, kind)
    if isinstance(body, dict):
        assert body.items() <= answer.json().items()
    else:
        assert str(body) in answer.text
    assert answer.headers.get("retry-after") == ("7" if "retry_after" in then else None)
    assert stage.stored() == ({} if when == "before" else {"accepted": 1})
    assert stage.send(document).status_code == (200 if when == "before" else 409)


def test_all_null_messages_have_the_form_of_their_endpoint(stage: Stage) -> None:
    """Gateway contract 4.3: some 400s carry messages whose code, category and message are all null."""
    stage.arm("*", {"status": 400, "body": "NULL-MESSAGES"}, times=None)
    null = {"type": "ERROR", "code": None, "category": None, "message": None, "status": "ERROR"}
    reported, cleared = (stage.send(stage.document(each), each).json() for each in ENDPOINTS)
    for members in (reported, cleared):
        assert members["validationResults"]["errorMessages"] == [null]
        assert members["validationResults"]["status"] == "ERROR"
    assert reported["reportingStatus"] == "NOT_REPORTED"
    assert (cleared["clearanceStatus"], cleared["clearedInvoice"]) == ("NOT_CLEARED", None)
    assert stage.unit.finish().json() == {"errors": [{"code": None, "message": None}]}
    assert "clearanceStatus" in stage.unit.check("standard-invoice").json()


def test_the_409_in_each_of_its_three_forms(stage: Stage) -> None:
    """Gateway contract 4.10."""
    text = "Invoice was already Reported successfully earlier."
    for body, code, category in (
        ("DUPLICATE-2025", "Invoice-Errors", "Duplicate-Invoice"),
        ("DUPLICATE-PUBLISHED", None, None),
    ):
        stage.arm("reporting", {"status": 409, "body": body})
        members = stage.send(stage.document()).json()
        [message] = members["validationResults"]["errorMessages"]
        assert (message["code"], message["category"], message["message"]) == (code, category, text)
        assert members["reportingStatus"] == "NOT_REPORTED"
    stage.arm("reporting", {"status": 409, "body": "DUPLICATE-LATE-2025"})
    assert stage.send(stage.document()).json() == {"reportingStatus": "REPORTED_SUCCESSFULLY_EARLIER"}


@pytest.mark.parametrize(
    ("endpoint", "flat"),
    [("compliance_csid", True), ("compliance_check", True), ("production_csid", True), ("renewal", False)],
)
def test_the_500_of_each_endpoint_is_its_own(stage: Stage, endpoint: str, flat: bool) -> None:
    """Gateway contract 4.1: FLAT on endpoints 1 to 3, HTTPERR on 4 to 6."""
    stage.arm(endpoint, {"status": 500})
    unit = stage.unit
    assert unit.pcsid is not None
    answer = {
        "compliance_csid": lambda: unit.caller.call("POST", "/compliance", {}),
        "compliance_check": lambda: unit.caller.call("POST", "/compliance/invoices", {}),
        "production_csid": lambda: unit.caller.call("POST", "/production/csids", {}),
        "renewal": lambda: unit.caller.call("PATCH", "/production/csids", {}),
    }[endpoint]()
    assert answer.status_code == 500
    assert list(answer.json()) == (["code", "message"] if flat else ["category", "code", "message"])


# --- quirks in true answers (gateway contract 12) ------------------------------------------------------------------


def test_messages_without_type_and_status(stage: Stage) -> None:
    stage.arm("reporting", {"change": ["untyped-messages"]})
    [info] = stage.send(stage.document()).json()["validationResults"]["infoMessages"]
    assert list(info) == ["code", "category", "message"]


def test_info_messages_as_an_object(stage: Stage) -> None:
    stage.arm("reporting", {"change": ["info-as-object"]})
    assert stage.send(stage.document()).json()["validationResults"]["infoMessages"]["code"] == "XSD_ZATCA_VALID"


def test_a_false_warning_about_the_signing_certificate(stage: Stage) -> None:
    stage.arm("*", {"change": ["false-certificate-warning"]}, times=2)
    for endpoint in ENDPOINTS:
        answer = stage.send(stage.document(endpoint), endpoint)
        assert (answer.status_code, codes(answer)["warning"]) == (202, ["invalid-signing-certificate"])
        assert answer.json()["validationResults"]["status"] == "WARNING"


def test_a_208_without_its_cleared_invoice_and_only_that(stage: Stage) -> None:
    stage.arm("clearance", {"change": ["no-cleared-invoice"]}, times=None, answered=[208])
    document = stage.document("clearance")
    first, second = (stage.send(document, "clearance") for _ in range(2))
    assert (first.status_code, "clearedInvoice" in first.json()) == (200, True)
    assert (second.status_code, "clearedInvoice" in second.json()) == (208, False)
    assert stage.fired() == [1]


def test_a_csid_that_says_not_compliant(stage: Stage) -> None:
    stage.arm("production_csid", {"change": ["not-compliant"]})
    answer = stage.unit.finish()
    assert (answer.status_code, answer.json()["dispositionMessage"]) == (200, "NOT_COMPLIANT")
    assert answer.json()["binarySecurityToken"]


# --- the authority's doings ----------------------------------------------------------------------------------------


def test_clearance_off_turns_documents_to_reporting(stage: Stage) -> None:
    """Gateway contract 4.11 and 8.1: 303 without Location; the standard document then goes to reporting."""
    stage.arm("clearance", {"clearance": "off"}, times=1)
    turned_away, cleared, other = (stage.document("clearance") for _ in range(3))
    answer = stage.send(turned_away, "clearance")
    assert (answer.status_code, answer.headers.get("location")) == (303, None)
    assert answer.json()["message"].startswith("Clearance is deactiviated.")
    assert stage.send(cleared, "clearance").status_code == 200, "the fault is spent"
    reporting = "/invoices/reporting/single"
    assert stage.unit.send(reporting, turned_away).status_code == 200, "turned away once, it may be reported for ever"
    assert stage.unit.send(reporting, turned_away).status_code == 409
    assert codes(stage.unit.send(reporting, other))["error"] == ["XML-INVOICE-ERROR"]
    assert stage.stored() == {"accepted": 2, "duplicate": 1, "rejected": 1}


def test_clearance_off_on_every_endpoint_takes_any_standard_document(stage: Stage) -> None:
    stage.arm("*", {"clearance": "off"}, times=None)
    assert stage.send(stage.document("clearance"), "clearance").status_code == 303
    assert stage.unit.send("/invoices/reporting/single", stage.document("clearance")).status_code == 200
    assert stage.send(stage.document()).status_code == 200


@pytest.mark.parametrize(("endpoint", "word"), [("reporting", "NOT_REPORTED"), ("clearance", "NOT_CLEARED")])
def test_a_scripted_rejection_is_one_of_the_authority(stage: Stage, endpoint: str, word: str) -> None:
    stage.arm(endpoint, {"reject": "br-ksa-15"})
    document = stage.document(endpoint)
    refused = stage.send(document, endpoint)
    assert (refused.status_code, codes(refused)["error"]) == (400, ["BR-KSA-15"])
    [message] = refused.json()["validationResults"]["errorMessages"]
    assert (message["category"], message["message"].startswith("[BR-KSA-15] - ")) == ("KSA", True)
    assert refused.json()[f"{endpoint if endpoint == 'clearance' else 'reporting'}Status"] == word
    assert stage.stored() == {"rejected": 1}
    assert stage.send(document, endpoint).status_code == 200, "a rejected document is judged again (8.5)"


def test_a_rejection_may_be_lost_as_well(stage: Stage) -> None:
    stage.arm("reporting", {"reject": "BR-KSA-15", "drop": "close", "when": "after"})
    assert stage.raw(stage.document()) == b""
    assert stage.stored() == {"rejected": 1}


def test_a_certificate_revoked_or_expired_in_mid_run(stage: Stage) -> None:
    for event, status in (("certificate-expired", "Expired"), ("certificate-revoked", "Revoked")):
        stage.again()
        stage.arm("reporting", {"event": event})
        assert stage.send(stage.document("clearance"), "clearance").status_code == 200
        assert stage.send(stage.document()).status_code == 401
        assert stage.send(stage.document("clearance"), "clearance").status_code == 401
        [device] = stage.manage("GET", "/devices")["devices"]
        assert device["status"] == status


@pytest.mark.parametrize("environment", list(Environment))
def test_an_otp_that_expires_under_the_call(stage: Stage, environment: Environment) -> None:
    caller = Caller(stage.simulator, environment)
    unit, otp = Unit(caller, "1000"), caller.otp()
    stage.arm("compliance_csid", {"event": "otp-expired"})
    for _ in range(2 if environment is not Environment.SANDBOX else 1):
        answer = caller.call("POST", "/compliance", {"csr": unit.csr}, OTP=otp)
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "Invalid-OTP")


def test_a_day_passes_before_the_call(stage: Stage) -> None:
    """Gateway contract 8.6: a simplified document older than 24 h is reported with the warning BR-KSA-98."""
    document = stage.document()
    stage.arm("reporting", {"advance_seconds": 86400 + 60})
    assert codes(stage.send(document))["warning"] == ["BR-KSA-98"]


def test_a_clock_at_the_end_of_time_is_not_moved_any_farther(stage: Stage) -> None:
    stage.arm("*", {"advance_seconds": 10**10}, times=None)
    document = stage.document()
    sent = [stage.send(document).status_code for _ in range(30)]
    assert set(sent) <= {200, 202, 401}
    assert stage.fired() == [30]


def test_what_happens_first_happens_although_the_call_is_not_processed(stage: Stage) -> None:
    stage.arm("reporting", {"status": 503, "event": "certificate-revoked"})
    document = stage.document()
    assert [stage.send(document).status_code for _ in range(2)] == [503, 401]


# --- which calls, and how often ------------------------------------------------------------------------------------


def test_the_next_three_of_fifty_at_once_are_exactly_three(stage: Stage) -> None:
    stage.arm("clearance", {"drop": "close", "when": "after"}, times=3)
    document = stage.document("clearance")

    def send(_: int) -> int:
        try:
            return stage.send(document, "clearance").status_code
        except httpx.RemoteProtocolError:
            return 0

    with ThreadPoolExecutor(50) as pool:
        found = Counter(pool.map(send, range(50)))
    assert found[0] == 3
    assert found[200] + found[208] == 47
    assert found[200] <= 1
    assert stage.stored() == {"accepted": 1, "duplicate": 49}
    assert stage.fired() == [3]


def test_every_fifth_until_cleared(stage: Stage) -> None:
    stage.arm("reporting", {"status": 503}, every=5)
    document = stage.document()
    found = [stage.send(document).status_code for _ in range(11)]
    assert found == [200, 409, 409, 409, 503, 409, 409, 409, 409, 503, 409]
    [armed] = stage.manage("GET", "/faults")["faults"]
    assert (armed["matched"], armed["fired"], armed["remaining"]) == (11, 2, None)
    assert stage.manage("DELETE", "/faults") == {"cleared": 1}
    assert {stage.send(document).status_code for _ in range(6)} == {409}


def test_chance_is_the_same_for_the_same_seed(stage: Stage) -> None:
    def run(seed: int | None) -> list[int]:
        stage.arm("reporting", {"status": 503}, probability=0.3, **({} if seed is None else {"seed": seed}))
        found = [stage.send(document).status_code for _ in range(30)]
        stage.manage("DELETE", "/faults")
        return found

    document = stage.document()
    stage.send(document)
    one, again, other, default = run(1), run(1), run(2), run(None)
    assert one == again
    assert one != other
    assert default == run(None)
    assert 2 <= one.count(503) <= 17, "9 expected"


def test_a_script_is_played_in_order(stage: Stage) -> None:
    script = {
        "faults": [
            {"endpoint": "reporting", "times": 2, "then": {"status": 503}},
            {"endpoint": "*", "times": 1, "then": {"status": 429}},
            {"endpoint": "reporting", "times": 1, "then": {"drop": "close"}},
        ]
    }
    assert [each["id"] for each in stage.manage("POST", "/faults", script)["faults"]] == [1, 2, 3]
    document = stage.document()
    assert [stage.send(document).status_code for _ in range(3)] == [503, 503, 429]
    with pytest.raises(httpx.RemoteProtocolError):
        stage.send(document)
    assert stage.send(document).status_code == 200
    assert [each["remaining"] for each in stage.manage("GET", "/faults")["faults"]] == [0, 0, 0]


def test_environments_and_endpoints_are_told_apart(stage: Stage) -> None:
    stage.arm("reporting", {"status": 503}, environment="production", times=None)
    stage.arm("clearance", {"status": 502}, environment="simulation", times=None)
    assert stage.send(stage.document()).status_code == 200
    assert stage.send(stage.document("clearance"), "clearance").status_code == 502
    production = Caller(stage.simulator, Environment.PRODUCTION)
    assert production.call("POST", "/invoices/reporting/single", {}).status_code == 503
    assert production.call("POST", "/invoices/clearance/single", {}).status_code == 401
    assert production.call("POST", "/invoices/reporting", {}).status_code == 404
    assert production.call("OPTIONS", "/invoices/reporting/single", {}).status_code == 403


@pytest.mark.parametrize("by", ["vat_number", "common_name", "serial", "token"])
def test_a_fault_for_one_unit_leaves_the_others_alone(stage: Stage, by: str) -> None:
    [device] = stage.manage("GET", "/devices")["devices"]
    assert stage.unit.pcsid is not None
    import hashlib

    token = hashlib.sha256(stage.unit.pcsid.token.encode()).hexdigest()
    stage.arm("*", {"status": 503}, unit={**device, "token": token}[by], times=None)
    assert stage.send(stage.document()).status_code == 503
    other = Unit(Caller(stage.simulator, Environment.SIMULATION), "1000", vat_number="311234567800003")
    answer = other.begin()
    # the test units share common name and serial, so a fault by those finds this unit's CSR too
    assert answer.status_code == (200 if by in ("vat_number", "token") else 503)


def test_one_fault_is_cleared_by_its_number(stage: Stage) -> None:
    first = stage.arm("reporting", {"status": 503}, times=None)
    stage.arm("reporting", {"status": 502}, times=None)
    assert stage.manage("DELETE", f"/faults/{first}") == {"cleared": 1}
    assert stage.send(stage.document()).status_code == 502
    for number in (str(first), "x", "9" * 30):
        answer = http().delete(f"{stage.simulator.url}/manage/faults/{number}")
        assert (answer.status_code, answer.json()["error"]) == (404, "unknown-fault")


def test_oversized_calls_meet_faults_as_well(stage: Stage) -> None:
    stage.arm("reporting", {"status": 502})
    body = b'{"x":"' + b"x" * 6 * 1024 * 1024 + b'"}'
    call = stage.unit.caller.call
    assert [call("POST", "/invoices/reporting/single", body).status_code for _ in range(2)] == [502, 413]


def test_the_record_says_which_fault_struck_and_what_it_did(stage: Stage) -> None:
    number = stage.arm("reporting", {"status": 504, "when": "after"}, times=2)
    document = stage.document()
    for _ in range(3):
        stage.send(document)
    first, second, third = stage.exchanges()
    assert first["fault"] == {
        "id": number,
        "strike": 1,
        "then": {"status": 504, "when": "after"},
        "processed": True,
        "true_status": 200,
        "delivered": "all",
    }
    assert (first["status"], second["status"], third["status"]) == (504, 504, 409)
    assert (second["fault"]["strike"], second["fault"]["true_status"], third["fault"]) == (2, 409, None)


def test_without_a_socket_a_drop_is_an_exception(stage: Stage) -> None:
    import anyio

    stage.arm("reporting", {"drop": "close"})
    app = create_app(stage.simulator.fatoora)

    async def call() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://inside") as client:
            await client.post("/e-invoicing/simulation/invoices/reporting/single", json={})

    with pytest.raises(ConnectionAbortedError):
        anyio.run(call)


def test_a_seeded_simulator_draws_the_same_otps() -> None:
    def otps(seed: int | None) -> list[str]:
        with EmbeddedSimulator(seed=seed) as simulator:
            return [simulator.issue_otp("simulation", SELLER) for _ in range(5)]

    assert otps(7) == otps(7)
    assert otps(7) != otps(8)
    assert otps(None) != otps(None)
