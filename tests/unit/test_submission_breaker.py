"""The circuit breaker: when it opens, who may ask whether the gateway is back, and what follows when it is."""

import random
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from khatm.environment import Environment
from khatm.gateway.calls import Credentials, Submission
from khatm.gateway.client import Gateway
from khatm.gateway.transport import Fault, ScriptedTransport, WireAnswer
from khatm.gateway.verdict import Outcome
from khatm.ledger.events import EventKind
from khatm.submission.breaker import FAILURES, LONGEST, SHORTEST, SILENCES, Breaker, Breakers, Circuit, Turn
from khatm.submission.circuits import journalled_breakers
from khatm.submission.outbox import submit_due
from khatm.submission.status import Obstacle, status_of
from tests.unit.ledger_stage import add_unit, make_live, simplified, standard
from tests.unit.submission_stage import (
    LOST,
    SLOW_DOWN,
    TIMEOUT_PAGE,
    UNREACHABLE,
    Office,
    json_answer,
    result,
)

UNTRUSTED = WireAnswer(None, fault=Fault.UNTRUSTED, fault_text="self-signed certificate")
TIMED_OUT = WireAnswer(None, fault=Fault.TIMED_OUT, fault_text="no answer within 60 s")
GOOD = json_answer(200, result("PASS", reportingStatus="REPORTED"))
REFUSED = json_answer(400, {"code": "x", "message": "y"})


