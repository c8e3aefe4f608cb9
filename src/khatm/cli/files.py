"""Files named on the command line: read whole with a limit, written aside and renamed, errors that name the file."""

import contextlib
import os
import secrets
import sys
from pathlib import Path

from khatm.cli.errors import FileUnreadable, FileUnwritable

MAX_BYTES = 64 * 1024 * 1024


def read_file(path: Path, *, max_bytes: int = MAX_BYTES) -> bytes:
    """Return a file's bytes (`-` is standard input). Raises FileUnreadable."""
    try:
        if str(path) == "-":
            data = sys.stdin.buffer.read(max_bytes + 1)
        else:
            with path.open("rb") as file:
                data = file.read(max_bytes + 1)
    except OSError as error:
        raise FileUnreadable(path=str(path), reason=error.strerror or type(error).__name__) from None
    if len(data) > max_bytes:
        raise FileUnreadable(path=str(path), reason=f"it is larger than {max_bytes} bytes")
    return data


def write_file(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write a file so that it is there whole or not at all. Raises FileUnwritable."""
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            aside.unlink()
        raise FileUnwritable(path=str(path), reason=error.strerror or type(error).__name__) from None
