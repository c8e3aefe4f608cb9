"""The portal's journeys without a browser: what each page says is what the authority knows (gateway contract 10)."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from khatm.environment import Environment
from khatm.simulator.embedded import EmbeddedSimulator
from tests.csr_maker import CsrRecipe, csr_member, make_csr
from tests.wire.portal_visitor import Visitor, runs_no_foreign_script, texts, tree
from tests.wire.simulator_caller import SELLER, SIMPLIFIED, STANDARD, Caller, Unit, fresh

SANDBOX, SIMULATION, PRODUCTION = Environment
OTHER = "311234567800003"
HOSTILE = "<img src=x onerror=alert(1)>'\"</td></script><script>alert(2)</script>"
CODES = "//output[@class='otp']"


@pytest.fixture(scope="module")
def running() -> Iterator[EmbeddedSimulator]:
    with EmbeddedSimulator() as simulator:
        yield simulator


@pytest.fixture
def simulator(running: EmbeddedSimulator) -> EmbeddedSimulator:
    return fresh(running)


@pytest.fixture
def visitor(simulator: EmbeddedSimulator) -> Visitor:
    return Visitor(simulator).signed_in()


def test_everything_of_a_taxpayer_asks_for_the_sign_in(simulator: EmbeddedSimulator) -> None:
    for path in ("/portal", "/portal/onboard", "/portal/devices", "/portal/statistics", "/portal/taxpayer"):
        assert Visitor(simulator).get(path).url.path == "/portal/sign-in"


@pytest.mark.parametrize("vat_number", ["", "123", "399999999900004", "3٩9999999900003", HOSTILE])
def test_a_vat_number_that_is_none_is_refused_with_the_rule(simulator: EmbeddedSimulator, vat_number: str) -> None:
    answer = Visitor(simulator).post("/portal/sign-in", vat_number=vat_number, environment="simulation")
    assert answer.status_code == 400
    assert "15 digits" in answer.text
    assert runs_no_foreign_script(answer)


def test_known_taxpayers_are_offered(simulator: EmbeddedSimulator) -> None:
    simulator.issue_otp(PRODUCTION, OTHER)
    page = Visitor(simulator).get("/portal/sign-in")
    assert any(OTHER in each for each in texts(page, "//a[@class='row']"))


@pytest.mark.parametrize(("language", "direction"), [("en", "ltr"), ("ar", "rtl")])
def test_the_language_is_asked_for_once(simulator: EmbeddedSimulator, language: str, direction: str) -> None:
    visitor = Visitor(simulator)
    visitor.get("/portal/sign-in", lang=language)
    page = tree(visitor.get("/portal/reference"))
    assert (page.get("lang"), page.get("dir")) == (language, direction)
    other = Visitor(simulator)
    preferred = other.http.get("/portal/sign-in", headers={"Accept-Language": f"fr, {language}-SA;q=0.8"})
    assert tree(preferred).get("lang") == language


def test_the_other_language_of_what_a_form_led_to_is_the_page_with_the_form(
    simulator: EmbeddedSimulator, visitor: Visitor
) -> None:
    Unit(Caller(simulator, SIMULATION), "1000").begin()
    form = {"token": visitor.token(), "device": "1"}

    def link(referrer: str) -> str:
        page = visitor.http.post("/portal/devices/revoke", data=form, headers={"Referer": referrer})
        return str(tree(page).xpath("string(//a[@class='language']/@href)"))

    assert link(f"{simulator.url}/portal/devices?search=x&lang=en") == "/portal/devices?search=x&lang=ar"
    for other in (
        "http://evil.test/portal/devices",
        "",
        f"{simulator.url}/manage/devices",
        "javascript:alert(1)",
        "//[",
    ):
        assert link(other) == "/portal?lang=ar"


def test_codes_from_the_form_open_the_gateway(simulator: EmbeddedSimulator, visitor: Visitor) -> None:
    page = visitor.post("/portal/onboard", count="3")
    codes = texts(page, CODES)
    assert len(codes) == 3
    assert all(re.fullmatch(r"\d{6}", each) for each in codes)
    listed = visitor.get("/portal/onboard/otps.txt")
    assert listed.text.splitlines() == codes
    assert listed.headers["Content-Disposition"].startswith("attachment")
    unit = Unit(Caller(simulator, SIMULATION))
    assert unit.caller.call("POST", "/compliance", {"csr": unit.csr}, OTP=codes[1]).status_code == 200
    assert texts(visitor.get("/portal/onboard"), CODES) == [codes[0], codes[2]]
    assert texts(visitor.get("/portal/renew"), CODES) == []
    simulator.fatoora.time.advance(timedelta(minutes=61))
    assert texts(visitor.get("/portal/onboard"), CODES) == []


def test_environments_keep_their_codes_apart(visitor: Visitor) -> None:
    visitor.post("/portal/onboard", count="1")
    visitor.post("/portal/environment", environment="production")
    assert texts(visitor.get("/portal/onboard"), CODES) == []
    assert visitor.post("/portal/environment", environment="sandbox").status_code == 400


@pytest.mark.parametrize("count", ["0", "101", "", "x", "-1", "1.5", "٣"])
def test_a_wrong_number_of_codes_is_refused(visitor: Visitor, count: str) -> None:
    answer = visitor.post("/portal/onboard", count=count)
    assert answer.status_code == 400
    assert tree(answer).xpath("//input[@name='count'][@aria-invalid='true']")
    assert texts(answer, CODES) == []


def test_a_device_from_onboarding_to_revocation(simulator: EmbeddedSimulator, visitor: Visitor) -> None:
    unit = Unit(Caller(simulator, SIMULATION), "1100")
    unit.begin()
    unit.check("standard-invoice")
    [row] = texts(visitor.get("/portal/devices"), "//tbody/tr")
    assert row.split()[0] == "TST-1"
    assert row.endswith("Onboarding")
    page = visitor.get("/portal/devices/1")
    assert len(texts(page, "//ol[@class='steps']/li[@class='done']")) == 1
    assert len(texts(page, "//ol[@class='steps']/li")) == 6
    for kind in (*STANDARD[1:], *SIMPLIFIED):
        unit.check(kind)
    unit.finish()
    assert unit.submit("standard-invoice").status_code == 200
    page = visitor.get("/portal/devices/1")
    facts = dict(zip(texts(page, "//dl[1]/dt"), texts(page, "//dl[1]/dd"), strict=False))
    assert unit.ccsid is not None
    assert facts["Request ID"] == str(unit.ccsid.request_id)
    assert facts["Last ICV seen"] == "7"
    assert facts["Accepted documents"] == "1"
    assert "BEGIN CERTIFICATE" in page.text
    sure = visitor.post("/portal/devices/revoke", device="1")
    assert "TST-1" in sure.text
    assert unit.submit("standard-invoice").status_code == 200  # asked is not done
    done = visitor.post("/portal/devices/revoke", device="1", confirmed="yes")
    assert done.url.path == "/portal/devices"
    assert texts(done, "//tbody/tr//span[contains(@class, 'status')]") == ["Revoked"]
    assert unit.submit("standard-invoice").status_code == 401


def test_several_devices_are_revoked_at_once_and_those_of_others_never(
    simulator: EmbeddedSimulator, visitor: Visitor
) -> None:
    for vat_number in (SELLER, SELLER, OTHER):
        Unit(Caller(simulator, SIMULATION), "1000", vat_number=vat_number).begin()
    Unit(Caller(simulator, PRODUCTION), "1000").begin()
    for foreign in ("3", "4", "99", "x", "٣", ""):
        answer = visitor.post("/portal/devices/revoke", device=["1", foreign], confirmed="yes")
        assert answer.status_code == 404
        assert visitor.get(f"/portal/devices/{foreign or '0'}").status_code == 404
    assert all(each.revoked_at is None for each in simulator.fatoora.registry.devices())
    visitor.post("/portal/devices/revoke", device=["1", "2"], confirmed="yes")
    assert [each.revoked_at is not None for each in simulator.fatoora.registry.devices()] == [True, True, False, False]


def test_the_list_is_searched_and_filtered(simulator: EmbeddedSimulator, visitor: Visitor) -> None:
    for name in ("Till one", "Till two", "متجر"):
        recipe = CsrRecipe().for_unit("simulation", SELLER, "1000")
        recipe = replace(recipe, subject=recipe.subject | {"CN": name})
        caller = Caller(simulator, SIMULATION)
        body = {"csr": csr_member(make_csr(recipe))}
        assert caller.call("POST", "/compliance", body, OTP=caller.otp()).status_code == 200
    simulator.fatoora.registry.revoke_device(2, simulator.clock.now())

    def names(**query: str) -> list[str]:
        return texts(visitor.get("/portal/devices", **query), "//tbody/tr/th")

    assert names() == ["Till one", "Till two", "متجر"]
    assert names(search="tILL") == ["Till one", "Till two"]
    assert names(search="متج") == ["متجر"]
    assert names(status="Revoked") == ["Till two"]
    assert names(status="Onboarding", search="till") == ["Till one"]
    assert names(search="nothing") == []


def test_a_renewal_is_bound_to_the_chosen_device(simulator: EmbeddedSimulator, visitor: Visitor) -> None:
    units = [Unit(Caller(simulator, SIMULATION), "1000").onboarded() for _ in range(2)]
    page = visitor.post("/portal/renew", count="1", device="2")
    [code] = texts(page, CODES)
    statuses = []
    for unit in units:
        assert unit.pcsid is not None
        answer = unit.caller.call("PATCH", "/production/csids", {"csr": unit.csr}, OTP=code, **unit.pcsid.authorization)
        statuses.append(answer.status_code)
    assert statuses == [400, 428]
    assert visitor.post("/portal/renew", count="1", device="77").status_code == 404


def test_a_suspension_has_to_be_meant(simulator: EmbeddedSimulator, visitor: Visitor) -> None:
    unit = Unit(Caller(simulator, SIMULATION), "1000").onboarded()
    assert visitor.post("/portal/taxpayer", status="Suspended").status_code == 400
    assert unit.submit("standard-invoice").status_code == 200
    assert visitor.post("/portal/taxpayer", status="Closed", sure="yes").status_code == 400
    visitor.post("/portal/taxpayer", status="Suspended", sure="yes")
    assert unit.submit("standard-invoice").status_code == 401
    refused = visitor.post("/portal/onboard", count="1")
    assert refused.status_code == 409
    assert "Suspended" in refused.text
    visitor.post("/portal/taxpayer", status="Active")
    assert visitor.post("/portal/onboard", count="1").status_code == 200


def test_statistics_count_what_was_submitted(simulator: EmbeddedSimulator, visitor: Visitor) -> None:
    unit = Unit(Caller(simulator, SIMULATION), "1100").onboarded()
    first = unit.document("simplified-invoice")
    assert unit.send("/invoices/reporting/single", first).status_code == 200
    assert unit.send("/invoices/reporting/single", first).status_code == 409
    assert unit.submit("standard-invoice").status_code == 200
    assert unit.send("/invoices/clearance/single", unit.document("simplified-invoice")).status_code == 400
    late = unit.document("simplified-invoice", age=timedelta(hours=25))
    assert unit.send("/invoices/reporting/single", late).status_code == 202
    page = visitor.get("/portal/statistics")
    assert texts(page, "//ul[@class='figures']/li/b") == ["2", "1", "1", "1"]
    kinds, numbers = (texts(page, f"//section[3]//tbody/tr/{each}") for each in ("th", "td[@class='number']"))
    assert kinds == ["Tax invoice 388", "Simplified invoice 388"]
    assert numbers == ["1", "0", "0", "0", "1", "1", "1", "1"]
    bars = tree(page).xpath("//*[local-name()='svg'][contains(@class, 'chart')]//*[contains(@class, 'bar ')]")
    assert len(bars) == 2 * 4  # four outcomes in the month and on the day
    heights = {each.get("class"): float(each.get("height")) for each in bars}
    assert heights["bar accepted"] == pytest.approx(2 * heights["bar rejected"], abs=0.02)
    simulator.fatoora.time.advance(timedelta(days=62))
    assert texts(visitor.get("/portal/statistics"), "//ul[@class='figures']/li/b") == ["2", "1", "1", "1"]
    simulator.fatoora.time.advance(timedelta(days=365))
    assert texts(visitor.get("/portal/statistics"), "//ul[@class='figures']/li/b") == ["0", "0", "0", "0"]


def test_hostile_names_in_a_csr_stay_text(simulator: EmbeddedSimulator, visitor: Visitor) -> None:
    recipe = CsrRecipe().for_unit("simulation", SELLER, "1000")
    short = HOSTILE[:60]
    recipe = replace(
        recipe,
        subject={"C": "SA", "OU": short, "O": short, "CN": short},
        unit=recipe.unit
        | {"SN": "1-<b>x|2-<i>|3-</td><script>", "registeredAddress": short, "businessCategory": short},
    )
    caller = Caller(simulator, SIMULATION)
    answer = caller.call("POST", "/compliance", {"csr": csr_member(make_csr(recipe))}, OTP=caller.otp())
    assert answer.status_code == 200
    pages = [
        visitor.get("/portal"),
        visitor.get("/portal/devices"),
        visitor.get("/portal/devices", search="<script>alert(3)</script>\"'"),
        visitor.get("/portal/devices/1"),
        visitor.get("/portal/taxpayer"),
        visitor.get("/portal/renew"),
        visitor.get("/portal/sign-in", vat_number=HOSTILE),
        visitor.get(f"/portal/{HOSTILE}"),
        visitor.post("/portal/devices/revoke", device="1"),
        visitor.post("/portal/devices/revoke", device=HOSTILE),
    ]
    for page in pages:
        assert runs_no_foreign_script(page), page.url
        assert not tree(page).xpath("//img[@src='x'] | //script[not(@src)]"), page.url
    assert short in tree(pages[3]).text_content()


def test_menu_and_warning_stand_on_every_page(visitor: Visitor) -> None:
    for link in tree(visitor.get("/portal")).xpath("//nav[@id='menu']//a/@href"):
        page = visitor.get(link)
        assert page.status_code == 200, link
        assert texts(page, "//p[@class='banner']")[0].startswith("This is a simulator, not ZATCA.")
        assert len(tree(page).xpath("//nav[@id='menu']//a[@aria-current='page']")) == 1, link
        assert len(tree(page).xpath("//h1")) == 1, link
        assert not tree(page).xpath("//*[@id=preceding::*/@id]"), "ids stand once"
