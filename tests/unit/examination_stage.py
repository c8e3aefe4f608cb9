"""What the tests of the examination set out: a submission of a vector's document, with one thing changed at a time."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from khatm.environment import Environment
from khatm.simulator.business_rules import RulesPlug
from khatm.simulator.examination import examine
from khatm.simulator.official_rules import OfficialRules
from khatm.simulator.received import Call, ChainView, CredentialFacts, Examination, Received
from khatm.simulator.switches import Switches, default_switches
from khatm.stamp.canonical import invoice_hash
from tests.stamp_vectors import SELLER, SIGNED_AT, document, file

CERTIFICATE = file("certificates/own-pcsid-en.der")
"""The certificate that stamped nearly all of the vectors."""


@dataclass(frozen=True)
class Submission:
    """A submission of a document to the simulation, accepted unless something is changed."""

    xml: bytes = field(default_factory=lambda: document("simplified-invoice").xml)
    call: Call = "reporting"
    environment: Environment = Environment.SIMULATION
    body_hash: object = None
    """None: the hash of `xml`."""
    body_uuid: object = None
    """None: the UUID in `xml`."""
    vat_number: str = SELLER
    type_map: str = "1100"
    now: datetime = SIGNED_AT
    switches: dict[str, Any] = field(default_factory=dict)
    known: Callable[[bytes], bool] = CERTIFICATE.__eq__
    rules: RulesPlug = field(default_factory=OfficialRules)
    previous: ChainView | None = None

    def received(self) -> Received:
        """Return what the endpoint would hand over."""
        switches: Switches = replace(default_switches(self.environment), **self.switches)
        return Received(
            call=self.call,
            environment=self.environment,
            body_hash=invoice_hash(self.xml) if self.body_hash is None else self.body_hash,
            body_uuid=uuid_of(self.xml) if self.body_uuid is None else self.body_uuid,
            body_invoice=base64.b64encode(self.xml).decode(),
            credential=CredentialFacts(self.vat_number, self.type_map, CERTIFICATE, "pcsid"),
            clock_now=self.now,
            switches=switches,
            known_certificate=self.known,
            rules=self.rules,
            previous=self.previous,
        )

    def examine(self) -> Examination:
        """Examine it."""
        return examine(self.received())


def standard(name: str = "standard-invoice", **changes: Any) -> Submission:
    """A standard document of the vectors on clearance."""
    return Submission(xml=document(name).xml, call="clearance", **changes)


def codes(examination: Examination) -> tuple[list[str | None], list[str | None]]:
    """The codes of the errors and of the warnings."""
    return [each.code for each in examination.errors], [each.code for each in examination.warnings]


def uuid_of(xml: bytes) -> str:
    """The text of the first `cbc:UUID` in plain UTF-8 XML; empty if there is none."""
    return xml.partition(b"<cbc:UUID>")[2].partition(b"<")[0].decode("utf-8", "replace")
