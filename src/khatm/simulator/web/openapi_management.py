"""Management and the validator in the OpenAPI document: one row a call. The shapes are those of docs/simulator.md."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from khatm.environment import Environment
from khatm.rules.edition import Edition
from khatm.simulator.fault_answers import FAMILIES
from khatm.simulator.faults import MOST_FAULTS, Change, Drop, EndpointName, Event, Truncation, When
from khatm.simulator.portal import Purpose
from khatm.simulator.taxpayers import TaxpayerStatus
from khatm.simulator.verdicts import VERDICTS

Members = dict[str, object]

_JSON: Final = "application/json"
_PEM: Final = "application/x-pem-file"
_OBJECT: Final[Members] = {"type": "object"}
_TEXT: Final[Members] = {"type": "string"}
_DECIMAL: Final[Members] = {"type": "number"}
_FLAG: Final[Members] = {"type": "boolean"}
_MOMENT: Final[Members] = {"type": "string", "format": "date-time"}
_ENVIRONMENT: Final[Members] = {"type": "string", "enum": [each.value for each in Environment]}
_VAT_NUMBER: Final[Members] = {"type": "string", "pattern": "^3[0-9]{13}3$"}


def _number(least: int | None = None, most: int | None = None) -> Members:
    bounds = {"minimum": least, "maximum": most}
    return {"type": "integer", **{name: value for name, value in bounds.items() if value is not None}}


def _words(*words: str) -> Members:
    return {"type": "string", "enum": list(words)}


def _several(pattern: str) -> Members:
    return {"type": "string", "pattern": f"^({pattern})(,({pattern}))*$"}


def _members(required: Mapping[str, Members], **optional: Members) -> Members:
    needed = {"required": list(required)} if required else {}
    return {"type": "object", "properties": {**required, **optional}, **needed}


def _closed(required: tuple[str, ...] = (), **members: Members) -> Members:
    needed = {"required": list(required)} if required else {}
    return {"type": "object", "properties": members, **needed, "additionalProperties": False}


def _list_in(name: str, **others: Members) -> Members:
    return _members({name: {"type": "array", "items": _OBJECT}, **others})


def _placed(where: str, values: Mapping[str, Members], *, required: bool = False) -> list[Members]:
    return [{"name": name, "in": where, "required": required, "schema": each} for name, each in values.items()]


@dataclass(frozen=True, slots=True)
class Operation:
    """One call, as the document describes it."""

    method: Literal["get", "post", "delete"]
    path: str
    name: str
    """Its `operationId`."""
    summary: str
    answer: Members
    """The schema of its 200."""
    media_type: str = _JSON
    path_values: Mapping[str, Members] = field(default_factory=dict)
    query: Mapping[str, Members] = field(default_factory=dict)
    body: Members | None = None
    body_type: str = _JSON
    refusals: tuple[int, ...] = ()
    """Its statuses beside 200, 403, 413 and 431, each with a `Refusal`."""

    def members(self) -> Members:
        """Return the operation as the document holds it."""
        refused = {"content": {_JSON: {"schema": {"$ref": "#/components/schemas/Refusal"}}}}
        described = {status: {"description": _REFUSED[status], **refused} for status in sorted(self._refused)}
        told: Members = {"description": self.summary, "content": {self.media_type: {"schema": self.answer}}}
        found: Members = {
            "operationId": self.name,
            "summary": self.summary,
            "security": [],
            "parameters": [
                *(
                    {"name": name, "in": "path", "required": True, "schema": each}
                    for name, each in self.path_values.items()
                ),
                *({"name": name, "in": "query", "schema": each} for name, each in self.query.items()),
            ],
            "responses": {"200": told, **{str(status): each for status, each in described.items()}},
        }
        if self.body is not None:
            found["requestBody"] = {"content": {self.body_type: {"schema": self.body}}}
        return found

    @property
    def _refused(self) -> set[int]:
        return {403, 413, 431, *self.refusals}


REFUSAL: Final = _members({"error": _TEXT, "message": _members({"en": _TEXT, "ar": _TEXT})})
"""What a refused call is answered: the error's code, its sentences, and its facts beside them."""
_REFUSED: Final = {
    400: "A value is not what is allowed; `field`, `found` and `allowed` say which.",
    403: "The call comes from a page of another origin, or names this simulator by a name that is not its own.",
    404: "There is no such thing.",
    409: "The state does not allow it.",
    413: "The body is larger than what is read.",
    431: "Target and headers are larger than what is read.",
}
_CLOCK: Final = _members(
    {"now": _MOMENT, "frozen": _FLAG, "speed": {"type": "number"}, "shift_seconds": {"type": "number"}}
)
_NUMBERED: Final = _number(1)
_FILTERS: Final[dict[str, Members]] = {
    "environment": _several("|".join(each.value for each in Environment)),
    "endpoint": _several("|".join(get_args(EndpointName))),
    "status": _several("[1-5](xx|[0-9][0-9])"),
    "verdict": _several("|".join(VERDICTS)),
    "vat_number": _VAT_NUMBER,
    "since": _number(0),
    "before": _number(0),
    "limit": _number(0, 10**8),
    "reveal": _words("true", "false"),
}
_SECONDS: Final[Members] = {"type": "number", "minimum": -(10**10), "maximum": 10**10}
_THEN: Final = _closed(
    delay={"type": "number", "minimum": 0, "maximum": 600},
    when=_words(*get_args(When)),
    drop=_words(*get_args(Drop)),
    status=_number(200, 599),
    body=_words(*FAMILIES),
    content={},
    retry_after={"anyOf": [_number(0, 10**9), _TEXT]},
    change={"type": "array", "items": _words(*get_args(Change)), "minItems": 1},
    truncate=_words(*get_args(Truncation)),
    keep=_number(0, 10**9),
    bytes_per_second=_number(1, 10**9),
    clearance=_words("off"),
    reject=_TEXT,
    event=_words(*get_args(Event)),
    advance_seconds=_SECONDS,
)
_FAULT: Final = _closed(
    ("endpoint", "then"),
    endpoint=_words(*get_args(EndpointName), "*"),
    then={**_THEN, "minProperties": 1},
    environment=_ENVIRONMENT,
    unit={"type": ["string", "null"]},
    times={"type": ["integer", "null"], "minimum": 1, "maximum": 10**9},
    every=_number(1, 10**9),
    probability={"type": "number", "minimum": 0, "maximum": 1},
    seed=_number(0, 2**63 - 1),
    answered={"type": "array", "items": _number(100, 599), "minItems": 1},
)
_FAULTS: Final = _closed(("faults",), faults={"type": "array", "items": _FAULT, "minItems": 1, "maxItems": MOST_FAULTS})
_SPEED: Final[Members] = {"type": "number", "minimum": 0, "maximum": 86_400}
_MOVE: Final[Members] = {
    "anyOf": [
        _closed(("advance_seconds",), advance_seconds=_SECONDS, frozen=_FLAG),
        _closed(("advance_seconds",), advance_seconds=_SECONDS, speed=_SPEED),
        _closed(("now",), now=_MOMENT, frozen=_FLAG),
        _closed(("now",), now=_MOMENT, speed=_SPEED),
        _closed(("frozen",), frozen=_FLAG),
        _closed(("speed",), speed=_SPEED),
        _closed(("reset",), reset={"const": True}),
    ]
}
_OTP: Final = _members(
    {"environment": _ENVIRONMENT, "vat_number": _VAT_NUMBER},
    count=_number(1, 100),
    purpose=_words(*(each.value for each in Purpose)),
)

