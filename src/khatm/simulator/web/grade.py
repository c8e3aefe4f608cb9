"""The grade for people: live in the portal, and as a page that needs nothing but itself, in both languages."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment
from markupsafe import Markup, escape
from starlette.responses import Response

from khatm.errors import Language
from khatm.simulator.grading.board import STATES
from khatm.simulator.grading.cases import CASES, GROUPS, Case, finding_template
from khatm.simulator.grading.grader import Grade
from khatm.simulator.manage_grade import grader_of
from khatm.simulator.web.rendering import code, templates
from khatm.simulator.web.visit import LANGUAGES, Visit

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""Nothing runs and nothing is fetched, whatever slipped through escaping."""


async def show(visit: Visit) -> Response:
    """Show how the client does at this moment."""
    grade = grader_of(visit.fatoora).grade()
    return visit.page("grade.html", **_shown(grade, visit.language), linked=True)


def report_page(grade: Grade) -> str:
    """Return the page of a report: one file, no script, a switch between English and Arabic."""
    known = templates()
    sheet = files(__package__).joinpath("static", "portal.css").read_text(encoding="utf-8")
    return known.get_template("grade_report.html").render(
        language="en",
        policy=_POLICY,
        style=Markup("<style>{}</style>").format(Markup(sheet)),  # noqa: S704 - our own
        parts=[(each, "rtl" if each == "ar" else "ltr", _part(known, grade, each)) for each in LANGUAGES],
    )


def _part(known: Environment, grade: Grade, language: Language) -> Markup:
    values = _shown(grade, language)
    return Markup(known.get_template("grade_cases.html").render(language=language, linked=False, **values))  # noqa: S704 - escaped


def _shown(grade: Grade, language: Language) -> dict[str, Any]:
    return {
        "grade": grade,
        "counts": [(state, grade.count(state)) for state in STATES],
        "groups": [
            (group, [_case(grade, each, language) for each in CASES if each.group == group]) for group in GROUPS
        ],
    }


def _case(grade: Grade, case: Case, language: Language) -> dict[str, Any]:
    mark = grade.marks[case.id]
    return {
        "number": case.number,
        "id": case.id,
        "state": mark.state,
        "provoked": case.provoked,
        "source": case.source,
        "title": case.text("title", language),
        "looks": case.text("looks", language),
        "fix": case.text("fix", language) if mark.state in ("failed", "undecided") else None,
        "finding": None if mark.finding is None else _finding(mark.finding, language, mark.facts),
        "evidence": [each.members for each in mark.evidence],
    }


def _finding(finding: str, language: Language, facts: Mapping[str, object]) -> Markup:
    """Return the sentence, its facts escaped and written left to right in either language."""
    return escape(finding_template(finding, language)).format(**{name: code(each) for name, each in facts.items()})
