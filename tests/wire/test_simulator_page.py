"""The simulator's page in docs: its commands run in order, its scripts are armed, its words are all there are."""

import json
import re
import shlex
from pathlib import Path

import pytest

from khatm.simulator.embedded import EmbeddedSimulator
from khatm.simulator.fault_answers import FAMILIES
from khatm.simulator.fault_script import read_script
from khatm.simulator.faults import ENDPOINT_NAMES, Effects, Fault
from khatm.simulator.profile import read_profile
from khatm.simulator.snapshots import MOST_SNAPSHOTS
from khatm.simulator.verdicts import VERDICTS
from tests.wire import page
from tests.wire.cli_stage import Desk

PAGE = (page.DOCS / "simulator.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def blocks(text: str) -> list[str]:
    return [
        re.sub(r"^ {4}", "", each, flags=re.MULTILINE) for each in re.findall(r"(?:^ {4}.*\n)+", text, re.MULTILINE)
    ]


@pytest.mark.parametrize("title", ["Faults", "Time and snapshots", "The record"])
def test_the_commands_of_a_section_run_in_order(title: str, tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    commands = [line for block in blocks(section(title)) for line in block.splitlines() if line.startswith("khatm ")]
    assert len(commands) >= 3
    with EmbeddedSimulator() as simulator:
        for line in commands:
            ran = desk.khatm(*shlex.split(line)[1:], "--url", simulator.url)
            assert ran.code == 0, line


def test_the_programs_of_the_page_run() -> None:
    """Those without pytest; what is for pytest is run by the plugin's tests."""
    programs = [each for each in page.blocks("simulator.md", "python") if "import pytest" not in each]
    assert [re.findall(r"^with (\w+)\(", each, re.MULTILINE) for each in programs] == [
        ["InProcessSimulator"],
        ["EmbeddedSimulator"],
    ]
    for each in programs:
        exec(compile(each, "page", "exec"), {})


def test_the_scripts_are_armed() -> None:
    scripts = [block for block in blocks(section("Faults")) if block.startswith("{")]
    assert [len(read_script(json.loads(each))) for each in scripts] == [3]


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


def test_the_profile_on_the_page_is_one(tmp_path: Path) -> None:
    [block] = [each for each in blocks(section("Switches").replace("\n\n    [", "\n    [")) if each.startswith("[")]
    path = tmp_path / "page.toml"
    path.write_text(block)
    assert len(read_profile(path)) == 5
