"""The clock, snapshots, restoration and reset of a running simulator, under load and across restarts."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from khatm.environment import Environment
from khatm.simulator.embedded import EmbeddedSimulator
from khatm.simulator.snapshots import MOST_SNAPSHOTS
from tests.wire.fault_stage import Stage
from tests.wire.simulator_caller import Caller, Unit, codes, http

SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def opened() -> Iterator[Stage]:
    with Stage.open() as stage:
        yield stage


@pytest.fixture
def stage(opened: Stage) -> Stage:
    again = opened.again()
    for each in again.simulator.fatoora.snapshots.kept()[1:]:
        again.simulator.fatoora.snapshots.drop(each.id)
    return again


def now(stage: Stage) -> datetime:
    return datetime.fromisoformat(stage.manage("GET", "/clock")["now"])


def test_a_frozen_clock_stands_still_for_everything(stage: Stage) -> None:
    stage.manage("POST", "/clock", {"now": "2031-05-01T12:00:00+03:00", "frozen": True})
    assert stage.manage("GET", "/clock")["now"] == "2031-05-01T09:00:00.000Z"
    unit = Unit(Caller(stage.simulator, Environment.PRODUCTION), "1000")
    requests = [unit.begin().json()["requestID"] for _ in range(3)]
    first = int(datetime.fromisoformat("2031-05-01T09:00:00Z").timestamp() * 1000)
    assert requests == [first, first + 1, first + 2], "strictly rising although time stands (gateway contract 2.3)"
    moved = stage.manage("POST", "/clock", {"advance_seconds": 60})
    assert (moved["now"], moved["frozen"]) == ("2031-05-01T09:01:00.000Z", True)
    gone_on = stage.manage("POST", "/clock", {"frozen": False})
    assert gone_on["frozen"] is False
    assert timedelta(0) <= datetime.fromisoformat(gone_on["now"]) - datetime.fromisoformat(moved["now"]) < 60 * SECOND
    true = stage.manage("POST", "/clock", {"reset": True})
    assert abs(true["shift_seconds"]) < 0.001


@pytest.mark.parametrize(
    "members",
    [
        {"frozen": "yes"},
        {"frozen": None},
        {"frozen": 1},
        {"speed": -1},
        {"speed": True},
        {"speed": "2"},
        {"speed": 86_401},
        {"speed": 2, "frozen": True},
        {"speed": 2, "reset": True},
        {"reset": False},
        {"reset": True, "frozen": False},
        {"advance_seconds": 5, "frozen": 0},
        {"advance_seconds": 5, "now": "2031-05-01T12:00:00Z", "frozen": True},
        {"now": "2031-05-01T12:00:00", "frozen": True},
    ],
)
def test_a_wrong_clock_changes_nothing(stage: Stage, members: dict[str, object]) -> None:
    before = stage.manage("GET", "/clock")
    answer = http().post(f"{stage.simulator.url}/manage/clock", json=members)
    assert (answer.status_code, answer.json()["field"]) == (400, "clock")
    after = stage.manage("GET", "/clock")
    assert (after["frozen"], abs(after["shift_seconds"] - before["shift_seconds"]) < 0.01) == (False, True)


def test_a_fast_clock_makes_hours_of_seconds(stage: Stage) -> None:
    caller = Caller(stage.simulator, Environment.SIMULATION)
    unit, otp = Unit(caller, "1000"), caller.otp()
    before = now(stage)
    assert stage.manage("POST", "/clock", {"speed": 36000})["speed"] == 36000
    while now(stage) - before < timedelta(hours=1):
        time.sleep(0.01)
    stage.manage("POST", "/clock", {"speed": 1})
    assert caller.call("POST", "/compliance", {"csr": unit.csr}, OTP=otp).status_code == 400


def test_otps_expire_when_the_clock_passes_their_hour(stage: Stage) -> None:
    caller = Caller(stage.simulator, Environment.SIMULATION)
    unit, otp = Unit(caller, "1000"), caller.otp()
    stage.manage("POST", "/clock", {"advance_seconds": 3661})
    assert caller.call("POST", "/compliance", {"csr": unit.csr}, OTP=otp).status_code == 400
    stage.manage("POST", "/clock", {"advance_seconds": -120})
    assert caller.call("POST", "/compliance", {"csr": unit.csr}, OTP=otp).status_code == 200


def test_a_restored_snapshot_brings_back_state_faults_and_time(stage: Stage) -> None:
    caller = stage.unit.caller
    otp = caller.otp()
    accepted, later = stage.document(), stage.document()
    assert stage.send(accepted).status_code == 200
    stage.arm("clearance", {"status": 503}, times=3)
    assert stage.send(stage.document("clearance"), "clearance").status_code == 503
    moment = now(stage)
    snapshot = stage.manage("POST", "/snapshot")
    assert list(snapshot) == ["id", "taken_at"]

    assert stage.send(later).status_code == 200
    assert stage.send(stage.document("clearance"), "clearance").status_code == 503
    stage.manage("POST", "/clock", {"advance_seconds": 400 * 86400})
    stage.manage("DELETE", "/faults")
    [device] = stage.manage("GET", "/devices")["devices"]
    stage.manage("POST", f"/devices/{device['id']}/revoke")
    assert stage.send(stage.document()).status_code == 401
    Unit(caller, "1000").begin()
    recorded = len(stage.exchanges())

    restored = stage.manage("POST", "/restore", {"id": snapshot["id"]})
    assert restored["id"] == snapshot["id"]
    assert timedelta(0) <= datetime.fromisoformat(restored["now"]) - moment < 60 * SECOND, "time goes on from there"
    [device] = stage.manage("GET", "/devices")["devices"]
    assert device["status"] == "Active"
    assert stage.stored() == {"accepted": 1}
    assert (stage.send(accepted).status_code, stage.send(later).status_code) == (409, 200)
    assert [(each["fired"], each["remaining"]) for each in stage.manage("GET", "/faults")["faults"]] == [(1, 2)]
    unit = Unit(caller, "1000")
    assert caller.call("POST", "/compliance", {"csr": unit.csr}, OTP=otp).status_code == 200, "not expired any more"
    assert len(stage.exchanges()) == recorded + 3, "what was exchanged stays on record"


def test_a_snapshot_of_a_frozen_clock_is_frozen_when_restored(stage: Stage) -> None:
    stage.manage("POST", "/clock", {"now": "2030-01-01T00:00:00Z", "frozen": True})
    snapshot = stage.manage("POST", "/snapshot")
    stage.manage("POST", "/clock", {"advance_seconds": 1000, "frozen": False})
    stage.manage("POST", "/restore", {"id": snapshot["id"]})
    clock = stage.manage("GET", "/clock")
    assert (clock["now"], clock["frozen"]) == ("2030-01-01T00:00:00.000Z", True)
    stage.manage("POST", "/clock", {"reset": True})
    stage.manage("POST", "/restore", {"id": stage.snapshot})
    assert stage.manage("GET", "/clock")["frozen"] is False


def test_reset_forgets_faults_and_time_but_no_snapshot(stage: Stage) -> None:
    stage.manage("POST", "/clock", {"advance_seconds": 86400, "frozen": True})
    stage.arm("*", {"status": 503}, times=None)
    clock = stage.manage("POST", "/reset")
    assert (clock["frozen"], abs(clock["shift_seconds"]) < 0.001) == (False, True)
    assert stage.manage("GET", "/faults") == {"faults": []}
    assert stage.manage("GET", "/devices") == {"devices": []}
    assert [each["id"] for each in stage.manage("GET", "/snapshots")["snapshots"]] == [stage.snapshot]
    stage.manage("POST", "/restore", {"id": stage.snapshot})
    assert stage.send(stage.document()).status_code == 200


def test_a_cleared_document_is_cleared_alike_after_a_restoration(stage: Stage) -> None:
    """The platform's certificate is made at the first clearance; a restored state from before makes another."""
    document = stage.document("clearance")
    for _ in range(2):
        assert stage.send(document, "clearance").status_code == 200
        stage.manage("POST", "/restore", {"id": stage.snapshot})


