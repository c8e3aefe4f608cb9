"""Read the JSON of an authored document without ever making a float of a number.

Source: the document standard, sections 7.2 and 15.1.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from khatm.document.errors import InvalidDocument, Problem

_MOST_LEVELS = 32
_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class JsonNumber:
    """A JSON number that is not a plain whole one (a fraction, an exponent, NaN, Infinity), as it was written."""

    text: str

    def __repr__(self) -> str:
        return f"the JSON number {self.text}"


def authoring_data(content: bytes | str | Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of an authored document from JSON (UTF-8 bytes or text) or from data, as they stand.

    Raises InvalidDocument for bytes that are not UTF-8, text that is not JSON, a name given twice, or another value
    than an object.
    """
    if isinstance(content, Mapping):
        return dict(content)
    try:
        text = content.decode("utf-8-sig") if isinstance(content, bytes) else content
        data = json.loads(
            text, parse_float=JsonNumber, parse_int=_whole, parse_constant=JsonNumber, object_pairs_hook=_members
        )
    except UnicodeDecodeError as error:
        raise _unreadable(f"bytes that are not UTF-8 at place {error.start}", "UTF-8 text", "نص بترميز UTF-8") from None
    except json.JSONDecodeError as error:
        found = f"no JSON: {error.msg} (line {error.lineno}, column {error.colno})"
        raise _unreadable(found, "one JSON object", "كائن JSON واحد") from None
    except RecursionError:
        raise _unreadable("JSON nested too deeply", "one JSON object", "كائن JSON واحد") from None
    if not isinstance(data, dict):
        raise _unreadable(f"a JSON {_kind(data)}", "one JSON object", "كائن JSON واحد")
    return data


def tidied(value: Any, levels: int = _MOST_LEVELS) -> Any:
    """Return data as dicts and lists, without null members and with texts as an XML document can hold them.

    A null means the same as leaving the member out; CR and CRLF become LF, characters that XML 1.0 forbids go
    (section 11). Raises InvalidDocument for data nested deeper than any document is.
    """
    if levels == 0:
        found = f"data nested deeper than {_MOST_LEVELS} levels"
        raise _unreadable(found, f"{_MOST_LEVELS} levels at most", f"{_MOST_LEVELS} مستوى على الأكثر")
    if isinstance(value, (dict, Mapping)):
        return {
            name: part if type(part) is str and part.isprintable() else tidied(part, levels - 1)
            for name, part in value.items()
            if part is not None
        }
    if isinstance(value, (list, tuple)):
        return [tidied(part, levels - 1) for part in value]
    return _clean(value) if isinstance(value, str) else value


def _clean(text: str) -> str:
    return _UNWRITABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _whole(text: str) -> int | JsonNumber:
    return int(text) if len(text) <= 20 else JsonNumber(text)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        problem = Problem(
            twice, "the same name twice in one object", "each name once", "twice", None, "كل اسم مرة واحدة"
        )
        raise InvalidDocument((problem,))
    return members


def _unreadable(found: str, allowed: str, allowed_ar: str) -> InvalidDocument:
    return InvalidDocument((Problem("", found, allowed, "json", None, allowed_ar),))


def _kind(value: object) -> str:
    return {list: "list", str: "string", bool: "boolean", type(None): "null"}.get(type(value), "number")
