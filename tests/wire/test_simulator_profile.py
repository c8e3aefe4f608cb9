"""Switches on the wire, each off its default, and the profile file that sets them (gateway contract 14.1)."""

import base64
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from khatm.clock import saudi_time
from khatm.environment import Environment
from khatm.errors import KhatmError
from khatm.simulator.embedded import EmbeddedSimulator
from khatm.simulator.errors import UnknownSwitch, UnknownSwitchEnvironment, UnknownSwitchValue, UnreadableProfile
from khatm.simulator.profile import read_profile
from khatm.simulator.switches import default_switches, switches_by_environment
from tests.csr_maker import CsrRecipe, csr_member, make_csr
from tests.wire.cli_stage import served_simulator
from tests.wire.simulator_caller import SELLER, Caller, Csid, Unit, codes, endpoint_of, http, stamped

SANDBOX, SIMULATION, PRODUCTION = Environment
PROFILE = Path(__file__).resolve().parents[2] / "docs" / "profile.toml"
REPORTING, CLEARANCE = "/invoices/reporting/single", "/invoices/clearance/single"


# --- switches whose defaults differ between the environments: simulation, once as it is and once like the sandbox --


def template_check(caller: Caller) -> object:
    unit = Unit(caller)
    csr = csr_member(make_csr(CsrRecipe().for_unit("production", SELLER, "1100"), unit.key))
    unit.ccsid = Csid.of(caller.call("POST", "/compliance", {"csr": csr}, OTP=caller.otp()).json())
    for kind in ("standard-invoice", "standard-credit-note", "standard-debit-note"):
        unit.check(kind)
        unit.check(kind.replace("standard", "simplified"))
    return unit.finish().status_code


def vat_check(caller: Caller) -> object:
    otp = caller.otp(vat_number="311234567800003")
    return caller.call("POST", "/compliance", {"csr": Unit(caller).csr}, OTP=otp).status_code


def enforce_steps(caller: Caller) -> object:
    unit = Unit(caller)
    unit.begin()
    return unit.finish().status_code


def submitted_before(caller: Caller) -> object:
    unit = Unit(caller)
    unit.begin()
    return [unit.check("standard-invoice").status_code for _ in range(2)]


def foreign_signature(caller: Caller) -> object:
    unit = Unit(caller).onboarded()
    assert unit.pcsid is not None
    plain = unit.document("simplified-invoice")
    other = ec.generate_private_key(ec.SECP256K1())
    made = stamped(plain, other, unit.pcsid, saudi_time(caller.simulator.clock.now()), foreign=True)
    return "invalid-digital-signature" in str(codes(unit.send(REPORTING, made)))


def wrong_properties_digest(caller: Caller) -> object:
    unit = Unit(caller).onboarded()
    document = unit.document("simplified-invoice")
    xml = re.sub(rb"(?<=SigningTime>)\d{4}", b"1999", document.xml)
    assert xml != document.xml
    return codes(unit.send(REPORTING, replace(document, xml=xml))).get("error")


def stamped_with_the_ccsid(caller: Caller) -> object:
    unit = Unit(caller).onboarded()
    document = unit.document("simplified-invoice", unit.ccsid)
    return codes(unit.send(REPORTING, document)).get("warning")


def foreign_seller(caller: Caller) -> object:
    answer = Unit(caller).onboarded().submit("simplified-invoice", {SELLER: "311234567800003"})
    return "certificate-permissions" in str(codes(answer))


def clearance_status_header(caller: Caller) -> object:
    unit = Unit(caller).onboarded()
    return unit.send(CLEARANCE, unit.document("standard-invoice"), Clearance_Status="0").status_code


def stamp(caller: Caller) -> object:
    """Whether a cleared document carries the caller's own certificate (gateway contract 8.3)."""
    unit = Unit(caller).onboarded()
    assert unit.pcsid is not None
    cleared = base64.b64decode(unit.submit("standard-invoice").json()["clearedInvoice"])
    return base64.b64encode(unit.pcsid.der) in cleared


def ccsid_on_submission(caller: Caller) -> object:
    unit = Unit(caller).onboarded()
    document = unit.document("simplified-invoice", unit.ccsid)
    return unit.send(REPORTING, document, unit.ccsid).status_code


def duplicates(caller: Caller) -> object:
    unit = Unit(caller).onboarded()
    document = unit.document("simplified-invoice")
    return [unit.send(REPORTING, document).status_code for _ in range(2)]


