"""Management for machines: OTPs, devices, clock, exchanges, certificates, reset, and who may call it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509

from khatm.environment import Environment
from khatm.simulator.embedded import EmbeddedSimulator
from khatm.simulator.errors import InvalidManagementRequest
from tests.wire.simulator_caller import SELLER, Caller, Unit, fresh, http

SANDBOX, SIMULATION, PRODUCTION = Environment


@pytest.fixture(scope="module")
def running() -> Iterator[EmbeddedSimulator]:
    with EmbeddedSimulator() as simulator:
        yield simulator


@pytest.fixture
def simulator(running: EmbeddedSimulator) -> EmbeddedSimulator:
    return fresh(running)


def post(simulator: EmbeddedSimulator, path: str, members: object = None, **headers: str) -> tuple[int, Any]:
    answer = http().post(f"{simulator.url}/manage{path}", json=members, headers=headers)
    return answer.status_code, answer.json()


def get(simulator: EmbeddedSimulator, path: str, **query: str) -> tuple[int, Any]:
    answer = http().get(f"{simulator.url}/manage{path}", params=query)
    return answer.status_code, answer.json()


def test_otps_of_the_portal(simulator: EmbeddedSimulator) -> None:
    status, answer = post(simulator, "/otp", {"environment": "simulation", "vat_number": SELLER, "count": 100})
    assert status == 200
    assert list(answer) == ["otps"]
    assert [list(each) for each in answer["otps"]] == [["otp", "expires_at"]] * 100
    codes = {each["otp"] for each in answer["otps"]}
    assert len(codes) == 100
    assert all(len(code) == 6 and code.isdigit() for code in codes)
    left = datetime.fromisoformat(answer["otps"][0]["expires_at"]) - simulator.clock.now()
    assert timedelta(minutes=59) < left <= timedelta(hours=1)
    unit = Unit(Caller(simulator, SIMULATION))
    code = codes.pop()
    assert unit.caller.call("POST", "/compliance", {"csr": unit.csr}, OTP=code).status_code == 200


def test_an_otp_for_renewal_before_any_device(simulator: EmbeddedSimulator) -> None:
    body = {"environment": "production", "vat_number": "399999999900003", "purpose": "renewal"}
    status, answer = post(simulator, "/otp", body)
    assert (status, len(answer["otps"])) == (200, 1)


def test_the_sandbox_has_one_published_otp(simulator: EmbeddedSimulator) -> None:
    _, answer = post(simulator, "/otp", {"environment": "sandbox", "vat_number": SELLER})
    assert [each["otp"] for each in answer["otps"]] == ["123345"]


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"vat_number": SELLER}, "environment"),
        ({"environment": "core", "vat_number": SELLER}, "environment"),
        ({"environment": "simulation"}, "vat_number"),
        ({"environment": "simulation", "vat_number": 310123456700003}, "vat_number"),
        ({"environment": "simulation", "vat_number": "310123456700004"}, "vat_number"),
        ({"environment": "simulation", "vat_number": SELLER, "count": 0}, "count"),
        ({"environment": "simulation", "vat_number": SELLER, "count": 101}, "count"),
        ({"environment": "simulation", "vat_number": SELLER, "count": True}, "count"),
        ({"environment": "simulation", "vat_number": SELLER, "purpose": "revoking"}, "purpose"),
        ([], "body"),
    ],
)
def test_a_wrong_otp_request_names_what_is_allowed(simulator: EmbeddedSimulator, members: object, field: str) -> None:
    status, answer = post(simulator, "/otp", members)
    assert (status, answer["error"], answer["field"]) == (400, "invalid-management-request", field)
    assert answer["allowed"] in answer["message"]["en"]
    assert answer["allowed"] in answer["message"]["ar"]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'"x"',
        b"\xff",
        b'{"now": NaN}',
        b'{"now": Infinity}',
        b'{"now": "\\ud800"}',
        b"[" * 100_000,
    ],
    ids=lambda body: body[:20].decode("latin-1"),
)
@pytest.mark.parametrize("path", ["/otp", "/clock", "/faults", "/restore"])
def test_what_is_no_json_object_is_refused(simulator: EmbeddedSimulator, path: str, body: bytes) -> None:
    answer = http().post(f"{simulator.url}/manage{path}", content=body)
    assert (answer.status_code, answer.json()["field"]) == (400, "body")


def test_the_embedded_simulator_refuses_the_same(simulator: EmbeddedSimulator) -> None:
    with pytest.raises(InvalidManagementRequest):
        simulator.issue_otp(SIMULATION, "1")
    with pytest.raises(InvalidManagementRequest):
        simulator.issue_otp(SIMULATION, SELLER, "nothing")


def test_devices_by_environment_and_taxpayer(simulator: EmbeddedSimulator) -> None:
    Unit(Caller(simulator, SIMULATION), "1000").begin()
    Unit(Caller(simulator, SIMULATION), "0100", vat_number="311234567800003").begin()
    Unit(Caller(simulator, PRODUCTION), "1100").onboarded()
    _, everything = get(simulator, "/devices")
    assert [each["environment"] for each in everything["devices"]] == ["simulation", "simulation", "production"]
    _, some = get(simulator, "/devices", environment="simulation", vat_number="311234567800003")
    [device] = some["devices"]
    assert list(device) == [
        "id",
        "environment",
        "vat_number",
        "common_name",
        "serial",
        "type_map",
        "status",
        "onboarded_at",
        "expires_at",
        "request_id",
        "steps_done",
        "steps_missing",
        "last_icv",
        "accepted_documents",
        "documents",
    ]
    assert (device["status"], device["onboarded_at"], device["expires_at"]) == ("Onboarding", None, None)
    assert (device["serial"], device["common_name"]) == ("1-KHATM|2-POS|3-0001", "TST-1")
    _, active = get(simulator, "/devices", environment="production")
    assert [each["status"] for each in active["devices"]] == ["Active"]
    until = datetime.fromisoformat(active["devices"][0]["expires_at"])
    assert until - simulator.clock.now() > timedelta(days=1824)
    assert get(simulator, "/devices", environment="core")[0] == 400


def test_revoking(simulator: EmbeddedSimulator) -> None:
    unit = Unit(Caller(simulator, SIMULATION), "1000")
    unit.begin()
    _, found = get(simulator, "/devices")
    number = found["devices"][0]["id"]
    status, device = post(simulator, f"/devices/{number}/revoke")
    assert (status, device["status"], device["id"]) == (200, "Revoked", number)
    assert post(simulator, f"/devices/{number}/revoke")[1]["status"] == "Revoked"
    assert unit.check("standard-invoice").status_code == 401
    for other in ("0", "999", "x", "9" * 40):
        status, answer = post(simulator, f"/devices/{other}/revoke")
        assert (status, answer["error"], answer["device"]) == (404, "unknown-device", other)


def test_the_clock(simulator: EmbeddedSimulator) -> None:
    before = simulator.clock.now()
    status, answer = post(simulator, "/clock", {"advance_seconds": 3600.5})
    moved = datetime.fromisoformat(answer["now"])
    assert status == 200
    assert timedelta(hours=1) <= moved - before < timedelta(hours=1, minutes=1)
    _, answer = post(simulator, "/clock", {"now": "2030-05-01T12:00:00+03:00"})
    assert datetime.fromisoformat(answer["now"]) - datetime(2030, 5, 1, 9, tzinfo=UTC) < timedelta(minutes=1)
    assert abs(simulator.clock.now() - datetime.fromisoformat(get(simulator, "/clock")[1]["now"])) < timedelta(
        minutes=1
    )
    _, answer = post(simulator, "/reset")
    assert abs(datetime.fromisoformat(answer["now"]) - before) < timedelta(minutes=1)


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"now": "2030-05-01T12:00:00"},
        {"now": "tomorrow"},
        {"now": 5},
        {"advance_seconds": "60"},
        {"advance_seconds": True},
        {"advance_seconds": 1e18},
        {"advance_seconds": 1, "now": "2030-05-01T12:00:00Z"},
        {"seconds": 1},
    ],
)
def test_a_wrong_time_changes_nothing(simulator: EmbeddedSimulator, members: dict[str, object]) -> None:
    before = simulator.clock.now()
    status, answer = post(simulator, "/clock", members)
    assert (status, answer["field"]) == (400, "clock")
    assert simulator.clock.now() - before < timedelta(minutes=1)


def test_reset_forgets_all_but_the_authority(simulator: EmbeddedSimulator) -> None:
    unit = Unit(Caller(simulator, SIMULATION), "1000").onboarded()
    chain = http().get(f"{simulator.url}/manage/ca/simulation.pem").text
    otp = unit.caller.otp()
    assert post(simulator, "/reset")[0] == 200
    assert get(simulator, "/devices")[1] == {"devices": []}
    assert unit.submit("standard-invoice").status_code == 401
    assert unit.caller.call("POST", "/compliance", {"csr": unit.csr}, OTP=otp).status_code == 400
    assert http().get(f"{simulator.url}/manage/ca/simulation.pem").text == chain
    assert Unit(unit.caller, "1000").onboarded().submit("standard-invoice").status_code == 200


@pytest.mark.parametrize(
    ("environment", "issuer"),
    [("sandbox", "PRZEINVOICESCA4-CA"), ("simulation", "PEZEINVOICESCA2-CA"), ("production", "PRZEINVOICESCA4-CA")],
)
def test_the_authoritys_certificates(simulator: EmbeddedSimulator, environment: str, issuer: str) -> None:
    bundle = http().get(f"{simulator.url}/manage/ca/{environment}.pem")
    einvoicing, sub_ca, root = x509.load_pem_x509_certificates(bundle.content)
    assert einvoicing.subject.rfc4514_string() == "CN=eInvoicing"
    assert sub_ca.subject.rfc4514_string() == f"CN={issuer},DC=extgazt,DC=gov,DC=local"
    assert root.subject.rfc4514_string() == "CN=Khatm Simulator Root"
    fetched = http().get(f"{simulator.url}/CertEnroll/{issuer}.crt")
    assert x509.load_der_x509_certificate(fetched.content) == sub_ca
    assert http().get(f"{simulator.url}/CertEnroll/other.crt").status_code == 404
    assert http().get(f"{simulator.url}/manage/ca/core.pem").status_code == 400


def test_a_pcsid_says_where_its_issuers_certificate_is(simulator: EmbeddedSimulator) -> None:
    unit = Unit(Caller(simulator, SIMULATION), "1000").onboarded()
    assert unit.pcsid is not None
    certificate = x509.load_der_x509_certificate(unit.pcsid.der)
    [access] = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    issuer = x509.load_der_x509_certificate(http().get(access.access_location.value).content)
    certificate.verify_directly_issued_by(issuer)


def test_exchanges_are_recorded_without_secrets(simulator: EmbeddedSimulator) -> None:
    unit = Unit(Caller(simulator, SIMULATION), "1000").onboarded()
    unit.submit("standard-invoice")
    unit.caller.call("POST", "/nothing", {})
    _, answer = get(simulator, "/exchanges", limit="1000")
    found = [(each["method"], each["path"], each["status"]) for each in answer["exchanges"]]
    assert found == [
        ("POST", "/e-invoicing/simulation/compliance", 200),
        *[("POST", "/e-invoicing/simulation/compliance/invoices", 200)] * 3,
        ("POST", "/e-invoicing/simulation/production/csids", 200),
        ("POST", "/e-invoicing/simulation/invoices/clearance/single", 200),
        ("POST", "/e-invoicing/simulation/nothing", 404),
    ]
    text = str(answer)
    assert unit.pcsid is not None
    assert unit.ccsid is not None
    for csid in (unit.ccsid, unit.pcsid):
        assert csid.secret not in text
        assert csid.authorization["Authorization"].partition(" ")[2] not in text
    assert [each["status"] for each in get(simulator, "/exchanges", limit="2")[1]["exchanges"]] == [200, 404]
    assert get(simulator, "/exchanges", limit="-1")[0] == 400
    assert get(simulator, "/exchanges", limit="x")[0] == 400


def test_other_origins_may_not_manage(simulator: EmbeddedSimulator) -> None:
    body = {"environment": "simulation", "vat_number": SELLER}
    status, answer = post(simulator, "/otp", body, Origin="http://evil.test")
    assert (status, answer["error"]) == (403, "foreign-origin")
    assert post(simulator, "/otp", body, Origin=simulator.url)[0] == 200


def test_unknown_management_paths_and_methods(simulator: EmbeddedSimulator) -> None:
    assert http().get(f"{simulator.url}/manage/nothing").status_code == 404
    assert http().get(f"{simulator.url}/manage/otp").status_code == 405
