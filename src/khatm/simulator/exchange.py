"""One request and one response, as the gateway's endpoints see them: plain values without a web framework."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from khatm.simulator.causes import Because, Cause
from khatm.simulator.received import Examined

JSON = "application/json"
"""Exactly this, without a charset: one client compares the whole header (client behaviour 6)."""
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
TEXT = "text/plain;charset=UTF-8"
HTML = "text/html"


@dataclass(frozen=True, slots=True)
class Request:
    """A received call."""

    method: str
    path: str
    headers: Mapping[str, str]
    """Names in lower case; of a repeated header the first."""
    body: bytes
    clearance_off: bool = False
    """A fault script wants this call answered as if clearance were switched off."""
    rejection: str | None = None
    """The code of an error that a fault script wants found in the document."""
    examined: Examined | None = None
    """What a worker has found in the document already."""
    members: dict[str, object] | None = None
    """The JSON object in the body, where that was read already."""

    def header(self, name: str) -> str | None:
        """Return a header's value without outer blanks, or None if it is absent; `name` in lower case."""
        value = self.headers.get(name)
        return None if value is None else value.strip()


@dataclass(frozen=True, slots=True)
class Response:
    """An answer: status, the exact bytes of the body, and what they are."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    because: Because | None = None
    """Why it is a refusal, where the body does not say; not sent."""
    members: object = field(default=None, compare=False, repr=False)
    """What a JSON body was made from, to spare reading it again; None where only the body tells."""

    def said_because(self, cause: Cause, found: str = "") -> Self:
        """Return the same answer with a cause for those who look at the record."""
        return replace(self, because=Because(cause, found))


class Base64(str):
    """A text in which JSON has nothing to escape."""

    __slots__ = ()


def json_response(status: int, members: object, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON answer: compact, UTF-8, members in the order given."""
    return Response(status, _json(members), JSON, headers or {}, members=members)


def _json(members: object) -> bytes:
    """Write members; base64 at the end, which may be long, is not looked through."""
    if isinstance(members, dict) and members:
        last, text = next(reversed(members.items()))
        if isinstance(text, Base64):
            begun = _COMPACT.encode({**members, last: 0}).removesuffix("0}")
            return f'{begun}"{text}"}}'.encode()
    return _COMPACT.encode(members).encode()
