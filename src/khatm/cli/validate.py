"""`khatm validate`: is it right, and if not, why? One file, or many in several processes."""

import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

from khatm.cli.bar import Bar
from khatm.cli.output import OutputFormat, emit, error_record, format_option, say
from khatm.errors import KhatmError

if TYPE_CHECKING:
    from khatm.rules.findings import Finding
    from khatm.rules.validation import ValidationReport

_MARKS = {"passed": "✓", "failed": "✗", "skipped": "-", "undecided": "?"}
_PLACES = 5
"""Places of one rule that people are shown; the JSON records have all."""
_CHUNK = 16
"""Files that a process takes at a time at most."""
_WORTH = 1024 * 1024
"""Bytes from which on several processes pay for their start: about a fifth of a second of work."""


@dataclass(frozen=True, slots=True)
class Task:
    """How to validate: editions by full name, instant as ISO text (None: now), expected hash, size limit.

    `brief` leaves stages without a finding out of the lines for people.
    """

    edition: str
    compare: str | None
    at: str | None
    previous_hash: str | None
    max_bytes: int
    advice: bool
    brief: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """One file's record, its lines for people, the exit code it calls for, and what the other edition changes."""

    record: dict[str, object]
    lines: tuple[str, ...]
    exit_code: int
    changes: bool = False


@dataclass(slots=True)
class Tally:
    """What came out for many files."""

    codes: Counter[int] = field(default_factory=Counter)
    changed: int = 0

    def add(self, judged: Judged) -> None:
        """Count one file."""
        self.codes[judged.exit_code] += 1
        self.changed += judged.changes

    def lines(self, compare: str | None) -> Iterator[str]:
        """Yield the closing lines: files by outcome, and how many the other edition judges otherwise."""
        words = {0: "valid", 1: "not valid", 3: "undecided", 2: "not read"}
        told = ", ".join(f"{self.codes[code]} {word}" for code, word in words.items() if code < 2 or self.codes[code])
        yield f"{self.codes.total()} files: {told}"
        if compare is not None:
            yield f"with {compare}: {self.changed} of them have other findings"


@click.command()
@click.argument("paths", metavar="FILE…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--edition", default="3.4.8", show_default=True, help="The rule edition: 3.4.8 or 3.3.3.")
@click.option("--compare", help="Another edition: show what would change.")
@click.option("--pih", "previous_hash", help="The previous document's invoice hash, in base64.")
@click.option("--at", help="Judge as of this instant (ISO 8601 with a zone) instead of now.")
@click.option("--max-size", default=16 * 1024 * 1024, show_default=True, type=click.IntRange(1), help="In bytes.")
@click.option("--advice/--no-advice", default=True, show_default=True, help="Our own last stage of advice.")
@click.option(
    "--jobs", type=click.IntRange(1, 64), help="Processes [default: one for each core, if there is enough to do]."
)
@format_option
def validate(
    paths: tuple[Path, ...],
    edition: str,
    compare: str | None,
    previous_hash: str | None,
    at: str | None,
    max_size: int,
    advice: bool,
    jobs: int | None,
    output_format: OutputFormat,
) -> None:
    """Validate XML invoices with the official rules: XML, structure, EN 16931, KSA, signature, QR code, chain.

    A folder stands for all .xml files below it, `-` for standard input. Advice is what a careful generator would do
    otherwise; it makes no document invalid.

    \b
    Exit code 0 if all are valid, 1 if one is not, 2 if one cannot be read, 3 if one could not be decided.
    """
    from khatm.rules.edition import Edition

    if at is not None and _moment(at) is None:
        raise click.UsageError(f"--at {at}: an ISO 8601 time with a zone is needed, such as 2026-03-01T12:00:00+03:00")
    other = None if compare is None else Edition.named(compare).value
    files, unlisted = _expand(paths)
    many = len(files) + len(unlisted) > 1
    task = Task(Edition.named(edition).value, other, at, previous_hash, max_size, advice=advice, brief=many)
    tally, bar = Tally(), Bar(len(files) if many else 0)
    for judged in chain(unlisted, _judged(task, files, jobs)):
        tally.add(judged)
        bar.clear()
        if output_format == "json":
            emit(judged.record)
        else:
            for line in judged.lines:
                say(line)
        bar.advance()
    bar.clear()
    if many and output_format == "text":
        for line in tally.lines(other):
            say(line)
    sys.exit(max(tally.codes))


