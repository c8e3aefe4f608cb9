"""The journal of calls: written before, answered after, open when the answer was never stored, free of secrets."""

from pathlib import Path

import pytest

from khatm.ledger.redaction import REDACTED, without_secrets
from tests.unit.ledger_stage import add_unit, fresh_ledger, prepared

pytestmark = pytest.mark.usefixtures("either_store")


def test_a_call_is_open_until_it_is_answered(tmp_path: Path) -> None:
    with fresh_ledger(tmp_path) as ledger:
        unit = add_unit(ledger)
        generation = prepared(ledger)
        first = ledger.journal_intent(generation, "compliance_csid", {"attempt": 1})
        second = ledger.journal_intent(unit, "renewal")
        ledger.journal_answer(second, {"http_status": 401})
    # A process that died between the two leaves exactly this behind.
    with fresh_ledger(tmp_path) as ledger:
        assert [(intent.id, intent.call, intent.facts) for intent in ledger.open_intents("till-1")] == [
            (first, "compliance_csid", {"attempt": 1})
        ]
        ledger.journal_answer(first, {"http_status": 200})
        assert ledger.open_intents("till-1") == []
        assert [(intent.call, intent.answer) for intent in ledger.calls(unit)] == [
            ("compliance_csid", {"http_status": 200}),
            ("renewal", {"http_status": 401}),
        ]
        assert [intent.generation_id for intent in ledger.calls(unit)] == [generation.id, None]


def test_secrets_among_the_facts_are_blanked_and_the_rest_is_kept() -> None:
    facts = {
        "OTP": "123456",
        "headers": [["Authorization", "Basic abc"], ["Accept", "application/json"]],
        "answer": '{"requestID":1,"secret":"abc","nested":{"Secret":"d"}}',
        "html": "<html>secret</html>",
        "status": 200,
        "absent": {"secret": None},
        "bytes": b"plain",
    }
    kept = without_secrets(facts)
    assert kept == {
        "OTP": REDACTED,
        "headers": [["Authorization", REDACTED], ["Accept", "application/json"]],
        "answer": f'{{"requestID": 1, "secret": "{REDACTED}", "nested": {{"Secret": "{REDACTED}"}}}}',
        "html": "<html>secret</html>",
        "status": 200,
        "absent": {"secret": None},
        "bytes": "plain",
    }


def test_a_body_without_secrets_stays_byte_for_byte() -> None:
    body = '{"code" : "Missing-ComplianceSteps","message":"… [standard-compliant]"}'
    assert without_secrets({"body": body}) == {"body": body}
