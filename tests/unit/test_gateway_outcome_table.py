"""Every answer of the gateway contract 9 (with 4, 6.4, 7 and 12) gets the verdict and the action written there.

The list below was written from the contract, not from the table: one line per answer and call.
"""
# ruff: noqa: E501 - one answer, one line

import json
from datetime import UTC, datetime

import pytest

from khatm.clock import FixedClock
from khatm.environment import Environment
from khatm.gateway import Action, Call, Credentials, Gateway, Outcome, Submission, Verdict
from khatm.gateway.outcome import TABLE, UNEXPECTED
from khatm.gateway.transport import Fault, ScriptedTransport, WireAnswer

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
CREDENTIALS = Credentials("VG9rZW4=", "U2VjcmV0")
DOCUMENT = Submission(
    "3f0t2F9gk1n8i0b7Yt0kq8m0m7w2w2wQbqf3m2m4h1E=", "6f3b8d0e-2a71-4c55-9d3e-0c1f5a7e9b01", b"<Invoice/>"
)

CCSID, CHECK, PCSID, RENEW, REPORT, CLEAR = (
    Call.COMPLIANCE_CSID,
    Call.COMPLIANCE_CHECK,
    Call.PRODUCTION_CSID,
    Call.RENEWAL,
    Call.REPORTING,
    Call.CLEARANCE,
)
EVERY = tuple(Call)
DOCS = (CHECK, REPORT, CLEAR)
CSIDS = (CCSID, PCSID, RENEW)
OTP_CALLS = (CCSID, RENEW)

ok, warned, rejected, retry, stop, operator = (
    Verdict.ACCEPTED,
    Verdict.ACCEPTED_WITH_WARNINGS,
    Verdict.REJECTED,
    Verdict.RETRY,
    Verdict.STOP_UNIT,
    Verdict.OPERATOR,
)
A = Action


def ask(call: Call, answer: WireAnswer) -> Outcome:
    gateway = Gateway(Environment.SIMULATION, transport=ScriptedTransport([answer]), clock=FixedClock(NOW))
    match call:
        case Call.COMPLIANCE_CSID:
            return gateway.compliance_csid(b"-----BEGIN", "123456")
        case Call.COMPLIANCE_CHECK:
            return gateway.check_compliance(CREDENTIALS, DOCUMENT)
        case Call.PRODUCTION_CSID:
            return gateway.production_csid(CREDENTIALS, "1772357405123")
        case Call.RENEWAL:
            return gateway.renew_csid(CREDENTIALS, b"-----BEGIN", "123456")
        case Call.REPORTING:
            return gateway.report(CREDENTIALS, DOCUMENT)
        case Call.CLEARANCE:
            return gateway.clear(CREDENTIALS, DOCUMENT)


def message(code="BR-KSA-08", text="[BR-KSA-08] something", kind="ERROR", category="KSA"):
    return {"type": kind, "code": code, "category": category, "message": text, "status": kind}


def result(status, *, infos=(), warnings=(), errors=(), **members):
    lists = {"infoMessages": list(infos), "warningMessages": list(warnings), "errorMessages": list(errors)}
    return {"validationResults": {**lists, "status": status}, **members}


def token(disposition="ISSUED", *, pair=True, request_id=1772357405123, errors=None):
    return {
        "requestID": request_id,
        "tokenType": None,
        "dispositionMessage": disposition,
        "binarySecurityToken": "VFVsSlEw" if pair else None,
        "secret": "EvolMW6UXYv+ZmHW2s6myzdfwqEDHG16uFjdDufKPzQ=" if pair else None,
        "errors": errors,
    }


