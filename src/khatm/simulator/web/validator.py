"""The sandbox's web validator: one document, every stage, each finding at its line with what to do about it.

It works on the file alone: no credentials, no hash in a body. Like the SDK, the original compares issuer and serial
number with one fixed certificate; that is a switch here. Source: gateway contract, section 10.2.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import anyio
import anyio.to_thread
from starlette.responses import JSONResponse, Response

from khatm.clock import saudi_time
from khatm.errors import KhatmError
from khatm.rules import edition as editions
from khatm.rules.catalogue import explain
from khatm.rules.edition import Edition
from khatm.rules.report import finding_members, members
from khatm.rules.validation import ValidationReport, validate
from khatm.simulator.fatoora import Fatoora
from khatm.simulator.refusals import refusal
from khatm.simulator.web.places import Place, find_places
from khatm.simulator.web.source import rows_of
from khatm.simulator.web.visit import Visit, one
from khatm.stamp.certificate import read_certificate

MAX_DOCUMENT = 5 * 1024 * 1024
"""Octets, as at the gateway."""
FORM_LIMIT = 3 * MAX_DOCUMENT + 4096
"""A document in a form may take three octets for one."""
_FORM = "application/x-www-form-urlencoded"
_LONGEST_FOUND = 160
_at_once = anyio.CapacityLimiter(2)


@dataclass(frozen=True, slots=True)
class _Task:
    """One document and how it is to be judged."""

    xml: bytes
    file: str
    edition: Edition
    previous_hash: str | None
    original_habit: bool
    """Compare issuer and serial number with the sandbox's fixed certificate."""

    def judged(self, fatoora: Fatoora) -> tuple[ValidationReport, list[Place]]:
        """Return the report, and the place of each finding in the order of the stages."""
        now = fatoora.clock.now()
        fixed = fatoora.own_certificates.canned(now).der if self.original_habit else None
        report = validate(
            self.xml,
            now=saudi_time(now),
            edition=self.edition,
            previous_hash=self.previous_hash,
            reference=None if fixed is None else read_certificate(fixed),
            max_bytes=MAX_DOCUMENT,
        )
        readable = report.stages[0].status == "passed"
        return report, find_places(self.xml, report.findings(), readable=readable)


async def show(visit: Visit) -> Response:
    """Show the empty form."""
    return visit.page("validator.html", task=None, editions=list(Edition), default=editions.DEFAULT)


async def judge(visit: Visit) -> Response:
    """Judge the document in the body, or the one that a form brings, and show the report beside the source."""
    if _content_type(visit) == _FORM:
        fields = await visit.fields()
        # What was pasted may begin with a blank line, which XML does not allow before its declaration.
        text = fields.get("xml", [""])[0].lstrip()
        task = _task({name: one(fields, name) for name in fields}, text.encode("utf-8", "replace"))
    else:
        task = _task(visit.request.query_params, await visit.request.body())
    page = await anyio.to_thread.run_sync(_page, visit.fatoora, task, visit.language, limiter=_at_once)
    return visit.page("validator.html", task=task, editions=list(Edition), default=task.edition, **page)


async def api(visit: Visit) -> Response:
    """Judge the document in the body and answer the report as JSON, each finding with its line."""
    try:
        task = _task(visit.request.query_params, await visit.request.body())
    except KhatmError as error:
        return refusal(error)
    return JSONResponse(await anyio.to_thread.run_sync(_record, visit.fatoora, task, limiter=_at_once))


def _record(fatoora: Fatoora, task: _Task) -> dict[str, object]:
    report, places = task.judged(fatoora)
    record = members(report, task.file)
    lines = iter(places)
    for stage in record["stages"]:  # type: ignore[attr-defined]
        stage["findings"] = [{**each, "line": next(lines).line} for each in stage["findings"]]
    return record


def _page(fatoora: Fatoora, task: _Task, language: str) -> dict[str, object]:
    report, places = task.judged(fatoora)
    findings: list[dict[str, object]] = []
    stages = []
    for stage in report.stages:
        numbers = []
        for each in stage.findings:
            numbers.append(len(findings))
            entry = explain(each.rule)
            told = finding_members(each, report)
            findings.append(
                {
                    **told,
                    "stage": stage.stage,
                    "line": places[len(findings)].line,
                    "found": (each.found or "")[:_LONGEST_FOUND],
                    "why": entry.text("ar" if language == "ar" else "en").why if entry else "",
                }
            )
        stages.append({"stage": stage.stage, "status": stage.status, "numbers": numbers})
    counts = {name: sum(each["severity"] == name for each in findings) for name in ("error", "warning", "advice")}
    return {
        "report": report,
        "stages": stages,
        "findings": findings,
        "counts": counts,
        "rows": rows_of(task.xml[:MAX_DOCUMENT], places),
    }


def _task(options: Mapping[str, str], xml: bytes) -> _Task:
    """Read the options. Raises UnknownEdition."""
    edition = options.get("edition", "")
    return _Task(
        xml=xml,
        file=options.get("file", "")[:200] or "document.xml",
        edition=Edition.named(edition) if edition else editions.DEFAULT,
        previous_hash=options.get("pih", "").strip() or None,
        original_habit=options.get("habit", "") == "original",
    )


def _content_type(visit: Visit) -> str:
    return visit.request.headers.get("content-type", "").partition(";")[0].strip().lower()
