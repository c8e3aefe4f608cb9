"""Every worked example of the gateway contract 13: the request is built as printed, the answer read as meant."""

import base64
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from khatm.clock import FixedClock
from khatm.environment import Environment
from khatm.gateway import Action, BodyFamily, Credentials, Gateway, Submission, Verdict
from khatm.gateway.transport import ScriptedTransport, WireAnswer

EXAMPLES = Path(__file__).parents[1] / "data" / "gateway_examples"
CREDENTIALS = Credentials("VG9rZW4=", "U2VjcmV0")
DOCUMENT = Submission(
    "3f0t2F9gk1n8i0b7Yt0kq8m0m7w2w2wQbqf3m2m4h1E=",
    "6f3b8d0e-2a71-4c55-9d3e-0c1f5a7e9b01",
    base64.b64decode("PD94bWwgdmVyc2lvbj0iMS4wIiBlbmNvZGluZz0iVVRGLTgiPz4KPEludm9pY2U+4oCmPC9JbnZvaWNlPgo="),
)


def example(name: str) -> bytes:
    return (EXAMPLES / name).read_bytes()


def gateway(status: int, body: bytes, environment=Environment.SIMULATION):
    transport = ScriptedTransport([WireAnswer(status, (("Content-Type", "application/json"),), body)])
    return Gateway(
        environment, transport=transport, clock=FixedClock(datetime(2026, 3, 1, 9, 30, tzinfo=UTC))
    ), transport


def test_13_1_compliance_csid():
    client, transport = gateway(200, example("13.1-ccsid.json"))
    csr = base64.b64decode(json.loads(example("13.1-request.json"))["csr"])
    outcome = client.compliance_csid(csr, "482913")
    (request,) = transport.requests
    assert (request.method, request.url) == (
        "POST",
        "https://gw-fatoora.zatca.gov.sa/e-invoicing/simulation/compliance",
    )
    assert dict(request.headers) == {
        "Accept": "application/json",
        "Accept-Language": "en",
        "Accept-Version": "V2",
        "OTP": "482913",
        "Content-Type": "application/json",
    }
    assert json.loads(request.body) == json.loads(example("13.1-request.json"))
    assert (outcome.verdict, outcome.action, outcome.family) == (Verdict.ACCEPTED, Action.PROCEED, BodyFamily.TOKEN)
    assert outcome.csid.request_id == "1772357405123"
    certificate = x509.load_der_x509_certificate(base64.b64decode(base64.b64decode(outcome.csid.token)))
    assert certificate.serial_number == 0x019CA8BBC9C3 == int(outcome.csid.request_id)
    authorization = outcome.csid.credentials.authorization()
    assert len(authorization) == 1390
    assert authorization.startswith("Basic VFVsSlEwdFVRME5CWXl0b")
    assert authorization.endswith("REhHMTZ1RmpkRHVmS1B6UT0=")
    assert (
        hashlib.sha256(authorization.encode()).hexdigest()
        == "43b4cec375c676eb9e0b30a16d34f307e3c47e0713807f6ae08aaa27cedbbdc8"
    )


def test_13_2_wrong_otp():
    client, _ = gateway(400, example("13.2-wrong-otp.json"))
    outcome = client.compliance_csid(b"pem", "111111")
    assert (outcome.verdict, outcome.action, outcome.family) == (
        Verdict.OPERATOR,
        Action.ASK_NEW_OTP,
        BodyFamily.ERRLIST,
    )
    assert [(message.code, message.message) for message in outcome.messages] == [
        ("Invalid-OTP", "The provided OTP is invalid")
    ]


def test_13_2_wrong_csr():
    client, _ = gateway(400, example("13.2-wrong-csr.json"))
    outcome = client.compliance_csid(b"pem", "123456")
    assert (outcome.verdict, outcome.action, outcome.family) == (
        Verdict.REJECTED,
        Action.CORRECT_CSR,
        BodyFamily.FLAT3,
    )
    assert "Invalid-CSR: The provided Certificate Signing Request (CSR) is invalid" in outcome.sentence()


def test_13_3_compliance_document():
    client, transport = gateway(200, example("13.3-accepted.json"))
    outcome = client.check_compliance(CREDENTIALS, DOCUMENT)
    (request,) = transport.requests
    assert json.loads(request.body) == json.loads(example("13.3-request.json"))
    assert [name for name, _ in request.headers if name not in ("Accept",)] == [
        "Accept-Language",
        "Accept-Version",
        "Content-Type",
        "Authorization",
    ]
    assert (outcome.verdict, outcome.action, outcome.family) == (Verdict.ACCEPTED, Action.PROCEED, BodyFamily.RESULT)
    (info,) = outcome.messages
    assert (info.level, info.type, info.code, info.category, info.status) == (
        "info",
        "INFO",
        "XSD_ZATCA_VALID",
        "XSD validation",
        "PASS",
    )


def test_13_4_same_step_again():
    client, _ = gateway(406, example("13.4-submitted-before.json"))
    outcome = client.check_compliance(CREDENTIALS, DOCUMENT)
    assert (outcome.verdict, outcome.action) == (Verdict.ACCEPTED, Action.PROCEED)


