"""Every refusal of the ledger speaks both languages, from facts alone."""

import dataclasses
from collections.abc import Iterator

import pytest

from khatm.ledger import errors, sending_errors, store_errors
from khatm.ledger.errors import LedgerError

_SAMPLES = {"str": "نموذج", "int": 7, "int | None": 7, "float": 2.5, "tuple[str, ...]": ("a", "b")}


def kinds(kind: type[LedgerError] = LedgerError) -> Iterator[type[LedgerError]]:
    for each in kind.__subclasses__():
        yield each
        yield from kinds(each)


@pytest.mark.parametrize("kind", sorted(kinds(), key=lambda kind: kind.__name__))
def test_a_refusal_builds_its_sentences_from_its_facts(kind: type[LedgerError]) -> None:
    facts = {
        field.name: _SAMPLES[field.type.__name__ if isinstance(field.type, type) else str(field.type)]
        for field in dataclasses.fields(kind)
        if not str(field.type).startswith("tuple")
    }
    facts |= {f.name: ("a", "b") for f in dataclasses.fields(kind) if str(f.type).startswith("tuple")}
    error = kind(**facts)
    english, arabic = error.sentence("en"), error.sentence("ar")
    assert english != arabic
    assert any("\u0600" <= letter <= "\u06ff" for letter in kind.ar)
    assert error.exit_code in (1, 2, 3, 70)
    assert set(error.facts()) >= set(facts)


def test_codes_are_unique() -> None:
    codes = [kind.code for kind in kinds()]
    assert len(codes) == len(set(codes))
    assert {kind.__module__ for kind in kinds()} == {errors.__name__, sending_errors.__name__, store_errors.__name__}
