"""Advice on what identifies a document: its number, UUID, counter, transaction code, and what it refers to.

Source: the document standard, sections 1.2, 2 and 4; Saudi rule specification, sections 3 and 9 (BR-KSA-03, 33).
"""

import re
from collections.abc import Iterator
from typing import Final

from khatm.rules.advice.facts import LINE, REFERENCE, TYPE, advise, flagged, is_note, text, transaction_code
from khatm.rules.edition import ONLY_348
from khatm.rules.ksa.facts import REFERENCE as ADDITIONAL
from khatm.rules.ksa.facts import names
from khatm.rules.patterns import is_word
from khatm.rules.reading import NONE, Node, Nodes, Reading

_UUID: Final = "cbc:UUID"
_uuid = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}").fullmatch
_counter = re.compile("[1-9][0-9]*").fullmatch
_digits = re.compile("[0-9]+").fullmatch
_kind = re.compile("0[12][0-9]{5}").search
_standard = re.compile("01[0-9]{5}").search
_bare = re.compile("0[12][01]{5}0{1,2}").fullmatch


def _uuids(reading: Reading) -> Nodes:
    """Of the document's own UUID the official rule looks at the first character, of a prepayment's at nothing."""
    nodes = [node for node in reading.root.all(_UUID) if node.text[:1] in ".-" or is_word(node.text[0])]
    nodes += reading.root.path(LINE, REFERENCE, _UUID)
    return [node for node in nodes if node.text and not _uuid(node.text.strip())]


def _counters(reading: Reading) -> Iterator[Node]:
    for node in reading.root.path(ADDITIONAL, _UUID):
        value = node.text.strip()
        if _digits(value) and not _counter(value):
            yield node


def _counter_elsewhere(reading: Reading) -> Iterator[Node]:
    """The official rule is content with a reference ICV and a UUID in any reference; two UUIDs break it off."""
    references = reading.root.all(ADDITIONAL)
    holders = [each for each in references if each.has(_UUID)]
    called = [each for each in references if text(each.all("cbc:ID")) == "ICV"]
    if len(holders) == 1 and called and holders[0] not in called:
        yield holders[0]


def _number(reading: Reading) -> Nodes:
    return [node for node in reading.root.all("cbc:ID") if node.text.strip() and not node.text.strip().isprintable()]


def _own_number(reading: Reading) -> Nodes:
    number = text(reading.root.all("cbc:ID"))
    if not number or not is_note(reading):
        return NONE
    nodes = reading.root.path("cac:BillingReference", "cac:InvoiceDocumentReference", "cbc:ID")
    return [node for node in nodes if text([node]) == number]


def _long_code(reading: Reading) -> Nodes:
    """Without flag 8 or 9 the other two digits say nothing, and edition 3.3.3 refuses them."""
    return reading.root.all(TYPE)[:1] if _bare(transaction_code(reading)) else NONE


def _mixed_code(reading: Reading) -> Nodes:
    code = transaction_code(reading)
    return reading.root.all(TYPE)[:1] if code.startswith("02") and _standard(code) else NONE


def _kind_elsewhere(reading: Reading) -> Nodes:
    """The official rules look for a transaction code in every `name` attribute of the document."""
    if sum(1 for value in names(reading) if _kind(value)) < 2:
        return NONE
    codes = reading.root.all(TYPE)
    return [
        node
        for node in reading.everything()
        if _kind(node.attribute("name") or "") and not (codes and node is codes[0])
    ]


def _not_said(reading: Reading) -> Nodes:
    return reading.root.all(TYPE)[:1] if flagged(reading, 7) and not text(reading.root.all("cbc:Note")) else NONE


SITES = (
    advise("UUID", _uuids),
    advise("COUNTER", _counters),
    advise("COUNTER-PLACE", _counter_elsewhere, "cbc:ID"),
    advise("NUMBER", _number),
    advise("OWN-NUMBER", _own_number),
    advise("CODE-LENGTH", _long_code, "@name", editions=ONLY_348),
    advise("CODE-MIXED", _mixed_code, "@name"),
    advise("CODE-ELSEWHERE", _kind_elsewhere, "@name"),
    advise("SELF-BILLED", _not_said, "@name"),
)
