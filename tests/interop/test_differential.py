"""A small campaign against fatoora-rs 0.3.0, and what holds the campaign itself: it repeats, and it can fail.

The large one is `python -m tests.differential --count 20000 --seed 1 --jobs 2` (docs/second-opinion.md).
"""

import dataclasses
import os
from collections import Counter

import pytest

pytest.importorskip("fatoora", reason="fatoora-rs has no wheel for this platform")

from tests.differential import campaign, page
from tests.differential.compare import compare
from tests.differential.mutate import make
from tests.differential.originals import pool
from tests.differential.peer import peers
from tests.differential.reasons import REASONS
from tests.differential.verdicts import Verdict, ours

SEED = 20260615
DOCUMENTS = int(os.environ.get("KHATM_RANDOM_DOCUMENTS", "300"))


def test_every_difference_of_a_small_campaign_has_a_reason() -> None:
    """KHATM_RANDOM_DOCUMENTS sets how many documents; a failure prints the command that shows the case again."""
    tally = campaign.run(SEED, range(DOCUMENTS))
    assert tally.unexplained == []
    for stage in ("xml", "schema", "en16931", "ksa", "signature", "qr", "pih"):
        assert tally.stages[stage, "agreed"] > 0, f"no document was compared in {stage}"


def test_a_number_names_a_document() -> None:
    first, again = (make(SEED, 7, pool()) for _ in range(2))
    assert first == again
    assert first.xml != make(SEED, 8, pool()).xml


@pytest.mark.parametrize("stage", ["en16931", "ksa"])
def test_a_finding_too_much_or_in_another_place_is_a_difference_without_reason(stage: str) -> None:
    number = next(n for n in range(100) if peers(make(SEED, n, pool()))[stage].findings)
    case = make(SEED, number, pool())
    mine, other = ours(case), peers(case)
    assert compare(mine, other).stages[stage] == "agreed"
    [(found, times), *_] = mine[stage].findings.items()
    for changed in (
        Counter({found: times + 1}),
        Counter({(*found[:3], "/inv:Invoice[1]/cbc:ID[1]"): times}),
        Counter({(found[0], "advice", *found[2:]): times}),
    ):
        altered = {**mine, stage: Verdict("ran", mine[stage].findings - Counter({found: times}) + changed)}
        comparison = compare(altered, other)
        assert comparison.stages[stage] == "differs"
        assert campaign.unexplained(case, comparison)[0] != []


def test_a_stage_that_only_one_side_fails_is_a_difference_without_reason() -> None:
    case = make(SEED, next(n for n in range(400) if _passes_stamp(n)), pool())
    mine, other = ours(case), peers(case)
    for stage, rule in (("signature", "signature_value"), ("qr", "qr_6"), ("pih", "pih"), ("schema", "cvc-type.1")):
        failed = Verdict("ran", Counter({(rule, "error", "", ""): 1}))
        comparison = compare({**mine, stage: failed}, other)
        assert [each.stage for each in campaign.unexplained(case, comparison)[0]] == [stage]


def _passes_stamp(number: int) -> bool:
    verdicts = peers(make(SEED, number, pool()))
    return all(verdicts[stage].state == "ran" and not verdicts[stage].failed for stage in ("signature", "qr", "pih"))


def test_the_recorded_campaigns_meet_every_reason_and_leave_nothing_open() -> None:
    figures = page.recorded().values()
    assert sum(each["documents"] for each in figures) >= 20_000
    assert [each["unexplained"] for each in figures] == [0] * len(figures)
    met: Counter[str] = Counter()
    for each in figures:
        met.update(each["reasons"])
    assert set(met) == {reason.key for reason in REASONS}


def test_the_recorded_campaigns_reach_every_site_that_can_fire() -> None:
    silent = set.intersection(*(set(each["silent_sites"]) for each in page.recorded().values()))
    assert silent <= {*page.SCHEMA_ONLY, *page.NEVER}


def test_reasons_have_names_of_their_own() -> None:
    keys = Counter(reason.key for reason in REASONS)
    assert max(keys.values()) == 1
    for reason in REASONS:
        assert all(getattr(reason, each.name) for each in dataclasses.fields(reason))
