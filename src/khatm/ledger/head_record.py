"""The head record: where each unit's chain stood after its last issue, written down outside the database.

A database that is put back from an older copy has forgotten its last documents, and would give their places to others.
The record remembers them. It is written after the commit and never forced to disk: a kill or a power cut leaves it
behind the database at worst, which is harmless, and never ahead of it, which would be a false alarm. For the same
reason a record that cannot be written stops nothing, and two processes may write it in either order.

One line of fixed width for each unit, at the place that the unit's number gives it: identity of the ledger, unit, ICV
and hash of the last document, and a checksum over them.
"""

import os
import threading
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import BigInteger, Connection, bindparam, select

from khatm.ledger import schema
from khatm.ledger.errors import ChainHeadReplaced
from khatm.ledger.issue_rows import Head
from khatm.ledger.prepared import Prepared
from khatm.ledger.store_errors import LedgerNoAccess

_WIDTH = 128
_HASH_AT = Prepared(
    select(schema.document.c.invoice_hash).where(
        schema.document.c.unit_id == bindparam("unit", type_=BigInteger),
        schema.document.c.icv == bindparam("icv", type_=BigInteger),
    ),
    ["unit", "icv"],
)


class RecordedHead(NamedTuple):
    """The last document of a unit as the record remembers it."""

    icv: int
    invoice_hash: str


class HeadRecord:
    """The record of one ledger, known by its identity, in one file; usable from several threads.

    `path` gives the file for an identity, which is read from the database at the first use.
    """

    def __init__(self, path: Callable[[str], Path], place: str) -> None:
        self._path_of = path
        self._identity = ""
        self._place = place
        self._guard = threading.Lock()
        self._file = 0
        self._written: dict[int, tuple[bytes, RecordedHead | None]] = {}
        """The line last written for each unit, so that finding it again tells all that it says."""

    @property
    def path(self) -> Path:
        """The record's file."""
        return self._path_of(self._identity)

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
        try:
            with self._guard:
                file = self._file or self._opened()
                os.lseek(file, unit_id * _WIDTH, os.SEEK_SET)
                line = os.read(file, _WIDTH)
        except OSError as error:
            raise LedgerNoAccess(place=str(self.path), reason=error.strerror or type(error).__name__) from None
        known = self._written.get(unit_id)
        if known is not None and known[0] == line:
            return known[1]
        return _read(line, self._identity, unit_id)

    def note(self, heads: Sequence[Head]) -> None:
        """Remember where chains stand after a commit, in whose transaction the record was asked before."""
        with suppress(OSError):
            for head in heads:
                self._write(head)

    def accept(self, connection: Connection, head: Head) -> None:
        """Remember a locked chain as it stands now, whatever was remembered. Raises LedgerNoAccess."""
        self.of_unit(connection, head.unit_id)
        try:
            self._write(head)
        except OSError as error:
            raise LedgerNoAccess(place=str(self.path), reason=error.strerror or type(error).__name__) from None

    def close(self) -> None:
        """Close the file."""
        with self._guard:
            if self._file:
                os.close(self._file)
            self._file = 0

    def _continues(self, connection: Connection, head: Head, recorded: RecordedHead) -> bool:
        if recorded.icv >= head.next_icv:
            return False
        if recorded.icv == head.next_icv - 1:
            return head.last_hash == recorded.invoice_hash
        found = _HASH_AT.first(connection, (head.unit_id, recorded.icv))
        # A chain that was taken over from elsewhere does not hold the documents before its beginning.
        return found is None or found[0] == recorded.invoice_hash

    def _write(self, head: Head) -> None:
        remembered = RecordedHead(head.next_icv - 1, head.last_hash) if head.next_icv > 1 else None
        line = _line(self._identity, head.unit_id, remembered)
        with self._guard:
            file = self._file or self._opened()
            os.lseek(file, head.unit_id * _WIDTH, os.SEEK_SET)
            os.write(file, line)
            self._written[head.unit_id] = (line, remembered)

    def _opened(self) -> int:
        if not self._file:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
            self._file = os.open(self.path, flags, 0o600)
        return self._file


def _line(identity: str, unit_id: int, head: RecordedHead | None) -> bytes:
    if head is None:
        return b"\n".rjust(_WIDTH)
    text = f"{identity} {unit_id} {head.icv} {head.invoice_hash}"
    return f"{text} {zlib.crc32(text.encode()):08x}".ljust(_WIDTH - 1).encode() + b"\n"


def _read(line: bytes, identity: str, unit_id: int) -> RecordedHead | None:
    """Return what a line remembers, None for an empty or torn one and for that of another ledger."""
    parts = line.decode("ascii", errors="replace").split()
    if len(parts) != 5 or not parts[2].isdigit():
        return None
    found = RecordedHead(int(parts[2]), parts[3])
    return found if line == _line(identity, unit_id, found) else None
