"""A simulator's memory over many requests: valid, repeated, refused, malformed, astray, and struck by faults.

`python -m tests.soak [--requests 100000] [--seed 1] [--memory]`: the large size. One client sends to a child process
whose resident memory is read as it goes. With `--data`, as here by default, what the authority knows stands in files,
so memory must be flat once caches and record are warm. With `--memory` the state itself is kept, in a cache of 64 MiB
that spills to disk beyond, and the record of 64 MiB at most: memory may grow by the first, never beyond.
"""

import argparse
import http.client
import json
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import tests.conftest  # noqa: F401 (the guard that keeps everything on loopback)
from khatm.environment import Environment
from tests.simulator_process import SimulatorProcess
from tests.wire.simulator_caller import SIMPLIFIED, STANDARD, Caller, Document, Unit, endpoint_of

MIB = 1024 * 1024
SLACK = 8 * MIB
"""What an allocator may hold more or less of from one moment to another."""
STATE_CACHE = 64 * MIB
"""What a state in memory may take before it spills to disk."""
WARM = 2500
"""Requests after which the record is full (2,000) and every kind has come."""
_SAMPLES = 400
_KEPT = 300
"""Documents that the client keeps to send again."""
_PREFIX = "/e-invoicing/simulation"
_EFFECTS = ({"drop": "close"}, {"status": 504}, {"truncate": "connection"}, {"reject": "BR-KSA-15"})
_STRANGE_BODIES = (
    b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"invoice": 1}', b'{"invoiceHash": "x", "uuid": "y", "invoice": "z"}',
    b"[" * 5000, b'{"invoice": "' + b"A" * 50_000 + b'"}',
)  # fmt: skip


@dataclass
class Soaked:
    """What a run came to."""

    statuses: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    memory: list[int] = field(default_factory=list)
    """Resident octets, in the order of the samples after the warm-up."""

    @property
    def growth(self) -> float:
        """Octets between the medians of the first and of the last tenth of the samples."""
        tenth = max(len(self.memory) // 10, 1)
        return statistics.median(self.memory[-tenth:]) - statistics.median(self.memory[:tenth])


class _Client:
    """Sends what it draws by lot; a connection that a fault or a refusal ended is opened again."""

    def __init__(self, simulator: SimulatorProcess, lot: Random) -> None:
        self._simulator = simulator
        self._lot = lot
        self._unit = Unit(Caller(simulator, Environment.SIMULATION)).onboarded()
        self._sent: list[tuple[str, Document]] = []
        self._host = simulator.url.removeprefix("http://")
        self._connection = http.client.HTTPConnection(self._host)
        assert self._unit.pcsid is not None
        self._headers = {
            "Accept-Version": "V2",
            "Accept-Language": "en",
            "Content-Type": "application/json",
            **self._unit.pcsid.authorization,
        }
        self.ways: Sequence[tuple[int, Callable[[], str]]] = (
            (15, self._valid),
            (30, self._repeated),
            (15, self._refused),
            (15, self._malformed),
            (10, self._astray),
            (8, self._struck),
            (7, self._managed),
        )

    def send_one(self) -> tuple[str, str]:
        """Send one request; return its kind and the status that came, `lost` where none did."""
        weights = [weight for weight, _ in self.ways]
        [(_, way)] = self._lot.choices(self.ways, weights)
        return way.__name__.strip("_"), way()

    def _valid(self) -> str:
        kind = self._lot.choice(STANDARD + SIMPLIFIED)
        document = self._unit.document(kind)
        self._sent = [*self._sent[-_KEPT + 1 :], (kind, document)]
        return self._document(kind, document.body)

    def _repeated(self) -> str:
        if not self._sent:
            return self._valid()
        kind, document = self._lot.choice(self._sent)
        return self._document(kind, document.body)

    def _refused(self) -> str:
        kind = self._lot.choice(STANDARD + SIMPLIFIED)
        document = self._unit.document(kind, changes={"reporting:1.0": f"clearance:{self._lot.random()}"})
        return self._document(kind, document.body)

    def _malformed(self) -> str:
        body = self._lot.choice(_STRANGE_BODIES)
        headers = dict(self._headers)
        if self._lot.random() < 0.5:
            headers[self._lot.choice(("Authorization", "Accept-Version", "Content-Type"))] = str(self._lot.random())
        return self._request("POST", _PREFIX + "/invoices/reporting/single", body, headers)

    def _astray(self) -> str:
        path = self._lot.choice((f"/e-invoicing/core/{self._lot.random()}", f"/{self._lot.random()}", "/compliance"))
        return self._request(self._lot.choice(("GET", "POST", "PUT", "OPTIONS")), path, b"{}", self._headers)

    def _struck(self) -> str:
        then = self._lot.choice(
            ({"drop": "close"}, {"status": 504}, {"truncate": "connection"}, {"reject": "BR-KSA-15"})
        )
        fault = json.dumps({"endpoint": "*", "then": then}).encode()
        self._request("POST", "/manage/faults", fault, {"Content-Type": "application/json"})
        status = self._valid()
        self._request("DELETE", "/manage/faults", b"", {})
        return status

    def _managed(self) -> str:
        path = self._lot.choice(
            ("/manage/devices", "/manage/clock", "/manage/exchanges?limit=5", "/manage/switches", "/portal/sign-in")
        )
        return self._request("GET", path, b"", {})

    def _document(self, kind: str, body: dict[str, Any]) -> str:
        return self._request("POST", _PREFIX + endpoint_of(kind), json.dumps(body).encode(), self._headers)

    def _request(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> str:
        try:
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
            answer.read()
        except (http.client.HTTPException, OSError):
            self._connection.close()
            return "lost"
        return str(answer.status)


def soak(requests: int, seed: int, *, data: Path | None, warm: int = WARM, options: Sequence[str] = ()) -> Soaked:
    """Send so many requests after `warm` others, and read the process's memory on the way."""
    found = Soaked()
    with SimulatorProcess(data=data, options=options) as simulator:
        client = _Client(simulator, Random(seed))
        for number in range(-warm, requests):
            kind, status = client.send_one()
            if number >= 0:
                found.kinds[kind] += 1
                found.statuses[status] += 1
                if number % max(requests // _SAMPLES, 1) == 0:
                    found.memory.append(simulator.resident_bytes)
    return found


def main() -> int:
    """Run once, print statuses and memory; 1 if memory grew by more than it may."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--memory", action="store_true", help="keep the state in memory instead of a folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="khatm-soak-") as folder:
        found = soak(options.requests, options.seed, data=None if options.memory else Path(folder) / "state")
    allowed = SLACK + (STATE_CACHE if options.memory else 0)
    at = [f"{each / MIB:.1f}" for each in found.memory[:: max(len(found.memory) // 10, 1)]]
    print(f"kinds {dict(found.kinds)}, statuses {dict(sorted(found.statuses.items()))}")
    print(f"resident memory in MiB: {' '.join(at)}; grown by {found.growth / MIB:.1f}, allowed {allowed / MIB:.0f}")
    return 1 if found.growth > allowed else 0


if __name__ == "__main__":
    sys.exit(main())
