"""Serves a simulator on a socket: the program's way, until a signal, and what the embedded one shares with it."""

import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

import uvicorn

from khatm.simulator.app import create_app
from khatm.simulator.certificates import IssuedCertificate
from khatm.simulator.connection import BreakableProtocol
from khatm.simulator.delivery import Holding
from khatm.simulator.errors import AddressTaken
from khatm.simulator.fatoora import Fatoora, SimulatorConfig
from khatm.simulator.own_certificates import read_canned_file
from khatm.simulator.profile import read_profile
from khatm.simulator.recorder import MOST
from khatm.simulator.switches import switches_by_environment

CANNED_CERTIFICATE_VARIABLE = "KHATM_SIMULATOR_CANNED_CERTIFICATE"
"""Names the file of the sandbox's fixed certificate."""

_HEADER_BYTES = 64 * 1024
"""A PCSID's Authorization alone is 2,500 characters (gateway contract 1.5 asks for 16 KiB at least)."""
_BACKLOG = 256
_GOODBYE_SECONDS = 3


def run(
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    data: Path | None = None,
    settings: Sequence[str] = (),
    profile: Path | None = None,
    keep_exchanges: int | None = None,
    seed: int | None = None,
    hosts: Sequence[str] = (),
) -> None:
    """Serve until SIGTERM or SIGINT, printing `simulator ready: URL` when connections are accepted.

    `port` 0 takes a free one. `data` is the folder that keeps the state; without it the state is kept for this run.
    `seed` makes everything that is drawn by lot the same in every run. `hosts` are further names by which browsers may
    reach the pages and the management.
    `keep_exchanges` is how many calls stay on record. `seed` makes what is drawn by lot the same in every run.
    `profile` names a file of settings, which `settings` come after.
    Raises AddressTaken, UnusableStore, ForeignStore, UnreadableCannedCertificate, and what `parse_setting` and
    `read_profile` raise.
    """
    canned = configured_certificate()
    set_by_file = () if profile is None else read_profile(profile)
    switches = switches_by_environment(settings, profile=set_by_file, canned_certificate=canned is not None)
    listener = listen(host, port)
    url = url_of(listener)
    fatoora = None
    try:
        config = SimulatorConfig(
            switches=switches,
            data=data,
            canned_certificate=canned,
            address=url,
            keep_exchanges=MOST if keep_exchanges is None else keep_exchanges,
            seed=seed,
            hosts=frozenset({host, *hosts}),
        )
        fatoora = Fatoora(config)
        Server(fatoora, lambda: _say_ready(url, host)).run(sockets=[listener])
    finally:
        listener.close()
        if fatoora is not None:
            fatoora.close()


def configured_certificate() -> IssuedCertificate | None:
    """Return the sandbox's fixed certificate if the environment names its file. Raises UnreadableCannedCertificate."""
    path = os.environ.get(CANNED_CERTIFICATE_VARIABLE)
    return read_canned_file(Path(path)) if path else None


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket. Raises AddressTaken."""
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


def url_of(listener: socket.socket) -> str:
    """Return the address of a listening socket as clients write it."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Server(uvicorn.Server):
    """A uvicorn server that tells when it accepts connections and leaves signals as it found them."""

    def __init__(self, fatoora: Fatoora, on_ready: Callable[[], None]) -> None:
        app = create_app(fatoora)
        self._holding: Holding = app.state.holding
        super().__init__(
            uvicorn.Config(
                app,
                http=BreakableProtocol,
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                h11_max_incomplete_event_size=_HEADER_BYTES,
                timeout_graceful_shutdown=_GOODBYE_SECONDS,
            )
        )
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, then tell."""
        await super().startup(sockets=sockets)
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let calls go that a fault holds back, then stop."""
        self._holding.release()
        await super().shutdown(sockets=sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Let SIGTERM and SIGINT end the server; uvicorn's own way would raise them again when it is done."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {each: signal.signal(each, self.handle_exit) for each in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)


def _say_ready(url: str, host: str) -> None:
    print(f"simulator ready: {url}", flush=True)
    if host not in ("127.0.0.1", "::1", "localhost"):
        print("warning: this is a test authority and it listens beyond this machine", file=sys.stderr, flush=True)
