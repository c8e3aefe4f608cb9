"""`khatm validate`: is it right, and if not, why? One file, or many in several processes."""

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import click

from khatm.cli.bar import Bar
from khatm.cli.output import OutputFormat, emit, format_option, say
from khatm.cli.validating import Judged, Task, expand, judged, moment


@dataclass(slots=True)
class Tally:
    """What came out for many files."""

    codes: Counter[int] = field(default_factory=Counter)
    changed: int = 0

    def add(self, each: Judged) -> None:
        """Count one file."""
        self.codes[each.exit_code] += 1
        self.changed += each.changes

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

    if at is not None and moment(at) is None:
        raise click.UsageError(f"--at {at}: an ISO 8601 time with a zone is needed, such as 2026-03-01T12:00:00+03:00")
    other = None if compare is None else Edition.named(compare).value
    files, unlisted = expand(paths)
    many = len(files) + len(unlisted) > 1
    task = Task(Edition.named(edition).value, other, at, previous_hash, max_size, advice=advice, brief=many)
    tally, bar = Tally(), Bar(len(files) if many else 0)
    for each in chain(unlisted, judged(task, files, jobs)):
        tally.add(each)
        bar.clear()
        if output_format == "json":
            emit(each.record)
        else:
            for line in each.lines:
                say(line)
        bar.advance()
    bar.clear()
    if many and output_format == "text":
        for line in tally.lines(other):
            say(line)
    sys.exit(max(tally.codes))
