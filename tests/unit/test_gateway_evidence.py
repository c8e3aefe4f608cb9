"""The stored exchange holds exact bytes and times, and nothing that opens a door; nor does any repr."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from khatm.environment import Environment
from khatm.gateway import Credentials, Gateway, Submission
from khatm.gateway.exchange import mask_secrets
from khatm.gateway.transport import Fault, ScriptedTransport, WireAnswer

SECRET = "EvolMW6UXYv+ZmHW2s6myzdfwqEDHG16uFjdDufKPzQ="
TOKEN = "VFVsSlEwdFVRME5CWXl0b"
OTP = "482913"
PAIR = Credentials(TOKEN, SECRET)
DOCUMENT = Submission("aGFzaA==", "6f3b8d0e", b"<Invoice/>")
START = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


class SteppingClock:
    """Every look at the clock is one second later."""

    def __init__(self):
        self.looks = 0

    def now(self):
        self.looks += 1
        return START + timedelta(seconds=self.looks)


def renewal(body: bytes, status: int = 200):
    transport = ScriptedTransport([WireAnswer(status, (("Content-Type", "application/json"),), body)])
    gateway = Gateway(Environment.SIMULATION, transport=transport, clock=SteppingClock())
    return gateway.renew_csid(PAIR, b"-----BEGIN CERTIFICATE REQUEST-----", OTP), transport


def granted(**members) -> bytes:
    return json.dumps(
        {
            "requestID": 7,
            "tokenType": None,
            "dispositionMessage": "ISSUED",
            "binarySecurityToken": "Tk9UIFNFQ1JFVA==",
            "secret": SECRET,
            "errors": None,
            **members,
        },
        indent=2,
    ).encode()


def test_exchange_holds_what_travelled_except_what_opens_doors():
    body = granted()
    outcome, transport = renewal(body)
    exchange = outcome.exchange
    assert (exchange.method, exchange.url) == (
        "PATCH",
        "https://gw-fatoora.zatca.gov.sa/e-invoicing/simulation/production/csids",
    )
    assert exchange.request_body == transport.requests[0].body
    assert exchange.response_status == 200
    assert exchange.response_headers == (("Content-Type", "application/json"),)
    assert exchange.response_body == body.replace(SECRET.encode(), b"******")
    assert (exchange.started, exchange.ended) == (START + timedelta(seconds=1), START + timedelta(seconds=2))
    assert exchange.failure is None
    names = [name for name, _ in exchange.request_headers]
    assert "Authorization" not in names
    assert dict(exchange.request_headers)["OTP"] == "******"
    assert outcome.csid.secret == SECRET


def test_nothing_secret_in_any_repr_or_in_the_exchange():
    outcome, transport = renewal(granted())
    texts = [repr(outcome), str(outcome), repr(outcome.exchange), repr(outcome.csid), repr(PAIR), str(PAIR)]
    texts += [repr(transport.requests), outcome.sentence("en"), outcome.sentence("ar")]
    exchange = outcome.exchange
    texts.append(
        repr((exchange.request_headers, exchange.request_body, exchange.response_headers, exchange.response_body))
    )
    for text in texts:
        for hidden in (SECRET, TOKEN, OTP, PAIR.authorization(), PAIR.authorization().removeprefix("Basic ")):
            assert hidden not in text


@pytest.mark.parametrize("shown", [PAIR.authorization(), SECRET, SECRET.replace("/", "\\/"), f"OTP {OTP}."])
@pytest.mark.parametrize("body", ['{"code": "401", "message": "not with %s"}', "<html><pre>Authorization: %s</pre>"])
def test_an_answer_that_repeats_what_opens_the_door_is_read_and_kept_without_it(body, shown):
    answer = WireAnswer(401, (("X-Seen", shown),), (body % shown).encode())
    with Gateway(Environment.SIMULATION, transport=ScriptedTransport([answer])) as gateway:
        outcome = gateway.renew_csid(PAIR, b"CSR", OTP)
    exchange = outcome.exchange
    for text in (repr(outcome.messages), outcome.en, repr(exchange.response_headers), repr(exchange.response_body)):
        for hidden in (SECRET, SECRET.replace("/", "\\/"), OTP, PAIR.authorization().removeprefix("Basic ")):
            assert hidden not in text
    assert b"******" in exchange.response_body


def test_digits_that_only_hold_the_otp_stay():
    outcome, _ = renewal(f'{{"message": "request 1{OTP}0 is unknown"}}'.encode(), 400)
    assert f"1{OTP}0".encode() in outcome.exchange.response_body


def test_nothing_secret_in_the_log(caplog):
    with caplog.at_level(0):
        renewal(granted())
        renewal(b'{"secret": "' + SECRET.encode(), 500)
    assert SECRET not in caplog.text
    assert OTP not in caplog.text


@pytest.mark.parametrize(
    ("body", "masked"),
    [
        (b'{"secret":"abc"}', b'{"secret":"******"}'),
        (b'{ "Secret" :\n "a\\"b\\\\" , "x":1}', b'{ "Secret" :\n "******" , "x":1}'),
        (b'{"\\u0073ecre\\u0074":"abc"}', b'{"\\u0073ecre\\u0074":"******"}'),
        (
            b'{"value":{"secret":"abc","binarySecurityToken":"T"}}',
            b'{"value":{"secret":"******","binarySecurityToken":"T"}}',
        ),
        (b'{"requestID":1,"secret":"abc', b'{"requestID":1,"secret":"******"'),
        (b'{"secret":"abc\\', b'{"secret":"******"'),
        (b'{"secret":null,"a":"b"}', b'{"secret":null,"a":"b"}'),
        (b'{"secret":12345}', b'{"secret":"******"}'),
        (b'{"secret":"a","secret":"b"}', b'{"secret":"******","secret":"******"}'),
        (b'{"secret":["abc"]}', b'{"secret":"******"}'),
        (b'{"secret":{"inner":"abc"},"a":1}', b'{"secret":"******","a":1}'),
        (b'{"message":"the \\"secret\\": x"}', b'{"message":"the \\"secret\\": x"}'),
        (b"\xff\xfe", b"\xff\xfe"),
        (b"", b""),
    ],
)
def test_secret_members_are_masked_and_nothing_else(body, masked):
    assert mask_secrets(body) == masked


def test_failure_is_recorded_with_what_had_arrived():
    cut = WireAnswer(200, (("Content-Length", "99"),), b'{"secret":"abc', Fault.LOST, "peer closed connection")
    gateway = Gateway(Environment.SANDBOX, transport=ScriptedTransport([cut]))
    exchange = gateway.report(PAIR, DOCUMENT).exchange
    assert exchange.failure == "lost: peer closed connection"
    assert exchange.response_status == 200
    assert exchange.response_body == b'{"secret":"******"'