XML = "PEludm9pY2UvPg=="
WARNING = message("BR-KSA-98", "late", "WARNING")
NULLS = {"type": "ERROR", "code": None, "category": None, "message": None, "status": "ERROR"}
REPORTED = result("PASS", reportingStatus="REPORTED")
CLEARED = result("PASS", clearanceStatus="CLEARED", clearedInvoice=XML)
CHECKED = result("PASS", reportingStatus=None, clearanceStatus="CLEARED", qrSellertStatus=None, qrBuyertStatus=None)
REFUSED = {
    REPORT: result("ERROR", errors=[message()], reportingStatus="NOT_REPORTED"),
    CLEAR: result("ERROR", errors=[message()], clearanceStatus="NOT_CLEARED", clearedInvoice=None),
    CHECK: result("ERROR", errors=[message()], reportingStatus="NOT_REPORTED", clearanceStatus=None),
}
SPRING_401 = {"timestamp": 1772357409876, "status": 401, "error": "Unauthorized", "message": ""}
SPRING_400 = {"timestamp": 1772357409876, "status": 400, "error": "Bad Request", "message": ""}
SPRING_404 = {"timestamp": 1772357409876, "status": 404, "error": "Not Found", "message": ""}
HTTPERR = {
    "category": "HTTP-Errors",
    "code": "500",
    "message": "Something went wrong and caused an Internal Server Error.",
}
FLAT_500 = {"code": "Invalid-Request", "message": "System failed to process your request"}
VERSION_TEXT = "This Version is not supported or not provided in the header."
DISABLED = {"message": "Clearance is deactiviated. Please use the /invoices/reporting/single endpoint instead."}
HTML_504 = "<html><head><title>504 Gateway Time-out</title></head><body><hr><center>nginx</center></body></html>"
SENTENCE = "The compliance certificate is not done with the following compliance steps yet"


def errlist(*codes):
    return {"errors": [{"code": code, "message": f"about {code}"} for code in codes]}


def flat(code, text="text"):
    return {"code": code, "message": text}


def flat3(code):
    return {"errorCode": "400", "errorCategory": code, "errorMessage": "The provided thing is invalid."}


def step_done(code="Submitted before"):
    text = "Compliance check already completed for SIMPLIFIED."
    errors = [message(code, text, category="Compliance-Check")]
    return result("ERROR", errors=errors, reportingStatus="NOT_REPORTED", clearanceStatus=None)


def duplicate(code, category):
    said = message(code, "Invoice was already Reported successfully earlier.", category=category)
    return result("ERROR", errors=[said], reportingStatus="NOT_REPORTED")


LATE_2025 = {"reportingStatus": "REPORTED_SUCCESSFULLY_EARLIER"}

