"""Reporting and clearance over HTTP (gateway contract 4.10, 4.11, 8; acceptance checks 5 to 9, 12 and 13 of 14.4)."""

import base64
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from lxml import etree

from khatm.environment import Environment
from khatm.simulator.embedded import EmbeddedSimulator
from khatm.stamp.canonical import invoice_hash
from tests.wire.simulator_caller import SELLER, Caller, Document, Unit, codes, endpoint_of, fresh, http, stamped

SANDBOX, SIMULATION, PRODUCTION = Environment
EXAMPLES = Path(__file__).parents[1] / "data" / "gateway_examples"
REPORTING, CLEARANCE = "/invoices/reporting/single", "/invoices/clearance/single"
STANDARD, SIMPLIFIED = "standard-invoice", "simplified-invoice"
VALID = {"info": ["XSD_ZATCA_VALID"]}


@pytest.fixture(scope="module")
def running() -> Iterator[EmbeddedSimulator]:
    with EmbeddedSimulator() as simulator:
        yield simulator


@pytest.fixture
def simulator(running: EmbeddedSimulator) -> EmbeddedSimulator:
    return fresh(running)


@pytest.fixture(params=[SIMULATION, PRODUCTION])
def unit(simulator: EmbeddedSimulator, request: pytest.FixtureRequest) -> Unit:
    return Unit(Caller(simulator, request.param)).onboarded()


@pytest.fixture
def sandbox_unit(simulator: EmbeddedSimulator) -> Unit:
    return Unit(Caller(simulator, SANDBOX)).onboarded()


def unit_with(simulator: EmbeddedSimulator, environment: Environment = SIMULATION, type_map: str = "1100") -> Unit:
    return Unit(Caller(simulator, environment), type_map).onboarded()


def devices(caller: Caller) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = http().get(caller.simulator.url + "/manage/devices").json()["devices"]
    return found


def test_reporting_twice_is_200_then_409(unit: Unit) -> None:
    document = unit.document(SIMPLIFIED)
    first = unit.send(REPORTING, document)
    assert (first.status_code, first.json()["reportingStatus"], codes(first)) == (200, "REPORTED", VALID)
    assert list(first.json()) == ["validationResults", "reportingStatus"]
    again = unit.send(REPORTING, document)
    assert again.status_code == 409
    assert again.text == compact("13.6-duplicate.json")


def compact(example: str) -> str:
    """An example's text as it stands on the wire."""
    members = json.loads((EXAMPLES / example).read_text())
    return json.dumps(members, ensure_ascii=False, separators=(",", ":"))


def test_clearance_twice_is_200_then_208_with_the_same_bytes(unit: Unit) -> None:
    document = unit.document(STANDARD)
    first = unit.send(CLEARANCE, document)
    assert (first.status_code, first.json()["clearanceStatus"], codes(first)) == (200, "CLEARED", VALID)
    assert list(first.json()) == ["validationResults", "clearanceStatus", "clearedInvoice"]
    unit.caller.simulator.clock.advance(timedelta(hours=23))
    again = unit.send(CLEARANCE, document)
    assert again.status_code == 208
    assert again.text == first.text


def test_a_rejected_document_is_rejected_again(unit: Unit) -> None:
    document = unit.document(STANDARD, changes={SELLER: "311111111100003"})
    answers = [unit.send(CLEARANCE, document) for _ in range(2)]
    assert [each.status_code for each in answers] == [400, 400]
    assert [each.json()["clearedInvoice"] for each in answers] == [None, None]


def test_the_sandbox_knows_no_duplicates(sandbox_unit: Unit) -> None:
    for kind in (SIMPLIFIED, STANDARD):
        document = sandbox_unit.document(kind)
        assert [sandbox_unit.send(endpoint_of(kind), document).status_code for _ in range(2)] == [200, 200]


def test_another_stamp_is_the_same_document(unit: Unit) -> None:
    """The hash leaves the stamp out (8.5)."""
    assert unit.pcsid is not None
    document = unit.document(SIMPLIFIED)
    assert unit.send(REPORTING, document).status_code == 200
    later = stamped(document, unit.key, unit.pcsid, unit.caller.simulator.clock.now() + timedelta(seconds=5))
    assert later.xml != document.xml
    assert unit.send(REPORTING, later).status_code == 409


