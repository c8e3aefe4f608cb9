"""`khatm submit` and `khatm worker`: send what is due, once or again and again."""

import os
import signal
import sys
from typing import TYPE_CHECKING

import click

from khatm.cli.errors import error_record
from khatm.cli.output import OutputFormat, checked_name, emit, format_option, progress, say
from khatm.errors import KhatmError

if TYPE_CHECKING:
    from types import FrameType

    from khatm.cli.workplace import Workplace
    from khatm.ledger.units import Unit
    from khatm.submission.deadlines import DeadlineGuard
    from khatm.submission.dispatch import Dispatch
    from khatm.submission.report import DocumentResult, NotOnboarded, Stopped, SubmissionReport
    from khatm.submission.worker import Worker


@click.command()
@click.option("--unit", "unit_name", callback=checked_name, help="Only this unit; otherwise all of them.")
@click.option("--resume", is_flag=True, help="Let a stopped unit send again, once the cause is mended.")
@click.option("--again", multiple=True, metavar="UUID", help="Put a document that was set aside back and send it.")
@format_option
def submit(unit_name: str | None, resume: bool, again: tuple[str, ...], output_format: OutputFormat) -> None:
    """Send what is due: standard documents are cleared, simplified ones reported.

    \b
    Exit code 1 if any document was rejected or a unit cannot send, else 3 if any still waits, else 0.
    """
    from khatm.cli.workplace import open_workplace
    from khatm.submission.outbox import submit_due

    def show(result: "DocumentResult") -> None:
        _show_result(result, output_format)

    with open_workplace() as workplace:
        guard = _deadline_guard(workplace, output_format)
        for uuid in again:
            workplace.ledger.put_back(workplace.ledger.document(uuid))
        report = submit_due(
            workplace.ledger, workplace.gateway, workplace.clock, unit=unit_name, report=show, resume=resume
        )
        guard.look_once()
    _sum_up(report, output_format)
    sys.exit(report.exit_code)


@click.command()
@click.option("--jobs", type=click.IntRange(1, 64), default=4, show_default=True, help="Units to send for at a time.")
@click.option(
    "--dispatch",
    "engine",
    type=click.Choice(["auto", "embedded", "distributed"]),
    default="auto",
    show_default=True,
    help="Who shares out the units: threads of this process, or procrastinate among all workers (PostgreSQL).",
)
@click.option("--once", is_flag=True, help="End when what is due now has been tried.")
@click.option("--until-idle", is_flag=True, help="End when nothing waits any more, retries included.")
@format_option
def worker(jobs: int, engine: str, once: bool, until_idle: bool, output_format: OutputFormat) -> None:
    """Keep sending: documents as they are issued, retries as they fall due, units side by side.

    Several workers may run on one ledger. SIGTERM and Ctrl-C let the calls under way finish and end with 0; with
    --once and --until-idle the exit code is that of `khatm submit`.
    """
    from khatm.cli.workplace import open_workplace
    from khatm.submission.dispatch import Until
    from khatm.submission.report import SubmissionReport
    from khatm.submission.worker import Worker

    if once and until_idle:
        raise click.UsageError("--once and --until-idle exclude each other")
    until = Until.SWEPT if once else Until.IDLE if until_idle else Until.STOPPED
    report = SubmissionReport(keeps_results=False)

    def hear(result: "DocumentResult") -> None:
        report.hear(result)
        _show_result(result, output_format)

    def trouble(unit: "Unit | None", error: Exception) -> None:
        _show_trouble(unit, error, output_format)

    with (
        open_workplace() as workplace,
        Worker(workplace.ledger, workplace.gateway, workplace.clock, hear, trouble) as sending,
        _deadline_guard(workplace, output_format),
    ):
        workplace.ledger.require_key()
        dispatch = _dispatch(workplace, sending, jobs, engine)
        _stop_on_signals(dispatch)
        progress(f"sending for {workplace.ledger.place} ({jobs} units at a time)")
        dispatch.run(until)
        if until is not Until.STOPPED:
            for unit in workplace.ledger.units():
                report.note_what_is_left(workplace.ledger, unit)
    _sum_up(report, output_format)
    if until is not Until.STOPPED:
        sys.exit(report.exit_code)


