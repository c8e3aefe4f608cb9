"""A name that one process holds: an operating-system file lock that its holder's death releases.

The lock file stays in place after use: removing it would let a third process lock a file that no longer has a name.
"""

import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from khatm.ledger.store_errors import HeldElsewhere, LedgerUnwritable

_PID_BYTES = 20
_LOCKED_OFFSET = 1 << 20
"""Windows locks are mandatory for the locked bytes, so the lock lies beyond the process number that others read."""

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> bool:
        os.lseek(descriptor, _LOCKED_OFFSET, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


@contextmanager
def file_lock(folder: Path, name: str) -> Iterator[None]:
    """Hold a name's lock (`<digest of the name>.lock` in an existing folder) for the time of the block.

    Raises HeldElsewhere with the holder's process number when another process, or another thread of this one,
    holds it, and LedgerUnwritable where no file can be locked. The operating system releases the lock when the holder
    ends in any way.
    """
    path = folder / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.lock"
    with ExitStack() as held:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
            held.callback(os.close, descriptor)
            if not _lock(descriptor):
                raise HeldElsewhere(name=name, pid=_holder(descriptor))
            os.lseek(descriptor, 0, os.SEEK_SET)
            os.write(descriptor, str(os.getpid()).encode().ljust(_PID_BYTES))
        except OSError as error:
            raise LedgerUnwritable(place=str(path), reason=error.strerror or type(error).__name__) from None
        yield


def _holder(descriptor: int) -> int | None:
    os.lseek(descriptor, 0, os.SEEK_SET)
    text = os.read(descriptor, _PID_BYTES).strip()
    return int(text) if text.isdigit() else None