def test_a_foreign_hash_does_not_make_a_duplicate(unit: Unit) -> None:
    """A new document under the hash of an accepted one is not the accepted one."""
    accepted = unit.document(STANDARD)
    assert unit.send(CLEARANCE, accepted).status_code == 200
    other = unit.document(STANDARD)
    mixed = Document(other.xml, other.uuid, accepted.invoice_hash)
    answer = unit.send(CLEARANCE, mixed)
    assert (answer.status_code, codes(answer)["error"]) == (400, ["invalid-invoice-hash"])


def test_duplicates_are_remembered_for_24_hours_and_per_taxpayer(unit: Unit) -> None:
    clock = unit.caller.simulator.clock
    document = unit.document(STANDARD)
    assert unit.send(CLEARANCE, document).status_code == 200
    clock.advance(timedelta(hours=23, minutes=59))
    assert unit.send(CLEARANCE, document).status_code == 208
    clock.advance(timedelta(minutes=2))
    assert unit.send(CLEARANCE, document).status_code == 200
    assert unit.send(CLEARANCE, document).status_code == 208
    other = Unit(unit.caller, "1000", vat_number="311234567800003")
    other.begin()
    assert "certificate-permissions" in str(other.send("/compliance/invoices", document, other.ccsid).json())


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("published", {"code": None, "category": None}),
        ("late-2025", None),
    ],
)
def test_the_other_forms_of_the_409(form: str, expected: dict[str, None] | None) -> None:
    with EmbeddedSimulator(settings=[f"simulation.duplicate_body={form}"]) as simulator:
        unit = unit_with(simulator, type_map="0100")
        document = unit.document(SIMPLIFIED)
        unit.send(REPORTING, document)
        again = unit.send(REPORTING, document)
    assert again.status_code == 409
    if expected is None:
        assert again.json() == {"reportingStatus": "REPORTED_SUCCESSFULLY_EARLIER"}
    else:
        [message] = again.json()["validationResults"]["errorMessages"]
        assert {name: message[name] for name in expected} == expected


def test_duplicates_and_warnings_as_200() -> None:
    settings = ["simulation.duplicates_as_200=on", "simulation.warnings_as_200=on"]
    with EmbeddedSimulator(settings=settings) as simulator:
        unit = unit_with(simulator)
        for kind in (SIMPLIFIED, STANDARD):
            document = unit.document(kind)
            first, again = (unit.send(endpoint_of(kind), document) for _ in range(2))
            assert (first.status_code, again.status_code) == (200, 200)
            assert again.text == first.text
        old = unit.send(REPORTING, unit.document(SIMPLIFIED, age=timedelta(hours=25)))
        assert (old.status_code, codes(old)["warning"]) == (200, ["BR-KSA-98"])


def test_a_day_old_simplified_document_is_accepted_with_a_warning(unit: Unit) -> None:
    answer = unit.send(REPORTING, unit.document(SIMPLIFIED, age=timedelta(hours=25)))
    assert answer.status_code == 202
    assert answer.text == compact("13.6-warning.json")
    fresh = unit.send(REPORTING, unit.document(SIMPLIFIED, age=timedelta(hours=23)))
    assert fresh.status_code == 200
    standard = unit.send(CLEARANCE, unit.document(STANDARD, age=timedelta(hours=25)))
    assert standard.status_code == 200, "there is no such rule for clearance"
    assert [each["accepted_documents"] for each in devices(unit.caller)] == [3]


@pytest.mark.parametrize("rules", ["3.3.3", "off"])
def test_the_older_rules_have_no_24_hours(rules: str) -> None:
    with EmbeddedSimulator(settings=[f"simulation.rules={rules}"]) as simulator:
        unit = unit_with(simulator, type_map="0100")
        answer = unit.send(REPORTING, unit.document(SIMPLIFIED, age=timedelta(hours=25)))
    assert answer.status_code == 200


