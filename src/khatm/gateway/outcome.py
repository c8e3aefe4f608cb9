"""The outcome table: every answer and every failure of the wire, and what it means for us.

TABLE is read from the top; the first row that fits decides. A verdict follows from the call, the HTTP status and what
the body says in codes and status words, never from its sentences. Source: the gateway contract 9, with 4, 6.4, 7, 12.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from khatm.gateway.calls import CSID_CALLS, DOCUMENT_CALLS, Call
from khatm.gateway.exchange import Exchange
from khatm.gateway.messages import BodyFamily, Reading, read_body
from khatm.gateway.sentences import sentences
from khatm.gateway.transport import Fault, Headers, WireAnswer
from khatm.gateway.verdict import Action, Csid, CsidKind, Outcome, Verdict


@dataclass(frozen=True, slots=True)
class Answer:
    """What a row looks at: the call, the HTTP status (None without an answer), the fault, and the body as read."""

    call: Call
    status: int | None
    fault: Fault | None
    reading: Reading


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: what it fits, and what that means.

    `where` is a set of HTTP statuses or of faults, `families` empty means any body, `fits` looks closer.
    """

    name: str
    calls: frozenset[Call]
    where: frozenset[int] | frozenset[Fault]
    families: frozenset[BodyFamily]
    fits: Callable[[Answer], bool]
    verdict: Verdict
    action: Action

    def matches(self, answer: Answer) -> bool:
        """Say whether this row speaks about the answer."""
        if answer.call not in self.calls or (answer.fault or answer.status) not in self.where:
            return False
        return (not self.families or answer.reading.family in self.families) and self.fits(answer)


# --- the columns ---------------------------------------------------------------------------------------------------

_ALL = frozenset(Call)
_DOCUMENTS = DOCUMENT_CALLS
_CSIDS = CSID_CALLS
_OTP = frozenset({Call.COMPLIANCE_CSID, Call.RENEWAL})
_CCSID = frozenset({Call.COMPLIANCE_CSID})
_CHECK = frozenset({Call.COMPLIANCE_CHECK})
_PCSID = frozenset({Call.PRODUCTION_CSID})
_RENEW = frozenset({Call.RENEWAL})
_REPORT = frozenset({Call.REPORTING})
_CLEAR = frozenset({Call.CLEARANCE})

_2XX = frozenset(range(200, 300))
_3XX = frozenset(range(300, 400))
_4XX = frozenset(range(400, 500))
_5XX = frozenset(range(500, 600))


def _at(*where: int) -> frozenset[int]:
    return frozenset(where)


def _on(*where: Fault) -> frozenset[Fault]:
    return frozenset(where)


_ANY: frozenset[BodyFamily] = frozenset()
_RESULT = frozenset({BodyFamily.RESULT})
_TOKEN = frozenset({BodyFamily.TOKEN})
_HTML = frozenset({BodyFamily.HTML})
_BROKEN = frozenset({BodyFamily.BROKEN})
_SPOKEN = frozenset(BodyFamily) - {BodyFamily.HTML, BodyFamily.BROKEN, BodyFamily.NONE}
"""Bodies of the application itself, an empty one included: not a page of something in front of it."""

_DONE = frozenset({"REPORTED", "CLEARED", "REPORTED_SUCCESSFULLY_EARLIER"})
_NOT_DONE = frozenset({"NOT_REPORTED", "NOT_CLEARED"})
_PASSED = frozenset({"PASS", "WARNING"})


def _so(answer: Answer) -> bool:
    return True


def _no(answer: Answer) -> bool:
    """Whether the body denies: one form done and the other not (CLEARED, NOT_REPORTED) is no denial."""
    words = answer.reading.statuses
    return "ERROR" in words or bool(words & _NOT_DONE and not words & _DONE)


def _yes(answer: Answer) -> bool:
    return bool(answer.reading.statuses & (_DONE | _PASSED)) and not _no(answer)


def _warned(answer: Answer) -> bool:
    loud = any(message.level != "info" for message in answer.reading.messages)
    return _yes(answer) and (answer.status == 202 or loud or "WARNING" in answer.reading.statuses)


def _copy(answer: Answer) -> bool:
    return answer.reading.cleared_invoice is not None


def _copy_yes(answer: Answer) -> bool:
    return _yes(answer) and _copy(answer)


