"""Secrets stay where they belong: a whole life by the command line leaves none in any file, output or argument."""

import base64
import binascii
import io
import secrets
import sqlite3
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote_from_bytes

import httpx
import pytest
from sqlalchemy.engine import make_url

from khatm.clock import SystemClock
from khatm.ledger.generations import GenerationState
from khatm.ledger.home import Home
from khatm.ledger.ledger import Ledger, open_ledger
from khatm.simulator.embedded import EmbeddedSimulator
from tests import postgresql
from tests.crash import canary_life as life_of
from tests.crash.canaries import Canary, Find, Search, data_of, look_at_store, postgresql_values, sqlite_values, watched
from tests.crash.canary_life import Life
from tests.crash.canary_values import key_canaries, sealed_otps

PASSPHRASE = f"{secrets.token_urlsafe(18)} كلمة سر {secrets.token_urlsafe(18)}"
PASSWORD = secrets.token_urlsafe(24)


def database_of(folder: Path) -> str | None:
    """The address that `either_store` has left, with a password in it; a server that trusts everybody ignores it."""
    file = folder / "postgresql.url"
    if not file.exists():
        return None
    url = make_url(file.read_text(encoding="utf-8"))
    file.unlink()
    return (url if url.password else url.set(password=PASSWORD)).render_as_string(hide_password=False)


@contextmanager
def whole_history(home: Path, database: str | None) -> Iterator[None]:
    """Hold a SQLite file at its first state, so that its -wal keeps every page that is ever written."""
    if database is not None:
        yield
        return
    with closing(sqlite3.connect(home / "ledger.db")) as holder:
        holder.execute("BEGIN")
        holder.execute("SELECT count(*) FROM unit").fetchone()
        yield


def secret_canaries(life: Life, ledger: Ledger) -> list[Canary]:
    """Every CSID secret that the authority gave out; those that the ledger opens are among them, and they work."""
    issued = life.issued_secrets()
    for generation in ledger.generations("till"):
        if generation.ccsid_token is not None:
            assert ledger.ccsid_credentials(generation).secret in issued
        if generation.pcsid_token is not None:
            assert ledger.pcsid_credentials(generation).secret in issued
        if generation.state is GenerationState.LIVE:
            stored = ledger.pcsid_credentials(generation)
            assert call_with(life, stored.token, stored.secret) == 400
            assert call_with(life, stored.token, stored.secret[::-1]) == 401
    return [Canary(f"secret {number}", secret.encode()) for number, secret in enumerate(issued)]


def call_with(life: Life, user: str, password: str) -> int:
    """The authority's answer to an empty report under these credentials."""
    basic = base64.b64encode(f"{user}:{password}".encode()).decode()
    life.simulator.clear_faults()
    return httpx.post(
        f"{life.simulator.gateway_url}/simulation/invoices/reporting/single",
        json={"invoiceHash": "", "uuid": "", "invoice": ""},
        headers={"Accept-Version": "V2", "Authorization": f"Basic {basic}"},
        trust_env=False,
    ).status_code


def look_everywhere(search: Search, life: Life, database: str | None, untold: list[Path]) -> None:
    """Look through everything that the life has left; `untold` are the files that hold secrets by their nature."""
    for path in life.desk.folder.rglob("*"):
        if path.is_file() and path not in untold:
            kind = "folder" if path.parent == life.desk.folder else path.parent.name
            if path.name.startswith("ledger.db"):
                kind = path.name
            search.look_at_file("pack" if path.suffix == ".zip" else kind, path)
    search.look("output", b"\n".join(life.output))
    look_at_store(search, life.desk.home, database)


