"""An authority in memory behind the real gateway client: it answers what it is told, and keeps what it was sent."""

import base64
import json
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from khatm.clock import Clock, FixedClock, ShiftableClock
from khatm.gateway.client import Gateway
from khatm.gateway.transport import Fault, WireAnswer, WireRequest
from khatm.ledger.ledger import Ledger
from khatm.ledger.units import Unit
from khatm.submission.outbox import submit_due
from khatm.submission.report import DocumentResult, SubmissionReport
from tests.unit.ledger_stage import START, ready_ledger

Answer = WireAnswer | Callable[[WireRequest], WireAnswer]


@dataclass(frozen=True)
class Received:
    """One submission as the authority got it."""

    path: str
    user: str
    clearance_status: str
    invoice_hash: str
    uuid: str
    xml: bytes
    body: bytes


class Authority:
    """A transport that answers from a script, and when it has run out accepts everything."""

    def __init__(self, script: Iterable[Answer] = ()) -> None:
        self.script = list(script)
        self.received: list[Received] = []

    def send(self, request: WireRequest) -> WireAnswer:
        headers = dict(request.headers)
        body = json.loads(request.body)
        user = base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode().partition(":")[0]
        self.received.append(
            Received(
                request.url.rpartition("/simulation")[2],
                user,
                headers["Clearance-Status"],
                body["invoiceHash"],
                body["uuid"],
                base64.b64decode(body["invoice"]),
                request.body,
            )
        )
        answer: Answer = self.script.pop(0) if self.script else accepted
        return answer if isinstance(answer, WireAnswer) else answer(request)

    def close(self) -> None:
        pass

    @property
    def paths(self) -> list[str]:
        return [one.path for one in self.received]


def by_route(reporting: WireAnswer, clearance: WireAnswer) -> Callable[[WireRequest], WireAnswer]:
    """An answer per endpoint: the two lanes of a unit call side by side, in no order."""
    return lambda request: clearance if request.url.endswith("/clearance/single") else reporting


def json_answer(status: int, body: object, *headers: tuple[str, str]) -> WireAnswer:
    return WireAnswer(status, (("Content-Type", "application/json"), *headers), json.dumps(body).encode())


def result(status: str, **words: object) -> dict[str, object]:
    """A body of the gateway contract 4.3 without messages."""
    results = {"infoMessages": [], "warningMessages": [], "errorMessages": [], "status": status}
    return {"validationResults": results, **words}


def accepted(request: WireRequest) -> WireAnswer:
    """200 as the gateway contract 13.6 and 13.7 show it."""
    if request.url.endswith("/clearance/single"):
        cleared = json.loads(request.body)["invoice"]
        return json_answer(200, result("PASS", clearanceStatus="CLEARED", clearedInvoice=cleared))
    return json_answer(200, result("PASS", reportingStatus="REPORTED"))


def warned(request: WireRequest) -> WireAnswer:
    body = json.loads(accepted(request).body)
    body["validationResults"]["status"] = "WARNING"
    body["validationResults"]["warningMessages"] = [
        {"type": "WARNING", "code": "BR-KSA-98", "category": "KSA", "message": "[BR-KSA-98] …", "status": "WARNING"}
    ]
    return json_answer(202, body)


def rejected(request: WireRequest) -> WireAnswer:
    word = "clearanceStatus" if request.url.endswith("/clearance/single") else "reportingStatus"
    body = result("ERROR", **{word: "NOT_CLEARED" if word == "clearanceStatus" else "NOT_REPORTED"})
    error = {"type": "ERROR", "code": "BR-KSA-08", "category": "KSA", "message": "[BR-KSA-08] …", "status": "ERROR"}
    body["validationResults"]["errorMessages"] = [error]  # type: ignore[index]
    return json_answer(400, body)


DUPLICATE = json_answer(
    409,
    {
        "validationResults": {
            "infoMessages": [],
            "warningMessages": [],
            "errorMessages": [
                {
                    "type": "ERROR",
                    "code": "Invoice-Errors",
                    "category": "Duplicate-Invoice",
                    "message": "Invoice was already Reported successfully earlier.",
                    "status": "ERROR",
                }
            ],
            "status": "ERROR",
        },
        "reportingStatus": "NOT_REPORTED",
    },
)
CLEARED_BEFORE = json_answer(208, result("PASS", clearanceStatus="CLEARED", clearedInvoice=None))
UNEXPLAINED = json_answer(400, result("ERROR", reportingStatus="NOT_REPORTED"))
CLEARANCE_OFF = json_answer(303, {"message": "Clearance is deactivated. Please use the reporting endpoint instead."})
UNAUTHORIZED = json_answer(401, {"timestamp": 1772357409876, "status": 401, "error": "Unauthorized", "message": ""})
TIMEOUT_PAGE = WireAnswer(504, (("Content-Type", "text/html"),), b"<html><head><title>504</title></head></html>")
SLOW_DOWN = json_answer(429, {"message": "slow down"}, ("Retry-After", "120"))
TOO_BIG = WireAnswer(413, (("Content-Type", "text/html"),), b"<html>413</html>")
LOST = WireAnswer(None, fault=Fault.LOST, fault_text="connection reset")
UNREACHABLE = WireAnswer(None, fault=Fault.UNREACHABLE, fault_text="connection refused")


class Office:
    """A ledger with one unit ready to issue, an authority, and a clock that the test moves."""

    def __init__(self, path: Path, script: Iterable[Answer] = (), *, still: bool = False) -> None:
        """`still` keeps the clock from running by itself."""
        self.clock = ShiftableClock(FixedClock(START) if still else None)
        self.clock.set(START)
        self.ledger: Ledger = ready_ledger(path, self.clock)
        self.authority = Authority(script)
        self.heard: list[DocumentResult] = []

    def submit(self, unit: str | None = None, *, resume: bool = False) -> SubmissionReport:
        self.heard.clear()
        return submit_due(
            self.ledger,
            self.gateway,
            self.clock,
            unit,
            self.heard.append,
            resume=resume,
            rng=random.Random(7),
        )

    def gateway(self, unit: Unit) -> Gateway:
        clock: Clock = self.clock
        return Gateway(unit.environment, transport=self.authority, clock=clock)

    def later(self, seconds: float) -> None:
        self.clock.advance(timedelta(seconds=seconds))
