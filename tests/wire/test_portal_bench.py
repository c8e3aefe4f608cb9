"""Faults, time and snapshots from the browser do what they say on the wire."""

import json
from collections.abc import Iterator

import httpx
import pytest

from khatm.environment import Environment
from khatm.simulator.embedded import EmbeddedSimulator
from khatm.simulator.fault_script import read_script
from khatm.simulator.faults import ENDPOINT_NAMES
from khatm.simulator.web.fault_form import EFFECTS, script_of
from tests.wire.portal_visitor import Visitor, runs_no_foreign_script, texts, tree
from tests.wire.simulator_caller import Caller, Unit, fresh

SIMULATION = Environment.SIMULATION


@pytest.fixture(scope="module")
def running() -> Iterator[EmbeddedSimulator]:
    with EmbeddedSimulator() as simulator:
        yield simulator


@pytest.fixture
def simulator(running: EmbeddedSimulator) -> EmbeddedSimulator:
    return fresh(running)


@pytest.mark.parametrize("effect", EFFECTS)
def test_every_effect_of_the_form_can_be_armed(effect: str) -> None:
    fields = {"effect": effect, "endpoint": "clearance", "often": "every", "number": "3", "amount": "7", "unit": "x"}
    [fault] = read_script(script_of(fields))
    assert (fault.every, fault.times, fault.unit, fault.endpoint) == (3, None, "x", "clearance")


def test_a_lost_answer_is_lost_once(simulator: EmbeddedSimulator) -> None:
    unit = Unit(Caller(simulator, SIMULATION), "1000").onboarded()
    visitor = Visitor(simulator)
    page = visitor.post("/portal/faults", effect="lost_after", endpoint="clearance", often="times", number="1")
    assert page.url.path == "/portal/faults"
    document = unit.document("standard-invoice")
    with pytest.raises(httpx.RemoteProtocolError):
        unit.send("/invoices/clearance/single", document)
    assert unit.send("/invoices/clearance/single", document).status_code == 208
    assert texts(visitor.get("/portal/faults"), "//tbody/tr/td[@class='number']") == ["1", "1", "0"]
    visitor.post("/portal/faults/clear", fault="1")
    assert "Nothing is armed" in visitor.get("/portal/faults").text


def test_any_script_can_be_written(simulator: EmbeddedSimulator) -> None:
    script = {"faults": [{"endpoint": each, "then": {"status": 503}} for each in ENDPOINT_NAMES]}
    Visitor(simulator).post("/portal/faults", effect="script", script=json.dumps(script))
    assert len(simulator.fatoora.faults.armed()) == 6
    Visitor(simulator).post("/portal/faults/clear")
    assert simulator.fatoora.faults.armed() == []


@pytest.mark.parametrize(
    "fields",
    [
        {"effect": "nothing"},
        {"effect": "delay", "endpoint": "*", "amount": "x", "number": "1"},
        {"effect": "lost_after", "endpoint": "core", "number": "1"},
        {"effect": "lost_after", "endpoint": "*", "number": "0"},
        {"effect": "lost_after", "endpoint": "*", "number": "1", "environment": "core"},
        {"effect": "script", "script": "{"},
        {"effect": "script", "script": "[" * 5000},
        {"effect": "script", "script": "</textarea><script>"},
        {},
    ],
)
def test_a_fault_that_cannot_be_armed_is_explained_beside_the_form(
    simulator: EmbeddedSimulator, fields: dict[str, str]
) -> None:
    page = Visitor(simulator).post("/portal/faults", **fields)
    assert page.status_code == 400
    [problem] = texts(page, "//p[@role='alert']")
    assert "Allowed:" in problem
    assert tree(page).xpath("string(//textarea[@name='script'])").strip() == fields.get("script", "")
    assert simulator.fatoora.faults.armed() == []


def test_the_clock_and_snapshots(simulator: EmbeddedSimulator) -> None:
    visitor = Visitor(simulator).signed_in()
    visitor.post("/portal/time/clock", action="set", value="2027-01-31T08:00")
    assert simulator.clock.now().isoformat().startswith("2027-01-31T05:00")
    visitor.post("/portal/time/clock", action="speed", value="0")
    visitor.post("/portal/onboard", count="1")
    page = visitor.get("/portal/onboard")
    assert tree(page).xpath("//ul[@data-speed='0.0']")
    visitor.post("/portal/time/snapshots", action="take")
    visitor.post("/portal/time/clock", action="advance", value="3660")
    assert not texts(visitor.get("/portal/onboard"), "//output")
    visitor.post("/portal/time/snapshots", action="restore", snapshot="1")
    assert len(texts(visitor.get("/portal/onboard"), "//output")) == 1
    visitor.post("/portal/time/snapshots", action="drop", snapshot="1")
    assert simulator.fatoora.snapshots.kept() == []
    visitor.post("/portal/time/clock", action="true")
    assert not simulator.fatoora.time.frozen
    visitor.post("/portal/time/clock", action="speed", value="3600")
    assert simulator.fatoora.time.speed == 3600
    assert "×3600" in visitor.get("/portal/time").text
    visitor.post("/portal/time/clock", action="speed", value="1")
    for fields in (
        {"action": "advance", "value": "x"},
        {"action": "set", "value": "2027"},
        {"action": "speed", "value": "7"},
        {"action": "x"},
        {},
    ):
        assert visitor.post("/portal/time/clock", **fields).status_code == 400, fields
    for snapshot in ("9", "x", ""):
        assert visitor.post("/portal/time/snapshots", action="restore", snapshot=snapshot).status_code == 404


