"""The gateway with the faults of a script in front of it: every call passes here, is answered or not, and recorded.

Source: gateway contract, section 14.2.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

from khatm.environment import Environment
from khatm.simulator import bodies
from khatm.simulator.access import claimed_token, vat_number_of
from khatm.simulator.causes import Cause
from khatm.simulator.csr import ReceivedCsr, RefusedCsr, read_csr
from khatm.simulator.delivery import Delivery, delivery_of
from khatm.simulator.errors import UnusableStore
from khatm.simulator.exchange import Request, Response
from khatm.simulator.fatoora import Fatoora
from khatm.simulator.fault_answers import altered, false_answer
from khatm.simulator.faults import EndpointName, FaultCall, Struck
from khatm.simulator.gateway import Gateway, Members, json_object
from khatm.simulator.portal import SANDBOX_EXPIRED_OTP
from khatm.simulator.received import Received
from khatm.simulator.recorder import Delivered, Exchange, FaultNote
from khatm.simulator.registry import Credential, digest

_log = logging.getLogger(__name__)


class FaultyGateway:
    """Answers every call below `/e-invoicing/`, by the script that is armed or truly."""

    def __init__(self, fatoora: Fatoora) -> None:
        self._fatoora = fatoora
        self._gateway = Gateway(fatoora)

    def body_limit(self, path: str) -> int:
        """Return how many octets of body a call to this path may have."""
        return self._gateway.body_limit(path)

    def submission(self, request: Request) -> tuple[Received, Members] | None:
        """Return what the gateway does."""
        return self._gateway.submission(request)

    def struck(self, request: Request) -> Struck | None:
        """Return the fault that strikes a call before it is processed; asked once for each call, since it counts."""
        call = self._call(request)
        if call is None:
            return None
        struck, grader = self._fatoora.faults.strike(call), self._fatoora.grader
        if struck is None and grader is not None:
            return grader.provoke(call.environment, call.endpoint, request)
        return struck

    def handle(self, request: Request, struck: Struck | None = None) -> Delivery:
        """Process one call, unless its fault prevents that, and record it; return what is to be sent and how."""
        with self._fatoora.gate.shared():
            prepared = self._prepared(request, struck)
            return self._handled(request, struck, lambda: self._gateway.answer(prepared))

    def refuse_size(self, request: Request, struck: Struck | None = None) -> Delivery:
        """Answer a body above the limit, which never reaches the application (8.7); no body given."""
        return self._handled(
            request, struck, lambda: bodies.proxy_page(413, "Request Entity Too Large").said_because(Cause.TOO_LARGE)
        )

    def _handled(self, request: Request, struck: Struck | None, answer: Callable[[], Response]) -> Delivery:
        received_at, begun = self._fatoora.clock.now(), time.perf_counter()
        prevented = struck is not None and struck.then.prevents_processing
        truth = None if prevented else answer()
        if struck is None and truth is not None:
            struck = self._struck_late(request, truth.status)
        response = truth if struck is None else self._said(request, struck, truth)
        delivery = Delivery(response) if struck is None else delivery_of(response, struck.then)
        environment, endpoint = self._gateway.endpoint_of(request) or (None, None)
        self._record(
            Exchange(
                request=request,
                response=response,
                received_at=received_at,
                seconds=time.perf_counter() - begun,
                environment=environment,
                endpoint=endpoint,
                vat_number=self._vat_number(request, environment, endpoint),
                fault=None if struck is None else _note(struck, truth, delivery),
            )
        )
        return delivery

    def _record(self, exchange: Exchange) -> None:
        """Keep an exchange, and grade it; what the authority has done stands even if it cannot be kept."""
        number = 0
        try:
            number = self._fatoora.recorder.record(exchange)
        except UnusableStore as error:
            _log.error("an exchange is not on record: %s", error)
        if self._fatoora.grader is not None:
            self._fatoora.grader.observe(number, exchange)

    def _struck_late(self, request: Request, status: int) -> Struck | None:
        call = self._call(request)
        return None if call is None else self._fatoora.faults.strike(call, status)

    def _said(self, request: Request, struck: Struck, truth: Response | None) -> Response | None:
        """Return the answer that a struck call has, None if it has none."""
        if struck.then.status is not None:
            called = self._gateway.endpoint_of(request)
            assert called is not None
            return false_answer(struck.then, called[1], self._fatoora.clock.now()).said_because(Cause.FAULT)
        return altered(truth, struck.then.change) if truth is not None and struck.then.change else truth

    def _prepared(self, request: Request, struck: Struck | None) -> Request:
        """Let happen what happens before a struck call is looked at, and return the call as it is looked at then."""
        if struck is None:
            return request
        then = struck.then
        if then.advance_seconds:
            try:
                self._fatoora.time.advance(timedelta(seconds=then.advance_seconds))
            except OverflowError:
                _log.warning("fault %s cannot move the clock any farther", struck.id)
        if then.event == "otp-expired":
            request = self._with_expired_otp(request)
        elif then.event is not None:
            self._end_credentials(request, revoked=then.event == "certificate-revoked")
        return replace(request, clearance_off=then.clearance_off, rejection=then.reject)

    def _end_credentials(self, request: Request, *, revoked: bool) -> None:
        now = self._fatoora.clock.now()
        for credential in self._claimed(request):
            if revoked:
                self._fatoora.registry.revoke_device(credential.device_id, now)
            else:
                self._fatoora.registry.expire_credential(credential.id, now)

    def _with_expired_otp(self, request: Request) -> Request:
        """Let the call's OTP expire; where OTPs are fixed values, one that stands for an expired one is looked at."""
        called = self._gateway.endpoint_of(request)
        code = request.header("otp")
        if called is None or not code:
            return request
        if self._fatoora.switches(called[0]).otp == "pattern":
            headers: Mapping[str, str] = {**request.headers, "otp": SANDBOX_EXPIRED_OTP}
            return replace(request, headers=headers)
        self._fatoora.portal.expire(called[0], code, self._fatoora.clock.now())
        return request

    def _call(self, request: Request) -> FaultCall | None:
        called = self._gateway.endpoint_of(request)
        if called is None:
            return None
        environment, endpoint = called
        return FaultCall(environment, endpoint, lambda: self._names(request, environment, endpoint))

    def _names(self, request: Request, environment: Environment, endpoint: EndpointName) -> frozenset[str]:
        """Return what the caller may be called by: of the credential that it claims, or of the CSR that it brings."""
        names: set[str] = set()
        token = claimed_token(request)
        if token is not None:
            names.add(digest(token).hex())
        for credential in self._claimed(request):
            device = self._fatoora.registry.device(credential.device_id)
            names |= {credential.vat_number} | ({device.common_name, device.egs_serial} if device else set())
        if endpoint == "compliance_csid":
            csr = self._csr(request, environment)
            names |= {csr.vat_number, csr.common_name, csr.egs_serial} if csr else set()
        return frozenset(names)

    def _vat_number(
        self, request: Request, environment: Environment | None, endpoint: EndpointName | None
    ) -> str | None:
        """Return the VAT number in the certificate that a caller names, or in the CSR that it brings."""
        if environment is not None and endpoint == "compliance_csid":
            csr = self._csr(request, environment)
            return csr.vat_number if csr else None
        token = claimed_token(request)
        return None if token is None else vat_number_of(token)

    def _csr(self, request: Request, environment: Environment) -> ReceivedCsr | None:
        text = (json_object(request.body) or {}).get("csr")
        try:
            return read_csr(text if isinstance(text, str) else "", self._fatoora.switches(environment))
        except RefusedCsr:
            return None

    def _claimed(self, request: Request) -> list[Credential]:
        called = self._gateway.endpoint_of(request)
        token = claimed_token(request)
        return [] if called is None or token is None else self._fatoora.registry.credentials_by_token(called[0], token)


def _note(struck: Struck, truth: Response | None, delivery: Delivery) -> FaultNote:
    delivered: Delivered = "nothing" if delivery.response is None else "all" if delivery.cut is None else "part"
    return FaultNote(
        id=struck.id,
        strike=struck.fired,
        then=struck.members,
        processed=truth is not None,
        true_status=None if truth is None else truth.status,
        delivered=delivered,
        case=struck.case,
    )
