"""The simulator's page in docs names every word that there is; test_pages runs and reads its blocks."""

import re

from khatm.simulator.fault_answers import FAMILIES
from khatm.simulator.faults import ENDPOINT_NAMES, Effects, Fault
from khatm.simulator.snapshots import MOST_SNAPSHOTS
from khatm.simulator.verdicts import VERDICTS
from tests.wire import page

PAGE = re.sub(
    r"^```.*?^```$", "", (page.DOCS / "simulator.md").read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
)


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_every_member_and_word_is_named() -> None:
    text = section("Faults")
    named = set(re.findall(r"`([^`]+)`", text))
    members = set(Fault.__dataclass_fields__) | set(Effects.__dataclass_fields__)
    assert members - {"members", "clearance_off"} <= named
    assert {*FAMILIES, *ENDPOINT_NAMES, "*"} <= named
    rows = dict(re.findall(r"^\| (`[^|]+) \| ([^|]+) \|", text, re.MULTILINE))
    assert set(re.findall(r"`([A-Z0-9-]+)`", rows["`body`"])) == set(FAMILIES)
    assert set(VERDICTS) <= set(re.findall(r"`([^`]+)`", section("The record")))
    assert str(MOST_SNAPSHOTS) in section("Time and snapshots")
