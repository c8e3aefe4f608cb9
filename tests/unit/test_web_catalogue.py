"""The words of the simulator's pages: both languages have every key, and the templates hold none of their own."""

import re
from importlib.resources import files
from pathlib import Path

import pytest

from khatm.rules.findings import Severity, Stage, Status
from khatm.simulator.devices import Status as DeviceStatus
from khatm.simulator.grading.board import STATES
from khatm.simulator.grading.cases import GROUPS
from khatm.simulator.recorder import Delivered
from khatm.simulator.taxpayers import TaxpayerStatus
from khatm.simulator.verdicts import VERDICTS
from khatm.simulator.web import catalogue
from khatm.simulator.web.bench import _JUMPS, _SPEEDS
from khatm.simulator.web.charts import OUTCOMES
from khatm.simulator.web.fault_form import EFFECTS
from khatm.simulator.web.menu import MENU
from khatm.simulator.web.statistics import _KINDS
from khatm.simulator.web.wire import ENDPOINTS

WEB = Path(str(files("khatm.simulator.web")))
TEMPLATES = sorted((WEB / "templates").glob("*.html"))
ARABIC = re.compile(r"[\u0600-\u06ff]")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_JINJA = re.compile(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", re.DOTALL)
_SPOKEN = re.compile(
    r"\b(?:aria-label|placeholder|title|alt|data-done|data-expired|data-busy|data-failed)=\"([^\"]*)\""
)
_OWN_NAMES = frozenset({"English", "العربية", "n"})
"""Each language is named in itself, whatever the page's language is."""


def words(*types: object) -> list[str]:
    """The members of literal types."""
    return [word for each in types for word in each.__args__]  # type: ignore[attr-defined]


def test_a_key_has_both_texts_with_the_same_values() -> None:
    for key, entry in catalogue.texts().items():
        assert list(entry) == ["en", "ar"], key
        english, arabic = entry["en"], entry["ar"]
        assert english.strip(), key
        assert not ARABIC.search(english), key
        assert sorted(_PLACEHOLDER.findall(english)) == sorted(_PLACEHOLDER.findall(arabic)), key
        assert ARABIC.search(arabic) or key == "reference.openapi", f"{key} is not translated"


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda each: each.name)
def test_a_template_holds_no_text_of_its_own(template: Path) -> None:
    source = _JINJA.sub("\x00", template.read_text("utf-8"))
    visible = re.sub(r"<[^>]*>", " ", source)
    assert not re.findall(r"[^\W\d_]{2,}", visible.replace("e-invoicing", "").replace("environment", "")), visible
    for spoken in _SPOKEN.findall(source):
        assert not re.search(r"[^\W\d_]", spoken), spoken


def test_every_literal_key_of_the_templates_is_there_and_every_key_is_used() -> None:
    sources = "\n".join(each.read_text("utf-8") for each in [*TEMPLATES, *WEB.glob("*.py")])
    used = {each for each in re.findall(r"[\"']([a-z_]+(?:\.[a-z_0-9]+)+)[\"']", sources) if each in catalogue.texts()}
    literal = set(re.findall(r"(?<![\w.])t\(\"([a-z_0-9.]+)\"[,)]", sources))
    assert literal <= catalogue.texts().keys(), literal - catalogue.texts().keys()
    built = {
        *(f"{group.key}" for group in MENU),
        *(entry.key for group in MENU for entry in group.entries),
        *(f"stage.{each}" for each in words(Stage, Status)),
        *(f"severity.{each}" for each in words(Severity)),
        *(f"device.{each.lower()}" for each in words(DeviceStatus)),
        *(f"registration.{each.lower()}{more}" for each in TaxpayerStatus for more in ("", ".note")),
        *(f"environment.{each}" for each in ("sandbox", "simulation", "production")),
        *(f"environment.{each}.note" for each in ("simulation", "production")),
        *(f"outcome.{each}" for each in OUTCOMES),
        *_KINDS.values(),
        "kind.other",
        *(f"effect.{each}" for each in (*EFFECTS, "script")),
        *(f"often.{each}" for each in ("times", "every", "always")),
        *(f"jump.{each}" for each in _JUMPS),
        *(f"speed.{each}" for each in _SPEEDS),
        *(f"endpoint.{each.name}{more}" for each in ENDPOINTS for more in ("", ".note")),
        *(header.key for each in ENDPOINTS for header in each.headers),
        *(answer.key for each in ENDPOINTS for answer in each.answers),
        *(f"{each}.{word}" for each in ("onboard", "renew") for word in ("title", "lead")),
        *(f"home.{each}{more}" for each in _tiles() for more in ("", ".note")),
        *(f"verdict.{each}" for each in VERDICTS),
        *(f"exchange.delivered.{each}" for each in words(Delivered)),
        *(f"profile.{each}" for each in ("standard", "simplified")),
        *(f"grade.state.{each}" for each in STATES),
        *(f"grade.group.{each}" for each in GROUPS),
        *(f"notice.{each}" for each in re.findall(r"notice=\"(\w+)\"", sources)),
    }
    assert built <= catalogue.texts().keys(), built - catalogue.texts().keys()
    assert catalogue.texts().keys() == used | literal | built, catalogue.texts().keys() - used - literal - built


def _tiles() -> list[str]:
    return re.findall(r"\(\"/portal/\w+\", \"(\w+)\"", (WEB / "taxpayer.py").read_text("utf-8"))


def test_a_value_in_a_text_is_escaped() -> None:
    found = catalogue.text("devices.choose_one", "en", name="<script>alert(1)</script>")
    assert "<" not in found
    assert "&lt;script&gt;" in found


def test_the_style_sheet_is_the_same_for_both_directions() -> None:
    """Logical properties only; where a physical one stands it is about text that is left to right everywhere."""
    sheet = (WEB / "static" / "portal.css").read_text("utf-8")
    physical = re.findall(
        r"[^{};]*\b(?:margin|padding|border)-(?:left|right)\b[^;]*;|(?<![-\w])(?:left|right|float)\s*:\s*[^;]*;", sheet
    )
    assert [each.strip() for each in physical] == ["float: inline-end;"]
    for rule in re.findall(r"([^{}]*)\{[^{}]*text-align: left[^{}]*\}", sheet):
        assert rule.strip() in {"pre", ".source", ".call"}


def test_pages_need_nothing_from_elsewhere() -> None:
    for path in [*TEMPLATES, *(WEB / "static").iterdir()]:
        found = re.findall(r"(?:https?:)?//[\w.-]+\.\w+", path.read_text("utf-8"))
        assert set(found) <= {"http://www.w3.org"}, path.name


def test_templates_hold_neither_scripts_nor_styles_nor_handlers() -> None:
    for path in TEMPLATES:
        source = path.read_text("utf-8")
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:|\|\s*safe", source), path.name
        assert all(each.startswith(" src=") for each in re.findall(r"<script([^>]*)>", source))
