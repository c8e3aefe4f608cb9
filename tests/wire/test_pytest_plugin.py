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

HEADER = """
import httpx
import pytest

def ask(simulator, **members):
    body = {"environment": "simulation", "vat_number": "399999999900003"} | members
    return httpx.post(f"{simulator.url}/manage/otp", json=body, trust_env=False).json()["otps"]
"""


@pytest.fixture
def run(pytester: pytest.Pytester):
    """Run the tests in this text with these options."""

    def runs(text: str, *options: str, ini: str = "") -> pytest.RunResult:
        pytester.makeini(f"[pytest]\naddopts = --strict-markers --strict-config -p no:cacheprovider\n{ini}")
        pytester.makepyfile(HEADER + text)
        loading = () if INSTALLED else ("-p", MODULE)
        return pytester.runpytest_inprocess(*loading, "-p", "no:xdist", *options)

    return runs


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


def test_every_test_gets_a_fresh_simulator(run) -> None:
    result = run("""
seen = []

@pytest.mark.parametrize("turn", range(3))
def test_fresh(fatoora_simulator, turn):
    code = fatoora_simulator.otp()
    assert len(code) == 6
    answer = httpx.post(f"{fatoora_simulator.gateway_url}/simulation/compliance", json={}, trust_env=False)
    assert answer.status_code == 406
    assert [each["status"] for each in fatoora_simulator.exchanges()] == [406]
    assert fatoora_simulator.faults.armed() == []
    fatoora_simulator.faults.arm({"endpoint": "*", "times": 5, "then": {"status": 503}})
    answer = httpx.post(f"{fatoora_simulator.gateway_url}/simulation/compliance", json={}, trust_env=False)
    assert answer.status_code == 503
    assert fatoora_simulator.faults.armed()[0]["fired"] == 1
    if turn == 1:
        fatoora_simulator.faults.clear()
        assert fatoora_simulator.faults.armed() == []
    seen.append(fatoora_simulator)
    assert len(set(seen)) == len(seen)
""")
    result.assert_outcomes(passed=3)


def test_the_clock_moves_what_the_simulator_sees(run) -> None:
    result = run("""
from datetime import datetime, timedelta

def test_time(fatoora_simulator):
    before = datetime.fromisoformat(ask(fatoora_simulator)[0]["expires_at"])
    fatoora_simulator.clock.advance(timedelta(days=400))
    assert datetime.fromisoformat(ask(fatoora_simulator)[0]["expires_at"]) - before > timedelta(days=399)
""")
    result.assert_outcomes(passed=1)


def test_switches_come_from_ini_command_line_and_mark_in_this_order(run) -> None:
    text = """
def switches(simulator):
    found = httpx.get(f"{simulator.url}/manage/switches", trust_env=False).json()["simulation"]
    return found["renewal"], found["otp"], found["chain"], found["rules"]

@pytest.mark.fatoora(settings=["simulation.rules=off", "simulation.chain=format"])
class TestMarked:
    @pytest.mark.fatoora(settings=["simulation.chain=warn"])
    def test_marked(self, fatoora_simulator):
        assert switches(fatoora_simulator) == ("200", "pattern", "warn", "off")

def test_plain(fatoora_simulator):
    assert switches(fatoora_simulator) == ("200", "pattern", "strict", "3.3.3")
"""
    ini = "fatoora_settings =\n  simulation.renewal=200\n  simulation.otp=portal\n  simulation.chain=strict\n"
    ini += "  simulation.rules=3.3.3\n"
    run(text, "--fatoora-set", "simulation.otp=pattern", ini=ini).assert_outcomes(passed=2)


def test_a_mark_asks_for_https_a_proxy_and_a_seed(run) -> None:
    result = run("""
codes = []

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
""")
    result.assert_outcomes(passed=3)


@pytest.mark.parametrize(
    ("mark", "said"),
    [
        ('settings=["simulation.otps=portal"]', "no switch 'otps'"),
        ("setting=[]", "setting"),
        ('["simulation.otp=portal"]', "options by name"),
    ],
)
def test_a_wrong_mark_is_said(run, mark: str, said: str) -> None:
    result = run(f"""
@pytest.mark.fatoora({mark})
def test_wrong(fatoora_simulator):
    pass
""")
    result.assert_outcomes(errors=1)
    assert said in result.stdout.str()