MANAGEMENT: Final = (
    Operation(
        "post", "/manage/otp", "issue_otps", "Issues one-time passwords.", _list_in("otps"), body=_OTP,
        refusals=(400, 409),
    ),
    Operation(
        "get", "/manage/devices", "list_devices", "The devices.", _list_in("devices"),
        query={"environment": _ENVIRONMENT, "vat_number": _TEXT}, refusals=(400,),
    ),
    Operation(
        "post", "/manage/devices/{device}/revoke", "revoke_device", "Revokes a device.", _OBJECT,
        path_values={"device": _NUMBERED}, refusals=(404,),
    ),
    Operation("get", "/manage/clock", "read_clock", "The simulator's clock.", _CLOCK),
    Operation(
        "post", "/manage/clock", "move_clock", "Moves, sets, stops or speeds up the clock.", _CLOCK, body=_MOVE,
        refusals=(400,),
    ),
    Operation("get", "/manage/faults", "list_faults", "The armed faults.", _list_in("faults")),
    Operation(
        "post", "/manage/faults", "arm_faults", "Arms a fault or a script of several.", _list_in("faults"),
        body={"anyOf": [_FAULT, _FAULTS]}, refusals=(400, 409),
    ),
    Operation("delete", "/manage/faults", "clear_faults", "Disarms all faults.", _members({"cleared": _number(0)})),
    Operation(
        "delete", "/manage/faults/{fault}", "clear_fault", "Disarms one fault.", _members({"cleared": _number(0)}),
        path_values={"fault": _NUMBERED}, refusals=(404,),
    ),
    Operation("get", "/manage/snapshots", "list_snapshots", "The snapshots.", _list_in("snapshots")),
    Operation(
        "post", "/manage/snapshot", "take_snapshot", "Keeps the whole state.",
        _members({"id": _NUMBERED, "taken_at": _MOMENT}), refusals=(409,),
    ),
    Operation(
        "delete", "/manage/snapshots/{snapshot}", "drop_snapshot", "Drops a snapshot.", _list_in("snapshots"),
        path_values={"snapshot": _NUMBERED}, refusals=(404,),
    ),
    Operation(
        "post", "/manage/restore", "restore", "Goes back to a snapshot.", _OBJECT, body=_closed(("id",), id=_NUMBERED),
        refusals=(400, 404),
    ),
    Operation("post", "/manage/reset", "reset", "A fresh start.", _CLOCK),
    Operation("get", "/manage/grade", "read_grade", "The grade of the clients.", _OBJECT, refusals=(404,)),
    Operation("delete", "/manage/grade", "forget_grade", "Forgets the grade.", _OBJECT, refusals=(404,)),
    Operation("get", "/manage/switches", "list_switches", "The switches of every environment.", _OBJECT),
    Operation("get", "/manage/taxpayers", "list_taxpayers", "The taxpayers.", _list_in("taxpayers")),
    Operation(
        "post", "/manage/taxpayers/{vat_number}", "change_taxpayer", "Changes the state of a VAT registration.",
        _OBJECT, path_values={"vat_number": _VAT_NUMBER}, body=_members({"status": _words(*TaxpayerStatus)}),
        refusals=(400, 409),
    ),
    Operation(
        "get", "/manage/statistics", "statistics", "Documents of the last year by day, kind and outcome.",
        _list_in("days"), query={"environment": _ENVIRONMENT, "vat_number": _VAT_NUMBER}, refusals=(400,),
    ),
    Operation(
        "get", "/manage/exchanges", "list_exchanges", "What went over the wire.",
        _list_in("exchanges", last=_number(0)),
        query={**_FILTERS, "view": _words("full", "summary"), "wait": _number(0, 60)}, refusals=(400,),
    ),
    Operation(
        "delete", "/manage/exchanges", "forget_exchanges", "Forgets the record.", _members({"last": _number(0)})
    ),
    Operation(
        "get", "/manage/exchanges.har", "export_har", "The record as HAR 1.2.", _OBJECT, query=_FILTERS,
        refusals=(400,),
    ),
    Operation(
        "get", "/manage/exchanges.jsonl", "export_json_lines", "The record, one exchange per line.", _TEXT,
        "application/x-ndjson", query=_FILTERS, refusals=(400,),
    ),
    Operation(
        "get", "/manage/exchanges/{number}", "read_exchange", "One exchange, and all that can be said about it.",
        _OBJECT, path_values={"number": _NUMBERED}, query={"reveal": _words("true", "false")}, refusals=(400, 404),
    ),
    Operation(
        "get", "/manage/ca/{environment}.pem", "authority_chain", "The certificate chain of an environment.", _TEXT,
        _PEM, path_values={"environment": _ENVIRONMENT}, refusals=(400,),
    ),
    Operation(
        "get", "/manage/tls-root.pem", "tls_root", "The root of the simulator's HTTPS.", _TEXT, _PEM, refusals=(404,)
    ),
    Operation("get", "/manage/openapi.json", "openapi", "This document.", _OBJECT),
    Operation(
        "post", "/validator/api", "validate", "Judges a document as `khatm validate` does.", _OBJECT,
        query={"edition": _words(*(each.value for each in Edition)), "pih": _TEXT, "file": _TEXT,
               "habit": _words("original")},
        body=_TEXT, body_type="application/xml", refusals=(400,),
    ),
)  # fmt: skip
"""In the order of docs/simulator.md."""
