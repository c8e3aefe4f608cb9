"""Runs the registered sites of one edition over a reading.

Each stage stands for one official stylesheet: if one of its assertions breaks off, none of its findings survives.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Final

from khatm.document.xml import shortened
from khatm.memory import uncollected
from khatm.rules import en16931, ksa
from khatm.rules.abort import Abort
from khatm.rules.edition import Edition
from khatm.rules.findings import Finding, Stage, StageReport
from khatm.rules.reading import Node, Reading, descend
from khatm.rules.site import Site

FINDINGS_LIMIT: Final = 20_000
"""A stage holds no more, so that its JSON in two languages stays within bounds too; the Saudi rules multiply findings
by the number of tax categories."""
PLACES_LIMIT: Final = 4_000_000
"""Characters of all places in a stage's report; twenty thousand usual ones take half of it."""
_SHOWN: Final = 200


@cache
def plan(stage: Stage, edition: Edition) -> tuple[Site, ...]:
    """Return the sites of a stage and edition in their order; advice is read when it is first asked for."""
    sites = en16931.SITES if stage == "en16931" else ksa.SITES
    if stage == "advice":
        from khatm.rules import advice

        sites = advice.SITES
    return tuple(site for site in sites if edition in site.editions)


def judge(reading: Reading, edition: Edition, now: datetime) -> tuple[StageReport, StageReport]:
    """Return what the EN 16931 and the Saudi stylesheet of the edition say about a document at an instant.

    `now` is aware; its offset is the implicit time zone of dates and times without one.
    """
    reading = reading.at(now)
    return judge_stage("en16931", reading, edition), judge_stage("ksa", reading, edition)


def judge_stage(stage: Stage, reading: Reading, edition: Edition) -> StageReport:
    """Run one stage's sites in order; for sites that look at the time the reading must have one (`Reading.at`)."""
    with uncollected():
        return run(stage, plan(stage, edition), reading)


def run(stage: Stage, sites: Iterable[Site], reading: Reading) -> StageReport:
    """Run sites in the given order; an Abort leaves exactly one finding, of our own, that names site and cause."""
    findings: list[Finding] = []
    failed = False
    room = PLACES_LIMIT
    note: str | None = None
    for site in sites:
        name = None
        try:
            for node in site.test(reading):
                failed = failed or site.severity == "error"
                if len(findings) >= FINDINGS_LIMIT or room < 0:
                    note = f"findings beyond {len(findings)} are left out"
                    break
                place = node.location()
                room -= len(place)
                name = name or f"{stage}:{site.number}"
                findings.append(Finding(site.rule, site.severity, name, place, _shown(node, site)))
        except Abort as abort:
            return StageReport(stage, "failed", (_aborted(stage, site, abort, reading),), f"aborted: {abort.kind}")
    return StageReport(stage, "failed" if failed else "passed", tuple(findings), note)


def _aborted(stage: Stage, site: Site, abort: Abort, reading: Reading) -> Finding:
    place = abort.node or reading.root
    found = None if abort.found is None else shortened(abort.found, _SHOWN)
    return Finding(abort.kind.rule, "error", f"{stage}:{site.number}", place.location(), found)


def _shown(node: Node, site: Site) -> str | None:
    if not site.shows:
        return None if node.kids else shortened(node.text, _SHOWN)
    *steps, last = site.shows
    if last.startswith("@"):
        value = descend([node], *steps)[0].attribute(last[1:])
        return None if value is None else shortened(value, _SHOWN)
    nodes = descend([node], *site.shows)
    if not nodes or any(shown.kids for shown in nodes):
        return None
    return shortened(", ".join(shown.text for shown in nodes[:3]), _SHOWN)
