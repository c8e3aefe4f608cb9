"""`khatm issue --bulk`: many documents from a file of JSON lines, restartable at any point.

Every line is issued under a reference, its own or one made of its content, so a second run of the same file after a
crash gives back what was issued and issues the rest.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, ClassVar

from khatm.cli.errors import FileUnreadable, error_record
from khatm.cli.issued import issued_facts
from khatm.cli.output import OutputFormat, emit, is_live, progress, say
from khatm.errors import KhatmError
from khatm.ledger.documents import content_digest
from khatm.ledger.errors import LedgerError, ReferenceTaken

if TYPE_CHECKING:
    from khatm.issuing import Issued, Issuer

TOGETHER = 64
"""Lines that share a commit; after a crash at most so many are issued and not yet told of."""

MAX_LINE = 8 * 1024 * 1024


@dataclass(eq=False)
class UnusableReference(KhatmError):
    """A line's own reference is no text that can be kept and shown."""

    found: str
    code: ClassVar[str] = "unusable-reference"
    en: ClassVar[str] = (
        "reference is {found}; allowed is printable text of 1 to 200 characters without spaces around it. "
        "Leave it out to have one made of the line's content. Nothing was issued for this line."
    )
    ar: ClassVar[str] = (
        "قيمة reference هي {found}؛ المسموح نص قابل للعرض من 1 إلى 200 حرف بلا مسافات حوله. "
        "احذفها لتُشتق من محتوى السطر. لم يُصدر شيء لهذا السطر."
    )


@dataclass(eq=False)
class LineTooLong(KhatmError):
    """A line is longer than any document; the file is probably no file of JSON lines."""

    allowed: int = MAX_LINE
    code: ClassVar[str] = "line-too-long"
    en: ClassVar[str] = (
        "the line is longer than {allowed} bytes. Write one document to a line; nothing was issued for this line."
    )
    ar: ClassVar[str] = "السطر أطول من {allowed} بايت. اكتب مستندًا واحدًا في كل سطر؛ لم يُصدر شيء لهذا السطر."


@dataclass(frozen=True, slots=True)
class Line:
    """One line that is to be issued: its number in the file, the document and its reference, or why it cannot be."""

    number: int
    content: Mapping[str, object]
    reference: str
    error: KhatmError | None = None


@dataclass
class Tally:
    """What became of the lines so far."""

    issued: int = 0
    repeated: int = 0
    refused: int = 0
    exit_code: int = 0

    def refuse(self, error: KhatmError) -> None:
        """Count a refused line; the gravest code of all lines becomes the command's."""
        self.refused += 1
        self.exit_code = max(self.exit_code, error.exit_code)


def issue_lines(
    issuer: "Issuer", unit_name: str, path: Path, *, output_format: OutputFormat, stop_at_error: bool
) -> int:
    """Issue every line of a file (`-` is standard input) and return the exit code.

    A refused line is told with its number and stops no other, unless `stop_at_error`; what stops the ledger itself
    (it is busy, the disk is full) stops the run. Raises FileUnreadable.
    """
    tally = Tally()
    with _opened(path) as file, Bar(file, tally) as bar:
        lines = read_lines(file)
        stopped = False
        while not stopped and (chunk := list(islice(lines, 1 if stop_at_error else TOGETHER))):
            for line, outcome in _issue(issuer, unit_name, chunk):
                bar.clear()
                _tell(unit_name, line, outcome, tally, output_format)
                stopped = stopped or (outcome.error is not None and (stop_at_error or _concerns_all(outcome.error)))
            bar.show()
        bar.clear()
    if output_format == "text":
        say(f"{tally.issued} issued, {tally.repeated} issued before, {tally.refused} refused")
    if stopped:
        progress("stopped there; mend the cause and run the same command again: nothing is issued twice")
    return tally.exit_code


def read_lines(file: IO[bytes]) -> Iterator[Line]:
    """Read a file of JSON lines; empty lines are passed over."""
    from khatm.document.model import authoring_data

    seen: Counter[str] = Counter()
    number = 0
    while text := file.readline(MAX_LINE + 1):
        number += 1
        if not text.strip():
            continue
        try:
            if len(text) > MAX_LINE:
                while text and not text.endswith(b"\n"):
                    text = file.readline(MAX_LINE)
                raise LineTooLong
            content = authoring_data(text)
            reference = _reference(content.pop("reference", None), content, seen)
        except KhatmError as error:
            yield Line(number, {}, "", error)
        else:
            yield Line(number, content, reference)


def _reference(given: object, content: Mapping[str, object], seen: Counter[str]) -> str:
    """Return a line's own reference, or one made of its content and of how often that has come before."""
    if given is None:
        digest = content_digest(content)
        seen[digest] += 1
        return f"line {digest}" if seen[digest] == 1 else f"line {digest} {seen[digest]}"
    if not isinstance(given, str) or not given.isprintable() or not 0 < len(given.strip()) == len(given) <= 200:
        raise UnusableReference(found=repr(given)[:80])
    return given


def _issue(issuer: "Issuer", unit_name: str, chunk: list[Line]) -> "Iterator[tuple[Line, Issued]]":
    from khatm.issuing import Issued

    usable = [line for line in chunk if line.error is None]
    outcomes = iter(issuer.issue_all(unit_name, [(line.content, line.reference) for line in usable]))
    for line in chunk:
        yield line, next(outcomes) if line.error is None else Issued(None, line.error)


def _concerns_all(error: KhatmError) -> bool:
    return isinstance(error, LedgerError) and not isinstance(error, ReferenceTaken)


def _tell(unit_name: str, line: Line, outcome: "Issued", tally: Tally, output_format: OutputFormat) -> None:
    if outcome.error is not None:
        tally.refuse(outcome.error)
        if output_format == "json":
            emit({"line": line.number, "reference": line.reference or None, **error_record(outcome.error)})
        progress(f"line {line.number}: error: {outcome.error.sentence()}")
        return
    assert outcome.document is not None
    tally.repeated += outcome.document.repeated
    tally.issued += not outcome.document.repeated
    if output_format == "json":
        facts = issued_facts(unit_name, outcome.document)
        emit({"ok": True, "line": line.number, "reference": line.reference, **facts, "warnings": outcome.warnings})
    for each in outcome.warnings:
        progress(f"line {line.number}: warning: {each.sentence()}")


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    if str(path) == "-":
        yield sys.stdin.buffer
        return
    try:
        file = path.open("rb")
    except OSError as error:
        raise FileUnreadable(path=str(path), reason=error.strerror or type(error).__name__) from None
    with file:
        yield file


class Bar:
    """A progress bar on standard error, by the bytes read; nothing where that is no terminal."""

    def __init__(self, file: IO[bytes], tally: Tally) -> None:
        self._file = file
        self._tally = tally
        self._live = is_live(sys.stderr)
        self._shown = False
        self._size = 0
        if self._live and file.seekable():
            self._size = file.seek(0, 2)
            file.seek(0)

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *failure: object) -> None:
        self.clear()

    def show(self) -> None:
        """Draw the bar as things stand."""
        if not self._live:
            return
        counts = f"{self._tally.issued + self._tally.repeated} issued, {self._tally.refused} refused"
        if self._size:
            share = self._file.tell() / self._size
            counts = f"[{'#' * int(share * 30):<30}] {share:4.0%}  {counts}"
        self._write(f"\r\033[K{counts}")
        self._shown = True

    def clear(self) -> None:
        """Take the bar away, so that a line can be written in its place."""
        if self._shown:
            self._write("\r\033[K")
            self._shown = False

    def _write(self, text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()
