"""Rules that a client keeps or breaks with every call: nothing is provoked, each call is looked at.

Source: gateway contract, sections 1, 2, 3, 5, 6 and 8.
"""

from collections.abc import Callable
from typing import Final

from khatm.environment import Environment
from khatm.simulator.access import version_accepted
from khatm.simulator.body_checks import same_uuid
from khatm.simulator.causes import Cause
from khatm.simulator.compliance import missing_steps
from khatm.simulator.fatoora import Fatoora
from khatm.simulator.faults import EndpointName
from khatm.simulator.grading.board import Board
from khatm.simulator.grading.books import is_submission
from khatm.simulator.grading.sighting import SUBMISSIONS, Sighting
from khatm.simulator.registry import CredentialKind

_FOREIGN: Final = frozenset(
    {
        Cause.NO_AUTHORIZATION,
        Cause.UNREADABLE_AUTHORIZATION,
        Cause.UNKNOWN_TOKEN,
        Cause.WRONG_SECRET,
        Cause.OTHER_ENVIRONMENT,
    }
)
_KINDS: Final[dict[EndpointName, CredentialKind]] = {
    "production_csid": "ccsid",
    "renewal": "pcsid",
    "reporting": "pcsid",
    "clearance": "pcsid",
}
_STAMP: Final = frozenset({"SIGNATURE_ERRORS", "CERTIFICATE_ERRORS", "QRCODE_VALIDATION"})
_NO_STAMP: Final = frozenset({"certificate-permissions", "SELF_BILLED_VALIDATION"})
"""Codes of these categories that are about VAT numbers."""
_LATE = "BR-KSA-98"
_OTPS: Final[tuple[EndpointName, ...]] = ("compliance_csid", "renewal")


