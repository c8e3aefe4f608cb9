"""The ICV and the PIH: their continuity, where a switch asks for it. Their form is the business rules' (BR-KSA-33, 34).

Source: gateway contract, sections 5.4, 8.2 step 6 (g) and 8.4; client behaviour, section 9, item 8.
"""

import base64
from collections.abc import Iterator
from typing import Literal

from khatm.simulator import messages
from khatm.simulator.body_checks import decode_base64
from khatm.simulator.messages import WireMessage
from khatm.simulator.outline import Outline
from khatm.simulator.received import ChainView, ReceivedFacts

Continuity = Literal["format", "warn", "strict"]


def chain_findings(
    outline: Outline | ReceivedFacts, document_hash: str, previous: ChainView | None, continuity: Continuity
) -> Iterator[WireMessage]:
    """Yield where ICV and PIH do not continue the chain; with `format` nothing is compared.

    With `warn` or `strict` the document must follow `previous`: the next ICV, and its hash as PIH. The same document
    sent again follows too. The gateway names no code for a gap in the counter, so a break of either kind is `KSA-13`.
    """
    if continuity == "format" or previous is None or document_hash == previous.document_hash:
        return
    if not (_follows(outline.counter, previous.counter) and is_hash(outline.previous_hash, previous.document_hash)):
        yield messages.chain_broken("error" if continuity == "strict" else "warning")


def _follows(counter: str, previous: int) -> bool:
    text = counter.strip()
    return text.isascii() and text.isdigit() and len(text) <= 30 and int(text) == previous + 1


def is_hash(pih: str, document_hash: str) -> bool:
    """Compare a PIH with a hash: base64 of the bytes, or of their hexadecimal text as some clients write it."""
    digest = decode_base64(document_hash)
    if digest is None:
        return False
    return pih.strip() in (document_hash, base64.b64encode(digest.hex().encode()).decode())
