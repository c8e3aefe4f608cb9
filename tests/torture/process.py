"""One process of a run: issues its share of the documents, and works as a sender for every unit all the while.

Run as `python -m tests.torture.process SHARE PROCESSES DOCUMENTS FILE`; it may be killed at any moment and started
again. FILE gets a line per acknowledged issue: number, unit, counter and UUID, written after `issue` has returned.
"""

import os
import signal
import sys
import threading
from pathlib import Path

from khatm.cli.workplace import Workplace, open_workplace
from khatm.issuing import Issuer
from khatm.ledger.store_errors import LedgerBusy
from khatm.ledger.units import Unit
from khatm.submission.dispatch import Dispatch
from khatm.submission.worker import Worker
from tests.torture.documents import content, reference, unit_of

_JOBS = 2
"""Units that one process sends for at a time."""


def main() -> None:
    """Issue everything of the share, send until SIGTERM."""
    share, processes, documents = (int(each) for each in sys.argv[1:4])
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    with (
        open_workplace() as workplace,
        Worker(workplace.ledger, workplace.gateway, workplace.clock, lambda _: None, _trouble) as worker,
    ):
        dispatch = _dispatch(workplace, worker)
        sending = threading.Thread(target=dispatch.run)
        sending.start()
        try:
            _issue(workplace, [*range(share, documents, processes)], Path(sys.argv[4]), ended)
            ended.wait()
        finally:
            dispatch.stop()
            sending.join()


def _dispatch(workplace: Workplace, worker: Worker) -> Dispatch:
    """On PostgreSQL procrastinate shares the units out, on SQLite every process looks for itself."""
    url = workplace.home.database_url
    if url is None:
        from khatm.submission.dispatch.embedded import EmbeddedDispatch

        return EmbeddedDispatch(worker, _JOBS)
    from khatm.submission.dispatch.distributed import DistributedDispatch

    return DistributedDispatch(worker, _JOBS, url)


def _trouble(unit: Unit | None, error: Exception) -> None:
    if not isinstance(error, LedgerBusy):
        print(f"{unit.name if unit else '-'}: {error!r}", file=sys.stderr, flush=True)


def _issue(workplace: Workplace, numbers: list[int], acknowledged: Path, ended: threading.Event) -> None:
    issuer = Issuer(workplace.ledger, workplace.clock)
    handle = os.open(acknowledged, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    # The killer may have cut the last line off: it begins anew, and its document is asked for again.
    os.write(handle, b"\n")
    done = {int(line.split()[0]) for line in acknowledged.read_text().splitlines() if line.count(" ") == 3}
    for number in numbers:
        while number not in done and not ended.is_set():
            try:
                issued = issuer.issue(unit_of(number), content(number), reference=reference(number)).document
            except LedgerBusy:
                continue
            os.write(handle, f"{number} {unit_of(number)} {issued.icv} {issued.uuid}\n".encode())
            done.add(number)
    os.close(handle)


if __name__ == "__main__":
    main()