def _copy_warned(answer: Answer) -> bool:
    return _warned(answer) and _copy(answer)


def _cleared(answer: Answer) -> bool:
    return _yes(answer) and "CLEARED" in answer.reading.statuses


def _cleared_warned(answer: Answer) -> bool:
    return _warned(answer) and _cleared(answer)


def _explained(answer: Answer) -> bool:
    return any(message.level == "error" and message.named for message in answer.reading.messages)


def _pair(answer: Answer) -> bool:
    """Whether token and secret came; the CCSID's request id is needed too, since the next call sends it back."""
    reading = answer.reading
    needs_id = answer.call is Call.COMPLIANCE_CSID or answer.status == 428 or not _issued_word(reading)
    return bool(reading.token and reading.secret) and (_positive_id(reading) or not needs_id)


def _issued(answer: Answer) -> bool:
    return _issued_word(answer.reading) and _pair(answer)


def _not_compliant_pair(answer: Answer) -> bool:
    return _pair(answer) and (answer.status == 428 or answer.reading.disposition == "NOT_COMPLIANT")


def _ca_refused(answer: Answer) -> bool:
    reading = answer.reading
    return _refused(answer) and (_explained(answer) or (reading.request_id or "").startswith("-"))


def _refused(answer: Answer) -> bool:
    return bool(answer.reading.disposition) and not _issued_word(answer.reading)


def _issued_word(reading: Reading) -> bool:
    return reading.disposition == "ISSUED"


def _positive_id(reading: Reading) -> bool:
    return reading.request_id is not None and not reading.request_id.startswith("-")


def _names(*codes: str) -> Callable[[Answer], bool]:
    def carries(answer: Answer) -> bool:
        return answer.reading.names(*codes)

    return carries


_submitted_before = _names("Submitted before")
_bad_otp = _names("Invalid-OTP", "Missing-OTP")
_bad_csr = _names("Invalid-CSR", "Missing-CSR", "EXCEED_CHARACTER_LIMIT")
_steps = _names("Missing-ComplianceSteps")
_bad_id = _names("Invalid-ComplianceRequestId", "Incorrect-ComplianceRequestId")
_bad_csid = _names("Invalid-CurrentCCSID", "Invalid-currentCSID")
_lacking = _names("Missing-compliance_request_id", "Missing-CurrentCCSID", "Missing-currentCSID")

V = Verdict
A = Action

