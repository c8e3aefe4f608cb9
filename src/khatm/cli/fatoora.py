"""The `fatoora` command: the SDK's command line without Java.

Source: the stamp standard, sections 1.5, 6.2, 7 and 13 (commands, default file names, printed lines).
"""

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Final, NoReturn

from khatm import __version__
from khatm.cli.fatoora_arguments import CSR, HELP, USAGE, Usage, read_arguments, require
from khatm.cli.streams import ready_streams
from khatm.errors import KhatmError

if TYPE_CHECKING:
    from khatm.cli.fatoora_invoices import Result
    from khatm.cli.fatoora_words import Line

_BANNER: Final = (
    f"********** Welcome to ZATCA E-Invoice Java SDK 3.4.8 (Khatm {__version__}) *********************",
    "This is Khatm's fatoora command: the SDK's options and result words, without Java.",
)


@dataclass(eq=False)
class LogUnwritable(KhatmError):
    """Standard output does not take what the command has to say."""

    reason: str
    code: ClassVar[str] = "log-unwritable"
    exit_code: ClassVar[int] = 3
    en: ClassVar[str] = "Standard output cannot be written: {reason}. The files written by then are whole."
    ar: ClassVar[str] = "تعذّرت الكتابة في المخرج القياسي: {reason}. الملفات التي كُتبت قبل ذلك كاملة."


def main() -> NoReturn:
    """Run the command with the process's arguments and end with its exit code."""
    ready_streams()
    try:
        code = run(sys.argv[1:])
        _print("", end="")
    except KeyboardInterrupt:
        code = 130
    except KhatmError as error:
        print(f"error: {error.sentence()}", file=sys.stderr)
        code = error.exit_code
    except Exception as error:
        from khatm.cli.crash import report_crash

        code = report_crash(error)
    sys.exit(code)


def run(words: Sequence[str], now: Callable[[], datetime] | None = None) -> int:
    """Run one command line (without the program's name); print what the SDK prints and return the exit code."""
    tell = now or _local_time
    try:
        arguments = read_arguments(words)
        if HELP in arguments or not arguments.given:
            _print(USAGE)
            return 0 if arguments.given else 2
        require(arguments)
    except Usage as error:
        print(f"error: {error.sentence()}\n\n{USAGE}", file=sys.stderr)
        return error.exit_code
    printer = _Json() if "json" in arguments else _Log(tell)
    if CSR in arguments:
        from khatm.cli.fatoora_csr import make

        result = make(arguments, tell())
        printer.print(result)
        return result.exit_code
    from khatm.cli.fatoora_run import run_invoices

    return run_invoices(arguments, tell(), printer)


class _Log:
    """Results as the SDK's log: local time with milliseconds, level, class, text; a banner before the first line."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        for line in _BANNER:
            _print(line)

    def note(self, lines: "Iterable[Line]") -> None:
        """Print lines about the run itself."""
        for line in lines:
            moment = self._now()
            time = f"{moment:%Y-%m-%d %H:%M:%S},{moment.microsecond // 1000:03d}"
            _print(f"{time} [{line.level}] {line.source} - {line.text}")

    def print(self, result: "Result", heading: str = "") -> None:
        """Print what became of one invoice, under its name if there are several, or of the CSR."""
        from khatm.cli.fatoora_words import INFO, Line

        self.note([*([Line(INFO, "Invoice", heading)] if heading else []), *result.lines])


class _Json:
    """Results as one JSON object a line on standard output, what is said beside them on standard error."""

    def note(self, lines: "Iterable[Line]") -> None:
        """Print lines about the run itself."""
        with contextlib.suppress(OSError):
            for line in lines:
                print(line.text, file=sys.stderr)

    def print(self, result: "Result", heading: str = "") -> None:
        """Print one record for each command; each names its file."""
        from khatm.cli.output import emit

        for record in result.records:
            emit(record)


def _print(text: str, end: str = "\n") -> None:
    """Print on standard output at once. Raises LogUnwritable, after which standard output takes everything silently."""
    try:
        print(text, end=end, flush=True)
    except OSError as error:
        # What is left in the buffer would fail once more when the program ends.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise LogUnwritable(reason=error.strerror or type(error).__name__) from None


def _local_time() -> datetime:
    """Return the machine's local time, which the SDK's names and log lines carry."""
    return datetime.now().astimezone()
