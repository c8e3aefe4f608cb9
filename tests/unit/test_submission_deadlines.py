"""Late documents: recorded once per level whoever looks, told until it works, and never told when they have arrived."""

import json
import os
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from khatm.errors import KhatmError
from khatm.ledger.documents import DocumentState
from khatm.ledger.events import EventKind
from khatm.submission.alarms import COMMAND, AlarmHook, CommandHook, RememberedAlarms, hook_of
from khatm.submission.deadlines import DeadlineGuard
from khatm.submission.errors import EscalationFailed, UnusableEscalationCommand
from tests.unit.ledger_stage import START, add_unit, fresh_ledger, make_live, simplified, standard
from tests.unit.submission_stage import TOO_BIG, Office, rejected

pytestmark = pytest.mark.usefixtures("either_store")

HOUR = 3600


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def guard(office: Office, hook: AlarmHook | None, told: list[KhatmError] | None = None) -> DeadlineGuard:
    return DeadlineGuard(office.ledger, office.clock, hook, ([] if told is None else told).append)


def levels(office: Office) -> list[object]:
    return [event.facts["hours"] for event in office.ledger.events(kinds=(EventKind.ESCALATED,))]


def test_each_level_is_told_once_as_the_clock_goes_on(office: Office) -> None:
    issued = office.ledger.issue("till-1", simplified).document
    office.ledger.issue("till-1", standard)  # cleared, not reported: no period runs
    memory = RememberedAlarms()
    watch = guard(office, memory)
    office.later(6 * HOUR - 300)
    assert (watch.look_once(), levels(office)) == (0, [])
    for hours, advance in ((6, 300), (18, 12 * HOUR), (23, 5 * HOUR)):
        office.later(advance)
        assert watch.look_once() == 1
        assert watch.look_once() == 0
        alarm = memory.alarms[-1]
        assert (alarm.unit, alarm.hours, [one.uuid for one in alarm.documents]) == ("till-1", hours, [issued.uuid])
        assert alarm.documents[0].deadline == issued.deadline
    office.later(48 * HOUR)
    assert watch.look_once() == 0
    assert levels(office) == [6, 18, 23]
    assert all(event.document_id == issued.id for event in office.ledger.events(kinds=(EventKind.ESCALATED,)))


def test_what_has_arrived_or_is_refused_for_good_is_not_late(office: Office) -> None:
    for _ in range(2):
        office.ledger.issue("till-1", simplified)
    office.authority.script = [rejected]
    office.submit()
    office.later(25 * HOUR)
    memory = RememberedAlarms()
    assert guard(office, memory).look_once() == 0
    assert levels(office) == []


def test_what_is_set_aside_is_late_too(office: Office) -> None:
    office.ledger.issue("till-1", simplified)
    office.authority.script = [TOO_BIG]
    office.submit()
    office.later(7 * HOUR)
    memory = RememberedAlarms()
    assert guard(office, memory).look_once() == 1
    assert memory.alarms[0].documents[0].state == DocumentState.SET_ASIDE


def test_documents_of_a_unit_and_level_make_one_alarm(office: Office) -> None:
    add_unit(office.ledger, "till-2")
    make_live(office.ledger, "till-2", "second")
    for unit in ("till-1", "till-1", "till-2"):
        office.ledger.issue(unit, simplified)
    office.later(7 * HOUR)
    memory = RememberedAlarms()
    assert guard(office, memory).look_once() == 3
    assert sorted((alarm.unit, len(alarm.documents)) for alarm in memory.alarms) == [("till-1", 2), ("till-2", 1)]


def test_a_hook_that_fails_is_tried_again_and_what_has_arrived_meanwhile_is_left_out(office: Office) -> None:
    office.ledger.issue("till-1", simplified)
    office.later(7 * HOUR)
    memory, told = RememberedAlarms(failures=2), list[KhatmError]()
    watch = guard(office, memory, told)
    for _ in range(2):
        assert watch.look_once() == 0
        office.later(10)
        assert watch.look_once() == 0, "tried again before its time"
        office.later(300)
    assert [type(error) for error in told] == [EscalationFailed] * 2
    assert watch.look_once() == 1
    assert levels(office) == [6]

    office.later(12 * HOUR)
    memory.failures = 1
    assert watch.look_once() == 0
    office.submit()
    office.later(HOUR)
    assert watch.look_once() == 0
    assert len(memory.alarms) == 1


