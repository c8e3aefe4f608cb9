"""`khatm simulator fault|clock|snapshot|restore|reset` against a running simulator, as a user types them."""

import json
import re
import socket
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from khatm.rules.catalogue import explain
from khatm.simulator.embedded import EmbeddedSimulator
from tests.wire.cli_stage import Desk, Ran
from tests.wire.fault_stage import Stage
from tests.wire.gateway_peer import GatewayPeer, answer
from tests.wire.simulator_caller import SELLER


@pytest.fixture(scope="module")
def opened() -> Iterator[Stage]:
    with Stage.open() as stage:
        yield stage


@pytest.fixture
def stage(opened: Stage) -> Stage:
    return opened.again()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def run(stage: Stage, desk: Desk, *arguments: str, stdin: str = "") -> Ran:
    return desk.khatm("simulator", *arguments, "--url", stage.simulator.url, stdin=stdin)


def test_a_fault_is_armed_seen_to_strike_listed_and_cleared(stage: Stage, desk: Desk) -> None:
    added = run(stage, desk, "fault", "add", "clearance", "--times", "1", "--drop", "close", "--when", "after")
    assert (added.code, added.out) == (
        0,
        'armed    1  every environment, clearance: {"drop": "close", "when": "after"}  (struck 0 of 0 calls, 1 left)\n',
    )
    document = stage.document("clearance")
    assert stage.raw(document, "clearance") == b""
    assert stage.send(document, "clearance").status_code == 208
    [listed] = run(stage, desk, "fault", "list", "--format", "json").records
    assert (listed["fired"], listed["matched"], listed["remaining"]) == (1, 1, 0)
    assert "struck 1 of 1 calls, 0 left" in run(stage, desk, "fault", "list").out
    assert run(stage, desk, "fault", "clear", "1").out == "cleared: 1\n"
    assert run(stage, desk, "fault", "list").out == ""
    assert run(stage, desk, "fault", "clear").out == "cleared: 0\n"


def test_every_option_arrives_as_its_member(stage: Stage, desk: Desk) -> None:
    """The members are those of the management interface; nothing is lost or renamed on the way."""
    selectors = ["--environment", "simulation", "--unit", "x", "--every", "2", "--probability", "0.5", "--seed", "3"]
    cases: list[tuple[list[str], dict[str, object]]] = [
        (["--status", "429", "--retry-after", "7"], {"status": 429, "retry_after": 7}),
        (["--status", "400", "--body", "TEXT", "--delay", "2s"], {"status": 400, "body": "TEXT", "delay": 2.0}),
        (["--status", "418", "--content", "x"], {"status": 418, "content": "x"}),
        (["--truncate", "json", "--keep", "5"], {"truncate": "json", "keep": 5}),
        (["--bytes-per-second", "9"], {"bytes_per_second": 9}),
        (["--clearance-off"], {"clearance": "off"}),
        (["--reject", "BR-KSA-15"], {"reject": "BR-KSA-15"}),
        (["--event", "otp-expired", "--advance", "24h"], {"event": "otp-expired", "advance_seconds": 86400.0}),
    ]
    for options, then in cases:
        [armed] = run(stage, desk, "fault", "add", "*", *selectors, *options, "--format", "json").records
        assert armed["then"] == then
        assert (armed["environment"], armed["unit"], armed["every"]) == ("simulation", "x", 2)
        assert (armed["probability"], armed["seed"], armed["remaining"]) == (0.5, 3, None)
    change = ["--change", "info-as-object", "--change", "untyped-messages", "--answered", "200", "--until-cleared"]
    [armed] = run(stage, desk, "fault", "add", "reporting", *change, "--format", "json").records
    assert armed["then"] == {"change": ["info-as-object", "untyped-messages"]}
    assert (armed["answered"], armed["times"]) == ([200], None)


def test_a_script_comes_from_a_file_or_from_standard_input(stage: Stage, desk: Desk) -> None:
    script = {"faults": [{"endpoint": "*", "then": {"status": 503}}, {"endpoint": "*", "then": {"status": 502}}]}
    path = desk.write("script.json", script)
    assert run(stage, desk, "fault", "add", "--script", str(path)).out.count("armed") == 2
    assert run(stage, desk, "fault", "add", "--script", "-", stdin=json.dumps(script["faults"][0])).code == 0
    document = stage.document()
    assert [stage.send(document).status_code for _ in range(4)] == [503, 502, 503, 200]


