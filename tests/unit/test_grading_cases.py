"""The words of the grading: every case and every finding in both languages, none too many."""

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

from khatm.simulator.grading.cases import CASE_IDS, CASES, GROUPS
from khatm.simulator.grading.provocations import PLAN

ROOM = Path(str(files("khatm.simulator.grading")))
TEXTS: dict[str, Any] = json.loads((ROOM / "texts.json").read_text("utf-8"))
ARABIC = re.compile(r"[\u0600-\u06ff]")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def both(entry: dict[str, str]) -> None:
    assert list(entry) == ["en", "ar"]
    assert not ARABIC.search(entry["en"])
    assert ARABIC.search(entry["ar"])
    assert sorted(_PLACEHOLDER.findall(entry["en"])) == sorted(_PLACEHOLDER.findall(entry["ar"])), entry


def test_a_case_has_title_explanation_and_fix_in_both_languages() -> None:
    assert list(TEXTS["cases"]) == list(CASE_IDS)
    for entry in TEXTS["cases"].values():
        assert list(entry) == ["title", "looks", "fix"]
        for texts in entry.values():
            both(texts)
            assert not _PLACEHOLDER.search(texts["en"])


def test_every_finding_is_said_in_both_languages_and_used() -> None:
    sources = "\n".join(each.read_text("utf-8") for each in ROOM.glob("*.py"))
    for key, texts in TEXTS["findings"].items():
        both(texts)
        assert f'"{key}"' in sources, key


def test_the_page_lists_every_case_with_what_brings_it_about() -> None:
    page = (Path(__file__).parents[2] / "docs" / "grading.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d+) \| (.+?) \| `([a-z0-9-]+)` \| (.*) \|$", page, re.MULTILINE)
    assert [(int(number), title, case) for number, title, case, _ in rows] == [
        (each.number, each.text("title", "en"), each.id) for each in CASES
    ]
    written = {case: how for _, _, case, how in rows}
    for provocation in PLAN:
        if not callable(provocation.then):
            assert written[provocation.case].startswith(f"`{json.dumps(dict(provocation.then))}`")
    assert {case for case, how in written.items() if how.strip()} == {each.case for each in PLAN}
    counts = f"provokes {len(PLAN)} such things by itself and grades any client by {len(CASES)} cases"
    assert counts in (Path(__file__).parents[2] / "README.md").read_text("utf-8")


def test_numbers_and_ids_are_unique_and_what_is_provoked_is_said_to_be() -> None:
    assert [each.number for each in CASES] == list(range(1, len(CASES) + 1))
    assert len(set(CASE_IDS)) == len(CASES)
    assert {each.group for each in CASES} == set(GROUPS)
    assert {each.id for each in CASES if each.provoked} == {each.case for each in PLAN}
