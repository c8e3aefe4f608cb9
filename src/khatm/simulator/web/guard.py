"""What stands before the pages and the management: who may call them from a browser, and how much may be sent.

The simulator listens where any page that its user opens can reach it. A page of another origin is told apart by
Origin and Sec-Fetch-Site; one that rebinds its own name to this address is told apart by the Host header.
Source: Fetch standard (request Origin header), Fetch Metadata, OWASP on DNS rebinding.
"""

import ipaddress
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

from starlette.datastructures import Headers

from khatm.simulator.errors import BodyTooLarge, ForeignHost, ForeignOrigin
from khatm.simulator.refusals import refusal
from khatm.simulator.tls import AUTHORITY_HOSTS

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITES = frozenset({"same-origin", "none"})

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # `no-referrer` would make browsers send `Origin: null` with our own forms (Fetch standard).
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Guard:
    """An ASGI application that lets the right calls through to another one and adds the security headers."""

    def __init__(self, app: App, *, hosts: Collection[str] = (), body_limit: int) -> None:
        """`hosts` are further names that the simulator answers to, `body_limit` is in octets."""
        self._app = app
        self._hosts = {*AUTHORITY_HOSTS} | {each.lower().rstrip(".") for each in hosts}
        self._limit = body_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a call that must not pass, or pass it on."""
        headers = Headers(scope=scope)
        try:
            self._check(scope["method"], headers)
            bounded = _Bounded(receive, self._limit)
            await self._app(scope, bounded, _adding_headers(send))
        except (ForeignHost, ForeignOrigin, BodyTooLarge) as error:
            await refusal(error)(scope, receive, _adding_headers(send))

    def _check(self, method: str, headers: Headers) -> None:
        host = headers.get("host", "")
        if not self._is_ours(host):
            raise ForeignHost(host=host[:100])
        origin = headers.get("origin")
        if origin is not None and split_address(origin).netloc.lower() != host.lower():
            raise ForeignOrigin(origin=origin[:100])
        site = headers.get("sec-fetch-site", "none")
        if method not in _SAFE_METHODS and site not in _OWN_SITES:
            raise ForeignOrigin(origin=f"another site ({site[:20]})")
        length = headers.get("content-length", "0")
        if length.isascii() and length.isdigit() and (len(length) > 18 or int(length) > self._limit):
            raise BodyTooLarge(allowed=self._limit)

    def _is_ours(self, host: str) -> bool:
        """Tell whether a Host header names this simulator; an address cannot be rebound, so any address does."""
        parts = split_address(f"//{host}")
        name = (parts.hostname or "").rstrip(".")
        if parts.netloc != host or "@" in host or not _has_a_port_or_none(parts):
            return False
        if name == "localhost" or name.endswith(".localhost") or name in self._hosts:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


def _has_a_port_or_none(parts: SplitResult) -> bool:
    try:
        return parts.port is None or parts.port > 0
    except ValueError:
        return False


def split_address(text: str) -> SplitResult:
    """Return the parts of an address that a header brings, empty ones for what is no address."""
    try:
        return urlsplit(text)
    except ValueError:
        return SplitResult("", "", "", "", "")


class _Bounded:
    """A receive channel that gives up beyond a number of octets, for bodies without a Content-Length."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._limit = limit
        self._size = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        self._size += len(message.get("body", b""))
        if self._size > self._limit:
            raise BodyTooLarge(allowed=self._limit)
        return message


def _adding_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = {name.lower() for name, _ in message["headers"]}
            added = [
                (name.lower().encode(), value.encode())
                for name, value in SECURITY_HEADERS.items()
                if name.lower().encode() not in given
            ]
            message["headers"] = [*message["headers"], *added]
        await send(message)

    return sending
