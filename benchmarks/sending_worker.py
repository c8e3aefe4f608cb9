"""A worker process whose gateway sleeps: `python -m benchmarks.sending_worker ENGINE JOBS DELAY HOME DATABASE_URL`.

Prints `ready`, waits for a line on standard input, then sends until nothing waits any more.
"""

import json
import sys
import time
from pathlib import Path

from khatm.clock import SystemClock
from khatm.gateway.client import Gateway
from khatm.gateway.transport import WireAnswer, WireRequest
from khatm.ledger.home import Home
from khatm.ledger.ledger import open_ledger
from khatm.ledger.units import Unit
from khatm.submission.dispatch import Dispatch, Until
from khatm.submission.dispatch.distributed import DistributedDispatch
from khatm.submission.dispatch.embedded import EmbeddedDispatch
from khatm.submission.worker import Worker

_RESULTS = {"infoMessages": [], "warningMessages": [], "errorMessages": [], "status": "PASS"}
_REPORTED = json.dumps({"validationResults": _RESULTS, "reportingStatus": "REPORTED"}).encode()


class SleepingTransport:
    """Answers every report with 200 after a while."""

    def __init__(self, delay: float) -> None:
        self._delay = delay

    def send(self, request: WireRequest) -> WireAnswer:
        """Sleep, then accept."""
        del request
        time.sleep(self._delay)
        return WireAnswer(200, (("Content-Type", "application/json"),), _REPORTED)

    def close(self) -> None:
        """Nothing is open."""


def main(engine: str, jobs: int, delay: float, home: Path, url: str) -> None:
    """Send everything that is in the ledger."""
    clock = SystemClock()
    transport = SleepingTransport(delay)

    def gateway(unit: Unit) -> Gateway:
        return Gateway(unit.environment, transport=transport, clock=clock)

    def trouble(_unit: Unit | None, error: Exception) -> None:
        raise error

    with (
        open_ledger(Home(home, environ={"KHATM_DATABASE_URL": url}), clock) as ledger,
        Worker(ledger, gateway, clock, lambda result: None, trouble) as worker,
    ):
        shared = engine == "distributed"
        dispatch: Dispatch = DistributedDispatch(worker, jobs, url) if shared else EmbeddedDispatch(worker, jobs)
        print("ready", flush=True)
        sys.stdin.readline()
        dispatch.run(Until.IDLE)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4]), sys.argv[5])
