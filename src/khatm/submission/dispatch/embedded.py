"""The embedded engine: a pool of threads in one process, each sending for one unit at a time."""

import threading
from concurrent.futures import ThreadPoolExecutor

from khatm.ledger.errors import LedgerError
from khatm.submission.dispatch import SWEEP, Until
from khatm.submission.worker import Worker


class EmbeddedDispatch:
    """Looks into the ledger every `sweep` seconds, and when a unit is announced or a turn ends.

    `jobs` units are sent for at the same time. Several processes may do so on one ledger: claims keep them apart.
    """

    def __init__(self, worker: Worker, jobs: int, *, sweep: float = SWEEP) -> None:
        self._worker = worker
        self._jobs = jobs
        self._sweep = sweep
        self._busy: set[str] = set()
        self._guard = threading.Lock()
        self._look = threading.Event()

    def run(self, until: Until = Until.STOPPED) -> None:
        """Send until it is time to end; see `Dispatch.run`. A ledger that cannot be read now is read again later."""
        with ThreadPoolExecutor(self._jobs, "khatm-unit") as pool:
            try:
                while not self._worker.is_ending:
                    self._look.clear()
                    try:
                        if not self._hand_out(pool) and self._is_done(until):
                            return
                    except LedgerError as error:
                        if until is Until.SWEPT:
                            raise
                        self._worker.tell(None, error)
                    self._look.wait(self._sweep)
            finally:
                self._worker.end()

    def announce(self, unit_name: str) -> None:
        """Look at once; the unit's name says no more than the ledger does."""
        del unit_name
        self._look.set()

    def stop(self) -> None:
        """Let the calls under way finish and end."""
        self._worker.end()
        self._look.set()

    def _hand_out(self, pool: ThreadPoolExecutor) -> int:
        """Give each unit that is ready to a thread, unless one has it; return how many are being sent for."""
        for unit in self._worker.ready_units():
            with self._guard:
                if unit.name in self._busy:
                    continue
                self._busy.add(unit.name)
            pool.submit(self._give_turn, unit.name)
        with self._guard:
            return len(self._busy)

    def _give_turn(self, unit_name: str) -> None:
        ours = False
        try:
            ours = self._worker.send_for(unit_name)
        finally:
            with self._guard:
                self._busy.discard(unit_name)
            if ours:  # there may be more to send; what another process has is looked at again with the next sweep
                self._look.set()

    def _is_done(self, until: Until) -> bool:
        if until is Until.IDLE:
            return not self._worker.is_expecting()
        return until is Until.SWEPT
