"""What a validation says: findings, and one report per stage."""

from typing import Literal, NamedTuple

Severity = Literal["error", "warning", "advice"]
Stage = Literal["xml", "schema", "en16931", "ksa", "signature", "qr", "pih", "advice"]
Status = Literal["passed", "failed", "skipped", "undecided"]


class Finding(NamedTuple):
    """One broken rule at one node; the sentences are looked up in the catalogue by `rule`."""

    rule: str
    """ZATCA's rule id, verbatim; ours begin with `KHATM-`."""
    severity: Severity
    site: str
    """Stage and number of the assertion: `ksa:012`."""
    location: str
    """XPath with positions and fixed prefixes: `/inv:Invoice[1]/cac:InvoiceLine[2]`."""
    found: str | None = None
    """The text in question, when the rule looks at one."""


class StageReport(NamedTuple):
    """What one stage found; it is failed exactly when it holds an error."""

    stage: Stage
    status: Status
    findings: tuple[Finding, ...] = ()
    note: str | None = None
