"""Fault scripts as they are written: what is read, and how a mistake is named."""

import json
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from khatm.environment import Environment
from khatm.simulator.errors import InvalidFault, TooManyFaults
from khatm.simulator.fault_script import read_fault, read_script
from khatm.simulator.faults import MOST_FAULTS, Content, FaultCall, Faults
from khatm.simulator.store import Store

CALL = FaultCall(Environment.SIMULATION, "reporting", frozenset)


def test_a_fault_with_everything() -> None:
    fault = read_fault(
        {
            "environment": "production",
            "endpoint": "clearance",
            "unit": " 310123456700003 ",
            "times": None,
            "every": 5,
            "probability": 0.25,
            "seed": 3,
            "then": {"status": 429, "body": "HTML", "retry_after": "Sun, 06 Nov 1994 08:49:37 GMT", "delay": 1},
        }
    )
    assert (fault.environment, fault.endpoint, fault.unit) == (Environment.PRODUCTION, "clearance", "310123456700003")
    assert (fault.times, fault.every, fault.probability, fault.seed) == (None, 5, 0.25, 3)
    assert (fault.then.retry_after, fault.then.delay) == ("Sun, 06 Nov 1994 08:49:37 GMT", 1.0)


def test_it_strikes_once_unless_it_says_otherwise() -> None:
    once = {"endpoint": "*", "then": {"status": 503}}
    assert read_fault(once).times == 1
    assert read_fault({**once, "times": None}).times is None
    assert read_fault({**once, "every": 5}).times is None
    assert read_fault({**once, "probability": 0.5}).times is None
    assert read_fault({**once, "every": 5, "times": 2}).times == 2


def test_contents_of_the_writers_own() -> None:
    def content(value: object) -> Content | None:
        return read_fault({"endpoint": "*", "then": {"status": 400, "content": value}}).then.content

    assert content("Nein") == Content(text="Nein", type="text/plain;charset=UTF-8")
    assert content({"ا": [1, None]}) == Content(text='{"ا":[1,null]}', type="application/json")


GOOD = {"endpoint": "reporting", "then": {"status": 503}}
WRONG: list[tuple[object, str, str]] = [
    ([], "fault", "[]"),
    ("x", "fault", '"x"'),
    ({"then": {"status": 503}}, "endpoint", "absent"),
    ({"endpoint": "reporting"}, "then", "absent"),
    ({**GOOD, "endpoint": "invoices"}, "endpoint", '"invoices"'),
    ({**GOOD, "endpoint": ["reporting"]}, "endpoint", '["reporting"]'),
    ({**GOOD, "environment": "core"}, "environment", '"core"'),
    ({**GOOD, "unit": ""}, "unit", '""'),
    ({**GOOD, "unit": 310123456700003}, "unit", "310123456700003"),
    ({**GOOD, "times": 0}, "times", "0"),
    ({**GOOD, "times": True}, "times", "true"),
    ({**GOOD, "times": 1.5}, "times", "1.5"),
    ({**GOOD, "every": None}, "every", "null"),
    ({**GOOD, "probability": 1.1}, "probability", "1.1"),
    ({**GOOD, "probability": float("nan")}, "probability", "NaN"),
    ({**GOOD, "seed": -1}, "seed", "-1"),
    ({**GOOD, "answered": 200}, "answered", "200"),
    ({**GOOD, "answered": []}, "answered", "[]"),
    ({**GOOD, "count": 3}, "count", "3"),
    ({**GOOD, "then": 503}, "then", "503"),
    ({**GOOD, "then": {}}, "then", "{}"),
    ({**GOOD, "then": {"when": "after"}}, "then", '{"when": "after"}'),
    ({**GOOD, "then": {"status": 199}}, "then.status", "199"),
    ({**GOOD, "then": {"status": 304}}, "then.status", "304"),
    ({**GOOD, "then": {"status": "503"}}, "then.status", '"503"'),
    ({**GOOD, "then": {"status": 400}}, "then.body", "absent"),
    ({**GOOD, "then": {"status": 503, "body": "html"}}, "then.body", '"html"'),
    ({**GOOD, "then": {"body": "HTML"}}, "then.body", '"HTML"'),
    ({**GOOD, "then": {"status": 503, "body": "HTML", "content": "x"}}, "then.content", '"x"'),
    ({**GOOD, "then": {"status": 429, "retry_after": "soon"}}, "then.retry_after", '"soon"'),
    ({**GOOD, "then": {"status": 429, "retry_after": "1\r\nX: 1"}}, "then.retry_after", '"1\\r\\nX: 1"'),
    ({**GOOD, "then": {"delay": 601}}, "then.delay", "601"),
    ({**GOOD, "then": {"delay": -1}}, "then.delay", "-1"),
    ({**GOOD, "then": {"drop": True}}, "then.drop", "true"),
    ({**GOOD, "then": {"drop": "close", "status": 503}}, "then.status", "503"),
    ({**GOOD, "then": {"drop": "close", "truncate": "json"}}, "then.truncate", '"json"'),
    ({**GOOD, "then": {"status": 503, "change": ["info-as-object"]}}, "then.change", '["info-as-object"]'),
    ({**GOOD, "then": {"change": ["anything"]}}, "then.change", '["anything"]'),
    ({**GOOD, "then": {"change": "info-as-object"}}, "then.change", '"info-as-object"'),
    ({**GOOD, "then": {"keep": 3}}, "then.keep", "3"),
    ({**GOOD, "then": {"change": ["info-as-object"], "when": "before"}}, "then.when", '"before"'),
    ({**GOOD, "then": {"bytes_per_second": 0}}, "then.bytes_per_second", "0"),
    ({**GOOD, "then": {"clearance": "on"}}, "then.clearance", '"on"'),
    ({**GOOD, "then": {"reject": "BR-NONE-1"}}, "then.reject", '"BR-NONE-1"'),
    ({**GOOD, "then": {"reject": "KHATM-XML"}}, "then.reject", '"KHATM-XML"'),
    ({**GOOD, "then": {"reject": "BT-31"}}, "then.reject", '"BT-31"'),
    ({**GOOD, "answered": [200], "then": {"reject": "BR-KSA-15"}}, "then.reject", '"BR-KSA-15"'),
    ({**GOOD, "then": {"event": "certificate-lost"}}, "then.event", '"certificate-lost"'),
    ({**GOOD, "then": {"advance_seconds": "1d"}}, "then.advance_seconds", '"1d"'),
    ({**GOOD, "answered": [200], "then": {"drop": "close", "when": "before"}}, "then.when", '"before"'),
    ({**GOOD, "answered": [200], "then": {"event": "otp-expired"}}, "then.event", '"otp-expired"'),
    ({"faults": []}, "faults", "[]"),
    ({"faults": GOOD}, "faults", json.dumps(GOOD)),
    ({"faults": [GOOD], "endpoint": "*"}, "faults", json.dumps([GOOD])),
    ({"faults": [GOOD, {**GOOD, "every": 0}]}, "faults[1].every", "0"),
    ({"faults": [GOOD, {**GOOD, "then": {"status": 1}}]}, "faults[1].then.status", "1"),
]