# fmt: off
TABLE: tuple[Row, ...] = (
    # No complete answer. Where an OTP is at stake it may be spent: once more with the same one, then ask.
    Row("unreachable",       _ALL,       _on(Fault.UNREACHABLE), _ANY, _so, V.RETRY, A.RESEND),
    Row("untrusted",         _ALL,       _on(Fault.UNTRUSTED),   _ANY, _so, V.RETRY, A.CHECK_CONNECTION),
    Row("too-large",         _ALL,       _on(Fault.TOO_LARGE),   _ANY, _so, V.RETRY, A.RESEND_ONCE),
    Row("otp-answer-lost",   _OTP,       _on(Fault.LOST, Fault.TIMED_OUT), _ANY, _so, V.RETRY, A.RESEND_ONCE),
    Row("answer-lost",       _ALL,       _on(Fault.LOST, Fault.TIMED_OUT), _ANY, _so, V.RETRY, A.RESEND),
    # Statuses that decide by themselves, whatever the body.
    Row("csid-not-accepted", _REPORT | _CLEAR, _at(401), _ANY, _so, V.STOP_UNIT, A.CHECK_CREDENTIALS),
    Row("ccsid-not-accepted", _CHECK | _PCSID, _at(401), _ANY, _so, V.STOP_UNIT, A.ONBOARD_ANEW),
    Row("pcsid-not-renewable", _RENEW,   _at(401), _ANY, _so, V.STOP_UNIT, A.ONBOARD_ANEW),
    Row("unasked-login",     _CCSID,     _at(401), _ANY, _so, V.OPERATOR, A.ASK_OPERATOR),
    Row("step-done-before",  _CHECK,     _at(406), _RESULT, _submitted_before, V.ACCEPTED, A.PROCEED),
    Row("not-acceptable",    _DOCUMENTS, _at(406), _RESULT, _so, V.OPERATOR, A.ASK_OPERATOR),
    Row("wrong-version",     _ALL,       _at(406), _ANY, _so, V.STOP_UNIT, A.FIX_CLIENT),
    Row("clearance-off",     _CLEAR,     _at(303), _ANY, _so, V.RETRY, A.REPORT_INSTEAD),
    Row("clearance-on",      _REPORT,    _at(303), _ANY, _so, V.OPERATOR, A.CLEAR_INSTEAD),
    Row("redirected",        _ALL,       _3XX, _ANY, _so, V.STOP_UNIT, A.CHECK_CONNECTION),
    Row("wrong-address",     _ALL,       _at(404, 405, 415), _ANY, _so, V.STOP_UNIT, A.FIX_CLIENT),
    Row("document-too-big",  _ALL,       _at(413), _ANY, _so, V.OPERATOR, A.ASK_OPERATOR),
    Row("slow-down",         _ALL,       _at(429), _ANY, _so, V.RETRY, A.RESEND),
    # The authority has the document already: success, whatever the status words say.
    Row("already-reported",  _REPORT,    _at(208, 409), _SPOKEN, _so, V.ACCEPTED, A.PROCEED),
    Row("already-cleared",   _CLEAR,     _at(208, 409), _SPOKEN, _copy, V.ACCEPTED, A.DELIVER_CLEARED),
    Row("already-cleared-without-copy", _CLEAR, _at(208, 409), _SPOKEN, _so, V.ACCEPTED, A.KEEP_WITHOUT_COPY),
    # Documents: accepted.
    Row("contradiction",     _DOCUMENTS, _2XX, _RESULT, _no, V.RETRY, A.RESEND_ONCE),
    Row("reported-with-warnings", _REPORT, _2XX, _RESULT, _warned, V.ACCEPTED_WITH_WARNINGS, A.PROCEED),
    Row("reported",          _REPORT,    _2XX, _RESULT, _yes, V.ACCEPTED, A.PROCEED),
    Row("cleared-with-warnings", _CLEAR, _2XX, _RESULT, _copy_warned, V.ACCEPTED_WITH_WARNINGS, A.DELIVER_CLEARED),
    Row("cleared",           _CLEAR,     _2XX, _RESULT, _copy_yes, V.ACCEPTED, A.DELIVER_CLEARED),
    Row("cleared-without-copy-with-warnings", _CLEAR, _2XX, _RESULT, _cleared_warned,
        V.ACCEPTED_WITH_WARNINGS, A.KEEP_WITHOUT_COPY),
    Row("cleared-without-copy", _CLEAR,  _2XX, _RESULT, _cleared, V.ACCEPTED, A.KEEP_WITHOUT_COPY),
    Row("step-done-with-warnings", _CHECK, _2XX, _RESULT, _warned, V.ACCEPTED_WITH_WARNINGS, A.PROCEED),
    Row("step-done",         _CHECK,     _2XX, _RESULT, _yes, V.ACCEPTED, A.PROCEED),
    # Documents: refused.
    Row("rejected",          _REPORT | _CLEAR, _at(400), _RESULT, _explained, V.REJECTED, A.CORRECT_DOCUMENT),
    Row("check-rejected",    _CHECK,     _at(400), _RESULT, _explained, V.REJECTED, A.CORRECT_GENERATOR),
    Row("unexplained",       _DOCUMENTS, _at(400), _RESULT, _so, V.RETRY, A.RESEND_ONCE),
    # CSIDs: granted. A 428 brings a new CCSID; so does NOT_COMPLIANT with a pair under 200.
    Row("csid-issued",       _CSIDS,     _2XX, _TOKEN, _issued, V.ACCEPTED, A.PROCEED),
    Row("renewal-needs-checks", _RENEW,  _2XX | {428}, _TOKEN, _not_compliant_pair, V.ACCEPTED, A.RUN_COMPLIANCE_STEPS),
    # CSIDs: refused.
    Row("csr-refused-by-ca", _CSIDS,     _2XX | {400, 428}, _TOKEN, _ca_refused, V.REJECTED, A.CORRECT_CSR),
    Row("not-compliant",     _CSIDS,     _2XX | {400, 428}, _TOKEN, _refused, V.REJECTED, A.ASK_OPERATOR),
    Row("otp-refused",       _OTP,       _at(400), _ANY, _bad_otp, V.OPERATOR, A.ASK_NEW_OTP),
    Row("csr-refused",       _OTP,       _at(400), _ANY, _bad_csr, V.REJECTED, A.CORRECT_CSR),
    Row("steps-missing",     _PCSID,     _at(400, 428), _ANY, _steps, V.RETRY, A.RUN_MISSING_STEPS),
    Row("request-id-refused", _PCSID,    _at(400), _ANY, _bad_id, V.OPERATOR, A.ONBOARD_ANEW),
    Row("csid-not-valid",    _PCSID | _RENEW, _at(400), _ANY, _bad_csid, V.STOP_UNIT, A.ONBOARD_ANEW),
    Row("request-incomplete", _PCSID | _RENEW, _at(400), _ANY, _lacking, V.STOP_UNIT, A.FIX_CLIENT),
    # Answers that say nothing we can rely on.
    Row("otp-answer-malformed", _OTP,    _2XX, _ANY, _so, V.RETRY, A.RESEND_ONCE),
    Row("answer-malformed",  _ALL,       _2XX, _ANY, _so, V.RETRY, A.RESEND),
    Row("refusal-cut-off",   _ALL,       _4XX, _BROKEN, _so, V.RETRY, A.RESEND_ONCE),
    Row("otp-gateway-timeout", _OTP,     _at(504), _ANY, _so, V.RETRY, A.RESEND_ONCE),
    Row("gateway-trouble",   _ALL,       _5XX | {408, 425}, _ANY, _so, V.RETRY, A.RESEND),
    Row("page-in-between",   _ALL,       _4XX, _HTML, _so, V.RETRY, A.RESEND),
    Row("bad-request",       _ALL,       _at(400), _ANY, _so, V.OPERATOR, A.ASK_OPERATOR),
)
# fmt: on

