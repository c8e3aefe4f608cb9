"""What each kind of answer makes of a document: its state, its evidence, its next attempt, and the exit code."""

from datetime import timedelta
from pathlib import Path

import pytest

from khatm.environment import Environment
from khatm.gateway.transport import Fault, WireAnswer, WireRequest
from khatm.ledger.documents import DocumentState, Route
from khatm.ledger.errors import UnknownUnit
from khatm.ledger.events import EventKind
from tests.unit.ledger_stage import (
    add_unit,
    key_pair,
    make_live,
    plain_document,
    prepared,
    simplified,
    standard,
    tamper,
)
from tests.unit.submission_stage import (
    CLEARANCE_OFF,
    CLEARED_BEFORE,
    DUPLICATE,
    LOST,
    SLOW_DOWN,
    TIMEOUT_PAGE,
    TOO_BIG,
    UNAUTHORIZED,
    UNEXPLAINED,
    UNREACHABLE,
    Authority,
    Office,
    accepted,
    json_answer,
    rejected,
    result,
    warned,
)

S = DocumentState
ANOTHER_AMOUNT = "content = CAST(replace(content, '15.00', '16.00') AS BLOB)"


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_standard_documents_are_cleared_and_simplified_ones_reported(office: Office) -> None:
    issued = [office.ledger.issue("till-1", writer) for writer in (standard, simplified, standard)]
    report = office.submit()
    received = {one.uuid: one for one in office.authority.received}
    for one, path, status in zip(
        issued,
        ("/invoices/clearance/single", "/invoices/reporting/single", "/invoices/clearance/single"),
        ("1", "0", "1"),
        strict=True,
    ):
        sent = received[one.document.uuid]
        assert (sent.path, sent.clearance_status) == (path, status)
        assert (sent.xml, sent.invoice_hash) == (one.xml, one.document.invoice_hash)
        assert sent.user == key_pair("first").token
    assert [one.document.state for one in report.results] == [S.ACCEPTED] * 3
    assert (report.accepted, report.waiting, report.exit_code) == (3, 0, 0)
    assert office.heard == report.results
    assert office.ledger.cleared_xml(issued[0].document) == issued[0].xml
    assert office.ledger.cleared_xml(issued[1].document) is None
    assert office.ledger.document(issued[0].document.uuid).settled_at is not None
    # Nothing is sent twice.
    assert office.submit().results == []
    assert len(office.authority.received) == 3


@pytest.mark.parametrize(
    ("writer", "answer", "state", "exit_code"),
    [
        (simplified, accepted, S.ACCEPTED, 0),
        (simplified, warned, S.ACCEPTED_WITH_WARNINGS, 0),
        (simplified, DUPLICATE, S.ACCEPTED, 0),
        (simplified, rejected, S.REJECTED, 1),
        (simplified, UNEXPLAINED, S.WAITING, 3),
        (simplified, TIMEOUT_PAGE, S.WAITING, 3),
        (simplified, SLOW_DOWN, S.WAITING, 3),
        (simplified, LOST, S.WAITING, 3),
        (simplified, UNREACHABLE, S.WAITING, 3),
        (simplified, TOO_BIG, S.SET_ASIDE, 1),
        (simplified, UNAUTHORIZED, S.WAITING, 1),
        (simplified, WireAnswer(200, (), b"not json"), S.WAITING, 3),
        (standard, accepted, S.ACCEPTED, 0),
        (standard, warned, S.ACCEPTED_WITH_WARNINGS, 0),
        (standard, CLEARED_BEFORE, S.ACCEPTED, 0),
        (standard, rejected, S.REJECTED, 1),
        (standard, TIMEOUT_PAGE, S.WAITING, 3),
        (standard, TOO_BIG, S.SET_ASIDE, 1),
    ],
)
def test_the_outcome_table_decides(
    office: Office, writer: object, answer: object, state: DocumentState, exit_code: int
) -> None:
    issued = office.ledger.issue("till-1", writer)  # type: ignore[arg-type]
    office.authority.script = [answer]  # type: ignore[list-item]
    report = office.submit("till-1")
    document = office.ledger.document(issued.document.uuid)
    assert (document.state, report.exit_code) == (state, exit_code)
    assert document.attempts == 1
    assert document.icv == 1
    settled = state not in (S.ISSUED, S.WAITING)
    assert (document.settled_at is not None) == settled
    assert report.waiting == (0 if settled else 1)
    (exchange,) = office.ledger.exchanges(document)
    assert exchange.http_status == (answer.status if isinstance(answer, WireAnswer) else exchange.http_status)
    if state is not S.ACCEPTED:
        assert document.reason


