"""What an outcome carries besides its verdict: CSID, cleared invoice, missing steps, waiting time, messages."""

import json
from datetime import UTC, datetime

import pytest

from khatm.clock import FixedClock
from khatm.environment import Environment
from khatm.gateway import Action, Credentials, Csid, Gateway, Submission, Verdict
from khatm.gateway.messages import BodyFamily
from khatm.gateway.transport import Fault, ScriptedTransport, WireAnswer

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
CREDENTIALS = Credentials("VG9rZW4=", "U2VjcmV0")
DOCUMENT = Submission("h", "u", b"<Invoice/>")
SENTENCE = "The compliance certificate is not done with the following compliance steps yet"


def gateway(status, body, headers=()):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Gateway(
        Environment.PRODUCTION,
        transport=ScriptedTransport([WireAnswer(status, headers, raw)]),
        clock=FixedClock(NOW),
    )


def token(disposition="ISSUED", **members):
    pair = {"binarySecurityToken": "VFVsSlEw", "secret": "c2VjcmV0"}
    return {"requestID": 347, "tokenType": None, "dispositionMessage": disposition, **pair, "errors": None, **members}


def test_csid_kind_follows_from_what_was_asked_and_answered():
    csr = b"pem"
    assert gateway(200, token()).compliance_csid(csr, "123456").csid == Csid(
        "compliance", "VFVsSlEw", "c2VjcmV0", "347"
    )
    assert gateway(200, token()).production_csid(CREDENTIALS, "1").csid == Csid(
        "production", "VFVsSlEw", "c2VjcmV0", "347"
    )
    assert gateway(200, token()).renew_csid(CREDENTIALS, csr, "123456").csid.kind == "production"
    renewal = gateway(428, token("NOT_COMPLIANT")).renew_csid(CREDENTIALS, csr, "123456")
    assert (renewal.csid.kind, renewal.csid.request_id) == ("compliance", "347")
    assert renewal.csid.credentials == Credentials("VFVsSlEw", "c2VjcmV0")


def test_no_csid_unless_granted():
    assert gateway(200, token("NOT_COMPLIANT")).compliance_csid(b"pem", "123456").csid is None
    assert gateway(400, token()).production_csid(CREDENTIALS, "1").csid is None


@pytest.mark.parametrize("value", [1772357405123, "1772357405123", " 1772357405123 "])
def test_request_id_is_read_as_number_or_text(value):
    assert gateway(200, token(requestID=value)).compliance_csid(b"pem", "123456").csid.request_id == "1772357405123"


def test_cleared_invoice_is_decoded_only_where_it_is_granted():
    body = {"validationResults": {"status": "PASS"}, "clearanceStatus": "CLEARED", "clearedInvoice": "PEludm9pY2UvPg=="}
    assert gateway(200, body).clear(CREDENTIALS, DOCUMENT).cleared_invoice == b"<Invoice/>"
    assert gateway(208, body).clear(CREDENTIALS, DOCUMENT).cleared_invoice == b"<Invoice/>"
    assert gateway(400, body).clear(CREDENTIALS, DOCUMENT).cleared_invoice is None
    assert gateway(200, {**body, "clearedInvoice": "###"}).clear(CREDENTIALS, DOCUMENT).cleared_invoice is None


SIX = (
    "standard-compliant",
    "standard-credit-note-compliant",
    "standard-debit-note-compliant",
    "simplified-compliant",
    "simplified-credit-note-compliant",
    "simplified-debit-note-compliant",
)


@pytest.mark.parametrize("separator", [",", ", ", " , "])
@pytest.mark.parametrize("steps", [SIX, SIX[3:5], SIX[5:], ("buyer-qr-code-compliant", "seller-qr-code-compliant")])
def test_missing_steps_are_read_from_the_brackets(separator, steps):
    body = {"code": "Missing-ComplianceSteps", "message": f"{SENTENCE} [{separator.join(steps)}]"}
    outcome = gateway(400, body).production_csid(CREDENTIALS, "1")
    assert outcome.missing_steps == steps
    assert steps[0] in outcome.sentence()


