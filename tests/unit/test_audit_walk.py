"""Random chains with random damage: pieces see what the whole sees, and one flipped bit is always found."""

import base64
import hashlib
import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache
from random import Random

from benchmarks.filled_ledger import FIRST_DAY, Shape, content, shapes
from benchmarks.invoices import new_identity
from benchmarks.khatm_side import signer_of
from hypothesis import example, given, settings
from hypothesis import strategies as st

from khatm.ledger.audit.examination import examine
from khatm.ledger.audit.record import Record, StampKey
from khatm.ledger.audit.walk import Examinable, Walked, join, walk
from khatm.ledger.documents import reporting_deadline
from khatm.ledger.issue import ChainPlace
from khatm.ledger.schema import moment_text
from khatm.stamp.signers import Signer
from khatm.stamp.xades import stamp
from tests.unit.ledger_stage import FIRST_PIH

LONGEST = 12


@cache
def signer() -> Signer:
    return signer_of(new_identity())


def keys() -> dict[str, StampKey]:
    return {"G1": StampKey("G1", signer().certificate)}


@cache
def chain() -> tuple[Examinable, ...]:
    """A chain of all shapes, and of documents whose words make the quick way give up."""
    awkward = content("simplified", "invoice", 1)
    awkward["lines"][0]["name"] = "QR Signature UBLExtensions \r & < > \" '"
    kinds = [*shapes(), Shape(awkward)]
    rng, previous = Random(4), FIRST_PIH
    documents: list[Examinable] = []
    for icv in range(1, LONGEST + 1):
        uuid = f"00000000-0000-4000-8000-{icv:012d}"
        moment = FIRST_DAY + timedelta(minutes=icv)
        invoice = kinds[-1 if icv % 4 == 0 else rng.randrange(len(kinds))].at(
            ChainPlace(uuid, icv, previous), f"BM-{icv}", moment
        )
        xml = stamp(invoice, signer(), moment).xml
        canonical = invoice.head + invoice.body + invoice.tail
        invoice_hash = base64.b64encode(hashlib.sha256(canonical).digest()).decode()
        facts = invoice.facts
        deadline = moment_text(reporting_deadline(facts.issue_date, facts.issue_time, moment))
        record = Record(
            icv=icv,
            uuid=uuid,
            invoice_hash=invoice_hash,
            previous_hash=previous,
            profile="simplified" if facts.simplified else "standard",
            type_code=facts.type_code,
            transaction_code=facts.transaction_code,
            issue_date=facts.issue_date,
            issue_time=facts.issue_time,
            payable=facts.payable,
            vat_total=facts.vat_total,
            deadline=deadline if facts.simplified else None,
            generation="G1",
        )
        documents.append((record, xml, None if facts.simplified else xml))
        previous = invoice_hash
    return tuple(documents)


def walked_in_pieces(archive: Sequence[Examinable], last: int, cuts: list[int]) -> list[Walked]:
    """Walk each piece alone, as several processes do, and check the seams afterwards."""
    edges = [1, *sorted(set(cuts)), last + 1]
    pieces = [
        walk(
            [each for each in archive if first <= each[0].icv < end],
            first,
            end - 1,
            keys(),
            FIRST_PIH if first == 1 else None,
        )
        for first, end in itertools.pairwise(edges)
        if first < end
    ]
    for before, after in itertools.pairwise(pieces):
        join(before, after)
    return pieces


Damage = Callable[[Examinable], Examinable | None]

DAMAGES: dict[str, Damage] = {
    "counter": lambda each: None,
    "bytes": lambda each: (each[0], None, each[2]),
    "unreadable": lambda each: (each[0], (each[1] or b"")[:-1], each[2]),
    "hash-in-row": lambda each: (replace(each[0], invoice_hash=FIRST_PIH[:44]), each[1], None),
    "previous-hash": lambda each: (replace(each[0], previous_hash=FIRST_PIH[:44]), each[1], each[2]),
    "embedded-uuid": lambda each: (replace(each[0], uuid="x"), each[1], each[2]),
    "row": lambda each: (replace(each[0], payable="0.01"), each[1], each[2]),
    "cleared-copy": lambda each: (each[0], each[1], chain()[(each[0].icv % LONGEST)][1]),
    "certificate": lambda each: (replace(each[0], generation="G2"), each[1], each[2]),
}


@settings(max_examples=120, deadline=None)
@example(length=3, damages={1: "counter", 2: "counter"}, cuts=[])
@example(length=3, damages={1: "counter", 2: "counter"}, cuts=[2])
@given(
    length=st.integers(1, LONGEST),
    damages=st.dictionaries(st.integers(1, LONGEST), st.sampled_from(sorted(DAMAGES)), max_size=3),
    cuts=st.lists(st.integers(2, LONGEST), max_size=4),
)
def test_damage_is_named_at_its_place_whatever_the_pieces(
    length: int, damages: dict[int, str], cuts: list[int]
) -> None:
    damages = {icv: name for icv, name in damages.items() if icv <= length}
    if damages.get(length) == "counter":
        del damages[length]  # what is missing at the end is the head's to tell
    archive = []
    for each in chain()[:length]:
        damaged = DAMAGES[damages[each[0].icv]](each) if each[0].icv in damages else each
        if damaged is not None:
            archive.append(damaged)
    whole = walk(archive, 1, length, keys(), FIRST_PIH)
    # Documents that are missing side by side are one gap, named at its beginning.
    named = {
        icv: name
        for icv, name in damages.items()
        if not (name == "counter" and icv > 1 and damages.get(icv - 1) == "counter")
    }
    assert {(each.icv, each.check) for each in whole.breaks} == set(named.items())
    pieces = walked_in_pieces(archive, length, [cut for cut in cuts if cut <= length])
    in_pieces = [found for piece in pieces for found in piece.breaks]
    assert [(each.icv, each.check, each.expected) for each in in_pieces if each.check != "counter"] == [
        (each.icv, each.check, each.expected) for each in whole.breaks if each.check != "counter"
    ]
    assert set(named) <= {each.icv for each in in_pieces} <= set(damages)
    assert sum(piece.documents for piece in pieces) == whole.documents == len(archive)
    if not damages:
        assert pieces[-1].last_hash == whole.last_hash == chain()[length - 1][0].invoice_hash


@settings(max_examples=400, deadline=None)
@given(icv=st.integers(1, LONGEST), place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_one_flipped_bit_anywhere_in_a_document_is_found(icv: int, place: float, bit: int) -> None:
    record, xml, cleared = chain()[icv - 1]
    assert xml is not None
    at = int(place * len(xml))
    flipped = xml[:at] + bytes([xml[at] ^ (1 << bit)]) + xml[at + 1 :]
    found = examine(record, flipped, cleared, keys()["G1"], None).broken
    assert found is not None
    assert found.icv == icv
    assert found.check in ("hash", "unreadable", "stamp", "certificate")


def test_every_part_of_one_document_is_guarded() -> None:
    """Letters change their case, and digits and signs become others, at every seventh byte of one document."""
    record, xml, cleared = chain()[0]
    assert xml is not None
    silent = [
        at
        for at in range(0, len(xml), 7)
        if examine(record, xml[:at] + bytes([xml[at] ^ 0x20]) + xml[at + 1 :], cleared, keys()["G1"], None).broken
        is None
    ]
    assert silent == []