def test_without_a_hook_everything_is_recorded_all_the_same(office: Office) -> None:
    office.ledger.issue("till-1", simplified)
    office.later(19 * HOUR)
    assert guard(office, None).look_once() == 0
    assert levels(office) == [6, 18]


def test_many_guards_at_once_record_and_tell_once(office: Office, tmp_path: Path) -> None:
    for _ in range(20):
        office.ledger.issue("till-1", simplified)
    office.later(19 * HOUR)
    memory = RememberedAlarms()
    start = threading.Barrier(4)
    faults: list[BaseException] = []

    def look() -> None:
        try:
            with fresh_ledger(tmp_path, office.clock) as ledger:
                watch = DeadlineGuard(ledger, office.clock, memory, faults.append)
                start.wait(30)
                watch.look_once()
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert len(levels(office)) == 40
    told = [(alarm.hours, one.uuid) for alarm in memory.alarms for one in alarm.documents]
    assert len(told) == len(set(told)) == 40


def test_the_guard_looks_by_itself_and_does_not_hold_up_sending(office: Office) -> None:
    asked, answer = threading.Event(), threading.Event()

    class Slow:
        def tell(self, alarm: object) -> None:
            asked.set()
            answer.wait(30)

    office.ledger.issue("till-1", simplified)
    office.later(7 * HOUR)
    with DeadlineGuard(office.ledger, office.clock, Slow(), lambda error: None):
        assert asked.wait(30)
        assert office.submit().accepted == 1
        answer.set()


def test_the_command_gets_json_on_its_input_and_no_secrets(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KHATM_PASSPHRASE", "open sesame")
    monkeypatch.setenv("KHATM_DATABASE_URL", "postgresql://u:open-sesame@127.0.0.1/x")
    out = tmp_path / "told.json"
    script = "import os,sys; open(sys.argv[1],'w').write(sys.stdin.read()+repr(dict(os.environ))+repr(sys.argv))"
    hook = hook_of({COMMAND: f'"{sys.executable}" -c "{script}" "{out}"'})
    issued = office.ledger.issue("till-1", simplified).document
    office.later(7 * HOUR)
    told: list[KhatmError] = []
    assert guard(office, hook, told).look_once() == 1, told
    text = out.read_text(encoding="utf-8")
    alarm, _ = json.JSONDecoder().raw_decode(text)
    assert (alarm["unit"], alarm["environment"], alarm["hours"]) == ("till-1", "simulation", 6)
    assert alarm["documents"][0]["uuid"] == issued.uuid
    assert alarm["documents"][0]["deadline"] == (START + timedelta(hours=24)).isoformat()
    assert "sesame" not in text


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (["/nowhere/to/be/found"], "No such file"),
        ([sys.executable, "-c", "raise SystemExit(4)"], "exit code 4"),
        ([sys.executable, "-c", "import time; time.sleep(60)"], "no end within"),
    ],
)
def test_a_command_that_fails_or_hangs_says_why(office: Office, command: list[str], reason: str) -> None:
    office.ledger.issue("till-1", simplified)
    office.later(7 * HOUR)
    told: list[KhatmError] = []
    assert guard(office, CommandHook(command, patience=1.0), told).look_once() == 0
    (error,) = told
    assert reason in error.sentence("en")
    assert command[0] in error.sentence("ar")


def test_a_setting_that_is_no_command_is_refused() -> None:
    assert hook_of({}) is None
    for text in ("'unclosed", "  "):
        with pytest.raises(UnusableEscalationCommand) as refusal:
            hook_of({COMMAND: text})
        assert refusal.value.exit_code == 2
    assert os.environ.get(COMMAND) is None