@pytest.mark.parametrize(
    "body",
    [
        {
            "errors": [
                {"code": "Missing-ComplianceSteps", "message": "Compliance steps for this CSID are not yet complete"}
            ]
        },
        {"code": "Missing-ComplianceSteps", "message": f"{SENTENCE} []"},
        {"code": "Missing-ComplianceSteps", "message": None},
        {"code": "Missing-ComplianceSteps"},
    ],
)
def test_missing_steps_without_names(body):
    outcome = gateway(400, body).production_csid(CREDENTIALS, "1")
    assert outcome.action is Action.RUN_MISSING_STEPS
    assert outcome.missing_steps == ()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("17", 17.0),
        (" 120 ", 120.0),
        ("Sun, 01 Mar 2026 09:31:30 GMT", 90.0),
        ("Sunday, 01-Mar-26 09:31:30 GMT", 90.0),
        ("Sun, 01 Mar 2026 12:31:30 +0300", 90.0),
        ("Sun, 01 Mar 2026 09:00:00 GMT", 0.0),
        ("99999999999999999999", 86400.0),
        ("Sun, 01 Mar 2026 09:31:30 +99999999999999999999", None),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("1.5", None),
        ("٣", None),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_in_seconds_or_as_a_date(status, value, seconds):
    outcome = gateway(status, b"", (("retry-after", value),)).report(CREDENTIALS, DOCUMENT)
    assert outcome.verdict is Verdict.RETRY
    assert outcome.retry_after == seconds


def test_no_retry_after_without_the_header_or_without_a_retry():
    assert gateway(429, b"").report(CREDENTIALS, DOCUMENT).retry_after is None
    assert gateway(401, b"", (("Retry-After", "5"),)).report(CREDENTIALS, DOCUMENT).retry_after is None


def test_all_messages_are_kept_in_order_with_their_level():
    body = {
        "validationResults": {
            "infoMessages": {"type": "INFO", "code": "XSD_ZATCA_VALID", "category": "XSD validation", "message": "ok"},
            "warningMessages": [{"code": "BR-KSA-98", "message": "late"}],
            "errorMessages": [{"code": "A", "category": None, "message": "first"}, {"code": None, "message": None}],
            "status": "ERROR",
        },
        "reportingStatus": "NOT_REPORTED",
    }
    outcome = gateway(400, body).report(CREDENTIALS, DOCUMENT)
    assert [(message.level, message.code, message.message) for message in outcome.messages] == [
        ("info", "XSD_ZATCA_VALID", "ok"),
        ("warning", "BR-KSA-98", "late"),
        ("error", "A", "first"),
        ("error", None, None),
    ]
    assert [message.code for message in outcome.errors] == ["A", None]
    assert [message.code for message in outcome.warnings] == ["BR-KSA-98"]
    assert "A: first" in outcome.sentence()


def test_sentence_of_a_rejection_names_the_first_three_and_counts_the_rest():
    errors = [{"code": f"BR-{n}", "message": f"text {n}."} for n in range(5)]
    body = {"validationResults": {"errorMessages": errors}, "reportingStatus": "NOT_REPORTED"}
    sentence = gateway(400, body).report(CREDENTIALS, DOCUMENT).sentence()
    assert "BR-0: text 0; BR-1: text 1; BR-2: text 2 (+2)" in sentence


def test_message_text_with_braces_is_shown_as_it_is():
    said = "One of '{\"urn:oasis\":PriceAmount}' is expected {status}"
    body = {"validationResults": {"errorMessages": [{"code": "XSD_ZATCA_INVALID", "message": said}]}}
    assert said in gateway(400, body).report(CREDENTIALS, DOCUMENT).sentence("ar")


def test_fault_is_told_with_its_phrase():
    transport = ScriptedTransport([WireAnswer(None, fault=Fault.UNREACHABLE, fault_text="connection refused")])
    outcome = Gateway(Environment.SANDBOX, transport=transport).report(CREDENTIALS, DOCUMENT)
    assert outcome.http_status is None
    assert "connection refused" in outcome.sentence()
    assert "connection refused" in outcome.sentence("ar")
    assert outcome.exchange.failure == "unreachable: connection refused"


def body(status, **members):
    return {"validationResults": {"status": status, "warningMessages": [], **members.pop("results", {})}, **members}


@pytest.mark.parametrize(
    "answer",
    [
        body("ERROR", reportingStatus="REPORTED"),
        body("PASS", reportingStatus="NOT_REPORTED"),
        body("ERROR"),
    ],
)
def test_a_success_that_denies_itself_is_asked_once_more(answer):
    outcome = gateway(200, answer).report(CREDENTIALS, DOCUMENT)
    assert (outcome.row, outcome.verdict, outcome.action) == ("contradiction", Verdict.RETRY, Action.RESEND_ONCE)