@pytest.mark.parametrize("body", [{}, {"id": "1"}, {"id": True}, {"id": 1, "name": "x"}, {"id": None}])
def test_a_wrong_restoration_is_refused(stage: Stage, body: dict[str, object]) -> None:
    answer = http().post(f"{stage.simulator.url}/manage/restore", json=body)
    assert (answer.status_code, answer.json()["field"]) == (400, "restore")


def test_unknown_snapshots(stage: Stage) -> None:
    url = f"{stage.simulator.url}/manage"
    assert http().post(f"{url}/restore", json={"id": 99}).json()["error"] == "unknown-snapshot"
    for number in ("99", "x"):
        answer = http().delete(f"{url}/snapshots/{number}")
        assert (answer.status_code, answer.json()["snapshot"]) == (404, number)
    taken = stage.manage("POST", "/snapshot")["id"]
    left = stage.manage("DELETE", f"/snapshots/{taken}")["snapshots"]
    assert [each["id"] for each in left] == [stage.snapshot]


def test_there_is_an_end_to_snapshots(stage: Stage) -> None:
    for _ in range(MOST_SNAPSHOTS - 1):
        stage.simulator.fatoora.take_snapshot()
    answer = http().post(f"{stage.simulator.url}/manage/snapshot")
    assert (answer.status_code, answer.json()["error"]) == (409, "too-many-snapshots")


