"""Writing the auditor's pack as a zip file: member by member, with the digest of each."""

import hashlib
import shutil
import tempfile
import zipfile
from types import TracebackType
from typing import IO, BinaryIO, Self

from khatm.ledger.audit import pack_format

_EPOCH = (1980, 1, 1, 0, 0, 0)
_LEVEL = 6
_FILE_MODE = 0o100644


class PackWriter:
    """Writes members in the order in which they come, and their digests at the end.

    The bytes depend on what is written and on zlib alone: no time, no name of a machine or of a user.
    """

    def __init__(self, target: BinaryIO) -> None:
        self._zip = zipfile.ZipFile(target, "w")
        self._sums: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the writer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._zip.close()
        finally:
            self._sums.close()

    def add(self, name: str, data: bytes) -> None:
        """Write a member."""
        self._note(name, hashlib.sha256(data).hexdigest())
        self._zip.writestr(_member(name), data, compress_type=zipfile.ZIP_DEFLATED, compresslevel=_LEVEL)

    def add_file(self, name: str, source: IO[bytes]) -> None:
        """Write a member from a file, a piece at a time."""
        source.seek(0)
        self._note(name, _digest(source))
        source.seek(0)
        self._copy(name, source)

    def add_sums(self) -> str:
        """Write the digests of all members, as the last one, and return the digest of that."""
        self._sums.seek(0)
        self._copy(pack_format.SUMS, self._sums)
        self._sums.seek(0)
        return _digest(self._sums)

    def _note(self, name: str, digest: str) -> None:
        self._sums.write(f"{digest}  {name}\n".encode())

    def _copy(self, name: str, source: IO[bytes]) -> None:
        member = _member(name)
        member.compress_type = zipfile.ZIP_DEFLATED
        at = source.tell()
        member.file_size = source.seek(0, 2) - at  # known beforehand, so that a large member gets 64-bit sizes
        source.seek(at)
        with self._zip.open(member, "w") as target:
            shutil.copyfileobj(source, target, 1 << 20)


def _digest(source: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while piece := source.read(1 << 20):
        digest.update(piece)
    return digest.hexdigest()


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, _EPOCH)
    member.create_system = 3  # Unix, on every machine
    member.external_attr = _FILE_MODE << 16
    return member
