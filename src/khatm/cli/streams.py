"""The standard streams as every command may rely on them, whatever they were when the program was started."""

import os
import sys
from io import TextIOWrapper
from pathlib import Path


def ready_streams() -> None:
    """Give closed streams a place to read from or write to, and keep characters a stream cannot carry from failing.

    A closed stream would lend its number to the next file that is opened, and what is meant for a person would go
    into that file. Arabic on a terminal without it comes out as escapes.
    """
    if sys.stdin is None:
        sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 (stays open as long as the program runs)
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    for stream, errors in ((sys.stdin, "replace"), (sys.stdout, "backslashreplace"), (sys.stderr, "backslashreplace")):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=errors)
