"""An HTTP proxy whose only destination is this simulator: CONNECT to the gateway's names ends in its own TLS.

It opens no connection to anywhere: an accepted connection is handed to the server itself, so nothing can be relayed
through it. Source: RFC 9110 9.3.6 (CONNECT), RFC 9112 3.2.2 (absolute form, which axios before 1.0 sends to a proxy
for https addresses instead of CONNECT).
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import urlsplit

from khatm.simulator.errors import ForeignDestination
from khatm.simulator.tls import AUTHORITY_HOSTS

MOST_HEAD_BYTES = 64 * 1024
"""Octets of a request's head; in the absolute form it holds the Authorization of a call to the gateway."""
HANDSHAKE_SECONDS = 10.0
_PATIENCE = 10.0
"""Seconds for a head to arrive, for the rest of a refused call, and for the end of TLS."""
_MOST_DROPPED = 8 * 1024 * 1024
_PORTION = 64 * 1024
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_HOP_BY_HOP = (b"connection", b"keep-alive", b"host", b"te", b"trailer", b"upgrade")

Serve = Callable[[bytes], asyncio.Protocol]
"""Makes the server's protocol for one connection, given the octets that were read from it already."""


class UnreadableHeadError(Exception):
    """What arrived is no head of an HTTP/1.1 request; the status says how it is answered."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


class Proxy:
    """Accepts connections and hands those for the gateway to the server. Lives in the server's event loop."""

    def __init__(self, listener: socket.socket, tls: ssl.SSLContext, serve: Serve) -> None:
        """`tls` is the server's side, for what comes by CONNECT."""
        self._listener = listener
        self._tls = tls
        self._serve = serve
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to accept; called in the event loop."""
        self._listener.setblocking(False)
        self._begin(self._accept())

    async def stop(self) -> None:
        """Accept no more, and drop the calls that are not handed over yet."""
        tasks = list(self._tasks)
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._listener.close()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(self._listener)
            except OSError:  # out of descriptors, or the caller is gone again
                await asyncio.sleep(0.1)
                continue
            self._begin(self._meet(connection))

    async def _meet(self, connection: socket.socket) -> None:
        """Serve one connection; whatever goes wrong with it concerns nobody else."""
        connection.setblocking(False)
        try:
            async with asyncio.timeout(_PATIENCE):
                head, rest = await _head(connection)
            await self._lead(connection, head, rest)
        except (UnreadableHeadError, ForeignDestination) as error:
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(_PATIENCE):
                    await _refuse(connection, error)
            connection.close()
        except (OSError, TimeoutError):  # ssl.SSLError is one
            connection.close()
        except BaseException:
            connection.close()
            raise

    async def _lead(self, connection: socket.socket, head: bytes, rest: bytes) -> None:
        method, target, version = _request_line(head)
        loop = asyncio.get_running_loop()
        if method == "CONNECT":
            _check(target, urlsplit(f"https://{target}/").netloc)
            if rest:
                raise UnreadableHeadError("400 Bad Request")
            await loop.sock_sendall(connection, _ESTABLISHED)
            await loop.connect_accepted_socket(
                lambda: self._serve(b""),
                connection,
                ssl=self._tls,
                ssl_handshake_timeout=HANDSHAKE_SECONDS,
                ssl_shutdown_timeout=_PATIENCE,
            )
            return
        parts = urlsplit(target)
        if parts.scheme.lower() != "https":
            raise ForeignDestination(found=_shown(target), allowed=_ALLOWED)
        _check(target, parts.netloc)
        origin_form = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        first = _direct(head, f"{method} {origin_form} {version}", parts.netloc) + rest
        await loop.connect_accepted_socket(lambda: self._serve(first), connection)


_ALLOWED = ", ".join(f"{host}:443" for host in AUTHORITY_HOSTS)


def _check(target: str, authority: str) -> None:
    """Raise ForeignDestination unless an authority is one of the gateway's names with port 443 or none."""
    host, _, port = authority.lower().partition(":")
    if host.rstrip(".") not in AUTHORITY_HOSTS or port not in ("", "443"):
        raise ForeignDestination(found=_shown(target), allowed=_ALLOWED)


async def _head(connection: socket.socket) -> tuple[bytes, bytes]:
    """Return a request's head with its last line end but one, and what came after it. Raises UnreadableHeadError."""
    loop = asyncio.get_running_loop()
    data = b""
    while True:
        head, end, rest = data.partition(b"\r\n\r\n")
        if len(head) > MOST_HEAD_BYTES:
            raise UnreadableHeadError("431 Request Header Fields Too Large")
        if end:
            return head + b"\r\n", rest
        part = await loop.sock_recv(connection, _PORTION)
        if not part:
            raise ConnectionAbortedError
        data += part


def _request_line(head: bytes) -> tuple[str, str, str]:
    try:
        method, target, version = head.partition(b"\r\n")[0].decode("ascii").split(" ")
        urlsplit(target)
    except ValueError:
        raise UnreadableHeadError("400 Bad Request") from None
    if not (method.isalpha() and version in ("HTTP/1.1", "HTTP/1.0") and target.isprintable()):
        raise UnreadableHeadError("400 Bad Request")
    return method, target, version


def _direct(head: bytes, request_line: str, authority: str) -> bytes:
    """Return a head as it is sent to a server itself: origin form, its host, and one call only per connection.

    The next call on a connection may be for another destination.
    """
    fields = [
        line
        for line in head.split(b"\r\n")[1:-1]
        if not line.lower().startswith((b"proxy-", *(name + b":" for name in _HOP_BY_HOP)))
    ]
    lines = [request_line.encode(), b"Host: " + authority.encode(), *fields, b"Connection: close"]
    return b"\r\n".join(lines) + b"\r\n\r\n"


async def _refuse(connection: socket.socket, error: UnreadableHeadError | ForeignDestination) -> None:
    """Answer, then take what the caller still sends, so that it gets to read the answer."""
    if isinstance(error, ForeignDestination):
        status, text = "403 Forbidden", f"{error.sentence('en')}\n{error.sentence('ar')}\n"
    else:
        status, text = error.status, f"{error.status}\n"
    body = text.encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(connection, head.encode() + body)
    connection.shutdown(socket.SHUT_WR)
    dropped = 0
    while dropped < _MOST_DROPPED and (part := await loop.sock_recv(connection, _PORTION)):
        dropped += len(part)


def _shown(target: str) -> str:
    return target if len(target) <= 100 else target[:100] + "…"
