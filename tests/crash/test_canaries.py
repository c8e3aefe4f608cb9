"""Secrets stay where they belong: a whole life by the command line leaves none in any file, output or argument."""

import base64
import json
import secrets
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from sqlalchemy.engine import make_url

from khatm.clock import SystemClock
from khatm.ledger import journal
from khatm.ledger.generations import GenerationState
from khatm.ledger.home import Home
from khatm.ledger.ledger import Ledger, open_ledger
from khatm.simulator.embedded import EmbeddedSimulator
from khatm.stamp.certificate import decode_token
from tests import postgresql
from tests.crash import canary_life as life_of
from tests.crash.canaries import Canary, Find, Search, postgresql_values, spellings, sqlite_values
from tests.crash.canary_life import Life, watched

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


def key_canaries(ledger: Ledger) -> list[Canary]:
    """The private keys; each is proven to be the one that its certificate is about."""
    found = []
    for generation in ledger.generations("till"):
        key: Any = load_pem_private_key(ledger.key_of(generation), None)
        token = generation.pcsid_token or generation.ccsid_token
        if token is not None:
            pem = f"-----BEGIN CERTIFICATE-----\n{decode_token(token)}\n-----END CERTIFICATE-----\n"
            assert x509.load_pem_x509_certificate(pem.encode()).public_key() == key.public_key()
        scalar = key.private_numbers().private_value
        found += [
            Canary(f"key {generation.label}", scalar.to_bytes(32, "big")),
            Canary(f"key {generation.label} in decimal", str(scalar).encode()),
        ]
    assert found
    return found


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


def sealed_otps(ledger: Ledger, home: Home) -> list[str]:
    """The one-time passwords that the journal keeps, opened."""
    with ledger._store.read() as connection:
        calls = journal.of_unit(connection, ledger.unit("till").id, only_open=False)
    sealed = [(each.facts["sealed_otp"], each.generation_id) for each in calls if "sealed_otp" in each.facts]
    custodian = home.custodian()
    return [custodian.open(base64.b64decode(str(otp)), f"otp of generation {of}").decode() for otp, of in sealed]


def look_everywhere(search: Search, life: Life, database: str | None, untold: list[Path]) -> None:
    """Look through everything that the life has left; `untold` are the files that hold secrets by their nature."""
    for path in life.desk.folder.rglob("*"):
        if path.is_file() and path not in untold:
            kind = "folder" if path.parent == life.desk.folder else path.parent.name
            if path.name.startswith("ledger.db"):
                kind = path.name
            search.look_at_file("pack" if path.suffix == ".zip" else kind, path)
    search.look("output", b"\n".join(life.output))
    if database is None:
        search.look("values", sqlite_values(life.desk.home / "ledger.db"))
        return
    search.look("values", postgresql_values(database))
    with postgresql.connect(database) as driver:
        driver.execute("CHECKPOINT")
        [(data, oid)] = driver.execute(
            "SELECT current_setting('data_directory'), oid FROM pg_database WHERE datname = current_database()"
        ).fetchall()
    # A server on another machine, or of another user, keeps its files to itself.
    if (Path(data) / "base").is_dir():
        for path in (*(Path(data) / "base" / str(oid)).iterdir(), *(Path(data) / "pg_wal").glob("0*")):
            search.look_at_file("write-ahead log" if path.parent.name == "pg_wal" else "database files", path)
        log = Path(data).parent / "log"
        if log.exists():
            search.look_at_file("server's log", log)


@pytest.mark.usefixtures("either_store")
def test_a_whole_life_leaves_no_secret_anywhere(tmp_path: Path) -> None:
    database = database_of(tmp_path)
    settings = {"KHATM_PASSPHRASE": PASSPHRASE} if database is None else {"KHATM_PASSPHRASE_FILE": "passphrase"}
    (tmp_path / "passphrase").write_text(PASSPHRASE + "\n", encoding="utf-8")
    if database is not None:
        settings["KHATM_DATABASE_URL"] = database
    with EmbeddedSimulator() as simulator:
        life = Life(tmp_path, simulator, settings)
        with watched(life):
            life_of.added(life)
            with whole_history(life.desk.home, database):
                life_of.onboarded_with_losses(life)
                life_of.traded(life)
                life_of.renewed_with_losses(life)
                life_of.refused(life, database)
                life_of.audited(life)
                # Opened by the other way to name the same passphrase.
                home = Home(life.desk.home, environ=settings | {"KHATM_PASSPHRASE_FILE": str(tmp_path / "passphrase")})
                with open_ledger(home, SystemClock()) as ledger:
                    kept = sealed_otps(ledger, home)
                    canaries = [*key_canaries(ledger), *secret_canaries(life, ledger)]
                    token = str(ledger.live_generation("till").pcsid_token)  # type: ignore[union-attr]
                otps = [*life.typed_otps, *life.piped_otps]
                assert len(life.issued_secrets()) >= 9
                assert set(otps) <= set(kept)
                canaries += [
                    Canary("passphrase", PASSPHRASE.encode()),
                    Canary("wrong passphrase", life_of.WRONG.encode()),
                    Canary("password", (make_url(database).password or "").encode() if database else PASSWORD.encode()),
                ]
                search = Search([*canaries, *(Canary(f"OTP {otp}", otp.encode(), word=True) for otp in otps)])
                look_everywhere(search, life, database, [tmp_path / "passphrase"])
    arguments = Search([*canaries, *(Canary("OTP", otp.encode(), word=True) for otp in life.piped_otps)])
    arguments.look("arguments", b"\n".join(life.arguments))
    print(search.searched)
    assert search.finds == set()
    assert arguments.finds == set()
