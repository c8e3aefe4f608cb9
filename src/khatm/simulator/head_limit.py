"""How large the head of a request may be, on every path: its target and its headers.

The server refuses a larger one as it comes in (`connection`); whoever calls the application without a socket is
refused here. Source: RFC 6585, section 5 (431); gateway contract, section 1.5 (16 KiB at least).
"""

from collections.abc import Awaitable, Callable, MutableMapping
from functools import cache
from typing import Any, Final

from starlette.responses import Response

from khatm.simulator.errors import HeadersTooLarge
from khatm.simulator.refusals import refusal

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MOST_HEAD_BYTES: Final = 64 * 1024
"""Octets of a request's target, and of its headers' names and values. A PCSID's Authorization alone is 2,500."""


class HeadLimit:
    """An ASGI application that lets calls with a head of that size through to another one."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 431, or pass the call on."""
        size = sum(len(name) + len(value) for name, value in scope.get("headers", ()))
        size += len(scope.get("raw_path") or b"") + len(scope.get("query_string", b""))
        if size > MOST_HEAD_BYTES:
            await _refusal()(scope, receive, send)
        else:
            await self._app(scope, receive, send)


@cache
def head_refusal() -> bytes:
    """Return the whole answer as it stands on the wire; the connection ends with it."""
    answer = _refusal()
    lines = [b"HTTP/1.1 431 Request Header Fields Too Large", *(b": ".join(each) for each in answer.raw_headers)]
    return b"\r\n".join([*lines, b"connection: close", b"", bytes(answer.body)])


def _refusal() -> Response:
    answer = refusal(HeadersTooLarge(allowed=MOST_HEAD_BYTES))
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer
