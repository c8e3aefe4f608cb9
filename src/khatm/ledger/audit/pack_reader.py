"""Reading an auditor's pack that anybody may have made: bounded in members, sizes and memory, and never unpacked.

Names are checked although nothing is written to a disk by them, because the next program may do so.
"""

import hashlib
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from khatm.ledger.audit.errors import PackUnreadable

MOST_MEMBER_BYTES: Final = 64 << 20
"""Of one file that is read whole: a document, a certificate, an exchange."""
MOST_LINE_BYTES: Final = 2 << 20
MOST_DIRECTORY_BYTES: Final = 128 << 20
"""Of the table of contents, which the zip reader holds in memory: about a million members."""
MOST_EXPANSION: Final = 300
"""Unpacked over packed, all members together; invoices give 3 to 10."""
_FREE_EXPANSION: Final = 64 << 20
_NAME: Final = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9._-]*/){0,4}[A-Za-z0-9_-][A-Za-z0-9._-]*")
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_END: Final = b"PK\x05\x06"
_END_64: Final = b"PK\x06\x06"
_LOCAL_HEADER: Final = 30


class MemberDamaged(Exception):
    """A member that cannot be unpacked, or is larger than it may be."""


class PackReader:
    """An open pack. Opening it raises PackUnreadable for what is no zip file, or no safe one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.size = path.stat().st_size
            self._refuse_large_directory()
            self._zip = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise PackUnreadable(place=str(path), reason=_reason(error)) from None
        try:
            self.members = self._checked_members()
        except BaseException:
            self._zip.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()

    def read(self, name: str, most: int = MOST_MEMBER_BYTES) -> bytes:
        """Return a member's bytes. Raises MemberDamaged, KeyError for a member that is not there."""
        info = self.members[name]
        if info.file_size > most:
            raise MemberDamaged(f"{info.file_size} bytes, where {most} are allowed")
        return b"".join(self._pieces(info))

    def digest(self, name: str) -> str:
        """Return the SHA-256 of a member in hex, a piece at a time. Raises MemberDamaged."""
        digest = hashlib.sha256()
        for piece in self._pieces(self.members[name]):
            digest.update(piece)
        return digest.hexdigest()

    def lines(self, name: str, digest: "hashlib._Hash") -> Iterator[bytes]:
        """Return a member's lines without their ends, a piece at a time; `digest` is fed with what is read.

        Raises MemberDamaged.
        """
        rest = b""
        for piece in self._pieces(self.members[name]):
            digest.update(piece)
            *whole, rest = (rest + piece).split(b"\n")
            yield from whole
            if len(rest) > MOST_LINE_BYTES:
                raise MemberDamaged(f"a line of more than {MOST_LINE_BYTES} bytes")
        if rest:
            yield rest

    def _pieces(self, info: zipfile.ZipInfo) -> Iterator[bytes]:
        left = info.file_size
        try:
            with self._zip.open(info) as member:
                while piece := member.read(1 << 16):
                    left -= len(piece)
                    if left < 0:
                        raise MemberDamaged("more bytes than its header says")
                    yield piece
        except (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            raise MemberDamaged(_reason(error)) from None
        if left:
            raise MemberDamaged("fewer bytes than its header says")

    def _refuse_large_directory(self) -> None:
        """Read how large the table of contents says it is, before anything holds it in memory."""
        with self.path.open("rb") as file:
            file.seek(max(0, self.size - (1 << 16) - 100))
            end = file.read()
        at = end.rfind(_END)
        sizes = [int.from_bytes(end[at + 12 : at + 16], "little")] if at >= 0 else []
        at = end.rfind(_END_64)
        sizes += [int.from_bytes(end[at + 40 : at + 48], "little")] if at >= 0 else []
        # All ones in the short form says that the long one counts.
        if any(size > MOST_DIRECTORY_BYTES for size in sizes if size != 0xFFFFFFFF):
            raise PackUnreadable(place=str(self.path), reason="its table of contents is larger than any pack's")

    def _checked_members(self) -> dict[str, zipfile.ZipInfo]:
        found: dict[str, zipfile.ZipInfo] = {}
        for info in self._zip.infolist():
            reason = _objection(info)
            if reason is None and info.filename in found:
                reason = "the name stands twice"
            if reason is not None:
                raise PackUnreadable(place=repr(info.orig_filename)[:200], reason=reason)
            found[info.filename] = info
        self._refuse_overlap(list(found.values()))
        total = sum(info.file_size for info in found.values())
        if total > self.size * MOST_EXPANSION + _FREE_EXPANSION:
            raise PackUnreadable(place=str(self.path), reason=f"{self.size} bytes would unpack to {total}")
        return found

    def _refuse_overlap(self, members: list[zipfile.ZipInfo]) -> None:
        """No byte of the file may serve two members."""
        end = 0
        for info in sorted(members, key=lambda each: each.header_offset):
            if info.header_offset < end:
                raise PackUnreadable(place=repr(info.filename), reason="it shares its bytes with another file")
            end = info.header_offset + _LOCAL_HEADER + info.compress_size
        if end > self.size:
            raise PackUnreadable(place=str(self.path), reason="the file is cut off")


def _objection(info: zipfile.ZipInfo) -> str | None:
    if not _NAME.fullmatch(info.orig_filename) or info.filename != info.orig_filename:
        return "a name that no pack has (letters, digits, dots and dashes, in folders below the top)"
    if info.flag_bits & 0x1:
        return "it is encrypted"
    if info.compress_type not in _METHODS:
        return f"it is packed by method {info.compress_type}, and only stored and deflated are allowed"
    return None


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
