"""The client: one method per call of the gateway; each returns an Outcome and never raises for the network's doings."""

from types import TracebackType
from typing import Literal

from khatm.clock import Clock, SystemClock
from khatm.environment import Environment
from khatm.gateway.calls import Call, Credentials, Submission, csr_body, request_id_body
from khatm.gateway.environments import gateway_base
from khatm.gateway.errors import UnusableOtp
from khatm.gateway.exchange import evidence, without_echo
from khatm.gateway.outcome import judge
from khatm.gateway.transport import Headers, HttpTransport, Transport, WireRequest
from khatm.gateway.verdict import Outcome

_CLEARANCE_STATUS = {Call.REPORTING: "0", Call.CLEARANCE: "1"}
_OTP_LENGTHS = range(4, 11)


class Gateway:
    """ZATCA's gateway for one environment, as a client sees it.

    `base_url` replaces `https://gw-fatoora.zatca.gov.sa/e-invoicing`; anything but https is refused unless it is
    loopback. Raises at construction the errors of `khatm.gateway.environments.gateway_base`. The transport given is
    closed with the gateway. Source: the gateway contract 1.
    """

    def __init__(
        self,
        environment: Environment,
        *,
        base_url: str | None = None,
        transport: Transport | None = None,
        clock: Clock | None = None,
        language: Literal["en", "ar"] = "en",
    ) -> None:
        self.environment = environment
        self.base = gateway_base(environment, base_url)
        self._transport = transport or HttpTransport()
        self._clock = clock or SystemClock()
        self._language = language

    def compliance_csid(self, csr_pem: bytes, otp: str) -> Outcome:
        """Ask for a CCSID with a CSR and an OTP (endpoint 1); `outcome.csid` holds it when accepted."""
        return self._call(Call.COMPLIANCE_CSID, csr_body(csr_pem), otp=otp)

    def check_compliance(self, credentials: Credentials, submission: Submission) -> Outcome:
        """Submit one test document with the CCSID (endpoint 2); accepted means that its step is done."""
        return self._call(Call.COMPLIANCE_CHECK, submission.body(), credentials=credentials)

    def production_csid(self, credentials: Credentials, compliance_request_id: str) -> Outcome:
        """Ask for the PCSID with the CCSID and its requestID (endpoint 3)."""
        return self._call(Call.PRODUCTION_CSID, request_id_body(compliance_request_id), credentials=credentials)

    def renew_csid(self, credentials: Credentials, csr_pem: bytes, otp: str) -> Outcome:
        """Renew with the current PCSID (endpoint 4); `outcome.csid.kind` says whether a PCSID or a CCSID came."""
        return self._call(Call.RENEWAL, csr_body(csr_pem), credentials=credentials, otp=otp)

    def report(self, credentials: Credentials, submission: Submission) -> Outcome:
        """Report one simplified document with the PCSID (endpoint 5)."""
        return self._call(Call.REPORTING, submission.body(), credentials=credentials)

    def clear(self, credentials: Credentials, submission: Submission) -> Outcome:
        """Clear one standard document with the PCSID (endpoint 6); `outcome.cleared_invoice` is the XML to deliver."""
        return self._call(Call.CLEARANCE, submission.body(), credentials=credentials)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> "Gateway":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _call(
        self, call: Call, body: bytes, *, credentials: Credentials | None = None, otp: str | None = None
    ) -> Outcome:
        request = WireRequest(call.method, self.base + call.path, self._headers(call, credentials, otp), body)
        started = self._clock.now()
        answer = without_echo(request, self._transport.send(request))
        return judge(call, answer, evidence(request, answer, started, self._clock.now()))

    def _headers(self, call: Call, credentials: Credentials | None, otp: str | None) -> Headers:
        headers = [
            ("Accept", "application/json"),
            ("Accept-Language", self._language),
            ("Accept-Version", "V2"),
            ("Content-Type", "application/json"),
        ]
        if otp is not None:
            headers.append(("OTP", _digits(otp)))
        if call in _CLEARANCE_STATUS:
            headers.append(("Clearance-Status", _CLEARANCE_STATUS[call]))
        if credentials is not None:
            headers.append(("Authorization", credentials.authorization()))
        return tuple(headers)


def _digits(otp: str) -> str:
    """Return an OTP in ASCII digits (an Arabic keyboard may give others), or raise UnusableOtp."""
    text = "".join(otp.split())
    if not text.isdecimal() or len(text) not in _OTP_LENGTHS:
        raise UnusableOtp(length=len(text))
    return "".join(str(int(digit)) for digit in text)
