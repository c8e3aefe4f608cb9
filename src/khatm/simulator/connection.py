"""The TCP connection behind a call: what faults break, and how large a request's head may be.

It is uvicorn's HTTP protocol over httptools; the parser itself sets no limit to what stands before a body.
Source: RFC 6585, section 5 (431).
"""

import asyncio
import socket
import struct
from typing import Any, Final

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from khatm.simulator.delivery import STATE_KEY
from khatm.simulator.head_limit import MOST_HEAD_BYTES, head_refusal

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER on, with a time of 0: closing sends a reset and drops what was not sent."""
_LINGERING_SECONDS: Final = 5.0
"""How long the rest of a refused request is read and dropped, so that its sender gets to read the answer."""


class _TcpConnection:
    """A connection of the event loop."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    @property
    def gone(self) -> bool:
        return self._transport.is_closing()

    def close(self) -> None:
        self._transport.close()

    def reset(self) -> None:
        tcp = self._transport.get_extra_info("socket")
        if tcp is not None:
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._transport.abort()


class _HeadTooLargeError(Exception):
    """The line and the headers of a request are larger than what is read."""


class GatewayProtocol(HttpToolsProtocol):
    """Puts the connection into the scope's state and refuses a head above the limit with 431."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        first: bytes = b"",
    ) -> None:
        """`first` is what was read from the connection before it came here."""
        super().__init__(config, server_state, app_state, _loop)
        self._first = first
        self._reading_head = False
        self._read = 0
        """Octets of the head so far that were recognised as its parts."""
        self._fed = 0
        """Octets that came while the head was not at its end; a part that never ends shows here only."""
        self._refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Note the transport of a new connection."""
        self.app_state = {**self.app_state, STATE_KEY: _TcpConnection(transport)}
        super().connection_made(transport)
        if self._first:
            self.data_received(self._first)

    def data_received(self, data: bytes) -> None:
        """Feed the parser; what follows a refusal is dropped."""
        if self._refused:
            return
        was_reading = self._reading_head
        super().data_received(data)
        if was_reading and self._reading_head and not self._refused:
            self._fed += len(data)
            if self._fed > MOST_HEAD_BYTES:
                self._refuse_head()

    def on_message_begin(self) -> None:
        """Begin to count."""
        super().on_message_begin()
        self._reading_head = True
        self._read = self._fed = 0

    def on_url(self, url: bytes) -> None:
        """Count the request's target."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header; one after the body belongs to no head."""
        if self._reading_head:
            self._count(len(name) + len(value))
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Stop counting."""
        self._reading_head = False
        super().on_headers_complete()

    def _count(self, octets: int) -> None:
        self._read += octets
        if self._read > MOST_HEAD_BYTES:
            self._refuse_head()
            raise _HeadTooLargeError  # the parser stops here

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, unless its head has been answered."""
        if not self._refused:
            super().send_400_response(msg)

    def _refuse_head(self) -> None:
        """Answer 431, drop what still comes for a while, and close."""
        self._refused = True
        self.transport.write(head_refusal())
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self.loop.call_later(_LINGERING_SECONDS, self.transport.close)
        else:
            self.transport.close()
