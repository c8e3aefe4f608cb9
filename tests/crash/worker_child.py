"""A worker process with a lease of its own choosing: `python -m tests.crash.worker_child ENGINE JOBS LEASE`.

Prints `ready`, then a line for each document: unit, ICV and state. Home, database and gateway are the environment's.
"""

import signal
import sys

from khatm.cli.workplace import open_workplace
from khatm.ledger.units import Unit
from khatm.submission.dispatch import Dispatch
from khatm.submission.dispatch.embedded import EmbeddedDispatch
from khatm.submission.report import DocumentResult
from khatm.submission.worker import Worker


def main(engine: str, jobs: int, lease: float) -> None:
    def hear(result: DocumentResult) -> None:
        print(result.unit, result.document.icv, result.document.state.value, flush=True)

    def trouble(unit: Unit | None, error: Exception) -> None:
        print("trouble", unit and unit.name, repr(error), flush=True)

    with (
        open_workplace() as workplace,
        Worker(workplace.ledger, workplace.gateway, workplace.clock, hear, trouble, lease=lease) as worker,
    ):
        dispatch: Dispatch = EmbeddedDispatch(worker, jobs, sweep=0.3)
        if engine == "distributed":
            from khatm.submission.dispatch.distributed import DistributedDispatch

            assert workplace.home.database_url is not None
            dispatch = DistributedDispatch(worker, jobs, workplace.home.database_url, sweep=0.3)
        signal.signal(signal.SIGTERM, lambda *_: dispatch.stop())
        print("ready", flush=True)
        dispatch.run()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
