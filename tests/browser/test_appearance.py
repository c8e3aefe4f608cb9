"""Measured on every page at the width of a phone and of a desk, in both languages and both colour schemes."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from khatm.environment import Environment
from khatm.simulator.embedded import EmbeddedSimulator
from tests.browser.conftest import NewPage, follow
from tests.csr_maker import CsrRecipe, csr_member, make_csr
from tests.stamp_vectors import documents
from tests.wire.portal_visitor import Visitor
from tests.wire.simulator_caller import SELLER, Caller, Unit

if TYPE_CHECKING:
    from playwright.sync_api import Page

MEASURES = Path(__file__).with_name("measures.js").read_text("utf-8")
PATHS = (
    "/portal/sign-in", "/portal", "/portal/onboard", "/portal/renew", "/portal/devices", "/portal/devices/1",
    "/portal/statistics", "/portal/taxpayer", "/portal/reference", "/portal/exchanges", "/portal/faults",
    "/portal/time", "/portal/nothing",
)  # fmt: skip
ARABIC_NAME = "فرع الرياض الرئيسي والمقاولات"
LONG_NAME = "Extraordinarily-Long-Unbreakable-Name-Of-A-Till-In-Riyadh-0001"


@pytest.fixture
def furnished(simulator: EmbeddedSimulator) -> EmbeddedSimulator:
    """Put something on every page, long names in both scripts among it."""
    caller = Caller(simulator, Environment.SIMULATION)
    unit = Unit(caller, "1100").onboarded()
    for kind in ("standard-invoice", "simplified-invoice", "simplified-credit-note"):
        unit.submit(kind)
    unit.submit("simplified-invoice", {"reporting:1.0": "clearance:1.0"})
    recipe = CsrRecipe().for_unit("simulation", SELLER, "1000")
    recipe = replace(
        recipe,
        subject={"C": "SA", "OU": ARABIC_NAME, "O": ARABIC_NAME, "CN": LONG_NAME},
        unit=recipe.unit | {"SN": f"1-{'x' * 20}|2-{'y' * 15}|3-{'z' * 20}"},
    )
    body = {"csr": csr_member(make_csr(recipe))}
    assert caller.call("POST", "/compliance", body, OTP=caller.otp()).status_code == 200
    visitor = Visitor(simulator).signed_in()
    visitor.post("/portal/onboard", count="5")
    visitor.post("/portal/renew", count="2", device="1")
    visitor.post("/portal/faults", effect="busy", endpoint="*", often="always", amount="5", unit="x" * 60)
    visitor.post("/portal/time/snapshots", action="take")
    return simulator


def measured(page: "Page", where: str) -> list[str]:
    page.evaluate(MEASURES)
    return [
        f"{where} {kind} {each}"
        for kind in ("overflowing", "overlapping", "faint")
        for each in page.evaluate(f"measures.{kind}()")
    ]


def everything(page: "Page", where: str) -> list[str]:
    """Measure a page at both widths, and its colours in the dark as well."""
    found = []
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        found += measured(page, f"{where} {width}")
    page.emulate_media(color_scheme="dark")
    found += [each for each in measured(page, f"{where} dark") if " faint " in each]
    page.emulate_media(color_scheme="light")
    return found


@pytest.mark.usefixtures("furnished")
@pytest.mark.parametrize("language", ["en", "ar"])
def test_nothing_overflows_overlaps_or_is_faint(new_page: NewPage, language: str) -> None:
    page = new_page(language)
    page.goto("/portal/sign-in")
    page.fill("#vat_number", SELLER)
    follow(page, page.locator("main button.main"))
    found = []
    for path in PATHS:
        page.goto(path)
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        found += everything(page, path)
    page.goto("/portal/exchanges")
    follow(page, page.locator("tbody tr", has_text="BR-KSA-EN16931-01").get_by_role("link"))
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    found += everything(page, "exchange")
    page.goto("/portal/devices")
    page.get_by_role("checkbox").first.check()
    follow(page, page.locator("button.danger"))
    found += everything(page, "revoke")
    page.goto("/validator")
    good = next(each for each in documents("own") if each.name == "simplified-invoice").xml
    broken = good.replace(b">388</cbc:InvoiceTypeCode>", b">999</cbc:InvoiceTypeCode>")
    page.set_input_files("#file", {"name": "a.xml", "mimeType": "text/xml", "buffer": broken})
    page.wait_for_selector("#verdict")
    found += everything(page, "/validator")
    page.set_viewport_size({"width": 390, "height": 800})
    page.click(".menu-button")
    found += measured(page, "menu")
    assert found == []


def test_the_measures_find_what_is_wrong(new_page: NewPage) -> None:
    page = new_page("en", 390)
    page.goto("/portal/sign-in")
    page.evaluate(MEASURES)
    page.evaluate(
        "() => { const add = (rules, text) => { const made = document.createElement('p'); made.textContent = text;"
        " Object.assign(made.style, rules); document.querySelector('main').append(made); };"
        " add({ inlineSize: '900px', maxInlineSize: 'none' }, 'wide');"
        " add({ color: 'rgb(170, 170, 170)' }, 'faint');"
        " add({ position: 'relative', insetBlockStart: '-2rem' }, 'overlapping'); }"
    )
    assert any("wide" in each for each in page.evaluate("measures.overflowing()"))
    assert any("faint" in each for each in page.evaluate("measures.faint()"))
    assert any("overlapping" in each for each in page.evaluate("measures.overlapping()"))


@pytest.mark.usefixtures("furnished")
def test_arabic_reads_from_the_right_and_codes_from_the_left(new_page: NewPage) -> None:
    page = new_page("ar")
    page.goto("/portal/sign-in")
    page.fill("#vat_number", SELLER)
    follow(page, page.locator("main button.main"))

    def box(selector: str) -> dict[str, float]:
        found = page.locator(selector).first.bounding_box()
        assert found is not None
        return dict(found)

    menu, content = box("#menu"), box("main")
    assert menu["x"] >= content["x"] + content["width"] - 1
    brand, language = box(".brand"), box(".language")
    assert brand["x"] > language["x"]
    title = box("h1")
    assert abs((title["x"] + title["width"]) - (content["x"] + content["width"])) < 60
    tiles = [each.bounding_box() for each in page.locator(".tile").all()[:2]]
    assert tiles[0] is not None and tiles[1] is not None
    assert tiles[0]["x"] > tiles[1]["x"]
    page.goto("/portal/devices")
    columns = [each.bounding_box() for each in page.locator("thead th").all()]
    places = [each["x"] for each in columns if each is not None]
    assert places == sorted(places, reverse=True)
    page.evaluate(MEASURES)
    arabic = page.evaluate("measures.characters(document.querySelector('h1'))")
    assert arabic[0] > arabic[-1]
    for path, selector in (("/portal/onboard", ".otp"), ("/portal/devices/1", "dd .code"), ("/portal/time", "time")):
        page.goto(path)
        page.evaluate(MEASURES)
        for element in page.locator(selector).all():
            assert element.evaluate("element => getComputedStyle(element).direction") == "ltr"
            places = element.evaluate("element => measures.characters(element)")
            assert places == sorted(places), f"{path} {selector}"
    page.goto("/portal/statistics")
    bars = [each.bounding_box() for each in page.locator("svg.chart").first.locator(".column").all()]
    places = [each["x"] for each in bars if each is not None]
    assert places == sorted(places, reverse=True)