def dug_up(life: Life, uuid: str, canaries: list[Canary], database: str | None, untold: Path) -> tuple[int, set[Find]]:
    """Look everywhere and at the arguments; return how many places gave up what is no secret, and what was found.

    The UUID of a document, which is no secret, must be seen wherever documents leave a trace: the search reaches there.
    """
    otps = [Canary(f"OTP {otp}", otp.encode(), word=True) for otp in (*life.typed_otps, *life.piped_otps)]
    search = Search([*canaries, *otps, Canary("control", uuid.encode())])
    look_everywhere(search, life, database, [untold])
    controls = {find.place for find in search.finds if find.canary == "control"}
    expected = {"folder", "pack", "statements", "output", "values"}
    assert controls >= expected, controls
    for printed in life.typed_otps:
        assert any(printed.encode() in line for line in life.arguments)
    typed = {f"OTP {otp}" for otp in life.typed_otps}
    arguments = Search([*canaries, *(otp for otp in otps if otp.name not in typed)])
    arguments.look("arguments", b"\n".join(life.arguments))
    return len(controls - expected), {find for find in search.finds if find.canary != "control"} | arguments.finds


@pytest.mark.usefixtures("either_store")
def test_a_whole_life_leaves_no_secret_anywhere(tmp_path: Path) -> None:
    database, passphrase = database_of(tmp_path), tmp_path / "passphrase"
    passphrase.write_text(PASSPHRASE + "\n", encoding="utf-8")
    named_by = {"KHATM_PASSPHRASE": PASSPHRASE}, {"KHATM_PASSPHRASE_FILE": str(passphrase)}
    place = {"KHATM_DATABASE_URL": database} if database else {}
    with EmbeddedSimulator() as simulator:
        life = Life(tmp_path, simulator, place | named_by[database is not None])
        with watched(life.arguments):
            life_of.added(life)
            with whole_history(life.desk.home, database):
                life_of.onboarded_with_losses(life)
                uuid = life_of.issued(life)
                life_of.traded(life)
                life_of.renewed_with_losses(life)
                life_of.refused(life, database)
                life_of.audited(life)
                # Opened with the same passphrase, named in the other way.
                home = Home(life.desk.home, environ=place | named_by[database is None])
                with open_ledger(home, SystemClock()) as ledger:
                    canaries = [*key_canaries(ledger, "till"), *secret_canaries(life, ledger)]
                    assert set(sealed_otps(ledger, home, "till")) == {*life.typed_otps, *life.piped_otps}
                # CCSIDs: lost, cut, its receiver died, its receiver crashed, kept. PCSIDs: cut, crashed, kept. Renewal:
                # a CCSID cut, one kept, and the PCSID.
                assert len(life.issued_secrets()) >= 11
                if database is None:
                    life_of.migrated(life)
                canaries += [Canary("passphrase", PASSPHRASE.encode()), Canary("wrong", life_of.WRONG.encode())]
                if database is not None:
                    canaries.append(Canary("password", str(make_url(database).password).encode()))
                more, found = dug_up(life, uuid, canaries, database, passphrase)
    assert found == set()
    assert len(list((life.desk.home / "crash").iterdir())) == 3
    # The -wal and the copy of a ledger.db, or the files and the write-ahead log of a server of our own.
    assert more >= (2 if database is None or data_of(database) else 0)


def test_a_life_under_a_key_file_leaves_its_content_nowhere_else(tmp_path: Path) -> None:
    with EmbeddedSimulator() as simulator:
        life = Life(tmp_path, simulator, {})
        with watched(life.arguments):
            life_of.added(life)
            life_of.onboarded(life)
            uuid = life_of.issued(life)
            life.khatm("submit", code=0)
            life_of.exported(life)
        home = Home(life.desk.home, environ={})
        with open_ledger(home, SystemClock()) as ledger:
            canaries = [*key_canaries(ledger, "till"), *secret_canaries(life, ledger)]
        text = home.master_key_path.read_bytes().strip()
        canaries += [Canary("key file", text), Canary("key in the file", base64.b64decode(text))]
        _, found = dug_up(life, uuid, canaries, None, home.master_key_path)
    assert found == set()


