"""Issue asks the official rules first: what they would refuse is not issued, what they warn of is, and is told."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from khatm.clock import SAUDI, FixedClock
from khatm.environment import Environment
from khatm.forecast import BrokenRule, WouldBeRejected
from khatm.gateway.client import Gateway
from khatm.issuing import ChainFieldGiven, Issuer
from khatm.ledger.home import Home
from khatm.ledger.ledger import Ledger, open_ledger
from khatm.onboarding.onboard import Onboarding
from khatm.simulator.embedded import EmbeddedSimulator
from tests.unit.onboarding_stage import csr_fields
from tests.wire.cli_stage import Desk, served_simulator

DATA = Path(__file__).parents[1] / "data"
AUTHORED = sorted([*(DATA / "authored").glob("*.json"), *(DATA / "authored_random").glob("*.json")])
CHAIN = ("uuid", "counter", "previous_hash")
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=SAUDI)
TAXPAYER = "399999997200003"


def authored(path: Path) -> dict[str, Any]:
    """An authoring document of the corpus; its place in the chain is the ledger's business."""
    content = json.loads(path.read_text("utf-8"))["input"]
    return {name: value for name, value in content.items() if name not in CHAIN}


def taxpayer_of(content: dict[str, Any]) -> str:
    """The VAT number of the party that issues."""
    return str(content["buyer" if "self_billed" in content.get("flags", ()) else "seller"]["vat"])


SIMPLIFIED = {
    **authored(DATA / "authored" / "07-retail-receipt-tax-inclusive.json"),
    "issue_date": "2026-03-01",
    "issue_time": "11:00:00",
}


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """A ledger with an onboarded unit for every taxpayer of the corpus, called by the VAT number."""
    home = Home(tmp_path_factory.mktemp("issuing"), environ={})
    with ExitStack() as open_things:
        simulator = open_things.enter_context(EmbeddedSimulator())
        made = open_things.enter_context(open_ledger(home, simulator.clock))
        gateway = Gateway(Environment.SIMULATION, base_url=simulator.gateway_url, clock=simulator.clock)
        open_things.callback(gateway.close)
        for number, vat_number in enumerate(sorted({taxpayer_of(authored(path)) for path in AUTHORED}), 1):
            fields = csr_fields("1100", number=number, vat_number=vat_number)
            made.add_unit(vat_number, Environment.SIMULATION, fields, None)
            otp = simulator.issue_otp(Environment.SIMULATION, vat_number)
            Onboarding(made, gateway, simulator.clock, home=home).run(vat_number, lambda _reason, otp=otp: otp)
        yield made


def issue_moment(content: dict[str, Any]) -> datetime:
    """The document's own issue date and time; without a zone they are Saudi time."""
    moment = datetime.fromisoformat(f"{content['issue_date']}T{content['issue_time']}")
    return moment if moment.tzinfo else moment.replace(tzinfo=SAUDI)


@pytest.mark.parametrize("path", AUTHORED, ids=lambda path: path.stem)
def test_every_authored_document_is_issued_at_its_own_time(ledger: Ledger, path: Path) -> None:
    content = authored(path)
    moment = issue_moment(content)
    if content["issue_time"].endswith("Z"):  # the stamp refuses a UTC issue time: the same moment on a Saudi clock
        local = moment.astimezone(SAUDI)
        content |= {"issue_date": local.date().isoformat(), "issue_time": local.time().isoformat()}
    warned: list[BrokenRule] = []
    unit = taxpayer_of(content)
    before = ledger.unit(unit).next_icv
    issued = Issuer(ledger, FixedClock(moment), on_warnings=warned.extend).issue(unit, content)
    assert (issued.document.icv, ledger.unit(unit).next_icv) == (before, before + 1)
    assert warned == []


def test_the_corpus_is_complete() -> None:
    assert len(AUTHORED) == 216


def test_a_document_of_tomorrow_is_refused_and_uses_up_no_counter(ledger: Ledger) -> None:
    # BR-KSA-04: the issue date must not lie after today, Saudi time.
    before = ledger.unit(TAXPAYER)
    issuer = Issuer(ledger, FixedClock(NOON))
    tomorrow = {**SIMPLIFIED, "issue_date": "2026-03-02"}
    for reference in (None, "order-1"):
        with pytest.raises(WouldBeRejected) as refused:
            issuer.issue(TAXPAYER, tomorrow, reference=reference)
        [finding] = refused.value.findings
        assert (finding.rule, finding.severity, finding.found) == ("BR-KSA-04", "error", "2026-03-02")
        assert finding.location == "/inv:Invoice[1]/cbc:IssueDate[1]"
        assert (refused.value.exit_code, refused.value.code) == (1, "would-be-rejected")
        for language in ("en", "ar"):
            told = refused.value.sentence(language)  # type: ignore[arg-type]
            assert all(word in told for word in ("BR-KSA-04", TAXPAYER, "ICV", "2026-03-02", finding.fix[language]))  # type: ignore[index]
    after = ledger.unit(TAXPAYER)
    assert (after.next_icv, after.last_hash) == (before.next_icv, before.last_hash)
    issued = issuer.issue(TAXPAYER, SIMPLIFIED, reference="order-1")
    assert (issued.document.icv, issued.document.previous_hash) == (before.next_icv, before.last_hash)
    assert not issued.repeated