@pytest.mark.parametrize(("script", "field", "found"), WRONG, ids=lambda given: str(given)[:60])
def test_a_wrong_script_names_field_and_finding(script: object, field: str, found: str) -> None:
    with pytest.raises(InvalidFault) as raised:
        read_script(script)
    error = raised.value
    assert (error.field, error.found) == (field, found if len(found) <= 60 else found[:59] + "…")
    for language in ("en", "ar"):
        assert field in error.sentence(language)
        assert error.allowed in error.sentence(language)


@pytest.fixture
def store() -> Iterator[Store]:
    opened = Store()
    yield opened
    opened.close()


def test_a_script_survives_with_its_counts(tmp_path: Path) -> None:
    first = Store(tmp_path / "state")
    faults = Faults(first, read_fault)
    faults.arm(read_script({"faults": [{**GOOD, "times": 2}, {**GOOD, "every": 3}]}))
    strikes = [faults.strike(CALL) for _ in range(4)]
    assert [each and each.id for each in strikes] == [1, 1, None, None]
    first.close()
    second = Store(tmp_path / "state")
    again = Faults(second, read_fault)
    assert [(each.matched, each.fired) for each in again.armed()] == [(2, 2), (2, 0)]
    struck = again.strike(CALL)
    assert struck is not None
    assert struck.id == 2
    again.clear()
    assert again.arm([read_fault(GOOD)])[0].id == 3, "a number is never used twice"
    second.close()


def test_many_threads_share_out_exactly_what_is_armed(store: Store) -> None:
    faults = Faults(store, read_fault)
    faults.arm(read_script({"faults": [{**GOOD, "times": 3}, {**GOOD, "times": 5}]}))
    found: list[int] = []

    def call() -> None:
        for _ in range(20):
            struck = faults.strike(CALL)
            if struck is not None:
                found.append(struck.id)

    threads = [Thread(target=call) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(found) == [1] * 3 + [2] * 5


def test_chance_is_near_its_probability_and_depends_on_seed_and_script(store: Store) -> None:
    def run(status: int, default: int = 0, **named: int) -> list[bool]:
        fault = read_fault({"endpoint": "*", "probability": 0.2, "then": {"status": status}, **named})
        return [fault.strikes(count, default) for count in range(1, 2001)]

    base = run(503)
    assert 330 <= sum(base) <= 470, "400 expected, 18 the standard deviation"
    assert base == run(503)
    assert base != run(502)
    assert base != run(503, default=1)
    assert run(503, default=1, seed=9) == run(503, default=2, seed=9)


def test_there_is_an_end_to_scripts(store: Store) -> None:
    faults = Faults(store, read_fault)
    one = read_fault(GOOD)
    faults.arm([one] * MOST_FAULTS)
    with pytest.raises(TooManyFaults):
        faults.arm([one])
    assert len(faults.armed()) == MOST_FAULTS
    assert faults.clear() == MOST_FAULTS
    assert faults.strike(CALL) is None
