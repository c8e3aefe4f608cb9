"""Secrets that must be nowhere, in what spellings they could be somewhere, and the search for them.

A long secret is looked for by its first and its last bytes, so that a part of it is found too, as after an answer that
was cut in the middle. Six digits of a one-time password occur in any text of digits by chance: it is looked for as a
word of its own.
"""

import base64
import ctypes
import io
import re
import sqlite3
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote_from_bytes

from sqlalchemy.engine import make_url

from tests import postgresql

WINDOW = 12
"""Bytes of a long secret that give it away: 72 bits of a base64 text are found nowhere by chance."""
_WORD = rb"(?<![0-9A-Za-z+/=])(?<!\d[.,])%s(?![0-9A-Za-z+/=])"
_WORD_DECODED = rb"(?<![0-9A-Za-z])(?<!\d[.,])%s(?![0-9A-Za-z])"
_GROUPS = re.compile(rb"(?:[A-Za-z0-9+/_-]{4})+")


@dataclass(frozen=True)
class Canary:
    """A secret under a name for the report; `word` is for short ones that count only as a word of their own."""

    name: str
    value: bytes
    word: bool = False

    @property
    def pieces(self) -> list[bytes]:
        """The bytes that must not be found."""
        return list(dict.fromkeys((self.value[:WINDOW], self.value[-WINDOW:])))


@dataclass(frozen=True, order=True)
class Find:
    """A secret where none may be."""

    place: str
    canary: str
    spelling: str


