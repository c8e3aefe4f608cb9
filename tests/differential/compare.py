"""Where the two verdicts on a document differ, one line per stage, rule and direction."""

from collections import Counter
from dataclasses import dataclass

from tests.differential.verdicts import STAGES, Verdict

_PARTS = frozenset(
    {
        "stamp_present",
        "KHATM-STAMP-PART",
        "KHATM-STAMP-PLACE",
        "KHATM-STAMP-TRANSFORM",
        "qr_present",
        "qr_tlv",
        "pih",
        "KHATM-PIH-REPEATED",
    }
)
_RECORDS = frozenset({"qr_tlv", *(f"qr_{tag}" for tag in range(1, 10))})
CODES: dict[str, frozenset[str]] = {
    "INTEGRITY_STRUCTURE": _PARTS,
    "SIGNATURE_DIGEST": frozenset({"invoice_digest"}),
    "SIGNED_PROPERTIES_DIGEST": frozenset({"signed_properties_digest"}),
    "SIGNATURE_CERTIFICATE": frozenset({"certificate_readable", "KHATM-STAMP-PART"}),
    "SIGNATURE_CERTIFICATE_DIGEST": frozenset({"certificate_digest"}),
    "SIGNATURE_CERTIFICATE_ISSUER": frozenset({"issuer_name"}),
    "SIGNATURE_CERTIFICATE_SERIAL": frozenset({"serial_number"}),
    "SIGNATURE_VALUE": frozenset({"signature_value"}),
    "SIGNATURE_ALGORITHM": frozenset({"KHATM-STAMP-ALGORITHM", "KHATM-STAMP-TRANSFORM", "KHATM-STAMP-REFERENCE"}),
    "SIGNATURE_TRANSFORMS": frozenset({"KHATM-STAMP-TRANSFORM"}),
    "SIGNATURE_REFERENCES": frozenset({"KHATM-STAMP-REFERENCE", "KHATM-STAMP-PART", "KHATM-STAMP-TARGET"}),
    "QR_TLV": _RECORDS,
    "QR_TIMESTAMP": frozenset({"qr_3"}),
    "QR_VAT": frozenset({"qr_5"}),
    "PIH_MISMATCH": frozenset({"pih"}),
    "PIH_FORMAT": frozenset({"pih"}),
}
"""The peer's codes of the integrity stages and our checks that say the same; it stops at its first."""
RULES = ("en16931", "ksa")


@dataclass(frozen=True)
class Disagreement:
    """One difference. `side` is who says more: `ours` or `peer`; `kind` is finding, count, abort, status or code."""

    stage: str
    kind: str
    side: str
    rule: str
    site: str
    place: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.stage} {self.kind} {self.side}: {self.rule} {self.site} {self.place} {self.detail}".rstrip()


@dataclass(frozen=True)
class Comparison:
    """Per stage `agreed`, `differs` or `one side silent`, and the differences."""

    stages: dict[str, str]
    disagreements: tuple[Disagreement, ...]


def compare(ours: dict[str, Verdict], peer: dict[str, Verdict]) -> Comparison:
    """Compare stage by stage; a stage that one side did not look at is not compared."""
    stages: dict[str, str] = {}
    all_: list[Disagreement] = []
    for stage in STAGES:
        mine, other = ours[stage], peer[stage]
        if "silent" in (mine.state, other.state):
            stages[stage] = "one side silent"
            continue
        found = _rules(stage, mine, other) if stage in RULES else _integrity(stage, mine, other)
        stages[stage] = "differs" if found else "agreed"
        all_ += found
    return Comparison(stages, tuple(all_))


def _rules(stage: str, mine: Verdict, other: Verdict) -> list[Disagreement]:
    if "aborted" in (mine.state, other.state):
        if mine.state == other.state and mine.site == other.site:
            return []
        side = "ours" if mine.state == "aborted" else "peer"
        return [Disagreement(stage, "abort", side, "", f"{mine.site}/{other.site}", "")]
    found = []
    for side, more in (("ours", mine.findings - other.findings), ("peer", other.findings - mine.findings)):
        for (rule, severity, site, place), number in sorted(more.items()):
            found.append(Disagreement(stage, "finding", side, rule, site, place, f"{severity} x{number}"))
    return found


def _integrity(stage: str, mine: Verdict, other: Verdict) -> list[Disagreement]:
    """Both fail or neither; where the peer names a check, it must be among those that fail with us."""
    if mine.failed != other.failed:
        side, more = ("ours", mine) if mine.failed else ("peer", other)
        messages = side == "peer" or stage == "schema"
        rules = Counter(
            f"{rule} {site if messages else ''}".strip()
            for rule, severity, site, _ in more.findings
            if severity == "error"
        )
        return [Disagreement(stage, "status", side, ", ".join(sorted(rules)), "", "")]
    if stage in ("xml", "schema") or not mine.failed:
        return []
    checks = {rule for rule, severity, _, _ in mine.findings if severity == "error"}
    found = []
    for (code, _, message, _), _number in sorted(other.findings.items()):
        known = CODES.get(code)
        if code == "QR_VALUE":
            known = frozenset({f"qr_{message.split()[2]}"})
        if known is None or not known & checks:
            found.append(Disagreement(stage, "code", "peer", code, "", "", f"{message}; ours {sorted(checks)}"))
    return found
