"""Random authored documents: every sum rule holds exactly in the written XML, which is canonical, valid and readable.

`KHATM_RANDOM_DOCUMENTS=10000` runs the full number.
"""

import json
import os
from copy import deepcopy
from random import Random

from lxml import etree

from khatm.document.arithmetic import compute
from khatm.document.codes import exemption_term
from khatm.document.computed import ComputedDocument
from khatm.document.errors import InvalidDocument
from khatm.document.model import read_document
from khatm.document.reader import read_invoice
from khatm.document.schema import check_structure
from khatm.document.writer import ChainPlace, write
from khatm.document.xml import parse
from tests.authoring import Json, random_document
from tests.sum_rules import broken_sum_rules

NUMBER = int(os.environ.get("KHATM_RANDOM_DOCUMENTS", "300"))
HASH = "NWZlY2ViNjZmZmM4NmYzOGQ5NTI3ODZjNmQ2OTZjNzljMmRiYzIzOWRkNGU5MWI0NjcyOWQ3M2EyN2ZiNTdlOQ=="


def test_random_documents_keep_every_sum_rule() -> None:
    wrong: list[str] = []
    features: set[str] = set()
    for seed in range(NUMBER):
        authored = random_document(Random(seed))
        computed = compute(read_document(json.dumps(authored)))
        place = ChainPlace(authored["uuid"], authored["counter"], authored["previous_hash"] or HASH)
        invoice = write(computed, place)
        xml = invoice.head + invoice.body + invoice.tail
        tree = parse(xml)
        complaints = broken_sum_rules(xml, authored)
        if etree.tostring(tree, method="c14n", with_comments=False) != xml:
            complaints.append("not canonical")
        complaints += [str(finding) for finding in check_structure(tree)]
        complaints += unread(authored, computed, tree)
        wrong += [f"seed {seed}: {complaint}" for complaint in complaints]
        features |= features_of(authored)
    assert wrong == []
    assert features >= MIXED or NUMBER < 300


MIXED = {
    "invoice", "credit_note", "debit_note", "prepayment", "standard", "simplified", "third_party", "nominal", "export",
    "summary", "self_billed", "continuous", "b2g", "currency", "discounts", "charges", "prepayments", "round_to",
    "rounding", "attachments", "notes", "order_ref", "contract_ref", "supply", "payment", "S", "Z", "E", "O", "gross",
    "net", "per", "price_discount",
}  # fmt: skip


def features_of(authored: Json) -> set[str]:
    lines = authored["lines"]
    return {
        authored["kind"],
        authored["profile"],
        *authored["flags"],
        *authored,
        *(line["vat"]["category"] for line in lines),
        *(line.get("price_basis", "net") for line in lines),
        *(member for line in lines for member in line),
    }


