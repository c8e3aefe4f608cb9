"""Continuity of ICV and PIH, which is looked at only where a switch asks for it."""

import base64
import hashlib

import pytest

from khatm.document.walk import walk
from khatm.document.xml import parse
from khatm.simulator.chain_checks import Continuity, chain_findings
from khatm.simulator.outline import read_outline
from khatm.simulator.received import ChainView

BEFORE = base64.b64encode(hashlib.sha256(b"the document before").digest()).decode()
BEFORE_IN_HEX = base64.b64encode(hashlib.sha256(b"the document before").hexdigest().encode()).decode()
OTHER = base64.b64encode(hashlib.sha256(b"another document").digest()).decode()
THIS = base64.b64encode(hashlib.sha256(b"this document").digest()).decode()


def findings(
    counter: str, pih: str, continuity: Continuity, previous: ChainView | None
) -> list[tuple[str | None, ...]]:
    xml = f"""<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
     xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
     xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
    <cac:AdditionalDocumentReference><cbc:ID>ICV</cbc:ID><cbc:UUID>{counter}</cbc:UUID></cac:AdditionalDocumentReference>
    <cac:AdditionalDocumentReference><cbc:ID>PIH</cbc:ID><cac:Attachment>
      <cbc:EmbeddedDocumentBinaryObject mimeCode="text/plain">{pih}</cbc:EmbeddedDocumentBinaryObject>
    </cac:Attachment></cac:AdditionalDocumentReference></Invoice>"""
    found = chain_findings(read_outline(walk(parse(xml.encode()))), THIS, previous, continuity)
    return [(message.type, message.code, message.category, message.message) for message in found]


BREAKS = [("8", OTHER), ("9", BEFORE), ("7", BEFORE), ("6", BEFORE), ("8", "no hash at all"), ("8" * 5000, BEFORE)]


@pytest.mark.parametrize(("counter", "pih"), BREAKS)
def test_break_is_named_as_the_kit_names_it(counter: str, pih: str) -> None:
    previous = ChainView(7, BEFORE)
    assert findings(counter, pih, "format", previous) == []
    assert findings(counter, pih, "warn", previous) == [("WARNING", "KSA-13", "PIH", "PIH is inValid")]
    assert findings(counter, pih, "strict", previous) == [("ERROR", "KSA-13", "PIH", "PIH is inValid")]


@pytest.mark.parametrize("pih", [BEFORE, BEFORE_IN_HEX, f"\n{BEFORE} "])
def test_next_document_follows_in_either_form_of_the_hash(pih: str) -> None:
    assert findings("8", pih, "strict", ChainView(7, BEFORE)) == []


def test_first_document_of_a_unit_follows_whatever_it_says() -> None:
    assert findings("41", OTHER, "strict", None) == []


def test_same_document_sent_again_follows_itself() -> None:
    assert findings("7", OTHER, "strict", ChainView(7, THIS)) == []


def test_form_alone_is_the_business_rules() -> None:
    assert findings("seven", BEFORE, "format", ChainView(7, BEFORE)) == []
    assert findings("seven", BEFORE, "strict", None) == []
