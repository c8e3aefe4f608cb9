"""A client that is careful but for one mistake fails exactly the cases of this mistake."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from khatm.clock import saudi_time
from khatm.simulator.embedded import EmbeddedSimulator
from khatm.simulator.grading.cases import CASE_IDS
from khatm.simulator.grading.provocations import PLAN
from khatm.stamp.canonical import invoice_hash
from tests.csr_maker import CsrRecipe, csr_member, make_csr
from tests.wire.grading_client import SIMPLE, STANDARD, Rehearsal
from tests.wire.simulator_caller import INITIAL_PIH, SELLER, stamped

Drive = Callable[[Rehearsal], None]


@dataclass(frozen=True)
class Mistake:
    """What a client does wrong, and which other case fails with it."""

    drive: Drive
    onboarded: bool
    also: frozenset[str]


MISTAKES: dict[str, Mistake] = {}


def mistake(case: str, *also: str, onboarded: bool = True) -> Callable[[Drive], Drive]:
    """Register what fails a case."""

    def keep(drive: Drive) -> Drive:
        MISTAKES[case] = Mistake(drive, onboarded, frozenset(also))
        return drive

    return keep


@mistake("accept-version")
def version_left_out(client: Rehearsal) -> None:
    document = client.document(SIMPLE)
    assert client.send(SIMPLE, document, Accept_Version="V1") == 406


@mistake("known-calls")
def asks_for_a_status(client: Rehearsal) -> None:
    assert client.call("/invoices/status/1", {}, client.unit.pcsid, "GET") == 404


@mistake("credentials-unaltered")
def decodes_the_token(client: Rehearsal) -> None:
    assert client.unit.pcsid is not None
    inner = replace(client.unit.pcsid, secret=client.unit.pcsid.secret.rstrip("="))
    assert client.send(SIMPLE, client.document(SIMPLE), inner) == 401


@mistake("right-csid")
def reports_with_the_ccsid(client: Rehearsal) -> None:
    assert client.send(SIMPLE, client.document(SIMPLE), client.unit.ccsid) == 401


@mistake("otp-in-header", onboarded=False)
def puts_the_otp_into_the_body(client: Rehearsal) -> None:
    body = {"csr": client.unit.csr, "otp": client.unit.caller.otp()}
    assert client.call("/compliance", body, None) == 400


@mistake("otp-used-once", onboarded=False)
def uses_an_otp_twice(client: Rehearsal) -> None:
    otp = client.unit.caller.otp()
    assert [client.ask_ccsid(otp), client.ask_ccsid(otp)] == [200, 400]


@mistake("csr-template", onboarded=False)
def takes_productions_template(client: Rehearsal) -> None:
    csr = csr_member(make_csr(CsrRecipe().for_unit("production", SELLER, "1100"), client.unit.key))
    assert client.call("/compliance", {"csr": csr}, None, OTP=client.unit.caller.otp()) == 200


@mistake("ccsid-answer-lost", onboarded=False)
def takes_another_otp(client: Rehearsal) -> None:
    assert client.ask_ccsid(client.unit.caller.otp()) is None
    assert client.ask_ccsid(client.unit.caller.otp()) == 200


@mistake("check-answer-lost", onboarded=False)
def leaves_the_lost_step_out(client: Rehearsal) -> None:
    client.begin()
    assert client.all_checks() == [None, *[200] * 5]
    assert client.ask_pcsid() == 200


@mistake("step-done-before", onboarded=False)
def repeats_what_is_done(client: Rehearsal) -> None:
    client.begin()
    assert [client.check(STANDARD) for _ in range(3)] == [200, 406, 406]


@mistake("steps-before-pcsid", onboarded=False)
def asks_too_early(client: Rehearsal) -> None:
    client.begin()
    assert client.ask_pcsid() == 400


@mistake("missing-steps", onboarded=False)
def asks_in_a_loop(client: Rehearsal) -> None:
    client.begin()
    client.all_checks()
    assert [client.ask_pcsid(), client.ask_pcsid()] == [400, 200]


@mistake("request-id", onboarded=False)
def sends_another_request_id(client: Rehearsal) -> None:
    client.begin()
    client.all_checks()
    assert client.ask_pcsid(request_id=1234567890123) == 400


@mistake("pcsid-answer-lost", onboarded=False)
def onboards_anew(client: Rehearsal) -> None:
    client.begin()
    client.all_checks()
    assert client.ask_pcsid() is None
    client.begin()


@mistake("hash-and-uuid")
def sends_another_hash(client: Rehearsal) -> None:
    document = client.document(SIMPLE)
    other = client.document(SIMPLE)
    assert client.send(SIMPLE, replace(document, invoice_hash=other.invoice_hash)) == 400
    assert client.send(SIMPLE, other) == 200


@mistake("stamp")
def stamps_with_another_key(client: Rehearsal) -> None:
    assert client.unit.pcsid is not None
    at = saudi_time(client.simulator.clock.now())
    key = ec.generate_private_key(ec.SECP256K1())
    document = stamped(client.document(SIMPLE), key, client.unit.pcsid, at, foreign=True)
    assert client.send(SIMPLE, document) == 400


@mistake("right-endpoint")
def reports_a_standard_document(client: Rehearsal) -> None:
    assert client.send(SIMPLE, client.document(STANDARD)) == 400


@mistake("clearance-status")
def says_that_clearance_is_off(client: Rehearsal) -> None:
    assert client.send(STANDARD, client.document(STANDARD), Clearance_Status="0") == 200


@mistake("fresh-uuid")
def gives_one_uuid_to_two(client: Rehearsal) -> None:
    first, second = client.document(STANDARD), client.document(STANDARD)
    xml = second.xml.replace(second.uuid.encode(), first.uuid.encode())
    assert client.send(STANDARD, first) == 200
    assert client.send(STANDARD, replace(second, xml=xml, uuid=first.uuid, invoice_hash=invoice_hash(xml))) == 200


@mistake("counter")
def loses_a_document(client: Rehearsal) -> None:
    client.submit(SIMPLE)
    client.document(SIMPLE)
    client.submit(SIMPLE)


@mistake("previous-hash")
def points_to_itself_always(client: Rehearsal) -> None:
    before = client.unit.last_hash
    client.submit(SIMPLE)
    client.unit.last_hash = before
    client.submit(SIMPLE)


@mistake("within-24-hours")
def reports_a_day_late(client: Rehearsal) -> None:
    assert client.send(SIMPLE, client.document(SIMPLE, age=timedelta(hours=25))) == 202


@mistake("report-lost-before")
def forgets_what_was_lost(client: Rehearsal) -> None:
    assert [client.submit(SIMPLE)[1] for _ in range(3)] == [None, 200, 200]


@mistake("report-answer-lost")
def issues_anew_what_was_lost(client: Rehearsal) -> None:
    assert client.submit(SIMPLE, number=1)[1] is None
    assert client.submit(SIMPLE, number=1)[1] == 200


@mistake("already-reported")
def takes_409_for_a_failure(client: Rehearsal) -> None:
    document, status = client.submit(SIMPLE)
    assert [status, client.send(SIMPLE, document), client.send(SIMPLE, document)] == [200, 409, 409]


@mistake("too-many-requests")
def waits_too_short(client: Rehearsal) -> None:
    document, status = client.submit(SIMPLE)
    client.wait(1)
    assert [status, client.send(SIMPLE, document)] == [429, 200]


@mistake("server-error")
def hammers(client: Rehearsal) -> None:
    document, status = client.submit(SIMPLE)
    assert [status, client.send(SIMPLE, document)] == [500, 200]


@mistake("unavailable")
def waits_once_only(client: Rehearsal) -> None:
    document, status = client.submit(SIMPLE)
    client.wait(2)
    assert [status, client.send(SIMPLE, document), client.send(SIMPLE, document)] == [503, 503, 200]


@mistake("answer-cut-off")
def takes_half_an_answer_for_success(client: Rehearsal) -> None:
    assert [client.submit(SIMPLE)[1] for _ in range(2)] == [200, 200]


@mistake("warnings")
def takes_202_for_a_failure(client: Rehearsal) -> None:
    document, status = client.submit(SIMPLE)
    assert [status, client.send(SIMPLE, document)] == [202, 409]


@mistake("report-rejected")
def sends_the_rejected_one_again(client: Rehearsal) -> None:
    document, status = client.submit(SIMPLE)
    assert [status, client.send(SIMPLE, document)] == [400, 200]


@mistake("rejected-keeps-place", "counter")
def takes_the_counter_back(client: Rehearsal) -> None:
    client.submit(STANDARD)
    before = client.unit.counter, client.unit.last_hash
    client.simulator.arm_faults({"endpoint": "reporting", "then": {"reject": "BR-KSA-15"}})
    assert client.submit(SIMPLE)[1] == 400
    client.unit.counter, client.unit.last_hash = before
    assert client.submit(SIMPLE)[1] == 200


@mistake("clearance-answer-lost")
def issues_anew_what_was_cleared(client: Rehearsal) -> None:
    assert client.submit(STANDARD, number=1)[1] is None
    assert client.submit(STANDARD, number=1)[1] == 200


@mistake("already-cleared")
def takes_208_for_a_failure(client: Rehearsal) -> None:
    document, status = client.submit(STANDARD)
    assert [status, client.send(STANDARD, document)] == [200, 208]
    assert client.submit(STANDARD, number=1)[1] == 200
    assert client.send(STANDARD, document) == 208


@mistake("gateway-timeout")
def stamps_again(client: Rehearsal) -> None:
    document, status = client.submit(STANDARD)
    client.wait(2)
    assert [status, client.send(STANDARD, client.stamped_again(document))] == [504, 208]


@mistake("clearance-off")
def clears_again(client: Rehearsal) -> None:
    document, status = client.submit(STANDARD)
    assert [status, client.send(STANDARD, document)] == [303, 200]


@mistake("clearance-rejected")
def clears_the_rejected_one_again(client: Rehearsal) -> None:
    document, status = client.submit(STANDARD)
    assert [status, client.send(STANDARD, document)] == [400, 200]


@mistake("unauthorized")
def goes_on_after_401(client: Rehearsal) -> None:
    assert [client.submit(SIMPLE)[1] for _ in range(4)] == [401, 200, 200, 200]


@mistake("renewal-answer-lost")
def takes_another_otp_to_renew(client: Rehearsal) -> None:
    assert client.renew() is None
    assert client.renew() is not None


@mistake("renewal-steps")
def renews_again(client: Rehearsal) -> None:
    assert client.renew() is not None
    assert client.renew() is not None


@mistake("renewal-switch")
def keeps_the_old_pcsid(client: Rehearsal) -> None:
    old = client.unit.pcsid
    new = client.renew()
    client.all_checks(new)
    assert client.ask_pcsid(new) == 200
    client.unit.pcsid = old
    assert [client.submit(SIMPLE)[1] for _ in range(2)] == [401, 401]


@pytest.fixture(scope="module")
def simulator() -> Iterator[EmbeddedSimulator]:
    with EmbeddedSimulator(grade=True) as running:
        yield running


@pytest.mark.parametrize("case", list(MISTAKES))
def test_a_mistake_fails_its_case_and_no_other(simulator: EmbeddedSimulator, case: str) -> None:
    made = MISTAKES[case]
    provoked = {each.case for each in PLAN} & {case}
    with Rehearsal.open(simulator, *(provoked or {"none"}), onboarded=made.onboarded) as client:
        made.drive(client)
        assert client.failed() == {case} | made.also
        grade = client.grade()
        assert not grade.broken
        assert grade.exit_code == 1
        assert grade.marks[case].evidence


def test_there_is_a_mistake_for_every_case() -> None:
    assert sorted(MISTAKES) == sorted(CASE_IDS)


def test_what_is_right_although_it_looks_odd_fails_nothing(simulator: EmbeddedSimulator) -> None:
    with Rehearsal.open(simulator, "none") as client:
        # A client that numbers all its documents alike, and clears out of the order of its chain.
        early, late = client.document(STANDARD, number=7), client.document(SIMPLE, number=7)
        assert [client.send(SIMPLE, late), client.send(STANDARD, early)] == [200, 200]
        document, _ = client.submit(SIMPLE, number=7)
        assert client.send(SIMPLE, document) == 409
        assert client.submit(SIMPLE, number=7)[1] == 200
        # A chain that begins again under the renewed PCSID, and one try with the old one.
        old, new = client.unit.pcsid, client.renew()
        client.all_checks(new)
        assert client.ask_pcsid(new) == 200
        assert client.send(SIMPLE, late, old) == 401
        client.unit.counter, client.unit.last_hash = 0, INITIAL_PIH
        assert client.submit(SIMPLE)[1] == 200
        assert client.submit(SIMPLE)[1] == 200
        assert client.failed() == set()
        assert client.grade().marks["already-reported"].state == "passed"
        assert client.grade().marks["renewal-switch"].state == "passed"
        assert client.grade().exit_code == 0


@pytest.mark.parametrize("goes_on", [True, False])
def test_another_till_of_the_taxpayer_is_not_taken_for_a_new_beginning(
    simulator: EmbeddedSimulator, goes_on: bool
) -> None:
    with Rehearsal.open(simulator, "ccsid-answer-lost", onboarded=False) as client:
        otp = client.unit.caller.otp()
        assert client.ask_ccsid(otp) is None
        recipe = CsrRecipe().for_unit("simulation", SELLER, "1100")
        other = replace(recipe, unit=recipe.unit | {"SN": "1-KHATM|2-POS|3-0002"})
        body = {"csr": csr_member(make_csr(other))}
        assert client.call("/compliance", body, None, OTP=client.unit.caller.otp()) == 200
        assert client.failed() == {"ccsid-answer-lost"}, "as it stands, the first till was given up for a second"
        if goes_on:
            assert client.ask_ccsid(otp) == 200
        assert client.failed() == (set() if goes_on else {"ccsid-answer-lost"})


def test_a_renewal_that_is_left_in_the_middle_has_failed(simulator: EmbeddedSimulator) -> None:
    with Rehearsal.open(simulator, "none") as client:
        assert client.renew() is not None
        assert client.grade().marks["renewal-steps"].state == "undecided"
        assert client.submit(SIMPLE)[1] == 200, "the old PCSID lives until the switch"
        assert client.grade().marks["renewal-steps"].finding == "steps_unfinished"


def test_a_provocation_comes_once_and_to_new_documents_only(simulator: EmbeddedSimulator) -> None:
    with Rehearsal.open(simulator, "server-error", "report-rejected") as client:
        document, status = client.submit(SIMPLE)
        client.wait(2)
        assert [status, client.send(SIMPLE, document)] == [500, 200]
        assert [client.send(SIMPLE, document), client.submit(SIMPLE)[1]] == [409, 400]
        assert [client.submit(SIMPLE)[1] for _ in range(3)] == [200, 200, 200]
        assert client.failed() == set()


def test_the_next_provocation_waits_for_the_one_before(simulator: EmbeddedSimulator) -> None:
    with Rehearsal.open(simulator, "report-lost-before", "report-answer-lost") as client:
        first, status = client.submit(SIMPLE)
        assert (status, client.submit(SIMPLE)[1]) == (None, 200), "one other document may pass before"
        second, status = client.submit(SIMPLE)
        assert status is None
        assert [client.send(SIMPLE, second), client.send(SIMPLE, first)] == [409, 200]
        assert client.failed() == set()


def test_a_fault_of_a_script_comes_before_the_graders(simulator: EmbeddedSimulator) -> None:
    with Rehearsal.open(simulator, "server-error") as client:
        simulator.arm_faults({"endpoint": "reporting", "then": {"status": 502}})
        document, status = client.submit(SIMPLE)
        assert [status, client.send(SIMPLE, document), client.submit(SIMPLE)[1]] == [502, 200, 500]


def test_what_is_open_is_undecided_until_something_follows(simulator: EmbeddedSimulator) -> None:
    with Rehearsal.open(simulator, "report-answer-lost") as client:
        assert client.submit(SIMPLE)[1] is None
        mark = client.grade().marks["report-answer-lost"]
        assert (mark.state, mark.finding, client.grade().exit_code) == ("undecided", "nothing_came", 3)
        client.submit(SIMPLE)
        assert client.simulator.fatoora.grader is not None
        assert client.simulator.fatoora.grader.grade().marks["report-answer-lost"].state == "undecided"
        mark = client.grade().marks["report-answer-lost"]
        assert (mark.state, mark.finding, client.grade().exit_code) == ("failed", "never_again", 1)


def test_a_grader_that_fails_says_so(simulator: EmbeddedSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    with Rehearsal.open(simulator, "none") as client:
        assert client.submit(SIMPLE)[1] == 200

        def fails(*_: object) -> None:
            raise RuntimeError("a fault of ours")

        monkeypatch.setattr("khatm.simulator.grading.grader.sighting_of", fails)
        assert client.submit(SIMPLE)[1] == 200, "the client does not notice"
        assert (client.grade().broken, client.grade().exit_code) == (True, 3)
