"""From the stored evidence back to what it means: messages and sentences of an exchange long past."""

from khatm.gateway import exchange as wire
from khatm.gateway.calls import Call
from khatm.gateway.outcome import judge
from khatm.gateway.transport import Fault, WireAnswer
from khatm.gateway.verdict import Outcome
from khatm.ledger.exchanges import Exchange


def outcome_of(stored: Exchange) -> Outcome:
    """Return what a stored exchange came to, as the outcome table reads it now.

    The request's body is not among the evidence and is empty here.
    """
    kind, _, text = (stored.failure or "").partition(": ")
    body = stored.response_body or b""
    answer = WireAnswer(stored.http_status, stored.response_headers, body, Fault(kind) if kind else None, text)
    evidence = wire.Exchange(
        method=stored.method,
        url=stored.url,
        request_headers=stored.request_headers,
        request_body=b"",
        response_status=stored.http_status,
        response_headers=stored.response_headers,
        response_body=body,
        started=stored.started_at,
        ended=stored.ended_at,
        failure=stored.failure,
    )
    return judge(Call(stored.call), answer, evidence)
