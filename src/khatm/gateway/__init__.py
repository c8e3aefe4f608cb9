"""ZATCA's gateway as a client sees it: six calls on three environments, and what each answer means.

`Gateway` makes the calls; every answer, failure included, comes back as one `Outcome` with a verdict and the one
safe next action. This room knows messages, not the documents inside them.
"""

from khatm.gateway.calls import Call, Credentials, Submission
from khatm.gateway.client import Gateway
from khatm.gateway.exchange import Exchange
from khatm.gateway.messages import BodyFamily, Message
from khatm.gateway.verdict import Action, Csid, Outcome, Verdict

__all__ = [
    "Action",
    "BodyFamily",
    "Call",
    "Credentials",
    "Csid",
    "Exchange",
    "Gateway",
    "Message",
    "Outcome",
    "Submission",
    "Verdict",
]