def unread(authored: Json, computed: ComputedDocument, tree: etree._ElementTree) -> list[str]:
    """Return what the reader does not read back as it was authored and computed."""
    facts, expected = read_invoice(tree), computed.as_expected()
    totals = expected["totals"]
    pairs = {
        "number": (facts.number, authored["number"]),
        "uuid": (facts.uuid, authored["uuid"]),
        "icv": (facts.icv, str(authored["counter"])),
        "pih": (facts.pih, authored["previous_hash"] or HASH),
        "issue": (f"{facts.issue_date} {facts.issue_time}", f"{authored['issue_date']} {authored['issue_time']}"),
        "type": ((facts.type_code, facts.transaction_code), (expected["type_code"], expected["transaction_code"])),
        "simplified": (facts.simplified, authored["profile"] == "simplified"),
        "seller": ((facts.seller.name, facts.seller.vat), (authored["seller"]["name"], authored["seller"]["vat"])),
        "buyer": (facts.buyer.name, (authored.get("buyer") or {}).get("name")),
        "buyer vat": (facts.buyer.vat, (authored.get("buyer") or {}).get("vat")),
        "ids": (facts.buyer.ids, tuple((authored.get("buyer") or {}).get("ids", {}).items())),
        "notes": ([text for _, text in facts.notes], [note["text"] for note in authored.get("notes", [])]),
        "references": ([r.id for r in facts.references], [r["number"] for r in authored.get("references", [])]),
        "reasons": ([r for p in facts.payments for r in p.reasons], authored.get("reasons", [])),
        "contract": (facts.contract_ref, authored.get("contract_ref")),
        "order": (facts.order_ref, authored.get("order_ref")),
        "attachments": (
            [a.content for a in facts.attachments],
            [a["content"] for a in authored.get("attachments", [])],
        ),
        "rate": (facts.exchange_rate, authored.get("sar_rate")),
        "payable": (facts.totals.payable and facts.totals.payable.text, totals["payable"]),
        "vat": (facts.vat and facts.vat.text, totals["vat"]),
        "vat sar": (facts.vat_sar and facts.vat_sar.text, totals["vat_sar"]),
        "lines": (
            [(line.id, line.name, line.net and line.net.text, line.price and line.price.text) for line in facts.lines],
            [
                *(
                    (x["id"], a["name"], x["net"], x["price"])
                    for x, a in zip(expected["lines"], authored["lines"], strict=True)
                ),
                *((x["id"], "دفعة مقدمة | Prepayment", "0.00", "0.00") for x in expected["prepayment_lines"]),
            ],
        ),
        "prepayments": (
            [line.prepayment.number for line in facts.lines if line.prepayment],
            [line["number"] for line in expected["prepayment_lines"]],
        ),
        "breakdown": (
            [
                (row.category, row.rate, row.taxable and row.taxable.text, row.tax and row.tax.text)
                for row in facts.breakdown
            ],
            [(row["category"], row["rate"], row["taxable"], row["tax"]) for row in expected["vat_breakdown"]],
        ),
    }
    return [f"{name}: read {found!r}, wrote {wanted!r}" for name, (found, wanted) in pairs.items() if found != wanted]


def test_reasons_come_from_the_code_list_when_they_are_left_out() -> None:
    for seed in range(60):
        authored = random_document(Random(seed))
        for row in compute(read_document(authored)).breakdown:
            if row.reason_code not in (None, "VATEX-SA-OOS"):
                term = exemption_term(row.group.category, row.reason_code or "")  # type: ignore[arg-type]
                assert term is not None
                assert row.reason == f"{term.en} | {term.ar}"


def test_the_same_seed_gives_the_same_document() -> None:
    assert random_document(Random(7)) == random_document(Random(7))


ODD_VALUES: list[object] = [
    None, True, 0, -1, 10**30, 1.5, "", " ", "x", "0", "-1", "NaN", "1e9", "999999999999", "0.000000000000001",
    "\ud800",    [], {}, [[]], [{}], {"x": {}}, ["x"], {"vat": []}, "S", "Z", "USD", "2026-02-30", "100", "gross",
]  # fmt: skip


def test_any_damage_gives_a_document_or_problems_and_nothing_else() -> None:
    refused = 0
    for seed in range(max(NUMBER, 300)):
        rng = Random(seed)
        authored = random_document(rng)
        for _ in range(rng.choice([1, 1, 2, 4])):
            damage(rng, authored)
        try:
            computed = compute(read_document(authored))
        except InvalidDocument as refusal:
            refused += 1
            assert refusal.problems
            for problem in refusal.problems:
                assert problem.allowed and problem.sentence("ar")
            str(refusal).encode()
        else:
            xml = write(computed, ChainPlace("00000000-0000-4000-8000-000000000000", 1, HASH))
            assert check_structure(parse(xml.head + xml.body + xml.tail)) == []
    assert refused > 100


def damage(rng: Random, authored: Json) -> None:
    """Replace, add or remove one member somewhere in the document."""
    at: object = authored
    while True:
        steps = list(at) if isinstance(at, dict) else list(range(len(at))) if isinstance(at, list) else []
        if not steps:
            return
        step = rng.choice(steps)
        inner = at[step]  # type: ignore[index]
        if isinstance(inner, (dict, list)) and inner and rng.random() < 0.8:
            at = inner
            continue
        if isinstance(at, dict) and rng.random() < 0.2:
            del at[step]
        elif isinstance(at, dict) and rng.random() < 0.1:
            at["extra"] = deepcopy(rng.choice(ODD_VALUES))
        else:
            at[step] = deepcopy(rng.choice(ODD_VALUES))  # type: ignore[index]
        return
