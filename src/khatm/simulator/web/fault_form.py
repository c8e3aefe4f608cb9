"""The form for a fault: the usual ones by name, and any other as the JSON of the script.

Source: gateway contract, section 14.2.
"""

import json
from collections.abc import Mapping
from typing import Final

from khatm.simulator.errors import InvalidFault

_AMOUNT: Final = "AMOUNT"
"""Stands in an effect for the number that the form asks for."""

EFFECTS: Final[Mapping[str, dict[str, object]]] = {
    "lost_after": {"drop": "close", "when": "after"},
    "lost_before": {"drop": "close", "when": "before"},
    "reset_after": {"drop": "reset", "when": "after"},
    "page_504": {"status": 504, "when": "before"},
    "page_504_after": {"status": 504, "when": "after"},
    "page_503": {"status": 503, "when": "before"},
    "busy": {"status": 429, "retry_after": _AMOUNT},
    "failure": {"status": 500, "when": "before"},
    "empty_messages": {"status": 400, "body": "NULL-MESSAGES"},
    "invalid_request": {"status": 400, "body": "TEXT"},
    "delay": {"delay": _AMOUNT},
    "slow": {"bytes_per_second": _AMOUNT},
    "truncated": {"truncate": "connection"},
    "broken_json": {"truncate": "json"},
    "clearance_off": {"clearance": "off"},
    "false_warning": {"change": ["false-certificate-warning"]},
    "certificate_revoked": {"event": "certificate-revoked"},
    "certificate_expired": {"event": "certificate-expired"},
    "otp_expired": {"event": "otp-expired"},
    "day_later": {"advance_seconds": 86401},
}
"""What may happen, by the name that the catalogue has a sentence for."""


def script_of(fields: Mapping[str, str]) -> object:
    """Return the script that a filled-in form stands for. Raises InvalidFault for what is no number or no JSON."""
    if fields.get("effect") == "script":
        text = fields.get("script", "")
        try:
            found: object = json.loads(text)
        except (ValueError, RecursionError):
            raise InvalidFault(field="script", found=json.dumps(text[:40]), allowed="JSON") from None
        return found
    effect = EFFECTS.get(fields.get("effect", ""))
    if effect is None:
        allowed = ", ".join([*EFFECTS, "script"])
        raise InvalidFault(field="effect", found=json.dumps(fields.get("effect", "")[:40]), allowed=allowed)
    then = {
        name: _number(fields, "amount") if value == _AMOUNT and isinstance(value, str) else value
        for name, value in effect.items()
    }
    entry: dict[str, object] = {"endpoint": fields.get("endpoint", "")}
    for name in ("environment", "unit"):
        if fields.get(name):
            entry[name] = fields[name]
    match fields.get("often"):
        case "always":
            entry["times"] = None
        case "every":
            entry["every"] = _number(fields, "number")
        case _:
            entry["times"] = _number(fields, "number")
    return {**entry, "then": then}


def _number(fields: Mapping[str, str], name: str) -> int:
    text = fields.get(name, "")
    if text.isascii() and text.isdigit() and len(text) <= 9:
        return int(text)
    raise InvalidFault(field=name, found=json.dumps(text[:40], ensure_ascii=False), allowed="a whole number")