# what it is, calls, status, body, verdict, action
CASES = [
    # --- 9, row 200
    ("200", (REPORT,), 200, REPORTED, ok, A.PROCEED),
    ("200", (CLEAR,), 200, CLEARED, ok, A.DELIVER_CLEARED),
    ("200", (CHECK,), 200, CHECKED, ok, A.PROCEED),
    ("200 simplified check", (CHECK,), 200, result("PASS", reportingStatus="REPORTED", clearanceStatus=None), ok, A.PROCEED),
    ("200 published check: one object, rest outside", (CHECK,), 200, {
        "validationResults": {"infoMessages": message("XSD_ZATCA_VALID", "Complied", "INFO")},
        "warningMessages": [], "errorMessages": [], "status": "PASS",
        "reportingStatus": "NOT_REPORTED", "clearanceStatus": "CLEARED",
        "qrSellertStatus": None, "qrBuyertStatus": None,
    }, ok, A.PROCEED),
    ("200 lists missing", (REPORT,), 200, {"validationResults": {"status": "PASS"}, "reportingStatus": "REPORTED"}, ok, A.PROCEED),
    ("200 validation null", (REPORT,), 200, {"validationResults": None, "reportingStatus": "REPORTED"}, ok, A.PROCEED),
    ("200 without copy", (CLEAR,), 200, result("PASS", clearanceStatus="CLEARED", clearedInvoice=None), ok, A.KEEP_WITHOUT_COPY),
    ("200 copy is no base64", (CLEAR,), 200, result("PASS", clearanceStatus="CLEARED", clearedInvoice="<Invoice/>"), ok, A.KEEP_WITHOUT_COPY),
    # --- 9, row 202 (and warnings under 200, which some set-ups send)
    ("202", (REPORT,), 202, result("WARNING", warnings=[WARNING], reportingStatus="REPORTED"), warned, A.PROCEED),
    ("202", (CLEAR,), 202, result("WARNING", warnings=[WARNING], clearanceStatus="CLEARED", clearedInvoice=XML), warned, A.DELIVER_CLEARED),
    ("202 without copy", (CLEAR,), 202, result("WARNING", warnings=[WARNING], clearanceStatus="CLEARED"), warned, A.KEEP_WITHOUT_COPY),
    ("202", (CHECK,), 202, result("WARNING", warnings=[WARNING], reportingStatus="REPORTED", clearanceStatus=None), warned, A.PROCEED),
    ("200 warned", (REPORT,), 200, result("WARNING", warnings=[WARNING], reportingStatus="REPORTED"), warned, A.PROCEED),
    ("202 no warning listed", (REPORT,), 202, REPORTED, warned, A.PROCEED),
    # --- 9, row 208 (4.11)
    ("208", (CLEAR,), 208, CLEARED, ok, A.DELIVER_CLEARED),
    ("208 without copy", (CLEAR,), 208, result("PASS", clearanceStatus="CLEARED"), ok, A.KEEP_WITHOUT_COPY),
    ("208 null copy", (CLEAR,), 208, result("PASS", clearanceStatus="CLEARED", clearedInvoice=None), ok, A.KEEP_WITHOUT_COPY),
    ("208 empty", (CLEAR,), 208, "", ok, A.KEEP_WITHOUT_COPY),
    ("208 cut off", (CLEAR,), 208, json.dumps(CLEARED)[:-20], retry, A.RESEND),
    ("208", (REPORT,), 208, REPORTED, ok, A.PROCEED),
    # --- 9, row 303 (4.10, 4.11, quirk 23)
    ("303", (CLEAR,), 303, DISABLED, retry, A.REPORT_INSTEAD),
    ("303 not JSON", (CLEAR,), 303, "Clearance is deactiviated", retry, A.REPORT_INSTEAD),
    ("303 broken JSON", (CLEAR,), 303, '{"message": "Clearance', retry, A.REPORT_INSTEAD),
    ("303", (REPORT,), 303, {"message": "no such text was ever seen"}, operator, A.CLEAR_INSTEAD),
    # --- 9, row 400 RESULT with errors
    ("400", (REPORT,), 400, REFUSED[REPORT], rejected, A.CORRECT_DOCUMENT),
    ("400", (CLEAR,), 400, REFUSED[CLEAR], rejected, A.CORRECT_DOCUMENT),
    ("400", (CHECK,), 400, REFUSED[CHECK], rejected, A.CORRECT_GENERATOR),
    ("400 no type, no status", (REPORT,), 400, result("ERROR", errors=[{"code": "X", "message": "Y"}], reportingStatus="NOT_REPORTED"), rejected, A.CORRECT_DOCUMENT),
    ("400 code null, text there", (REPORT,), 400, result("ERROR", errors=[{"code": None, "message": "Y"}], reportingStatus="NOT_REPORTED"), rejected, A.CORRECT_DOCUMENT),
    ("400 erroMessages", (REPORT,), 400, {"validationResults": {"erroMessages": [message()]}, "reportingStatus": "NOT_REPORTED"}, rejected, A.CORRECT_DOCUMENT),
    ("400 erros, older flat model", (CLEAR,), 400, {"invoiceHash": "x", "status": "NOT_CLEARED", "warnings": None, "erros": [{"code": "X"}], "clearedInvoice": None}, rejected, A.CORRECT_DOCUMENT),
    # --- 9, row 400 RESULT with all-null messages
    ("400 all null", DOCS, 400, result("ERROR", errors=[NULLS], reportingStatus="NOT_REPORTED"), retry, A.RESEND_ONCE),
    ("400 no message", DOCS, 400, result("ERROR", reportingStatus="NOT_REPORTED"), retry, A.RESEND_ONCE),
    # --- 9, row 400 other families
    ("400 Invalid Request", EVERY, 400, "Invalid Request", operator, A.ASK_OPERATOR),
    ("400 SPRING", EVERY, 400, SPRING_400, operator, A.ASK_OPERATOR),
    ("400 ERRLIST unknown", EVERY, 400, errlist("Something-New"), operator, A.ASK_OPERATOR),
    ("400 FLAT", DOCS, 400, flat("Invalid-OTP"), operator, A.ASK_OPERATOR),
    ("400 empty", EVERY, 400, "", operator, A.ASK_OPERATOR),
    ("400 odd JSON", EVERY, 400, {"a": 1}, operator, A.ASK_OPERATOR),
    ("400 empty list", EVERY, 400, "[]", operator, A.ASK_OPERATOR),
    ("400 cut off", EVERY, 400, '{"validationResults": {"errorMes', retry, A.RESEND_ONCE),
    # --- 9, row 401 (4.8): body irrelevant
    *(
        (f"401 {name}", calls, 401, body, verdict, action)
        for name, body in (("SPRING", SPRING_401), ("empty", ""), ("HTML", "<html></html>"), ("text", "no"))
        for calls, verdict, action in (
            ((REPORT, CLEAR), stop, A.CHECK_CREDENTIALS),
            ((CHECK, PCSID, RENEW), stop, A.ONBOARD_ANEW),
            ((CCSID,), operator, A.ASK_OPERATOR),
        )
    ),
    # --- 9, rows 406 (4.5, 4.9, quirk 8)
    ("406 version", EVERY, 406, VERSION_TEXT, stop, A.FIX_CLIENT),
    ("406 empty", EVERY, 406, "", stop, A.FIX_CLIENT),
    ("406 Submitted before", (CHECK,), 406, step_done(), ok, A.PROCEED),
    ("406 RESULT, other code", (CHECK,), 406, step_done("Something-Else"), operator, A.ASK_OPERATOR),
    ("406 Submitted before where no step is", (REPORT, CLEAR), 406, step_done(), operator, A.ASK_OPERATOR),
    # --- 9, row 409: three generations (4.10)
    ("409 published", (REPORT,), 409, duplicate(None, None), ok, A.PROCEED),
    ("409 production 2025", (REPORT,), 409, duplicate("Invoice-Errors", "Duplicate-Invoice"), ok, A.PROCEED),
    ("409 late 2025", (REPORT,), 409, LATE_2025, ok, A.PROCEED),
    ("409 empty", (REPORT,), 409, "", ok, A.PROCEED),
    ("409", (CLEAR,), 409, duplicate("Invoice-Errors", "Duplicate-Invoice"), ok, A.KEEP_WITHOUT_COPY),
    ("409 page", (REPORT, CLEAR), 409, "<html>Conflict</html>", retry, A.RESEND),
    ("409", (CHECK, *CSIDS), 409, duplicate("Invoice-Errors", "Duplicate-Invoice"), operator, A.ASK_OPERATOR),
    # --- 9, rows 413 and 429
    ("413", EVERY, 413, "", operator, A.ASK_OPERATOR),
    ("413 page", EVERY, 413, "<html>413 Request Entity Too Large</html>", operator, A.ASK_OPERATOR),
    ("429", EVERY, 429, "", retry, A.RESEND),
    ("429 page", EVERY, 429, "<html>Too Many Requests</html>", retry, A.RESEND),
    # --- 9, row 500, 502, 503, 504, HTML
    *(
        (f"{status} {name}", (CHECK, PCSID, REPORT, CLEAR), status, body, retry, A.RESEND)
        for status in (500, 502, 503, 504)
        for name, body in (("FLAT", FLAT_500), ("HTTPERR", HTTPERR), ("HTML", HTML_504), ("empty", ""), ("cut", '{"c'))
    ),
    ("500", OTP_CALLS, 500, FLAT_500, retry, A.RESEND),
    ("500 HTTPERR", OTP_CALLS, 500, HTTPERR, retry, A.RESEND),
    ("503 HTML", OTP_CALLS, 503, "<html>503</html>", retry, A.RESEND),
    ("504: perhaps processed", OTP_CALLS, 504, HTML_504, retry, A.RESEND_ONCE),
    ("other 5xx", EVERY, 520, "", retry, A.RESEND),
    ("408", EVERY, 408, "", retry, A.RESEND),
    ("403 block page", EVERY, 403, "<html>Request Rejected</html>", retry, A.RESEND),
    ("400 page", EVERY, 400, "<html>400 Bad Request</html>", retry, A.RESEND),
    # --- 9, row malformed 2xx
    *(
        (f"malformed 2xx {name}", calls, 200, body, retry, action)
        for name, body in (
            ("empty", ""),
            ("HTML", "<html>Request Rejected</html>"),
            ("text", "OK"),
            ("cut off", '{"validationResults": {"infoMessages": [], "warn'),
            ("NaN", '{"requestID": NaN, "reportingStatus": "REPORTED", "clearanceStatus": "CLEARED"}'),
            ("no status", {"validationResults": {"infoMessages": []}}),
            ("odd JSON", {"hello": "world"}),
            ("null", "null"),
            ("list", "[]"),
        )
        for calls, action in (((*DOCS, PCSID), A.RESEND), (OTP_CALLS, A.RESEND_ONCE))
    ),
    ("204", (REPORT, CLEAR, CHECK, PCSID), 204, "", retry, A.RESEND),
    ("200 cleared nowhere said, no copy", (CLEAR,), 200, result("PASS"), retry, A.RESEND),
    ("200 yet NOT_REPORTED", (REPORT,), 200, REFUSED[REPORT], retry, A.RESEND_ONCE),
    ("200 yet NOT_CLEARED", (CLEAR,), 200, REFUSED[CLEAR], retry, A.RESEND_ONCE),
    ("200 yet ERROR", (CHECK,), 200, REFUSED[CHECK], retry, A.RESEND_ONCE),
    # --- 4.12: never processed
    ("404", EVERY, 404, SPRING_404, stop, A.FIX_CLIENT),
    ("404 page", EVERY, 404, "<html>404</html>", stop, A.FIX_CLIENT),
    ("405", EVERY, 405, "", stop, A.FIX_CLIENT),
    ("415", EVERY, 415, "", stop, A.FIX_CLIENT),
    ("403 JSON", EVERY, 403, flat("Forbidden"), operator, A.ASK_OPERATOR),
    ("418", EVERY, 418, "", operator, A.ASK_OPERATOR),
    ("redirects", EVERY, 302, "", stop, A.CHECK_CONNECTION),
    ("redirects", EVERY, 308, "<html>moved</html>", stop, A.CHECK_CONNECTION),
    ("303 where no clearance is", (CHECK, *CSIDS), 303, DISABLED, stop, A.CHECK_CONNECTION),
    # --- 4.2, 4.4: CSIDs issued or not
    ("CCSID", (CCSID,), 200, token(), ok, A.PROCEED),
    ("PCSID", (PCSID, RENEW), 200, token(request_id=30368), ok, A.PROCEED),
    ("requestID as text", CSIDS, 200, token(request_id="1772357405123"), ok, A.PROCEED),
    ("wrapped", CSIDS, 200, {"value": token()}, ok, A.PROCEED),
    ("errors absent", CSIDS, 200, {k: v for k, v in token().items() if k not in ("errors", "tokenType")}, ok, A.PROCEED),
    ("ISSUED without token", (PCSID,), 200, token(pair=False), retry, A.RESEND),
    ("ISSUED without token", OTP_CALLS, 200, token(pair=False), retry, A.RESEND_ONCE),
    ("CCSID without requestID", (CCSID,), 200, token(request_id=None), retry, A.RESEND_ONCE),
    ("PCSID without requestID", (PCSID,), 200, token(request_id=None), ok, A.PROCEED),
    ("token without disposition", (PCSID,), 200, token(None), retry, A.RESEND),
    ("NOT_COMPLIANT under 200", (CCSID, PCSID), 200, token("NOT_COMPLIANT"), rejected, A.ASK_OPERATOR),
    ("NOT_COMPLIANT under 200, nothing else", CSIDS, 200, token("NOT_COMPLIANT", pair=False), rejected, A.ASK_OPERATOR),
    # --- 6.4: the CA refuses the template; 4.4: the CA could not sign
    *(
        (f"template {status}", CSIDS, status, token("NOT_COMPLIANT", pair=False, request_id=-2, errors=errors), rejected, A.CORRECT_CSR)
        for status in (200, 400)
        for errors in (["Denied by Policy Module 0x80094800\r\n"], [{"message": "Denied"}], None)
    ),
    ("CA could not sign", (CCSID,), 400, token("NOT_COMPLIANT", pair=False, request_id=None, errors=["unable to submit and sign the csr"]), rejected, A.CORRECT_CSR),
    # --- 4.4, 4.7: the OTP
    *(
        (f"{code} {name}", OTP_CALLS, 400, body, operator, A.ASK_NEW_OTP)
        for code in ("Invalid-OTP", "Missing-OTP")
        for name, body in (
            ("ERRLIST", errlist(code)),
            ("FLAT", flat(code)),
            ("FLAT3", flat3(code)),
            ("code in errorCode", {"errorCode": code, "errorMessage": "no"}),
            ("one object", {"errors": {"code": code, "message": "no"}}),
            ("texts", {"errors": [code]}),
            ("bare list", [{"code": code, "message": "no"}]),
            ("with type and status", {**message(code), "category": "OTP"}),
            ("in a RESULT", {"validationResults": {"errorMessages": [message(code)]}}),
        )
    ),
    ("OTP never decided by text", OTP_CALLS, 400, {"errors": [{"code": None, "message": "The provided OTP is invalid"}]}, operator, A.ASK_OPERATOR),
    ("Invalid-OTP where none was sent", (PCSID,), 400, errlist("Invalid-OTP"), operator, A.ASK_OPERATOR),
    # --- 4.4: the CSR
    ("Invalid-CSR FLAT3", OTP_CALLS, 400, flat3("Invalid-CSR"), rejected, A.CORRECT_CSR),
    ("Invalid-CSR ERRLIST", OTP_CALLS, 400, errlist("Invalid-CSR"), rejected, A.CORRECT_CSR),
    ("Missing-CSR", OTP_CALLS, 400, errlist("Missing-CSR"), rejected, A.CORRECT_CSR),
    ("EXCEED bare", OTP_CALLS, 400, message("EXCEED_CHARACTER_LIMIT", category="CSR_VALIDATION"), rejected, A.CORRECT_CSR),
    ("EXCEED in a list", OTP_CALLS, 400, {"errors": [message("EXCEED_CHARACTER_LIMIT", category="CSR_VALIDATION")]}, rejected, A.CORRECT_CSR),
    ("OTP and CSR", OTP_CALLS, 400, errlist("Invalid-CSR", "Invalid-OTP"), operator, A.ASK_NEW_OTP),
    # --- 4.6, 6.2: the production CSID too early
    ("steps FLAT", (PCSID,), 400, flat("Missing-ComplianceSteps", f"{SENTENCE} [simplified-compliant]"), retry, A.RUN_MISSING_STEPS),
    ("steps ERRLIST", (PCSID,), 400, errlist("Missing-ComplianceSteps"), retry, A.RUN_MISSING_STEPS),
    ("steps 428", (PCSID,), 428, flat("Missing-ComplianceSteps"), retry, A.RUN_MISSING_STEPS),
    ("id", (PCSID,), 400, errlist("Invalid-ComplianceRequestId"), operator, A.ONBOARD_ANEW),
    ("id, another name", (PCSID,), 400, errlist("Incorrect-ComplianceRequestId"), operator, A.ONBOARD_ANEW),
    ("id missing", (PCSID,), 400, errlist("Missing-compliance_request_id"), stop, A.FIX_CLIENT),
    ("CCSID missing", (PCSID,), 400, errlist("Missing-CurrentCCSID"), stop, A.FIX_CLIENT),
    ("CCSID invalid", (PCSID,), 400, errlist("Invalid-CurrentCCSID"), stop, A.ONBOARD_ANEW),
    ("CSID missing", (RENEW,), 400, errlist("Missing-currentCSID"), stop, A.FIX_CLIENT),
    ("CSID invalid", (RENEW,), 400, errlist("Invalid-currentCSID"), stop, A.ONBOARD_ANEW),
    # --- 4.7: renewal by 428
    ("428 bare", (RENEW,), 428, token("NOT_COMPLIANT"), ok, A.RUN_COMPLIANCE_STEPS),
    ("428 wrapped", (RENEW,), 428, {"value": token("NOT_COMPLIANT")}, ok, A.RUN_COMPLIANCE_STEPS),
    ("428 without token", (RENEW,), 428, token("NOT_COMPLIANT", pair=False), rejected, A.ASK_OPERATOR),
    ("200 with a pair that is not compliant", (RENEW,), 200, token("NOT_COMPLIANT"), ok, A.RUN_COMPLIANCE_STEPS),
    ("428 elsewhere", (*DOCS, CCSID), 428, "", operator, A.ASK_OPERATOR),
]  # fmt: skip