UNEXPECTED = Row("unexpected", _ALL, frozenset(range(1000)), _ANY, _so, V.OPERATOR, A.ASK_OPERATOR)
"""What no row of the table knows."""


def decide(answer: Answer) -> Row:
    """Return the first row of TABLE that fits, UNEXPECTED if none does."""
    return next((row for row in TABLE if row.matches(answer)), UNEXPECTED)


def judge(call: Call, answer: WireAnswer, exchange: Exchange) -> Outcome:
    """Return what the answer to a call means; `exchange` is its evidence and gives the time for Retry-After dates."""
    reading = read_body(answer.body) if answer.fault is None else Reading(BodyFamily.NONE)
    row = decide(Answer(call, answer.status, answer.fault, reading))
    steps = reading.missing_steps() if row.action is A.RUN_MISSING_STEPS else ()
    en, ar = sentences(row.name, answer.status, answer.fault_text, reading.messages, steps)
    accepted = row.verdict in (V.ACCEPTED, V.ACCEPTED_WITH_WARNINGS)
    return Outcome(
        call=call,
        verdict=row.verdict,
        action=row.action,
        http_status=answer.status,
        family=reading.family,
        messages=reading.messages,
        csid=_csid(call, row, reading) if accepted and call in CSID_CALLS else None,
        cleared_invoice=reading.cleared_invoice if accepted and call is Call.CLEARANCE else None,
        missing_steps=steps,
        retry_after=retry_after(answer.headers, exchange.ended) if row.verdict is V.RETRY else None,
        exchange=exchange,
        row=row.name,
        en=en,
        ar=ar,
    )


def _csid(call: Call, row: Row, reading: Reading) -> Csid:
    needs_checks = call is Call.COMPLIANCE_CSID or row.action is A.RUN_COMPLIANCE_STEPS
    kind: CsidKind = "compliance" if needs_checks else "production"
    return Csid(kind, reading.token or "", reading.secret or "", reading.request_id or "")


_LONGEST_WAIT = timedelta(days=1).total_seconds()


def retry_after(headers: Headers, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for (number or HTTP date), between 0 and a day."""
    for name, value in headers:
        if name.lower() == "retry-after":
            seconds = _wait(value.strip(), now)
            if seconds is not None:
                return min(max(seconds, 0.0), _LONGEST_WAIT)
    return None


def _wait(value: str, now: datetime) -> float | None:
    if value.isascii() and value.isdigit():
        return float(value[:9])
    from datetime import UTC
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):  # the latter for a zone of many digits
        return None
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()
