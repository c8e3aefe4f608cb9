"""The canaries of a run: secrets that are in use all the while, and the search for them in everything it leaves.

Each is proven to be the one in use, and is found by the same search where it may be: with the authority, in the
arguments of the command that took it, in the opened store.
"""

import json
import secrets
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from sqlalchemy.engine import make_url

from khatm.clock import SystemClock
from khatm.ledger.home import Home
from khatm.ledger.ledger import open_ledger
from khatm.simulator.fatoora import EXCHANGES_FILE, STATE_FILE
from tests.crash.canaries import Canary, Search, look_at_store, sqlite_values
from tests.crash.canary_values import key_canaries, sealed_otps
from tests.torture.authority import ROOT
from tests.torture.documents import content
from tests.torture.plan import UNITS

_COPY = "import shutil, sys; shutil.copy(sys.argv[1], sys.argv[2])"


class Planted:
    """What is planted in a run, and what came out of it beside its files."""

    def __init__(self, folder: Path, database_url: str | None) -> None:
        self.folder = folder
        self.passphrase = f"{secrets.token_urlsafe(18)} كلمة سر {secrets.token_urlsafe(18)}"
        self.wrong = f"wrong {secrets.token_urlsafe(24)}"
        self.database_url = None if database_url is None else _with_password(database_url)
        self.typed_otps: list[str] = []
        self.piped_otps: list[str] = []
        self.issued_secrets: list[str] = []
        self.arguments: set[bytes] = set()
        self.output: list[bytes] = []
        self.searched: dict[str, int] = {}
        """Bytes looked through, by place."""
        for name in ("temporary", "statements"):
            (folder / name).mkdir()

    def settings(self) -> dict[str, str]:
        """Return the settings of every process of the run."""
        where = {} if self.database_url is None else {"KHATM_DATABASE_URL": self.database_url}
        return {
            "KHATM_HOME": str(self.folder / "home"),
            "KHATM_PASSPHRASE": self.passphrase,
            "TMPDIR": str(self.folder / "temporary"),
            "CANARY_STATEMENTS": str(self.folder / "statements"),
            **where,
        }

    def khatm(self, environ: Mapping[str, str], *arguments: str, stdin: str = "", watched: bool = False) -> int:
        """Run a command to its end, keep what it was called with and what it said; return its exit code.

        `watched` has what it hands to the database written down as well, and lets it fail where `environ` says.
        """
        start = ("-m", "tests.crash.canary_child") if watched else ("-c", "from khatm.cli.khatm import main; main()")
        command = [sys.executable, *start, *arguments]
        self.arguments.add("\0".join(command).encode())
        done = subprocess.run(command, input=stdin.encode(), check=False, capture_output=True, cwd=ROOT, env=environ)
        self.output += [done.stdout, done.stderr]
        return done.returncode

    def require(self, *arguments: str, environ: Mapping[str, str], stdin: str = "") -> None:
        """Run a command that must succeed."""
        code = self.khatm(environ, *arguments, stdin=stdin)
        assert code == 0, (arguments, self.output[-2:])

    def learn_secrets(self, authority_data: Path) -> None:
        """Read from the authority's record which secrets it gave out; the search finds them and all OTPs there."""
        with closing(sqlite3.connect(authority_data / EXCHANGES_FILE)) as record:
            answers = record.execute("SELECT response_body FROM exchange WHERE response_body IS NOT NULL").fetchall()
        self.issued_secrets = [json.loads(body)["secret"] for (body,) in answers if b'"secret":"' in body]
        assert len(self.issued_secrets) == 2 * len(UNITS)
        search = Search([*self._secrets(), *self._otps()])
        for file in (authority_data / EXCHANGES_FILE, authority_data / STATE_FILE):
            search.look("the authority's record", sqlite_values(file))
        _require_found(search, [*self._secrets(), *self._otps()])

    def keep_log(self) -> None:
        """Copy the -wal file that the processes have open: it is gone once the last of them has ended.

        By a process of its own, because closing a database file would drop this process's locks on it.
        """
        if self.database_url is None:
            (self.folder / "midway").mkdir()
            log = str(self.folder / "home" / "ledger.db-wal")
            subprocess.run([sys.executable, "-c", _COPY, log, str(self.folder / "midway")], check=True)

    def provoke_errors(self, environ: dict[str, str]) -> list[str]:
        """Call with a wrong passphrase, and let the program fail with a private key in its hands."""
        document = self.folder / "refused.json"
        document.write_text(json.dumps(content(0), ensure_ascii=False), encoding="utf-8")
        wrong = environ | {"KHATM_PASSPHRASE": self.wrong}
        issue = ("issue", str(document), "--unit", UNITS[0].name)
        codes = {
            "a wrong passphrase": (self.khatm(wrong, *issue), 2),
            "a failure": (self.khatm(environ | {"CANARY_FAULT": "key"}, *issue, watched=True), 70),
        }
        return [
            f"{what}: exit {found}, expected {allowed}" for what, (found, allowed) in codes.items() if found != allowed
        ]

    def export_packs(self, environ: dict[str, str]) -> list[str]:
        """Write and verify each unit's pack."""
        (self.folder / "packs").mkdir()
        wrong = []
        for unit in UNITS:
            pack = str(self.folder / "packs" / f"{unit.name}.zip")
            for arguments in (
                ("export", "--unit", unit.name, "--from", "yesterday", "--to", "today", "--out", pack),
                ("chain", "verify", pack),
            ):
                if code := self.khatm(environ, *arguments, watched=True):
                    wrong.append(f"khatm {' '.join(arguments)}: exit {code}")
        return wrong

    def leaks(self, environ: dict[str, str], uuid: str) -> list[str]:
        """Search everything that the run has left; `uuid` is of a document, and must be found where documents are."""
        canaries = [*self._opened(environ), *self._secrets()]
        canaries += [Canary("passphrase", self.passphrase.encode()), Canary("wrong passphrase", self.wrong.encode())]
        if self.database_url is not None:
            canaries.append(Canary("password", str(make_url(self.database_url).password).encode()))
        search = Search([*canaries, *self._otps(), Canary("control", uuid.encode())])
        self._look_everywhere(search)
        self.searched = dict(sorted(search.searched.items()))
        controls = {find.place for find in search.finds if find.canary == "control"}
        assert controls >= {"packs", "values", "acknowledged"}, controls
        assert search.searched.keys() >= {"crash", "output", "statements", "folder"}, search.searched
        # The -wal files, or those of the server.
        assert self.database_url is not None or search.searched.get("ledger.db-wal"), search.searched
        typed = {f"OTP {otp}" for otp in self.typed_otps}
        arguments = Search([*canaries, *(otp for otp in self._otps() if otp.name not in typed)])
        arguments.look("arguments", b"\n".join(self.arguments))
        for expected in (
            b"tests.torture.process",
            b"tests.torture.authority",
            *(otp.encode() for otp in self.typed_otps),
        ):
            assert any(expected in line for line in self.arguments), expected
        found = arguments.finds | {find for find in search.finds if find.canary != "control"}
        return [f"{each.canary} in {each.place} ({each.spelling})" for each in sorted(found)]

    def _look_everywhere(self, search: Search) -> None:
        authority = self.folder / "authority"
        for path in self.folder.rglob("*"):
            # What the authority keeps is its own business.
            if path.is_file() and authority not in path.parents:
                kind = path.name if path.name.startswith("ledger.db") else path.parent.name
                if path.parent == self.folder:
                    kind = path.name.partition("-")[0] if path.name.startswith("acknowledged") else "folder"
                search.look_at_file(kind, path)
        search.look("output", b"\n".join(self.output))
        look_at_store(search, self.folder / "home", self.database_url)

    def _opened(self, environ: dict[str, str]) -> list[Canary]:
        """Return the keys of all units, opened; what else the store keeps sealed is what was given out and typed."""
        home, keys, otps, stored = Home(environ=environ), [], [], []
        with open_ledger(home, SystemClock()) as ledger:
            for unit in UNITS:
                found = key_canaries(ledger, unit.name)
                search = Search(found)
                for generation in ledger.generations(unit.name):
                    search.look("the opened store", ledger.key_of(generation))
                    stored += [ledger.ccsid_credentials(generation).secret, ledger.pcsid_credentials(generation).secret]
                _require_found(search, [each for each in found if "decimal" not in each.name])
                keys += found
                otps += sealed_otps(ledger, home, unit.name)
        assert sorted(stored) == sorted(self.issued_secrets)
        assert sorted(otps) == sorted([*self.typed_otps, *self.piped_otps])
        return keys

    def _secrets(self) -> list[Canary]:
        return [Canary(f"secret {number}", each.encode()) for number, each in enumerate(self.issued_secrets)]

    def _otps(self) -> list[Canary]:
        return [Canary(f"OTP {otp}", otp.encode(), word=True) for otp in (*self.typed_otps, *self.piped_otps)]


def _require_found(search: Search, canaries: list[Canary]) -> None:
    """A search that finds nothing where a secret is proves nothing."""
    missed = {each.name for each in canaries} - {find.canary for find in search.finds}
    assert canaries and not missed, missed


def _with_password(database_url: str) -> str:
    """Return an address with a password in it; a server that trusts everybody ignores it."""
    url = make_url(database_url)
    return (url if url.password else url.set(password=secrets.token_urlsafe(24))).render_as_string(hide_password=False)
