"""One request and its answer as evidence: exact bytes and times, without anything that opens a door."""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from khatm.gateway.transport import Headers, WireAnswer, WireRequest

MASK = "******"
_SHORTEST = 8

# A member named secret, however its letters are cased or escaped; a string value may be cut off where the body was.
_NAME = "".join(rf"(?:{letter}|\\u00{ord(letter):02x}|\\u00{ord(letter.upper()):02x})" for letter in "secret")
_SECRET_MEMBER = re.compile(rf'"{_NAME}"\s*:\s*(?!null\b)'.encode("ascii"), re.IGNORECASE)
_TEXT_VALUE = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*\\?"?', re.DOTALL)
_BARE_VALUE = re.compile(rb"[^\s,}\]]*")
_BRACKET_OR_TEXT = re.compile(rb"[\[\]{}]|" + _TEXT_VALUE.pattern, re.DOTALL)


@dataclass(frozen=True, slots=True)
class Exchange:
    """What was sent and what came back, safe to store.

    The Authorization header is left out, the OTP is masked, and the secret of a CSID is masked in `response_body`;
    every other byte is as it travelled. `response_status` is None when no answer began; `failure` says in one
    phrase what went wrong on the wire, None if nothing did. Times are aware UTC datetimes.
    """

    method: str
    url: str
    request_headers: Headers
    request_body: bytes = field(repr=False)
    response_status: int | None
    response_headers: Headers = field(repr=False)
    response_body: bytes = field(repr=False)
    started: datetime
    ended: datetime
    failure: str | None = None


def evidence(request: "WireRequest", answer: "WireAnswer", started: datetime, ended: datetime) -> Exchange:
    """Return the exchange as it may be stored.

    The secret of a CSID is masked in the answer, since whoever holds it signs in as the unit. The token stays: it is
    the certificate, which every stamped document shows to everybody, and it proves which CSID this answer gave.
    """
    return Exchange(
        method=request.method,
        url=request.url,
        request_headers=tuple(_harmless(request.headers)),
        request_body=request.body,
        response_status=answer.status,
        response_headers=answer.headers,
        response_body=mask_secrets(answer.body),
        started=started,
        ended=ended,
        failure=f"{answer.fault.value}: {answer.fault_text}" if answer.fault else None,
    )


def without_echo(request: "WireRequest", answer: "WireAnswer") -> "WireAnswer":
    """Return an answer in which nothing that opened the door for its request can be read.

    Error pages and proxies that repeat the request they complain about would else put the unit's secret into the
    archive, the auditor's pack and what people are shown. An answer that gives out a CSID keeps the secret that it
    gives, even if it is the one in use, which the sandbox's is.
    """
    gives = _SECRET_MEMBER.search(answer.body) is not None
    doors = list(_doors(request.headers))
    body = answer.body if gives else _masked(answer.body, doors)
    headers = tuple(
        (name, _masked(value.encode("utf-8", "surrogateescape"), doors).decode("utf-8", "surrogateescape"))
        for name, value in answer.headers
    )
    return answer if (headers, body) == (answer.headers, answer.body) else replace(answer, headers=headers, body=body)


def _doors(headers: Headers) -> Iterator[re.Pattern[bytes]]:
    """Yield how the Authorization, the secret in it, and the OTP would look where they are repeated."""
    for name, value in headers:
        if name.lower() == "otp":
            yield re.compile(rb"(?<!\w)%s(?!\w)" % re.escape(value.encode()))
        elif name.lower() == "authorization":
            encoded = value.partition(" ")[2]
            secret = base64.b64decode(encoded).partition(b":")[2]
            for text in (encoded.encode(), secret):
                # A slash may stand escaped in JSON. Nothing so short is a secret, and it would be found in any text.
                if len(text) >= _SHORTEST:
                    yield re.compile(re.escape(text).replace(b"/", rb"\\?/"))


def _masked(text: bytes, doors: list[re.Pattern[bytes]]) -> bytes:
    for door in doors:
        text = door.sub(MASK.encode("ascii"), text)
    return text


def mask_secrets(body: bytes) -> bytes:
    """Return a response body with the value of every member named `secret` masked and all other bytes unchanged.

    Works on bodies that are no JSON (any more) too, so it reads no further than it must: a cut-off value is masked to
    its end.
    """
    kept, position = [], 0
    while (member := _SECRET_MEMBER.search(body, position)) is not None:
        kept += [body[position : member.end()], f'"{MASK}"'.encode("ascii")]
        position = _value_end(body, member.end())
    return b"".join([*kept, body[position:]])


def _value_end(body: bytes, start: int) -> int:
    first = body[start : start + 1]
    if first in (b"[", b"{"):
        depth = 0
        for piece in _BRACKET_OR_TEXT.finditer(body, start):
            depth += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(piece.group(), 0)
            if depth == 0:
                return piece.end()
        return len(body)
    value = (_TEXT_VALUE if first == b'"' else _BARE_VALUE).match(body, start)
    return value.end() if value else start


def _harmless(headers: Headers) -> list[tuple[str, str]]:
    kept = []
    for name, value in headers:
        if name.lower() == "authorization":
            continue
        kept.append((name, MASK if name.lower() == "otp" else value))
    return kept