def zipped(content: bytes) -> bytes:
    """A pack with one compressed member."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as pack:
        pack.writestr("exchanges/1.json", content * 3)
    return file.getvalue()


SECRET = secrets.token_bytes(40)
PASSWORD_LIKE = secrets.token_urlsafe(30).encode()
WRITTEN: dict[str, Callable[[bytes], bytes]] = {
    "raw": lambda secret: secret,
    "hex": binascii.hexlify,
    "HEX": lambda secret: binascii.hexlify(secret).upper(),
    "base64": base64.b64encode,
    "base64 after one byte": lambda secret: base64.b64encode(b":" + secret),
    "base64 after two bytes": lambda secret: base64.b64encode(b"t:" + secret + b"!"),
    "base64 for addresses": lambda secret: base64.urlsafe_b64encode(b"token:" + secret + b"!!"),
    "base64 in lines": lambda secret: b"-----BEGIN-----\n" + base64.encodebytes(b"0" * 50 + secret),
    "percent": lambda secret: quote_from_bytes(secret, safe="").encode(),
    "a Python literal": lambda secret: repr(secret).encode(),
    "compressed": zlib.compress,
    "in a zip file": zipped,
    "base64 in a zip file": lambda secret: zipped(base64.b64encode(secret)),
}


@pytest.mark.parametrize("written", WRITTEN.values(), ids=WRITTEN)
@pytest.mark.parametrize("secret", [SECRET, PASSWORD_LIKE], ids=["bytes", "text"])
def test_the_search_finds_what_is_planted(tmp_path: Path, secret: bytes, written: Callable[[bytes], bytes]) -> None:
    for part in (secret, secret[:17], secret[-17:]):
        (tmp_path / "planted").write_bytes(written(b"<" + part + b">"))
        search = Search([Canary("planted", secret), Canary("another", secrets.token_bytes(40))])
        search.look_at_file("here", tmp_path / "planted")
        assert {(find.place, find.canary) for find in search.finds} == {("here", "planted")}


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_the_search_finds_wide_characters(encoding: str) -> None:
    search = Search([Canary("planted", PASSWORD_LIKE)])
    search.look("here", "سر: ".encode(encoding) + PASSWORD_LIKE.decode().encode(encoding))
    assert search.finds


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b'{"otp": "471625"}', True),
        (b"otp\x00\x0f471625\x00", True),
        (b"--otp\x00471625", True),
        (b"OTP: 471625.", True),
        (binascii.hexlify(b"<471625>"), True),
        *((base64.b64encode(b"-" * shift + b"otp=471625;"), True) for shift in range(3)),
        *((base64.b64encode(b"-" * shift + b"471625"), True) for shift in range(3)),
        *((base64.b64encode(b'{"otp": "471625"}' + b"-" * more), True) for more in range(3)),
        (b'"' + base64.b64encode(b"471625") + b'"', True),
        *((base64.b64encode(b"-" * shift + b"<X509SerialNumber>3791147162517</"), False) for shift in range(3)),
        *((base64.b64encode(b"-" * shift + b"12:00:00.471625+00:00"), False) for shift in range(3)),
        (b"12:00:00.471625+00:00", False),
        (b"1471625", False),
        (b"9a471625fe", False),
    ],
)
def test_six_digits_are_found_as_a_word_of_their_own(text: bytes, found: bool) -> None:
    search = Search([Canary("OTP", b"471625", word=True)])
    search.look("here", text)
    assert bool(search.finds) is found


def test_the_search_reads_every_table(tmp_path: Path, postgresql_url: str) -> None:
    values = (SECRET, zlib.compress(PASSWORD_LIKE))
    with closing(sqlite3.connect(tmp_path / "planted.db")) as file, file:
        file.execute("CREATE TABLE hidden (one BLOB, two BLOB)")
        file.execute("INSERT INTO hidden VALUES (?, ?)", values)
    with postgresql.connect(postgresql_url) as driver:
        driver.execute("CREATE SCHEMA aside")
        driver.execute("CREATE TABLE aside.hidden (one BYTEA, two BYTEA)")
        driver.execute("INSERT INTO aside.hidden VALUES (%s, %s)", values)
    for found in (sqlite_values(tmp_path / "planted.db"), postgresql_values(postgresql_url)):
        search = Search([Canary("bytes", SECRET), Canary("text", PASSWORD_LIKE)])
        search.look("here", found)
        assert {find.canary for find in search.finds} == {"bytes", "text"}
