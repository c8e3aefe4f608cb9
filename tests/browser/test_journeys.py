"""The journeys of gateway contract 10.3 in a browser, in both languages."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from khatm.simulator.embedded import EmbeddedSimulator
from khatm.simulator.web.catalogue import texts
from tests.browser.conftest import NewPage, follow
from tests.csr_maker import CsrRecipe, csr_member, make_csr
from tests.stamp_vectors import documents
from tests.wire.simulator_caller import SELLER, Csid, Unit

if TYPE_CHECKING:
    from playwright.sync_api import Page

LANGUAGES = pytest.mark.parametrize("language", ["en", "ar"])
IN_VIEW = """element => {
  const box = element.getBoundingClientRect();
  return box.top >= 0 && box.bottom <= innerHeight;
}"""
COPIED = "wanted => navigator.clipboard.readText().then((text) => text === wanted)"
DROPPED = """() => {
  const dropped = new DataTransfer();
  dropped.items.add(new File(["<a/>"], "dropped.xml", { type: "text/xml" }));
  return dropped;
}"""
CONTROLS = "a[href]:visible, button:visible, input:visible:not([type=hidden]), select:visible, summary:visible"
FOCUSED = """() => {
  const at = document.activeElement;
  at.dataset.reached ??= String(document.querySelectorAll("[data-reached]").length + 1);
  return [at.tagName, at.dataset.reached, getComputedStyle(at).outlineStyle];
}"""
COUNTING_VIOLATIONS = """addEventListener("securitypolicyviolation", () => {
  window.violations = (window.violations || 0) + 1;
})"""
INJECTION = """() => {
  const script = document.createElement("script");
  script.textContent = "window.ran = true";
  document.body.append(script);
  document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='window.ran = true'>");
}"""
Picture = Callable[["Page", str], None]


def said(key: str, language: str) -> str:
    """A text of the catalogue."""
    return texts()[key][language]  # type: ignore[index]


def sign_in(page: "Page", vat_number: str = SELLER) -> None:
    page.goto("/portal")
    page.fill("#vat_number", vat_number)
    follow(page, page.locator("main button.main"))


@LANGUAGES
def test_from_an_otp_to_a_revoked_device(new_page: NewPage, unit: Unit, picture: Picture, language: str) -> None:
    page = new_page(language)
    page.goto("/portal/sign-in")
    assert page.locator("html").get_attribute("lang") == language
    picture(page, f"sign-in-{language}")
    sign_in(page)
    picture(page, f"home-{language}")
    follow(page, page.get_by_role("link", name=said("home.onboard", language)))
    page.get_by_label(said("otp.how_many", language)).fill("3")
    follow(page, page.get_by_role("button", name=said("otp.generate", language)))
    codes = page.locator(".otp").all_inner_texts()
    assert len(set(codes)) == 3
    picture(page, f"onboard-{language}")

    answer = unit.caller.call("POST", "/compliance", {"csr": unit.csr}, OTP=codes[0])
    assert answer.status_code == 200
    unit.ccsid = Csid.of(answer.json())
    page.reload()
    assert page.locator(".otp").all_inner_texts() == codes[1:]
    follow(page, page.get_by_role("link", name=said("menu.devices", language)))
    status = page.locator("tbody tr .status")
    assert status.inner_text() == said("device.onboarding", language)
    for kind in ("standard", "simplified"):
        for suffix in ("invoice", "credit-note", "debit-note"):
            assert unit.check(f"{kind}-{suffix}").status_code == 200
    assert unit.finish().status_code == 200
    assert unit.submit("simplified-invoice").status_code == 200
    page.reload()
    assert status.inner_text() == said("device.active", language)
    follow(page, page.get_by_role("link", name="TST-1"))
    assert page.locator(".steps li.done").count() == 6
    picture(page, f"device-{language}")
    page.go_back()

    page.get_by_role("checkbox").check()
    follow(page, page.get_by_role("button", name=said("devices.revoke", language)))
    assert "TST-1" in page.get_by_role("alertdialog").inner_text()
    assert unit.submit("simplified-invoice").status_code == 200
    follow(page, page.get_by_role("button", name=said("revoke.confirm", language), exact=True))
    assert status.inner_text() == said("device.revoked", language)
    assert unit.submit("simplified-invoice").status_code == 401


@LANGUAGES
def test_a_broken_document_has_its_finding_at_its_line(
    new_page: NewPage, tmp_path: Path, picture: Picture, language: str
) -> None:
    good = next(each for each in documents("own") if each.name == "simplified-invoice").xml
    broken = good.replace(b">388</cbc:InvoiceTypeCode>", b">999</cbc:InvoiceTypeCode>")
    line = broken[: broken.index(b">999<")].count(b"\n") + 1
    file = tmp_path / "فاتورة.xml"
    file.write_bytes(broken)
    page = new_page(language)
    page.goto("/validator")
    page.set_input_files("#file", file)
    page.wait_for_selector("#verdict")
    assert page.locator("#verdict").inner_text() == said("validator.invalid", language)
    finding = page.locator(".finding", has_text="BR-KSA-05")
    finding.get_by_role("link").click()
    row = page.locator(f".source-row[data-line='{line}']")
    assert ">999<" in row.inner_text()
    assert row.locator(".number").inner_text() == str(line)
    page.wait_for_function(IN_VIEW, arg=row.element_handle())
    picture(page, f"validator-{language}")
    # another language shows the same document again
    follow(page, page.locator(".language"))
    page.wait_for_selector("#verdict")
    other = "ar" if language == "en" else "en"
    assert page.locator("#verdict").inner_text() == said("validator.invalid", other)
    assert "فاتورة.xml" in page.locator("#result").inner_text()


@LANGUAGES
def test_a_fault_is_written_and_happens(new_page: NewPage, unit: Unit, picture: Picture, language: str) -> None:

    unit.onboarded()
    page = new_page(language)
    page.goto("/portal/faults")
    page.get_by_label(said("faults.effect", language)).select_option(label=said("effect.page_504_after", language))
    page.get_by_label(said("faults.endpoint", language)).select_option(label=said("endpoint.reporting", language))
    page.get_by_label(said("faults.number", language)).fill("2")
    follow(page, page.get_by_role("button", name=said("faults.arm", language)))
    fired = page.locator("#armed tbody tr td.number").nth(1)
    assert fired.inner_text() == "0"
    document = unit.document("simplified-invoice")
    lost = unit.send("/invoices/reporting/single", document)
    assert (lost.status_code, lost.headers["Content-Type"]) == (504, "text/html")
    page.wait_for_function(
        "element => element.ownerDocument.querySelectorAll('#armed tbody tr td.number')[1].innerText === '1'",
        arg=page.locator("#armed").element_handle(),
    )
    picture(page, f"faults-{language}")
    assert unit.send("/invoices/reporting/single", document).status_code == 504
    assert unit.send("/invoices/reporting/single", document).status_code == 409


def test_codes_count_down_and_are_copied_and_downloaded(new_page: NewPage, simulator: EmbeddedSimulator) -> None:
    page = new_page()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=simulator.url)
    page.clock.install()
    sign_in(page)
    page.goto("/portal/onboard")
    page.fill("#count", "2")
    follow(page, page.locator("main button.main"))
    first = page.locator(".codes li").first
    assert first.locator("[data-clock]").inner_text().startswith(("60:00", "59:5"))
    page.clock.run_for(60_000)
    assert first.locator("[data-clock]").inner_text().startswith(("59:00", "58:5"))
    codes = page.locator(".otp").all_inner_texts()
    first.get_by_role("button").click()
    page.wait_for_function(COPIED, arg=codes[0])
    page.locator("[data-copy-all]").click()
    page.wait_for_function(COPIED, arg="\n".join(codes))
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as text").click()
    assert download.value.path().read_text() == "".join(f"{each}\n" for each in codes)
    page.clock.run_for(3_600_000)
    assert page.locator(".codes li.gone").count() == 2
    assert first.locator(".left").inner_text() == "Expired"


def test_everything_is_reached_from_the_keyboard(new_page: NewPage, simulator: EmbeddedSimulator) -> None:
    simulator.issue_otp("simulation", "311234567800003")
    page = new_page()
    page.goto("/portal/sign-in")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "vat_number"
    page.keyboard.type(SELLER)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/portal(#|$)"))
    for path in ("/portal", "/portal/devices", "/portal/time", "/validator", "/portal/reference"):
        page.goto(path)
        wanted = page.locator(CONTROLS).count()
        reached = set()
        for _ in range(wanted + 30):
            page.keyboard.press("Tab")
            found = page.evaluate(FOCUSED)
            if found[0] == "BODY":
                break
            assert found[2] != "none", f"{path}: {found}"
            reached.add(found[1])
        assert len(reached) >= wanted - 1, path  # of two radio buttons one is a stop


def test_everything_works_without_a_script(new_page: NewPage, unit: Unit) -> None:
    page = new_page(scripts=False)
    page.goto("/portal")
    page.fill("#vat_number", SELLER)
    follow(page, page.locator("main button.main"))
    page.goto("/portal/onboard")
    follow(page, page.locator("main button.main"))
    code = page.locator(".otp").inner_text()
    assert unit.caller.call("POST", "/compliance", {"csr": unit.csr}, OTP=code).status_code == 200
    assert not page.locator(".scripted:visible").count()
    page.goto("/portal/devices")
    page.get_by_role("checkbox").check()
    follow(page, page.get_by_role("button", name="Revoke selected"))
    follow(page, page.get_by_role("button", name="Revoke", exact=True))
    assert page.locator("tbody tr .status").inner_text() == "Revoked"
    page.goto("/portal/faults")
    follow(page, page.get_by_role("button", name="Arm the fault"))
    assert page.locator("#armed tbody tr").count() == 1
    page.goto("/validator")
    page.fill("#xml", "<a/>")
    follow(page, page.get_by_role("button", name="Validate"))
    assert page.locator("#verdict").inner_text() == "Not valid"
    assert page.locator(".source .marked").inner_text().endswith("<a/>")


def test_a_file_can_be_dropped_and_validated_again_with_other_options(new_page: NewPage) -> None:
    from playwright.sync_api import expect

    page = new_page()
    page.goto("/validator")
    page.locator(".drop").dispatch_event("drop", {"dataTransfer": page.evaluate_handle(DROPPED)})
    expect(page.locator("#result")).to_contain_text("dropped.xml")
    expect(page.locator("#result")).to_contain_text("3.4.8")
    page.select_option("#edition", "3.3.3")
    page.get_by_role("button", name="Validate").click()
    expect(page.locator("#result")).to_contain_text("3.3.3")
    expect(page.locator("#result")).to_contain_text("dropped.xml")


def test_the_menu_of_a_phone_opens_and_closes(new_page: NewPage) -> None:
    page = new_page("ar", 390)
    page.goto("/validator")
    button = page.locator(".menu-button")
    assert not page.locator("#menu").is_visible()
    button.click()
    assert page.locator("#menu").is_visible()
    assert button.get_attribute("aria-expanded") == "true"
    button.click()
    assert not page.locator("#menu").is_visible()


def test_no_script_runs_but_ours(new_page: NewPage, unit: Unit) -> None:
    """A dialog or a complaint in the console fails the test; what the policy blocks is counted."""
    name = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    recipe = CsrRecipe().for_unit("simulation", SELLER, "1000")
    subject = {"C": "SA", "OU": "x", "O": name, "CN": name}
    body = {"csr": csr_member(make_csr(CsrRecipe(subject=subject, unit=recipe.unit, template=recipe.template)))}
    assert unit.caller.call("POST", "/compliance", body, OTP=unit.caller.otp()).status_code == 200
    page = new_page()
    page.add_init_script(COUNTING_VIOLATIONS)
    sign_in(page)
    for path in ("/portal", "/portal/devices", "/portal/devices/1", "/portal/sign-in", "/portal/renew"):
        page.goto(path)
        assert page.evaluate("window.violations || 0") == 0, path
        assert page.locator("img[src='x']").count() == 0
    page.goto("/validator")
    hostile = "<a><![CDATA[<script>alert(3)</script>]]><b onclick='alert(4)'/></a>"
    page.set_input_files("#file", {"name": f"{name}.xml", "mimeType": "text/xml", "buffer": hostile.encode()})
    page.wait_for_selector("#verdict")
    assert page.locator("#result script, #result img").count() == 0
    assert page.evaluate("window.violations || 0") == 0


def test_the_policy_stops_what_would_run(new_page: NewPage) -> None:
    page = new_page(expected="Content Security Policy")
    page.goto("/portal/sign-in")
    page.evaluate(INJECTION)
    page.wait_for_timeout(200)
    assert page.evaluate("window.ran") is None
