"""`khatm export` and `khatm statement`: what goes to the auditor, and what is compared with the portal."""

import contextlib
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from khatm.cli.output import (
    Counter,
    OutputFormat,
    checked_name,
    emit,
    format_choice,
    format_option,
    language_option,
    progress,
    say,
)

if TYPE_CHECKING:
    from khatm.errors import Language


def _day(_: click.Context, parameter: click.Parameter, text: str | None) -> date | None:
    """Return a Saudi date of issue given as YYYY-MM-DD, `today` or `yesterday`."""
    from khatm.clock import SystemClock, saudi_time

    if text is None:
        return None
    today = saudi_time(SystemClock().now()).date()
    named = {"today": today, "yesterday": today - timedelta(days=1)}
    with contextlib.suppress(ValueError):
        day = named.get(text) or date.fromisoformat(text)
        if text in (*named, day.isoformat()):  # not 20260305, nor the days of ISO weeks
            return day
    allowed = "YYYY-MM-DD, today and yesterday are allowed"
    raise click.BadParameter(f"{text!r} is no day; {allowed}.", param=parameter)


_FROM_HELP = "The first Saudi day of issue: YYYY-MM-DD, today or yesterday."


@click.command()
@click.option("--unit", "unit_name", callback=checked_name, required=True, help="The unit whose documents are packed.")
@click.option("--from", "first", metavar="DAY", callback=_day, required=True, help=_FROM_HELP)
@click.option("--to", "last", metavar="DAY", callback=_day, required=True, help="The last day, included.")
@click.option("--out", metavar="PACK", required=True, type=click.Path(path_type=Path), help="The zip file to write.")
@format_option
def export(unit_name: str, first: date, last: date, out: Path, output_format: OutputFormat) -> None:
    """Write an auditor's pack: the documents of a unit and a range of Saudi days, with everything that proves them.

    It is a zip file that any program unpacks; `khatm chain verify PACK` checks it without the ledger. It holds no key
    and no secret.
    """
    import hashlib
    from dataclasses import asdict

    from khatm.cli.files import file_to_write
    from khatm.cli.workplace import open_workplace

    _require_order(first, last)
    with open_workplace() as workplace, file_to_write(out) as target:
        done = workplace.ledger.export(unit_name, first, last, target, Counter())
        target.flush()
        target.seek(0)
        digest = hashlib.sha256()
        while piece := target.read(1 << 20):
            digest.update(piece)
        size = target.tell()
    facts = {**asdict(done), "out": str(out), "bytes": size, "sha256": digest.hexdigest()}
    if output_format == "json":
        emit({"ok": True, **facts})
        return
    say(f"{out}: {done.documents:,} documents, ICV {done.first_icv} to {done.last_icv}, {size:,} bytes")
    say(f"  SHA-256 of SHA256SUMS  {done.sums_digest}  (tell it to the auditor apart from the pack)")
    say(f"  SHA-256 of the pack    {facts['sha256']}")


@click.command()
@click.option("--unit", "unit_name", callback=checked_name, help="Only this unit; otherwise all of them.")
@click.option("--from", "first", metavar="DAY", callback=_day, default="today", show_default=True, help=_FROM_HELP)
@click.option("--to", "last", metavar="DAY", callback=_day, help="The last day, included; the first if not given.")
@language_option
@format_choice("csv", explained=", or CSV")
def statement(
    unit_name: str | None,
    first: date,
    last: date | None,
    language: "Language",
    output_format: Literal["text", "json", "csv"],
) -> None:
    """Count and add up what was issued, day by day: to compare with the portal's statistics and with the books.

    \b
    Days are Saudi dates of issue. Per kind of document and currency: issued, accepted, with warnings, rejected,
    waiting, set aside; taxable amount and VAT of what was issued and of what ZATCA accepted. Credit notes count as
    negative.
    """
    from khatm.cli.workplace import open_workplace
    from khatm.ledger.audit import statement_text

    until = last or first
    _require_order(first, until)
    with open_workplace() as workplace:
        days = workplace.ledger.statement(unit_name, first, until)
    if output_format == "json":
        for day in days:
            emit(statement_text.as_data(day))
    elif output_format == "csv":
        for line in statement_text.as_csv(days):
            say(line, newline=False)
    else:
        for day in days:
            for line in statement_text.as_lines(day, language):
                say(line)
        if not days:
            progress(f"nothing was issued from {first} to {until}")
        say(statement_text.CONVENTION[language])


def _require_order(first: date, last: date) -> None:
    if last < first:
        raise click.UsageError(f"--to {last} is before --from {first}")
