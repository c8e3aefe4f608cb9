"""What the grader does to calls: each provocation once in a run, in a fixed order, one at a time at an endpoint.

A provocation is written as the `then` of a fault script, so that whoever reads the report can arm the same by hand.
Source: gateway contract, sections 9, 12 and 14.2.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

from khatm.environment import Environment
from khatm.simulator.access import authenticate, version_accepted
from khatm.simulator.compliance import missing_steps, required_steps
from khatm.simulator.errors import UnknownCase
from khatm.simulator.exchange import Request
from khatm.simulator.fatoora import Fatoora
from khatm.simulator.fault_script import read_fault
from khatm.simulator.faults import EndpointName, Struck
from khatm.simulator.grading.document_follow_ups import RETRY_AFTER
from khatm.simulator.grading.sighting import SUBMISSIONS, csr_of, read_sent
from khatm.simulator.registry import Credential

THE_GRADERS_FAULT: Final = 0
"""The number that the record shows for a provocation; faults of a script have others."""
NOTHING: Final = "none"
"""Stands for no case: whoever says so wants normal traffic judged and nothing provoked."""
_STEPS_MISSING = "The compliance certificate is not done with the following compliance steps yet"
_REJECTED_FOR = "BR-KSA-15"

Then = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ArrivingCall:
    """A call that has just come in, as far as it can be said before it is processed."""

    environment: Environment
    endpoint: EndpointName
    subject: object
    """What provocations go by one at a time: the unit, or the taxpayer as long as there is none."""
    credential: Credential | None
    document_hash: str | None


@dataclass(frozen=True, slots=True)
class Provocation:
    """One entry of the plan."""

    case: str
    endpoint: EndpointName
    then: Then | Callable[[ArrivingCall], Then]
    strikes: int = 1
    enforced_only: bool = False
    """Only where the environment enforces the compliance steps, and the unit has done them all."""


def _names_last_step(call: ArrivingCall) -> Then:
    assert call.credential is not None
    message = f"{_STEPS_MISSING} [{last_step(call.credential)}]"
    return {"status": 400, "content": {"code": "Missing-ComplianceSteps", "message": message}}


def last_step(credential: Credential) -> str:
    """Return the compliance step that a provocation says is missing."""
    return required_steps(credential.type_map)[-1]


_LOST_BEFORE: Final[Then] = {"drop": "close", "when": "before"}
_LOST_AFTER: Final[Then] = {"drop": "close", "when": "after"}

PLAN: Final[tuple[Provocation, ...]] = (
    Provocation("ccsid-answer-lost", "compliance_csid", _LOST_BEFORE),
    Provocation("check-answer-lost", "compliance_check", _LOST_AFTER),
    Provocation("missing-steps", "production_csid", _names_last_step, enforced_only=True),
    Provocation("pcsid-answer-lost", "production_csid", _LOST_AFTER),
    Provocation("report-lost-before", "reporting", _LOST_BEFORE),
    Provocation("report-answer-lost", "reporting", _LOST_AFTER),
    Provocation("too-many-requests", "reporting", {"status": 429, "retry_after": RETRY_AFTER}),
    Provocation("server-error", "reporting", {"status": 500}),
    Provocation("unavailable", "reporting", {"status": 503}, strikes=2),
    Provocation("answer-cut-off", "reporting", {"truncate": "json"}),
    Provocation("warnings", "reporting", {"change": ["false-certificate-warning"]}),
    Provocation("report-rejected", "reporting", {"reject": _REJECTED_FOR}),
    Provocation("unauthorized", "reporting", {"status": 401}),
    Provocation("clearance-answer-lost", "clearance", _LOST_AFTER),
    Provocation("gateway-timeout", "clearance", {"status": 504, "when": "after"}),
    Provocation("clearance-off", "clearance", {"clearance": "off"}),
    Provocation("clearance-rejected", "clearance", {"reject": _REJECTED_FOR}),
    Provocation("renewal-answer-lost", "renewal", _LOST_BEFORE),
)


class Provocations:
    """The plan and what is left of it."""

    def __init__(self, fatoora: Fatoora, cases: Collection[str] | None = None) -> None:
        """`cases` are those to provoke, None for all of them."""
        self._fatoora = fatoora
        self._left = [each for each in PLAN if cases is None or each.case in cases]
        self._fired: dict[str, int] = {}

    def arriving(self, environment: Environment, endpoint: EndpointName, request: Request) -> ArrivingCall | None:
        """Return a call that may be struck: it names the version, and proves who it is or brings what it needs."""
        if not version_accepted(request, self._fatoora.switches(environment)):
            return None
        if endpoint == "compliance_csid":
            csr = csr_of(self._fatoora, environment, request)
            if csr is None or not request.header("otp"):
                return None
            return ArrivingCall(environment, endpoint, csr.vat_number, None, None)
        kinds = ("ccsid",) if endpoint in ("compliance_check", "production_csid") else ("pcsid",)
        held = authenticate(self._fatoora, environment, request, kinds)  # type: ignore[arg-type]
        if held is None or (endpoint == "renewal" and not request.header("otp")):
            return None
        document_hash = None
        if endpoint == "compliance_check" or endpoint in SUBMISSIONS:
            sent = read_sent(request.body)
            if sent is None:
                return None
            document_hash = sent.document_hash
        return ArrivingCall(environment, endpoint, held.device_id, held, document_hash)

    def next(self, call: ArrivingCall) -> Struck | None:
        """Return what strikes a call, None if nothing is left for its endpoint."""
        for provocation in self._left:
            if provocation.endpoint == call.endpoint and self._fits(provocation, call):
                self._left.remove(provocation)
                return self.strike(provocation, call)
        return None

    def strike(self, provocation: Provocation, call: ArrivingCall) -> Struck:
        """Return a strike of this provocation."""
        then = provocation.then(call) if callable(provocation.then) else provocation.then
        fault = read_fault({"endpoint": provocation.endpoint, "then": dict(then)})
        fired = self._fired[provocation.case] = self._fired.get(provocation.case, 0) + 1
        return Struck(THE_GRADERS_FAULT, fired, fault.then, dict(then), provocation.case)

    def again(self, case: str, call: ArrivingCall) -> Struck:
        """Return one more strike of a provocation that strikes several times."""
        return self.strike(provocation_of(case), call)

    def put_back(self, case: str) -> None:
        """Let a provocation come again that has missed: the true answer was not what it needs."""
        order = {each.case: place for place, each in enumerate(PLAN)}
        self._left = sorted([*self._left, provocation_of(case)], key=lambda each: order[each.case])

    def _fits(self, provocation: Provocation, call: ArrivingCall) -> bool:
        if not provocation.enforced_only:
            return True
        switches, held = self._fatoora.switches(call.environment), call.credential
        if not switches.enforce_steps or held is None:
            return False
        return not missing_steps(held.type_map, self._fatoora.registry.steps(held.id), qr_steps=switches.qr_steps)


def chosen_cases(names: Collection[str]) -> frozenset[str] | None:
    """Return the cases to provoke by their ids, None for all; `none` alone is none of them. Raises UnknownCase."""
    allowed = [NOTHING] if len(names) == 1 else []
    allowed += [each.case for each in PLAN]
    for name in names:
        if name not in allowed:
            raise UnknownCase(found=name, allowed=", ".join(allowed))
    return frozenset(names) or None


def provocation_of(case: str) -> Provocation:
    """Return the entry of a case."""
    return next(each for each in PLAN if each.case == case)
