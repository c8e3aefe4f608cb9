"""The strict parser on the integrity corpus: what is refused as input and what is read."""

import json
from pathlib import Path

from khatm.document.errors import UnreadableXml
from khatm.document.xml import parse_strictly


def test_input_verdicts_of_the_integrity_corpus(shared_corpus: Path) -> None:
    folder = shared_corpus / "rules" / "integrity"
    cases = json.loads((folder / "expected.json").read_text("utf-8"))["cases"]
    wrong = []
    for name, case in cases.items():
        try:
            parse_strictly((folder / "docs" / f"{name}.xml").read_bytes())
            refused = ""
        except UnreadableXml as refusal:
            refused = refusal.reason
        if bool(refused) != ("input" in case["recommended"]):
            wrong.append((name, case["recommended"], refused))
    assert len(cases) == 199
    assert wrong == []
