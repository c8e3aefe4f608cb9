"""Issue: places without gap, exact bytes kept, nothing used up by a failure, one document per reference."""

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from khatm.clock import FixedClock
from khatm.ledger.documents import DocumentState, Profile, Route, content_digest, reporting_deadline
from khatm.ledger.errors import ChainPlaceMismatch, NoLiveCredentials, ReferenceTaken, UnknownDocument, UnknownUnit
from khatm.ledger.generations import Generation
from khatm.ledger.issue import ChainPlace
from khatm.ledger.issue_rows import fresh_uuid, uuid_beginning
from tests.unit.ledger_stage import (
    FIRST_PIH,
    START,
    PlainDocument,
    add_unit,
    fresh_ledger,
    key_pair,
    make_live,
    plain_document,
    prepared,
    ready_ledger,
    simplified,
    standard,
)

pytestmark = pytest.mark.usefixtures("either_store")


def test_documents_of_all_kinds_share_one_chain(tmp_path: Path) -> None:
    with ready_ledger(tmp_path, FixedClock(START)) as ledger:
        first = ledger.issue("till-1", simplified)
        second = ledger.issue("till-1", standard)
        third = ledger.issue("till-1", lambda place, _: plain_document(place, type_code="381"))
        assert [one.document.icv for one in (first, second, third)] == [1, 2, 3]
        assert [one.document.previous_hash for one in (first, second, third)] == [
            FIRST_PIH,
            first.document.invoice_hash,
            second.document.invoice_hash,
        ]
        assert len({one.document.uuid for one in (first, second, third)}) == 3
        assert [one.document.profile for one in (first, second)] == [Profile.SIMPLIFIED, Profile.STANDARD]
        assert [one.document.route for one in (first, second)] == [Route.REPORTING, Route.CLEARANCE]
        assert [one.document.deadline for one in (first, second)] == [START + timedelta(hours=24), None]
        assert third.document.type_code == "381"
        unit = ledger.unit("till-1")
        assert (unit.next_icv, unit.last_hash) == (4, third.document.invoice_hash)
    with fresh_ledger(tmp_path) as again:
        for one in (first, second, third):
            assert again.document_xml(one.document) == one.xml
            assert again.document(one.document.uuid) == one.document
        assert again.document_at("till-1", 2) == second.document
        with pytest.raises(UnknownDocument):
            again.document_at("till-1", 4)
        with pytest.raises(UnknownDocument):
            again.document("00000000-0000-4000-8000-000000000000")


def test_units_have_chains_of_their_own(tmp_path: Path) -> None:
    with ready_ledger(tmp_path) as ledger:
        add_unit(ledger, "till-2")
        make_live(ledger, "till-2", "second")
        ledger.issue("till-1", simplified)
        other = ledger.issue("till-2", simplified)
        assert (other.document.icv, other.document.previous_hash) == (1, FIRST_PIH)


def test_the_chain_continues_across_a_renewal(tmp_path: Path) -> None:
    with ready_ledger(tmp_path) as ledger:
        first = ledger.issue("till-1", simplified)
        prepared_one = prepared(ledger, pair="second", purpose="renewal")
        between = ledger.issue("till-1", simplified)
        ledger.record_pcsid(prepared_one, key_pair("second").token, "s", "1")
        after = ledger.issue("till-1", simplified)
        assert [one.document.icv for one in (first, between, after)] == [1, 2, 3]
        assert first.document.generation_id == between.document.generation_id != after.document.generation_id
        assert after.document.previous_hash == between.document.invoice_hash


def test_a_failure_while_writing_uses_nothing_up(tmp_path: Path) -> None:
    class RefusedError(Exception):
        pass

    places: list[ChainPlace] = []

    def refuse(place: ChainPlace, _generation: Generation) -> PlainDocument:
        places.append(place)
        raise RefusedError

    with ready_ledger(tmp_path) as ledger:
        for _ in range(2):
            with pytest.raises(RefusedError):
                ledger.issue("till-1", refuse, reference="r", content_digest="d")
        issued = ledger.issue("till-1", simplified, reference="r", content_digest="d")
        assert [place.counter for place in places] == [1, 1]
        # A UUID is fresh each time: one that was written somewhere never names two documents.
        assert len({places[0].uuid, places[1].uuid, issued.document.uuid}) == 3
        assert (issued.document.icv, issued.document.previous_hash) == (1, FIRST_PIH)


def test_a_reference_stands_for_one_document(tmp_path: Path) -> None:
    digest = content_digest({"total": Decimal("1.10"), "lines": [1]})
    assert digest == content_digest({"lines": [1], "total": Decimal("1.10")})
    with ready_ledger(tmp_path) as ledger:
        first = ledger.issue("till-1", simplified, reference="INV-7", content_digest=digest)
        again = ledger.issue("till-1", standard, reference="INV-7", content_digest=digest)
        assert (again.document, again.xml, again.repeated) == (first.document, first.xml, True)
        assert not first.repeated
        with pytest.raises(ReferenceTaken) as refusal:
            ledger.issue("till-1", simplified, reference="INV-7", content_digest=content_digest({"total": 2}))
        assert "ICV 1" in refusal.value.sentence()
        assert refusal.value.exit_code == 2
        assert ledger.unit("till-1").next_icv == 2
        with pytest.raises(ValueError, match="digest"):
            ledger.issue("till-1", simplified, reference="INV-8")
        # References are each unit's own, and documents without one never collide.
        add_unit(ledger, "till-2")
        make_live(ledger, "till-2", "second")
        assert not ledger.issue("till-2", simplified, reference="INV-7", content_digest=digest).repeated
        assert ledger.issue("till-1", simplified).document.icv == 2
        assert ledger.issue("till-1", simplified).document.icv == 3