SWITCHES: list[tuple[str, Callable[[Caller], object], object, object]] = [
    ("template_check=off", template_check, 400, 200),
    ("vat_check=off", vat_check, 400, 200),
    ("enforce_steps=off", enforce_steps, 400, 200),
    ("submitted_before=off", submitted_before, [200, 406], [200, 200]),
    ("signature_key_check=off", foreign_signature, True, False),
    ("stamp_digests=off", wrong_properties_digest, ["signed-properties-hashing"], None),
    ("unknown_signing_certificate=ignore", stamped_with_the_ccsid, ["invalid-signing-certificate"], None),
    ("certificate_permissions=off", foreign_seller, True, False),
    ("clearance_status_header=on", clearance_status_header, 200, 303),
    ("stamp=sandbox-faithful", stamp, False, True),
    ("ccsid_on_submission=accept", ccsid_on_submission, 401, 200),
    ("duplicates=off", duplicates, [200, 409], [200, 200]),
]


@pytest.mark.parametrize(("setting", "look", "strict", "loose"), SWITCHES, ids=[each[0] for each in SWITCHES])
def test_simulation_is_strict_and_can_be_made_like_the_sandbox(
    setting: str, look: Callable[[Caller], object], strict: object, loose: object
) -> None:
    with EmbeddedSimulator(settings=[f"production.{setting}"]) as simulator:
        assert look(Caller(simulator, SIMULATION)) == strict
    with EmbeddedSimulator(settings=[f"simulation.{setting}"]) as simulator:
        assert look(Caller(simulator, SIMULATION)) == loose


# --- switches that are the same everywhere -------------------------------------------------------------------------


