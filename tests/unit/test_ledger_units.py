"""Units: what is stored comes back, names are unique, unknown names are answered with the known ones."""

from pathlib import Path

import pytest

from khatm.environment import Environment
from khatm.ledger.errors import UnitExists, UnknownUnit
from tests.unit.ledger_stage import FIRST_PIH, VAT, add_unit, csr_fields, fresh_ledger, make_live

pytestmark = pytest.mark.usefixtures("either_store")


def test_a_unit_comes_back_as_it_was_added(tmp_path: Path) -> None:
    seller = {"name": "شركة المثال", "vat_number": VAT}
    with fresh_ledger(tmp_path) as ledger:
        ledger.add_unit(
            "متجر 1", Environment.PRODUCTION, csr_fields("0100"), seller, "http://127.0.0.1:8080/e-invoicing"
        )
    with fresh_ledger(tmp_path) as again:
        unit = again.unit("متجر 1")
    assert unit.environment is Environment.PRODUCTION
    assert unit.csr_fields == csr_fields("0100")
    assert (unit.vat_number, unit.type_map) == (VAT, "0100")
    assert unit.seller == seller
    assert unit.gateway_url == "http://127.0.0.1:8080/e-invoicing"
    assert (unit.next_icv, unit.last_hash) == (1, FIRST_PIH)
    assert unit.stopped_reason is None


def test_a_name_belongs_to_one_unit(tmp_path: Path) -> None:
    with fresh_ledger(tmp_path) as ledger:
        add_unit(ledger, "till-1")
        with pytest.raises(UnitExists) as refusal:
            add_unit(ledger, "till-1", Environment.SANDBOX)
        assert ledger.unit("till-1").environment is Environment.SIMULATION
    assert refusal.value.exit_code == 2


def test_an_unknown_name_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    with fresh_ledger(tmp_path) as ledger:
        add_unit(ledger, "b")
        add_unit(ledger, "a")
        assert [unit.name for unit in ledger.units()] == ["a", "b"]
        with pytest.raises(UnknownUnit) as refusal:
            ledger.unit("c")
    assert "a, b" in refusal.value.sentence("en")
    assert "a, b" in refusal.value.sentence("ar")


def test_a_stopped_unit_says_why_until_it_is_resumed_or_has_new_credentials(tmp_path: Path) -> None:
    with fresh_ledger(tmp_path) as ledger:
        add_unit(ledger)
        ledger.stop_unit("till-1", "401: revoked")
        assert ledger.unit("till-1").stopped_reason == "401: revoked"
        assert ledger.unit("till-1").stopped_at is not None
        ledger.resume_unit("till-1")
        assert ledger.unit("till-1").stopped_reason is None
        ledger.stop_unit("till-1", "401 again")
        make_live(ledger)
        assert ledger.unit("till-1").stopped_reason is None
