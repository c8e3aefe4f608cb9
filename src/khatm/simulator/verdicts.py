"""One word for what an answer says about the matter of its call, to find exchanges by.

Source: gateway contract, sections 4.3 (outcomes), 4.7 (renewal) and 9.
"""

import json
from typing import Literal, get_args

from khatm.simulator.exchange import Response
from khatm.simulator.faults import EndpointName

Verdict = Literal[
    "accepted",
    "accepted_with_warnings",
    "duplicate",
    "step_done",
    "rejected",
    "clearance_off",
    "issued",
    "renewal_begun",
    "refused",
    "failed",
    "unanswered",
]
"""The first six are about documents, the next two about CSIDs. `refused`: 4xx to the call itself, `failed`: 5xx."""
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

_DOCUMENTS: frozenset[EndpointName] = frozenset({"compliance_check", "reporting", "clearance"})
_BY_WORD: dict[str, Verdict] = {"PASS": "accepted", "WARNING": "accepted_with_warnings"}
_BY_STATUS: dict[int, Verdict] = {202: "accepted_with_warnings", 208: "duplicate", 303: "clearance_off"}


def verdict_of(endpoint: EndpointName | None, response: Response | None) -> Verdict:
    """Return the word for an answer of an endpoint; `endpoint` None: the call reached none."""
    if response is None:
        return "unanswered"
    status = response.status
    if status >= 500:
        return "failed"
    if endpoint in _DOCUMENTS:
        return _of_document(response)
    if status == 428:
        return "renewal_begun"
    issued = endpoint is not None and _members(response).get("dispositionMessage") == "ISSUED"
    return "issued" if status == 200 and issued else "refused"


def _of_document(response: Response) -> Verdict:
    status = response.status
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status == 409:
        return "duplicate"
    judged = _judged(response)
    if status == 200:
        return _BY_WORD.get(judged or "", "failed")
    if judged is None:
        return "refused"
    return "step_done" if status == 406 else "rejected"


def _judged(response: Response) -> str | None:
    """Return the status word of a RESULT, None for another family of body."""
    validation = _members(response).get("validationResults")
    status = validation.get("status") if isinstance(validation, dict) else None
    return status if isinstance(status, str) else None


def _members(response: Response) -> dict[str, object]:
    members = response.members
    if members is None:
        try:
            members = json.loads(response.body)
        except ValueError:
            return {}
    return members if isinstance(members, dict) else {}