def spellings(piece: bytes) -> dict[str, bytes]:
    """Return the forms in which bytes could have been written, by name."""
    forms = {
        "raw": piece,
        "hex": piece.hex().encode(),
        "HEX": piece.hex().upper().encode(),
        "percent": quote_from_bytes(piece, safe="").encode(),
        "repr": repr(piece)[2:-1].encode(),
    }
    for offset in range(3):
        # The characters that hold bits of the piece only, whatever stands before and behind it.
        bits = 8 * offset, 8 * (offset + len(piece))
        padded = base64.b64encode(b"\0" * offset + piece + b"\0\0")
        forms[f"base64+{offset}"] = padded[-(-bits[0] // 6) : bits[1] // 6]
        for_addresses = forms[f"base64+{offset}"].translate(bytes.maketrans(b"+/", b"-_"))
        if for_addresses != forms[f"base64+{offset}"]:
            forms[f"base64url+{offset}"] = for_addresses
    if not piece.translate(None, bytes(range(32, 127))):
        forms["utf-16-le"] = piece.decode().encode("utf-16-le")
        forms["utf-16-be"] = piece.decode().encode("utf-16-be")
    return {name: form for name, form in forms.items() if name == "raw" or form != piece}


class Search:
    """The canaries in all their spellings, ready to be looked for."""

    def __init__(self, canaries: Iterable[Canary]) -> None:
        self.finds: set[Find] = set()
        self.searched: dict[str, int] = {}
        """Bytes looked through, by place."""
        self._needles: dict[bytes, tuple[str, str]] = {}
        self._words: list[tuple[bytes, Canary, str]] = []
        for canary in canaries:
            for piece in canary.pieces:
                for spelling, form in spellings(piece).items():
                    if canary.word and spelling.startswith(("raw", "utf-16", "base64")):
                        self._words.append((form, canary, spelling))
                    else:
                        self._needles[form] = canary.name, spelling

    def look(self, place: str, data: bytes) -> None:
        """Look through bytes, through what they hold in compressed form, and through text without its line breaks."""
        for form in _readings(data):
            self.searched[place] = self.searched.get(place, 0) + len(form)
            for needle, (canary, spelling) in self._needles.items():
                if _holds(form, needle):
                    self.finds.add(Find(place, canary, spelling))
            for word, short, spelling in self._words:
                if _holds(form, word) and _stands_alone(form, word, short, spelling):
                    self.finds.add(Find(place, short.name, spelling))

    def look_at_file(self, place: str, path: Path) -> None:
        """Look through a file as it lies on the disk, its name included."""
        self.look(place, path.name.encode())
        self.look(place, path.read_bytes())


def _stands_alone(data: bytes, word: bytes, canary: Canary, spelling: str) -> bool:
    """Whether a short secret stands somewhere as a word of its own; in base64, in the text that was encoded.

    A certificate's serial number, for one, has dozens of digits, and stands in encoded documents.
    """
    if not spelling.startswith("base64"):
        return re.search(_WORD % re.escape(word), data) is not None
    before = (0, 2, 3)[int(spelling[-1])]  # characters of the first group that hold other bits too
    for found in re.finditer(re.escape(word), data):
        begin, end = found.start() - before, found.start() - before + -(-(before + len(word)) // 4) * 4
        around = data[max(begin - 4, 0) : begin], data[begin:end], data[end : end + 4]
        text = b"".join(group for group in around if _GROUPS.fullmatch(group))
        decoded = base64.b64decode(text.translate(bytes.maketrans(b"-_", b"+/")))
        if canary.value not in decoded or re.search(_WORD_DECODED % re.escape(canary.value), decoded):
            return True
    return False


def _finder() -> Callable[[bytes, bytes], bool]:
    """Return the test whether bytes hold others; by the C library where it can, which is three times as fast."""
    try:
        memmem = ctypes.CDLL(None).memmem
    except (AttributeError, OSError, TypeError):  # Windows has none
        return bytes.__contains__
    memmem.restype = ctypes.c_void_p
    memmem.argtypes = (ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t)
    return lambda data, piece: memmem(data, len(data), piece, len(piece)) is not None


_holds = _finder()


def _readings(data: bytes) -> Iterator[bytes]:
    # Databases and logs of a fixed size are zeros for the most part.
    yield re.sub(rb"\0{32,}", b"\0" * 8, data)
    if b"\0" not in data and b"\n" in data:
        yield data.translate(None, b"\r\n")
    if data[:1] == b"\x78":
        try:
            yield zlib.decompress(data)
        except zlib.error:
            return
    if b"PK\x03\x04" in data and zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as pack:
            for name in pack.namelist():
                yield name.encode()
                yield from _readings(pack.read(name))


def sqlite_values(path: Path) -> bytes:
    """Return every value of every table of a SQLite file, one on a line; compressed ones as they are read."""
    with closing(sqlite3.connect(path)) as database:
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return _joined(row for (table,) in tables for row in database.execute(f'SELECT * FROM "{table}"'))


def postgresql_values(address: str) -> bytes:
    """Return every value of every table of every schema of a database, PostgreSQL's own left out."""
    with postgresql.connect(address) as database:
        tables = database.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables "
            "WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        return _joined(row for (table,) in tables for row in database.execute(f"SELECT * FROM {table}".encode()))


def _joined(rows: Iterable[tuple[object, ...]]) -> bytes:
    values = (value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row)
    return b"\n".join(reading for value in values for reading in _readings(value))


def look_at_store(search: Search, home: Path, database: str | None) -> None:
    """Look at every value of a ledger, and at the files of its server where these tests have started it."""
    if database is None:
        search.look("values", sqlite_values(home / "ledger.db"))
        return
    search.look("values", postgresql_values(database))
    data = data_of(database)
    if data is None:
        return
    with postgresql.connect(database) as driver:
        driver.execute("CHECKPOINT")
        found = driver.execute("SELECT oid FROM pg_database WHERE datname = current_database()").fetchone()
    assert found is not None
    for path in (*(data / "base" / str(found[0])).iterdir(), *(data / "pg_wal").glob("0*")):
        search.look_at_file("write-ahead log" if path.parent.name == "pg_wal" else "database files", path)
    search.look_at_file("server's log", data.parent / "log")


def data_of(database: str) -> Path | None:
    """The folder of the server that these tests have started; None for one that was given to them."""
    folder = Path(str(make_url(database).query.get("host", "")))
    return folder if (folder / "base").is_dir() and (folder.parent / "log").is_file() else None


@contextmanager
def watched(arguments: set[bytes]) -> Iterator[None]:
    """Note the arguments of every process of the machine while the block runs, where the system shows them."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.1):
            for entry in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    arguments.add(entry.read_bytes())
                except OSError:
                    continue

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield
    finally:
        ended.set()
        watching.join()
