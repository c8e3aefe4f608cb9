"""What the documentation promises is there: links, switches, the schema, the examples, the commands."""

import functools
import json
import re
import runpy
from decimal import Decimal
from pathlib import Path

import pytest

from khatm.cli.khatm import COMMANDS, khatm
from khatm.doctor import causes
from khatm.document.arithmetic import compute
from khatm.document.model import read_document
from khatm.ledger.audit.breaks import TEXTS
from khatm.rules.catalogue import codes
from khatm.simulator.switches import Switches
from khatm.stamp.csr import CsrFields, lint, read_properties

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#]*)(?:#([^)]+))?\)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://")):
            found = page.parent / target if target else page
            assert found.exists(), target
            assert not anchor or anchor in anchors(found), f"{target}#{anchor}"


@functools.cache
def anchors(page: Path) -> set[str]:
    """The places that a link can name: anchors of the page's own, and headings as code hosts and the site name them."""
    text = page.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    named = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return named | set(re.findall(r'<a id="([^"]+)"></a>', text))


def test_every_page_is_named_by_the_index_or_by_the_list_of_decisions() -> None:
    docs = ROOT / "docs"
    named = set(re.findall(r"\]\(([^)#]+\.md)\)", (docs / "index.md").read_text(encoding="utf-8")))
    assert named >= {page.name for page in docs.glob("*.md")} - {"index.md"}


def test_a_page_of_plain_markdown_needs_no_site() -> None:
    """No directive of the site's own stands in a page; docs/conf.py adds what it needs."""
    for page in PAGES:
        assert not re.search(r"^(```|:::|\.\. )\{", page.read_text(encoding="utf-8"), re.MULTILINE), page.name


def test_generated_parts_are_up_to_date() -> None:
    make = runpy.run_path(str(ROOT / "docs" / "make.py"))
    for path, text in make["generated"]().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run python docs/make.py"


@pytest.mark.parametrize("name", ["codes.md", "codes.ar.md"])
def test_every_code_has_its_place_on_the_page_of_codes(name: str) -> None:
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    anchors = re.findall(r'<a id="([^"]+)"></a>', text)
    assert len(anchors) == len(set(anchors))
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= set(anchors)
    assert {code.replace(" ", "-") for code in (*codes(), *causes.codes())} <= set(anchors)
    assert re.findall(r"^### (.+)$", text, re.MULTILINE).count("KSA-13") == 2  # a term, and a code of the SDK
    assert text.startswith('<div dir="rtl">\n\n') == text.endswith("\n</div>\n") == name.endswith(".ar.md")
    assert f"docs/{name}" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_switch_is_documented_with_its_defaults() -> None:
    page = (ROOT / "docs" / "simulator.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \|(.*)$", page.partition("\n## Switches\n")[2], re.MULTILINE))
    assert list(rows) == list(Switches.__dataclass_fields__)
    # the defaults of the gateway contract, section 14.1, for those that differ between the environments
    for name, defaults in {
        "otp": ("pattern", "portal", "portal"),
        "template_check": ("off", "on", "on"),
        "enforce_steps": ("off", "on", "on"),
        "submitted_before": ("off", "on", "on"),
        "renewal": ("200", "428", "428"),
        "signature_key_check": ("off", "on", "on"),
        "stamp_digests": ("off", "on", "on"),
        "duplicates": ("off", "on", "on"),
        "stamp": ("sandbox-faithful", "platform", "platform"),
        "ccsid_on_submission": ("accept", "refuse", "refuse"),
    }.items():
        cells = [cell.strip() for cell in rows[name].split(" | ")]
        assert cells[1:4] == [f"`{word}`" for word in defaults], name


def test_readme_names_only_commands_that_exist() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in re.findall(r"khatm ([a-z]+)[ `\n]", "\n".join(re.findall(r"`[^`]+`|^ {4,}.*$", text, re.MULTILINE))):
        assert name in COMMANDS, name


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_loads_and_explains_itself(name: str) -> None:
    command = khatm.get_command(None, name)  # type: ignore[arg-type,attr-defined]
    assert command is not None
    assert command.help


def test_examples_are_valid() -> None:
    fields = CsrFields.from_properties(read_properties((ROOT / "examples" / "till.properties").read_bytes()))
    assert lint(fields) == []
    seller = json.loads((ROOT / "examples" / "seller.json").read_text(encoding="utf-8"))
    totals = {}
    for path in (ROOT / "examples").glob("*-invoice.json"):
        computed = compute(read_document(path.read_bytes(), defaults={"seller": seller}))
        totals[path.stem] = computed.as_expected()["totals"]
    # 2 x 14 + 21.42 with VAT inside; 12 x 38.50 plus 15 %
    assert Decimal(totals["simplified-invoice"]["payable"]) == Decimal("49.42")
    assert Decimal(totals["standard-invoice"]["payable"]) == Decimal("531.30")


def test_every_kind_of_break_is_explained() -> None:
    page = (ROOT / "docs" / "chain.md").read_text(encoding="utf-8")
    named = {
        name for row in re.findall(r"^\| (`[^|]+`) \|", page, re.MULTILINE) for name in re.findall(r"`([^`]+)`", row)
    }
    assert set(TEXTS) <= named
