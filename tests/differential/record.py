"""The figures of the recorded campaigns, and the text made of them."""

import json

from tests.differential.campaign import Tally
from tests.differential.page import FIGURES, recorded
from tests.differential.verdicts import sites


def summary(tally: Tally) -> str:
    """Return the counts of a campaign as lines."""
    lines = [f"{tally.documents} documents, {tally.changes} changes"]
    stages = list(dict.fromkeys(stage for stage, _ in tally.stages))
    for stage in stages:
        outcomes = {outcome: tally.stages[stage, outcome] for outcome in ("agreed", "differs", "one side silent")}
        lines.append(f"{stage}: " + ", ".join(f"{number} {outcome}" for outcome, number in outcomes.items()))
    for stage, number in tally.findings.items():
        lines.append(f"{stage}: {number} findings compared, {tally.aborts[stage]} documents broken off")
    silent = sorted(set(sites()) - set(tally.sites))
    lines.append(f"{len(sites()) - len(silent)} of {len(sites())} sites fired; not: {' '.join(silent) or 'none'}")
    lines += [f"reason {key}: {number} documents" for key, number in sorted(tally.reasons.items())]
    lines.append(f"{len(tally.unexplained)} documents with an unexplained difference")
    return "\n".join(lines)


def keep(tally: Tally, *, seed: int) -> None:
    """Write the figures of this seed beside those of the others."""
    figures = recorded() if FIGURES.is_file() else {}
    stages: dict[str, dict[str, int]] = {}
    for (stage, outcome), number in tally.stages.items():
        stages.setdefault(stage, {})[outcome] = number
    figures[str(seed)] = {
        "documents": tally.documents,
        "changes": tally.changes,
        "stages": stages,
        "findings": dict(tally.findings),
        "aborts": dict(tally.aborts),
        "reasons": dict(sorted(tally.reasons.items())),
        "silent_sites": sorted(set(sites()) - set(tally.sites)),
        "unexplained": len(tally.unexplained),
    }
    text = json.dumps(dict(sorted(figures.items(), key=lambda item: int(item[0]))), indent=1)
    FIGURES.write_text(text + "\n", "utf-8")
