"""Write the generated parts of the documentation: `python docs/make.py` (a test fails when they are out of date)."""

import ast
import inspect
import json
import re
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Final, get_args

from khatm.cli.explain import Part, parts
from khatm.doctor import causes
from khatm.document.model import json_schema
from khatm.environment import Environment
from khatm.errors import Language
from khatm.gateway.calls import Call
from khatm.gateway.messages import BodyFamily
from khatm.gateway.outcome import TABLE, UNEXPECTED, Row
from khatm.gateway.transport import Fault
from khatm.gateway.verdict import Action, Verdict
from khatm.rules import ksa
from khatm.rules.catalogue import Entry, Kind, codes, explain
from khatm.simulator.switches import Switches, default_switches, shown_value

DOCS = Path(__file__).resolve().parent
_TABLE = re.compile(r"^\| Switch \|.*?(?=^\n|\n\n)", re.MULTILINE | re.DOTALL)
_FIGURES = re.compile(r"(<!-- [^>]*: figures -->\n).*(<!-- end of figures -->)", re.DOTALL)
_CAUSES = re.compile(r"(<!-- causes -->\n).*(<!-- end of causes -->)", re.DOTALL)
_SECTION = re.compile(r" \((?:client behaviour |stamp standard )?[0-9][0-9., item]*\)(?=[.;])")


def generated() -> dict[Path, str]:
    """Return the text of every file that has a generated part, by path."""
    page, opinion, doctor = DOCS / "simulator.md", DOCS / "second-opinion.md", DOCS / "doctor.md"
    schema = json.dumps(json_schema(), ensure_ascii=False, indent=1) + "\n"
    return {
        DOCS / "authoring.schema.json": schema,
        DOCS / "profile.toml": profile(),
        page: _TABLE.sub(lambda _: switches_table(), page.read_text(encoding="utf-8"), count=1),
        opinion: _FIGURES.sub(lambda found: found[1] + figures() + found[2], opinion.read_text(encoding="utf-8")),
        doctor: _CAUSES.sub(lambda found: found[1] + causes_table() + found[2], doctor.read_text(encoding="utf-8")),
        DOCS / "outcomes.md": outcomes_page(),
        DOCS / "codes.md": codes_page("en"),
        DOCS / "codes.ar.md": codes_page("ar"),
    }


def figures() -> str:
    """Return the figures and reasons of the campaigns against another validator, as the tests recorded them."""
    if str(DOCS.parent) not in sys.path:
        sys.path.insert(0, str(DOCS.parent))
    from tests.differential.page import tables

    return f"\n{tables()}\n"


def causes_table() -> str:
    """Return the table of the doctor's causes; the facts of a case stand as an ellipsis."""
    lines = ["", "| Code | | What went wrong | بالعربية |", "|---|---|---|---|"]
    for code in causes.codes():
        told = (causes.cause(code, {}, language).replace("|", "\\|") for language in get_args(Language))
        lines.append(f"| `{code}` | {causes.severity(code)} | {' | '.join(told)} |")
    return "\n".join(lines) + "\n\n"


def switches_table() -> str:
    """Return the table of switches with values, defaults per environment, and the sentence beside each in the code."""
    defaults = [default_switches(each) for each in Environment]
    lines = ["| Switch | Values | Sandbox | Simulation | Production | What it does |", "|---|---|---|---|---|---|"]
    for name, told in _told(Switches).items():
        values = Switches.__dataclass_fields__[name].metadata["values"].allowed
        cells = " | ".join(f"`{shown_value(getattr(each, name))}`" for each in defaults)
        lines.append(f"| `{name}` | {values} | {cells} | {_SECTION.sub('', told)} |")
    return "\n".join(lines)


