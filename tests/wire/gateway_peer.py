"""A peer on loopback that answers each request as told, byte for byte, and keeps what it received."""

import socket
import ssl
import threading
from collections.abc import Callable

Step = Callable[[socket.socket], None]


class GatewayPeer:
    """Accepts connections on 127.0.0.1 one after the other; each request read in full takes the next step."""

    def __init__(self, *steps: Step, tls: ssl.SSLContext | None = None, greeting: bytes = b"") -> None:
        self._steps = list(steps)
        self._tls = tls
        self._greeting = greeting
        self._closing = False
        self.requests: list[bytes] = []
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def base_url(self) -> str:
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}/e-invoicing"

    def __enter__(self) -> "GatewayPeer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # A blocked accept does not notice a close on every system; a last connection wakes it up.
        self._closing = True
        with socket.socket() as waker:
            waker.connect_ex(("127.0.0.1", self.port))
        self._thread.join(10)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection:
                if self._closing:
                    return
                self.connections += 1
                connection.settimeout(10)
                try:
                    if self._tls:
                        with self._tls.wrap_socket(connection, server_side=True) as secured:
                            self._converse(secured)
                    else:
                        connection.sendall(self._greeting)
                        self._converse(connection)
                except OSError:
                    continue

    def _converse(self, connection: socket.socket) -> None:
        while (request := _read_request(connection)) is not None:
            self.requests.append(request)
            if not self._steps:
                return
            self._steps.pop(0)(connection)
            if not _still_open(connection):
                return


def reply(raw: bytes, *, then_close: bool = True) -> Step:
    """Send these bytes; close afterwards unless told otherwise."""

    def step(connection: socket.socket) -> None:
        connection.sendall(raw)
        if then_close:
            connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    return step


def answer(status: str, body: bytes = b"", *headers: str, then_close: bool = True) -> Step:
    """Send a well-formed answer with Content-Length."""
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]
    return reply("\r\n".join(lines).encode() + body, then_close=then_close)


def drop(connection: socket.socket) -> None:
    """Close without a word."""
    connection.shutdown(socket.SHUT_RDWR)
    connection.close()


def hang(connection: socket.socket) -> None:
    """Say nothing until the client gives up."""
    connection.recv(1)


def send_then_hang(raw: bytes) -> Step:
    """Send these bytes, then say nothing until the client gives up."""

    def step(connection: socket.socket) -> None:
        connection.sendall(raw)
        hang(connection)

    return step


def _still_open(connection: socket.socket) -> bool:
    return connection.fileno() != -1


def _read_request(connection: socket.socket) -> bytes | None:
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65536)
        if not chunk:
            return None
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body
