"""The authored documents of the corpus: every computed number, and the document written from them."""

import json
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from khatm.document.arithmetic import compute
from khatm.document.model import read_document
from khatm.document.schema import check_structure
from khatm.document.writer import ChainPlace, unstamped_xml, write
from khatm.document.xml import parse

DATA = Path(__file__).parents[1] / "data"
AUTHORED = sorted((DATA / "authored").glob("*.json"))
RANDOM = sorted((DATA / "authored_random").glob("*.json"))
PLACE = ChainPlace(
    "5d2c0f3a-7f0b-4a53-9a55-0c3a0e4f1a01",
    7,
    "NWZlY2ViNjZmZmM4NmYzOGQ5NTI3ODZjNmQ2OTZjNzljMmRiYzIzOWRkNGU5MWI0NjcyOWQ3M2EyN2ZiNTdlOQ==",
)


def load(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return content


def test_the_corpus_is_complete() -> None:
    assert (len(AUTHORED), len(RANDOM)) == (16, 200)


@pytest.mark.parametrize("path", AUTHORED + RANDOM, ids=lambda path: path.stem)
def test_every_number_is_the_expected_one(path: Path) -> None:
    case = load(path)
    assert compute(read_document(json.dumps(case["input"]))).as_expected() == case["expected"]


@pytest.mark.parametrize("path", AUTHORED + RANDOM, ids=lambda path: path.stem)
def test_the_written_bytes_are_canonical_and_valid(path: Path) -> None:
    invoice = write(compute(read_document(load(path)["input"])), PLACE)
    canonical = invoice.head + invoice.body + invoice.tail
    tree = parse(canonical)
    assert etree.tostring(tree, method="c14n", with_comments=False) == canonical
    assert etree.tostring(parse(unstamped_xml(invoice)), method="c14n", with_comments=False) == canonical
    assert check_structure(tree) == []
    assert invoice.head.endswith(b">") and invoice.tail.startswith(b"<cac:AccountingSupplierParty>")