_OUTCOMES_HEAD: Final = """# Outcomes

What each answer of the gateway means, and the one safe thing to do next. The first row that fits an answer decides;
the order is that of `TABLE` in `src/khatm/gateway/outcome.py`, from which this page is generated
(`python docs/make.py`).

Three rules stand behind the table:

- The status and the codes decide, never a sentence. A 409 that says `NOT_REPORTED` means that the authority has the
  document: success.
- The same bytes may always be sent again. At worst the answer is 409 or 208. A time-out therefore never means a new
  document.
- A document that was refused is never sent again. It keeps its counter; the corrected one is a new document with a
  new UUID.

## Verdicts

{verdicts}

## The table

"Any" as a body means that it is not looked at. "Own" is a body of the gateway itself, an empty one included, and not
a page of something in front of it.

{rows}
"""
_CALLS: Final = {
    Call.COMPLIANCE_CSID: "CCSID",
    Call.COMPLIANCE_CHECK: "check",
    Call.PRODUCTION_CSID: "PCSID",
    Call.RENEWAL: "renewal",
    Call.REPORTING: "reporting",
    Call.CLEARANCE: "clearance",
}
_FAULTS: Final = {
    Fault.UNREACHABLE: "no connection",
    Fault.UNTRUSTED: "TLS certificate does not verify",
    Fault.LOST: "connection lost",
    Fault.TIMED_OUT: "no answer in time",
    Fault.TOO_LARGE: "answer too large",
}
_BODIES: Final = {
    BodyFamily.RESULT: "validation results",
    BodyFamily.TOKEN: "CSID",
    BodyFamily.HTML: "web page",
    BodyFamily.BROKEN: "cut off or malformed",
}
_FITS: Final = {
    "_so": "",
    "_no": "denies: `NOT_REPORTED`, `NOT_CLEARED` or `ERROR`, and nothing done",
    "_yes": "confirms: `REPORTED`, `CLEARED`, `PASS` or `WARNING`, and no denial",
    "_warned": "confirms, with a warning (or 202)",
    "_copy": "with `clearedInvoice`",
    "_copy_yes": "confirms, with `clearedInvoice`",
    "_copy_warned": "confirms with a warning, with `clearedInvoice`",
    "_cleared": "`CLEARED`, without `clearedInvoice`",
    "_cleared_warned": "`CLEARED` with a warning, without `clearedInvoice`",
    "_explained": "with at least one error that says something",
    "_issued": "`ISSUED`, with token, secret and, for a CCSID, request id",
    "_not_compliant_pair": "with token and secret, on 428 or `NOT_COMPLIANT`",
    "_ca_refused": "not issued, and an error says why or the request id is negative",
    "_refused": "not issued",
}


def outcomes_page() -> str:
    """Return the page of the outcome table."""
    verdicts, actions = _told(Verdict), _told(Action)
    words = ["| Verdict | Meaning |", "|---|---|"]
    for each in Verdict:
        words.append(f"| `{each.value}` | {verdicts[each.name]} |")
    lines = ["| Row | Call | Answer | Body | Verdict | What to do |", "|---|---|---|---|---|---|"]
    for row in (*TABLE, UNEXPECTED):
        todo = f"`{row.action.value}`: {actions[row.action.name]}"
        cells = (f"`{row.name}`", _called(row), _answered(row), _body(row), f"`{row.verdict.value}`", todo)
        lines.append(f"| {' | '.join(cells)} |")
    return _OUTCOMES_HEAD.format(verdicts="\n".join(words), rows="\n".join(lines))


def _called(row: Row) -> str:
    return "all" if row.calls == set(Call) else ", ".join(words for call, words in _CALLS.items() if call in row.calls)


def _answered(row: Row) -> str:
    """Say which statuses or faults a row is about; whole hundreds as 4xx."""
    if row is UNEXPECTED:
        return "anything else"
    faults = [words for fault, words in _FAULTS.items() if fault in row.where]
    left = {each for each in row.where if not isinstance(each, Fault)}
    hundreds = [first for first in range(100, 600, 100) if set(range(first, first + 100)) <= left]
    for first in hundreds:
        left -= set(range(first, first + 100))
    return ", ".join([*faults, *(f"{first // 100}xx" for first in hundreds), *map(str, sorted(left))])


def _body(row: Row) -> str:
    named = [words for family, words in _BODIES.items() if family in row.families]
    kind = "any" if not row.families else "own" if len(row.families) > len(_BODIES) else ", ".join(named)
    if row.fits.__name__ == "carries":
        [codes_named] = [cell.cell_contents for cell in row.fits.__closure__ or ()]
        return f"{kind}, names {' or '.join(f'`{code}`' for code in codes_named)}"
    looks = _FITS[row.fits.__name__]
    return f"{kind}, {looks}" if looks else kind


_GROUPS: Final = (
    ("ksa", "Rules of the Saudi stylesheet (BR-KSA)", "قواعد الملف السعودي (BR-KSA)"),
    ("en", "Rules of the EN 16931 stylesheet", "قواعد ملف EN 16931"),
    ("own", "Rules of this product beside the official ones", "قواعد هذا البرنامج إلى جانب القواعد الرسمية"),
    ("advice", "Advice", "النصائح"),
    ("structure", "XML and structure", "الملف والبنية"),
    ("check", "Checks of stamp, QR code and chain", "فحوص الختم ورمز الاستجابة السريعة والسلسلة"),
    ("gateway", "Codes of the gateway, the onboarding and the SDK", "رموز البوابة والربط وحزمة التطوير"),
    ("doctor", "Causes that `khatm doctor` names", "الأسباب التي يذكرها `khatm doctor`"),
    ("term", "Terms of the data dictionary", "مصطلحات قاموس البيانات"),
)
_HEAD: Final[dict[Language, str]] = {
    "en": """# Every code, explained

What `khatm explain CODE` says, for all {count} codes and terms. [بالعربية](codes.ar.md). This page is generated from
the catalogue (`python docs/make.py`).
""",
    "ar": """<div dir="rtl">

# شرح كل رمز

ما يقوله الأمر `khatm explain CODE --language ar` عن {count} رمزًا ومصطلحًا. [In English](codes.md). تُنشأ هذه الصفحة من
الفهرس بالأمر `python docs/make.py`.
""",
}