class Observations:
    """Looks at every call."""

    def __init__(self, fatoora: Fatoora, board: Board) -> None:
        self._fatoora = fatoora
        self._board = board
        self._settled_otps: set[tuple[Environment, str]] = set()
        self._turned_away: set[str] = set()
        self._timed: set[str] = set()
        self._looks: tuple[Callable[[Sighting], None], ...] = (
            self._address, self._version, self._credentials, self._kind, self._otp_header, self._otp_once,
            self._steps, self._request_id, self._hash, self._stamp, self._endpoint, self._clearance_status, self._time,
        )  # fmt: skip

    def see(self, sighting: Sighting) -> None:
        """Judge one call by every rule that it falls under."""
        if sighting.exchange.request.method != "OPTIONS":
            for look in self._looks:
                look(sighting)

    def _judge(self, case: str, sighting: Sighting, broken: str | None, **facts: object) -> None:
        if broken is None:
            self._board.kept(case, sighting)
        else:
            self._board.failed(case, broken, sighting, **facts)

    def _address(self, sighting: Sighting) -> None:
        request, cause = sighting.exchange.request, sighting.cause
        if sighting.endpoint is None:
            self._judge("known-calls", sighting, "address_wrong", found=f"{request.method} {request.path}")
        elif cause in (Cause.WRONG_CONTENT_TYPE, Cause.NO_JSON_OBJECT):
            self._judge("known-calls", sighting, "body_wrong", found=request.header("content-type") or "—")
        else:
            self._judge("known-calls", sighting, None)

    def _version(self, sighting: Sighting) -> None:
        if sighting.environment is None:
            return
        request = sighting.exchange.request
        accepted = version_accepted(request, self._fatoora.switches(sighting.environment))
        found = request.header("accept-version") or "—"
        self._judge("accept-version", sighting, None if accepted else "version_wrong", found=found)

    def _credentials(self, sighting: Sighting) -> None:
        if sighting.endpoint in (None, "compliance_csid") or not sighting.is_true:
            return
        foreign = sighting.cause in _FOREIGN
        self._judge("credentials-unaltered", sighting, "credentials_wrong" if foreign else None, found=sighting.cause)

    def _kind(self, sighting: Sighting) -> None:
        held, endpoint = sighting.credential, sighting.endpoint
        if held is None or endpoint not in _KINDS:
            return
        wrong = held.kind != _KINDS[endpoint]
        self._judge("right-csid", sighting, "kind_wrong" if wrong else None, found=held.kind.upper(), endpoint=endpoint)

    def _otp_header(self, sighting: Sighting) -> None:
        if sighting.endpoint not in _OTPS:
            return
        otp = sighting.otp or ""
        wrong = not (otp.isascii() and otp.isdigit() and len(otp) in (5, 6))
        self._judge("otp-in-header", sighting, "otp_missing" if wrong else None, endpoint=sighting.endpoint)

    def _otp_once(self, sighting: Sighting) -> None:
        environment, otp = sighting.environment, sighting.otp
        if sighting.endpoint not in _OTPS or environment in (None, Environment.SANDBOX) or not otp:
            return
        key = (environment, otp)
        self._judge("otp-used-once", sighting, "otp_again" if key in self._settled_otps else None)
        refused = any(each["code"] == "Invalid-OTP" for each in sighting.messages)
        if sighting.sent in (200, 428) or (sighting.sent == 400 and refused):
            self._settled_otps.add(key)

    def _steps(self, sighting: Sighting) -> None:
        held, environment = sighting.credential, sighting.environment
        if sighting.endpoint != "production_csid" or held is None or environment is None or held.kind != "ccsid":
            return
        switches = self._fatoora.switches(environment)
        if switches.enforce_steps:
            missing = missing_steps(held.type_map, self._fatoora.registry.steps(held.id), qr_steps=switches.qr_steps)
            found = ", ".join(missing)
            self._judge("steps-before-pcsid", sighting, "steps_missing" if missing else None, steps=found)

    def _request_id(self, sighting: Sighting) -> None:
        if sighting.endpoint != "production_csid" or not sighting.is_true or sighting.cause in _FOREIGN:
            return
        codes = {str(each["code"]) for each in sighting.messages}
        wrong = any("compliance_request_id" in each or "ComplianceRequestId" in each for each in codes)
        self._judge("request-id", sighting, "request_id_wrong" if wrong else None)

    def _hash(self, sighting: Sighting) -> None:
        sent = sighting.document
        if sent is None:
            return
        wrong = [] if sent.body_hash == sent.document_hash else ["invoiceHash"]
        wrong += [] if same_uuid(sent.body_uuid, sent.uuid) else ["uuid"]
        self._judge("hash-and-uuid", sighting, "member_wrong" if wrong else None, found=", ".join(wrong))

    def _stamp(self, sighting: Sighting) -> None:
        if sighting.document is None or not sighting.is_true or sighting.exchange.verdict in ("refused", "failed"):
            return
        found = [
            str(each["code"])
            for each in sighting.messages
            if each.get("category") in _STAMP and each["code"] not in _NO_STAMP
        ]
        self._judge("stamp", sighting, "stamp_wrong" if found else None, found=", ".join(found))

    def _endpoint(self, sighting: Sighting) -> None:
        sent, environment = sighting.document, sighting.environment
        if not is_submission(sighting) or sent is None or environment is None or sent.profile is None:
            return
        if sighting.sent == 303:
            self._turned_away.add(sent.document_hash)
        cleared = sighting.endpoint == "clearance"
        instead = sent.document_hash in self._turned_away or not self._fatoora.switches(environment).clearance_enabled
        right = cleared == (sent.profile == "standard") or (not cleared and instead)
        self._judge("right-endpoint", sighting, None if right else "endpoint_wrong", endpoint=sighting.endpoint)

    def _clearance_status(self, sighting: Sighting) -> None:
        if sighting.endpoint not in SUBMISSIONS:
            return
        found = sighting.exchange.request.header("clearance-status")
        allowed = (None, "1") if sighting.endpoint == "clearance" else (None, "0", "1")
        wrong = found not in allowed
        facts = {"found": found, "endpoint": sighting.endpoint}
        self._judge("clearance-status", sighting, "clearance_status_wrong" if wrong else None, **facts)

    def _time(self, sighting: Sighting) -> None:
        sent = sighting.document
        if not is_submission(sighting) or sent is None or sent.profile != "simplified" or not sighting.is_true:
            return
        if sent.document_hash in self._timed or sighting.exchange.verdict in ("refused", "failed"):
            return
        self._timed.add(sent.document_hash)
        late = any(each["code"] == _LATE for each in sighting.messages)
        self._judge("within-24-hours", sighting, "late" if late else None)
