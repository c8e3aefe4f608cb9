"""The ICV and the PIH: their form always, their continuity where a switch asks for it.

Source: gateway contract, sections 5.4, 8.2 step 6 (g) and 8.4; client behaviour, section 9, item 8.
"""

import base64
from collections.abc import Iterator
from typing import Literal

from khatm.simulator import messages
from khatm.simulator.body_checks import decode_base64
from khatm.simulator.gateway_rules import counter_and_previous_hash
from khatm.simulator.messages import WireMessage
from khatm.simulator.outline import Outline
from khatm.simulator.received import ChainView

Continuity = Literal["format", "warn", "strict"]


def chain_findings(
    outline: Outline, document_hash: str, previous: ChainView | None, continuity: Continuity
) -> Iterator[WireMessage]:
    """Yield what is wrong with ICV and PIH.

    With `warn` or `strict` the document must follow `previous`: the next ICV, and its hash as PIH. The same document
    sent again follows too. The gateway names no code for a gap in the counter, so a break of either kind is `KSA-13`.
    """
    for finding in counter_and_previous_hash(outline):
        yield messages.rule_finding(finding.rule, finding.severity, finding.sentence, en16931=finding.en16931)
    if continuity == "format" or previous is None or document_hash == previous.document_hash:
        return
    if not (_follows(outline.counter, previous.counter) and _is_hash(outline.previous_hash, previous.document_hash)):
        yield messages.chain_broken("error" if continuity == "strict" else "warning")


def _follows(counter: str, previous: int) -> bool:
    text = counter.strip()
    return text.isascii() and text.isdigit() and len(text) <= 30 and int(text) == previous + 1


def _is_hash(pih: str, document_hash: str) -> bool:
    """Compare a PIH with a hash: base64 of the bytes, or of their hexadecimal text as some clients write it."""
    digest = decode_base64(document_hash)
    if digest is None:
        return False
    return pih.strip() in (document_hash, base64.b64encode(digest.hex().encode()).decode())
