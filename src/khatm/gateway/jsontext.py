"""Reads the JSON of strangers: bounded depth, no NaN, UTF-8 only; nothing in it can exhaust or surprise us."""

import json
import re
from collections.abc import Mapping, Sequence

JsonValue = str | int | bool | None | Mapping[str, "JsonValue"] | Sequence["JsonValue"]
"""A JSON value as read here. Numbers with a point or exponent stay text: nothing in the envelope is a fraction."""

MAX_DEPTH = 64

# One string (contents skipped) or one bracket; possessive by construction, so that long strings cost one pass.
_STRINGS_AND_BRACKETS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)


class NotJson(ValueError):
    """The text is no JSON that we read; the message says why, in a phrase for logs."""


def read_json(data: bytes) -> JsonValue:
    """Return the JSON value of a UTF-8 text (a byte order mark is tolerated, the last of equal member names wins).

    Raises NotJson for anything else: other encodings, cut-off text, NaN or Infinity, more than MAX_DEPTH levels,
    numbers of thousands of digits. Characters that cannot be written in UTF-8 again come out as `?`.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotJson(f"not UTF-8 at byte {error.start}") from None
    _check_depth(data)
    try:
        value: JsonValue = json.loads(text, parse_constant=_refuse_constant, parse_float=str)
    except RecursionError:
        raise NotJson("nested too deeply") from None
    except ValueError as error:
        raise NotJson(str(error)) from None
    return value


def clean_text(text: str) -> str:
    """Return text that any store can hold: half a surrogate pair, legal in JSON escapes, becomes `?`."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _check_depth(data: bytes) -> None:
    depth = 0
    for match in _STRINGS_AND_BRACKETS.finditer(data):
        first = match.group(0)[:1]
        if first in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise NotJson(f"nested deeper than {MAX_DEPTH} levels")
        elif first in b"]}":
            depth -= 1


def _refuse_constant(name: str) -> JsonValue:
    raise NotJson(f"{name} is no JSON number")
