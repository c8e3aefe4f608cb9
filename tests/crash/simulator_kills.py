"""A simulator with `--data` that is killed under load, again and again, and asked after each restart what it knows.

`python -m tests.crash.simulator_kills [--rounds 100] [--seed 1] [--units 6] [--workers 0]`: the large size. Several
units live side by side: they get passwords, CSIDs, pass checks, clear, report, repeat, and are revoked. After some
answers, drawn by lot, the process gets SIGKILL. What was answered before that must hold afterwards; what was on its
way may have happened or not, and must happen once when it is sent again.
"""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random

import httpx

import tests.conftest  # noqa: F401 (the guard that keeps everything on loopback)
from khatm.environment import Environment
from tests.simulator_process import SimulatorProcess
from tests.wire.simulator_caller import SIMPLIFIED, STANDARD, Caller, Document, Unit

_KINDS = (*STANDARD, *SIMPLIFIED)
_ACCEPTED = {200, 208, 409}
_OLDER_ASKED = 10
"""How many documents of earlier rounds are sent again in each round; at the end all of them are."""


@dataclass
class Sent:
    """A document, and what was answered to it."""

    kind: str
    document: Document
    cleared: str | None = None
    """The cleared invoice of the first answer."""
    answered: bool = False
    """False: its answer was lost, so it may be there or not."""


@dataclass
class Life:
    """One unit, and everything that the authority has told it."""

    unit: Unit
    otp: str | None = None
    otp_used: bool = False
    steps: set[str] = field(default_factory=set)
    trying: str | None = None
    """The kind of document whose check was under way."""
    sent: list[Sent] = field(default_factory=list)
    device: int | None = None
    revoking: bool = False
    revoked: bool = False
    lost: bool = False
    """The answer to its first call was lost: whether it became a device, nobody told it."""


@dataclass
class Counted:
    """What a campaign came to."""

    kills: int = 0
    answers: int = 0
    lost: int = 0
    """Answers that never came."""
    asked_again: int = 0
    """Documents sent again after a restart."""
    wrong: list[str] = field(default_factory=list)


class Campaign:
    """Units that live on one simulator, and the counting of what they were told."""

    def __init__(self, simulator: SimulatorProcess, units: int, seed: int) -> None:
        self.counted = Counted()
        self._simulator = simulator
        self._random = Random(seed)
        self._changed = threading.Condition()
        self._lives = [self._born(number) for number in range(units)]
        self._ended: list[Life] = []

    def round(self) -> None:
        """Let all units live, kill the authority, start it again, and ask it what it knows."""
        before = sum(len(life.sent) for life in self._all())
        enough = self.counted.answers + self._random.randint(1, 80)
        generators = [Random(self._random.random()) for _ in self._lives]
        with ThreadPoolExecutor(len(self._lives)) as pool:
            running = [pool.submit(self._live, *each) for each in zip(range(len(generators)), generators, strict=True)]
            with self._changed:
                self._changed.wait_for(
                    lambda: self.counted.answers >= enough or all(each.done() for each in running), timeout=None
                )
            time.sleep(self._random.random() * 0.01)
            self._simulator.kill()
        for each in running:
            each.result()
        self.counted.kills += 1
        self._simulator.restart()
        fresh = sum(len(life.sent) for life in self._all()) - before
        self._ask(everything=False, fresh=fresh)

    def end(self) -> None:
        """Ask about everything once more."""
        self._ask(everything=True, fresh=0)

    def _born(self, number: int) -> Life:
        environment = (Environment.SIMULATION, Environment.PRODUCTION)[number % 2]
        return Life(Unit(Caller(self._simulator, environment)))

    def _all(self) -> Iterator[Life]:
        yield from self._ended
        yield from self._lives

    def _live(self, number: int, random: Random) -> None:
        """Live on until the connection breaks."""
        try:
            while True:
                life = self._lives[number]
                if life.revoked or life.lost:
                    with self._changed:
                        self._ended.append(life)
                        self._lives[number] = life = self._born(number)
                self._step(life, random)
                with self._changed:
                    self.counted.answers += 1
                    self._changed.notify_all()
        except httpx.TransportError:
            with self._changed:
                self.counted.lost += 1
        except BaseException as error:
            with self._changed:
                self.counted.wrong.append(f"{type(error).__name__}: {error}")
                self.counted.answers += 10**9  # the round ends
                self._changed.notify_all()

    def _step(self, life: Life, random: Random) -> None:
        unit = life.unit
        left = [kind for kind in _KINDS if kind not in life.steps]
        if life.otp is None:
            life.otp = unit.caller.otp()
        elif unit.ccsid is None:
            life.lost = True
            self._expect(unit.caller.call("POST", "/compliance", {"csr": unit.csr}, OTP=life.otp), 200, life)
        elif left:
            life.trying = left[0]
            self._expect(unit.check(left[0]), 200, life)
        elif unit.pcsid is None:
            self._expect(unit.finish(), 200, life)
        elif random.random() < 0.03:
            self._revoke(life)
        elif life.sent and random.random() < 0.1:
            self._again(random.choice(life.sent), life)
        else:
            self._submit(life, random.choice(_KINDS))
