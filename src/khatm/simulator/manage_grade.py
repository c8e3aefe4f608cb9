"""Management of the grading: how the client does at this moment, and a fresh start for another one.

The shape is in docs/grading.md.
"""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from khatm.simulator.errors import InvalidManagementRequest, NotGrading
from khatm.simulator.fatoora import Fatoora
from khatm.simulator.grading.grader import Grader
from khatm.simulator.grading.report import grade_members
from khatm.simulator.manage_reading import route, shown


def routes(fatoora: Fatoora) -> list[BaseRoute]:
    """Return the routes below /manage."""

    async def show(request: Request) -> Response:
        final = request.query_params.get("final", "false")
        if final not in ("true", "false"):
            raise InvalidManagementRequest(field="final", found=shown(final), allowed="true, false")
        return JSONResponse(grade_members(grader_of(fatoora).grade(final=final == "true")))

    async def forget(_request: Request) -> Response:
        grader = grader_of(fatoora)
        grader.begin_anew()
        return JSONResponse(grade_members(grader.grade()))

    return [route("GET", "/grade", show), route("DELETE", "/grade", forget)]


def grader_of(fatoora: Fatoora) -> Grader:
    """Return the grader. Raises NotGrading where nothing is graded."""
    if fatoora.grader is None:
        raise NotGrading
    return fatoora.grader
