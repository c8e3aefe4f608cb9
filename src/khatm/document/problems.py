"""Turn what the model's validation found into problems: where it is, what was found, what is allowed.

Source: the design's contract that errors name field, found and allowed, in both languages.
"""

import difflib
import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from khatm.document.authoring_json import JsonNumber
from khatm.document.blocks import Block, block_in, fields_of
from khatm.document.errors import Problem

_LONGEST_FOUND = 80

# What pydantic's own checks allow, by their type; braces are filled from the check's facts.
_ALLOWED: dict[str, tuple[str, str, str]] = {
    "missing": ("required", "a value, it is required", "قيمة، فهي مطلوبة"),
    "string_type": ("type", "text in quotes", "نص بين علامتي اقتباس"),
    "string_too_short": ("empty", "text; leave the field out where there is none", "نص، أو احذف الحقل إن لم يوجد"),
    "string_too_long": ("too-long", "at most {max_length} characters", "{max_length} حرفا على الأكثر"),
    "string_unicode": ("type", "text without lone surrogates", "نص دون محارف بديلة منفردة"),
    "int_type": ("type", "a whole number", "عدد صحيح"),
    "bool_type": ("type", "true or false", "true أو false"),
    "tuple_type": ("type", "a list", "قائمة"),
    "list_type": ("type", "a list", "قائمة"),
    "dict_type": ("type", "an object", "كائن"),
    "model_type": ("type", "an object", "كائن"),
    "dataclass_type": ("type", "an object", "كائن"),
    "literal_error": ("code", "{expected}", "{expected}"),
    "too_short": ("too-few", "at least {min_length}", "{min_length} على الأقل"),
    "too_long": ("too-many", "at most {max_length}", "{max_length} على الأكثر"),
    "greater_than_equal": ("range", "{ge} or more", "{ge} أو أكثر"),
    "less_than": ("range", "less than {lt}", "أقل من {lt}"),
}


def problems_of(error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    """Return one problem per finding of the validation of `model`."""
    return [_problem(found, model) for found in error.errors(include_url=False) if not _only_invalid(found)]


def _only_invalid(found: Any) -> bool:
    """A list looks too short to the validation when its members are invalid, which is reported at them."""
    return found["type"] == "too_short" and bool(len(found["input"]) >= found["ctx"]["min_length"])


def _problem(found: Any, model: type[BaseModel]) -> Problem:
    kind, location, value = found["type"], found["loc"], found["input"]
    facts: dict[str, Any] = found.get("ctx", {})
    path = path_of(location)
    if kind == "khatm":
        if facts["at"]:
            path = f"{path}.{facts['at']}" if path else facts["at"]
            value = value.get(facts["at"]) if isinstance(value, Mapping) else getattr(value, facts["at"], None)
        return Problem(path, shown(value), facts["allowed"], facts["kind"], facts["rule"] or None, facts["ar"])
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        names = _fields_beside(location, model)
        close = difflib.get_close_matches(str(location[-1]), names, n=1)
        allowed = ", ".join([*close, *(name for name in names if name not in close)])
        return Problem(path, shown(value), allowed, "unknown-field", None, allowed)
    code, allowed, allowed_ar = _ALLOWED.get(kind, ("value", str(found["msg"]), str(found["msg"])))
    text = "" if kind == "missing" else shown(value)
    return Problem(path, text, allowed.format(**facts), code, None, allowed_ar.format(**facts))


def path_of(location: tuple[int | str, ...]) -> str:
    """Return `lines[2].vat.rate` for the steps to a value."""
    path = ""
    for step in location:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else str(step)
    return _writable(path)


def shown(value: Any) -> str:
    """Return a value as JSON writes it, shortened; nothing for None."""
    if value is None:
        return ""
    if isinstance(value, (JsonNumber, float)):
        return f"the JSON number {value.text}" if isinstance(value, JsonNumber) else f"the float {value!r}"
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError):
        text = repr(type(value))
    return _writable(text if len(text) <= _LONGEST_FOUND else f"{text[:_LONGEST_FOUND]}…")


def _writable(text: str) -> str:
    """Escape lone surrogates, which JSON can carry but no output can."""
    return text if text.isprintable() else text.encode("utf-8", "backslashreplace").decode()


def _fields_beside(location: tuple[int | str, ...], model: type[BaseModel]) -> list[str]:
    at: Block | None = model
    for step in location[:-1]:
        if isinstance(step, str) and at is not None:
            at = block_in(fields_of(at).get(step))
    return list(fields_of(at)) if at is not None else []
