"""The wire and the management as an OpenAPI 3.1 document, made from the reference page's table and one of calls.

It describes what this simulator answers without faults and with its default switches. Source: OpenAPI 3.1.1; gateway
contract, sections 3 and 4.
"""

import json
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from khatm import __version__
from khatm.environment import Environment
from khatm.simulator.web.catalogue import text
from khatm.simulator.web.openapi_management import MANAGEMENT, REFUSAL
from khatm.simulator.web.wire import ENDPOINTS, Answer, Endpoint, Header

Members = dict[str, object]

_TEXT: Final[Members] = {"type": "string"}
_NUMBER: Final[Members] = {"type": "integer"}
_MAYBE: Final[Members] = {"type": ["string", "null"]}
_SCHEMAS_OF_FAMILY: Final = {"Failure": ("Flat", "HttpError")}


def _object(members: dict[str, Members], *, optional: tuple[str, ...] = ()) -> Members:
    required = [name for name in members if name not in optional]
    return {"type": "object", "properties": members, **({"required": required} if required else {})}


def _one_of(*words: str) -> Members:
    return {"type": "string", "enum": list(words)}


def _reference(name: str) -> Members:
    return {"$ref": f"#/components/schemas/{name}"}


def _list_of(name: str) -> Members:
    return {"type": "array", "items": _reference(name)}


_SCHEMAS: Final[dict[str, Members]] = {
    "CsrRequest": _object({"csr": {"type": "string", "description": "base64 of the CSR's whole PEM text"}}),
    "DocumentRequest": _object(
        {
            "invoiceHash": {"type": "string", "description": "base64 of the SHA-256 of the canonical document"},
            "uuid": {"type": "string", "description": "the document's cbc:UUID"},
            "invoice": {"type": "string", "description": "base64 of the XML"},
        }
    ),
    "ProductionCsidRequest": _object({"compliance_request_id": {"type": ["string", "integer"]}}),
    "Token": _object(
        {
            "requestID": _NUMBER,
            "tokenType": _MAYBE,
            "dispositionMessage": _one_of("ISSUED", "NOT_COMPLIANT"),
            "binarySecurityToken": _MAYBE,
            "secret": _MAYBE,
            "errors": {"type": ["array", "null"], "items": _TEXT},
        }
    ),
    "Message": _object(
        {
            "type": _one_of("INFO", "WARNING", "ERROR"),
            "code": _MAYBE,
            "category": _MAYBE,
            "message": _MAYBE,
            "status": _one_of("PASS", "WARNING", "ERROR"),
        }
    ),
    "ValidationResults": _object(
        {
            "infoMessages": _list_of("Message"),
            "warningMessages": _list_of("Message"),
            "errorMessages": _list_of("Message"),
            "status": _one_of("PASS", "WARNING", "ERROR"),
        }
    ),
    "Result": _object(
        {
            "validationResults": _reference("ValidationResults"),
            "reportingStatus": {"enum": ["REPORTED", "NOT_REPORTED", None]},
            "clearanceStatus": {"enum": ["CLEARED", "NOT_CLEARED", None]},
            "clearedInvoice": _MAYBE,
            "qrSellertStatus": _MAYBE,
            "qrBuyertStatus": _MAYBE,
        },
        optional=("reportingStatus", "clearanceStatus", "clearedInvoice", "qrSellertStatus", "qrBuyertStatus"),
    ),
    "ErrorList": _object(
        {"errors": {"type": "array", "items": _object({"code": _TEXT, "message": _TEXT}), "minItems": 1}}
    ),
    "Flat": _object({"code": _TEXT, "message": _TEXT}),
    "Flat3": _object({"errorCode": _TEXT, "errorCategory": _TEXT, "errorMessage": _TEXT}),
    "HttpError": _object({"category": _TEXT, "code": _TEXT, "message": _TEXT}),
    "Spring": _object({"timestamp": _NUMBER, "status": _NUMBER, "error": _TEXT, "message": _TEXT}),
    "Info": _object({"message": _TEXT}),
    "Text": _TEXT,
    "Page": _TEXT,
    "Refusal": REFUSAL,
}


def document(address: str) -> Members:
    """Return the document; `address` is where the simulator is reached."""
    paths: dict[str, Members] = {}
    for endpoint in ENDPOINTS:
        path = paths.setdefault(f"/e-invoicing/{{environment}}{endpoint.path}", {"parameters": [_environment()]})
        path[endpoint.method.lower()] = _operation(endpoint)
    for each in MANAGEMENT:
        paths.setdefault(each.path, {})[each.method] = each.members()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Fatoora gateway and management (simulator)",
            "version": __version__,
            "description": str(text("frame.simulator", "en")),
        },
        "servers": [{"url": address}],
        "paths": paths,
        "components": {
            "schemas": _SCHEMAS,
            "securitySchemes": {
                "csid": {"type": "http", "scheme": "basic", "description": str(text("header.authorization", "en"))}
            },
        },
    }


async def serve(request: Request) -> Response:
    """Answer the document, with the address at which the caller came."""
    return JSONResponse(document(str(request.base_url.replace(path="")).rstrip("/")))


def _environment() -> Members:
    words = [each.path_segment for each in Environment]
    return {"name": "environment", "in": "path", "required": True, "schema": _one_of(*words)}


def _operation(endpoint: Endpoint) -> Members:
    authenticated = any(each.name == "Authorization" for each in endpoint.headers)
    return {
        "operationId": endpoint.name,
        "summary": str(text(f"endpoint.{endpoint.name}", "en")),
        "security": [{"csid": []}] if authenticated else [],
        "parameters": [_parameter(each) for each in endpoint.headers if each.name not in _NOT_PARAMETERS],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": _reference(endpoint.schema), "example": endpoint.body},
            },
        },
        "responses": _responses(endpoint.answers),
    }


_NOT_PARAMETERS: Final = frozenset({"Authorization", "Content-Type"})
"""OpenAPI says these by other means and ignores parameters of these names."""
_ALLOWED: Final = {"Accept-Version": ("V2",), "Clearance-Status": ("0", "1")}


def _parameter(header: Header) -> Members:
    allowed = _ALLOWED.get(header.name)
    return {
        "name": header.name,
        "in": "header",
        "required": header.required,
        "description": str(text(header.key, "en")),
        "schema": _one_of(*allowed) if allowed else _TEXT,
        "example": header.value,
    }


def _responses(answers: tuple[Answer, ...]) -> dict[str, Members]:
    """Return the answers by status; one status may come with several bodies."""
    found: dict[str, Members] = {}
    for status in sorted({each.status for each in answers}):
        same = [each for each in answers if each.status == status]
        content: dict[str, Members] = {}
        for media_type in dict.fromkeys(each.media_type for each in same):
            fitting = [each for each in same if each.media_type == media_type]
            names = dict.fromkeys(
                name for each in fitting for name in _SCHEMAS_OF_FAMILY.get(each.family, (each.family,))
            )
            schemas = [_reference(name) for name in names]
            content[media_type] = {
                "schema": schemas[0] if len(schemas) == 1 else {"anyOf": schemas},
                "examples": {each.key.removeprefix("answer."): {"value": _example(each)} for each in fitting},
            }
        found[str(status)] = {
            "description": " / ".join(str(text(each.key, "en")) for each in same),
            "content": content,
        }
    return found


def _example(answer: Answer) -> object:
    return json.loads(answer.body) if answer.media_type == "application/json" else answer.body
