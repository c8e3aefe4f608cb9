"""Group commit: many callers, few commits, each acknowledged after its own; one that fails falls out alone."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from khatm.ledger import issue_rows
from khatm.ledger.documents import IssuedDocument, content_digest
from khatm.ledger.errors import NoLiveCredentials, ReferenceTaken, UnknownUnit
from khatm.ledger.generations import Generation
from khatm.ledger.group import LIMIT, Caller, Lane, Request
from khatm.ledger.issue import ChainPlace, IssueRequest
from khatm.ledger.ledger import Ledger
from khatm.ledger.store_errors import LedgerBusy, LedgerOutcomeUnknown
from tests.unit.ledger_stage import (
    PlainDocument,
    add_unit,
    fresh_ledger,
    make_live,
    plain_document,
    ready_ledger,
    run_together,
    simplified,
    standard,
)

both_stores = pytest.mark.usefixtures("either_store")


class RefusedError(Exception):
    """What a callback refuses a document with."""


def refuse(_place: ChainPlace, _generation: Generation) -> PlainDocument:
    raise RefusedError


@contextmanager
def commits_of(ledger: Ledger) -> Iterator[list[int]]:
    """Count the write transactions of a ledger by the documents in each."""
    counts: list[int] = []
    store = issue_rows.store

    def counted(connection: Connection, rows: Sequence[issue_rows.Row]) -> None:
        counts.append(len(rows))
        store(connection, rows)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(issue_rows, "store", counted)
        yield counts


@both_stores
def test_callers_of_one_process_share_commits_and_one_chain(tmp_path: Path) -> None:
    callers, each = 16, 6
    with ready_ledger(tmp_path) as ledger:
        start = threading.Barrier(callers)

        def call() -> list[IssuedDocument]:
            start.wait(60)
            return [ledger.issue("till-1", simplified) for _ in range(each)]

        with commits_of(ledger) as commits, ThreadPoolExecutor(callers) as pool:
            answers = [one for done in [pool.submit(call) for _ in range(callers)] for one in done.result(120)]
        assert sum(commits) == callers * each
        assert max(commits) > 1, commits
        assert sorted(one.document.icv for one in answers) == list(range(1, callers * each + 1))
        for one in answers:
            assert ledger.document(one.document.uuid) == one.document
            assert ledger.document_xml(one.document) == one.xml
        report = ledger.verify_chain("till-1")
        assert (report.documents, report.intact) == (callers * each, True)


@both_stores
def test_documents_of_one_caller_share_a_commit_in_their_order(tmp_path: Path) -> None:
    with ready_ledger(tmp_path) as ledger, commits_of(ledger) as commits:
        answers = ledger.issue_all([IssueRequest("till-1", simplified) for _ in range(LIMIT + 10)])
        assert commits == [LIMIT, 10]
        assert [one.document.icv for one in answers if isinstance(one, IssuedDocument)] == list(range(1, LIMIT + 11))
        assert ledger.verify_chain("till-1").intact
        assert ledger.issue_all([]) == []


@both_stores
def test_each_failure_is_its_own(tmp_path: Path) -> None:
    digest = content_digest({"total": 1})
    with ready_ledger(tmp_path) as ledger:
        add_unit(ledger, "no csid")
        earlier = ledger.issue("till-1", simplified, reference="old", content_digest=digest)
        answers = ledger.issue_all(
            [
                IssueRequest("till-1", simplified),
                IssueRequest("till-1", refuse),
                IssueRequest("till-1", lambda place, _: plain_document(ChainPlace("x", place.counter, "y"))),
                IssueRequest("till-1", standard, reference="new", content_digest=digest),
                IssueRequest("till-1", refuse, reference="new", content_digest=digest),
                IssueRequest("till-1", refuse, reference="new", content_digest="other"),
                IssueRequest("till-1", refuse, reference="old", content_digest=digest),
                IssueRequest("till-1", refuse, reference="old", content_digest="other"),
                IssueRequest("till-1", simplified),
            ]
        )
        kinds = [type(each).__name__ for each in answers]
        assert kinds == [
            "IssuedDocument",
            "RefusedError",
            "ChainPlaceMismatch",
            "IssuedDocument",
            "IssuedDocument",
            "ReferenceTaken",
            "IssuedDocument",
            "ReferenceTaken",
            "IssuedDocument",
        ]
        issued = [each for each in answers if isinstance(each, IssuedDocument)]
        assert [(each.document.icv, each.repeated) for each in issued] == [
            (2, False), (3, False), (3, True), (1, True), (4, False),
        ]  # fmt: skip
        assert issued[3].document == earlier.document
        taken = answers[5]
        assert isinstance(taken, ReferenceTaken)
        assert taken.icv == 3
        assert ledger.verify_chain("till-1").documents == 4
        for unit, kind in (("no csid", NoLiveCredentials), ("none", UnknownUnit)):
            assert [type(each) for each in ledger.issue_all([IssueRequest(unit, simplified)])] == [kind]


def test_units_share_a_commit_where_one_writer_is_let_in(tmp_path: Path) -> None:
    with ready_ledger(tmp_path) as ledger, commits_of(ledger) as commits:
        add_unit(ledger, "till-2")
        make_live(ledger, "till-2", "second")
        add_unit(ledger, "no csid")
        answers = ledger.issue_all(
            [IssueRequest(unit, simplified) for unit in ("till-2", "till-1", "no csid", "till-1", "none", "till-2")]
        )
        assert [each.document.icv if isinstance(each, IssuedDocument) else type(each) for each in answers] == [
            1, 1, NoLiveCredentials, 2, UnknownUnit, 2,
        ]  # fmt: skip
        assert commits == [4]
        for unit in ("till-1", "till-2"):
            assert ledger.verify_chain(unit).documents == 2


def test_what_the_database_refuses_of_one_falls_out_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = issue_rows.store

    def particular(connection: Connection, rows: Sequence[issue_rows.Row]) -> None:
        if any(b"bad" in row.xml for row in rows):
            raise sqlite3.IntegrityError("what one document has about it")
        store(connection, rows)

    def bad(place: ChainPlace, generation: Generation) -> Any:
        plain = simplified(place, generation)
        return PlainDocument(plain.xml + b"bad", plain.invoice_hash, plain.facts)

    with ready_ledger(tmp_path) as ledger:
        monkeypatch.setattr(issue_rows, "store", particular)
        answers = ledger.issue_all([IssueRequest("till-1", each) for each in (simplified, bad, simplified)])
        assert [type(each).__name__ for each in answers] == ["IssuedDocument", "IntegrityError", "IssuedDocument"]
        assert ledger.verify_chain("till-1").documents == 2
        assert ledger.verify_chain("till-1").intact


def test_a_busy_database_is_every_caller_s_answer_after_one_wait(tmp_path: Path) -> None:
    ready_ledger(tmp_path).close()
    with fresh_ledger(tmp_path, wait=0.3) as ledger:
        other = sqlite3.connect(ledger.place, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with ThreadPoolExecutor(8) as pool:
            calls = [pool.submit(ledger.issue, "till-1", simplified) for _ in range(8)]
            errors = [call.exception(60) for call in calls]
        other.execute("ROLLBACK")
        other.close()
        assert {type(error) for error in errors} == {LedgerBusy}
        assert len({id(error) for error in errors}) == 8
        assert ledger.issue("till-1", simplified).document.icv == 1


def test_an_interrupted_leader_leaves_the_others_to_the_next(tmp_path: Path) -> None:
    waiting = threading.Event()

    def interrupted(_place: ChainPlace, _generation: Generation) -> PlainDocument:
        assert waiting.wait(30)
        raise KeyboardInterrupt

    with ready_ledger(tmp_path) as ledger, ThreadPoolExecutor(8) as pool:
        leader = pool.submit(ledger.issue, "till-1", interrupted)
        while ledger._lanes.get("") is None or ledger._lanes[""]._leader is None:
            pass
        others = [pool.submit(ledger.issue, "till-1", simplified) for _ in range(5)]
        while len(ledger._lanes[""]._queue) < 5:
            pass
        waiting.set()
        with pytest.raises(KeyboardInterrupt):
            leader.result(60)
        assert sorted(each.result(60).document.icv for each in others) == [1, 2, 3, 4, 5]
        assert ledger.issue("till-1", simplified).document.icv == 6


def test_an_interruption_at_the_commit_is_not_called_unissued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can say whether the commit was made, so nothing is issued again on its own."""
    with ready_ledger(tmp_path) as ledger:
        write = ledger._store.write

        @contextmanager
        def interrupted() -> Iterator[Connection]:
            with write() as connection:
                yield connection
            raise KeyboardInterrupt

        requests = [IssueRequest("till-1", simplified) for _ in range(2)]
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(ledger._store, "write", interrupted)
            ledger.issue_all(requests)
        for request in requests:
            with pytest.raises(LedgerOutcomeUnknown):
                request.answer()
        assert ledger.verify_chain("till-1").documents == 2
        assert ledger.issue("till-1", simplified).document.icv == 3


