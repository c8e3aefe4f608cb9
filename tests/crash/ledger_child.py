"""A process that lets itself be killed at every step of what the ledger does, and says what was left behind.

Run as `python -m tests.crash.ledger_child MODE HOME …`; it forks a fresh child per kill (nothing of the ledger is open
at that moment) and prints one JSON object.
"""

import json
import os
import random
import signal
import sqlite3
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from khatm.clock import FixedClock
from khatm.ledger.documents import DocumentState
from khatm.ledger.generations import Generation, GenerationState
from khatm.ledger.issue import ChainPlace, IssueRequest
from khatm.ledger.ledger import Ledger
from khatm.ledger.migrations import MIGRATIONS
from tests.unit.ledger_stage import (
    START,
    PlainDocument,
    add_unit,
    fresh_ledger,
    key_pair,
    make_live,
    plain_document,
    prepared,
    ready_ledger,
    simplified,
    standard,
)
from tests.unit.test_ledger_claims import evidence
from tests.unit.test_ledger_upgrade import filled, rows, schema_of


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class MortalCursor(sqlite3.Cursor):
    """Kills its process before the chosen statement that may change something, or right after a commit."""

    fatal_step = 0
    steps = 0

    def execute(self, statement: str, *parameters: object) -> sqlite3.Cursor:  # type: ignore[override]
        """Run a statement, unless it is the one to die at."""
        word = statement.split(maxsplit=1)[0].upper()
        if word != "SELECT":
            self._step()
        super().execute(statement, *parameters)  # type: ignore[arg-type]
        if word == "COMMIT":
            self._step()
        return self

    def _step(self) -> None:
        MortalCursor.steps += 1
        if MortalCursor.steps == MortalCursor.fatal_step:
            die()


class MortalConnection(sqlite3.Connection):
    """A connection whose statements all pass through mortal cursors."""

    def cursor(self, factory: object = None) -> sqlite3.Cursor:  # type: ignore[override]
        """Return a mortal cursor."""
        return super().cursor(MortalCursor)

    def execute(self, statement: str, *parameters: object) -> sqlite3.Cursor:  # type: ignore[override]
        """Run a statement on a mortal cursor."""
        return self.cursor().execute(statement, *parameters)  # type: ignore[arg-type]


def die_at(step: int) -> None:
    """Kill this process at a step of its database work: before each change, and after each commit."""
    connect = sqlite3.connect
    MortalCursor.fatal_step = step

    def mortal(*arguments: object, **options: object) -> sqlite3.Connection:
        return connect(*arguments, factory=MortalConnection, **options)  # type: ignore[call-overload,no-any-return]

    sqlite3.connect = mortal  # type: ignore[assignment]


def die_on_postgresql_at(step: int) -> None:
    """As `die_at`, for what this process asks of a PostgreSQL server."""
    import psycopg

    steps = 0

    def mortal(run: Callable[..., object]) -> Callable[..., object]:
        def counted(cursor: object, statement: object, *rest: object, **options: object) -> object:
            nonlocal steps
            word = str(statement).split(maxsplit=1)[0].upper()
            for moment in ("before", "after"):
                if moment == "after":
                    answer = run(cursor, statement, *rest, **options)
                if (moment == "before" and word != "SELECT") or (moment == "after" and word == "COMMIT"):
                    steps += 1
                    if steps == step:
                        die()
            return answer

        return counted

    psycopg.Cursor.execute = mortal(psycopg.Cursor.execute)  # type: ignore[method-assign,assignment]
    psycopg.Cursor.executemany = mortal(psycopg.Cursor.executemany)  # type: ignore[method-assign,assignment]