@pytest.mark.parametrize("part", ["uuid", "counter", "previous_hash"])
def test_a_document_for_another_place_is_refused(tmp_path: Path, part: str) -> None:
    def elsewhere(place: ChainPlace, _generation: Generation) -> PlainDocument:
        parts = {"uuid": place.uuid, "counter": place.counter, "previous_hash": place.previous_hash}
        other: dict[str, str | int] = {"uuid": "x", "counter": 7, "previous_hash": "x"}
        parts[part] = other[part]  # type: ignore[assignment]
        return plain_document(ChainPlace(**parts))  # type: ignore[arg-type]

    with ready_ledger(tmp_path) as ledger:
        with pytest.raises(ChainPlaceMismatch):
            ledger.issue("till-1", elsewhere)
        assert ledger.unit("till-1").next_icv == 1
        assert ledger.documents("till-1") == []


def test_a_unit_without_production_csid_issues_nothing(tmp_path: Path) -> None:
    with fresh_ledger(tmp_path) as ledger:
        add_unit(ledger)
        ledger.record_ccsid(prepared(ledger), "token", "secret", "1")
        with pytest.raises(NoLiveCredentials) as refusal:
            ledger.issue("till-1", simplified)
        assert "khatm unit onboard till-1" in refusal.value.sentence().replace("'", "")
        assert refusal.value.exit_code == 1
        with pytest.raises(UnknownUnit):
            ledger.issue("till-2", simplified)


def test_the_write_gets_the_live_generation(tmp_path: Path) -> None:
    seen: list[Generation] = []

    def look(place: ChainPlace, generation: Generation) -> PlainDocument:
        seen.append(generation)
        return plain_document(place)

    with ready_ledger(tmp_path) as ledger:
        ledger.issue("till-1", look)
        assert seen == [ledger.live_generation("till-1")]


def test_documents_are_listed_by_state_and_page(tmp_path: Path) -> None:
    with ready_ledger(tmp_path) as ledger:
        for _ in range(5):
            ledger.issue("till-1", simplified)
        assert [one.icv for one in ledger.documents("till-1", after=1, limit=2)] == [2, 3]
        claim = ledger.claim_unit(ledger.unit("till-1"))
        assert claim is not None
        ledger.record_outcome(claim, ledger.document_at("till-1", 3), DocumentState.ACCEPTED)
        assert [one.icv for one in ledger.documents("till-1", DocumentState.ACCEPTED)] == [3]
        assert [one.icv for one in ledger.unsent_documents("till-1")] == [1, 2, 4, 5]
        assert [one.icv for one in ledger.due_documents("till-1", after=2, limit=1)] == [4]
        assert ledger.document_counts("till-1")[DocumentState.ISSUED] == 4
        assert ledger.document_counts("till-1")[DocumentState.REJECTED] == 0


@pytest.mark.parametrize(
    ("time", "deadline"),
    [
        ("12:30:00", datetime(2026, 3, 2, 9, 30, tzinfo=UTC)),  # no zone: Saudi time, three hours ahead of UTC
        ("12:30:00Z", datetime(2026, 3, 2, 12, 30, tzinfo=UTC)),
        ("no time", START + timedelta(hours=24)),
    ],
)
def test_the_deadline_is_a_day_after_issue_date_and_time(time: str, deadline: datetime) -> None:
    assert reporting_deadline("2026-03-01", time, START) == deadline


def test_uuids_have_the_form_of_version_4_and_begin_with_the_time() -> None:
    made = [fresh_uuid(uuid_beginning(START + timedelta(milliseconds=number))) for number in range(2000)]
    assert made == sorted(made)
    for number, text in enumerate(made):
        parsed = uuid.UUID(text)
        assert (str(parsed), parsed.version, parsed.variant) == (text, 4, uuid.RFC_4122)
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=parsed.int >> 80)
        assert moment == START + timedelta(milliseconds=number)


def test_uuids_of_one_moment_differ_in_every_digit_that_is_free() -> None:
    made = [fresh_uuid(uuid_beginning(START)) for _ in range(2000)]
    assert len(set(made)) == 2000
    free = [place for place in range(15, 36) if place not in (18, 19, 23)]
    assert all({text[place] for text in made} == set("0123456789abcdef") for place in free)
    assert {text[19] for text in made} == set("89ab")


@pytest.mark.parametrize("moment", [datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)])
def test_a_clock_that_is_far_off_spoils_no_uuid(moment: datetime) -> None:
    text = fresh_uuid(uuid_beginning(moment))
    assert str(uuid.UUID(text)) == text
