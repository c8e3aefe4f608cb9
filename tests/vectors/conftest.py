"""Counts the entries of the stamp's vectors that were proven, and prints them after the run."""

from collections import Counter
from collections.abc import Callable

import pytest

_LABEL = "stamp vectors"


@pytest.fixture
def proven(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Call with the section's name when an entry holds; the counts stand in the summary of the run."""
    return lambda section: record_property(_LABEL, section)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print one line with the number of proven entries per section."""
    counts: Counter[str] = Counter()
    for report in terminalreporter.getreports("passed"):
        counts.update(str(section) for name, section in report.user_properties if name == _LABEL)
    if counts:
        listed = ", ".join(f"{section} {number}" for section, number in sorted(counts.items()))
        terminalreporter.write_line(f"stamp vectors proven: {counts.total()} ({listed})")
