"""A private key and its CSR as files: both or neither, and never over another key without keeping it."""

import contextlib
import os
import shutil
from datetime import datetime
from pathlib import Path

from khatm.cli.errors import FileUnwritable
from khatm.cli.files import write_file


def write_key_and_csr(key_path: Path, key: bytes, csr_path: Path, csr: bytes, *, now: datetime) -> Path | None:
    """Write a private key (mode 0600) and its CSR; if one cannot be written, neither is.

    A lost key makes every certificate on it worthless, so a key that is already there is kept beside the new one, and
    its new name is returned. Raises FileUnwritable.
    """
    kept = _set_aside(key_path, now) if key_path.is_file() else None
    try:
        write_file(key_path, key, mode=0o600)
        write_file(csr_path, csr)
    except FileUnwritable:
        with contextlib.suppress(OSError):
            if kept is not None:
                kept.replace(key_path)
            elif key_path.is_file():
                key_path.unlink()
        raise
    return kept


def _set_aside(path: Path, now: datetime) -> Path:
    stem = f"{path.name}.{now:%Y%m%d%H%M%S}.kept"
    kept = path.with_name(stem)
    number = 1
    while kept.exists():
        number += 1
        kept = path.with_name(f"{stem}{number}")
    try:
        try:
            os.link(path, kept)
        except (OSError, NotImplementedError):  # file systems without hard links
            shutil.copy2(path, kept)
    except OSError as error:
        raise FileUnwritable(path=str(kept), reason=error.strerror or type(error).__name__) from None
    return kept