def test_pcsid_days() -> None:
    """Gateway contract 2.5 and 14.1: 730 days in simulation, 1,825 in production."""

    def days(simulator: EmbeddedSimulator, environment: Environment) -> int:
        unit = Unit(Caller(simulator, environment), "1000").onboarded()
        assert unit.pcsid is not None
        certificate = x509.load_der_x509_certificate(unit.pcsid.der)
        return (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days

    with EmbeddedSimulator() as simulator:
        assert [days(simulator, each) for each in (SIMULATION, PRODUCTION)] == [730, 1825]
    with EmbeddedSimulator(settings=["simulation.pcsid_days=84", "sandbox.pcsid_days=1"]) as simulator:
        assert [days(simulator, each) for each in (SANDBOX, SIMULATION)] == [1, 84]


def test_certificates_whose_signature_one_client_can_cut_out() -> None:
    """Client behaviour 7: ZatcaPython takes QR tag 9 from the last 0x30 among a certificate's final 72 bytes."""
    with EmbeddedSimulator(settings=["simulation.certificate_signature=plain"]) as simulator:
        for _ in range(12):
            unit = Unit(Caller(simulator, SIMULATION), "1000").onboarded()
            for csid in (unit.ccsid, unit.pcsid):
                assert csid is not None
                signature = x509.load_der_x509_certificate(csid.der).signature
                assert b"\x30" not in signature[1:]


def test_duplicate_window() -> None:
    settings = ["simulation.duplicate_window=600"]
    with EmbeddedSimulator(settings=settings) as simulator:
        unit = Unit(Caller(simulator, SIMULATION)).onboarded()
        document = unit.document("simplified-invoice")
        sent = []
        for minutes in (0, 9, 2):
            simulator.fatoora.time.advance(timedelta(minutes=minutes))
            sent.append(unit.send(REPORTING, document).status_code)
    assert sent == [200, 409, 200]


def test_clearance_status_required() -> None:
    with EmbeddedSimulator(settings=["simulation.clearance_status_required=on"]) as simulator:
        unit = Unit(Caller(simulator, SIMULATION)).onboarded()
        for kind in ("simplified-invoice", "standard-invoice"):
            document = unit.document(kind)
            for header, status in ((None, 400), ("yes", 400), ("1", 200)):
                headers = {} if header is None else {"Clearance_Status": header}
                answer = unit.send(endpoint_of(kind), document, **headers)
                assert (answer.status_code, answer.text == "Invalid Request") == (status, status == 400)


def test_rate_limit() -> None:
    with EmbeddedSimulator(settings=["simulation.rate_limit=10"]) as simulator:
        unit, other = (Unit(Caller(simulator, SIMULATION)).onboarded() for _ in range(2))
        document = unit.document("simplified-invoice")
        sent = [unit.send(REPORTING, document) for _ in range(12)]
        assert [each.status_code for each in sent] == [200, *[409] * 9, 429, 429]
        assert sent[-1].headers["content-type"] == "text/html"
        assert other.submit("simplified-invoice").status_code == 200, "callers are counted apart"
        production = Unit(Caller(simulator, PRODUCTION)).onboarded()
        assert {production.submit("simplified-invoice").status_code for _ in range(12)} == {200}


@pytest.mark.parametrize(("word", "expected"), [("off", 200), ("format", 200), ("warn", 202), ("strict", 400)])
def test_chain_off_is_the_default_by_another_name(word: str, expected: int) -> None:
    with EmbeddedSimulator(settings=[f"simulation.chain={word}"]) as simulator:
        unit = Unit(Caller(simulator, SIMULATION)).onboarded()
        assert unit.submit("simplified-invoice").status_code == 200
        unit.counter += 5
        assert unit.submit("simplified-invoice").status_code == expected


def test_each_environment_has_its_own_edition_of_the_rules() -> None:
    """BR-KSA-98 is in 3.4.8 and not in 3.3.3 (gateway contract 5.4)."""
    with EmbeddedSimulator(settings=["production.rules=3.3.3"]) as simulator:
        for environment, expected in ((SIMULATION, ["BR-KSA-98"]), (PRODUCTION, None)):
            unit = Unit(Caller(simulator, environment)).onboarded()
            document = unit.document("simplified-invoice", age=timedelta(hours=30))
            assert codes(unit.send(REPORTING, document)).get("warning") == expected


# --- the profile file ----------------------------------------------------------------------------------------------


def test_the_published_profile_holds_the_defaults() -> None:
    switches = switches_by_environment(profile=read_profile(PROFILE))
    assert switches == {each: default_switches(each) for each in Environment}


def test_a_profile_applies_before_set_and_all_before_the_environments(tmp_path: Path) -> None:
    path = tmp_path / "team.toml"
    path.write_text(
        '[simulation]\nchain = "strict"\nrenewal_overlap = 60\nwarnings_as_200 = true\n'
        '[all]\nrules = "3.3.3"\nchain = "warn"\n[sandbox]\nrules = "off"\n'
    )
    switches = switches_by_environment(["production.chain=off"], profile=read_profile(path))
    assert [switches[each].rules for each in Environment] == ["off", "3.3.3", "3.3.3"]
    assert [switches[each].chain for each in Environment] == ["warn", "strict", "format"]
    assert (switches[SIMULATION].renewal_overlap, switches[SIMULATION].warnings_as_200) == (60, True)
    with served_simulator("production.chain=off", options=("--profile", str(path))) as served:
        shown = http().get(f"{served.url}/manage/switches").json()
    assert [shown[each.value]["chain"] for each in Environment] == ["warn", "strict", "format"]
    assert (shown["simulation"]["renewal_overlap"], shown["simulation"]["warnings_as_200"]) == ("60", "on")
    assert set(shown["sandbox"]) == set(type(switches[SANDBOX]).__dataclass_fields__)


@pytest.mark.parametrize(
    ("content", "error", "said"),
    [
        (b"[simulation", UnreadableProfile, "end of document"),
        (b"\xff", UnreadableProfile, "utf-8"),
        (b'chain = "strict"', UnreadableProfile, "chain stands outside"),
        (b"x = " + b"[" * 5000, UnreadableProfile, ""),
        (b"#" * 1_100_000, UnreadableProfile, "larger than"),
        (b'[core]\nchain = "strict"', UnknownSwitchEnvironment, "[core] chain"),
        (b'[all]\nchains = "strict"', UnknownSwitch, "[all] chains"),
        (b'[simulation]\nchain = "tight"', UnknownSwitchValue, "tight"),
        (b"[simulation]\nduplicates = 1", UnknownSwitchValue, "on, off"),
        (b"[simulation]\nmax_body = 1.5", UnknownSwitchValue, "a whole number of bytes"),
        (b"[simulation]\nrules = [3]", UnknownSwitchValue, "3.4.8, 3.3.3, off"),
    ],
    ids=lambda given: given[:30].decode("latin-1") if isinstance(given, bytes) else "",
)
def test_a_wrong_profile_is_named_with_its_place(
    tmp_path: Path, content: bytes, error: type[KhatmError], said: str
) -> None:
    path = tmp_path / "team.toml"
    path.write_bytes(content)
    with pytest.raises(error) as raised:
        read_profile(path)
    for language in ("en", "ar"):
        assert str(path) in raised.value.sentence(language)
        assert said in raised.value.sentence(language)


def test_a_profile_that_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.toml", tmp_path):
        with pytest.raises(UnreadableProfile):
            EmbeddedSimulator(profile=path)
