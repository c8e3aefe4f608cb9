"""Sockets that the simulator listens on."""

import socket

from khatm.simulator.errors import AddressTaken

_BACKLOG = 256


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; `port` 0 takes a free one. Raises AddressTaken."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise AddressTaken(host=host, port=port, reason=str(error)) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise AddressTaken(host=host, port=port, reason=error.strerror or str(error)) from error
    return listener


def url_of(listener: socket.socket, scheme: str = "http") -> str:
    """Return the address of a listening socket as clients write it."""
    host, port = listener.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