def test_a_caller_who_is_interrupted_while_waiting_hands_the_lead_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lead passes over requests whose callers have gone, whether they had been given it or not."""
    served: list[Request[int]] = []
    inside, leave = threading.Event(), threading.Event()
    first, gone, last = Request[int](), Request[int](), Request[int]()
    sleep = Caller.sleep

    def interrupted(caller: Caller[Request[int]]) -> None:
        sleep(caller)
        if gone in caller.requests:
            raise KeyboardInterrupt

    def serve(batch: Sequence[Request[int]]) -> None:
        inside.set()
        assert leave.wait(30)
        for each in batch:
            served.append(each)
            each.settle(1)

    monkeypatch.setattr(Caller, "sleep", interrupted)
    lane: Lane[Request[int]] = Lane(serve)
    with ThreadPoolExecutor(3) as pool:
        leading = pool.submit(lane.submit, first)
        assert inside.wait(30)
        leaving = pool.submit(lane.submit, gone)
        while len(lane._queue) < 1:
            pass
        following = pool.submit(lane.submit, last)
        while len(lane._queue) < 2:
            pass
        leave.set()
        leading.result(30)
        with pytest.raises(KeyboardInterrupt):
            leaving.result(30)
        following.result(30)
    assert served == [first, last]
    assert lane._leader is None


@pytest.mark.parametrize("place", [0, 1, 2], ids=["the first", "one between", "the last, who has the lead"])
@pytest.mark.parametrize("while_served", [True, False], ids=["while it is served", "as it is woken"])
def test_an_interrupted_caller_leaves_nobody_asleep(
    while_served: bool, place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each caller of a batch wakes the next: also one who is interrupted, and nobody waits for one who has gone."""
    inside, leave, interrupt = threading.Event(), threading.Event(), threading.Event()
    requests = [Request[int]() for _ in range(4)]
    gone = requests[place]
    callers: dict[Request[int], Caller[Request[int]]] = {}
    sleep = Caller.sleep

    def interrupted(caller: Caller[Request[int]]) -> None:
        callers[caller.requests[0]] = caller
        mine = gone in caller.requests
        if mine and while_served:
            assert interrupt.wait(30)
        else:
            sleep(caller)
        if mine:
            raise KeyboardInterrupt

    served: list[int] = []

    def serve(batch: Sequence[Request[int]]) -> None:
        inside.set()
        assert leave.wait(30)
        if while_served and gone in batch:
            interrupt.set()
            while not callers[gone].left:
                pass
        served.append(len(batch))
        for each in batch:
            each.settle(1)

    monkeypatch.setattr(Caller, "sleep", interrupted)
    lane: Lane[Request[int]] = Lane(serve)
    with ThreadPoolExecutor(5) as pool:
        leading = pool.submit(lane.submit, Request[int]())
        assert inside.wait(30)
        # A caller of two requests wakes first and leads all four callers, the interrupted one among them.
        calls = [pool.submit(lane.submit, Request[int](), Request[int]())]
        for waiting, request in enumerate(requests[:3], 1):
            while len(lane._queue) < waiting:
                pass
            calls.append(pool.submit(lane.submit, request))
        while len(lane._queue) < 4:
            pass
        leave.set()
        leading.result(30)
        for number, call in enumerate(calls):
            if number == place + 1:
                with pytest.raises(KeyboardInterrupt):
                    call.result(30)
            else:
                call.result(30)
    assert served == [1, 5]
    assert lane._leader is None
    lane.submit(requests[3])
    assert requests[3].answer() == 1