def test_midnight_is_that_of_riyadh(ledger: Ledger) -> None:
    midnight = datetime(2026, 3, 2, tzinfo=SAUDI)
    content = {**SIMPLIFIED, "issue_date": "2026-03-02", "issue_time": "00:00:00"}
    with pytest.raises(WouldBeRejected):
        Issuer(ledger, FixedClock(midnight - timedelta(seconds=1))).issue(TAXPAYER, content)
    assert not Issuer(ledger, FixedClock(midnight)).issue(TAXPAYER, content).repeated


def test_a_warning_is_told_once_and_stops_nothing(ledger: Ledger) -> None:
    # BR-KSA-98: a simplified document more than 24 hours old.
    warned: list[BrokenRule] = []
    issuer = Issuer(ledger, FixedClock(NOON), on_warnings=warned.extend)
    old = {**SIMPLIFIED, "issue_date": "2026-02-20"}
    assert not issuer.issue(TAXPAYER, old, reference="old").repeated
    assert [(each.rule, each.severity) for each in warned] == [("BR-KSA-98", "warning")]
    assert issuer.issue(TAXPAYER, old, reference="old").repeated
    assert len(warned) == 1


def test_an_issued_document_is_given_back_even_if_it_could_not_be_issued_now(ledger: Ledger) -> None:
    content = {**SIMPLIFIED, "issue_date": "2026-03-01"}
    first = Issuer(ledger, FixedClock(NOON)).issue(TAXPAYER, content, reference="kept")
    again = Issuer(ledger, FixedClock(NOON - timedelta(days=3))).issue(TAXPAYER, content, reference="kept")
    assert again.repeated
    assert again.xml == first.xml


def test_a_claimed_place_in_the_chain_is_still_refused_for_what_it_is(ledger: Ledger) -> None:
    with pytest.raises(ChainFieldGiven):
        Issuer(ledger, FixedClock(NOON)).issue(TAXPAYER, {**SIMPLIFIED, "counter": 1_000_000})


def test_the_command_says_no_with_the_findings(tmp_path: Path) -> None:
    with served_simulator() as authority:
        desk = Desk(tmp_path, {"KHATM_GATEWAY_URL": authority.gateway})
        csr, seller = desk.properties(TAXPAYER, "0100"), desk.seller(TAXPAYER)
        add = ("unit", "add", "till", "--csr", str(csr), "--environment", "simulation", "--seller", str(seller))
        assert desk.khatm(*add).code == 0
        assert desk.khatm("unit", "onboard", "till", "--otp", authority.otp("simulation", TAXPAYER)).code == 0
    content = json.loads(desk.document("simplified", "invoice", "F-1").read_text("utf-8"))
    future, past = (
        str(desk.write(f"{date}.json", {**content, "issue_date": date, "issue_time": "10:00:00"}))
        for date in ("2199-01-01", "2026-01-01")
    )
    refused = desk.khatm("issue", future, "--unit", "till", "--format", "json")
    assert refused.code == 1
    [record] = refused.records
    assert (record["ok"], record["error"]) == (False, "would-be-rejected")
    [finding] = record["facts"]["findings"]
    assert (finding["rule"], finding["severity"], finding["found"]) == ("BR-KSA-04", "error", "2199-01-01")
    assert set(finding["message"]) == set(finding["fix"]) == set(record["message"]) == {"en", "ar"}
    assert "BR-KSA-04" in refused.err
    issued = desk.khatm("issue", past, "--unit", "till", "--format", "json")
    assert issued.code == 0
    [record] = issued.records
    assert record["icv"] == 1, "the refused document used up no counter"
    assert [each["rule"] for each in record["warnings"]] == ["BR-KSA-98"]
    assert "warning: BR-KSA-98" in issued.err
    plain = desk.khatm("issue", future, "--unit", "till")
    assert (plain.code, plain.out) == (1, "")
    assert "BR-KSA-04" in plain.err


def test_documents_are_issued_from_several_threads_and_in_one_go(ledger: Ledger) -> None:
    before = ledger.unit(TAXPAYER).next_icv
    issuer = Issuer(ledger, FixedClock(NOON))
    tomorrow = {**SIMPLIFIED, "issue_date": "2026-03-02"}
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(issuer.issue, TAXPAYER, {**SIMPLIFIED, "number": f"T-{number}"}) for number in range(8)]
        assert sorted(call.result(60).document.icv for call in calls) == list(range(before, before + 8))
    outcomes = issuer.issue_all(
        TAXPAYER, [(SIMPLIFIED, "go 1"), (tomorrow, None), (tomorrow, "go 2"), ("{}", None), (SIMPLIFIED, "go 1")]
    )
    assert [type(each.error).__name__ for each in outcomes] == [
        "NoneType", "WouldBeRejected", "WouldBeRejected", "InvalidDocument", "NoneType",
    ]  # fmt: skip
    first, again = outcomes[0].document, outcomes[4].document
    assert first is not None
    assert again is not None
    assert (first.document.icv, again.document, again.repeated) == (before + 8, first.document, True)
    assert ledger.unit(TAXPAYER).next_icv == before + 9
    assert ledger.verify_chain(TAXPAYER).intact
