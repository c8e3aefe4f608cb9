"""Full validation of one document: XML, structure, both rule sets, stamp, QR code and chain, stage by stage.

The official command line goes on to the rules after a schema failure, and so does this. Source: stamp standard 6.2,
rule specifications of both stylesheets (evaluation model).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from lxml import etree

from khatm.document.errors import UnreadableXml
from khatm.document.schema import StructureFinding, located
from khatm.document.walk import Walked, walk
from khatm.document.xml import STRICT_DEPTH, parse_strictly
from khatm.errors import Language
from khatm.memory import uncollected
from khatm.rules import edition as editions
from khatm.rules.edition import Edition
from khatm.rules.engine import judge_stages
from khatm.rules.findings import Finding, Stage, StageReport
from khatm.rules.integrity import examine_chain, examine_qr, examine_stamp, unfold
from khatm.rules.reading import Reading
from khatm.rules.stamp_policy import judge_records, judge_signer, spelled_otherwise
from khatm.stamp.certificate import Certificate
from khatm.stamp.verdict import CheckResult
from khatm.stamp.verify import Verification, verify_tree

MAX_BYTES: Final = 16 * 1024 * 1024
STAGES: Final[tuple[Stage, ...]] = ("xml", "schema", "en16931", "ksa", "signature", "qr", "pih", "advice")
_ROOT: Final = "/inv:Invoice[1]"
_UNREADABLE: Final = "the XML cannot be read"
_UNASKED: Final = StageReport("advice", "skipped", note="not asked for")
_NOT_INVOICE: Final = StageReport("advice", "skipped", note="the document is no UBL Invoice")


class ValidationReport(NamedTuple):
    """What every stage says of a document."""

    edition: Edition
    stages: tuple[StageReport, ...]
    sentences: dict[str, dict[Language, str]]
    """Sentences that the catalogue cannot know, by rule: where the XML or its structure breaks."""

    @property
    def valid(self) -> bool:
        """False exactly when a stage is failed."""
        return all(stage.status != "failed" for stage in self.stages)

    @property
    def undecided(self) -> bool:
        """Whether a stage that applies could not run."""
        return any(stage.status == "undecided" for stage in self.stages)

    def findings(self) -> Iterable[Finding]:
        """Yield all findings in the order of the stages."""
        for stage in self.stages:
            yield from stage.findings

    def official(self) -> Iterable[Finding]:
        """Yield the findings that count: those of all stages but `advice`."""
        for stage in self.stages:
            if stage.stage != "advice":
                yield from stage.findings


def validate(
    xml: bytes,
    *,
    now: datetime,
    edition: Edition = editions.DEFAULT,
    previous_hash: str | None = None,
    reference: Certificate | None = None,
    max_bytes: int = MAX_BYTES,
    advice: bool = True,
) -> ValidationReport:
    """Validate a document as it stands at an instant; never raises for any bytes.

    `now` is aware; its offset is the zone of dates and times without one. `previous_hash` is the expected
    PIH (KSA-13); without it the chain stage is skipped. `reference` is the certificate that the stamp's issuer and
    serial number are compared with instead of the embedded one, as the authority's web validator does. Stamp and
    QR code are looked at on simplified documents, and on standard ones that carry them. Without `advice` that stage is
    skipped; it never changes the verdict.
    """
    with uncollected():
        try:
            tree = parse_strictly(xml, max_bytes=max_bytes, walked=True)
            walked = walk(tree, deepest=STRICT_DEPTH)
        except UnreadableXml as error:
            return _unreadable(error, edition)
        return _judged(tree, walked, xml, now, edition, previous_hash, reference, advice)


def _judged(
    tree: etree._ElementTree,
    walked: Walked,
    xml: bytes,
    now: datetime,
    edition: Edition,
    previous_hash: str | None,
    reference: Certificate | None,
    wants_advice: bool,
) -> ValidationReport:
    sentences: dict[str, dict[Language, str]] = {}
    reading = Reading(walked)
    structure = _structure(located(walked.faults, tree, xml), sentences)
    advised = wants_advice and reading.root.name == "inv:Invoice"
    judged: tuple[Stage, ...] = ("en16931", "ksa", "advice") if advised else ("en16931", "ksa")
    european, saudi, *advice = judge_stages(judged, reading.at(now), edition)
    beside = [*examine_stamp(reading), *examine_qr(reading), *unfold(reading)]
    # last: it takes the stamp out of the tree
    verification = verify_tree(tree, certificate=reference, pih=previous_hash, source=xml)
    beside += [*judge_signer(reading, verification), *judge_records(reading, verification)]
    stages = (
        StageReport("xml", "passed"),
        structure,
        european,
        saudi,
        _signature(verification, beside),
        _qr(verification, beside),
        _chain(verification, previous_hash, examine_chain(reading)),
        *(advice or [_NOT_INVOICE if wants_advice else _UNASKED]),
    )
    return ValidationReport(edition, stages, sentences)


def _unreadable(error: UnreadableXml, edition: Edition) -> ValidationReport:
    rule = f"KHATM-XML-{error.reason.upper()}"
    place = f"line {error.line}, column {error.column}" if error.line else "the file"
    failed = StageReport("xml", "failed", (Finding(rule, "error", "xml", place, error.found or None),))
    skipped = (StageReport(stage, "skipped", note=_UNREADABLE) for stage in STAGES[1:])
    sentences: dict[str, dict[Language, str]] = {rule: {"en": error.sentence("en"), "ar": error.sentence("ar")}}
    return ValidationReport(edition, (failed, *skipped), sentences)


def _structure(broken: Iterable[StructureFinding], sentences: dict[str, dict[Language, str]]) -> StageReport:
    findings = []
    for each in broken:
        findings.append(Finding(each.rule, "error", "schema", each.location, each.message))
        line = f"line {each.line}" if each.line else "an unknown line"
        sentences.setdefault(
            each.rule,
            {
                "en": f"The document leaves the UBL 2.1 structure ({line}): {each.message}",
                "ar": f"يخالف المستند بنية UBL 2.1 (السطر {each.line or '؟'}).",
            },
        )
    return StageReport("schema", "failed" if findings else "passed", tuple(findings))


def _signature(verification: Verification, beside: Sequence[Finding]) -> StageReport:
    checks = [check for name, check in verification.checks.items() if not name.startswith("qr_") and name != "pih"]
    return _stage("signature", checks, beside, applies=verification.facts.simplified or verification.stamped)


def _qr(verification: Verification, beside: Sequence[Finding]) -> StageReport:
    checks = [check for name, check in verification.checks.items() if name.startswith("qr_")]
    applies = verification.facts.simplified or bool(checks)
    return _stage("qr", checks, beside, applies=applies, lenient=spelled_otherwise(verification))


def _chain(verification: Verification, previous_hash: str | None, beside: Sequence[Finding]) -> StageReport:
    if previous_hash is not None:
        return _stage("pih", [verification.checks["pih"]], beside, applies=True)
    return _stage("pih", (), [each for each in beside if each.severity == "error"], note="no expected hash was given")


def _stage(
    stage: Stage,
    checks: Iterable[CheckResult],
    beside: Iterable[Finding],
    *,
    applies: bool = False,
    lenient: frozenset[str] = frozenset(),
    note: str = "a standard document that carries none",
) -> StageReport:
    """Report failed checks, as warnings where `lenient` names them, and the findings beside them in this stage."""
    findings = [
        Finding(
            check.name,
            "warning" if check.name in lenient else "error",
            f"{stage}:{check.name}",
            _ROOT,
            check.found or None,
        )
        for check in checks
        if not check.passed
    ]
    findings += [each for each in beside if each.site.startswith(f"{stage}:")]
    if not applies and not findings:
        return StageReport(stage, "skipped", note=note)
    failed = any(each.severity == "error" for each in findings)
    return StageReport(stage, "failed" if failed else "passed", tuple(findings))
