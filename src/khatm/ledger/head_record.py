"""The head record: where each unit's chain stood after its last issue, written down outside the database.

A database that is put back from an older copy has forgotten its last documents, and would give their places to others.
The record remembers them. It is written after the commit and never forced to disk: a kill or a power cut leaves it
behind the database at worst, which is harmless, and never ahead of it, which would be a false alarm. For the same
reason a record that cannot be written stops nothing, and of two processes the one that comes late changes nothing.

One line of fixed width for each unit, at the place that the unit's number gives it: identity of the ledger, unit, ICV
and hash of the last document, and a checksum over them.
"""

import os
import threading
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import BigInteger, Connection, bindparam, select

from khatm.ledger import schema
from khatm.ledger.errors import ChainHeadReplaced, LedgerNoAccess
from khatm.ledger.issue_rows import Head
from khatm.ledger.prepared import Prepared

_WIDTH = 128
_HASH_AT = Prepared(
    select(schema.document.c.invoice_hash).where(
        schema.document.c.unit_id == bindparam("unit", type_=BigInteger),
        schema.document.c.icv == bindparam("icv", type_=BigInteger),
    )
)


@dataclass(frozen=True, slots=True)
class RecordedHead:
    """The last document of a unit as the record remembers it."""

    icv: int
    invoice_hash: str


class HeadRecord:
    """The record of one ledger, known by its identity, in one file; usable from several threads."""

    def __init__(self, path: Path, place: str) -> None:
        self.path = path
        self._identity = ""
        self._place = place
        self._guard = threading.Lock()
        self._file: int | None = None

    def require_continued(self, connection: Connection, head: Head) -> None:
        """Raise ChainHeadReplaced unless the locked chain goes on from the document that the record remembers."""
        recorded = self.of_unit(connection, head.unit_id)
        if recorded is None or self._continues(connection, head, recorded):
            return
        raise ChainHeadReplaced(
            place=self._place,
            unit=head.unit_name,
            icv=head.next_icv - 1,
            recorded_icv=recorded.icv,
            recorded_hash=recorded.invoice_hash,
        )

    def of_unit(self, connection: Connection, unit_id: int) -> RecordedHead | None:
        """Return what is remembered of a unit, None if nothing is. Raises LedgerNoAccess."""
        if not self._identity:
            self._identity = str(connection.execute(select(schema.ledger_identity.c.identity)).scalar_one())
        with _access(self.path):
            return _read(self._line_of(unit_id), self._identity, unit_id)

    def note(self, heads: Sequence[Head]) -> None:
        """Remember where chains stand after a commit, unless something later is remembered already."""
        with suppress(OSError):
            for head in heads:
                recorded = _read(self._line_of(head.unit_id), self._identity, head.unit_id)
                if recorded is None or recorded.icv < head.next_icv - 1:
                    self._write(head)

    def accept(self, connection: Connection, head: Head) -> None:
        """Remember a locked chain as it stands now, whatever was remembered. Raises LedgerNoAccess."""
        self.of_unit(connection, head.unit_id)
        with _access(self.path):
            self._write(head)

    def close(self) -> None:
        """Close the file."""
        with self._guard:
            if self._file is not None:
                os.close(self._file)
            self._file = None

    def _continues(self, connection: Connection, head: Head, recorded: RecordedHead) -> bool:
        if recorded.icv >= head.next_icv:
            return False
        if recorded.icv == head.next_icv - 1:
            return head.last_hash == recorded.invoice_hash
        found = _HASH_AT.first(connection, {"unit": head.unit_id, "icv": recorded.icv})
        # A chain that was taken over from elsewhere does not hold the documents before its beginning.
        return found is None or found[0] == recorded.invoice_hash

    def _line_of(self, unit_id: int) -> bytes:
        with self._guard:
            os.lseek(self._opened(), unit_id * _WIDTH, os.SEEK_SET)
            return os.read(self._opened(), _WIDTH)

    def _write(self, head: Head) -> None:
        line = b"\n".rjust(_WIDTH)
        if head.next_icv > 1:
            line = _line(self._identity, head.unit_id, head.next_icv - 1, head.last_hash)
        with self._guard:
            os.lseek(self._opened(), head.unit_id * _WIDTH, os.SEEK_SET)
            os.write(self._opened(), line)

    def _opened(self) -> int:
        if self._file is None:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
            self._file = os.open(self.path, flags, 0o600)
        return self._file


@contextmanager
def _access(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LedgerNoAccess(place=str(path), reason=error.strerror or type(error).__name__) from None


def _line(identity: str, unit_id: int, icv: int, invoice_hash: str) -> bytes:
    text = f"{identity} {unit_id} {icv} {invoice_hash}"
    return f"{text} {zlib.crc32(text.encode()):08x}".ljust(_WIDTH - 1).encode() + b"\n"


def _read(line: bytes, identity: str, unit_id: int) -> RecordedHead | None:
    """Return what a line remembers, None for an empty or torn one and for that of another ledger."""
    parts = line.decode("ascii", errors="replace").split()
    if len(parts) != 5 or parts[:2] != [identity, str(unit_id)]:
        return None
    if line != _line(identity, unit_id, int(parts[2]) if parts[2].isdigit() else 0, parts[3]):
        return None
    return RecordedHead(int(parts[2]), parts[3])