def _deadline_guard(workplace: "Workplace", output_format: OutputFormat) -> "DeadlineGuard":
    from khatm.submission.alarms import hook_of
    from khatm.submission.deadlines import DeadlineGuard

    def trouble(error: KhatmError) -> None:
        _show_trouble(None, error, output_format)

    return DeadlineGuard(workplace.ledger, workplace.clock, hook_of(os.environ), trouble)


def _dispatch(workplace: "Workplace", sending: "Worker", jobs: int, engine: str) -> "Dispatch":
    """Return the engine asked for; left to us, the distributed one where the ledger and the installation allow it."""
    from importlib.util import find_spec

    from khatm.submission.dispatch.embedded import EmbeddedDispatch
    from khatm.submission.dispatch.errors import NotDistributable

    url = workplace.home.database_url or ""
    shared, installed = url.startswith("postgres"), find_spec("procrastinate") is not None
    if engine == "distributed" and not (shared and installed):
        raise NotDistributable(found="the ledger is a SQLite file" if not shared else "procrastinate is not installed")
    if engine == "embedded" or not (shared and installed):
        return EmbeddedDispatch(sending, jobs)
    from khatm.submission.dispatch.distributed import DistributedDispatch

    return DistributedDispatch(sending, jobs, url)


def _stop_on_signals(dispatch: "Dispatch") -> None:
    """End on the first signal when the calls under way are finished, on the second at once."""

    def stop(number: int, _frame: "FrameType | None") -> None:
        signal.signal(number, signal.SIG_DFL)
        dispatch.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


def _sum_up(report: "SubmissionReport", output_format: OutputFormat) -> None:
    obstacles: tuple[NotOnboarded | Stopped, ...] = (*report.not_onboarded, *report.stopped)
    for obstacle in obstacles:
        if output_format == "json":
            harmless = not getattr(obstacle, "blocks", True)
            emit({"ok": harmless, "unit": obstacle.unit, "message": _both(obstacle), **_obstacle_facts(obstacle)})
        progress(obstacle.sentence())
    if output_format == "text":
        say(f"{report.accepted} accepted, {report.refused} refused, {report.waiting} waiting")


def _show_result(result: "DocumentResult", output_format: OutputFormat) -> None:
    document = result.document
    if output_format == "json":
        emit(
            {
                "ok": result.accepted,
                "unit": result.unit,
                "icv": document.icv,
                "uuid": document.uuid,
                "route": document.route.value,
                "state": document.state.value,
                "http_status": result.http_status,
                "cleared": result.cleared,
                "messages": [
                    {"level": each.level, "code": each.code, "category": each.category, "text": each.message}
                    for each in result.messages
                ],
                "message": _both(result),
            }
        )
        return
    say(f"{result.unit}  ICV {document.icv}  {document.route.value}: {document.state.value.replace('_', ' ')}")
    for each in result.messages:
        if each.level != "info":
            say(f"    {each.level} {each.code or '-'}: {each.message or '-'}")
    if not result.accepted:
        say(f"    {result.sentence()}")


def _show_trouble(unit: "Unit | None", error: Exception, output_format: OutputFormat) -> None:
    """Say what kept a unit from being sent for; a fault of ours leaves its crash report."""
    if not isinstance(error, KhatmError):
        from khatm.cli.crash import report_crash

        report_crash(error)
        return
    if output_format == "json":
        emit({**error_record(error), "unit": None if unit is None else unit.name})
    progress(f"{'' if unit is None else f'{unit.name}: '}{error.sentence()}")


def _obstacle_facts(obstacle: "NotOnboarded | Stopped") -> dict[str, object]:
    return {name: getattr(obstacle, name) for name in obstacle.__slots__ if name != "unit"}


def _both(told: "DocumentResult | NotOnboarded | Stopped") -> dict[str, str]:
    return {"en": told.sentence("en"), "ar": told.sentence("ar")}
