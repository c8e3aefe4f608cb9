"""Runs the registered sites of one edition over a reading.

Each stage stands for one official stylesheet: if one of its assertions breaks off, none of its findings survives.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

from khatm.document.xml import shortened
from khatm.memory import uncollected
from khatm.rules import en16931, ksa
from khatm.rules.abort import Abort
from khatm.rules.edition import Edition
from khatm.rules.findings import Finding, Stage, StageReport
from khatm.rules.reading import Node, Reading, descend
from khatm.rules.site import Made, Over, Site, Test

FINDINGS_LIMIT: Final = 20_000
"""A stage holds no more, so that its JSON in two languages stays within bounds too; the Saudi rules multiply findings
by the number of tax categories."""
PLACES_LIMIT: Final = 4_000_000
"""Characters of all places in a stage's report; twenty thousand usual ones take half of it."""
_SHOWN: Final = 200
LONG: Final = 2_000
"""Elements of a document from which it is judged part by part."""
PART: Final = 64
"""Lines in a part; with what stands below they stay in the processor's cache."""
_NOTHING: Final[Mapping[Test, list[Node] | Abort]] = {}


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
    european, saudi = judge_stages(("en16931", "ksa"), reading.at(now), edition)
    return european, saudi


def judge_stage(stage: Stage, reading: Reading, edition: Edition) -> StageReport:
    """Run one stage's sites in order; for sites that look at the time the reading must have one (`Reading.at`)."""
    return judge_stages((stage,), reading, edition)[0]


def judge_stages(stages: Sequence[Stage], reading: Reading, edition: Edition) -> list[StageReport]:
    """Run the sites of several stages, which is quicker for a long document than running one stage after the other."""
    with uncollected():
        plans = [plan(stage, edition) for stage in stages]
        judged = _part_by_part(plans, reading) if reading.size > LONG else {}
        return [run(stage, sites, reading, judged) for stage, sites in zip(stages, plans, strict=True)]


def run(
    stage: Stage, sites: Iterable[Site], reading: Reading, judged: Mapping[Test, list[Node] | Abort] = _NOTHING
) -> StageReport:
    """Run sites in the given order; an Abort leaves exactly one finding, of our own, that names site and cause.

    `judged` has what is known of some tests already.
    """
    findings: list[Finding] = []
    failed = False
    room = PLACES_LIMIT
    note: str | None = None
    for site in sites:
        name = None
        try:
            for node in _told(judged[site.test]) if judged and site.test in judged else site.test(reading):
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


def _part_by_part(plans: Iterable[Sequence[Site]], reading: Reading) -> dict[Test, list[Node] | Abort]:
    """Return what the tests that go over a long list find, or where they break off.

    All of them look at one part of the document before the next: while the processor has it at hand.
    """
    judged: dict[Test, list[Node] | Abort] = {}
    lists: dict[object, tuple[Sequence[Any], Callable[[Any], Any] | None, list[Over[Any]]]] = {}
    for test in [site.test for plan in plans for site in plan]:
        if isinstance(test, Over):
            made = test.context if isinstance(test.context, Made) else None
            try:
                whole = reading.fact(made.source if made else test.context)
            except Abort:
                continue  # it breaks off when its turn comes
            if len(whole) > PART:
                lists.setdefault(test.context, (whole, made.make if made else None, []))[2].append(test)
                judged[test] = []
    parts = -(-max((len(whole) for whole, _, _ in lists.values()), default=0) // PART)
    for part in range(parts):
        for whole, make, tests in lists.values():
            some = whole[len(whole) * part // parts : len(whole) * (part + 1) // parts]
            if make is not None:
                some = [make(each) for each in some]
            for test in tests:
                found = judged[test]
                if some and isinstance(found, list):
                    try:
                        found.extend(test.within(reading, some))
                    except Abort as abort:
                        judged[test] = abort
    return judged


def _told(judged: list[Node] | Abort) -> list[Node]:
    if isinstance(judged, Abort):
        raise judged
    return judged


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
