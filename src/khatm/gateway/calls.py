"""The six calls of the gateway: their paths, the credentials they carry, and the bodies they send."""

import base64
import json
from dataclasses import dataclass, field
from enum import StrEnum


class Call(StrEnum):
    """One of the six calls that the gateway offers (the gateway contract 1.1)."""

    COMPLIANCE_CSID = "compliance_csid"
    COMPLIANCE_CHECK = "compliance_check"
    PRODUCTION_CSID = "production_csid"
    RENEWAL = "renewal"
    REPORTING = "reporting"
    CLEARANCE = "clearance"

    @property
    def method(self) -> str:
        """The HTTP method of this call."""
        return "PATCH" if self is Call.RENEWAL else "POST"

    @property
    def path(self) -> str:
        """The path of this call below the environment's base address."""
        return _PATHS[self]


_PATHS = {
    Call.COMPLIANCE_CSID: "/compliance",
    Call.COMPLIANCE_CHECK: "/compliance/invoices",
    Call.PRODUCTION_CSID: "/production/csids",
    Call.RENEWAL: "/production/csids",
    Call.REPORTING: "/invoices/reporting/single",
    Call.CLEARANCE: "/invoices/clearance/single",
}

DOCUMENT_CALLS = frozenset({Call.COMPLIANCE_CHECK, Call.REPORTING, Call.CLEARANCE})
CSID_CALLS = frozenset({Call.COMPLIANCE_CSID, Call.PRODUCTION_CSID, Call.RENEWAL})


@dataclass(frozen=True, slots=True)
class Credentials:
    """The pair of a CSID: `token` is the binarySecurityToken verbatim, `secret` its password (gateway contract 1.5)."""

    token: str = field(repr=False)
    secret: str = field(repr=False)

    def authorization(self) -> str:
        """Return the value of the Authorization header; the token goes in as received, it is not decoded."""
        return "Basic " + base64.b64encode(f"{self.token}:{self.secret}".encode()).decode("ascii")


@dataclass(frozen=True, slots=True)
class Submission:
    """One document on its way: base64 invoice hash (44 characters), UUID, and the exact bytes of the XML file."""

    invoice_hash: str
    uuid: str
    invoice: bytes = field(repr=False)

    def body(self) -> bytes:
        """Return the three-member JSON body shared by check, reporting and clearance (gateway contract 3)."""
        return _json(
            {
                "invoiceHash": self.invoice_hash,
                "uuid": self.uuid,
                "invoice": base64.b64encode(self.invoice).decode("ascii"),
            }
        )


def csr_body(csr_pem: bytes) -> bytes:
    """Return the body of the CSID and renewal calls: base64 of the whole PEM text on one line (gateway contract 3)."""
    return _json({"csr": base64.b64encode(csr_pem).decode("ascii")})


def request_id_body(compliance_request_id: str) -> bytes:
    """Return the body of the production CSID call; the id travels as a string, as in the published example."""
    return _json({"compliance_request_id": compliance_request_id})


def _json(members: dict[str, str]) -> bytes:
    return json.dumps(members, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