def test_a_fresh_start_has_to_be_meant(simulator: EmbeddedSimulator) -> None:
    Unit(Caller(simulator, SIMULATION), "1000").begin()
    visitor = Visitor(simulator)
    visitor.post("/portal/time/reset")
    assert len(simulator.fatoora.registry.devices()) == 1
    visitor.post("/portal/time/reset", sure="yes")
    assert simulator.fatoora.registry.devices() == []


def test_the_record_shows_what_was_said_and_why(simulator: EmbeddedSimulator) -> None:
    unit = Unit(Caller(simulator, SIMULATION), "1000").onboarded()
    assert unit.submit("standard-invoice", {"reporting:1.0": "clearance:1.0"}).status_code == 400
    assert unit.caller.call("POST", "/production/csids", {"compliance_request_id": "1"}).status_code == 401
    assert unit.caller.call("POST", "/<script>alert(1)</script>", {}).status_code == 404
    visitor = Visitor(simulator)
    page = visitor.get("/portal/exchanges")
    statuses = texts(page, "//tbody/tr/td[3]")
    assert statuses == ["404", "401", "400", *["200"] * 5]
    whys = texts(page, "//tbody/tr/td[5]")
    assert whys[:3] == ["unknown-path", "no-authorization", "BR-KSA-EN16931-01"]
    assert len(texts(visitor.get("/portal/exchanges", status="4xx"), "//tbody/tr")) == 3
    assert len(texts(visitor.get("/portal/exchanges", endpoint="compliance_check"), "//tbody/tr")) == 3
    assert len(texts(visitor.get("/portal/exchanges", verdict="issued", environment="simulation"), "//tbody/tr")) == 2
    assert len(texts(visitor.get("/portal/exchanges", verdict="nothing", before="x"), "//tbody/tr")) == 8
    last = simulator.fatoora.recorder.last_number
    refused = visitor.get(f"/portal/exchanges/{last - 2}")
    assert "Business process is not reporting:1.0" in refused.text
    assert ">clearance:1.0<" in "".join(texts(refused, "//div[@class='source-row']"))
    for number in range(last - 7, last + 1):
        shown = visitor.get(f"/portal/exchanges/{number}")
        assert shown.status_code == 200
        assert runs_no_foreign_script(shown)
        assert unit.pcsid is not None
        assert unit.pcsid.secret not in shown.text
    revealed = visitor.get(f"/portal/exchanges/{last - 3}", reveal="true")
    assert unit.pcsid is not None
    assert unit.pcsid.secret in tree(revealed).text_content()
    for number in ("0", "999999", "x", "٣"):
        assert visitor.get(f"/portal/exchanges/{number}").status_code == 404


def test_older_exchanges_are_a_page_away(simulator: EmbeddedSimulator) -> None:
    caller = Caller(simulator, SIMULATION)
    for _ in range(105):
        caller.call("POST", "/compliance", {})
    visitor = Visitor(simulator)
    page = visitor.get("/portal/exchanges", environment="simulation")
    assert len(texts(page, "//tbody/tr")) == 100
    [link] = tree(page).xpath("//section[@id='exchanges']//a[@class='button']/@href")  # the filter goes with it
    assert len(texts(visitor.http.get(link), "//tbody/tr")) == 5


def test_a_fault_cannot_move_the_clock_beyond_its_years(simulator: EmbeddedSimulator) -> None:
    visitor = Visitor(simulator)
    script = {"endpoint": "*", "times": None, "then": {"advance_seconds": 10**10}}
    visitor.post("/portal/faults", effect="script", script=json.dumps(script))
    caller = Caller(simulator, SIMULATION)
    assert {caller.call("POST", "/compliance", {}).status_code for _ in range(40)} == {400}
    assert simulator.clock.now().year > 8000
    assert visitor.get("/portal/time").status_code == 200