def in_child(work: Callable[[], None]) -> bool:
    """Do something in a forked child; return whether it was killed on the way."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    assert killed or status == 0, f"child ended with status {status}"
    return killed


def kill_everywhere(prepare: Callable[[], None], work: Callable[[], None], check: Callable[[], str]) -> dict[str, int]:
    """Kill `work` at each of its steps in turn; count what `check` finds afterwards."""
    found: dict[str, int] = {}
    step = 0
    while True:
        step += 1
        prepare()

        def doomed(step: int = step) -> None:
            die_at(step)
            die_on_postgresql_at(step)
            work()

        killed = in_child(doomed)
        word = check()
        if not killed:
            return {**found, "kills": step - 1, f"unharmed: {word}": 1}
        found[word] = found.get(word, 0) + 1


def issue_everywhere(home: Path) -> dict[str, int]:
    """Kill an issue at each step: there is nothing of it, or a whole document."""
    ready_ledger(home).close()
    before = 0

    def prepare() -> None:
        nonlocal before
        with fresh_ledger(home) as ledger:
            before = len(ledger.documents("till-1"))

    def work() -> None:
        fresh_ledger(home).issue("till-1", standard if before % 2 else simplified)

    def check() -> str:
        with fresh_ledger(home) as ledger:
            proof = ledger.verify_chain("till-1")
            assert proof.intact, proof
            assert proof.documents == len(ledger.documents("till-1")) == ledger.unit("till-1").next_icv - 1
            return {0: "nothing", 1: "whole"}[proof.documents - before]

    return kill_everywhere(prepare, work, check)


def issue_many_everywhere(home: Path) -> dict[str, int]:
    """Kill an issue of several documents at each step: there are none of them, or all."""
    ready_ledger(home).close()
    before = 0

    def prepare() -> None:
        nonlocal before
        with fresh_ledger(home) as ledger:
            before = len(ledger.documents("till-1"))

    def work() -> None:
        fresh_ledger(home).issue_all([IssueRequest("till-1", simplified) for _ in range(5)])

    def check() -> str:
        with fresh_ledger(home) as ledger:
            proof = ledger.verify_chain("till-1")
            assert proof.intact, proof
            # Also that it goes on: the head record is never ahead of the database.
            assert ledger.issue("till-1", simplified).document.icv == proof.documents + 1
            return {0: "nothing", 5: "whole"}[proof.documents - before]

    return kill_everywhere(prepare, work, check)


def upgrading_everywhere(home: Path) -> dict[str, int]:
    """Kill the migration of an older ledger at each step: it is the old one or the new one, and opens."""
    home.mkdir()
    before = filled(home)
    older = (home / "ledger.db").read_bytes()

    def prepare() -> None:
        for leftover in home.glob("ledger.db*"):
            leftover.unlink()
        (home / "ledger.db").write_bytes(older)

    def check() -> str:
        word = "old" if schema_of(home / "ledger.db")[0] == 1 else "new"
        assert rows(home / "ledger.db") == before
        copies = list(home.glob("ledger.db.before-*[0-9]"))
        assert all(rows(copy) == before for copy in copies)
        assert word == "old" or len(copies) == 1
        with fresh_ledger(home) as ledger:
            assert ledger.verify_chain("till-1").intact
            assert ledger.issue("till-1", simplified).document.icv == 4
        return word

    return kill_everywhere(prepare, lambda: fresh_ledger(home).close(), check)


def opening_everywhere(home: Path) -> dict[str, int]:
    """Kill the first opening at each step: the next opening finds or makes a whole schema."""

    def prepare() -> None:
        for leftover in home.iterdir() if home.exists() else ():
            leftover.unlink()

    def work() -> None:
        fresh_ledger(home)

    def check() -> str:
        with fresh_ledger(home) as ledger:
            return add_unit(ledger).name

    return kill_everywhere(prepare, work, check)


def renewal_everywhere(home: Path) -> dict[str, int]:
    """Kill the step from old to new credentials: exactly one generation is live, and repeating it finishes."""
    with fresh_ledger(home) as ledger:
        add_unit(ledger)
        make_live(ledger)
    turn = 0

    def new_one(ledger: Ledger) -> Generation:
        return ledger.open_generation("till-1") or ledger.generations("till-1")[-1]

    def prepare() -> None:
        nonlocal turn
        turn += 1
        with fresh_ledger(home) as ledger:
            prepared(ledger, pair=f"renewed {turn}", purpose="renewal")

    def work() -> None:
        ledger = fresh_ledger(home)
        ledger.record_pcsid(new_one(ledger), key_pair(f"renewed {turn}").token, "secret", "1")

    def check() -> str:
        with fresh_ledger(home) as ledger:
            states = [one.state for one in ledger.generations("till-1")]
            assert states.count(GenerationState.LIVE) == 1, states
            assert all(state is GenerationState.RETIRED for state in states[:-2])
            word = "new" if states[-1] is GenerationState.LIVE else "old"
            latest = ledger.generations("till-1")[-1]
            live = ledger.record_pcsid(latest, key_pair(f"renewed {turn}").token, "secret", "1")
            assert ledger.live_generation("till-1") == live
            assert ledger.key_of(live) == key_pair(f"renewed {turn}").key_pem
            return word

    # Key pairs are made before the first fork, so that parent and children have the same ones.
    for number in range(1, 60):
        key_pair(f"renewed {number}")
    return kill_everywhere(prepare, work, check)


def beginning_everywhere(home: Path) -> dict[str, int]:
    """Kill the first sealing of a key, master key included: the generation is whole or absent, and can be begun."""
    key_pair("first")

    def prepare() -> None:
        for leftover in home.iterdir() if home.exists() else ():
            leftover.unlink()
        with fresh_ledger(home) as ledger:
            add_unit(ledger)

    def work() -> None:
        prepared(fresh_ledger(home))

    def check() -> str:
        with fresh_ledger(home) as ledger:
            generation = ledger.open_generation("till-1")
            word = "absent" if generation is None else "whole"
            generation = generation or prepared(ledger)
            assert ledger.key_of(generation) == key_pair("first").key_pem
            assert len(ledger.generations("till-1")) == 1
            return word

    return kill_everywhere(prepare, work, check)


def outcome_everywhere(home: Path) -> dict[str, int]:
    """Kill the storing of an outcome: the document is undecided without evidence, or decided with it."""
    ready_ledger(home, FixedClock(START)).close()
    icv = 0

    def prepare() -> None:
        nonlocal icv
        with fresh_ledger(home) as ledger:
            icv = ledger.issue("till-1", standard).document.icv

    def work() -> None:
        ledger = fresh_ledger(home)
        claim = ledger.claim_unit(ledger.unit("till-1"), lease=3600)
        assert claim is not None
        document = ledger.document_at("till-1", icv)
        ledger.record_outcome(
            claim, document, DocumentState.ACCEPTED, exchange=evidence(ledger), cleared_xml=b"<cleared/>"
        )

    def check() -> str:
        with fresh_ledger(home) as ledger:
            document = ledger.document_at("till-1", icv)
            evidence_stored = (len(ledger.exchanges(document)), document.attempts, ledger.cleared_xml(document))
            if document.state is DocumentState.ACCEPTED:
                assert evidence_stored == (1, 1, b"<cleared/>")
                return "decided"
            assert (document.state, *evidence_stored) == (DocumentState.ISSUED, 0, 0, None)
            # The claim of the dead process does not stand in the way, though its lease has not run out.
            claim = ledger.claim_unit(ledger.unit("till-1"))
            assert claim is not None
            ledger.release_unit(claim)
            return "undecided"

    return kill_everywhere(prepare, work, check)


def random_kills(home: Path, seed: int, rounds: int) -> dict[str, int]:
    """Kill an issuing process at random moments: what it had acknowledged is there, and at most one more."""
    ready_ledger(home).close()
    rng = random.Random(seed)
    counts = {"kills": 0, "acknowledged": 0, "unacknowledged": 0}
    known = 0
    for _ in range(rounds):
        acknowledged = _issue_until_killed(home, rng.uniform(0.0, 0.015))
        with fresh_ledger(home) as ledger:
            documents = ledger.documents("till-1")
            proof = ledger.verify_chain("till-1")
            assert proof.intact, proof
            extra = len(documents) - known - len(acknowledged)
            assert extra in (0, 1), (known, acknowledged, len(documents))
            assert [one.uuid for one in documents[known : known + len(acknowledged)]] == acknowledged
            known = len(documents)
        counts["kills"] += 1
        counts["acknowledged"] += len(acknowledged)
        counts["unacknowledged"] += extra
    return counts


def _issue_until_killed(home: Path, delay: float) -> list[str]:
    """Return the UUIDs whose issue had returned when the child was killed, `delay` seconds after its first one."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        ledger = fresh_ledger(home)

        def slow(place: ChainPlace, _generation: Generation) -> PlainDocument:
            return plain_document(place, filler=8_000)

        while True:
            os.write(writer, f"{ledger.issue('till-1', slow).document.uuid}\n".encode())
    os.close(writer)
    with os.fdopen(reader, "rb") as lines:
        first = lines.readline()
        time.sleep(delay)
        os.kill(pid, signal.SIGKILL)
        rest = lines.read()
    os.waitpid(pid, 0)
    return (first + rest).decode().split()


