"""Files named on the command line: read whole with a limit, written aside and renamed, errors that name the file."""

import contextlib
import errno
import os
import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NoReturn

from khatm.cli.errors import FileUnreadable, FileUnwritable, FolderWithoutXml, WouldOverwrite

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


def xml_files(path: Path) -> list[Path]:
    """Return the `.xml` files below a folder, sorted, hidden ones left out; what is no folder stands for itself.

    Raises FolderWithoutXml, and FileUnreadable for a folder that cannot be listed.
    """
    if not path.is_dir():
        return [path]
    found: list[Path] = []
    for folder, folders, names in os.walk(path, onerror=_unlisted):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(folder, name) for name in names if name.lower().endswith(".xml") and not name.startswith(".")]
    if not found:
        raise FolderWithoutXml(path=str(path))
    return sorted(found)


def _unlisted(error: OSError) -> NoReturn:
    raise FileUnreadable(path=str(error.filename), reason=error.strerror or type(error).__name__) from None


def write_file(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write a file so that it is there whole or not at all. Raises FileUnwritable.

    A link keeps pointing where it points; what is no file (a device, a pipe) is written to and never replaced.
    """
    with file_to_write(path, mode=mode) as file:
        file.write(data)


@contextlib.contextmanager
def file_to_write(path: Path, *, mode: int = 0o644) -> Iterator[BinaryIO]:
    """Give a file to write to, which is there whole when the block ends, or not at all. Raises FileUnwritable.

    As `write_file` does for bytes at hand.
    """
    with _unwritable(path):
        if _is_stream(path):
            with path.open("wb") as stream:
                yield stream
            return
        target, aside = _places(path)
        try:
            handle = os.open(aside, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
            with os.fdopen(handle, "w+b") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            aside.replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                aside.unlink()
            raise


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Make an empty file under the first free name (`name.json`, else `name-2.json` and so on), to be written over.

    The name is taken at once, so that two programs never share one; the file goes away again if the block fails.
    Raises FileUnwritable.
    """
    number, free = 1, path
    with _unwritable(path):
        while True:
            try:
                os.close(os.open(free, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
                break
            except FileExistsError:
                number += 1
                free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    try:
        yield free
    except BaseException:
        with contextlib.suppress(OSError):
            free.unlink()
        raise


def write_new_file(path: Path, data: bytes, *, mode: int = 0o644) -> Path:
    """Write a file where none is yet, as `new_file` names it, and return its name. Raises FileUnwritable."""
    with new_file(path) as free:
        write_file(free, data, mode=mode)
    return free


def refuse_overwriting(pairs: Sequence[tuple[Path, Path]]) -> None:
    """Raise WouldOverwrite for a `(source, target)` whose target is one of the sources or another's target."""
    taken = {source.absolute() for source, _ in pairs}
    for source, target in pairs:
        if target.absolute() in taken:
            raise WouldOverwrite(path=str(target), source=str(source))
        taken.add(target.absolute())


def require_readable(path: Path) -> None:
    """Raise FileUnreadable for what cannot be opened; asked before a library says so in its own words."""
    try:
        path.open("rb").close()
    except OSError as error:
        raise FileUnreadable(path=str(path), reason=error.strerror or type(error).__name__) from None


def require_writable(path: Path) -> None:
    """Raise FileUnwritable if no file can be made there; asked before what cannot be taken back."""
    with _unwritable(path):
        if not _is_stream(path):
            _, aside = _places(path)
            os.close(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            aside.unlink()


def make_folder(path: Path, *, mode: int = 0o777) -> None:
    """Make a folder, and those above it, where there is none. Raises FileUnwritable."""
    with _unwritable(path):
        path.mkdir(mode=mode, parents=True, exist_ok=True)


@contextlib.contextmanager
def _unwritable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FileUnwritable(path=str(path), reason=error.strerror or type(error).__name__) from None


def _is_stream(path: Path) -> bool:
    try:
        kind = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(kind) or stat.S_ISDIR(kind))


def _places(path: Path) -> tuple[Path, Path]:
    """Return the file that a path means, and a new name beside it."""
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    return target, target.with_name(f".{target.name}.{os.urandom(4).hex()}")