def test_evidence_holds_the_exchange_without_credentials(office: Office) -> None:
    issued = office.ledger.issue("till-1", simplified)
    office.authority.script = [warned]
    office.submit()
    (exchange,) = office.ledger.exchanges(issued.document)
    assert (exchange.call, exchange.method, exchange.http_status) == ("reporting", "POST", 202)
    assert (exchange.verdict, exchange.row) == ("accepted_with_warnings", "reported-with-warnings")
    assert exchange.url.endswith("/e-invoicing/simulation/invoices/reporting/single")
    assert b"BR-KSA-98" in (exchange.response_body or b"")
    names = {name.lower() for name, _ in exchange.request_headers}
    assert "accept-version" in names
    assert "authorization" not in names
    assert "pcsid secret" not in repr(exchange)
    from hashlib import sha256

    assert exchange.request_body_sha256 == sha256(office.authority.received[0].body).hexdigest()
    assert exchange.generation_id == issued.document.generation_id


def test_an_unknown_outcome_is_resent_byte_for_byte_after_its_pause(office: Office) -> None:
    issued = office.ledger.issue("till-1", simplified)
    office.authority.script = [LOST, TIMEOUT_PAGE, DUPLICATE]
    assert office.submit().exit_code == 3
    first_pause = office.ledger.document(issued.document.uuid).next_attempt_at
    assert first_pause is not None
    assert timedelta(seconds=1.6) <= first_pause - office.clock.now() <= timedelta(seconds=2.4)
    assert office.submit().exit_code == 3
    assert len(office.authority.received) == 1, "sent again before its time"
    office.later(3)
    assert office.submit().exit_code == 3
    second_pause = office.ledger.document(issued.document.uuid).next_attempt_at
    assert second_pause is not None
    assert timedelta(seconds=3.2) <= second_pause - office.clock.now() <= timedelta(seconds=4.8)
    office.later(5)
    assert office.submit().exit_code == 0
    bodies = {one.body for one in office.authority.received}
    assert (len(office.authority.received), len(bodies)) == (3, 1)
    assert [one.row for one in office.ledger.exchanges(issued.document)] == [
        "answer-lost",
        "gateway-trouble",
        "already-reported",
    ]
    assert office.ledger.document(issued.document.uuid).attempts == 3


def test_retry_after_is_honoured(office: Office) -> None:
    issued = office.ledger.issue("till-1", simplified)
    office.authority.script = [SLOW_DOWN]
    office.submit()
    pause = office.ledger.document(issued.document.uuid).next_attempt_at
    assert pause is not None
    assert timedelta(seconds=119) <= pause - office.clock.now() <= timedelta(seconds=120)


def test_an_unexplained_refusal_is_repeated_once_and_then_set_aside(office: Office) -> None:
    issued = office.ledger.issue("till-1", simplified)
    office.authority.script = [UNEXPLAINED, UNEXPLAINED]
    office.submit()
    office.later(3)
    report = office.submit()
    document = office.ledger.document(issued.document.uuid)
    assert (document.state, report.exit_code) == (S.SET_ASIDE, 1)
    assert len(office.ledger.exchanges(document)) == 2
    office.later(600)
    assert office.submit().results == []


def test_a_rejected_document_keeps_its_place_and_is_never_resent(office: Office) -> None:
    first = office.ledger.issue("till-1", simplified)
    office.authority.script = [rejected]
    office.submit()
    second = office.ledger.issue("till-1", simplified)
    assert second.document.previous_hash == first.document.invoice_hash
    assert office.submit().exit_code == 0
    assert [one.uuid for one in office.authority.received] == [first.document.uuid, second.document.uuid]
    assert office.ledger.verify_chain("till-1").intact


