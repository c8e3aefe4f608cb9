"""A simulator in a process of its own, as `khatm simulator` serves it: started, killed at any time, started again."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from khatm.clock import SystemClock
from khatm.environment import Environment
from khatm.simulator.portal import Purpose

_PROGRAM = "from khatm.cli.khatm import main; main()"
_READY = "simulator ready: "


def start(*options: str) -> tuple[subprocess.Popen[str], str]:
    """Start `khatm simulator`, return the process and the URL that it prints when it accepts connections."""
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, "simulator", *options], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith(_READY), f"the simulator did not start: {line!r}"
    return process, line.removeprefix(_READY).strip()


class SimulatorProcess:
    """A context manager around a running program; its clock is the machine's, as long as nobody moves it."""

    def __init__(self, *, data: Path | None = None, options: Sequence[str] = ()) -> None:
        """`data` is the folder of the state, which outlives the process; without it the state is kept in memory."""
        self._options = [*(() if data is None else ("--data", str(data))), *options]
        self.clock = SystemClock()
        self.url = ""
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        """Start the program on a free port."""
        self._start("0")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop the program by SIGTERM, which must end it with 0."""
        process = self._running
        process.terminate()
        code = process.wait()
        self._close()
        assert code == 0 or kind is not None, f"the simulator ended with {code}"

    @property
    def gateway_url(self) -> str:
        """What stands for `https://gw-fatoora.zatca.gov.sa/e-invoicing`."""
        return f"{self.url}/e-invoicing"

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._running.pid

    @property
    def resident_bytes(self) -> int:
        """The process's resident memory in octets (Linux)."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * 4096

    def kill(self) -> None:
        """Kill the program as a power switch would: SIGKILL, no word before."""
        self._running.kill()
        self._running.wait()
        self._close()

    def restart(self) -> None:
        """Start the killed program again on the address that it had."""
        self._start(self.url.rpartition(":")[2])

    def issue_otp(
        self, environment: Environment | str, vat_number: str, purpose: Purpose | str = Purpose.ONBOARDING
    ) -> str:
        """Return a fresh OTP for a taxpayer."""
        body = {"environment": str(environment), "vat_number": vat_number, "purpose": str(purpose)}
        answer = httpx.post(f"{self.url}/manage/otp", json=body, trust_env=False, timeout=60)
        return str(answer.raise_for_status().json()["otps"][0]["otp"])

    @property
    def _running(self) -> subprocess.Popen[str]:
        assert self._process is not None, "the simulator is not open"
        return self._process

    def _start(self, port: str) -> None:
        self._process, self.url = start("--port", port, *self._options)

    def _close(self) -> None:
        assert self._running.stdout is not None
        self._running.stdout.close()
