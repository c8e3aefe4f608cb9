"""Serves a simulator on a socket: the program's way, until a signal, and what the embedded one shares with it."""

import asyncio
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
from khatm.simulator.connection import GatewayProtocol
from khatm.simulator.delivery import Holding
from khatm.simulator.fatoora import Fatoora, SimulatorConfig
from khatm.simulator.grading.grader import Grader
from khatm.simulator.grading.provocations import chosen_cases
from khatm.simulator.grading.report import ReportFiles, summary
from khatm.simulator.listening import listen, url_of
from khatm.simulator.own_certificates import read_canned_file
from khatm.simulator.profile import read_profile
from khatm.simulator.proxy import HANDSHAKE_SECONDS, Proxy
from khatm.simulator.reach import Reach
from khatm.simulator.recorder import MOST
from khatm.simulator.switches import switches_by_environment
from khatm.simulator.web.grade import report_page

CANNED_CERTIFICATE_VARIABLE = "KHATM_SIMULATOR_CANNED_CERTIFICATE"
"""Names the file of the sandbox's fixed certificate."""

_GOODBYE_SECONDS = 3
"""For calls in work when the server stops, and for a client's end of TLS."""


def run(
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    data: Path | None = None,
    settings: Sequence[str] = (),
    profile: Path | None = None,
    keep_exchanges: int | None = None,
    seed: int | None = None,
    https_port: int | None = None,
    proxy_port: int | None = None,
    hosts: Sequence[str] = (),
    workers: int = 0,
    grade: Path | None = None,
    grade_cases: Sequence[str] = (),
) -> int:
    """Serve until SIGTERM or SIGINT, printing `simulator ready: URL` when connections are accepted.

    `port` 0 takes a free one. `data` is the folder that keeps the state; without it the state is kept for this run.
    `hosts` are further names by which browsers may reach the pages and the management.
    `keep_exchanges` is how many calls stay on record. `seed` makes what is drawn by lot the same in every run.
    `workers` processes examine documents beside this one.
    `profile` names a file of settings, which `settings` come after.
    `https_port` serves the same over TLS, `proxy_port` is a proxy that leads here and nowhere else; 0 takes a free one.
    `grade` is where the grade of the clients is written; `grade_cases` are the cases to provoke, all without it.
    Returns the grade's exit code, 0 without grading. Raises AddressTaken, UnusableStore, ForeignStore, UnusableTlsRoot,
    UnreadableCannedCertificate, UnwritableReport, UnknownCase, and what `parse_setting` and `read_profile` raise.
    """
    cases = chosen_cases(grade_cases)
    canned = configured_certificate()
    set_by_file = () if profile is None else read_profile(profile)
    switches = switches_by_environment(settings, profile=set_by_file, canned_certificate=canned is not None)
    listener = listen(host, port)
    url = url_of(listener)
    fatoora = reach = None
    try:
        reach = Reach.open(host, https_port=https_port, proxy_port=proxy_port, folder=data)
        config = SimulatorConfig(
            switches=switches,
            data=data,
            canned_certificate=canned,
            address=url,
            keep_exchanges=MOST if keep_exchanges is None else keep_exchanges,
            seed=seed,
            tls_root=None if reach is None else reach.root.pem,
            hosts=frozenset({host, *hosts}),
            workers=workers,
        )
        fatoora = Fatoora(config)
        server = Server(fatoora, lambda: _say_ready(url, host, reach), reach)
        if grade is None:
            server.run(sockets=[listener])
            return 0
        grader = fatoora.grader = Grader(fatoora, cases)
        with ReportFiles(grade, grader, report_page) as report:
            server.run(sockets=[listener])
        found = grader.grade(final=True)
        print(summary(found, report.paths), flush=True)
        return found.exit_code
    finally:
        listener.close()
        if reach is not None:
            reach.close()
        if fatoora is not None:
            fatoora.close()


def configured_certificate() -> IssuedCertificate | None:
    """Return the sandbox's fixed certificate if the environment names its file. Raises UnreadableCannedCertificate."""
    path = os.environ.get(CANNED_CERTIFICATE_VARIABLE)
    return read_canned_file(Path(path)) if path else None


class Server(uvicorn.Server):
    """A uvicorn server that tells when it accepts connections and leaves signals as it found them."""

    def __init__(self, fatoora: Fatoora, on_ready: Callable[[], None], reach: Reach | None = None) -> None:
        """`reach` holds further sockets, for HTTPS and for a proxy; the caller closes it."""
        app = create_app(fatoora)
        self._holding: Holding = app.state.holding
        super().__init__(
            uvicorn.Config(
                app,
                http=GatewayProtocol,
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_GOODBYE_SECONDS,
            )
        )
        self._on_ready = on_ready
        self._reach = reach
        self._proxy: Proxy | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, then tell."""
        await super().startup(sockets=sockets)
        if self._reach is not None:
            await self._extend(self._reach)
        self._on_ready()

    async def _extend(self, reach: Reach) -> None:
        """Serve the same application on the further sockets."""
        if reach.https is not None:
            server = await asyncio.get_running_loop().create_server(
                self._protocol,
                sock=reach.https,
                ssl=reach.tls,
                ssl_handshake_timeout=HANDSHAKE_SECONDS,
                ssl_shutdown_timeout=_GOODBYE_SECONDS,
            )
            self.servers.append(server)
        if reach.proxy is not None:
            self._proxy = Proxy(reach.proxy, reach.tls, self._protocol)
            self._proxy.start()

    def _protocol(self, first: bytes = b"") -> GatewayProtocol:
        return GatewayProtocol(self.config, self.server_state, self.lifespan.state, first=first)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let calls go that a fault holds back, then stop."""
        self._holding.release()
        if self._proxy is not None:
            await self._proxy.stop()
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


def _say_ready(url: str, host: str, reach: Reach | None) -> None:
    print(f"simulator ready: {url}", *([] if reach is None else reach.lines()), sep="\n", flush=True)
    if host not in ("127.0.0.1", "::1", "localhost"):
        print("warning: this is a test authority and it listens beyond this machine", file=sys.stderr, flush=True)
