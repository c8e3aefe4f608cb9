"""Our report in the form in which the two are compared: per stage whether it ran, what it found, where it broke off."""

from collections import Counter
from dataclasses import dataclass, field

from khatm.rules import en16931, ksa
from khatm.rules.edition import DEFAULT
from khatm.rules.findings import Finding
from khatm.rules.validation import validate
from tests.differential.mutate import Case

STAGES = ("xml", "schema", "en16931", "ksa", "signature", "qr", "pih")

Found = tuple[str, str, str, str]
"""Rule, severity, site and place of one finding."""


@dataclass(frozen=True)
class Verdict:
    """What one side says of one stage. `state` is `ran`, `aborted` (at `site`) or `silent`: it did not look."""

    state: str
    findings: Counter[Found] = field(default_factory=Counter)
    site: str | None = None

    @property
    def failed(self) -> bool:
        """Whether there is an error."""
        return self.state == "aborted" or any(severity == "error" for _, severity, _, _ in self.findings)


def ours(case: Case) -> dict[str, Verdict]:
    """Return our verdict on each stage."""
    report = validate(case.xml, now=case.now, previous_hash=case.previous_hash)
    verdicts = {}
    for stage in report.stages:
        if stage.status in ("skipped", "undecided"):
            verdicts[stage.stage] = Verdict("silent")
        elif stage.note is not None and stage.note.startswith("aborted"):
            verdicts[stage.stage] = Verdict("aborted", site=stage.findings[0].site.partition(":")[2])
        else:
            verdicts[stage.stage] = Verdict("ran", Counter(map(_our_finding, stage.findings)))
    return verdicts


def _our_finding(each: Finding) -> Found:
    """Findings of the schema carry their message instead of a site."""
    site = (each.found or "") if each.site == "schema" else each.site.partition(":")[2]
    return each.rule, each.severity, site, each.location


def sites() -> dict[str, str]:
    """Return every assertion site of the default edition, `ksa:012`, and its rule."""
    registered = {"en16931": en16931.SITES, "ksa": ksa.SITES}
    return {
        f"{stage}:{each.number}": each.rule
        for stage, all_ in registered.items()
        for each in all_
        if DEFAULT in each.editions
    }
