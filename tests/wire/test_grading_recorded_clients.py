"""What eleven real clients sent, graded: each fails exactly where client behaviour, section 8, says that it errs.

Graded in the sandbox, which knows no certificate of the recorder's but does not ask for one either; nothing is
provoked, since a recording cannot react.
"""

from pathlib import Path

import pytest

from khatm.environment import Environment
from khatm.simulator.embedded import EmbeddedSimulator
from tests.wire.recorded import Recording

ONE_UUID = "fresh-uuid"
FAILED = {
    "ZatcaPython": {"stamp", "within-24-hours"},  # QR tag 9 cut; a fixed issue date of 2022
    "aashahin-zatca-sdk": set[str](),
    "dokhna": {ONE_UUID, "previous-hash"},  # one UUID for all; one chain per document kind
    "erpgulf": set[str](),
    "fatoora-rs": set[str](),
    "jaicome": {ONE_UUID, "stamp"},  # the QR's time ends otherwise than the document's
    "malik12tree-zatca": {ONE_UUID, "stamp"},  # the QR says 1.5 where the document says 1.50
    "saleh7-php-zatca-xml": set[str](),
    "zatca-tools-sdk": set[str](),
    "zatca-xml-js": {ONE_UUID, "stamp"},  # Z in the QR's time only
    # It declares another hash than its documents have, and chains by what it declares.
    "zidsa-zatca": {"hash-and-uuid", "stamp", "previous-hash", "rejected-keeps-place"},
    "zidsa-zatca-fixed": set[str](),
}
SWITCHES = ("sandbox.csr_p256=accept", "sandbox.csr_sha1=accept")


@pytest.mark.parametrize("client", list(FAILED))
def test_a_recorded_client_fails_where_it_is_known_to_err(shared_corpus: Path, client: str) -> None:
    with EmbeddedSimulator(settings=SWITCHES, grade=True, grade_cases=["none"]) as simulator:
        answers = list(Recording(shared_corpus / "wire" / client).replay(simulator, Environment.SANDBOX))
        grade = simulator.grade()
    assert len(answers) > 5
    assert {each.id for each in grade.cases("failed")} == FAILED[client]
    assert {each.id for each in grade.cases("passed")} >= {"accept-version", "known-calls", "right-endpoint"}
    assert not grade.broken