def test_one_form_done_and_the_other_not_is_no_denial():
    answer = body("PASS", clearanceStatus="CLEARED", reportingStatus="NOT_REPORTED", clearedInvoice="PEludm9pY2UvPg==")
    assert gateway(200, answer).clear(CREDENTIALS, DOCUMENT).verdict is Verdict.ACCEPTED


def listed(kind):
    return [{"type": kind, "code": "X-1", "category": "KSA", "message": "text", "status": kind}]


@pytest.mark.parametrize(
    ("status", "answer", "verdict"),
    [
        (200, body("PASS", reportingStatus="REPORTED"), Verdict.ACCEPTED),
        (200, body("PASS", reportingStatus="REPORTED", results={"infoMessages": listed("INFO")}), Verdict.ACCEPTED),
        (200, body("WARNING", reportingStatus="REPORTED"), Verdict.ACCEPTED_WITH_WARNINGS),
        (202, body("PASS", reportingStatus="REPORTED"), Verdict.ACCEPTED_WITH_WARNINGS),
        (
            200,
            body("PASS", reportingStatus="REPORTED", results={"warningMessages": listed("WARNING")}),
            Verdict.ACCEPTED_WITH_WARNINGS,
        ),
    ],
)
def test_each_sign_of_a_warning_is_enough(status, answer, verdict):
    assert gateway(status, answer).report(CREDENTIALS, DOCUMENT).verdict is verdict


@pytest.mark.parametrize("lost", ["binarySecurityToken", "secret"])
def test_half_a_pair_is_no_csid(lost):
    outcome = gateway(200, token(**{lost: None})).production_csid(CREDENTIALS, "1")
    assert (outcome.verdict, outcome.csid) == (Verdict.RETRY, None)


@pytest.mark.parametrize("request_id", [None, -5, "-5"])
def test_a_ccsid_without_its_request_id_is_of_no_use(request_id):
    outcome = gateway(200, token(requestID=request_id)).compliance_csid(b"pem", "123456")
    assert (outcome.row, outcome.csid) == ("otp-answer-malformed", None)


def test_a_pcsid_needs_no_request_id():
    assert gateway(200, token(requestID=None)).production_csid(CREDENTIALS, "1").csid == Csid(
        "production", "VFVsSlEw", "c2VjcmV0", ""
    )


@pytest.mark.parametrize(
    ("status", "disposition", "request_id", "row"),
    [
        (428, "NOT_COMPLIANT", 347, "renewal-needs-checks"),
        (428, "ISSUED", 347, "renewal-needs-checks"),  # the status decides (contract 7.3)
        (200, "NOT_COMPLIANT", 347, "renewal-needs-checks"),
        (200, "ISSUED", 347, "csid-issued"),
        (200, "NOT_COMPLIANT", None, "not-compliant"),
        (428, "NOT_COMPLIANT", -3, "csr-refused-by-ca"),
        (200, "OTHER", 347, "not-compliant"),
    ],
)
def test_what_a_renewal_may_answer(status, disposition, request_id, row):
    answer = gateway(status, token(disposition, requestID=request_id)).renew_csid(CREDENTIALS, b"pem", "123456")
    assert answer.row == row


def test_what_came_before_a_fault_says_nothing():
    whole = json.dumps(body("PASS", reportingStatus="REPORTED", results={"warningMessages": listed("WARNING")}))
    cut = WireAnswer(None, (), whole.encode(), Fault.LOST, "reset")
    client = Gateway(Environment.PRODUCTION, transport=ScriptedTransport([cut]), clock=FixedClock(NOW))
    outcome = client.report(CREDENTIALS, DOCUMENT)
    assert (outcome.family, outcome.messages, outcome.verdict) == (BodyFamily.NONE, (), Verdict.RETRY)


def test_steps_are_missing_only_where_a_pcsid_was_asked_for():
    answer = {"code": "Missing-ComplianceSteps", "message": f"{SENTENCE} [standard-compliant]"}
    assert gateway(400, answer).renew_csid(CREDENTIALS, b"pem", "123456").missing_steps == ()