def test_with_clearance_off_the_same_bytes_are_reported(office: Office) -> None:
    issued = office.ledger.issue("till-1", standard)
    office.authority.script = [CLEARANCE_OFF]
    report = office.submit()
    document = office.ledger.document(issued.document.uuid)
    assert office.authority.paths == ["/invoices/clearance/single", "/invoices/reporting/single"]
    assert {one.xml for one in office.authority.received} == {issued.xml}
    assert (document.state, document.route, report.exit_code) == (S.ACCEPTED, Route.REPORTING, 0)
    assert [one.row for one in office.ledger.exchanges(document)] == ["clearance-off", "reported"]


def test_each_attempt_asks_clearance_first_and_takes_up_clearance_when_it_is_back(office: Office) -> None:
    first, second = (office.ledger.issue("till-1", standard).document for _ in range(2))
    office.authority.script = [CLEARANCE_OFF, TIMEOUT_PAGE, CLEARANCE_OFF, accepted]
    office.submit()
    waiting, reported = (office.ledger.document(one.uuid) for one in (first, second))
    assert (waiting.state, waiting.route, waiting.attempts) == (S.WAITING, Route.CLEARANCE, 2)
    assert (reported.state, reported.route) == (S.ACCEPTED, Route.REPORTING)
    office.later(60)
    third = office.ledger.issue("till-1", standard).document
    assert office.submit().exit_code == 0
    assert office.authority.paths[4:] == ["/invoices/clearance/single"] * 2
    for one in (first, third):
        assert office.ledger.document(one.uuid).route is Route.CLEARANCE
        assert office.ledger.cleared_xml(one) is not None


def not_a_simplified_one() -> WireAnswer:
    body = result("ERROR", reportingStatus="NOT_REPORTED")
    error = {"type": "ERROR", "code": "XML-INVOICE-ERROR", "category": "XML", "message": "…", "status": "ERROR"}
    body["validationResults"]["errorMessages"] = [error]  # type: ignore[index]
    return json_answer(400, body)


@pytest.mark.parametrize("refusal", [CLEARANCE_OFF, not_a_simplified_one()], ids=["303", "400"])
def test_clearance_that_comes_back_between_the_two_calls_costs_no_document(office: Office, refusal: WireAnswer) -> None:
    issued = office.ledger.issue("till-1", standard)
    office.authority.script = [CLEARANCE_OFF, refusal]
    assert office.submit().exit_code == 3
    waiting = office.ledger.document(issued.document.uuid)
    assert (waiting.state, waiting.route) == (S.WAITING, Route.CLEARANCE)
    office.later(60)
    assert office.submit().exit_code == 0
    assert office.authority.paths[-1] == "/invoices/clearance/single"


def test_a_standard_document_that_neither_endpoint_takes_is_set_aside_in_the_end(office: Office) -> None:
    issued = office.ledger.issue("till-1", standard)
    office.authority.script = [CLEARANCE_OFF, not_a_simplified_one()] * 20
    for _ in range(10):
        office.submit()
        office.later(400)
    assert office.ledger.document(issued.document.uuid).state is S.SET_ASIDE
    assert len(office.ledger.exchanges(issued.document)) == 12


def test_a_simplified_document_refused_by_its_kind_is_rejected(office: Office) -> None:
    issued = office.ledger.issue("till-1", simplified)
    office.authority.script = [not_a_simplified_one()]
    office.submit()
    assert office.ledger.document(issued.document.uuid).state is S.REJECTED


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ("UPDATE stamped_xml SET content = CAST(replace(content, '15.00', '16.00') AS BLOB)", "SHA-256"),
        (
            "UPDATE stamped_xml SET content = CAST(replace(content, '15.00', '16.00') AS BLOB), sha256 = NULL",
            "invoice hash",
        ),
        ("UPDATE stamped_xml SET content = X'3C6E6F', sha256 = NULL", "XML"),
        ("UPDATE document SET invoice_hash = 'AAAA' WHERE icv = 1", "invoice hash"),
        ("UPDATE document SET uuid = 'another' WHERE icv = 1", "UUID"),
        ("UPDATE document SET icv = 7 WHERE icv = 1", "ICV"),
        ("DELETE FROM stamped_xml", "bytes"),
    ],
)
def test_a_damaged_document_is_set_aside_and_never_sent(
    office: Office, tmp_path: Path, change: str, field: str
) -> None:
    office.ledger.issue("till-1", simplified)
    tamper(office.ledger, change)
    report = office.submit()
    assert office.authority.received == []
    (told,) = report.results
    assert (told.document.state, told.outcome, report.exit_code) == (S.SET_ASIDE, None, 1)
    assert f"its {field} is" in told.sentence("en")
    assert told.document.reason == told.sentence("en")
    assert "نُحّي جانبًا" in told.sentence("ar")
    (event,) = office.ledger.events(document=told.document)
    assert (event.kind, event.facts["reason"]) == (EventKind.SET_ASIDE, told.document.reason)
    assert office.submit().results == []


