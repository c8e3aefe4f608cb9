"""The report: a grade as JSON members, and the two files that hold it for programs and for people.

The files are kept up to date while the simulator runs, each replaced as a whole, and written a last time at its end.
"""

import contextlib
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from khatm import __version__
from khatm.errors import Language
from khatm.simulator.errors import UnwritableReport
from khatm.simulator.grading.board import STATES, Mark
from khatm.simulator.grading.cases import CASES, Case, finding_text
from khatm.simulator.grading.grader import Grade, Grader
from khatm.simulator.store import utc_text

FORMAT: Final = "khatm-grade/1"
_LANGUAGES: Final[tuple[Language, ...]] = ("en", "ar")
_SUFFIXES: Final = (".html", ".htm", ".json")
_BREATH = 1.0
"""Seconds between two writings while the simulator runs."""


def grade_members(grade: Grade) -> dict[str, object]:
    """Return the JSON members of a grade."""
    return {
        "format": FORMAT,
        "version": __version__,
        "final": grade.final,
        "began_at": utc_text(grade.began_at),
        "at": utc_text(grade.at),
        "broken": grade.broken,
        "exit_code": grade.exit_code,
        "counts": {state: grade.count(state) for state in STATES},
        "cases": [_case_members(each, grade.marks[each.id]) for each in CASES],
    }


def _case_members(case: Case, mark: Mark) -> dict[str, object]:
    return {
        "number": case.number,
        "id": case.id,
        "group": case.group,
        "provoked": case.provoked,
        "source": case.source,
        "state": mark.state,
        "title": {each: case.text("title", each) for each in _LANGUAGES},
        "looks": {each: case.text("looks", each) for each in _LANGUAGES},
        "fix": {each: case.text("fix", each) for each in _LANGUAGES},
        "finding": None
        if mark.finding is None
        else {
            "key": mark.finding,
            "facts": dict(mark.facts),
            "text": {each: finding_text(mark.finding, each, mark.facts) for each in _LANGUAGES},
        },
        "evidence": [each.members for each in mark.evidence],
    }


def report_paths(path: Path) -> tuple[Path, Path]:
    """Return where the page and the JSON go: beside each other, under the name that was given less its suffix."""
    stem = path.with_suffix("") if path.suffix.lower() in _SUFFIXES else path
    page = path if path.suffix.lower() in _SUFFIXES[:2] else stem.with_name(f"{stem.name}.html")
    return page, stem.with_name(f"{stem.name}.json")


def summary(grade: Grade, paths: tuple[Path, Path]) -> str:
    """Return the line that the program says at its end."""
    counts = ", ".join(f"{grade.count(state)} {state.replace('_', ' ')}" for state in STATES)
    return f"grade: {counts}; {paths[0]}, {paths[1]}"


class ReportFiles:
    """Keeps the two files while it is open."""

    def __init__(self, path: Path, grader: Grader, page: Callable[[Grade], str]) -> None:
        """`page` makes the page for people. Raises UnwritableReport if the files cannot be written."""
        self.paths = report_paths(path)
        self._grader = grader
        self._page = page
        self._ending = threading.Event()
        self._write(grader.grade())
        self._thread = threading.Thread(target=self._keep, name="khatm-grade", daemon=True)

    def __enter__(self) -> Self:
        """Begin to keep them up to date."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Write the final grade. Raises UnwritableReport."""
        self._ending.set()
        self._grader.changed.set()
        self._thread.join()
        self._write(self._grader.grade(final=True))

    def _keep(self) -> None:
        while not self._ending.is_set():
            self._grader.changed.wait()
            self._grader.changed.clear()
            if not self._ending.is_set():
                with contextlib.suppress(UnwritableReport):  # the last writing says it
                    self._write(self._grader.grade())
            self._ending.wait(_BREATH)

    def _write(self, grade: Grade) -> None:
        page, members = self.paths
        _replace(page, self._page(grade))
        _replace(members, json.dumps(grade_members(grade), ensure_ascii=False, indent=2) + "\n")


def _replace(path: Path, text: str) -> None:
    """Write a file so that whoever reads it sees the old one or the new one."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fresh.write_bytes(text.encode("utf-8", "replace"))
        fresh.replace(path)
    except OSError as error:
        raise UnwritableReport(path=str(path), reason=error.strerror or str(error)) from error
