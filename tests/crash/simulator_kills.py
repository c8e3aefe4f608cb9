"""A simulator with `--data` that is killed under load, again and again, and asked after each restart what it knows.

`python -m tests.crash.simulator_kills [--rounds 100] [--units 6] [--seed 1] [--workers 0]`: the large size. Several
units live side by side: they get passwords and CSIDs, pass checks, clear, report, send again, and are revoked. After
some answers, drawn by lot, the process gets SIGKILL. What was answered before must hold afterwards; what was on its
way may have happened or not, and must happen once when it is sent again.
"""

import argparse
import json
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx

import tests.conftest  # noqa: F401 (the guard that keeps everything on loopback)
from khatm.environment import Environment
from tests.simulator_process import SimulatorProcess
from tests.wire.simulator_caller import SIMPLIFIED, STANDARD, Caller, Document, Unit, endpoint_of, http

_KINDS = (*STANDARD, *SIMPLIFIED)
_REVOKED, _REPEATED = 0.02, 0.1
"""How often a unit that has its PCSID is revoked, or sends a document again."""
_OLDER_ASKED = 5
"""How many documents of earlier rounds a unit sends again after a restart; at the end it sends all of them."""


@dataclass
class Sent:
    """A document, and what was answered to it."""

    kind: str
    document: Document
    answered: bool = False
    """False: its answer was lost, so it may be there or not."""
    asked: bool = False
    """Whether it was sent again after a restart."""
    cleared: str | None = None
    """The cleared invoice of the first answer."""


@dataclass
class Life:
    """One unit, and everything that the authority has told it."""

    unit: Unit
    otp: str | None = None
    lost: bool = False
    """The answer to its first call was lost: nobody told it what it is."""
    steps: list[str] = field(default_factory=list)
    """The kinds whose checks were passed."""
    trying: bool = False
    """The answer to a check was lost."""
    sent: list[Sent] = field(default_factory=list)
    revoking: bool = False
    revoked: bool = False


@dataclass
class Counted:
    """What a campaign came to."""

    kills: int = 0
    units: int = 0
    answers: int = 0
    lost_answers: int = 0
    documents: int = 0
    sent_again: int = 0
    """Documents that were sent again after a restart."""


