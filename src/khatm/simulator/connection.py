"""The TCP connection behind a call, for faults that break it: uvicorn's HTTP protocol and its transport."""

import asyncio
import socket
import struct
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from khatm.simulator.delivery import STATE_KEY

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER on, with a time of 0: closing sends a reset and drops what was not sent."""


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


class BreakableProtocol(H11Protocol):
    """Puts the connection into the scope's state; otherwise uvicorn's own protocol."""

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

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Note the transport of a new connection."""
        self.app_state = {**self.app_state, STATE_KEY: _TcpConnection(transport)}
        super().connection_made(transport)
        if self._first:
            self.data_received(self._first)
