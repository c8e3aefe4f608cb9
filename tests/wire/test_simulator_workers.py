"""Processes that examine documents beside the server: they change no answer, and come and go with it."""

import asyncio
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from khatm.document.walk import Walked
from khatm.environment import Environment
from khatm.simulator.business_rules import Edition, RuleFinding, RuleReport
from khatm.simulator.examination import examine, with_continuity
from khatm.simulator.examiners import Examiners
from khatm.simulator.received import ChainView, Examination, Received
from tests.simulator_process import SimulatorProcess
from tests.stamp_vectors import documents
from tests.unit.examination_stage import Submission
from tests.wire.simulator_caller import Caller, Unit


@pytest.fixture(scope="module")
def examiners() -> Iterator[Examiners]:
    opened = Examiners(2)
    yield opened
    opened.close()


def examined(examiners: Examiners, received: Received) -> Examination | None:
    """What a worker finds, None where only the server can tell."""
    found = asyncio.run(examiners.examine(received))
    assert found is None or found.fits(received)
    return None if found is None else with_continuity(found.examination, received)


@pytest.mark.parametrize("group", ["own", "mutated"])
def test_a_worker_finds_what_the_server_finds(examiners: Examiners, group: str) -> None:
    told = 0
    for vector in documents(group):
        call = "reporting" if vector.simplified else "clearance"
        received = Submission(xml=vector.xml, call=call).received()
        found = examined(examiners, received)
        assert found in (None, examine(received)), vector.name
        told += found is not None
    assert told > len(documents(group)) / 2


def test_a_worker_does_not_guess_whose_certificate_it_is(examiners: Examiners) -> None:
    received = Submission().received()
    other = replace(received, credential=replace(received.credential, certificate_der=b"another"))
    assert examined(examiners, received) == examine(received)
    assert examined(examiners, other) is None


@pytest.mark.parametrize("chain", ["format", "warn", "strict"])
def test_the_chain_is_compared_afterwards(examiners: Examiners, chain: str) -> None:
    gap = ChainView(41, "NWZlY2ViNjZmZmM4NmYzOGQ5NTI3ODZjNmQ2OTZjNzk=")
    received = Submission(previous=gap, switches={"chain": chain}).received()
    found = examined(examiners, received)
    assert found == examine(received)
    assert found is not None
    assert (len(found.warnings), len(found.errors)) == {"format": (0, 0), "warn": (1, 0), "strict": (0, 1)}[chain]


def test_an_examination_of_another_call_does_not_fit(examiners: Examiners) -> None:
    received = Submission().received()
    found = asyncio.run(examiners.examine(received))
    assert found is not None
    for changes in (
        {"call": "clearance"},
        {"body_hash": "other"},
        {"body_uuid": "other"},
        {"body_invoice": "other"},
        {"environment": Environment.PRODUCTION},
        {"switches": replace(received.switches, chain="strict")},
        {"credential": replace(received.credential, vat_number="399999999900003")},
        {"clock_now": received.clock_now + timedelta(hours=25)},
    ):
        assert not found.fits(replace(received, **changes)), changes


@pytest.mark.parametrize("body", [None, 7, "", "no base64", "PGEvPg==", "A" * 100_000, {"a": [1]}])
def test_odd_bodies_are_judged_alike(examiners: Examiners, body: object) -> None:
    received = replace(Submission().received(), body_invoice=body, body_uuid=body)
    assert examined(examiners, received) == examine(received)


class _OneRule:
    """A rule set that lives in this process only."""

    def judge(self, document: Walked, *, edition: Edition, now: datetime) -> RuleReport:
        return RuleReport((RuleFinding("BR-KSA-99", "error", "No."),))


def test_rules_of_ones_own_are_asked_here(examiners: Examiners) -> None:
    assert examined(examiners, Submission(rules=_OneRule()).received()) is None


def workers_of(pid: int) -> list[int]:
    """The children of a process (Linux)."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(status.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(status.parent.name))
        except OSError:
            continue
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")


@linux
def test_a_lost_worker_costs_no_answer() -> None:
    with SimulatorProcess(options=("--workers", "2")) as simulator:
        unit = Unit(Caller(simulator, Environment.SIMULATION), "1000").onboarded()
        for _ in range(3):
            for worker in workers_of(simulator.pid):
                os.kill(worker, signal.SIGKILL)
            sent = [unit.document("standard-invoice") for _ in range(4)]
            with ThreadPoolExecutor(4) as pool:
                answers = list(pool.map(lambda each: unit.send("/invoices/clearance/single", each), sent))
            assert [each.status_code for each in answers] == [200] * 4
        assert len([each for each in workers_of(simulator.pid) if alive(each)]) == 2


@linux
@pytest.mark.parametrize("end", ["killed", "stopped"])
def test_workers_end_with_their_server(end: str) -> None:
    with SimulatorProcess(options=("--workers", "2")) as simulator:
        workers = workers_of(simulator.pid)
        assert len(workers) == 2
        if end == "killed":
            simulator.kill()
            simulator.restart()
    while any(map(alive, workers)):
        pass
