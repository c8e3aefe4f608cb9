"""What an outcome carries besides its verdict: CSID, cleared invoice, missing steps, waiting time, messages."""

import json
from datetime import UTC, datetime

import pytest

from khatm.clock import FixedClock
from khatm.environment import Environment
from khatm.gateway import Action, Credentials, Csid, Gateway, Submission, Verdict
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
