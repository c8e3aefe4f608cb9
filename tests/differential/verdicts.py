"""Both reports in one form: per stage whether it ran, what it found, and where it broke off.

The peer's names of stages, sites and places are translated to ours.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import fatoora

from khatm.document.xml import NAMESPACES
from khatm.rules.findings import Finding
from khatm.rules.validation import validate
from tests.differential.mutate import Case

STAGES = ("xml", "schema", "en16931", "ksa", "signature", "qr", "pih")
_PEER_STAGES = {
    "xsd": "schema", "cen": "en16931", "ksa": "ksa", "signature": "signature", "qr": "qr", "previous_invoice_hash": "pih",
}  # fmt: skip
_STEP = re.compile(r"/(@?)\*\[local-name\(\)='([^']*)' and namespace-uri\(\)='([^']*)'\](\[\d+\])?")
_PREFIXES = {uri: prefix for prefix, uri in NAMESPACES.items()}

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


def peers(case: Case, config: Any) -> dict[str, Verdict]:
    """Return fatoora-rs's verdict on each stage; a document that it cannot read at all has failed `xml`."""
    moment = case.now.isoformat().replace("+00:00", "Z")
    try:
        report = fatoora.validate_zatca_invoice_from_str(
            config, case.xml.decode(), previous_invoice_hash=case.previous_hash, evaluated_at=moment
        )
        error = None
    except fatoora.FatooraError as raised:
        error = raised.details
        report = error["report"]
    stages = {_PEER_STAGES[each["stage"]]: each for each in report["stages"]}
    unread = all(each["status"] == "not_run" for each in stages.values())
    found = Counter({("XML", "error", "", str(error)): 1}) if unread else Counter()
    verdicts = {"xml": Verdict("ran", found)}
    for stage, each in stages.items():
        verdicts[stage] = _peer_verdict(stage, each, error)
    return verdicts


def _peer_verdict(stage: str, each: dict[str, Any], error: dict[str, Any] | None) -> Verdict:
    if each["status"] == "evaluation_failed":
        site = (error or {}).get("assertion_site") or ""
        return Verdict("aborted", site=site.split(":")[1] if ":" in site else f"? {error}")
    if each["status"] != "completed":
        return Verdict("silent")
    found: Counter[Found] = Counter()
    for finding in each["findings"]:
        site = finding["assertion_site"]
        place = (finding["location"] or {}).get("x_path") or ""
        message = "" if stage in ("en16931", "ksa") else finding["message"]
        found[
            finding["code"], finding["severity"], site.split(":")[1] if site else message, _STEP.sub(_step, place)
        ] += 1
    return Verdict("ran", found)


def _step(found: re.Match[str]) -> str:
    at, name, uri, position = found.groups()
    prefix = _PREFIXES.get(uri)
    return f"/{at}{prefix + ':' if prefix else ''}{name}{position or ''}"
