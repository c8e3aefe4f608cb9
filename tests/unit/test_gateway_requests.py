"""What the client sends: paths, methods, headers and bodies of the gateway contract 1, 3, and the OTP."""

import base64
import json

import pytest

from khatm.environment import Environment
from khatm.gateway import Credentials, Gateway, Submission
from khatm.gateway.errors import UnusableOtp
from khatm.gateway.transport import ScriptedTransport, WireAnswer

PAIR = Credentials("VFVsSlEw", "a+b/c=")
DOCUMENT = Submission("hash=", "uuid-1", "<Invoice>ختم</Invoice>".encode())
OFFICIAL = "https://gw-fatoora.zatca.gov.sa/e-invoicing"
SEGMENTS = {"sandbox": "developer-portal", "simulation": "simulation", "production": "core"}

CALLS = {
    "compliance_csid": (lambda g: g.compliance_csid(b"PEM\n", "012345"), "POST", "/compliance"),
    "check_compliance": (lambda g: g.check_compliance(PAIR, DOCUMENT), "POST", "/compliance/invoices"),
    "production_csid": (lambda g: g.production_csid(PAIR, "1234567890123"), "POST", "/production/csids"),
    "renew_csid": (lambda g: g.renew_csid(PAIR, b"PEM\r\n", "012345"), "PATCH", "/production/csids"),
    "report": (lambda g: g.report(PAIR, DOCUMENT), "POST", "/invoices/reporting/single"),
    "clear": (lambda g: g.clear(PAIR, DOCUMENT), "POST", "/invoices/clearance/single"),
}
BODIES = {
    "compliance_csid": {"csr": base64.b64encode(b"PEM\n").decode()},
    "check_compliance": {
        "invoiceHash": "hash=",
        "uuid": "uuid-1",
        "invoice": base64.b64encode(DOCUMENT.invoice).decode(),
    },
    "production_csid": {"compliance_request_id": "1234567890123"},
    "renew_csid": {"csr": base64.b64encode(b"PEM\r\n").decode()},
}
BODIES["report"] = BODIES["clear"] = BODIES["check_compliance"]
ALWAYS = {
    "Accept": "application/json",
    "Accept-Language": "en",
    "Accept-Version": "V2",
    "Content-Type": "application/json",
}
BASIC = {"Authorization": "Basic " + base64.b64encode(b"VFVsSlEw:a+b/c=").decode()}
OTP = {"OTP": "012345"}
EXTRA = {
    "compliance_csid": OTP,
    "check_compliance": BASIC,
    "production_csid": BASIC,
    "renew_csid": BASIC | OTP,
    "report": BASIC | {"Clearance-Status": "0"},
    "clear": BASIC | {"Clearance-Status": "1"},
}


@pytest.mark.parametrize("environment", Environment)
@pytest.mark.parametrize("name", CALLS)
def test_request_is_as_in_the_contract(name, environment):
    transport = ScriptedTransport([WireAnswer(200)])
    call, method, path = CALLS[name]
    call(Gateway(environment, transport=transport))
    (request,) = transport.requests
    assert (request.method, request.url) == (method, f"{OFFICIAL}/{SEGMENTS[environment]}{path}")
    assert dict(request.headers) == ALWAYS | EXTRA[name]
    assert len(request.headers) == len(dict(request.headers))
    assert list(json.loads(request.body).items()) == list(BODIES[name].items())


def test_arabic_is_asked_for_when_wanted():
    transport = ScriptedTransport([WireAnswer(200)])
    Gateway(Environment.SANDBOX, transport=transport, language="ar").report(PAIR, DOCUMENT)
    assert dict(transport.requests[0].headers)["Accept-Language"] == "ar"


@pytest.mark.parametrize("typed", ["482913", " 482913\n", "482 913", "٤٨٢٩١٣", "۴۸۲۹۱۳"])
def test_otp_is_sent_in_ascii_digits_however_it_was_typed(typed):
    transport = ScriptedTransport([WireAnswer(200)])
    Gateway(Environment.SANDBOX, transport=transport).compliance_csid(b"pem", typed)
    assert dict(transport.requests[0].headers)["OTP"] == "482913"


@pytest.mark.parametrize("typed", ["", "   ", "abc123", "12\r\nX-Evil: 1", "123", "12345678901", "12345²", "-12345"])
def test_otp_that_is_no_row_of_digits_is_refused_before_anything_is_sent(typed):
    transport = ScriptedTransport([])
    gateway = Gateway(Environment.SANDBOX, transport=transport)
    for call in (lambda: gateway.compliance_csid(b"pem", typed), lambda: gateway.renew_csid(PAIR, b"pem", typed)):
        with pytest.raises(UnusableOtp) as caught:
            call()
        assert caught.value.exit_code == 2
        for language in ("en", "ar"):
            assert not typed.strip() or typed.strip() not in caught.value.sentence(language)
    assert transport.requests == []


def test_token_goes_into_the_user_name_verbatim():
    decoded = base64.b64decode(PAIR.authorization().removeprefix("Basic "))
    assert decoded == b"VFVsSlEw:a+b/c="


def test_gateway_closes_its_transport():
    transport = ScriptedTransport([])
    with Gateway(Environment.SANDBOX, transport=transport):
        assert not transport.closed
    assert transport.closed
