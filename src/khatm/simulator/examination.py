"""What the gateway makes of a received document: its checks in its order, each with its message.

Everything is judged from the received bytes. Source: gateway contract, section 8.2, steps 2 to 4 and 6; the switches
of section 14.1 decide where the environments differ. Duplicates (step 5) need the authority's records and are the
endpoint's business.
"""

import logging
from dataclasses import replace

from lxml import etree

from khatm.document.errors import UnreadableXml
from khatm.document.schema import located
from khatm.document.walk import Walked, walk
from khatm.document.xml import INV, parse
from khatm.simulator import messages
from khatm.simulator.body_checks import body_hash_refusal, received_document, same_uuid
from khatm.simulator.business_rules import RuleReport
from khatm.simulator.chain_checks import chain_findings
from khatm.simulator.messages import WireMessage
from khatm.simulator.outline import Outline, read_outline
from khatm.simulator.permissions import permission_findings, profile_of, wrong_endpoint
from khatm.simulator.qr_checks import qr_findings
from khatm.simulator.received import Examination, Received, ReceivedFacts
from khatm.simulator.splice import find_places
from khatm.simulator.stamp_checks import stamp_findings
from khatm.stamp.verify import Verification, verify_tree

_LOG = logging.getLogger(__name__)
_ROOT = f"{{{INV}}}Invoice"


def examine(received: Received) -> Examination:
    """Judge one submission; every input has an answer, whatever a caller sends."""
    refusal = body_hash_refusal(received.body_hash)
    if refusal is not None:
        return _unread(refusal)
    xml = received_document(received.body_invoice)
    if xml is None:
        return _unread(messages.XSD_INVALID)
    try:
        tree = parse(xml)
    except UnreadableXml:
        return _unread(messages.XSD_INVALID)
    walked = walk(tree, most=1)
    schema = located(walked.faults, tree, xml)
    findings = _Findings()
    if schema:
        fault = schema[0]
        findings.add(messages.schema_violation(fault.line or 1, fault.column or 1, fault.message))
        if tree.getroot().tag != _ROOT:
            return findings.examination(None, xml, None, stopped=True)
    else:
        findings.add(messages.XSD_VALID)
    return _judge(received, xml, tree, walked, findings)


def _judge(
    received: Received, xml: bytes, tree: etree._ElementTree, walked: Walked, findings: "_Findings"
) -> Examination:
    """Go on with a document that is an invoice: its kind (step 4), then all that is collected (step 6)."""
    outline = read_outline(walked)
    report = RuleReport() if walked.faults else _rule_report(received, walked)
    verification = verify_tree(
        tree, source=xml
    )  # takes the stamp out of the tree, so after everything else that reads it
    facts = _facts(outline, verification.invoice_hash)
    refusal = wrong_endpoint(received, facts.profile)
    if refusal is not None:
        findings.add(refusal)
        return findings.examination(facts, xml, verification, stopped=True)
    if received.body_hash != verification.invoice_hash:
        findings.add(messages.HASH_DIFFERS)
    if not same_uuid(received.body_uuid, facts.uuid):
        findings.add(messages.UUID_DIFFERS)
    findings.add(*permission_findings(received, facts))
    findings.add(*_rule_messages(report))
    accept_plain = received.switches.qr_plain_lengths == "accept"
    findings.add(*qr_findings(verification, outline, accept_plain_lengths=accept_plain))
    findings.add(*stamp_findings(verification, outline, received.switches, received.known_certificate))
    findings.add(*chain_findings(outline, verification.invoice_hash, received.previous, received.switches.chain))
    found = findings.examination(facts, xml, verification, stopped=False)
    if received.call == "clearance" and not found.errors:
        return replace(found, xml=None, places=find_places(xml))
    return found


def with_continuity(found: Examination, received: Received) -> Examination:
    """Return an examination that was made without knowing the unit's last document, completed by the chain (6 g)."""
    if found.facts is None or found.stopped:
        return found
    document_hash = found.facts.document_hash
    broken = tuple(chain_findings(found.facts, document_hash, received.previous, received.switches.chain))
    if not broken:
        return found
    return replace(
        found,
        warnings=(*found.warnings, *(each for each in broken if each.type == "WARNING")),
        errors=(*found.errors, *(each for each in broken if each.type == "ERROR")),
    )


def _rule_report(received: Received, document: Walked) -> RuleReport:
    """Ask the rules; a rule set that fails is the gateway's failure to evaluate it, not the caller's (5.1)."""
    edition = received.switches.rules
    if edition == "off":
        return RuleReport()
    try:
        return received.rules.judge(document, edition=edition, now=received.clock_now)
    except Exception:
        _LOG.exception("the business rules failed on a document")
        return RuleReport(aborted="the rule set failed")


def _rule_messages(report: RuleReport) -> list[WireMessage]:
    if report.aborted:
        return [messages.RULES_UNABLE]
    return [
        messages.rule_finding(each.rule, each.severity, each.sentence, en16931=each.en16931) for each in report.findings
    ]


def _facts(outline: Outline, document_hash: str) -> ReceivedFacts:
    return ReceivedFacts(
        document_hash=document_hash,
        uuid=outline.uuid.strip(),
        number=outline.number.strip(),
        profile=profile_of(outline.transaction_code),
        type_code=outline.type_code.strip(),
        transaction_code=outline.transaction_code,
        issue_date=outline.issue_date,
        issue_time=outline.issue_time,
        seller_vat_number=outline.seller_vat_number.strip(),
        buyer_vat_number=outline.buyer_vat_number.strip(),
        counter=outline.counter.strip(),
        previous_hash=outline.previous_hash.strip(),
    )


def _unread(refusal: WireMessage) -> Examination:
    findings = _Findings()
    findings.add(refusal)
    return findings.examination(None, None, None, stopped=True)


class _Findings:
    """The messages of one answer in the order in which they were found, each once."""

    def __init__(self) -> None:
        self._messages: dict[WireMessage, None] = {}

    def add(self, *found: WireMessage) -> None:
        self._messages.update(dict.fromkeys(found))

    def examination(
        self, facts: ReceivedFacts | None, xml: bytes | None, verification: Verification | None, *, stopped: bool
    ) -> Examination:
        return Examination(
            facts=facts,
            xml=xml,
            stamp_facts=None if verification is None else verification.facts,
            info=self._of("INFO"),
            warnings=self._of("WARNING"),
            errors=self._of("ERROR"),
            stopped=stopped,
        )

    def _of(self, level: str) -> tuple[WireMessage, ...]:
        return tuple(message for message in self._messages if message.type == level)
