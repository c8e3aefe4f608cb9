"""The generated part of `docs/second-opinion.md`: the figures of the recorded campaigns and the list of reasons."""

import json
from pathlib import Path
from typing import Any

from tests.differential.reasons import REASONS
from tests.differential.verdicts import STAGES, sites

FIGURES = Path(__file__).with_name("figures.json")
SCHEMA_ONLY = (
    "en16931:002", "en16931:006", "en16931:010", "en16931:015", "en16931:018", "en16931:020", "en16931:034",
    "en16931:042", "en16931:061", "en16931:066", "en16931:067", "en16931:068", "en16931:070", "en16931:075", "ksa:130",
)  # fmt: skip
"""Sites that fire only on documents that the schema refuses, where the peer looks no further.

EN rule specification, section 8; ksa:130 asks whether a time can be cast to the type that the schema gives it."""
NEVER = ("ksa:131",)
"""Sites that can only break off (Saudi rules, section 7)."""


def recorded() -> dict[str, dict[str, Any]]:
    """Return the figures of each recorded campaign, by seed."""
    return dict(json.loads(FIGURES.read_text("utf-8")))


def tables() -> str:
    """Return the tables of figures and of reasons."""
    figures = list(recorded().values())
    return "\n\n".join([_campaigns(), _stages(figures), _reach(figures), _reasons(figures)])


def _campaigns() -> str:
    lines = [
        "| Seed | Documents | Changes | Findings compared | Stages broken off | Unexplained |",
        "|---|---|---|---|---|---|",
    ]
    for seed, each in recorded().items():
        findings, aborts = sum(each["findings"].values()), sum(each["aborts"].values())
        cells = (seed, each["documents"], each["changes"], findings, aborts, each["unexplained"])
        lines.append("| " + " | ".join(_shown(cell) for cell in cells) + " |")
    return "\n".join(lines)


def _stages(figures: list[dict[str, Any]]) -> str:
    lines = ["| Stage | Agree | Differ, with a reason | Not compared |", "|---|---|---|---|"]
    for stage in STAGES:
        numbers = [
            sum(each["stages"][stage].get(outcome, 0) for each in figures)
            for outcome in ("agreed", "differs", "one side silent")
        ]
        lines.append(f"| {stage} | " + " | ".join(_shown(number) for number in numbers) + " |")
    return "\n".join(lines)


def _reach(figures: list[dict[str, Any]]) -> str:
    silent = sorted(set.intersection(*(set(each["silent_sites"]) for each in figures)))
    total = len(sites())
    groups = (
        ("only on documents that the schema refuses", SCHEMA_ONLY),
        ("never, it can only break off", NEVER),
        ("not reached", tuple(site for site in silent if site not in (*SCHEMA_ONLY, *NEVER))),
    )
    fired = total - len(silent)
    lines = [f"{fired} of the {total} assertion sites fired in a stage that both sides judged. The others fire:", ""]
    for when, group in groups:
        found = [f"`{site}`" for site in group if site in silent]
        if found:
            lines.append(f"- {when}: {', '.join(found)}.")
    return "\n".join(lines)


def _reasons(figures: list[dict[str, Any]]) -> str:
    lines = ["| Reason | Stage | Documents | fatoora-rs 0.3.0 | Khatm | Evidence |", "|---|---|---|---|---|---|"]
    for each in REASONS:
        number = sum(figure["reasons"].get(each.key, 0) for figure in figures)
        cells = (f"`{each.key}`", ", ".join(each.stages), _shown(number), each.peer, each.ours, each.evidence)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _shown(number: int | str) -> str:
    return f"{number:,}" if isinstance(number, int) else number
