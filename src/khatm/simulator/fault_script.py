"""Reads fault scripts: JSON as it comes from a file or a call, every mistake named by its field.

The shape is in docs/simulator.md.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import get_args

from khatm.environment import Environment
from khatm.rules.catalogue import explain
from khatm.simulator.errors import InvalidFault
from khatm.simulator.fault_answers import FAMILIES, usual_family
from khatm.simulator.faults import (
    ENDPOINT_NAMES,
    MOST_FAULTS,
    Change,
    Content,
    Drop,
    Effects,
    Event,
    Fault,
    Truncation,
    When,
)

EVERY_ENDPOINT = "*"
_LONGEST_DELAY = 600
_MOST = 10**9
_BODILESS = (204, 304)
_FARTHEST = 10**10
"""Seconds: three centuries."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a member may be: words for someone who wrote another thing, and a reader that raises ValueError."""

    allowed: str
    read: Callable[[object], object]


def _words(*allowed: str) -> _Kind:
    def read(value: object) -> object:
        if not isinstance(value, str) or value not in allowed:
            raise ValueError
        return value

    return _Kind(", ".join(allowed), read)


def _whole(least: int, most: int) -> _Kind:
    def read(value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError
        return value

    return _Kind(f"a whole number from {least} to {most}", read)


def _number(least: float, most: float) -> _Kind:
    def read(value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise ValueError
        return float(value)

    return _Kind(f"a number from {least:g} to {most:g}", read)


def _or_null(kind: _Kind, meaning: str) -> _Kind:
    return _Kind(f"{kind.allowed}, or null {meaning}", lambda value: None if value is None else kind.read(value))


def _several(kind: _Kind) -> _Kind:
    def read(value: object) -> object:
        if not isinstance(value, list) or not value:
            raise ValueError
        return tuple(kind.read(each) for each in value)

    return _Kind(f"a list that is not empty, each one of: {kind.allowed}", read)


def _text(value: object) -> object:
    if not isinstance(value, str) or not value.strip():
        raise ValueError
    return value.strip()


def _retry_after(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST:
        return str(value)
    if isinstance(value, str) and value.isascii() and value.isprintable():
        parsedate_to_datetime(value)
        return value
    raise ValueError


def _content(value: object) -> object:
    if isinstance(value, str):
        return Content(text=value, type="text/plain;charset=UTF-8")
    return Content(text=json.dumps(value, ensure_ascii=False, separators=(",", ":")), type="application/json")


def _rule(value: object) -> object:
    entry = explain(value, "rule") if isinstance(value, str) else None
    if entry is None or not entry.code.startswith("BR-"):
        raise ValueError
    return entry.code


def _object(value: object) -> object:
    if not isinstance(value, dict):
        raise ValueError
    return value


def _status(value: object) -> object:
    status = _whole(200, 599).read(value)
    if status in _BODILESS:
        raise ValueError
    return status


_SELECTORS: Mapping[str, _Kind] = {
    "environment": _or_null(_words(*(each.value for each in Environment)), "for all of them"),
    "endpoint": _words(*ENDPOINT_NAMES, EVERY_ENDPOINT),
    "unit": _or_null(_Kind("a VAT number, common name, serial or token hash as text", _text), "for every unit"),
    "times": _or_null(_whole(1, _MOST), "until it is cleared"),
    "every": _whole(1, _MOST),
    "probability": _number(0, 1),
    "seed": _whole(0, 2**63 - 1),
    "answered": _several(_whole(100, 599)),
    "then": _Kind("a JSON object with what is to happen", _object),
}
_EFFECTS: Mapping[str, _Kind] = {
    "delay": _number(0, _LONGEST_DELAY),
    "when": _words(*get_args(When)),
    "drop": _words(*get_args(Drop)),
    "status": _Kind("a whole number from 200 to 599, but 204 and 304", _status),
    "body": _words(*FAMILIES),
    "content": _Kind("a text, or any JSON", _content),
    "retry_after": _Kind("seconds as a whole number, or an HTTP date", _retry_after),
    "change": _several(_words(*get_args(Change))),
    "truncate": _words(*get_args(Truncation)),
    "keep": _whole(0, _MOST),
    "bytes_per_second": _whole(1, _MOST),
    "clearance": _words("off"),
    "reject": _Kind("the code of an official business rule, such as BR-KSA-15", _rule),
    "event": _words(*get_args(Event)),
    "advance_seconds": _number(-_FARTHEST, _FARTHEST),
}
_NEEDS = {
    "body": ("status",),
    "content": ("status",),
    "retry_after": ("status",),
    "keep": ("truncate",),
    "when": ("drop", "status", "delay"),
}
"""A member of `then` to the members of which it needs one."""
_EXCLUDES = {
    "drop": ("status", "change", "truncate", "bytes_per_second"),
    "status": ("change",),
    "body": ("content",),
}


def read_script(value: object) -> list[Fault]:
    """Return the faults of a script: one fault, or `{"faults": [...]}`. Raises InvalidFault, then nothing is armed."""
    if isinstance(value, dict) and "faults" in value:
        entries = value["faults"]
        if len(value) > 1 or not isinstance(entries, list) or not 0 < len(entries) <= MOST_FAULTS:
            allowed = f"a list of 1 to {MOST_FAULTS} faults, and nothing beside it"
            raise InvalidFault(field="faults", found=_shown(entries), allowed=allowed)
        return [read_fault(each, f"faults[{index}].") for index, each in enumerate(entries)]
    return [read_fault(value)]


def read_fault(value: object, place: str = "") -> Fault:
    """Return one fault. Raises InvalidFault; `place` stands before its field names."""
    if not isinstance(value, dict):
        raise InvalidFault(field=f"{place}fault", found=_shown(value), allowed="a JSON object")
    found = _members(value, _SELECTORS, place)
    for name in ("endpoint", "then"):
        if name not in value:
            raise InvalidFault(field=f"{place}{name}", found="absent", allowed=_SELECTORS[name].allowed)
    lasting = "every" in value or "probability" in value
    environment, endpoint = found.get("environment"), found["endpoint"]
    fault: dict[str, object] = {
        "members": value,
        "environment": None if environment is None else Environment(str(environment)),
        "endpoint": None if endpoint == EVERY_ENDPOINT else endpoint,
        "unit": found.get("unit"),
        "times": found.get("times", None if lasting else 1),
        "every": found.get("every", 1),
        "probability": found.get("probability", 1.0),
        "seed": found.get("seed"),
        "answered": frozenset(found.get("answered", ())),  # type: ignore[call-overload]
        "then": _effects(value["then"], f"{place}then.", late="answered" in value),
    }
    return Fault(**fault)  # type: ignore[arg-type]


def _effects(value: Mapping[str, object], place: str, *, late: bool) -> Effects:
    found = _members(value, _EFFECTS, place)
    if not found or found.keys() <= {"when"}:
        allowed = "one or more of " + ", ".join(name for name in _EFFECTS if name not in _NEEDS)
        raise InvalidFault(field=place.rstrip("."), found=_shown(value), allowed=allowed)
    for name, needed in _NEEDS.items():
        if name in found and not any(each in found for each in needed):
            raise InvalidFault(
                field=place + name, found=_shown(value[name]), allowed=f"only with {' or '.join(needed)}"
            )
    for name, excluded in _EXCLUDES.items():
        for other in excluded:
            if name in found and other in found:
                raise InvalidFault(field=place + other, found=_shown(value[other]), allowed=f"nothing beside {name}")
    if late:
        _check_late(value, found, place)
    status = found.get("status")
    if isinstance(status, int) and not {"body", "content"} & found.keys() and usual_family(status) is None:
        raise InvalidFault(field=f"{place}body", found="absent", allowed=_EFFECTS["body"].allowed)
    found["clearance_off"] = found.pop("clearance", None) == "off"
    return Effects(**found)  # type: ignore[arg-type]


def _check_late(value: Mapping[str, object], found: dict[str, object], place: str) -> None:
    """A fault that waits for the true answer comes after the processing, whatever it does."""
    if found.setdefault("when", "after") != "after":
        raise InvalidFault(field=f"{place}when", found=_shown(value["when"]), allowed="after, because of answered")
    for name in ("clearance", "reject", "event", "advance_seconds"):
        if name in found:
            allowed = "nothing together with answered, because it happens before the answer"
            raise InvalidFault(field=place + name, found=_shown(value[name]), allowed=allowed)


def _members(value: Mapping[str, object], kinds: Mapping[str, _Kind], place: str) -> dict[str, object]:
    """Return the members in their types. Raises InvalidFault for an unknown one and for a wrong value."""
    found = {}
    for name, given in value.items():
        kind = kinds.get(name)
        if kind is None:
            raise InvalidFault(field=place + name, found=_shown(given), allowed=f"the members {', '.join(kinds)}")
        try:
            found[name] = kind.read(given)
        except (ValueError, TypeError):
            raise InvalidFault(field=place + name, found=_shown(given), allowed=kind.allowed) from None
    return found


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:59] + "…"
