"""The developer pages' reference of the wire."""

import json

from starlette.responses import Response

from khatm.environment import Environment
from khatm.simulator.web.visit import Visit
from khatm.simulator.web.wire import ENDPOINTS, Answer, Endpoint


async def show(visit: Visit) -> Response:
    """Show every endpoint."""
    base = f"{visit.request.url.scheme}://{visit.request.url.netloc}"
    segments = {each: each.path_segment for each in Environment}
    chosen = visit.environment if visit.session.vat_number else Environment.SANDBOX
    return visit.page(
        "reference.html",
        base=base,
        segments=segments,
        endpoints=[
            {
                "endpoint": each,
                "curl": curl(each, f"{base}/e-invoicing/{segments[chosen]}"),
                "body": json.dumps(each.body, indent=2, ensure_ascii=False),
                "answers": [(answer, _pretty(answer)) for answer in each.answers],
            }
            for each in ENDPOINTS
        ],
    )


def curl(endpoint: Endpoint, base: str) -> str:
    """Return the call as a command for a shell, its secrets as variables."""
    lines = [f"curl -X {endpoint.method} '{base}{endpoint.path}'"]
    for header in endpoint.headers:
        if header.name == "Authorization":
            lines.append('-u "$TOKEN:$SECRET"')
        elif header.name == "OTP":
            lines.append('-H "OTP: $OTP"')
        elif header.required:
            lines.append(f"-H '{header.name}: {header.value}'")
    lines.append("-d @body.json")
    return " \\\n  ".join(lines)


def _pretty(answer: Answer) -> str:
    if answer.media_type != "application/json":
        return answer.body
    return json.dumps(json.loads(answer.body), indent=2, ensure_ascii=False)