def _expand(paths: Sequence[Path]) -> tuple[list[Path], list[Judged]]:
    """Return the files that the paths stand for, each path as given, and what cannot be listed."""
    from khatm.cli.files import xml_files

    files: list[Path] = []
    unlisted = []
    for path in paths:
        try:
            files += xml_files(path)
        except KhatmError as error:
            unlisted.append(_unread(path, error))
    return files, unlisted


def _unread(path: Path, error: KhatmError) -> Judged:
    return Judged({"file": str(path), **error_record(error)}, (f"{path}: {error.sentence()}",), error.exit_code)


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _judged(task: Task, files: Sequence[Path], jobs: int | None) -> Iterator[Judged]:
    """Validate the files in their order; standard input is read here, as other processes have none."""
    others = [file for file in files if str(file) != "-"]
    jobs = min(processes_for(others) if jobs is None else jobs, len(others))
    if jobs <= 1:
        yield from (_judge(task, file) for file in files)
        return
    from concurrent.futures import ProcessPoolExecutor
    from functools import partial

    import khatm.rules.validation  # noqa: F401 - read once, before the processes are made

    yield from (_judge(task, file) for file in files if str(file) == "-")
    with ProcessPoolExecutor(jobs) as pool:
        chunk = max(1, min(_CHUNK, len(others) // (jobs * 4)))
        yield from pool.map(partial(_judge, task), others, chunksize=chunk)


def processes_for(files: Sequence[Path]) -> int:
    """Return one process for each core that this one may use, or 1 where little is to be done."""
    if len(files) < 2 or sum(file.stat().st_size for file in files if file.is_file()) < _WORTH:
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
        return _unread(file, error)
    options = {"now": now, "previous_hash": task.previous_hash, "max_bytes": task.max_bytes, "advice": task.advice}
    report = run(xml, edition=Edition(task.edition), **options)  # type: ignore[arg-type]
    record = members(report, str(file))
    lines = [*_lines(file, report, brief=task.brief)]
    changes = False
    if task.compare is not None:
        other = run(xml, edition=Edition(task.compare), **options)  # type: ignore[arg-type]
        gone, come = _changes(report, other)
        changes = bool(gone or come)
        record["compared_with"] = {"edition": task.compare, "valid": other.valid, "gone": gone, "come": come}
        lines += [f"  with {task.compare}: {'valid' if other.valid else 'not valid'}"]
        lines += [f"    - {rule}" for rule in gone] + [f"    + {rule}" for rule in come]
    return Judged(record, tuple(lines), 1 if not report.valid else 3 if report.undecided else 0, changes)


def _changes(first: "ValidationReport", second: "ValidationReport") -> tuple[list[str], list[str]]:
    """Return what the second edition no longer says and what it says anew, as `severity rule` with repetitions."""
    one, two = (Counter(f"{each.severity} {each.rule}" for each in report.official()) for report in (first, second))
    return sorted((one - two).elements()), sorted((two - one).elements())


def _lines(file: Path, report: "ValidationReport", *, brief: bool) -> Iterator[str]:
    from khatm.rules.report import sentences

    yield f"{file}: {'valid' if report.valid else 'NOT VALID'} ({report.edition.value})"
    for stage in report.stages:
        if brief and not stage.findings and stage.status != "undecided":
            continue
        yield f"  {_MARKS[stage.status]} {stage.stage:<10}{stage.status}" + (f": {stage.note}" if stage.note else "")
        for rule, findings in _by_rule(stage.findings).items():
            message, fix = sentences(findings[0], report)
            yield f"      {findings[0].severity} {rule}: {message['en']}"
            for each in findings[:_PLACES]:
                yield f"        at {each.location}" + (f", found {each.found!r}" if each.found else "")
            if len(findings) > _PLACES:
                yield f"        and {len(findings) - _PLACES} more (all of them with --format json)"
            yield f"        {fix['en']}"


def _by_rule(findings: "Sequence[Finding]") -> "dict[str, list[Finding]]":
    """Put together what one rule found, in the order of the first findings."""
    held: dict[str, list[Finding]] = {}
    for each in findings:
        held.setdefault(each.rule, []).append(each)
    return held
