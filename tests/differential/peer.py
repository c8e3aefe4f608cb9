"""The report of fatoora-rs 0.3.0 in the same form, its names of stages, sites and places translated to ours."""

import re
from collections import Counter
from functools import cache
from typing import Any

import fatoora

from khatm.document.xml import NAMESPACES
from tests.differential.mutate import Case
from tests.differential.verdicts import Found, Verdict

_STAGES = {
    "xsd": "schema", "cen": "en16931", "ksa": "ksa", "signature": "signature", "qr": "qr",
    "previous_invoice_hash": "pih",
}  # fmt: skip
_STEP = re.compile(r"/(@?)\*\[local-name\(\)='([^']*)' and namespace-uri\(\)='([^']*)'\](\[\d+\])?")
_PREFIXES = {uri: prefix for prefix, uri in NAMESPACES.items()}


def peers(case: Case) -> dict[str, Verdict]:
    """Return fatoora-rs's verdict on each stage; a document that it cannot read at all has failed `xml`."""
    moment = case.now.isoformat()
    try:
        report = fatoora.validate_zatca_invoice_from_str(
            _config(), case.xml.decode(), previous_invoice_hash=case.previous_hash, evaluated_at=moment
        )
        error = None
    except fatoora.FatooraError as raised:
        error = raised.details
        report = error["report"]
    stages = {_STAGES[each["stage"]]: each for each in report["stages"]}
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


@cache
def _config() -> Any:
    return fatoora.Config()