class Timer:
    """A clock of seconds that the test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def outcome(answer: WireAnswer) -> Outcome:
    gateway = Gateway(Environment.SIMULATION, base_url="http://127.0.0.1:1", transport=ScriptedTransport([answer]))
    return gateway.report(Credentials("t", "s"), Submission("h", "u", b"<x/>"))


def closed_breaker() -> tuple[Breaker, Timer, list[Turn]]:
    turns: list[Turn] = []
    timer = Timer()
    return Breaker(turns.append, timer), timer, turns


@pytest.mark.parametrize(
    ("answer", "calls"),
    [(TIMEOUT_PAGE, FAILURES), (LOST, FAILURES), (UNREACHABLE, SILENCES), (TIMED_OUT, SILENCES), (UNTRUSTED, 1)],
    ids=["504", "lost", "unreachable", "timed out", "untrusted"],
)
def test_so_many_failures_in_a_row_open_it(answer: WireAnswer, calls: int) -> None:
    breaker, _, turns = closed_breaker()
    for number in range(calls):
        assert (breaker.admit(), breaker.circuit, turns) == (True, Circuit.CLOSED, []), number
        breaker.note(outcome(answer))
    assert (breaker.admit(), breaker.circuit) == (False, Circuit.OPEN)
    (turn,) = turns
    assert (turn.circuit, turn.seconds) == (Circuit.OPEN, SHORTEST)
    assert turn.cause is not None


@pytest.mark.parametrize("answer", [GOOD, REFUSED], ids=["200", "400"])
def test_an_answer_of_the_gateway_whatever_it_says_begins_the_count_anew(answer: WireAnswer) -> None:
    breaker, _, turns = closed_breaker()
    for _ in range(3):
        for _ in range(FAILURES - 1):
            breaker.note(outcome(TIMEOUT_PAGE))
        breaker.note(outcome(answer))
    assert (breaker.circuit, turns) == (Circuit.CLOSED, [])


def test_one_asks_and_the_others_wait(tmp_path: Path) -> None:
    breaker, timer, _ = closed_breaker()
    breaker.note(outcome(UNTRUSTED))
    timer.now = SHORTEST - 0.1
    assert not breaker.is_ready()
    timer.now = SHORTEST
    assert breaker.admit()
    assert breaker.circuit is Circuit.HALF_OPEN
    others: list[bool] = []
    thread = threading.Thread(target=lambda: others.append(breaker.admit()))
    thread.start()
    thread.join()
    assert others == [False]
    breaker.withdraw()  # the call was not made after all
    thread = threading.Thread(target=lambda: others.append(breaker.admit()))
    thread.start()
    thread.join()
    assert others == [False, True]


def test_each_question_that_fails_doubles_the_pause_and_a_good_answer_closes_it() -> None:
    breaker, timer, turns = closed_breaker()
    breaker.note(outcome(UNTRUSTED))
    for expected in (10.0, 20.0, 40.0, LONGEST, LONGEST):
        timer.now += turns[-1].seconds
        assert breaker.admit()
        breaker.note(outcome(TIMEOUT_PAGE))
        assert turns[-1].seconds == expected
        assert not breaker.admit()
    timer.now += LONGEST
    assert breaker.admit()
    breaker.note(outcome(GOOD))
    assert turns[-1] == Turn(Circuit.CLOSED)
    assert breaker.admit()
    for _ in range(FAILURES):
        breaker.note(outcome(TIMEOUT_PAGE))
    assert turns[-1].seconds == SHORTEST, "the pause did not begin anew"


def test_a_gateway_that_asks_for_rest_gets_it_a_minute_at_most() -> None:
    breaker, timer, turns = closed_breaker()
    breaker.note(outcome(json_answer(429, {}, ("Retry-After", "7"))))
    assert turns[-1].seconds == 7
    timer.now = 7
    breaker.note(outcome(SLOW_DOWN))  # two minutes
    assert turns[-1].seconds == LONGEST


def test_breakers_are_kept_by_environment_and_address() -> None:
    breakers = Breakers()
    first = breakers.of(Environment.SIMULATION, None)
    assert breakers.of(Environment.SIMULATION, None) is first
    assert breakers.of(Environment.PRODUCTION, None) is not first
    assert breakers.of(Environment.SIMULATION, "http://127.0.0.1:2") is not first
    first.note(outcome(UNTRUSTED))
    assert sorted(circuit.value for circuit in breakers.circuits().values()) == ["closed", "closed", "open"]


@pytest.mark.usefixtures("either_store")
def test_an_open_circuit_is_shared_by_the_units_told_in_status_and_its_end_brings_everything_forward(
    tmp_path: Path,
) -> None:
    office, timer = Office(tmp_path, still=True), Timer()
    add_unit(office.ledger, "till-2")
    make_live(office.ledger, "till-2", "second")
    for unit in ("till-1", "till-2"):
        for writer in (standard, simplified):
            office.ledger.issue(unit, writer)
    breakers = journalled_breakers(office.ledger, office.clock, timer)

    def run() -> int:
        before = len(office.authority.received)
        submit_due(office.ledger, office.gateway, office.clock, rng=random.Random(1), breakers=breakers)
        return len(office.authority.received) - before

    office.authority.script = [UNREACHABLE] * SILENCES
    assert run() == SILENCES
    assert run() == 0
    (opened,) = office.ledger.events(kinds=(EventKind.CIRCUIT_OPENED,))
    assert (opened.facts["environment"], opened.facts["gateway"], opened.facts["row"]) == (
        "simulation",
        None,
        "unreachable",
    )
    told = status_of(office.ledger, office.clock)
    assert {one.obstacle for one in told.documents} == {Obstacle.CIRCUIT_OPEN}
    assert told.exit_code == 3
    (circuit,) = told.circuits
    assert circuit.until - office.clock.now() <= timedelta(seconds=SHORTEST)
    assert "could not be reached" in circuit.reason["en"]

    # One second on, the two documents that were tried are not due yet: the other unit's ask, and bring them forward.
    timer.now += SHORTEST
    office.later(1)
    run()
    (closed,) = office.ledger.events(kinds=(EventKind.CIRCUIT_CLOSED,))
    assert (closed.facts["environment"], closed.facts["due"]) == ("simulation", SILENCES)
    assert status_of(office.ledger, office.clock).circuits == ()
    run()
    assert status_of(office.ledger, office.clock).documents == ()


@pytest.mark.usefixtures("either_store")
def test_what_was_told_to_wait_is_not_brought_forward(tmp_path: Path) -> None:
    office = Office(tmp_path, still=True)
    told, tried, fresh = (office.ledger.issue("till-1", writer).document for writer in (standard, standard, standard))
    office.authority.script = [SLOW_DOWN]
    office.submit()
    timer = Timer()
    breakers = journalled_breakers(office.ledger, office.clock, timer)
    office.authority.script = [TIMEOUT_PAGE]
    breaker = breakers.of(Environment.SIMULATION, None)
    submit_due(office.ledger, office.gateway, office.clock, rng=random.Random(1), breakers=breakers)
    assert office.ledger.document(fresh.uuid).state == "accepted"
    before = office.ledger.document(told.uuid).next_attempt_at
    breaker.note(outcome(UNTRUSTED))
    breaker.note(outcome(GOOD))
    assert office.ledger.document(told.uuid).next_attempt_at == before
    due = office.ledger.document(tried.uuid).next_attempt_at
    assert due is not None
    assert due <= office.clock.now()
