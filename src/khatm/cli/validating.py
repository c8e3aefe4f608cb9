"""Validation of many files, in one process or several: each file is one record, and none stops the others."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from khatm.cli.errors import error_record
from khatm.cli.files import read_file, xml_files
from khatm.cli.processes import processes_for, spread
from khatm.errors import KhatmError

if TYPE_CHECKING:
    from khatm.rules.findings import Finding
    from khatm.rules.validation import ValidationReport
    from khatm.stamp.certificate import Certificate

_MARKS = {"passed": "✓", "failed": "✗", "skipped": "-", "undecided": "?"}
_PLACES = 5
"""Places of one rule that people are shown; the JSON records have all."""


class Task(NamedTuple):
    """How to validate: editions by full name, instant as ISO text (None: now), expected hash, size limit.

    `brief` leaves stages without a finding out of the lines for people. `reference` names a certificate that issuer
    and serial number are compared with instead of the embedded one, as the SDK does.
    """

    edition: str
    compare: str | None
    at: str | None
    previous_hash: str | None
    max_bytes: int
    advice: bool
    brief: bool
    reference: Path | None = None


class Judged(NamedTuple):
    """One file's record, its lines for people, the exit code it calls for, and what the other edition changes."""

    record: dict[str, object]
    lines: tuple[str, ...]
    exit_code: int
    changes: bool = False


def expand(paths: Sequence[Path]) -> tuple[list[Path], list[Judged]]:
    """Return the files that the paths stand for, each path as given, and what cannot be listed."""
    files: list[Path] = []
    unlisted = []
    for path in paths:
        try:
            files += xml_files(path)
        except KhatmError as error:
            unlisted.append(unread(path, error))
    return files, unlisted


def unread(path: Path, error: KhatmError) -> Judged:
    """Return the record of what could not be read."""
    return Judged({"file": str(path), **error_record(error)}, (f"{path}: {error.sentence()}",), error.exit_code)


def moment(text: str) -> datetime | None:
    """Read an ISO 8601 time with a zone; None for any other text."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return read if read.tzinfo is not None else None


def judged(task: Task, files: Sequence[Path], jobs: int | None) -> Iterator[Judged]:
    """Validate the files in their order; standard input is read here, as other processes have none."""
    others = [file for file in files if str(file) != "-"]
    jobs = processes_for(others) if jobs is None else jobs
    if min(jobs, len(others)) <= 1:
        yield from (judge(task, file) for file in files)
        return
    import khatm.rules.validation  # noqa: F401 - read once, before the processes are made

    yield from (judge(task, file) for file in files if str(file) == "-")
    yield from spread(partial(judge, task), others, jobs)


def judge(task: Task, file: Path) -> Judged:
    """Validate one file; what cannot be read is a record too."""
    from khatm.rules.report import members

    try:
        xml = read_file(file)
    except KhatmError as error:
        return unread(file, error)
    report = examine(task, xml, task.edition)
    record = members(report, str(file))
    lines = [*_lines(file, report, brief=task.brief)]
    changes = False
    if task.compare is not None:
        other = examine(task, xml, task.compare)
        gone, come = _changes(report, other)
        changes = bool(gone or come)
        record["compared_with"] = {"edition": task.compare, "valid": other.valid, "gone": gone, "come": come}
        lines += [f"  with {task.compare}: {'valid' if other.valid else 'not valid'}"]
        lines += [f"    - {rule}" for rule in gone] + [f"    + {rule}" for rule in come]
    return Judged(record, tuple(lines), 1 if not report.valid else 3 if report.undecided else 0, changes)


def examine(task: Task, xml: bytes, edition: str) -> "ValidationReport":
    """Validate a document's bytes by one edition. Raises what the reader of a reference certificate raises."""
    from khatm.clock import SystemClock, saudi_time
    from khatm.rules.edition import Edition
    from khatm.rules.validation import validate

    return validate(
        xml,
        now=(moment(task.at) if task.at else None) or saudi_time(SystemClock().now()),
        edition=Edition(edition),
        previous_hash=task.previous_hash,
        reference=None if task.reference is None else _certificate(task.reference),
        max_bytes=task.max_bytes,
        advice=task.advice,
    )


@lru_cache(maxsize=1)
def _certificate(path: Path) -> "Certificate":
    from khatm.stamp.certificate import read_certificate

    return read_certificate(read_file(path))


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
