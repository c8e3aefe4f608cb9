"""One request and its answer as evidence: exact bytes and times, without anything that opens a door."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from khatm.gateway.transport import WireAnswer, WireRequest

Headers = tuple[tuple[str, str], ...]

MASK = "******"

# A member named secret, however its letters are cased or escaped; a string value may be cut off where the body was.
_NAME = "".join(rf"(?:{letter}|\\u00{ord(letter):02x}|\\u00{ord(letter.upper()):02x})" for letter in "secret")
_SECRET_MEMBER = re.compile(
    rf'("{_NAME}"\s*:\s*)("(?:[^"\\]|\\.)*+"?|(?!null\b)[^\s,}}\]"\[{{]+)'.encode("ascii"), re.IGNORECASE | re.DOTALL
)


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


def mask_secrets(body: bytes) -> bytes:
    """Return a response body with the value of every member named `secret` masked and all other bytes unchanged."""
    return _SECRET_MEMBER.sub(rb'\1"' + MASK.encode("ascii") + b'"', body)


def _harmless(headers: Headers) -> list[tuple[str, str]]:
    kept = []
    for name, value in headers:
        if name.lower() == "authorization":
            continue
        kept.append((name, MASK if name.lower() == "otp" else value))
    return kept
