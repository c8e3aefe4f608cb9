"""What the commands print, and the exit codes they end with.

Contract: with `--format json` one JSON object per line on stdout and nothing else; people's text is the default;
progress goes to stderr. Exit codes: 0 success, 1 the document or the authority said no, 2 usage or unreadable input,
3 could not find out, 70 a fault of ours.
"""

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import IO, Any, Literal, NoReturn, TypeVar

import click

from khatm.cli.errors import OutputUnwritable, error_record
from khatm.errors import KhatmError

OutputFormat = Literal["text", "json"]
FC = TypeVar("FC", bound="Callable[..., Any] | click.Command")

OUR_FAULT = 70
_FORMAT = "khatm.format"


def _remember(context: click.Context, _: click.Parameter, chosen: OutputFormat) -> OutputFormat:
    context.meta[_FORMAT] = chosen
    return chosen


def checked_name(_: click.Context, parameter: click.Parameter, name: str | None) -> str | None:
    """Let a name pass that the ledger can keep and a line can show; anything else is a usage error."""
    if name is not None and (not name.isprintable() or not name or name != name.strip()):
        raise click.BadParameter(
            f"{name!r} is no name: printable text is allowed, not empty and without spaces around it.", param=parameter
        )
    return name


def format_choice(*more: str, explained: str = "") -> Callable[[FC], FC]:
    """Return the `--format` option of a command that knows further formats beside text and json."""
    return click.option(
        "--format",
        "output_format",
        type=click.Choice(["text", "json", *more]),
        default="text",
        show_default=True,
        callback=_remember,
        help=f"Text for people, or one JSON object per line on standard output{explained}.",
    )


format_option = format_choice()

language_option = click.option(
    "--language",
    type=click.Choice(["en", "ar"]),
    default="en",
    show_default=True,
    help="The language of the text for people; JSON has both.",
)


class Counter:
    """Shows on a terminal how far a long work is: `12,000 of 100,000`; nothing where standard error is no terminal."""

    def __init__(self) -> None:
        self._live = is_live(sys.stderr)
        self._shown = 0.0

    def __call__(self, done: int, total: int) -> None:
        """Show a state, ten times a second at most; the last one ends the line."""
        now = time.monotonic()
        if not self._live or (now - self._shown < 0.1 and done < total):
            return
        self._shown = now
        with contextlib.suppress(OSError):
            click.echo(f"\r{done:,} of {total:,}", err=True, nl=done >= total)


def emit(record: Mapping[str, object]) -> None:
    """Print one JSON object as a line on stdout; Decimal, dates, paths and enums become text, values objects."""
    encoding = sys.stdout.encoding or "utf-8"
    unicode = encoding.lower().replace("-", "") == "utf8"
    say(json.dumps(record, ensure_ascii=not unicode, default=_plain))


def say(text: str, *, newline: bool = True) -> None:
    """Print a line for people on stdout. Raises OutputUnwritable, after which stdout takes everything silently."""
    try:
        click.echo(text, nl=newline)
    except OSError as error:
        # What is left in the buffer would fail once more when the program ends.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise OutputUnwritable(reason=error.strerror or type(error).__name__) from None


def progress(text: str) -> None:
    """Print a line about what is going on to stderr, if anybody reads it."""
    with contextlib.suppress(OSError):
        click.echo(text, err=True)


def fail(error: KhatmError) -> NoReturn:
    """End the command with the error's exit code, its sentence on stderr, and its record on stdout in JSON mode."""
    if click.get_current_context().meta.get(_FORMAT) == "json":
        emit(error_record(error))
    progress(f"error: {error.sentence()}")
    sys.exit(error.exit_code)


def is_live(stream: IO[str]) -> bool:
    """Return whether a stream is a terminal that can show live progress."""
    return stream.isatty() and os.environ.get("TERM", "") != "dumb"


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (set, frozenset)):
        return list(value)
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return str(value)