def test_wrong_endpoints_are_refused_both_ways(unit: Unit) -> None:
    for kind, path in ((STANDARD, REPORTING), (SIMPLIFIED, CLEARANCE)):
        answer = unit.send(path, unit.document(kind))
        assert (answer.status_code, codes(answer)["error"]) == (400, ["XML-INVOICE-ERROR"])
    assert unit.submit(STANDARD).status_code == 200
    assert unit.submit(SIMPLIFIED).status_code == 200


def test_a_foreign_vat_number_is_refused(unit: Unit) -> None:
    standard = unit.submit(STANDARD, {SELLER: "311111111100003"})
    assert standard.status_code == 400
    assert standard.text == compact("13.7-refused.json")
    simplified = unit.submit(SIMPLIFIED, {SELLER: "311111111100003"})
    assert (simplified.status_code, simplified.json()["reportingStatus"]) == (400, "NOT_REPORTED")
    assert "certificate-permissions" in codes(simplified)["error"]


def test_a_revoked_device_is_refused_everywhere(unit: Unit) -> None:
    [device] = devices(unit.caller)
    revoked = http().post(f"{unit.caller.simulator.url}/manage/devices/{device['id']}/revoke").json()
    assert revoked["status"] == "Revoked"
    for kind in (STANDARD, SIMPLIFIED):
        assert unit.submit(kind).status_code == 401
    assert unit.send("/compliance/invoices", unit.document(STANDARD)).status_code == 401
    assert unit.finish().status_code == 401
    assert [each["status"] for each in devices(unit.caller)] == ["Revoked"]


def test_an_expired_certificate_is_refused(unit: Unit) -> None:
    days = 730 if unit.caller.environment is SIMULATION else 1825
    document = unit.document(STANDARD)
    unit.caller.simulator.clock.advance(timedelta(days=days, seconds=-60))
    assert unit.send(CLEARANCE, document).status_code == 200
    unit.caller.simulator.clock.advance(timedelta(seconds=61))
    assert unit.send(CLEARANCE, document).status_code == 401
    assert [each["status"] for each in devices(unit.caller)] == ["Expired"]


def test_a_ccsid_reports_and_clears_nothing(unit: Unit) -> None:
    for kind in (STANDARD, SIMPLIFIED):
        answer = unit.send(endpoint_of(kind), unit.document(kind, unit.ccsid), unit.ccsid)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Basic realm="Realm"')
        assert list(answer.json()) == ["timestamp", "status", "error", "message"]


def test_a_ccsid_may_report_in_the_sandbox(sandbox_unit: Unit) -> None:
    document = sandbox_unit.document(SIMPLIFIED, sandbox_unit.ccsid)
    assert sandbox_unit.send(REPORTING, document, sandbox_unit.ccsid).status_code == 200


def test_a_pcsid_tests_documents_without_a_step(unit: Unit) -> None:
    for _ in range(2):
        answer = unit.send("/compliance/invoices", unit.document(SIMPLIFIED))
        assert answer.status_code == 200
        assert "clearedInvoice" not in answer.json()
    assert [each["accepted_documents"] for each in devices(unit.caller)] == [0]


def test_a_stamp_by_an_unknown_certificate_is_a_warning(unit: Unit, sandbox_unit: Unit) -> None:
    """A document stamped under the CCSID and sent with the PCSID (5.2)."""
    answer = unit.send(REPORTING, unit.document(SIMPLIFIED, unit.ccsid))
    assert (answer.status_code, codes(answer)["warning"]) == (202, ["invalid-signing-certificate"])
    in_sandbox = sandbox_unit.send(REPORTING, sandbox_unit.document(SIMPLIFIED, sandbox_unit.ccsid))
    assert in_sandbox.status_code == 200


@pytest.mark.parametrize(
    ("level", "status", "found"),
    [
        ("error", 400, {"error": ["invalid-digital-signature"]}),
        ("warning", 202, {"warning": ["invalid-digital-signature"]}),
    ],
)
def test_a_signature_by_another_key_is_refused_or_warned_about(
    level: str, status: int, found: dict[str, list[str]]
) -> None:
    with EmbeddedSimulator(settings=[f"production.invalid_signature={level}"]) as simulator:
        unit = unit_with(simulator, PRODUCTION, "0100")
        assert unit.pcsid is not None
        bare = unit.document(SIMPLIFIED)
        other = ec.generate_private_key(ec.SECP256K1())
        signed = stamped(bare, other, unit.pcsid, simulator.clock.now(), foreign=True)
        answer = unit.send(REPORTING, signed)
    assert (answer.status_code, codes(answer)) == (status, VALID | found)


