"""Sending over real HTTP to a simulator whose answers get lost, fail and come late: each document is accepted once.

The count comes from the simulator's own store, not from the ledger's states.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from khatm.ledger.documents import Document
from khatm.ledger.exchanges import Exchange
from khatm.ledger.home import Home
from khatm.ledger.ledger import open_ledger
from khatm.simulator.embedded import EmbeddedSimulator
from tests.wire.cli_stage import Desk, Ran

TAXPAYER = "399999992600003"


@dataclass
class Shop:
    """A desk with an onboarded unit, and the simulator that it sends to."""

    desk: Desk
    simulator: EmbeddedSimulator
    number: int = 0

    def arm(self, endpoint: str, then: dict[str, object], times: int = 1) -> None:
        body = {"endpoint": endpoint, "times": times, "then": then}
        answer = httpx.post(f"{self.simulator.url}/manage/faults", json=body, trust_env=False)
        assert answer.status_code == 200, answer.text

    def issue(self, profile: str, kind: str = "invoice") -> str:
        self.number += 1
        path = self.desk.document(profile, kind, f"S-{self.number:04d}")
        ran = self.desk.khatm("issue", str(path), "--unit", "till", "--format", "json")
        assert ran.code == 0, ran.said
        return str(ran.records[0]["uuid"])

    def work(self) -> Ran:
        """Send until nothing waits."""
        return self.desk.khatm("worker", "--until-idle", "--format", "json", own_process=True)

    def stored(self, uuid: str) -> tuple[Document, list[Exchange], bytes | None]:
        with open_ledger(Home(self.desk.home, environ={}), self.simulator.clock) as ledger:
            document = ledger.document(uuid)
            return document, ledger.exchanges(document), ledger.cleared_xml(document)

    def accepted(self, uuid: str) -> int:
        """How often the authority has accepted a document, by its own books."""
        document, _, _ = self.stored(uuid)
        with self.simulator.fatoora.store.reading() as connection:
            rows = connection.execute(
                "SELECT outcome FROM submission WHERE call <> 'compliance' AND document_hash = ?",
                (document.invoice_hash,),
            ).fetchall()
        return sum(outcome in ("accepted", "accepted_with_warnings") for (outcome,) in rows)


def open_shop(folder: Path, *settings: str) -> Iterator[Shop]:
    with EmbeddedSimulator(settings=settings) as simulator:
        desk = Desk(folder, {"KHATM_GATEWAY_URL": simulator.gateway_url})
        otp = simulator.issue_otp("simulation", TAXPAYER)
        desk.khatm(
            "unit", "add", "till", "--csr", str(desk.properties(TAXPAYER, "1100")), "--environment", "simulation",
            "--seller", str(desk.seller(TAXPAYER)),
        )  # fmt: skip
        ran = desk.khatm("unit", "onboard", "till", "--otp", otp)
        assert ran.code == 0, ran.said
        yield Shop(desk, simulator)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    yield from open_shop(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module", params=["2025", "published", "late-2025"])
def duplicates_shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    yield from open_shop(tmp_path_factory.mktemp("duplicates"), f"simulation.duplicate_body={request.param}")


LOST_AFTER: dict[str, object] = {"drop": "reset", "when": "after"}


def test_a_report_whose_answer_is_lost_is_accepted_once_by_any_form_of_the_409(duplicates_shop: Shop) -> None:
    duplicates_shop.arm("reporting", LOST_AFTER)
    uuid = duplicates_shop.issue("simplified")
    assert duplicates_shop.work().code == 0
    document, evidence, _ = duplicates_shop.stored(uuid)
    assert document.state == "accepted"
    assert [(one.row, one.http_status) for one in evidence] == [("answer-lost", None), ("already-reported", 409)]
    assert len({one.request_body_sha256 for one in evidence}) == 1
    assert duplicates_shop.accepted(uuid) == 1


@pytest.mark.parametrize("copy", [True, False])
def test_a_clearance_whose_answer_is_lost_is_accepted_once_by_the_208(shop: Shop, copy: bool) -> None:
    shop.arm("clearance", LOST_AFTER)
    uuid = shop.issue("standard")
    if not copy:
        first = shop.desk.khatm("submit", "--unit", "till")
        assert first.code == 3
        shop.arm("clearance", {"change": ["no-cleared-invoice"]})
    assert shop.work().code == 0
    document, evidence, cleared = shop.stored(uuid)
    assert document.state == "accepted"
    assert [one.http_status for one in evidence] == [None, 208]
    assert evidence[-1].row == ("already-cleared" if copy else "already-cleared-without-copy")
    assert (cleared is not None) == copy
    assert shop.accepted(uuid) == 1
    ran = shop.desk.khatm("document", uuid, "--out", str(shop.desk.folder / f"{uuid}.xml"))
    assert ran.code == (0 if copy else 1), ran.said


@pytest.mark.parametrize(
    ("fault", "rows"),
    [
        ({"drop": "close", "when": "before"}, ["answer-lost"]),
        ({"status": 500}, ["gateway-trouble"]),
        ({"status": 504, "body": "HTML"}, ["gateway-trouble"]),
        ({"status": 504, "body": "HTML", "when": "after"}, ["gateway-trouble"]),
        ({"delay": 1.0}, []),
    ],
    ids=["dropped before", "500", "504 page", "504 page after processing", "slow"],
)
def test_other_faults_only_delay(shop: Shop, fault: dict[str, object], rows: list[str]) -> None:
    for endpoint in ("reporting", "clearance"):
        shop.arm(endpoint, fault)
    issued = [shop.issue(profile) for profile in ("simplified", "standard")]
    ran = shop.work()
    assert ran.code == 0, ran.said
    for uuid in issued:
        document, evidence, _ = shop.stored(uuid)
        assert [one.row for one in evidence][:-1] == rows
        assert document.state == "accepted"
        assert shop.accepted(uuid) == 1


def test_retry_after_is_honoured(shop: Shop) -> None:
    shop.arm("reporting", {"status": 429, "retry_after": 4})
    uuid = shop.issue("simplified")
    assert shop.work().code == 0
    _, (told, sent), _ = shop.stored(uuid)
    assert (told.row, sent.row) == ("slow-down", "reported")
    assert sent.started_at - told.ended_at >= timedelta(seconds=4)
    assert shop.accepted(uuid) == 1


def test_with_clearance_off_standard_documents_are_reported_and_cleared_again_when_it_is_back(shop: Shop) -> None:
    shop.arm("clearance", {"clearance": "off"}, times=2)
    issued = [shop.issue("standard") for _ in range(2)]
    assert shop.work().code == 0
    later = shop.issue("standard")
    assert shop.work().code == 0
    for uuid, rows in ((issued[0], ["clearance-off", "reported"]), (later, ["cleared"])):
        _, evidence, _ = shop.stored(uuid)
        assert [one.row for one in evidence] == rows
        assert shop.accepted(uuid) == 1
    assert shop.stored(issued[1])[0].route == "reporting"


def test_a_reported_one_whose_answer_is_lost_is_found_again_when_clearance_is_back(shop: Shop) -> None:
    shop.arm("clearance", {"clearance": "off"})
    shop.arm("reporting", LOST_AFTER)
    uuid = shop.issue("standard")
    assert shop.work().code == 0
    _, evidence, _ = shop.stored(uuid)
    assert [one.row for one in evidence][:2] == ["clearance-off", "answer-lost"]
    assert evidence[-1].http_status in (208, 200)
    assert shop.accepted(uuid) == 1


def refusal(code: str) -> dict[str, object]:
    """A 400 of the gateway contract 4.3 with one error."""
    error = {"type": "ERROR", "code": code, "category": "KSA", "message": f"[{code}] …", "status": "ERROR"}
    results = {"infoMessages": [], "warningMessages": [], "errorMessages": [error], "status": "ERROR"}
    body = {"validationResults": results, "reportingStatus": "NOT_REPORTED"}
    return {"status": 400, "content": body}


def test_a_rejected_document_is_drafted_anew_issued_and_leaves_the_list(shop: Shop) -> None:
    shop.arm("reporting", refusal("BR-KSA-08"))
    uuid = shop.issue("simplified")
    assert shop.work().code == 1
    document, _, _ = shop.stored(uuid)

    listed = shop.desk.khatm("status", "--format", "json")
    [record] = [one for one in listed.records if one["record"] == "document"]
    assert (listed.code, record["uuid"], record["why"], record["icv"]) == (1, uuid, "rejected", document.icv)
    assert "BR-KSA-08" in record["message"]["en"]

    out = shop.desk.folder / "draft.json"
    drafted = shop.desk.khatm("correct", uuid, "--out", str(out), "--format", "json")
    assert drafted.code == 0, drafted.said
    [told] = drafted.records
    assert [error["code"] for error in told["errors"]] == ["BR-KSA-08"]
    assert told["errors"][0]["en"]["fix"] and told["errors"][0]["ar"]["fix"]
    draft = json.loads(out.read_text("utf-8"))
    assert (draft["follows"], draft["kind"], draft["profile"]) == (uuid, "invoice", "simplified")
    assert shop.desk.khatm("totals", str(out)).code in (0, 2)  # the seller comes from the unit

    issued = shop.desk.khatm("issue", str(out), "--unit", "till", "--format", "json")
    assert issued.code == 0, issued.said
    assert issued.records[0]["previous_hash"] != document.previous_hash
    again = shop.desk.khatm("issue", str(out), "--unit", "till")
    assert again.code == 1 and "has a follow-up already" in again.err
    listed = shop.desk.khatm("status", "--format", "json")
    [record] = [one for one in listed.records if one["record"] == "document"]
    assert (listed.code, record["why"], record["follows"]) == (3, "never_sent", uuid)
    assert shop.work().code == 0
    listed = shop.desk.khatm("status")
    assert listed.code == 0 and "everything issued is at the authority" in listed.out
    shown = shop.desk.khatm("document", uuid, "--format", "json").records[0]
    assert shown["followed_by"] == [issued.records[0]["uuid"]]


@pytest.mark.parametrize("kind", ["credit-note", "debit-note"])
@pytest.mark.parametrize("profile", ["standard", "simplified"])
def test_an_accepted_document_is_changed_by_a_note_that_passes_the_rules(shop: Shop, kind: str, profile: str) -> None:
    uuid = shop.issue(profile)
    early = shop.desk.khatm("correct", uuid)
    assert early.code == 1 and "may be accepted yet" in early.err
    assert shop.work().code == 0
    refused = shop.desk.khatm("correct", uuid)
    assert refused.code == 1 and "--as credit-note" in refused.err
    out = shop.desk.folder / "note.json"
    assert shop.desk.khatm("correct", uuid, "--as", kind, "--out", str(out)).code == 0
    draft = json.loads(out.read_text("utf-8"))
    assert draft["references"][0]["number"] == f"S-{shop.number:04d}"
    issued = shop.desk.khatm("issue", str(out), "--unit", "till", "--format", "json")
    assert issued.code == 0, issued.said
    assert issued.records[0]["type_code"] == {"credit-note": "381", "debit-note": "383"}[kind]
    assert shop.work().code == 0
    assert shop.accepted(str(issued.records[0]["uuid"])) == 1


def test_a_refused_invoice_needs_no_note_and_may_be_dismissed(shop: Shop) -> None:
    shop.arm("reporting", refusal("BR-KSA-08"))
    uuid = shop.issue("simplified")
    assert shop.work().code == 1
    note = shop.desk.khatm("correct", uuid, "--as", "credit-note")
    assert note.code == 1 and "does not exist" in note.err
    assert shop.desk.khatm("correct", uuid, "--dismiss", "the customer left").code == 0
    assert shop.desk.khatm("status").code == 0


def test_status_counts_down_to_the_end_of_the_24_hours(shop: Shop) -> None:
    before = datetime.now(tz=None).astimezone()
    uuid = shop.issue("simplified")
    ran = shop.desk.khatm("status", "--unit", "till", "--format", "json")
    records: dict[str, dict[str, Any]] = {one["record"]: one for one in ran.records}
    elapsed = (datetime.now(tz=None).astimezone() - before).total_seconds()
    assert (ran.code, records["document"]["uuid"], records["document"]["why"]) == (3, uuid, "never_sent")
    assert 24 * 3600 - elapsed - 2 <= records["document"]["seconds_left"] <= 24 * 3600
    assert (records["unit"]["unit"], records["unit"]["waiting"], records["summary"]["waiting"]) == ("till", 1, 1)
    text = shop.desk.khatm("status")
    assert "never sent" in text.out and "23:5" in text.out and "1 waiting, next ICV" in text.out
    assert shop.work().code == 0
