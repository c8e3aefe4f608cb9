"""The body families: every worked example of gateway contract 13 comes out of the encoders, members in that order."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from khatm.simulator import bodies, messages
from khatm.simulator.exchange import Base64, Response, json_response
from khatm.simulator.messages import WireMessage

EXAMPLES = Path(__file__).parents[1] / "data" / "gateway_examples"
LISTS = ("infoMessages", "warningMessages", "errorMessages")


def example(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EXAMPLES / name).read_text())
    return found


def same(response: Response, expected: dict[str, Any]) -> bool:
    """Equal with the members in the same order at every depth: the compact texts are equal."""
    return response.body.decode() == json.dumps(expected, ensure_ascii=False, separators=(",", ":"))


def validation(expected: dict[str, Any]) -> bodies.Members:
    results = expected["validationResults"]
    info, warnings, errors = ([WireMessage(**each) for each in results[name]] for name in LISTS)
    return bodies.validation_members(results["status"], info, warnings, errors)


@pytest.mark.parametrize("name", ["13.3-accepted.json", "13.4-submitted-before.json"])
def test_compliance_results(name: str) -> None:
    expected = example(name)
    built = bodies.compliance_result(
        validation(expected), reporting=expected["reportingStatus"], clearance=expected["clearanceStatus"]
    )
    assert same(json_response(200, built), expected)


@pytest.mark.parametrize("name", ["13.6-warning.json", "13.6-rejection.json", "13.6-duplicate.json"])
def test_reporting_results(name: str) -> None:
    expected = example(name)
    assert same(
        json_response(200, bodies.reporting_result(validation(expected), expected["reportingStatus"])), expected
    )


@pytest.mark.parametrize("name", ["13.7-cleared.json", "13.7-refused.json", "13.7-schema-failure.json"])
def test_clearance_results(name: str) -> None:
    expected = example(name)
    built = bodies.clearance_result(validation(expected), expected["clearanceStatus"], expected["clearedInvoice"])
    assert same(json_response(200, built), expected)


@pytest.mark.parametrize("name", ["13.1-ccsid.json", "13.5-pcsid.json", "13.8-renewal-428.json"])
def test_tokens(name: str) -> None:
    expected = example(name)
    built = bodies.token_members(
        request_id=expected["requestID"],
        disposition=expected["dispositionMessage"],
        token=expected["binarySecurityToken"],
        secret=expected["secret"],
        token_type=bodies.X509_TOKEN_TYPE if expected["tokenType"] else None,
    )
    assert same(json_response(200, built), expected)


def test_refusals_of_the_onboarding_calls() -> None:
    assert same(bodies.error_list("Invalid-OTP", "The provided OTP is invalid"), example("13.2-wrong-otp.json"))
    text = "The provided Certificate Signing Request (CSR) is invalid."
    assert same(bodies.flat3("Invalid-CSR", text), example("13.2-wrong-csr.json"))
    too_early = example("13.5-too-early.json")
    assert same(bodies.flat(400, too_early["code"], too_early["message"]), too_early)


def test_no_authentication_wrong_version_and_the_time_out_page() -> None:
    """Gateway contract 13.9, header by header."""
    moment = datetime.fromtimestamp(1772357409, UTC).replace(microsecond=876000)
    unauthorized = bodies.unauthorized(moment)
    assert (unauthorized.status, unauthorized.content_type) == (401, "application/json")
    assert unauthorized.body == b'{"timestamp":1772357409876,"status":401,"error":"Unauthorized","message":""}'
    version = bodies.unsupported_version()
    assert (version.status, version.content_type) == (406, "text/plain;charset=UTF-8")
    assert version.body == b"This Version is not supported or not provided in the header."
    page = bodies.proxy_page(504, "Gateway Time-out")
    assert (page.status, page.content_type) == (504, "text/html")
    assert page.body.decode() == (EXAMPLES / "13.9-gateway-timeout.html").read_text().rstrip("\n")


def test_the_remaining_families() -> None:
    off = bodies.clearance_off()
    assert off.status == 303
    assert json.loads(off.body) == {
        "message": "Clearance is deactiviated. Please use the /invoices/reporting/single endpoint instead."
    }
    assert "location" not in {name.lower() for name in off.headers}
    failed = bodies.http_error("Something went wrong and caused an Internal Server Error.")
    assert list(json.loads(failed.body)) == ["category", "code", "message"]
    assert json.loads(failed.body)["code"] == "500"


def test_the_406_of_a_passed_step_is_the_examples_message() -> None:
    [expected] = example("13.4-submitted-before.json")["validationResults"]["errorMessages"]
    assert messages.submitted_before("STANDARD").members() == expected


@pytest.mark.parametrize(
    "members",
    [
        {"a": 'ü"', "b": Base64("Zg==")},
        {"b": Base64("Zg==")},
        {"b": Base64("")},
        {"b": Base64("Zg=="), "a": '0}"'},
        {"a": {"b": Base64("Zg==")}},
        {"0}": None, "b": Base64("0000")},
        [Base64("Zg==")],
        {},
    ],
)
def test_base64_changes_nothing_of_what_is_written(members: object) -> None:
    assert json_response(200, members).body.decode() == json.dumps(members, ensure_ascii=False, separators=(",", ":"))
