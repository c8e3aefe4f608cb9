"""Claim: the simulator clears 300 standard documents a second on two cores, its client included, and 99 of 100 answers
come within 100 ms. Over HTTP on loopback, with the full rules, the chain compared, the record and the state kept.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import uuid
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.invoices import authored
from benchmarks.measuring import Missing, Row, milliseconds
from khatm.clock import saudi_time
from khatm.document.arithmetic import compute
from khatm.document.model import read_document
from khatm.document.writer import write
from khatm.environment import Environment
from khatm.stamp.certificate import read_certificate
from khatm.stamp.signers import FileSigner
from khatm.stamp.xades import stamp

if TYPE_CHECKING:
    from tests.wire.simulator_caller import Unit

RATE = 300.0
SLOWEST = 0.1
"""Seconds that 99 of 100 answers stay below."""
CONNECTIONS = 8
"""Kept open, each with one call at a time, and each of a unit with a chain of its own."""
WORKERS = 2
"""The simulator's processes that examine documents; the claim is theirs, the rows without them are information."""
LINES = 5
_CLEARANCE = "/e-invoicing/simulation/invoices/clearance/single"
_BUYER = {
    "name": "شركة مدار البناء المحدودة | Madar Building Ltd",
    "vat": "399999995400003",
    "address": {
        "street": "طريق الملك فهد | King Fahd Road",
        "building": "6040",
        "district": "الملقا | Al Malqa",
        "city": "الرياض | Riyadh",
        "postal_code": "13521",
        "country": "SA",
    },
}


@dataclass(frozen=True, slots=True)
class _Times:
    """What one run gave: documents per second, and what answers took in seconds."""

    rate: float
    median: float
    slowest: float
    """The 99th of 100."""


def measure(*, rounds: int, turn: float) -> list[Row | Missing]:
    """A client process sends distinct stamped documents as fast as they are answered, to fresh simulators in turns."""
    del turn
    try:
        import tests.simulator_process  # noqa: F401
    except ImportError as error:
        return [Missing("clearance over HTTP", str(error))]
    count, times = (40, 1) if rounds < 10 else (3000, 3)
    found: dict[tuple[str, int], list[_Times]] = {
        (kept, workers): [] for workers in (WORKERS, 0) for kept in ("in memory", "in a file")
    }
    for _ in range(times):
        for (kept, workers), runs in found.items():
            with tempfile.TemporaryDirectory() as folder:
                runs.append(_run(Path(folder), count, lasting=kept == "in a file", workers=workers))
    rows: list[Row | Missing] = []
    for (kept, workers), runs in found.items():
        rate = statistics.median(each.rate for each in runs)
        slowest = statistics.median(each.slowest for each in runs)
        median = statistics.median(each.median for each in runs)
        claim = f"clearance, state {kept}, {workers} workers"
        least, most = (RATE, SLOWEST) if workers else (None, None)
        rows += [
            Row(f"{claim}: documents/s", f"{rate:.0f} documents/s", "", rate, least),
            Row(
                f"{claim}: 99 of 100 answers, seconds",
                milliseconds(slowest),
                f"median {milliseconds(median)}",
                slowest,
                most,
                at_least=False,
            ),
        ]
    return rows


def _run(folder: Path, count: int, *, lasting: bool, workers: int = 0) -> _Times:
    """Send so many documents to a fresh simulator that refuses what does not continue its unit's chain."""
    from tests.simulator_process import SimulatorProcess
    from tests.wire.simulator_caller import Caller, Unit

    options = ("--set", "simulation.chain=strict", "--workers", str(workers))
    with SimulatorProcess(data=folder / "state" if lasting else None, options=options) as authority:
        files = [folder / f"calls-{number}" for number in range(CONNECTIONS)]
        for file in files:
            unit = Unit(Caller(authority, Environment.SIMULATION), "1000").onboarded()
            with file.open("wb") as stream:
                for call in _calls(unit, count // CONNECTIONS):
                    stream.write(len(call).to_bytes(4) + call)
        host, port = authority.url.removeprefix("http://").split(":")
        command = [sys.executable, "-m", "benchmarks.simulator_client", host, port, *map(str, files)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    whole, *taken = map(float, done.stdout.split())
    assert len(taken) == count, "a document was not answered"
    return _Times(count / whole, statistics.median(taken), statistics.quantiles(taken, n=100)[98])


@dataclass(frozen=True, slots=True)
class _Place:
    """A document's place in the chain of its unit."""

    uuid: str
    counter: int
    previous_hash: str


def _calls(unit: "Unit", count: int) -> Iterator[bytes]:
    """Write the octets of so many clearance calls, each with a stamped document that continues the unit's chain."""
    from tests.wire.simulator_caller import SELLER

    assert unit.pcsid is not None
    signer = FileSigner(unit.key, read_certificate(unit.pcsid.der))
    now = unit.caller.simulator.clock.now()
    issued = saudi_time(now)
    facts = authored(LINES) | {
        "profile": "standard",
        "uuid": None,
        "counter": None,
        "issue_date": issued.strftime("%Y-%m-%d"),
        "issue_time": issued.strftime("%H:%M:%S"),
        "supply": {"date": issued.strftime("%Y-%m-%d")},
        "buyer": _BUYER,
    }
    facts["seller"]["vat"] = SELLER
    computed = compute(read_document(facts))
    headers = {"Accept-Version": "V2", "Content-Type": "application/json", "Clearance-Status": "1"}
    head = "".join(f"{name}: {value}\r\n" for name, value in (headers | unit.pcsid.authorization).items())
    for _ in range(count):
        unit.counter += 1
        number = str(uuid.uuid4())
        document = stamp(write(computed, _Place(number, unit.counter, unit.last_hash)), signer, now)
        unit.last_hash = document.invoice_hash
        members = {"invoiceHash": document.invoice_hash, "uuid": number, "invoice": b64encode(document.xml).decode()}
        body = json.dumps(members).encode()
        first = f"POST {_CLEARANCE} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n{head}\r\n"
        yield first.encode() + body
