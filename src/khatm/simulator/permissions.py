"""Which documents the authenticated certificate may submit, and to which endpoint.

Source: gateway contract, sections 5.1, 6.1, 8.1 and 8.2 steps 4 and 6 (c).
"""

from collections.abc import Iterator

from khatm.simulator import messages
from khatm.simulator.messages import WireMessage
from khatm.simulator.received import Profile, Received, ReceivedFacts

_SELF_BILLED = 6
"""Position of the self-billed flag in KSA-2, counted from 0."""


def profile_of(transaction_code: str) -> Profile | None:
    """Return the profile that KSA-2 begins with, None for another beginning."""
    if transaction_code.startswith("01"):
        return "standard"
    return "simplified" if transaction_code.startswith("02") else None


def wrong_endpoint(received: Received, profile: Profile | None) -> WireMessage | None:
    """Return the refusal of a document that came to the other profile's endpoint (step 4).

    While clearance is switched off, standard documents are reported.
    """
    if received.call == "reporting":
        expected = profile == "simplified" or (profile == "standard" and not received.switches.clearance_enabled)
        return None if expected else messages.NOT_SIMPLIFIED
    if received.call == "clearance" and profile != "standard":
        return messages.NOT_STANDARD
    return None


def permission_findings(received: Received, facts: ReceivedFacts) -> Iterator[WireMessage]:
    """Yield what the certificate does not permit: the document's kind, or the VAT number in it.

    The kind and the buyer of a self-billed document are looked at on reporting and clearance only.
    """
    if not received.switches.certificate_permissions:
        return
    credential = received.credential
    submission = received.call != "compliance"
    if facts.transaction_code[_SELF_BILLED : _SELF_BILLED + 1] == "1":
        if submission and facts.buyer_vat_number.strip() != credential.vat_number:
            yield messages.BUYER_NOT_PERMITTED
    elif facts.seller_vat_number.strip() != credential.vat_number:
        yield messages.SELLER_NOT_PERMITTED
    if submission:
        if facts.profile == "standard" and credential.type_map[0:1] != "1":
            yield messages.STANDARD_NOT_COVERED
        elif facts.profile == "simplified" and credential.type_map[1:2] != "1":
            yield messages.SIMPLIFIED_NOT_COVERED