def test_the_clock(stage: Stage, desk: Desk) -> None:
    before = stage.simulator.clock.now()
    [moved] = run(stage, desk, "clock", "advance", "2d", "--format", "json").records
    assert timedelta(days=2) <= datetime.fromisoformat(moved["now"]) - before < timedelta(days=2, minutes=1)
    run(stage, desk, "clock", "advance", "-2d")
    assert stage.simulator.clock.now() - before < timedelta(minutes=1)
    shown = run(stage, desk, "clock", "set", "2031-05-01T12:00:00+03:00", "--freeze").out
    assert shown.startswith("simulator's time: 2031-05-01T09:00:00.000Z (+")
    assert shown.endswith(" s, standing still)\n")
    assert run(stage, desk, "clock").out.startswith("simulator's time: 2031-05-01T09:00:00.000Z")
    assert run(stage, desk, "clock", "freeze", "--format", "json").records[0]["frozen"] is True
    [true] = run(stage, desk, "clock", "reset", "--format", "json").records
    assert (true["frozen"], abs(true["shift_seconds"]) < 0.01) == (False, True)


def test_snapshots(stage: Stage, desk: Desk) -> None:
    taken = run(stage, desk, "snapshot").out.strip()
    document = stage.document()
    stage.send(document)
    assert run(stage, desk, "restore", taken).code == 0
    assert stage.send(document).status_code == 200
    listed = run(stage, desk, "snapshot", "--list", "--format", "json").records
    assert [str(each["id"]) for each in listed] == [str(stage.snapshot), taken]
    assert run(stage, desk, "snapshot", "--drop", taken).out.splitlines() == [
        f"{stage.snapshot:>4}  {listed[0]['taken_at']}"
    ]
    assert run(stage, desk, "reset").code == 0
    assert stage.manage("GET", "/devices") == {"devices": []}


def test_the_record_is_listed_explained_and_saved(stage: Stage, desk: Desk) -> None:
    stage.send(stage.document())
    stage.unit.submit("simplified-invoice", {SELLER: "311234567800003"})
    stage.arm("reporting", {"drop": "close"})
    stage.raw(stage.document())
    stage.unit.caller.call("POST", "/nothing", {})
    lines = run(stage, desk, "exchanges").out.splitlines()
    assert [line.split()[2:5] for line in lines[:2]] == [
        ["simulation", "reporting", "200"],
        ["simulation", "reporting", "400"],
    ]
    assert ("rejected" in lines[1], "certificate-permissions" in lines[1]) == (True, True)
    assert (" --- unanswered" in lines[2], lines[2].endswith("(fault 1)")) == (True, True)
    assert ("POST /e-invoicing/simulation/nothing" in lines[3], lines[3].endswith("unknown-path")) == (True, True)
    assert len(run(stage, desk, "exchanges", "--status", "4xx", "--limit", "1").out.splitlines()) == 1
    [rejected] = run(stage, desk, "exchanges", "--verdict", "rejected", "--format", "json").records
    number = str(rejected["number"])
    entry = explain("certificate-permissions")
    assert entry is not None
    for language, fix in (("en", entry.en.fix), ("ar", entry.ar.fix)):
        told = run(stage, desk, "exchange", number, "--language", language).out
        assert fix in told
        assert "authorization: …" in told
        assert "again: curl --request POST" in told
    assert stage.unit.pcsid is not None
    basic = stage.unit.pcsid.authorization["Authorization"]
    assert f"authorization: {basic}" in run(stage, desk, "exchange", number, "--reveal").out
    assert run(stage, desk, "exchange", number, "--format", "json").records[0]["verdict"] == "rejected"
    for name in ("all.har", "all.jsonl"):
        saved = run(stage, desk, "exchanges", "--out", name)
        assert (saved.code, saved.out) == (0, "")
        assert (desk.folder / name).stat().st_mode & 0o077 == 0
        assert basic not in (desk.folder / name).read_text("utf-8")
    assert len(json.loads((desk.folder / "all.har").read_text("utf-8"))["log"]["entries"]) == 4
    assert len((desk.folder / "all.jsonl").read_text("utf-8").splitlines()) == 4
    assert run(stage, desk, "exchanges", "--out", "all.txt").code == 2
    assert run(stage, desk, "exchange", "99999").code == 2
    assert run(stage, desk, "exchanges", "--verdict", "good").code == 2
    assert run(stage, desk, "exchanges", "--verdict", "good", "--out", "x.har").code == 2


