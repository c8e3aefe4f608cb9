"""Processes that onboard and renew and are killed on the way, for the kill tests.

`python -m tests.crash.onboarding_child` reads one job per line (JSON) and forks a process for each, which opens
everything anew, walks, and ends or is killed; the server answers with the way in which it ended. Forking from a
process that has done nothing but import saves the time of starting an interpreter for each of them.
"""

import json
import os
import signal
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from khatm.clock import SystemClock
from khatm.environment import Environment
from khatm.errors import KhatmError
from khatm.gateway.client import Gateway
from khatm.gateway.transport import HttpTransport, WireAnswer, WireRequest
from khatm.ledger.home import Home
from khatm.ledger.ledger import open_ledger
from khatm.onboarding.onboard import Onboarding
from khatm.onboarding.otp import OtpReason
from khatm.onboarding.renewal import Renewal
from tests.unit.onboarding_stage import csr_fields

PREPARED = "prepared"
"""Key and CSR are stored; no call was made."""
INTENDED = "intended"
"""The call is journaled; nothing was sent."""
SENT = "sent"
"""The answer has come; nothing of it is stored."""
STORED = "stored"
"""What the answer brought is stored; the journal does not know."""
CLOSED = "closed"
"""The journal has the answer; the next call is not begun."""


@dataclass(frozen=True)
class Kill:
    """Where a process ends: the point, and which call of the process (from 1; 0 for `prepared`)."""

    point: str
    call: int


@dataclass(frozen=True)
class Job:
    home: str
    gateway_url: str
    environment: str
    unit: str
    action: str
    """`onboard`, `onboard-anew` or `renew`."""
    otps: list[str]
    asked: str
    """A file that gets one line, the reason, for each OTP asked for."""
    kill: Kill | None = None
    hold: str | None = None
    """A named pipe whose end is waited for before an OTP is given."""


@dataclass(frozen=True)
class End:
    killed: bool
    exit_code: int
    error: str = ""
    sentence: str = ""


class Bomb:
    """Kills this process at one point."""

    def __init__(self, kill: Kill | None) -> None:
        self._kill = kill
        self.call = 0

    def reached(self, point: str) -> None:
        if self._kill == Kill(point, self.call):
            os.kill(os.getpid(), signal.SIGKILL)


class MortalTransport(HttpTransport):
    def __init__(self, bomb: Bomb) -> None:
        # Everything stays on loopback without TLS: reading the trust store would be half of a process's work.
        super().__init__(tls=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        self._bomb = bomb

    def send(self, request: WireRequest) -> WireAnswer:
        answer = super().send(request)
        self._bomb.reached(SENT)
        return answer


class MortalLedger:
    """A ledger that dies after one of its writes."""

    def __init__(self, ledger: object, bomb: Bomb) -> None:
        self._ledger = ledger
        self._bomb = bomb

    def __getattr__(self, name: str) -> object:
        method = getattr(self._ledger, name)
        point = {
            "begin_generation": PREPARED,
            "journal_intent": INTENDED,
            "record_ccsid": STORED,
            "record_step": STORED,
            "record_pcsid": STORED,
            "journal_answer": CLOSED,
        }.get(name)
        return method if point is None else self._wrapped(method, point)

    def _wrapped(self, method: Callable[..., object], point: str) -> Callable[..., object]:
        def call(*args: object, **options: object) -> object:
            came = method(*args, **options)
            if point == INTENDED:
                self._bomb.call += 1
            self._bomb.reached(point)
            return came

        return call


def walk(job: Job) -> End:
    bomb = Bomb(job.kill)
    clock = SystemClock()
    home = Home(Path(job.home), environ={})
    otps = list(job.otps)

    def source(reason: OtpReason) -> str | None:
        with Path(job.asked).open("a") as file:
            file.write(reason.value + "\n")
        if job.hold is not None:
            # A named pipe: this ends when the test, which opened it for writing, closes it.
            Path(job.hold).read_bytes()
        return otps.pop(0) if otps else None

    with (
        open_ledger(home, clock) as ledger,
        Gateway(Environment(job.environment), base_url=job.gateway_url, transport=MortalTransport(bomb)) as gateway,
    ):
        mortal: Any = MortalLedger(ledger, bomb)
        try:
            if job.action == "renew":
                Renewal(mortal, gateway, clock, home=home).run(job.unit, source)
            else:
                Onboarding(mortal, gateway, clock, home=home).run(job.unit, source, anew=job.action == "onboard-anew")
        except KhatmError as error:
            return End(False, error.exit_code, error.code, str(error))
    return End(False, 0)


def warm_up() -> None:
    """Do once what every process would begin with: the imports, and the statements that the ledger compiles."""
    import httpx  # noqa: F401 - the client imports it at its first call

    with tempfile.TemporaryDirectory() as folder, open_ledger(Home(Path(folder), environ={}), SystemClock()) as ledger:
        ledger.add_unit("warm", Environment.SIMULATION, csr_fields(), None)
        walk(Job(folder, "http://127.0.0.1:9/e-invoicing", "simulation", "warm", "onboard", [], f"{folder}/asked"))


def serve() -> None:
    warm_up()
    for line in sys.stdin:
        members = json.loads(line)
        kill = members.pop("kill")
        job = Job(**members, kill=Kill(**kill) if kill else None)
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            end = walk(job)
            os.write(writer, json.dumps(asdict(end)).encode())
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            said = pipe.read()
        _, status = os.waitpid(pid, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        end_members = json.loads(said) if said else asdict(End(killed, 128 if killed else 70))
        print(json.dumps(end_members), flush=True)


@dataclass
class Nursery:
    """The server of processes, seen from the tests."""

    _server: "subprocess.Popen[str] | None" = field(default=None)

    def __enter__(self) -> Self:
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.onboarding_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.communicate()

    def begin(self, job: Job) -> None:
        """Start a process; `end` waits for it."""
        assert self._server is not None and self._server.stdin is not None
        self._server.stdin.write(json.dumps(asdict(job)) + "\n")
        self._server.stdin.flush()

    def end(self) -> End:
        """Wait for the process that was begun and return how it ended."""
        assert self._server is not None and self._server.stdout is not None
        return End(**json.loads(self._server.stdout.readline()))

    def run(self, job: Job) -> End:
        """Start a process and wait for its end."""
        self.begin(job)
        return self.end()


if __name__ == "__main__":
    serve()