def starting_together(home: Path) -> dict[str, int]:
    """Let eight processes open a ledger that does not exist yet, at the same moment, ten times over."""
    rounds, starters = 10, 8
    steps = [(each.number,) for each in MIGRATIONS]
    for _ in range(rounds):
        for leftover in home.iterdir() if home.exists() else ():
            leftover.unlink()
        gate, opener = os.pipe()
        children = []
        for _ in range(starters):
            pid = os.fork()
            if pid == 0:
                os.close(opener)
                os.read(gate, 1)  # returns when the parent opens the gate by closing it
                _open_or_fail(home)
            children.append(pid)
        os.close(gate)
        os.close(opener)
        statuses = [os.waitpid(pid, 0)[1] for pid in children]
        assert statuses == [0] * starters, statuses
        raw = sqlite3.connect(home / "ledger.db")
        assert raw.execute("SELECT number FROM schema_version ORDER BY number").fetchall() == steps
        raw.close()
    return {"rounds": rounds, "starters": starters}


def _open_or_fail(home: Path) -> None:
    try:
        fresh_ledger(home).close()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


MODES: dict[str, Callable[[Path], dict[str, int]]] = {
    "issue": issue_everywhere,
    "issue_many": issue_many_everywhere,
    "upgrading": upgrading_everywhere,
    "opening": opening_everywhere,
    "renewal": renewal_everywhere,
    "beginning": beginning_everywhere,
    "outcome": outcome_everywhere,
    "together": starting_together,
}

if __name__ == "__main__":
    _mode, _home = sys.argv[1], Path(sys.argv[2])
    _result = random_kills(_home, *map(int, sys.argv[3:])) if _mode == "random" else MODES[_mode](_home)
    print(json.dumps(_result))
