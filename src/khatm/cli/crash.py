"""A fault of ours: one line for the user, a report without secrets in the crash folder, exit code 70."""

import contextlib
import os
import platform
import sys
import traceback
from datetime import UTC, datetime

from khatm import __version__
from khatm.cli.output import OUR_FAULT, progress
from khatm.errors import KhatmError
from khatm.ledger.home import Home


def report_crash(error: BaseException) -> int:
    """Write a crash report (stack without local values, versions) and say where it is; return exit code 70.

    The error's own text is left out of the report and of the line: it may quote what the program was handling.
    """
    moment = datetime.now(UTC)
    frames = "".join(traceback.format_tb(error.__traceback__))
    command = sys.argv[1] if len(sys.argv) > 1 and not sys.argv[1].startswith("-") else ""
    report = (
        f"khatm {__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}\n"
        f"time: {moment.isoformat()}\ncommand: {command}\nfault: {type(error).__qualname__}\n\n{frames}"
    )
    where = "no report could be written"
    with contextlib.suppress(OSError, KhatmError):
        path = Home().folder("crash") / f"{moment:%Y%m%dT%H%M%S}-{os.getpid()}.txt"
        path.write_text(report, encoding="utf-8")
        path.chmod(0o600)
        where = f"report: {path}"
    name = type(error).__qualname__
    progress(f"error: a fault of ours ({name}); nothing was lost that had been acknowledged; {where}")
    return OUR_FAULT