class Campaign:
    """Units that live on one simulator. Every answer that is not the expected one raises AssertionError."""

    def __init__(self, simulator: SimulatorProcess, units: int, seed: int) -> None:
        self.counted = Counted()
        self._simulator = simulator
        self._random = Random(seed)
        self._changed = threading.Condition()
        self._on_record = 0
        """Calls to the gateway that were answered."""
        self._ended: list[Life] = []
        self._lives = [self._born(number) for number in range(units)]

    def round(self) -> None:
        """Let all units live, kill the authority, start it again, and ask it what it knows."""
        enough = self.counted.answers + self._random.randint(1, 90)
        lot = [Random(self._random.random()) for _ in self._lives]
        with ThreadPoolExecutor(len(lot)) as pool:
            running = [pool.submit(self._live, number, each) for number, each in enumerate(lot)]
            with self._changed:
                self._changed.wait_for(lambda: self.counted.answers >= enough or any(each.done() for each in running))
            time.sleep(self._random.random() * 0.01)
            self._simulator.kill()
            for each in running:
                each.result()
        self.counted.kills += 1
        self._simulator.restart()
        self.ask()

    def ask(self, *, everything: bool = False) -> None:
        """Ask the authority about every unit, and send documents again."""
        found = http().get(f"{self._simulator.url}/manage/devices").json()["devices"]
        devices = {(each["environment"], each["request_id"]): each for each in found}
        recorded = http().get(f"{self._simulator.url}/manage/exchanges", params={"limit": 1, "view": "summary"})
        assert recorded.json()["last"] >= self._on_record, "an answered call is not on record"
        for life in (*self._ended, *self._lives):
            if life.unit.ccsid is not None:
                key = (life.unit.caller.environment.value, life.unit.ccsid.request_id)
                assert key in devices, "a Compliance CSID that was handed out is unknown"
                self._ask(life, devices[key], everything=everything)

    def _ask(self, life: Life, device: dict[str, Any], *, everything: bool) -> None:
        unit = life.unit
        refused = unit.caller.call("POST", "/compliance", {"csr": unit.csr}, OTP=str(life.otp))
        assert (refused.status_code, "Invalid-OTP" in refused.text) == (400, True), "a used password works again"
        assert len(life.steps) <= len(device["steps_done"]) <= len(life.steps) + life.trying
        answered = sum(each.answered for each in life.sent)
        assert answered <= device["accepted_documents"] <= len(life.sent), "an acceptance is lost, or one too many"
        if unit.pcsid is not None and not life.revoked and not life.revoking:
            assert device["status"] == "Active"
        if life.revoking and not life.revoked:
            self._revoke(life)
        if life.revoked:
            if life.sent:
                assert unit.send(endpoint_of(life.sent[0].kind), life.sent[0].document).status_code == 401
            return
        older = [each for each in life.sent if each.asked]
        chosen = older if everything else self._random.sample(older, min(_OLDER_ASKED, len(older)))
        for sent in [each for each in life.sent if not each.asked] + chosen:
            _send(life, sent)
            sent.asked = True
            self.counted.sent_again += 1

    def _born(self, number: int) -> Life:
        self.counted.units += 1
        return Life(Unit(Caller(self._simulator, (Environment.SIMULATION, Environment.PRODUCTION)[number % 2])))

    def _live(self, number: int, lot: Random) -> None:
        """Live on until the connection breaks."""
        try:
            while True:
                self._bury(number)
                life = self._lives[number]
                on_record = self._step(life, lot)
                with self._changed:
                    self.counted.answers += 1
                    self._on_record += on_record
                    self._changed.notify_all()
        except httpx.TransportError:
            with self._changed:
                self.counted.lost_answers += 1

    def _bury(self, number: int) -> None:
        """Begin another life in the place of one that is revoked, or that nobody told what it is."""
        life = self._lives[number]
        if life.revoked or life.lost:
            with self._changed:
                self._ended.append(life)
                self._lives[number] = self._born(number)

    def _step(self, life: Life, lot: Random) -> bool:
        """Do what comes next in a unit's life; tell whether that was a call to the gateway."""
        unit = life.unit
        left = [kind for kind in _KINDS if kind not in life.steps]
        if life.otp is None:
            life.otp = unit.caller.otp()
            return False
        if unit.ccsid is None:
            life.lost = True
            assert unit.begin(life.otp).status_code == 200, "a password that was handed out does not work"
            life.lost = False
        elif left:
            allowed = (200, 406) if life.trying else (200,)
            life.trying = True
            assert unit.check(left[0]).status_code in allowed
            life.steps.append(left[0])
            life.trying = False
        elif unit.pcsid is None:
            assert unit.finish().status_code == 200
        elif lot.random() < _REVOKED:
            self._revoke(life)
            return False
        elif life.sent and lot.random() < _REPEATED:
            _send(life, lot.choice(life.sent))
        else:
            kind = lot.choice(_KINDS)
            life.sent.append(Sent(kind, unit.document(kind)))
            with self._changed:
                self.counted.documents += 1
            _send(life, life.sent[-1])
        return True

    def _revoke(self, life: Life) -> None:
        life.revoking = True
        ccsid = life.unit.ccsid
        assert ccsid is not None
        [device] = [
            each["id"]
            for each in http().get(f"{self._simulator.url}/manage/devices").json()["devices"]
            if (each["environment"], each["request_id"]) == (life.unit.caller.environment.value, ccsid.request_id)
        ]
        answer = http().post(f"{self._simulator.url}/manage/devices/{device}/revoke")
        assert (answer.status_code, answer.json()["status"]) == (200, "Revoked")
        life.revoked = True


def _send(life: Life, sent: Sent) -> None:
    """Send a document, for the first time or again; the first acceptance must be the only one."""
    answer = life.unit.send(endpoint_of(sent.kind), sent.document)
    again = 208 if sent.kind in STANDARD else 409
    assert answer.status_code in ((again,) if sent.answered else (200, again)), answer.text
    if sent.kind in STANDARD:
        cleared = answer.json()["clearedInvoice"]
        assert sent.cleared in (None, cleared), "another cleared invoice than before"
        sent.cleared = cleared
    sent.answered = True


def campaign(data: Path, *, rounds: int, units: int, seed: int, workers: int = 0) -> Counted:
    """Kill and ask so many times; raises AssertionError at the first thing that was lost."""
    with SimulatorProcess(data=data, options=("--workers", str(workers))) as simulator:
        lives = Campaign(simulator, units, seed)
        for _ in range(rounds):
            lives.round()
        lives.ask(everything=True)
        return lives.counted


def main() -> None:
    """Run once and print what was counted."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.simulator_kills", description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--units", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="khatm-kills-") as folder:
        print(json.dumps(asdict(campaign(Path(folder), **vars(options)))))


if __name__ == "__main__":
    main()
