"""Bodies of every documented and real shape are read, and no body whatever makes the reader fail."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from khatm.gateway import BodyFamily, Call
from khatm.gateway.exchange import mask_secrets
from khatm.gateway.jsontext import MAX_DEPTH, NotJson, read_json
from khatm.gateway.messages import Message, read_body
from khatm.gateway.outcome import Answer, decide

F = BodyFamily


@pytest.mark.parametrize(
    ("body", "family"),
    [
        (b"", F.EMPTY),
        (b" \r\n\t", F.EMPTY),
        (b"<html></html>", F.HTML),
        (b"\n<!DOCTYPE html>", F.HTML),
        (b"Invalid Request", F.TEXT),
        (b'"Invalid Request"', F.TEXT),
        (b"null", F.TEXT),
        ("مرفوض".encode(), F.TEXT),
        (b"\xe9\xe8", F.BROKEN),
        (b"\x1f\x8b\x08\x00", F.BROKEN),
        (b'{"a":', F.BROKEN),
        (b'{"a": "\xe9"}', F.BROKEN),
        (b'{"a": NaN}', F.BROKEN),
        (b'{"a": -Infinity}', F.BROKEN),
        (b'{"a": 1} trailing', F.BROKEN),
        (b'{"a": ' + b"9" * 5000 + b"}", F.BROKEN),
        (b"[" * 10_000, F.BROKEN),
        (b"[" * 10_000 + b"]" * 10_000, F.BROKEN),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, F.BROKEN),
        (b'\xef\xbb\xbf{"code": "X"}', F.FLAT),
        (b'{"code": "X", "message": "Y"}', F.FLAT),
        (b'{"code": "X", "category": "Y"}', F.FLAT),
        (b'{"category": "HTTP-Errors", "code": "500", "message": "Y"}', F.HTTPERR),
        (b'{"errorCode": "400", "errorCategory": "X", "errorMessage": "Y"}', F.FLAT3),
        (b'{"errors": [{"code": "X"}]}', F.ERRLIST),
        (b'{"errors": null}', F.ERRLIST),
        (b'[{"code": "X"}]', F.ERRLIST),
        (b"[]", F.JSON),
        (b"{}", F.JSON),
        (b'{"timestamp": 1, "status": 401, "error": "Unauthorized", "message": ""}', F.SPRING),
        (b'{"message": "Clearance is deactiviated."}', F.INFO),
        (b'{"dispositionMessage": "ISSUED"}', F.TOKEN),
        (b'{"value": {"binarySecurityToken": "x"}}', F.TOKEN),
        (b'{"value": 3}', F.JSON),
        (b'{"validationResults": null}', F.RESULT),
        (b'{"reportingStatus": "REPORTED_SUCCESSFULLY_EARLIER"}', F.RESULT),
    ],
)
def test_family(body, family):
    assert read_body(body).family is family


@pytest.mark.parametrize(
    ("errors", "messages"),
    [
        (None, []),
        ([], []),
        ([None], []),
        (["Invalid-OTP"], [Message("error", code="Invalid-OTP", message="Invalid-OTP")]),
        (["unable to sign"], [Message("error", message="unable to sign")]),
        ("unable to sign", [Message("error", message="unable to sign")]),
        ([{"code": "X", "message": "Y"}], [Message("error", code="X", message="Y")]),
        ({"code": "X", "message": "Y"}, [Message("error", code="X", message="Y")]),
        ([{"errorCode": "X", "errorMessage": "Y"}], [Message("error", code="X", message="Y")]),
        ([{"message": "Y"}], [Message("error", message="Y")]),
        ([{"code": 400, "message": ["a", "b"]}], [Message("error", code="400", message="a, b")]),
        ([["a b", {"code": "X"}]], [Message("error", message="a b"), Message("error", code="X")]),
        ([True, 5], []),
    ],
)
def test_errors_of_every_shape(errors, messages):
    assert list(read_body(json.dumps({"errors": errors}).encode()).messages) == messages
    with_token = {"dispositionMessage": "NOT_COMPLIANT", "errors": errors}
    assert list(read_body(json.dumps(with_token).encode()).messages) == messages


def test_last_of_equal_member_names_wins():
    assert read_body(b'{"dispositionMessage": "NOT_COMPLIANT", "dispositionMessage": "ISSUED"}').disposition == "ISSUED"


def test_lists_beside_the_validation_are_read_too():
    body = {
        "validationResults": {"infoMessages": {"code": "I"}},
        "warningMessages": [{"code": "W"}],
        "errorMessages": [{"code": "E"}],
        "status": "pass",
        "reportingStatus": " REPORTED ",
    }
    reading = read_body(json.dumps(body).encode())
    assert [(message.level, message.code) for message in reading.messages] == [
        ("info", "I"),
        ("warning", "W"),
        ("error", "E"),
    ]
    assert reading.statuses == {"PASS", "REPORTED"}


def test_validation_results_as_a_list_go_by_their_type():
    body = {"validationResults": [{"type": "WARNING", "code": "W"}, {"type": "INFO", "code": "I"}, {"code": "E"}]}
    reading = read_body(json.dumps(body).encode())
    assert [(message.level, message.code) for message in reading.messages] == [
        ("warning", "W"),
        ("info", "I"),
        ("error", "E"),
    ]


def test_half_a_surrogate_pair_does_not_reach_the_store():
    (message,) = read_body(b'{"code": "X", "message": "a\\ud800b"}').messages
    assert message.message == "a?b"


def test_depth_limit_is_exact_and_strings_do_not_count():
    deepest = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert read_json(deepest) is not None
    with pytest.raises(NotJson):
        read_json(b"[" + deepest + b"]")
    assert read_json(json.dumps(["[" * 1000, '\\"' + "{" * 1000]).encode())


def test_large_answer_is_read_in_one_pass():
    body = json.dumps({"clearanceStatus": "CLEARED", "clearedInvoice": "QUJD" * 2_000_000, "secret": "x"}).encode()
    assert len(read_body(body).cleared_invoice or b"") == 6_000_000
    assert len(mask_secrets(body)) == len(body) + 5
    escaped = b'{"message": "' + b"\\/" * 1_000_000 + b'"}'
    assert read_body(escaped).family is F.INFO


_names = st.sampled_from(
    [
        "validationResults",
        "infoMessages",
        "warningMessages",
        "errorMessages",
        "erros",
        "erroMessages",
        "errors",
        "status",
        "code",
        "category",
        "message",
        "type",
        "reportingStatus",
        "clearanceStatus",
        "clearedInvoice",
        "requestID",
        "tokenType",
        "dispositionMessage",
        "secret",
        "binarySecurityToken",
        "value",
        "timestamp",
        "error",
        "errorCode",
        "errorCategory",
        "errorMessage",
        "warnings",
    ]
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(_names | st.text(), inner),
    max_leaves=8,
)


@settings(deadline=None, max_examples=80)
@given(value=st.dictionaries(_names, json_values) | json_values, cut=st.integers(0, 3))
@example(value={"requestID": 10**30, "dispositionMessage": "ISSUED"}, cut=0)
def test_any_json_is_read_and_judged(value, cut):
    body = json.dumps(value).encode()
    body = body[: len(body) - cut]
    reading = read_body(body)
    for call in Call:
        for status in (200, 400, 406, 428):
            assert decide(Answer(call, status, None, reading)).name
    for message in reading.messages:
        for text in (message.code, message.category, message.message, message.type, message.status):
            assert text is None or isinstance(text.encode(), bytes)


@settings(deadline=None)
@given(body=st.binary() | st.text().map(lambda text: ("{" + text).encode("utf-8", "surrogatepass")))
def test_any_bytes_are_read(body):
    assert read_body(body).family in BodyFamily
    mask_secrets(body)