def test_more_requests_than_share_a_commit_are_served_in_turn_with_others() -> None:
    """A caller of many requests keeps its place until all are settled, and leads or sleeps in between."""
    inside, leave = threading.Event(), threading.Event()
    served: list[Sequence[Request[int]]] = []

    def serve(batch: Sequence[Request[int]]) -> None:
        inside.set()
        assert leave.wait(30)
        served.append(tuple(batch))
        for each in batch:
            each.settle(len(served))

    lane: Lane[Request[int]] = Lane(serve)
    many = [Request[int]() for _ in range(2 * LIMIT + 5)]
    few = [Request[int]() for _ in range(3)]
    with ThreadPoolExecutor(5) as pool:
        calls = [pool.submit(lane.submit, Request[int]())]
        assert inside.wait(30)
        for waiting, requests in enumerate((few[:1], many, few[1:2], few[2:])):
            while len(lane._queue) < waiting:
                pass
            calls.append(pool.submit(lane.submit, *requests))
        while len(lane._queue) < 4:
            pass
        leave.set()
        for call in calls:
            call.result(30)
    order = [request for batch in served[1:] for request in batch]
    assert [len(batch) for batch in served] == [1, LIMIT, LIMIT, 8]
    assert order == [few[0], *many, *few[1:]]
    assert {request.answer() for request in (*many, *few)} == {2, 3, 4}


_SAME_REFERENCES = """
import sys
from pathlib import Path
from khatm.ledger.documents import content_digest
from tests.unit.ledger_stage import fresh_ledger, simplified

ledger = fresh_ledger(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for number in range(10):
    issued = ledger.issue("till-1", simplified, reference=f"order {number}", content_digest=content_digest(number))
    print(issued.document.uuid, issued.repeated)
"""


@both_stores
def test_processes_with_the_same_references_make_one_document_of_each(tmp_path: Path) -> None:
    ready_ledger(tmp_path).close()
    outputs = run_together(_SAME_REFERENCES, str(tmp_path), processes=3)
    assert outputs[0][::2] == outputs[1][::2] == outputs[2][::2]
    assert sum(output[1::2].count("False") for output in outputs) == 10
    with fresh_ledger(tmp_path) as ledger:
        assert len(ledger.documents("till-1")) == 10
        assert ledger.verify_chain("till-1").intact