@pytest.mark.parametrize(("type_map", "kind"), [("1000", SIMPLIFIED), ("0100", STANDARD)])
def test_a_kind_outside_the_map_is_refused(simulator: EmbeddedSimulator, type_map: str, kind: str) -> None:
    unit = unit_with(simulator, PRODUCTION, type_map)
    answer = unit.submit(kind)
    assert answer.status_code == 400
    [text] = [each["message"] for each in answer.json()["validationResults"]["errorMessages"]]
    assert text == f"Production CSID does not cover {kind.partition('-')[0].title()} documents"


def at_once(count: int, send: Any) -> list[httpx.Response]:
    """Call `send` from many threads that wait for each other."""
    barrier = threading.Barrier(count)

    def one(_: int) -> httpx.Response:
        with httpx.Client(trust_env=False, verify=False, timeout=30) as client:
            barrier.wait(timeout=30)
            answer: httpx.Response = send(client)
            return answer

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


@pytest.mark.parametrize(("kind", "repeated"), [(SIMPLIFIED, 409), (STANDARD, 208)])
@pytest.mark.parametrize("lines", [1, 600])
def test_copies_sent_at_once_are_accepted_once(
    simulator: EmbeddedSimulator, kind: str, repeated: int, lines: int
) -> None:
    """Quirk 28: a client that gives up and sends again while the first copy is still worked on.

    Large documents are examined in threads of their own, small ones are not.
    """
    unit = unit_with(simulator)
    assert unit.pcsid is not None
    note = "<cbc:Note>" + "x" * 300 + "</cbc:Note>"
    place = "<cbc:DocumentCurrencyCode>"
    document = unit.document(kind, changes={place: note * lines + place})
    url = f"{unit.caller.simulator.gateway_url}/simulation{endpoint_of(kind)}"
    headers = {"Accept-Version": "V2", "Content-Type": "application/json", **unit.pcsid.authorization}
    answers = at_once(8, lambda client: client.post(url, json=document.body, headers=headers))
    assert sorted(each.status_code for each in answers) == sorted([200] + [repeated] * 7)
    assert [each["accepted_documents"] for each in devices(unit.caller)] == [1]
    if kind == STANDARD:
        assert len({each.json()["clearedInvoice"] for each in answers}) == 1


def test_clearance_switched_off_sends_to_reporting() -> None:
    with EmbeddedSimulator(settings=["production.clearance_enabled=off"]) as simulator:
        unit = unit_with(simulator, PRODUCTION, "1000")
        document = unit.document(STANDARD)
        off = unit.send(CLEARANCE, document)
        reported = unit.send(REPORTING, document)
    assert off.status_code == 303
    assert "location" not in off.headers
    assert off.json() == {
        "message": "Clearance is deactiviated. Please use the /invoices/reporting/single endpoint instead."
    }
    assert (reported.status_code, reported.json()["reportingStatus"]) == (200, "REPORTED")


def test_a_header_switches_clearance_off_in_the_sandbox_only(sandbox_unit: Unit, unit: Unit) -> None:
    off = {"Clearance-Status": "0"}
    assert sandbox_unit.send(CLEARANCE, sandbox_unit.document(STANDARD), **off).status_code == 303
    assert sandbox_unit.send(CLEARANCE, sandbox_unit.document(STANDARD), **{"Clearance-Status": "1"}).status_code == 200
    assert sandbox_unit.send(REPORTING, sandbox_unit.document(SIMPLIFIED), **off).status_code == 200
    assert unit.send(CLEARANCE, unit.document(STANDARD), **off).status_code == 200


