"""From a seed and a number to a document: which original, which changes, which instant, which previous hash.

The document depends on nothing else. Each change draws from a generator of its own, so that a campaign can leave some
out to find the ones that matter.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from random import Random

from lxml import etree

from khatm.document.schema import check_structure
from khatm.document.xml import CBC
from khatm.stamp.canonical import INITIAL_PIH
from tests.differential import mutations, stamp_mutations
from tests.differential.document import Draft
from tests.differential.mutations import Mutation
from tests.differential.originals import Original, Pool

_BUSINESS: tuple[tuple[Mutation, int], ...] = (
    (mutations.change_text, 14), (mutations.change_one_kind, 18), (mutations.change_attribute, 9),
    (mutations.flip_flag, 5),
    (mutations.change_type, 3), (mutations.delete, 9), (mutations.duplicate, 4), (mutations.move, 3),
    (mutations.swap_texts, 5),
    (mutations.graft, 14), (mutations.transplant, 4), (mutations.adopt, 4), (mutations.categorise, 5),
    (mutations.change_currency, 2),
    (mutations.identify, 3), (mutations.date, 1), (mutations.split_text, 2), (mutations.empty, 1),
    (mutations.rename, 1),
)  # fmt: skip
_STAMP: tuple[tuple[Mutation, int], ...] = (
    (stamp_mutations.change_qr, 5), (stamp_mutations.break_qr, 3), (stamp_mutations.change_stamp, 5),
    (stamp_mutations.change_place, 2),
)  # fmt: skip
CAREFUL = 0.75
"""The share of cases in which a change that breaks the schema is undone: the peer looks no further after one."""
_ZONES = (UTC, UTC, timezone(timedelta(hours=3)), timezone(timedelta(hours=-11)))


@dataclass(frozen=True)
class Case:
    """A changed document and what it is judged under; `changes` tells what was done, in order."""

    seed: int
    number: int
    original: str
    changes: tuple[str, ...]
    xml: bytes
    now: datetime
    previous_hash: str


def planned(seed: int, number: int) -> int:
    """Return how many changes the case of a number gets."""
    return len(_plan(Random(f"{seed}:{number}")))


def make(seed: int, number: int, pool: Pool, keep: Sequence[int] | None = None) -> Case:
    """Return the case of a number; `keep` names the changes to make, counted from 0, all without it."""
    chance = Random(f"{seed}:{number}")
    plan = _plan(chance)
    original = _original(chance, pool)
    draft = Draft(original.xml, pool)
    careful = chance.random() < CAREFUL
    done = []
    for step, mutation in enumerate(plan):
        if keep is not None and step not in keep:
            continue
        before = deepcopy(draft.root) if careful else None
        told = mutation(Random(f"{seed}:{number}:{step}"), draft)
        if before is not None and check_structure(draft.root.getroottree()):
            draft.root = before
        elif told is not None:
            done.append(f"{mutation.__name__}: {told}")
    xml = _written(chance, draft)
    return Case(seed, number, original.name, tuple(done), xml, _instant(chance, draft), _previous(chance, draft))


def _plan(chance: Random) -> list[Mutation]:
    """Most cases change the business content, some stamp it anew, some change the stamp."""
    kind = chance.random()
    plan: list[Mutation] = []
    if kind < 0.9:
        names, weights = zip(*_BUSINESS, strict=True)
        plan = chance.choices(names, weights, k=chance.choice((1, 1, 1, 2, 2, 3, 4, 5)))
    if kind > 0.75:
        plan.append(stamp_mutations.restamp)
    if kind > 0.82:
        names, weights = zip(*_STAMP, strict=True)
        plan += chance.choices(names, weights, k=chance.choice((1, 1, 1, 2)))
    return plan


def _original(chance: Random, pool: Pool) -> Original:
    return chance.choice(pool.whole if chance.random() < 0.6 else pool.cases)


def _written(chance: Random, draft: Draft) -> bytes:
    """Write the document, sometimes in a form that only some readers take."""
    xml = draft.xml()
    roll = chance.random()
    if roll > 0.02:
        return xml
    body = etree.tostring(draft.root, encoding="UTF-8")
    forms = (
        body, b"\xef\xbb\xbf" + xml, b"<!DOCTYPE Invoice>" + body, b"<!--a-->" + body + b"<!--b-->", body + b"x",
        body.decode()[: len(body) // 3].encode(),
        b" " + xml, body.replace(b"<cbc:ID>", b"<cbc:ID>&amp;&#65;", 1), body.replace(b"<cbc:ID>",
        b"<cbc:ID>&undefined;", 1),
        body.replace(b"<cbc:ID>", b"<cbc:ID >", 3), b"<?xml version='1.1'?>" + body, body.replace(b">", b">\r\n", 4),
    )  # fmt: skip
    return chance.choice(forms)


def _instant(chance: Random, draft: Draft) -> datetime:
    """Return an instant about the issue time where it can be read, so that BR-KSA-04 and BR-KSA-98 go both ways."""
    date, time = (draft.root.findtext(f"{{{CBC}}}{name}") or "" for name in ("IssueDate", "IssueTime"))
    zone = chance.choice(_ZONES)
    hours = chance.choice((1, 1, 1, 23.99, 24, 24.01, 25, -1, -30, 4000))
    try:
        issued = datetime.fromisoformat(f"{date.strip()[:10]}T{time.strip()[:8]}").replace(tzinfo=zone)
        return issued + timedelta(hours=hours)
    except (ValueError, OverflowError):
        return datetime(2026, 6, 15, 12, tzinfo=zone)


def _previous(chance: Random, draft: Draft) -> str:
    """Return the previous hash that is expected: mostly the document's own, else that of a first document."""
    found = draft.find("//cac:AdditionalDocumentReference[cbc:ID='PIH']//cbc:EmbeddedDocumentBinaryObject")
    own = (found[0].text or "").strip() if found else ""
    return own if chance.random() < 0.7 and _is_hash(own) else INITIAL_PIH


def _is_hash(text: str) -> bool:
    """Whether a text is one of the two forms that the peer takes as the expected hash; it refuses others outright."""
    try:
        raw = base64.b64decode(text.encode(), validate=True)
    except binascii.Error:
        return False
    hexadecimal = re.fullmatch(rb"[0-9a-f]{64}", raw) is not None
    return (len(raw) == 32 or hexadecimal) and base64.b64encode(raw).decode() == text
