"""Events in the auditor's pack: which are in it, that they fit its list, and packs from before there were any."""

import json
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from khatm.ledger import events
from khatm.ledger.audit.errors import PackUnreadable
from khatm.ledger.events import EventKind
from tests.unit.audit_stage import EACH, Archive, archive, either, whole_archive, whole_either
from tests.unit.test_audit_pack import LAST, MIDDLE, Members, checked, members, members_of, named, packed, zipped

__all__ = ["archive", "either", "members", "whole_archive", "whole_either"]


def events_of(members: Members) -> list[dict[str, Any]]:
    return [json.loads(line) for line in members["events.jsonl"].splitlines()]


def with_events(members: Members, events: list[dict[str, Any]]) -> Members:
    """The list changed, and counted anew in the manifest."""
    manifest = json.loads(members["manifest.json"]) | {"events": len(events)}
    text = "".join(json.dumps(each) + "\n" for each in events)
    return members | {"events.jsonl": text.encode(), "manifest.json": json.dumps(manifest).encode()}


def at(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), timezone(timedelta(hours=3)))


def eventful(archive: Archive) -> None:
    """Events of two units, their documents and a gateway, on three days."""
    one, two = archive.ledger.unit("till-1").id, archive.ledger.unit("till-2").id
    early, late, foreign = archive.at(5), archive.at(EACH), archive.at(5, "till-2")
    with archive.ledger._store.write() as connection:
        for kind, moment, facts, unit, document in (
            (EventKind.UNIT_STOPPED, at(MIDDLE, 0), {"reason": "401"}, one, late.id),
            (EventKind.UNIT_RESUMED, at(MIDDLE, 23), {}, one, None),
            (
                EventKind.CLAIM_HANDED_OVER,
                at(MIDDLE, 9),
                {"former": "host/1/2/3", "owner": "host/4", "number": 7},
                one,
                None,
            ),
            (EventKind.UNIT_STOPPED, at(LAST, 0), {"reason": "of the next day"}, one, None),
            (EventKind.SET_ASIDE, at(MIDDLE, 12), {"reason": "of another day's document"}, one, late.id),
            (EventKind.DISMISSED, at(date(2026, 9, 1), 8), {"why": "محسوب يدويًا", "secret": "s"}, one, early.id),
            (EventKind.SET_ASIDE, at(MIDDLE, 12), {"reason": "of another unit"}, two, foreign.id),
            (EventKind.CIRCUIT_OPENED, at(MIDDLE, 12), {"gateway": "of nobody"}, None, None),
        ):
            events.add(connection, kind, moment, facts, unit_id=unit, document_id=document)


def test_the_events_of_documents_and_unit_are_in_the_pack(either: Archive, tmp_path: Path) -> None:
    eventful(either)
    pack = packed(either, MIDDLE, MIDDLE)
    members = members_of(pack)
    early = either.at(5)
    of_unit = {"icv": None, "uuid": None}
    assert events_of(members) == [
        {"at": "2026-03-05T21:00:00.000000Z", "kind": "unit_stopped", **of_unit, "facts": {"reason": "401"}},
        {"at": "2026-03-06T20:00:00.000000Z", "kind": "unit_resumed", **of_unit, "facts": {}},
        {"at": "2026-03-06T06:00:00.000000Z", "kind": "claim_handed_over", **of_unit, "facts": {"number": 7}},
        {
            "at": "2026-09-01T05:00:00.000000Z",
            "kind": "dismissed",
            "icv": 5,
            "uuid": early.uuid,
            "facts": {"why": "محسوب يدويًا", "secret": "(not kept)"},
        },
    ]
    assert json.loads(members["manifest.json"])["events"] == 4
    assert checked(tmp_path, pack).intact
    assert events_of(members_of(packed(either, MIDDLE, MIDDLE, "till-2")))[0]["facts"] == {"reason": "of another unit"}


def test_events_from_the_first_to_the_last_day_of_the_calendar(archive: Archive, tmp_path: Path) -> None:
    eventful(archive)
    pack = packed(archive, date.min, date.max)
    assert len(events_of(members_of(pack))) == 6
    assert checked(tmp_path, pack).intact


@pytest.mark.parametrize(
    ("change", "number"),
    [
        ({"at": "2026-03-07T00:00:00.000000+03:00"}, 1),
        ({"at": "0001-01-01T00:00:00+14:00"}, 1),
        ({"at": "yesterday"}, 1),
        ({"at": "2026-03-06T10:00:00"}, 1),
        ({"icv": 5}, 1),
        ({"icv": 6}, 3),
        ({"uuid": "0b0f3b0c-0000-4000-8000-000000000000"}, 3),
        ({"uuid": None}, 3),
        ({"more": 1}, 3),
        ({"facts": []}, 3),
    ],
)
def test_an_event_that_does_not_belong_is_named(
    archive: Archive, tmp_path: Path, change: dict[str, object], number: int
) -> None:
    eventful(archive)
    members = members_of(packed(archive, MIDDLE, MIDDLE))
    found = events_of(members)
    found[number] |= change
    report = checked(tmp_path, zipped(with_events(members, found), sums=True))
    assert named(report) == [(0, "listing", f"events.jsonl:{number + 1}")]


def test_events_that_are_missing_are_named(archive: Archive, tmp_path: Path) -> None:
    eventful(archive)
    members = members_of(packed(archive, MIDDLE, MIDDLE))
    lines = members["events.jsonl"].splitlines(keepends=True)
    fewer = members | {"events.jsonl": b"".join(lines[1:])}
    assert named(checked(tmp_path, zipped(fewer, sums=True))) == [(0, "listing", "events")]
    none = {name: data for name, data in members.items() if name != "events.jsonl"}
    assert (0, "listing", "events") in named(checked(tmp_path, zipped(none, sums=True)))
    nested = members | {"events.jsonl": b'{"facts":' + b"[" * 100_000 + b"\n"}
    assert (0, "listing", "events.jsonl:1") in named(checked(tmp_path, zipped(nested, sums=True)))


def test_a_pack_from_before_there_were_events_verifies(members: Members, tmp_path: Path) -> None:
    manifest = json.loads(members["manifest.json"])
    del manifest["events"]
    former = {name: data for name, data in members.items() if name != "events.jsonl"}
    first = former | {"manifest.json": json.dumps(manifest | {"version": 1}).encode()}
    report = checked(tmp_path, zipped(first, sums=True))
    assert (report.intact, report.documents) == (True, EACH)
    without = former | {"manifest.json": json.dumps(manifest).encode()}
    with pytest.raises(PackUnreadable, match=r"manifest\.json"):
        checked(tmp_path, zipped(without, sums=True))
