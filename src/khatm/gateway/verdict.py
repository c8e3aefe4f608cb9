"""What an answer means for us: a verdict, one safe next action, and the evidence."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from khatm.errors import Language
from khatm.gateway.calls import Call, Credentials
from khatm.gateway.exchange import Exchange
from khatm.gateway.messages import BodyFamily, Message


class Verdict(StrEnum):
    """What an answer says about the matter of the call; `action` says what to do."""

    ACCEPTED = "accepted"
    """The authority has taken the document, or granted what was asked for."""
    ACCEPTED_WITH_WARNINGS = "accepted_with_warnings"
    """Taken, and something is to be mended: warnings may become errors."""
    REJECTED = "rejected"
    """The authority said no to this document or CSR; the same bytes will be refused again."""
    RETRY = "retry"
    """Nothing is decided; the action brings the matter forward without a human."""
    STOP_UNIT = "stop_unit"
    """Every further call of this unit would fare the same: hold its queue and tell someone."""
    OPERATOR = "operator"
    """This one matter needs a human; other documents of the unit may go on."""


class Action(StrEnum):
    """The one safe next step after an answer."""

    PROCEED = "proceed"
    """Finished: store the outcome (and the CSID, if there is one) and go on."""
    DELIVER_CLEARED = "deliver_cleared"
    """Cleared: store `cleared_invoice` and give that to the customer."""
    KEEP_WITHOUT_COPY = "keep_without_copy"
    """Cleared, but this answer holds no cleared invoice: take it from an earlier answer if there was one."""
    REPORT_INSTEAD = "report_instead"
    """Clearance is switched off: stamp the standard document with the unit's own CSID and report it."""
    CLEAR_INSTEAD = "clear_instead"
    """Reporting does not take this standard document: it belongs to clearance."""
    CORRECT_DOCUMENT = "correct_document"
    """Never send these bytes again; correct and issue a new document."""
    CORRECT_GENERATOR = "correct_generator"
    """A test document was refused: correct what makes it, then try freely."""
    CORRECT_CSR = "correct_csr"
    """The CSR is refused: correct its fields and start again with a new one."""
    RESEND = "resend"
    """Send the same bytes again, after `retry_after` or the usual back-off."""
    RESEND_ONCE = "resend_once"
    """Send the same bytes (with the same OTP) once more; if the answer is no better, tell someone."""
    ASK_NEW_OTP = "ask_new_otp"
    """The OTP is missing, wrong, used or expired: ask the portal's user for another."""
    RUN_MISSING_STEPS = "run_missing_steps"
    """Pass the compliance checks in `missing_steps` (all of the type map if it is empty), then call again."""
    RUN_COMPLIANCE_STEPS = "run_compliance_steps"
    """`csid` is a new CCSID: pass all checks with it, then ask for the production CSID."""
    CHECK_CREDENTIALS = "check_credentials"
    """The CSID is not accepted: revoked, renewed away, expired, or of another environment."""
    ONBOARD_ANEW = "onboard_anew"
    """These credentials lead nowhere any more: begin with a new OTP and a new CSR."""
    CHECK_CONNECTION = "check_connection"
    """What answers is not the gateway, or cannot prove that it is: check address, trust store and network."""
    FIX_CLIENT = "fix_client"
    """The request itself is wrong in form, address or version; sending it again cannot help."""
    ASK_OPERATOR = "ask_operator"
    """Show the evidence to someone and wait."""


CsidKind = Literal["compliance", "production"]


@dataclass(frozen=True, slots=True)
class Csid:
    """A CSID as the gateway handed it out: CCSID (`compliance`) or PCSID (`production`).

    `token` is the binarySecurityToken verbatim; `request_id` is the requestID as digits ("" if none came).
    """

    kind: CsidKind
    token: str = field(repr=False)
    secret: str = field(repr=False)
    request_id: str = ""

    @property
    def credentials(self) -> Credentials:
        """The pair to authenticate with."""
        return Credentials(self.token, self.secret)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one call came to: the verdict, the safe next action, what the answer brought, and the evidence.

    `missing_steps` are compliance step names, `retry_after` seconds to wait at least, `http_status` None when no
    answer came. `row` names the line of the outcome table that decided. Source: the gateway contract 9.
    """

    call: Call
    verdict: Verdict
    action: Action
    http_status: int | None
    family: BodyFamily
    messages: tuple[Message, ...]
    csid: Csid | None
    cleared_invoice: bytes | None = field(repr=False)
    missing_steps: tuple[str, ...]
    retry_after: float | None
    exchange: Exchange
    row: str
    en: str = field(repr=False)
    ar: str = field(repr=False)

    @property
    def accepted(self) -> bool:
        """Whether the authority said yes, with or without warnings."""
        return self.verdict in (Verdict.ACCEPTED, Verdict.ACCEPTED_WITH_WARNINGS)

    @property
    def warnings(self) -> tuple[Message, ...]:
        """The warnings of the answer."""
        return tuple(message for message in self.messages if message.level == "warning")

    @property
    def errors(self) -> tuple[Message, ...]:
        """The errors of the answer; all of them, since the first is not always the cause."""
        return tuple(message for message in self.messages if message.level == "error")

    def sentence(self, language: Language = "en") -> str:
        """Return what happened and what to do, for people."""
        return self.ar if language == "ar" else self.en