def test_13_5_production_csid_too_early():
    client, transport = gateway(400, example("13.5-too-early.json"))
    outcome = client.production_csid(CREDENTIALS, "1772357405123")
    assert json.loads(transport.requests[0].body) == json.loads(example("13.5-request.json"))
    assert (outcome.verdict, outcome.action) == (Verdict.RETRY, Action.RUN_MISSING_STEPS)
    assert outcome.missing_steps == ("simplified-credit-note-compliant", "simplified-debit-note-compliant")


def test_13_5_production_csid_in_time():
    client, _ = gateway(200, example("13.5-pcsid.json"))
    outcome = client.production_csid(CREDENTIALS, "1772357405123")
    assert (outcome.verdict, outcome.action) == (Verdict.ACCEPTED, Action.PROCEED)
    assert (outcome.csid.kind, outcome.csid.request_id) == ("production", "40117")
    assert outcome.csid.token == "TUlJRDREQ0NBNGFnQXdJQkFnSVRFQUFBLi4u"
    assert outcome.csid.secret == "q0Zr9Vn2mJx5tP8cW1aLd7sEy4uHb6oGiK3fQwR0TzM="


def test_13_6_reporting_warning():
    client, _ = gateway(202, example("13.6-warning.json"))
    outcome = client.report(CREDENTIALS, DOCUMENT)
    assert (outcome.verdict, outcome.action) == (Verdict.ACCEPTED_WITH_WARNINGS, Action.PROCEED)
    assert [message.code for message in outcome.warnings] == ["BR-KSA-98"]


def test_13_6_reporting_rejection():
    client, _ = gateway(400, example("13.6-rejection.json"))
    outcome = client.report(CREDENTIALS, DOCUMENT)
    assert (outcome.verdict, outcome.action) == (Verdict.REJECTED, Action.CORRECT_DOCUMENT)
    assert [message.code for message in outcome.errors] == ["invalid-invoice-hash", "invoiceHash_QRCODE_INVALID"]


def test_13_6_reporting_duplicate_is_a_success():
    client, _ = gateway(409, example("13.6-duplicate.json"))
    outcome = client.report(CREDENTIALS, DOCUMENT)
    assert (outcome.verdict, outcome.action) == (Verdict.ACCEPTED, Action.PROCEED)


def test_13_7_cleared():
    client, _ = gateway(200, example("13.7-cleared.json"))
    outcome = client.clear(CREDENTIALS, DOCUMENT)
    assert (outcome.verdict, outcome.action) == (Verdict.ACCEPTED, Action.DELIVER_CLEARED)
    assert outcome.cleared_invoice.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<Invoice>')


@pytest.mark.parametrize(
    ("name", "code"),
    [("13.7-refused.json", "certificate-permissions"), ("13.7-schema-failure.json", "XSD_ZATCA_INVALID")],
)
def test_13_7_refused(name, code):
    client, _ = gateway(400, example(name))
    outcome = client.clear(CREDENTIALS, DOCUMENT)
    assert (outcome.verdict, outcome.action) == (Verdict.REJECTED, Action.CORRECT_DOCUMENT)
    assert [message.code for message in outcome.errors] == [code]
    assert outcome.cleared_invoice is None


def test_13_8_renewal_with_428():
    client, transport = gateway(428, example("13.8-renewal-428.json"), Environment.PRODUCTION)
    outcome = client.renew_csid(CREDENTIALS, b"pem", "482913")
    (request,) = transport.requests
    assert (request.method, request.url) == (
        "PATCH",
        "https://gw-fatoora.zatca.gov.sa/e-invoicing/core/production/csids",
    )
    assert {"OTP", "Authorization"} <= dict(request.headers).keys()
    assert (outcome.verdict, outcome.action) == (Verdict.ACCEPTED, Action.RUN_COMPLIANCE_STEPS)
    assert (outcome.csid.kind, outcome.csid.request_id) == ("compliance", "1772443805456")


def test_13_9_no_authentication_wrong_version_timeout_page():
    unauthorized = b'{"timestamp":1772357409876,"status":401,"error":"Unauthorized","message":""}'
    outcome = gateway(401, unauthorized)[0].report(CREDENTIALS, DOCUMENT)
    assert (outcome.verdict, outcome.family) == (Verdict.STOP_UNIT, BodyFamily.SPRING)
    version = b"This Version is not supported or not provided in the header."
    outcome = gateway(406, version)[0].report(CREDENTIALS, DOCUMENT)
    assert (outcome.verdict, outcome.action, outcome.family) == (
        Verdict.STOP_UNIT,
        Action.FIX_CLIENT,
        BodyFamily.TEXT,
    )
    outcome = gateway(504, example("13.9-gateway-timeout.html"))[0].report(CREDENTIALS, DOCUMENT)
    assert (outcome.verdict, outcome.action, outcome.family) == (Verdict.RETRY, Action.RESEND, BodyFamily.HTML)
