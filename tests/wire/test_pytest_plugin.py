"""The pytest plugin, in pytest runs of its own."""

import json
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

MODULE = "khatm.testing.pytest_plugin"
INSTALLED = any(each.value == MODULE for each in entry_points(group="pytest11"))
"""False in a checkout whose package was installed before the plugin was there."""

TESTS = """
from datetime import datetime, timedelta

import httpx
import pytest

seen, codes = [], []

def ask(simulator):
    body = {"environment": "simulation", "vat_number": "399999999900003"}
    [otp] = httpx.post(f"{simulator.url}/manage/otp", json=body, trust_env=False).json()["otps"]
    return datetime.fromisoformat(otp["expires_at"])

def call(simulator):
    return httpx.post(f"{simulator.gateway_url}/simulation/compliance", json={}, trust_env=False).status_code

def switches(simulator):
    found = httpx.get(f"{simulator.url}/manage/switches", trust_env=False).json()["simulation"]
    return found["renewal"], found["cors"], found["chain"], found["rules"]

@pytest.mark.parametrize("turn", range(3))
def test_fresh(fatoora_simulator, turn):
    assert len(fatoora_simulator.otp()) == 6
    assert call(fatoora_simulator) == 406
    assert [each["status"] for each in fatoora_simulator.exchanges()] == [406]
    assert fatoora_simulator.faults.armed() == []
    fatoora_simulator.faults.arm({"endpoint": "*", "times": 5, "then": {"status": 503}})
    assert call(fatoora_simulator) == 503
    assert fatoora_simulator.faults.armed()[0]["fired"] == 1
    if turn == 1:
        fatoora_simulator.faults.clear()
        assert fatoora_simulator.faults.armed() == []
    seen.append(fatoora_simulator)
    assert len(set(seen)) == len(seen)

def test_clock(fatoora_simulator):
    before = ask(fatoora_simulator)
    fatoora_simulator.clock.advance(timedelta(days=400))
    assert ask(fatoora_simulator) - before > timedelta(days=399)

@pytest.mark.fatoora(settings=["simulation.rules=off", "simulation.chain=format"])
class TestMarked:
    @pytest.mark.fatoora(settings=["simulation.chain=warn"])
    def test_marked(self, fatoora_simulator):
        assert switches(fatoora_simulator) == ("200", "open", "warn", "off")

def test_unmarked(fatoora_simulator):
    assert switches(fatoora_simulator) == ("200", "open", "strict", "3.3.3")

@pytest.mark.parametrize("turn", range(2))
@pytest.mark.fatoora(seed=7)
def test_seeded(fatoora_simulator, turn):
    codes.append(fatoora_simulator.otp())
    assert len(set(codes)) == 1
    assert fatoora_simulator.environ == {}

@pytest.mark.fatoora(https=True, proxy=True)
def test_reached(fatoora_simulator, monkeypatch):
    for name, value in fatoora_simulator.environ.items():
        monkeypatch.setenv(name, value)
    assert httpx.get("https://gw-fatoora.zatca.gov.sa/manage/clock").status_code == 200
    assert fatoora_simulator.https_url.startswith("https://127.0.0.1:")

@pytest.mark.fatoora(grade=True, grade_cases=["none"])
def test_graded(fatoora_simulator):
    assert call(fatoora_simulator) == 406
    grade = fatoora_simulator.grade()
    assert [each.id for each in grade.cases("failed")] == ["accept-version", "otp-in-header"]
    assert grade.exit_code == 1
"""
SETTINGS = """
  simulation.renewal=200
  simulation.cors=partial
  simulation.chain=strict
  simulation.rules=3.3.3
"""
WRONG = """
import pytest

@pytest.mark.fatoora(settings=["simulation.otps=portal"])
def test_no_such_switch(fatoora_simulator):
    pass

@pytest.mark.fatoora(setting=[])
def test_no_such_option(fatoora_simulator):
    pass

@pytest.mark.fatoora(["simulation.otp=portal"])
def test_no_name(fatoora_simulator):
    pass
"""


def run(pytester: pytest.Pytester, text: str, *options: str) -> pytest.RunResult:
    """Run the tests in this text with these options, in a process of their own."""
    strict = "addopts = --strict-markers --strict-config -p no:cacheprovider -p no:xdist"
    pytester.makeini(f"[pytest]\n{strict}\nfatoora_settings = {SETTINGS}")
    pytester.makepyfile(text)
    loading = () if INSTALLED else ("-p", MODULE)
    return pytester.runpytest_subprocess(*loading, *options)


def test_it_is_installed_with_the_package() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["entry-points"]["pytest11"] == {"khatm": MODULE}


def test_it_costs_nothing_where_it_is_not_used() -> None:
    heavy = {"starlette", "uvicorn", "anyio", "httpx", "cryptography", "lxml", "pydantic", "sqlalchemy", "sqlite3"}
    program = f"import {MODULE}, sys, json; print(json.dumps(sorted(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(json.loads(ran.stdout))
    assert {each for each in loaded if each.startswith("khatm")} == {"khatm", "khatm.testing", MODULE}
    assert not {each.partition(".")[0] for each in loaded} & heavy


def test_each_test_gets_a_simulator_of_its_own_as_it_asks_for(pytester: pytest.Pytester) -> None:
    """Switches come from the ini file, the command line and the marks from outside in, in this order."""
    run(pytester, TESTS, "--fatoora-set", "simulation.cors=open").assert_outcomes(passed=10)


def test_wrong_marks_are_said(pytester: pytest.Pytester) -> None:
    result = run(pytester, WRONG)
    result.assert_outcomes(errors=3)
    for said in ("there is no switch 'otps'", "unexpected keyword argument 'setting'", "options by name"):
        assert said in result.stdout.str()