def test_the_record_is_followed(stage: Stage, desk: Desk) -> None:
    import subprocess
    import sys

    arguments = [
        "simulator",
        "exchanges",
        "--follow",
        "--verdict",
        "accepted",
        "--format",
        "json",
        "--url",
        stage.simulator.url,
    ]
    with subprocess.Popen(
        [sys.executable, "-c", "from khatm.cli.khatm import main; main()", *arguments],
        stdout=subprocess.PIPE,
        env=desk.environment(),
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            seen = []
            for _ in range(3):
                stage.send(stage.document())
                stage.unit.caller.call("POST", "/nothing", {})
                seen.append(json.loads(process.stdout.readline())["number"])
        finally:
            process.terminate()
    listed = run(stage, desk, "exchanges", "--verdict", "accepted", "--format", "json").records
    assert seen == [each["number"] for each in listed]


def test_a_refusal_is_the_simulators_own_sentence(stage: Stage, desk: Desk) -> None:
    wrong = run(stage, desk, "fault", "add", "reporting", "--status", "400")
    assert (wrong.code, wrong.out) == (2, "")
    assert wrong.err.startswith("error: The fault is not armed: then.body cannot be absent. Allowed: FLAT, ")
    [record] = run(stage, desk, "restore", "99", "--format", "json").records
    assert (record["ok"], record["error"], record["facts"]["refusal"]) == (
        False,
        "refused-by-simulator",
        "unknown-snapshot",
    )
    assert "99" in record["message"]["ar"]
    assert run(stage, desk, "fault", "clear", "99").code == 2
    assert run(stage, desk, "clock", "set", "tomorrow").code == 2
    assert stage.manage("GET", "/faults") == {"faults": []}


@pytest.mark.parametrize(
    "arguments",
    [
        ["fault", "add"],
        ["fault", "add", "reporting"],
        ["fault", "add", "reporting", "--script", "x.json"],
        ["fault", "add", "--script", "no-such-file.json"],
        ["fault", "add", "--script", "-", "--status", "503"],
        ["fault", "add", "--script", "-"],
        ["fault", "add", "reporting", "--delay", "soon"],
        ["fault", "add", "reporting", "--times", "many"],
        ["clock", "advance", "soon"],
        ["clock", "advance", "nan"],
        ["restore"],
        ["restore", "x"],
    ],
    ids=" ".join,
)
def test_wrong_use_ends_with_2_and_changes_nothing(stage: Stage, desk: Desk, arguments: list[str]) -> None:
    ran = run(stage, desk, *arguments, stdin="{no json")
    assert ran.code == 2
    assert "error" in ran.err.lower()
    assert stage.manage("GET", "/faults") == {"faults": []}


def test_options_of_the_server_mean_nothing_to_a_command_that_calls_it(desk: Desk) -> None:
    ran = desk.khatm("simulator", "--port", "8080", "clock")
    assert ran.code == 2
    assert "--port starts a simulator; `clock` talks to a running one (--url)" in ran.err


def test_where_no_simulator_answers(desk: Desk) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        ran = desk.khatm("simulator", "clock", "--url", url)
    assert ran.code == 3
    assert f"No simulator answers at {url}" in ran.err
    for wrong in ("nonsense", "http://", "http://127.0.0.1:99999"):
        assert desk.khatm("simulator", "clock", "--url", wrong).code == 3
    for body in (b"<html>", b"{}", b"[]"):
        with GatewayPeer(answer("404 Not Found", body)) as peer:
            ran = desk.khatm("simulator", "clock", "--url", f"http://127.0.0.1:{peer.port}")
        assert (ran.code, "no simulator" in ran.err) == (3, True)


def test_the_seed_reaches_the_program() -> None:
    from tests.wire.cli_stage import served_simulator

    found = []
    for _ in range(2):
        with served_simulator(options=("--seed", "5")) as served:
            found.append([served.otp("simulation", "310123456700003") for _ in range(3)])
    assert found[0] == found[1]
    with EmbeddedSimulator(seed=6) as other:
        assert other.issue_otp("simulation", "310123456700003") != found[0][0]


def test_a_one_time_password_is_printed_alone_so_that_a_pipe_can_take_it(stage: Stage, desk: Desk) -> None:
    printed = run(stage, desk, "otp", SELLER)
    assert printed.code == 0
    assert re.fullmatch(r"[0-9]{6}\n", printed.out)
    [issued] = run(stage, desk, "otp", SELLER, "--renewal", "--format", "json").records
    assert issued["otp"] != printed.out.strip()
    # the sandbox's fixed value: gateway contract, section 6.6
    assert run(stage, desk, "otp", SELLER, "--environment", "sandbox").out == "123345\n"
    refused = run(stage, desk, "otp", "12")
    assert (refused.code, refused.out) == (2, "")
    assert "vat_number" in refused.err


def test_the_address_of_the_simulator_can_be_set_for_a_shell(stage: Stage, desk: Desk) -> None:
    desk.settings["KHATM_SIMULATOR_URL"] = stage.simulator.url
    assert desk.khatm("simulator", "otp", SELLER).code == 0
    desk.settings["KHATM_SIMULATOR_URL"] = "http://127.0.0.1:1"
    assert desk.khatm("simulator", "otp", SELLER).code == 3
