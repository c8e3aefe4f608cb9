"""Runs numbered cases through both sides, explains every difference, and counts."""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.differential.compare import RULES, Comparison, Disagreement, compare
from tests.differential.mutate import Case, make, planned
from tests.differential.originals import Pool, pool
from tests.differential.peer import peers
from tests.differential.reasons import REASONS, Facts
from tests.differential.verdicts import Verdict, ours

CHUNK = 250
"""Cases that one process takes at a time."""


@dataclass
class Tally:
    """What a campaign counted; `stages` by stage and outcome, `reasons` in documents, `sites` in documents."""

    documents: int = 0
    changes: int = 0
    stages: Counter[tuple[str, str]] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    aborts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    sites: Counter[str] = field(default_factory=Counter)
    unexplained: list[str] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Take in the counts of another part of the campaign."""
        self.documents += other.documents
        self.changes += other.changes
        for mine, theirs in zip(self._counters(), other._counters(), strict=True):
            mine.update(theirs)
        self.unexplained += other.unexplained

    def _counters(self) -> tuple[Counter[Any], ...]:
        return (self.stages, self.findings, self.aborts, self.reasons, self.sites)


def run(seed: int, numbers: Sequence[int], corpus: Path | None = None) -> Tally:
    """Judge the cases of these numbers in this process."""
    documents = pool(corpus)
    tally = Tally()
    for number in numbers:
        case = make(seed, number, documents)
        _count(case, documents, tally)
    return tally


def run_in_processes(seed: int, count: int, jobs: int, corpus: Path | None = None, first: int = 0) -> Iterator[Tally]:
    """Yield the tallies of the parts of a campaign as they are done."""
    parts = [range(at, min(at + CHUNK, first + count)) for at in range(first, first + count, CHUNK)]
    with ProcessPoolExecutor(jobs) as workers:
        yield from workers.map(run, [seed] * len(parts), parts, [corpus] * len(parts))


def judged(case: Case) -> tuple[Comparison, dict[str, Verdict]]:
    """Return the comparison of both sides, and our verdicts."""
    mine = ours(case)
    return compare(mine, peers(case)), mine


def unexplained(case: Case, comparison: Comparison) -> tuple[list[Disagreement], list[str]]:
    """Return the differences that no reason explains, and the reasons of the others."""
    facts = Facts(case)
    open_, known = [], []
    for difference in comparison.disagreements:
        reason = next(
            (each for each in REASONS if difference.stage in each.stages and each.explains(difference, facts)), None
        )
        if reason is None:
            open_.append(difference)
        else:
            known.append(reason.key)
    return open_, known


def minimised(case: Case, documents: Pool) -> Case:
    """Leave out changes as long as something stays unexplained."""
    keep = list(range(planned(case.seed, case.number)))
    for step in list(keep):
        fewer = [each for each in keep if each != step]
        tried = make(case.seed, case.number, documents, fewer)
        if unexplained(tried, judged(tried)[0])[0]:
            keep = fewer
    return make(case.seed, case.number, documents, keep)


def told(case: Case, differences: Sequence[Disagreement]) -> str:
    """Return a report of a case: how to see it again, what was done to it, and where the sides differ."""
    lines = [f"seed {case.seed}, document {case.number} (--seed {case.seed} --replay {case.number}): {case.original}"]
    lines += [f"  judged at {case.now.isoformat()}, expected previous hash {case.previous_hash[:12]}…"]
    lines += [f"  {change}" for change in case.changes]
    lines += [f"  ! {str(difference)[:400]}" for difference in differences]
    return "\n".join(lines)


def _count(case: Case, documents: Pool, tally: Tally) -> None:
    comparison, mine = judged(case)
    open_, known = unexplained(case, comparison)
    tally.documents += 1
    tally.changes += len(case.changes)
    tally.stages.update(comparison.stages.items())
    tally.reasons.update(set(known))
    for stage in RULES:
        verdict = mine[stage]
        if comparison.stages[stage] != "one side silent":
            tally.findings[stage] += verdict.findings.total()
            tally.aborts[stage] += verdict.state == "aborted"
            tally.sites.update({f"{stage}:{site}" for _, _, site, _ in verdict.findings})
    if open_:
        smallest = minimised(case, documents)
        tally.unexplained.append(told(smallest, unexplained(smallest, judged(smallest)[0])[0]))