FAULTS = [
    (Fault.UNREACHABLE, EVERY, retry, A.RESEND),
    (Fault.UNTRUSTED, EVERY, retry, A.CHECK_CONNECTION),
    (Fault.LOST, (*DOCS, PCSID), retry, A.RESEND),
    (Fault.TIMED_OUT, (*DOCS, PCSID), retry, A.RESEND),
    (Fault.LOST, OTP_CALLS, retry, A.RESEND_ONCE),
    (Fault.TIMED_OUT, OTP_CALLS, retry, A.RESEND_ONCE),
    (Fault.TOO_LARGE, EVERY, retry, A.RESEND_ONCE),
]


def _encoded(body):
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


def _each():
    for name, calls, status, body, verdict, action in CASES:
        for call in calls:
            yield pytest.param(call, WireAnswer(status, (), _encoded(body)), verdict, action, id=f"{name}-{call}")
    for fault, calls, verdict, action in FAULTS:
        for call in calls:
            yield pytest.param(call, WireAnswer(None, fault=fault), verdict, action, id=f"{fault}-{call}")
            cut = WireAnswer(200, (), b'{"validationRes', fault, "cut off")
            yield pytest.param(call, cut, verdict, action, id=f"{fault} in the body-{call}")


EACH = list(_each())


@pytest.mark.parametrize(("call", "answer", "verdict", "action"), EACH)
def test_answer_gets_the_verdict_and_action_of_the_contract(call, answer, verdict, action):
    outcome = ask(call, answer)
    assert (outcome.verdict, outcome.action) == (verdict, action), outcome.row
    assert outcome.http_status == answer.status
    assert outcome.call is call
    for text in (outcome.sentence("en"), outcome.sentence("ar")):
        assert text.strip()
        assert "{" not in text
        assert "None" not in text
    assert any("\u0600" <= letter <= "\u06ff" for letter in outcome.sentence("ar"))


def test_every_row_of_the_table_is_reached():
    reached = {ask(call, answer).row for call, answer, *_ in (case.values for case in EACH)}
    assert reached == {row.name for row in TABLE} | {UNEXPECTED.name}


def test_row_names_are_unique():
    names = [row.name for row in TABLE]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("call", DOCS)
def test_verdict_on_a_document_does_not_hang_on_message_texts(call):
    body = json.dumps(REFUSED[call]).replace(
        "[BR-KSA-08] something", "Invoice was already Reported successfully earlier."
    )
    assert ask(call, WireAnswer(400, (), body.encode())).verdict is Verdict.REJECTED


@pytest.mark.parametrize("call", EVERY)
def test_any_status_and_body_gets_some_outcome(call):
    for status in (*range(100, 600, 7), 600, 999, 1000):
        for body in (b"", b"\xff\xfe\x00", b"{}", b"[[", b"<", json.dumps(token()).encode()):
            outcome = ask(call, WireAnswer(status, (), body))
            assert outcome.verdict in Verdict
            assert not outcome.accepted or 200 <= status < 300 or status in (406, 409, 428)
