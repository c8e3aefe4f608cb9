"""The distributed engine: several processes on PostgreSQL, among which procrastinate shares out the units.

A task names a unit and carries it as `lock` (one worker at a time) and as `queueing_lock` (one waiting task at a time).
It is deferred after the commit of what there is to send, on a connection of its own: a second one raises, and inside
the transaction of an issue that would undo the issue. Every few seconds each worker defers for units with something to
send that have no task, and ends the tasks of workers that have died: a lost task only delays. The ledger's claims
fence whoever sends, so a doubled task does no harm.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import procrastinate
import psycopg
from procrastinate import exceptions
from procrastinate.jobs import JobDeferrer, Status

from khatm.ledger.errors import LedgerError
from khatm.submission.dispatch import SWEEP, Until
from khatm.submission.dispatch.errors import QueueUnreachable
from khatm.submission.dispatch.queue_schema import conninfo, ensure_schema, options_with_schema
from khatm.submission.worker import Worker

_QUEUE = "khatm"
_TASK = "send-for-unit"
_HEARTBEAT = 1.5
"""Seconds between two signs of life of a worker process."""
_PATIENCE = 10.0
"""Seconds that a connection is waited for."""
_STALLED = 6.0
"""Seconds without one after which its tasks are ended; what it claims in the ledger is fenced by the ledger."""


class DistributedDispatch:
    """One worker process among others, on the PostgreSQL database of the ledger; `jobs` units at a time.

    Raises QueueUnreachable at construction when the database cannot be used.
    """

    def __init__(self, worker: Worker, jobs: int, database_url: str, *, sweep: float = SWEEP) -> None:
        self._worker = worker
        self._jobs = jobs
        self._url = database_url
        self._sweep = sweep
        self._pool = ThreadPoolExecutor(jobs, "khatm-unit")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._look: asyncio.Event | None = None
        self._turns = 0
        _quieten()
        self._schema = _reached(lambda: ensure_schema(database_url), worker.ledger.place)

    def run(self, until: Until = Until.STOPPED) -> None:
        """Send until it is time to end; see `Dispatch.run`. A database that goes away is waited for."""
        try:
            asyncio.run(self._run(until))
        finally:
            self._worker.end()
            self._pool.shutdown()

    def announce(self, unit_name: str) -> None:
        """Defer a task for a unit, after the commit; whatever fails here, a sweep makes good."""
        if self._loop is not None and self._loop.is_running():
            self._wake()
            return
        with (
            suppress(exceptions.ProcrastinateException, psycopg.Error),
            self._app(procrastinate.SyncPsycopgConnector).open() as app,
        ):
            _deferrer(app, unit_name).defer(unit_name=unit_name)

    def stop(self) -> None:
        """Let the calls under way finish and end."""
        self._worker.end()
        self._wake()

    async def _run(self, until: Until) -> None:
        self._loop, self._look = asyncio.get_running_loop(), asyncio.Event()
        self._loop.set_exception_handler(_ignore_what_a_sweep_makes_good)
        while not self._worker.is_ending:
            app = self._app(procrastinate.PsycopgConnector)
            app.task(name=_TASK, queue=_QUEUE)(self._give_turn)
            try:
                async with app.open_async():
                    await self._work(app, until)
                    return
            except (exceptions.ProcrastinateException, OSError) as error:
                if _was_given_up(error):
                    continue
                if until is Until.SWEPT:
                    raise QueueUnreachable(place=self._worker.ledger.place, reason=_reason(error)) from None
                self._worker.tell(None, QueueUnreachable(place=self._worker.ledger.place, reason=_reason(error)))
                await self._pause()

    async def _work(self, app: procrastinate.App, until: Until) -> None:
        """Run procrastinate's worker beside the sweeps until one of them ends."""
        serving = asyncio.create_task(
            app.run_worker_async(
                queues=[_QUEUE],
                concurrency=self._jobs,
                fetch_job_polling_interval=self._sweep / 2,
                delete_jobs="always",
                install_signal_handlers=False,
                update_heartbeat_interval=_HEARTBEAT,
                stalled_worker_timeout=_STALLED,
            )
        )
        sweeping = asyncio.create_task(self._sweep_until(app, until))
        done, _ = await asyncio.wait({serving, sweeping}, return_when=asyncio.FIRST_COMPLETED)
        if sweeping not in done:
            sweeping.cancel()
        serving.cancel()  # which lets the turns under way finish
        results = await asyncio.gather(serving, sweeping, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result
        if serving in done and not self._worker.is_ending:
            # One of its own side tasks has failed; it says no more than that.
            raise exceptions.ConnectorException("the worker lost its connection")

    async def _sweep_until(self, app: procrastinate.App, until: Until) -> None:
        """Defer for what nobody deferred for, again and again, until it is time to end."""
        assert self._look is not None
        while not self._worker.is_ending:
            self._look.clear()
            with suppress(LedgerError):  # the turns meet the same ledger, and say what is wrong
                async with asyncio.timeout(3 * _PATIENCE):  # a database that stands still is as good as lost
                    waiting = await self._defer_missing(app)
                if not waiting and not self._turns and await self._is_done(until):
                    return
            await self._pause()

    async def _defer_missing(self, app: procrastinate.App) -> bool:
        """End the tasks of dead workers, then defer for units that have something to send and no task waiting."""
        for stalled in await app.job_manager.get_stalled_jobs(queue=_QUEUE, seconds_since_heartbeat=_STALLED):
            # Not tried again as it is: another task of its unit may be waiting already, which admits no second.
            with suppress(exceptions.ConnectorException):  # another worker has ended it meanwhile
                await app.job_manager.finish_job(stalled, Status.FAILED, delete_job=True)
        # A turn at work takes what is issued meanwhile, and a sweep follows it: no task need wait behind it.
        known = {job.lock for job in await app.job_manager.list_jobs_async(queue=_QUEUE)}
        ready = await asyncio.to_thread(self._worker.ready_units)
        for unit in ready:
            if unit.name not in known:
                with suppress(exceptions.AlreadyEnqueued):  # another worker looked at the same moment
                    await _deferrer(app, unit.name).defer_async(unit_name=unit.name)
        return bool(known or ready)

    async def _is_done(self, until: Until) -> bool:
        if until is Until.IDLE:
            return not await asyncio.to_thread(self._worker.is_expecting)
        return until is Until.SWEPT

    async def _give_turn(self, unit_name: str) -> None:
        assert self._look is not None
        self._turns += 1
        try:
            ours = await asyncio.get_running_loop().run_in_executor(self._pool, self._worker.send_for, unit_name)
        finally:
            self._turns -= 1
        if ours:
            self._look.set()  # there may be more to send

    async def _pause(self) -> None:
        assert self._look is not None
        with suppress(TimeoutError):
            await asyncio.wait_for(self._look.wait(), self._sweep)

    def _wake(self) -> None:
        loop, look = self._loop, self._look
        if loop is not None and look is not None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(look.set)

    def _app(self, connector: Callable[..., procrastinate.BaseConnector]) -> procrastinate.App:
        return procrastinate.App(
            connector=connector(
                conninfo=conninfo(self._url),
                kwargs={"options": options_with_schema(self._url, self._schema)},
                min_size=1,
                max_size=4,
                timeout=_PATIENCE,
            )
        )


def _deferrer(app: procrastinate.App, unit_name: str) -> JobDeferrer:
    return app.configure_task(_TASK, queue=_QUEUE, lock=unit_name, queueing_lock=unit_name)


def _reached(reach: Callable[[], str], place: str) -> str:
    """Return what a first look at the database gives. Raises QueueUnreachable."""
    try:
        return reach()
    except psycopg.Error as error:
        raise QueueUnreachable(place=place, reason=_reason(error)) from None


def _was_given_up(error: BaseException) -> bool:
    """Whether another worker took this one for dead, as when it was suspended: its row is gone, a new one is due."""
    return isinstance(error.__cause__, psycopg.errors.ForeignKeyViolation)


def _reason(error: BaseException) -> str:
    """Return the innermost cause's first line: procrastinate wraps the driver's errors without their words."""
    cause = error.__cause__ or error
    return str(cause).partition("\n")[0] or type(cause).__name__


def _ignore_what_a_sweep_makes_good(loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """Pass over a task whose end could not be stored, as when it was ended as stalled; tell of anything else."""
    if not isinstance(context.get("exception"), exceptions.ProcrastinateException):
        loop.default_exception_handler(context)


def _quieten() -> None:
    """Keep procrastinate's log off standard error, where what it holds worth knowing is told in our own words."""
    log = logging.getLogger("procrastinate")
    if not log.handlers:
        log.addHandler(logging.NullHandler())
        log.propagate = False