def codes_page(language: Language) -> str:
    """Return the page of all codes and terms, grouped, each with an anchor of its own."""
    grouped: dict[str, list[Entry]] = {name: [] for name, *_ in _GROUPS}
    for kind in get_args(Kind):
        for code in codes(kind):
            entry = explain(code, kind)
            assert entry is not None
            grouped[_group(entry)].append(entry)
    grouped["doctor"] = [entry for code in causes.codes() if (entry := causes.entry(code))]
    for held in grouped.values():
        held.sort(key=_order)
    blocks = [_HEAD[language].format(count=sum(map(len, grouped.values())))]
    titles = {name: (english, arabic)[language == "ar"] for name, english, arabic in _GROUPS}
    blocks.append("".join(f"- [{titles[name]}](#{name}) ({len(held)})\n" for name, held in grouped.items()))
    for name, held in grouped.items():
        blocks.append(f'<a id="{name}"></a>\n\n## {titles[name]}\n')
        blocks += [_block(entry, language) for entry in held]
    return "\n".join([*blocks, "</div>\n"] if language == "ar" else blocks)


def _order(entry: Entry) -> list[tuple[int, str]]:
    """Sort numbers within codes by value: KSA-5 before KSA-13."""
    return [(int(part), "") if part.isdigit() else (-1, part.casefold()) for part in re.split(r"(\d+)", entry.code)]


def _group(entry: Entry) -> str:
    if entry.kind != "rule":
        return entry.kind
    if entry.code.startswith("KHATM-"):
        return "own"
    return "ksa" if any(site.rule == entry.code for site in ksa.SITES) else "en"


def _block(entry: Entry, language: Language) -> str:
    text = entry.text(language)
    anchor = f'<a id="{_anchor(entry.code, entry.kind)}"></a>\n'
    lines = [anchor, f"### {entry.code}\n", *([f"{_escaped(text.title)}\n"] if text.title else [])]
    lines += [_part(part, "؛ " if language == "ar" else "; ") for part in parts(entry, language)]
    return "\n".join(lines)


def _part(part: Part, between: str) -> str:
    if part.name == "example":
        return f"**{part.heading}**\n\n```xml\n" + "\n".join(part.lines) + "\n```\n"
    if part.name in ("fields", "rules", "advice"):
        kind: Kind | None = "term" if part.name == "fields" else None
        said = " ".join(_link(line.partition("  ")[0], kind) for line in part.lines)
    elif part.name == "place":
        said = " ".join(f"`{line}`" for line in part.lines)
    else:
        said = between.join(_escaped(line) for line in part.lines)
    return f"**{part.heading}**: {said}\n"


def _link(code: str, kind: Kind | None) -> str:
    entry = explain(code, kind) or explain(code)
    known = entry is not None and entry.code == code
    return f"[{code}](#{_anchor(code, entry.kind)})" if known and entry is not None else f"`{code}`"


def _anchor(code: str, kind: Kind) -> str:
    """A term that is also a code of the gateway (KSA-13) gets a name of its own."""
    anchor = code.replace(" ", "-")
    return f"{anchor}-term" if kind == "term" and explain(code) != explain(code, "term") else anchor


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("*", "\\*")


def profile() -> str:
    """Return a profile that says what is the case anyway: every switch of every environment with its default."""
    told = _told(Switches)
    lines = [
        "# Every switch of the simulator with its default: khatm simulator --profile FILE.toml",
        "# What is left out stays as it is. A table [all] sets a switch in every environment, before the others.",
    ]
    for environment in Environment:
        lines += ["", f"[{environment.value}]"]
        for name, value in asdict(default_switches(environment)).items():
            allowed = Switches.__dataclass_fields__[name].metadata["values"].allowed
            lines += [f"# {_SECTION.sub('', told[name])} ({allowed})", f"{name} = {_toml(value)}"]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else json.dumps(value)


def _told(kind: type) -> dict[str, str]:
    """Return the sentence under each member of a class in its source."""
    [body] = ast.parse(inspect.getsource(kind)).body
    assert isinstance(body, ast.ClassDef)
    told, name = {}, ""
    for node in body.body:
        if isinstance(node, (ast.AnnAssign, ast.Assign)):
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            name = target.id if isinstance(target, ast.Name) else ""
        elif name and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            told[name], name = " ".join(str(node.value.value).split()), ""
    return told


if __name__ == "__main__":
    for path, text in generated().items():
        path.write_text(text, encoding="utf-8")
