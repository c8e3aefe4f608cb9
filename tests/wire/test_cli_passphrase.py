"""A wrong passphrase, a lost key file: every command that opens secrets says so, exits 2 and changes nothing."""

import json
from pathlib import Path

import pytest

from tests.unit.ledger_stage import VAT, everything_stored, fresh_ledger, home_at, prepared, ready_ledger, simplified
from tests.wire.cli_stage import EXAMPLES, Desk

RIGHT, WRONG = "صحيحة right", "hunter2 wrong"

COMMANDS: dict[str, tuple[str, ...]] = {
    "issue": ("issue", "invoice.json", "--unit", "till-1"),
    "issue --reference": ("issue", "invoice.json", "--unit", "till-1", "--reference", "r"),
    "issue --bulk": ("issue", "lines.jsonl", "--unit", "till-1", "--bulk"),
    "submit": ("submit",),
    "submit --unit": ("submit", "--unit", "till-1"),
    "unit onboard": ("unit", "onboard", "till-3", "--otp", "123456"),
    "unit renew": ("unit", "renew", "till-1", "--otp", "123456"),
}


@pytest.fixture
def desk(tmp_path: Path, either_store: str) -> Desk:
    desk = Desk(tmp_path, {"KHATM_PASSPHRASE": RIGHT, "KHATM_GATEWAY_URL": "http://127.0.0.1:1/e-invoicing"})
    with ready_ledger(desk.home, KHATM_PASSPHRASE=RIGHT) as ledger:
        seller = json.loads((EXAMPLES / "seller.json").read_text("utf-8"))
        ledger.set_seller("till-1", {**seller, "vat": VAT})
        ledger.issue("till-1", simplified)
        unit = ledger.unit("till-1")
        ledger.add_unit("till-3", unit.environment, unit.csr_fields)
        prepared(ledger, "till-3", "second")
    url = home_at(desk.home).database_url
    if url is not None:
        desk.settings["KHATM_DATABASE_URL"] = url
    content = json.loads((EXAMPLES / "simplified-invoice.json").read_text("utf-8"))
    desk.write("invoice.json", content)
    desk.write("lines.jsonl", json.dumps(content) + "\n")
    return desk


def stored(desk: Desk) -> bytes:
    with fresh_ledger(desk.home, KHATM_PASSPHRASE=RIGHT) as ledger:
        return everything_stored(ledger)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_wrong_passphrase_changes_nothing(desk: Desk, name: str) -> None:
    before = stored(desk)
    desk.settings["KHATM_PASSPHRASE"] = WRONG
    ran = desk.khatm(*COMMANDS[name])
    assert ran.code == 2, ran.said
    assert "passphrase" in ran.err
    assert WRONG not in ran.said
    assert stored(desk) == before


def test_the_right_passphrase_is_no_obstacle(desk: Desk) -> None:
    for name in ("issue", "issue --bulk", "submit --unit"):
        assert desk.khatm(*COMMANDS[name]).code == (3 if name == "submit --unit" else 0), name  # there is no gateway


@pytest.mark.parametrize("name", COMMANDS)
def test_a_missing_passphrase_changes_nothing_and_makes_no_key(desk: Desk, name: str) -> None:
    before = stored(desk)
    del desk.settings["KHATM_PASSPHRASE"]
    ran = desk.khatm(*COMMANDS[name])
    assert ran.code == 2, ran.said
    assert not (desk.home / "master.key").exists()
    assert stored(desk) == before