def test_snapshots_under_load_hold_whole_documents(stage: Stage) -> None:
    """Four callers report while snapshots are taken; each holds as many acceptances as accepted submissions."""
    documents = [stage.document() for _ in range(60)]
    done = threading.Event()
    taken: list[int] = []

    def snapshots() -> None:
        while not done.is_set():
            taken.append(stage.manage("POST", "/snapshot")["id"])
            time.sleep(0.05)

    watcher = threading.Thread(target=snapshots)
    watcher.start()
    with ThreadPoolExecutor(4) as pool:
        statuses = set(pool.map(lambda each: stage.send(each).status_code, documents))
    done.set()
    watcher.join()
    assert statuses == {200}
    sizes = []
    for number in taken:
        stage.manage("POST", "/restore", {"id": number})
        with stage.simulator.fatoora.store.reading() as connection:
            [remembered] = connection.execute("SELECT count(*) FROM accepted").fetchone()
        assert stage.stored().get("accepted", 0) == remembered
        sizes.append(remembered)
    assert sizes == sorted(sizes)
    sent = [stage.send(each).status_code for each in documents]
    assert (sent.count(409), sent.count(200)) == (sizes[-1], 60 - sizes[-1])


def test_restoring_under_load_breaks_no_call(stage: Stage) -> None:
    documents = [stage.document() for _ in range(40)]
    with ThreadPoolExecutor(4) as pool:
        sending = pool.map(lambda each: stage.send(each).status_code, documents)
        for _ in range(5):
            stage.manage("POST", "/restore", {"id": stage.snapshot})
        statuses = list(sending)
    assert set(statuses) <= {200, 409}


def test_snapshots_and_clock_survive_a_restart_with_a_folder(tmp_path: Path) -> None:
    with EmbeddedSimulator(data=tmp_path) as simulator:
        unit = Unit(Caller(simulator, Environment.SIMULATION), "1000").onboarded()
        simulator.fatoora.time.advance(timedelta(days=30))
        simulator.fatoora.time.run(0)
        snapshot = simulator.fatoora.take_snapshot()
        assert unit.submit("standard-invoice").status_code == 200
    with EmbeddedSimulator(data=tmp_path) as simulator:
        unit.caller = Caller(simulator, Environment.SIMULATION)
        assert simulator.clock.now() == snapshot.taken_at
        assert simulator.fatoora.snapshots.kept() == [snapshot]
        simulator.fatoora.restore_snapshot(snapshot.id)
        document = unit.document("standard-invoice")
        sent = [unit.send("/invoices/clearance/single", document) for _ in range(2)]
        assert [each.status_code for each in sent] == [200, 208]
        assert codes(sent[0]) == {"info": ["XSD_ZATCA_VALID"]}
        simulator.fatoora.snapshots.drop(snapshot.id)
    assert list((tmp_path / "snapshots").iterdir()) == []