def test_a_document_of_an_older_ledger_without_digest_is_sent(office: Office) -> None:
    office.ledger.issue("till-1", simplified)
    tamper(office.ledger, "UPDATE stamped_xml SET sha256 = NULL")
    assert office.submit().accepted == 1


@pytest.mark.parametrize("damage", ["another document", "no document"])
def test_a_cleared_copy_of_something_else_is_set_aside(office: Office, damage: str) -> None:
    import base64

    from khatm.ledger.issue import ChainPlace

    issued = office.ledger.issue("till-1", standard)
    other = plain_document(ChainPlace(issued.document.uuid, 1, issued.document.previous_hash), filler=9).xml
    copy = base64.b64encode(other if damage == "another document" else b"<no").decode()
    office.authority.script = [json_answer(200, result("PASS", clearanceStatus="CLEARED", clearedInvoice=copy))]
    report = office.submit()
    document = office.ledger.document(issued.document.uuid)
    assert (document.state, report.exit_code) == (S.SET_ASIDE, 1)
    assert "cleared copy" in (document.reason or "")
    (told,) = report.results
    assert not told.accepted
    assert told.sentence() == document.reason
    assert "النسخة المعتمدة" in told.sentence("ar")
    assert office.ledger.cleared_xml(document) is None
    assert copy.encode() in (office.ledger.exchanges(document)[0].response_body or b"")


def test_401_stops_the_unit_until_someone_resumes_it(office: Office) -> None:
    for _ in range(3):
        office.ledger.issue("till-1", simplified)
    office.authority.script = [UNAUTHORIZED]
    report = office.submit()
    assert (len(office.authority.received), report.exit_code, report.waiting) == (1, 1, 3)
    assert "401" in (office.ledger.unit("till-1").stopped_reason or "")
    assert "401" in report.stopped[0].sentence("en")
    assert "khatm submit --unit till-1 --resume" in report.stopped[0].sentence("ar")
    again = office.submit()
    assert (len(office.authority.received), again.exit_code, again.stopped[0].waiting) == (1, 1, 3)
    mended = office.submit(resume=True)
    assert (mended.accepted, mended.exit_code) == (3, 0)
    assert office.ledger.unit("till-1").stopped_reason is None


def test_a_stopped_unit_does_not_stop_the_others(office: Office) -> None:
    add_unit(office.ledger, "till-2")
    make_live(office.ledger, "till-2", "second")
    office.ledger.issue("till-1", simplified)
    office.ledger.issue("till-2", simplified)
    office.authority.script = [UNAUTHORIZED]
    report = office.submit()
    assert [(one.unit, one.document.state) for one in report.results] == [
        ("till-1", S.WAITING),
        ("till-2", S.ACCEPTED),
    ]


def test_documents_go_out_with_the_credentials_that_stamped_them_while_those_live(office: Office) -> None:
    before = office.ledger.issue("till-1", simplified)
    office.ledger.record_pcsid(
        prepared(office.ledger, pair="second", purpose="renewal"), key_pair("second").token, "s2", "1"
    )
    after = office.ledger.issue("till-1", simplified)
    office.submit()
    assert [(one.uuid, one.user) for one in office.authority.received] == [
        (before.document.uuid, key_pair("first").token),
        (after.document.uuid, key_pair("second").token),
    ]


