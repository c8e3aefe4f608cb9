"""`khatm validate` and `khatm explain`: is it right, and if not, why?"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from khatm.cli.output import OutputFormat, emit, error_record, format_option, progress, say
from khatm.errors import KhatmError

if TYPE_CHECKING:
    from khatm.errors import Language
    from khatm.rules.catalogue import Entry
    from khatm.rules.validation import ValidationReport

_MARKS = {"passed": "✓", "failed": "✗", "skipped": "-", "undecided": "?"}
_CHUNKS = 8


@dataclass(frozen=True, slots=True)
class Task:
    """How to validate: editions by full name, instant as ISO text (None: now), expected hash, size limit."""

    edition: str
    compare: str | None
    at: str | None
    previous_hash: str | None
    max_bytes: int


@dataclass(frozen=True, slots=True)
class Judged:
    """One file's record, its lines for people, and the exit code it calls for."""

    record: dict[str, object]
    lines: tuple[str, ...]
    exit_code: int


@click.command()
@click.argument("files", metavar="FILE…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--edition", default="3.4.8", show_default=True, help="The rule edition: 3.4.8 or 3.3.3.")
@click.option("--compare", help="Another edition: show what would change.")
@click.option("--pih", "previous_hash", help="The previous document's invoice hash, in base64.")
@click.option("--at", help="Judge as of this instant (ISO 8601 with a zone) instead of now.")
@click.option("--max-size", default=16 * 1024 * 1024, show_default=True, type=click.IntRange(1), help="In bytes.")
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes for many files.")
@format_option
def validate(
    files: tuple[Path, ...],
    edition: str,
    compare: str | None,
    previous_hash: str | None,
    at: str | None,
    max_size: int,
    jobs: int,
    output_format: OutputFormat,
) -> None:
    """Validate XML invoices with the official rules: XML, structure, EN 16931, KSA, signature, QR code, chain.

    \b
    Exit code 0 if all are valid, 1 if one is not, 2 if one cannot be read, 3 if one could not be decided.
    """
    from khatm.rules.edition import Edition

    if at is not None and _moment(at) is None:
        raise click.UsageError(f"--at {at}: an ISO 8601 time with a zone is needed, such as 2026-03-01T12:00:00+03:00")
    other = None if compare is None else Edition.named(compare).value
    task = Task(Edition.named(edition).value, other, at, previous_hash, max_size)
    worst = 0
    for number, judged in enumerate(_judged(task, files, jobs), 1):
        worst = max(worst, judged.exit_code)
        if output_format == "json":
            emit(judged.record)
        else:
            for line in judged.lines:
                say(line)
        if len(files) > 1 and sys.stderr.isatty():
            click.echo(f"\r{number} of {len(files)}", err=True, nl=number == len(files))
    sys.exit(worst)


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _judged(task: Task, files: Sequence[Path], jobs: int) -> Iterator[Judged]:
    jobs = min(jobs, len(files))
    if jobs <= 1:
        for file in files:
            yield _judge(task, file)
        return
    from concurrent.futures import ProcessPoolExecutor
    from functools import partial

    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(partial(_judge, task), files, chunksize=max(1, len(files) // (jobs * _CHUNKS)))


def _judge(task: Task, file: Path) -> Judged:
    from khatm.cli.files import read_file
    from khatm.clock import SystemClock, saudi_time
    from khatm.rules.edition import Edition
    from khatm.rules.report import members
    from khatm.rules.validation import validate as run

    now = (_moment(task.at) if task.at else None) or saudi_time(SystemClock().now())
    try:
        xml = read_file(file)
    except KhatmError as error:
        return Judged({"file": str(file), **error_record(error)}, (f"{file}: {error.sentence()}",), error.exit_code)
    options = {"now": now, "previous_hash": task.previous_hash, "max_bytes": task.max_bytes}
    report = run(xml, edition=Edition(task.edition), **options)  # type: ignore[arg-type]
    record = members(report, str(file))
    lines = [*_lines(file, report)]
    if task.compare is not None:
        other = run(xml, edition=Edition(task.compare), **options)  # type: ignore[arg-type]
        gone, come = _changes(report, other)
        record["compared_with"] = {"edition": task.compare, "valid": other.valid, "gone": gone, "come": come}
        lines += [f"  with {task.compare}: {'valid' if other.valid else 'not valid'}"]
        lines += [f"    - {rule}" for rule in gone] + [f"    + {rule}" for rule in come]
    return Judged(record, tuple(lines), 1 if not report.valid else 3 if report.undecided else 0)


def _changes(first: "ValidationReport", second: "ValidationReport") -> tuple[list[str], list[str]]:
    """Return what the second edition no longer says and what it says anew, as `severity rule` with repetitions."""
    from collections import Counter

    one, two = (Counter(f"{each.severity} {each.rule}" for each in report.findings()) for report in (first, second))
    return sorted((one - two).elements()), sorted((two - one).elements())


def _lines(file: Path, report: "ValidationReport") -> Iterator[str]:
    from khatm.rules.report import sentences

    yield f"{file}: {'valid' if report.valid else 'NOT VALID'} ({report.edition.value})"
    for stage in report.stages:
        yield f"  {_MARKS[stage.status]} {stage.stage:<10}{stage.status}" + (f": {stage.note}" if stage.note else "")
        for each in stage.findings:
            message, fix = sentences(each, report)
            yield f"      {each.severity} {each.rule}: {message['en']}"
            yield f"        at {each.location}" + (f", found {each.found!r}" if each.found else "")
            yield f"        {fix['en']}"


@click.command()
@click.argument("code")
@click.option("--language", type=click.Choice(["en", "ar"]), default="en", show_default=True)
@format_option
def explain(code: str, language: "Language", output_format: OutputFormat) -> None:
    """Explain CODE: a rule, a code of the gateway or the SDK, or a term such as BT-31 or KSA-13."""
    from khatm.rules.catalogue import codes, explain_all

    entries = explain_all(code)
    if not entries:
        from difflib import get_close_matches

        near = ", ".join(get_close_matches(code, codes(), n=5, cutoff=0.6)) or "BR-KSA-98, Invalid-OTP, BT-31"
        progress(f"error: nothing is known of {code!r}. Perhaps: {near}.")
        sys.exit(2)
    for entry in entries:
        if output_format == "json":
            emit(_explained(entry))
            continue
        text = entry.text(language)
        say(f"{entry.code}  {text.title}")
        for line in (text.why, text.fix, entry.example):
            if line:
                say(f"  {line}")
        if entry.term is not None:
            say(f"  {entry.term.xpath}  {entry.term.cardinality}  {' '.join(entry.term.rules)}")
        elif entry.fields:
            say(f"  {' '.join(entry.fields)}")


def _explained(entry: "Entry") -> dict[str, object]:
    record: dict[str, object] = {"code": entry.code, "kind": entry.kind, "fields": list(entry.fields)}
    languages: tuple[Language, ...] = ("en", "ar")
    for each in languages:
        text = entry.text(each)
        record[each] = {"title": text.title, "why": text.why, "fix": text.fix}
    if entry.example:
        record["example"] = entry.example
    if entry.term is not None:
        term = entry.term
        record["term"] = {
            "xpath": term.xpath,
            "cardinality": term.cardinality,
            "datatype": term.datatype,
            "status": term.status,
            "max_length": term.max_length,
            "rules": list(term.rules),
        }
    return record
