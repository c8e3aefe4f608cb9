"""A progress bar on standard error, for people who watch a terminal; nothing anywhere else."""

import contextlib
import sys
import time
from typing import IO, Final

from khatm.cli.output import is_live

_WIDTH: Final = 30
_PAUSE: Final = 0.1
"""Seconds between two drawings."""
_ERASE: Final = "\r\x1b[K"


class Bar:
    """Shows how many of `total` are done; `clear` takes it away before something else is printed."""

    def __init__(self, total: int, stream: IO[str] | None = None) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._total = total
        self._done = 0
        self._live = total > 0 and is_live(self._stream)
        self._shown = False
        self._next = 0.0

    def advance(self) -> None:
        """Count one more, and draw the bar, at most ten times a second."""
        self._done += 1
        if self._live and (self._done == self._total or time.monotonic() >= self._next):
            self._next = time.monotonic() + _PAUSE
            self._write(f"\r[{self._filled()}] {self._done} of {self._total}")
            self._shown = True

    def clear(self) -> None:
        """Take the bar off the line."""
        if self._shown:
            self._write(_ERASE)
            self._shown = False
            self._next = 0.0

    def _filled(self) -> str:
        filled = _WIDTH * min(self._done, self._total) // self._total
        return "#" * filled + "-" * (_WIDTH - filled)

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError):
            self._stream.write(text)
            self._stream.flush()