@pytest.mark.parametrize(("chain", "status", "level"), [("warn", 202, "warning"), ("strict", 400, "error")])
def test_a_break_in_the_chain_shows_when_a_switch_asks(chain: str, status: int, level: str) -> None:
    with EmbeddedSimulator(settings=[f"simulation.chain={chain}"]) as simulator:
        unit = unit_with(simulator)
        assert unit.submit(STANDARD).status_code == 200, "the first one continues whatever came before"
        assert unit.submit(SIMPLIFIED).status_code == 200
        unit.counter += 1
        broken = unit.submit(STANDARD)
        assert (broken.status_code, codes(broken)[level]) == (status, ["KSA-13"])
        assert unit.submit(STANDARD).status_code == 200, "a rejected document keeps its place"


def test_a_break_in_the_chain_is_nothing_by_default(unit: Unit) -> None:
    unit.submit(STANDARD)
    unit.counter += 7
    unit.last_hash = "NWZlY2ViNjZmZmM4NmYzOGQ5NTI3ODZjNmQ2OTZjNzljMmRiYzIzOWRkNGU5MWI0NjcyOWQ3M2EyN2ZiNTdlOQ=="
    assert unit.submit(STANDARD).status_code == 200


def cleared(unit: Unit) -> tuple[Document, bytes]:
    document = unit.document(STANDARD)
    answer = unit.send(CLEARANCE, document)
    return document, base64.b64decode(answer.json()["clearedInvoice"])


def qr_tags(tree: etree._Element) -> list[int]:
    """The tags of a cleared document's QR, whose values are all shorter than 128 octets."""
    [text] = tree.xpath("//*[local-name()='AdditionalDocumentReference'][*='QR']//*[@mimeCode]/text()")
    record, tags = base64.b64decode(text), []
    while record:
        tags.append(record[0])
        record = record[2 + record[1] :]
    return tags


def test_a_cleared_invoice_keeps_its_hash_and_names_the_platform(unit: Unit) -> None:
    """14.4.12; the certificate inside verifies up to the root that management hands out."""
    document, xml = cleared(unit)
    assert invoice_hash(xml) == document.invoice_hash
    tree = etree.fromstring(xml)
    assert qr_tags(tree) == [1, 2, 3, 4, 5, 6, 7, 8]
    [text] = tree.xpath("//*[local-name()='X509Certificate']/text()")
    certificate = x509.load_der_x509_certificate(base64.b64decode(text))
    assert unit.pcsid is not None
    assert certificate.public_key() != unit.key.public_key()
    bundle = http().get(f"{unit.caller.simulator.url}/manage/ca/{unit.caller.environment.value}.pem").content
    _, issuer, root = x509.load_pem_x509_certificates(bundle)
    certificate.verify_directly_issued_by(issuer)
    issuer.verify_directly_issued_by(root)


def test_a_sandbox_clearance_names_the_caller_and_not_its_key(sandbox_unit: Unit) -> None:
    document, xml = cleared(sandbox_unit)
    assert invoice_hash(xml) == document.invoice_hash
    [text] = etree.fromstring(xml).xpath("//*[local-name()='X509Certificate']/text()")
    assert sandbox_unit.pcsid is not None
    assert base64.b64decode(text) == sandbox_unit.pcsid.der


def test_devices_count_what_was_sent_by_kind_and_outcome(unit: Unit) -> None:
    unit.submit(STANDARD)
    unit.submit("simplified-credit-note")
    unit.send(REPORTING, unit.document(SIMPLIFIED, age=timedelta(hours=30)))
    unit.submit(STANDARD, {SELLER: "311111111100003"})
    document = unit.document(SIMPLIFIED)
    unit.send(REPORTING, document)
    unit.send(REPORTING, document)
    [device] = devices(unit.caller)
    assert device["accepted_documents"] == 4
    assert device["last_icv"] == str(unit.counter)
    found = {(each["profile"], each["type_code"], each["outcome"]): each["count"] for each in device["documents"]}
    assert found == {
        ("standard", "388", "accepted"): 1,
        ("standard", "388", "rejected"): 1,
        ("simplified", "381", "accepted"): 1,
        ("simplified", "388", "accepted"): 1,
        ("simplified", "388", "accepted_with_warnings"): 1,
        ("simplified", "388", "duplicate"): 1,
    }