def test_when_the_old_credentials_have_died_the_live_ones_are_used_once_more(office: Office) -> None:
    issued = [office.ledger.issue("till-1", simplified) for _ in range(3)]
    office.ledger.record_pcsid(
        prepared(office.ledger, pair="second", purpose="renewal"), key_pair("second").token, "s2", "1"
    )
    office.authority.script = [UNAUTHORIZED]
    report = office.submit()
    old, new = key_pair("first").token, key_pair("second").token
    # One 401 is enough to know; the documents after it do not ask again.
    assert [one.user for one in office.authority.received] == [old, new, new, new]
    assert len({one.body for one in office.authority.received[:2]}) == 1
    assert (report.accepted, report.exit_code) == (3, 0)
    assert office.ledger.unit("till-1").stopped_reason is None
    assert [one.http_status for one in office.ledger.exchanges(issued[0].document)] == [401, 200]


def test_a_renewal_in_the_middle_of_a_run_does_not_stop_the_unit(office: Office) -> None:
    for _ in range(2):
        office.ledger.issue("till-1", simplified)
    second = prepared(office.ledger, pair="second", purpose="renewal")

    def renewed_meanwhile(_request: WireRequest) -> WireAnswer:
        office.ledger.record_pcsid(second, key_pair("second").token, "s2", "1")
        return UNAUTHORIZED

    office.authority.script = [accepted, renewed_meanwhile]
    report = office.submit()
    old, new = key_pair("first").token, key_pair("second").token
    assert [one.user for one in office.authority.received] == [old, old, new]
    assert (report.accepted, report.exit_code) == (2, 0)
    assert office.ledger.unit("till-1").stopped_reason is None


def test_when_the_live_credentials_are_refused_too_the_unit_stops(office: Office) -> None:
    office.ledger.issue("till-1", simplified)
    office.ledger.record_pcsid(
        prepared(office.ledger, pair="second", purpose="renewal"), key_pair("second").token, "s2", "1"
    )
    office.authority.script = [UNAUTHORIZED, UNAUTHORIZED]
    report = office.submit()
    assert (len(office.authority.received), report.exit_code) == (2, 1)
    assert office.ledger.unit("till-1").stopped_reason is not None


def test_a_unit_with_only_a_ccsid_sends_nothing_and_names_what_is_missing(office: Office) -> None:
    ledger = office.ledger
    ledger.add_unit("till-2", Environment.SIMULATION, ledger.unit("till-1").csr_fields)
    assert [one.unit for one in office.submit().not_onboarded] == ["till-2"]
    assert office.submit().exit_code == 0, "a unit that is still being set up and has nothing to send is no failure"
    never = office.submit("till-2")
    assert never.exit_code == 1
    assert never.not_onboarded[0].generation is None
    assert "khatm unit onboard till-2 --otp" in never.not_onboarded[0].sentence("en")
    assert "khatm unit onboard till-2 --otp" in never.not_onboarded[0].sentence("ar")
    assert "compliance CSID is missing too" in never.not_onboarded[0].sentence("en")

    compliance = ledger.record_ccsid(prepared(ledger, "till-2", "second"), "token", "secret", "1")
    ledger.record_step(compliance, "standard-compliant")
    report = office.submit("till-2")
    (missing,) = report.not_onboarded
    assert office.authority.received == []
    assert (report.results, report.exit_code) == ([], 1)
    assert (missing.unit, missing.generation, missing.has_ccsid) == ("till-2", "G1", True)
    assert missing.missing_checks == (
        "standard-credit-note-compliant",
        "standard-debit-note-compliant",
        "simplified-compliant",
        "simplified-credit-note-compliant",
        "simplified-debit-note-compliant",
    )
    sentence = missing.sentence("en")
    assert "production CSID missing" in sentence
    assert "`khatm unit onboard till-2`" in sentence
    assert "simplified-debit-note-compliant" in sentence
    assert "simplified-debit-note-compliant" in missing.sentence("ar")


def test_an_unknown_unit_is_refused(office: Office) -> None:
    with pytest.raises(UnknownUnit):
        office.submit("till-9")


