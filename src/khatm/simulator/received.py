"""What an examination is given and what it returns: the received call on one side, the findings on the other."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from khatm.document.canonical import StampFacts
from khatm.environment import Environment
from khatm.simulator.business_rules import RulesPlug
from khatm.simulator.messages import WireMessage
from khatm.simulator.splice import Places
from khatm.simulator.switches import Switches

_SAME_MOMENT = timedelta(seconds=1)
"""A call is received at one moment of its being worked on, so far as the clock was not moved meanwhile."""

Call = Literal["compliance", "reporting", "clearance"]
"""The endpoint that a document came to."""

Profile = Literal["standard", "simplified"]
"""What KSA-2 says by its first two characters: `01` standard, `02` simplified."""


@dataclass(frozen=True, slots=True)
class CredentialFacts:
    """What the examination needs to know of the authenticated certificate."""

    vat_number: str
    """The subject alternative name's UID."""
    type_map: str
    """The subject alternative name's title, four digits TSCZ."""
    certificate_der: bytes
    kind: Literal["ccsid", "pcsid"]


@dataclass(frozen=True, slots=True)
class ChainView:
    """The document that the same unit sent last: what the next one's ICV and PIH are compared with."""

    counter: int
    """Its ICV."""
    document_hash: str
    """Its invoice hash: base64 of 32 bytes."""


@dataclass(frozen=True, slots=True)
class Received:
    """One call that passed authentication, its three body members as JSON gave them (any type, None if absent)."""

    call: Call
    environment: Environment
    body_hash: object
    body_uuid: object
    body_invoice: object
    credential: CredentialFacts
    clock_now: datetime
    """The simulator's clock; aware."""
    switches: Switches
    known_certificate: Callable[[bytes], bool]
    """Tells whether the certificate with this DER is a CSID of the caller's VAT number that may stamp for this call."""
    rules: RulesPlug
    previous: ChainView | None = None
    """None: nothing was received from the unit yet, so every ICV and PIH continues it."""


@dataclass(frozen=True, slots=True)
class ReceivedFacts:
    """What the document says of itself; texts verbatim, empty when absent."""

    document_hash: str
    """Recomputed from the received bytes: base64 of 32 bytes."""
    uuid: str
    number: str
    """BT-1."""
    profile: Profile | None
    """None when KSA-2 begins with something else."""
    type_code: str
    transaction_code: str
    issue_date: str
    issue_time: str
    seller_vat_number: str
    buyer_vat_number: str
    counter: str
    """KSA-16, the ICV."""
    previous_hash: str
    """KSA-13, the PIH."""


@dataclass(frozen=True, slots=True)
class Examination:
    """What was found; the lists are in the order in which the gateway prints them."""

    facts: ReceivedFacts | None
    """None when there was no document to read."""
    xml: bytes | None
    """The received document's bytes, decoded; None also where `places` hold them."""
    stamp_facts: StampFacts | None
    """What the clearance stamp repeats of the document."""
    info: tuple[WireMessage, ...]
    warnings: tuple[WireMessage, ...]
    errors: tuple[WireMessage, ...]
    stopped: bool
    """An early finding ended the examination: duplicates are not looked for after it (gateway contract 8.2)."""
    places: Places | None = None
    """Where the clearance stamp goes; None unless the document came to be cleared and has no error."""


@dataclass(frozen=True, slots=True)
class Examined:
    """An examination that was made before the call was worked on, without the document that the unit sent last."""

    received: Received
    examination: Examination

    def fits(self, received: Received) -> bool:
        """Tell whether it is what an examination of this submission would find, continuity aside."""
        mine = self.received
        return (
            mine.call == received.call
            and mine.environment == received.environment
            and mine.body_hash == received.body_hash
            and mine.body_uuid == received.body_uuid
            and mine.body_invoice == received.body_invoice
            and mine.credential == received.credential
            and mine.switches == received.switches
            and mine.rules is received.rules
            and abs(received.clock_now - mine.clock_now) < _SAME_MOMENT
        )
