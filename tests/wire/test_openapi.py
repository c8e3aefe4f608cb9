"""The OpenAPI document describes the wire: every call of the gateway, and answers that really come."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.routing import Mount, Route

from khatm.environment import Environment
from khatm.simulator.app import create_app
from khatm.simulator.embedded import EmbeddedSimulator
from khatm.simulator.web.wire import ENDPOINTS
from tests.wire.simulator_caller import SIMPLIFIED, STANDARD, Caller, Unit, http

SIMULATION = Environment.SIMULATION
CALLS = {
    ("POST", "/compliance"),
    ("POST", "/compliance/invoices"),
    ("POST", "/production/csids"),
    ("PATCH", "/production/csids"),
    ("POST", "/invoices/reporting/single"),
    ("POST", "/invoices/clearance/single"),
}
"""Gateway contract, section 1.1."""
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "integer": (int,), "null": (type(None),),
}  # fmt: skip


@pytest.fixture(scope="module")
def simulator() -> Iterator[EmbeddedSimulator]:
    with EmbeddedSimulator() as running:
        yield running


@pytest.fixture(scope="module")
def document(simulator: EmbeddedSimulator) -> dict[str, Any]:
    found: dict[str, Any] = http().get(simulator.url + "/manage/openapi.json").json()
    return found


def conforms(document: dict[str, Any], schema: dict[str, Any], value: object) -> bool:
    """The part of JSON Schema that the document uses; a member that no schema names does not conform."""
    if "$ref" in schema:
        return conforms(document, document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], value)
    if "anyOf" in schema:
        return any(conforms(document, each, value) for each in schema["anyOf"])
    if "enum" in schema and value not in schema["enum"]:
        return False
    types = schema.get("type", [])
    allowed = tuple(kind for name in ([types] if isinstance(types, str) else types) for kind in _TYPES[name])
    if allowed and (not isinstance(value, allowed) or isinstance(value, bool)):
        return False
    if isinstance(value, dict):
        properties = schema["properties"]
        return set(schema.get("required", [])) <= value.keys() <= properties.keys() and all(
            conforms(document, properties[name], each) for name, each in value.items()
        )
    if isinstance(value, list):
        return all(conforms(document, schema["items"], each) for each in value)
    return True


def check(document: dict[str, Any], answer: httpx.Response, path: str) -> None:
    """Assert that an answer is one of those that the document promises for its call."""
    operation = document["paths"][f"/e-invoicing/{{environment}}{path}"][answer.request.method.lower()]
    promised = operation["responses"][str(answer.status_code)]["content"]
    media_type = answer.headers["Content-Type"].partition(";")[0]
    assert media_type in promised, answer.text
    value = answer.json() if media_type == "application/json" else answer.text
    assert conforms(document, promised[media_type]["schema"], value), answer.text


def gateway_paths(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The paths of the gateway with their items."""
    return [(path, item) for path, item in document["paths"].items() if path.startswith("/e-invoicing/")]


def test_it_names_every_call_of_the_management(document: dict[str, Any], simulator: EmbeddedSimulator) -> None:
    described = {
        (method.upper(), path)
        for path, item in document["paths"].items()
        for method in item
        if not path.startswith("/e-invoicing/")
    }
    served = set()
    for mount in create_app(simulator.fatoora).routes:
        if isinstance(mount, Mount) and mount.path == "/manage":
            served = {
                (method, mount.path + route.path)
                for route in mount.routes
                if isinstance(route, Route)
                for method in (route.methods or ())
            }
    assert described - {("POST", "/validator/api")} == served - {
        (method, path) for method, path in served if method == "HEAD"
    }


def test_every_call_is_written_in_the_documentation(document: dict[str, Any]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text(encoding="utf-8")
    for path in document["paths"]:
        if path.startswith("/manage/"):
            assert path.partition("{")[0].rstrip("/") in page, path


def test_it_names_the_six_calls_in_three_environments(document: dict[str, Any], simulator: EmbeddedSimulator) -> None:
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": simulator.url}]
    found = set()
    for path, item in gateway_paths(document):
        [parameter] = item["parameters"]
        assert parameter["schema"]["enum"] == ["developer-portal", "simulation", "core"]
        found |= {
            (method.upper(), path.removeprefix("/e-invoicing/{environment}"))
            for method in item
            if method != "parameters"
        }
    assert found == CALLS
    assert {(each.method, each.path) for each in ENDPOINTS} == CALLS


def test_its_examples_are_of_their_schemas(document: dict[str, Any]) -> None:
    for _, item in gateway_paths(document):
        for method, operation in item.items():
            if method == "parameters":
                continue
            body = operation["requestBody"]["content"]["application/json"]
            assert conforms(document, body["schema"], body["example"])
            for response in operation["responses"].values():
                assert response["description"]
                for content in response["content"].values():
                    for example in content["examples"].values():
                        assert conforms(document, content["schema"], example["value"]), example


def test_real_answers_are_promised_ones(document: dict[str, Any], simulator: EmbeddedSimulator) -> None:
    caller = Caller(simulator, SIMULATION)
    unit = Unit(caller, "1100")
    check(document, unit.begin(), "/compliance")
    for kind in (*STANDARD, *SIMPLIFIED):
        check(document, unit.check(kind), "/compliance/invoices")
    check(document, unit.check("simplified-invoice"), "/compliance/invoices")  # 406, the step is done
    assert unit.ccsid is not None
    early = Unit(caller, "0100")
    early.begin()
    check(document, early.finish(), "/production/csids")
    wrong = caller.call("POST", "/production/csids", {"compliance_request_id": "1"}, **unit.ccsid.authorization)
    check(document, wrong, "/production/csids")
    check(document, unit.finish(), "/production/csids")
    assert unit.pcsid is not None
    for kind, path in (("simplified-invoice", "reporting"), ("standard-invoice", "clearance")):
        sent = unit.document(kind)
        for _ in range(2):
            check(document, unit.send(f"/invoices/{path}/single", sent), f"/invoices/{path}/single")
        broken = unit.document(kind, changes={"reporting:1.0": "clearance:1.0"})
        check(document, unit.send(f"/invoices/{path}/single", broken), f"/invoices/{path}/single")
    renewed = caller.call(
        "PATCH", "/production/csids", {"csr": unit.csr}, OTP=caller.otp("renewal"), **unit.pcsid.authorization
    )
    check(document, renewed, "/production/csids")
    assert renewed.status_code == 428


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda each: each.name)
def test_refusals_are_promised_ones(document: dict[str, Any], simulator: EmbeddedSimulator, endpoint: Any) -> None:
    caller = Caller(simulator, SIMULATION)
    body = json.dumps(endpoint.body).encode()
    for content, headers in (
        (b"[]", {}),
        (body, {}),
        (body, {"Accept_Version": "V1"}),
        (body, {"Content_Type": "text/xml"}),
        (body, {"OTP": "000000", "Authorization": "Basic eA=="}),
        (b" " * 6_000_000, {}),
    ):
        check(document, caller.call(endpoint.method, endpoint.path, content, **headers), endpoint.path)
    if "otp" in endpoint.needs and endpoint.name == "compliance_csid":
        for members in ({}, {"csr": "x"}, {"csr": 1}):
            answer = caller.call("POST", endpoint.path, members, OTP=caller.otp())
            assert answer.status_code == 400
            check(document, answer, endpoint.path)