def test_an_untrusted_gateway_is_not_asked_again_in_the_same_run(office: Office) -> None:
    add_unit(office.ledger, "till-2")
    make_live(office.ledger, "till-2", "second")
    for unit in ("till-1", "till-1", "till-2"):
        office.ledger.issue(unit, standard)
    office.authority.script = [WireAnswer(None, fault=Fault.UNTRUSTED, fault_text="self-signed certificate")]
    report = office.submit()
    assert (len(office.authority.received), report.waiting, report.exit_code) == (1, 3, 3)


def test_a_gateway_out_of_reach_costs_two_calls_not_one_per_document(office: Office) -> None:
    for _ in range(5):
        office.ledger.issue("till-1", standard)
    office.authority.script = [UNREACHABLE] * 5
    report = office.submit()
    assert (len(office.authority.received), report.waiting, report.exit_code) == (2, 5, 3)


def test_one_lost_connection_does_not_hold_up_clearance(office: Office) -> None:
    for _ in range(3):
        office.ledger.issue("till-1", standard)
    office.authority.script = [LOST]
    report = office.submit()
    assert (len(office.authority.received), report.accepted, report.waiting) == (3, 2, 1)


def test_reporting_keeps_its_order_and_clearance_does_not_wait(office: Office) -> None:
    issued = [office.ledger.issue("till-1", writer) for writer in (simplified, simplified, standard, simplified)]
    office.authority.script = [lambda request: TIMEOUT_PAGE if "/reporting/" in request.url else accepted(request)] * 2
    office.submit()
    assert {one.uuid for one in office.authority.received} == {issued[0].document.uuid, issued[2].document.uuid}
    office.submit()
    assert len(office.authority.received) == 2, "a later document overtook the waiting one"
    office.later(3)
    office.submit()
    assert [one.uuid for one in office.authority.received][2:] == [
        issued[0].document.uuid,
        issued[1].document.uuid,
        issued[3].document.uuid,
    ]


def test_a_poisoned_document_does_not_hold_the_others_back_for_ever(office: Office) -> None:
    poisoned = office.ledger.issue("till-1", simplified).document.uuid
    office.ledger.issue("till-1", simplified)

    def fail_for_one(request: WireRequest) -> WireAnswer:
        return TIMEOUT_PAGE if poisoned in request.body.decode() else accepted(request)

    office.authority.script = [fail_for_one] * 50
    for _ in range(5):
        office.later(100)
        office.submit()
    states = [one.state for one in office.ledger.documents("till-1")]
    assert states == [S.WAITING, S.ACCEPTED]


def test_a_set_aside_document_holds_nothing_back(office: Office) -> None:
    office.ledger.issue("till-1", simplified)
    office.ledger.issue("till-1", simplified)
    office.authority.script = [TOO_BIG]
    report = office.submit()
    assert [one.document.state for one in report.results] == [S.SET_ASIDE, S.ACCEPTED]


def test_a_long_queue_is_worked_off_in_pages(office: Office) -> None:
    for _ in range(230):
        office.ledger.issue("till-1", simplified)
    report = office.submit()
    assert (report.accepted, report.waiting) == (230, 0)
    assert [one.uuid for one in office.authority.received] == [one.uuid for one in office.ledger.documents("till-1")]


def test_the_same_seed_gives_the_same_pauses(tmp_path: Path) -> None:
    pauses = []
    for name in ("a", "b"):
        office = Office(tmp_path / name, [TIMEOUT_PAGE])
        office.clock.set(office.clock.now())
        issued = office.ledger.issue("till-1", simplified)
        office.submit()
        document = office.ledger.document(issued.document.uuid)
        (exchange,) = office.ledger.exchanges(document)
        assert document.next_attempt_at is not None
        pauses.append(document.next_attempt_at - exchange.ended_at)
    assert pauses[0] == pauses[1]


def test_a_fault_of_ours_gives_the_document_back(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    class Fault70(Exception):
        pass

    def break_down(self: Authority, request: WireRequest) -> WireAnswer:
        raise Fault70

    issued = office.ledger.issue("till-1", simplified)
    with monkeypatch.context() as patch:
        patch.setattr(Authority, "send", break_down)
        with pytest.raises(Fault70):
            office.submit()
    assert office.ledger.document(issued.document.uuid).state is S.ISSUED
    assert office.submit().accepted == 1
