"""What the commands print, and the exit codes they end with.

Contract: with `--format json` one JSON object per line on stdout and nothing else; people's text is the default;
progress goes to stderr. Exit codes: 0 success, 1 the document or the authority said no, 2 usage or unreadable input,
3 could not find out, 70 a fault of ours.
"""

import json
import os
import sys
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import IO, Literal, NoReturn

import click

from khatm.errors import KhatmError

OutputFormat = Literal["text", "json"]

OK = 0
SAID_NO = 1
USAGE = 2
UNKNOWN = 3
OUR_FAULT = 70

format_option = click.option(
    "--format",
    "output_format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Text for people, or one JSON object per line on standard output.",
)


def emit(record: Mapping[str, object]) -> None:
    """Print one JSON object as a line on stdout; Decimal, dates, paths and enums become text."""
    click.echo(json.dumps(record, ensure_ascii=False, default=_plain))


def say(text: str) -> None:
    """Print a line for people on stdout."""
    click.echo(text)


def progress(text: str) -> None:
    """Print a line about what is going on to stderr."""
    click.echo(text, err=True)


def error_record(error: KhatmError) -> dict[str, object]:
    """Return an error as a JSON record: its code, its facts, and the sentence in both languages."""
    facts = {name: value for name, value in error.facts().items() if not isinstance(value, bytes)}
    message = {"en": error.sentence("en"), "ar": error.sentence("ar")}
    return {"ok": False, "error": error.code, "facts": facts, "message": message}


def fail(error: KhatmError, output_format: OutputFormat | None = None) -> NoReturn:
    """End the command with the error's exit code, its sentence on stderr, and its record on stdout in JSON mode."""
    chosen = output_format or _format_in_use()
    if chosen == "json":
        emit(error_record(error))
    progress(f"error: {error.sentence()}")
    sys.exit(error.exit_code)


def stdout_is_live(stream: IO[str] | None = None) -> bool:
    """Return whether a stream is a terminal that can show live progress (stderr by default)."""
    return bool((stream or sys.stderr).isatty()) and os.environ.get("TERM", "") != "dumb"


def _format_in_use() -> OutputFormat:
    context = click.get_current_context(silent=True)
    while context is not None:
        if context.params.get("output_format") == "json":
            return "json"
        context = context.parent
    return "text"


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    return str(value)
