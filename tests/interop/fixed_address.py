"""A whole walk of a client at its fixed address: a program, so that proxy and trust come from its environment alone.

    python -m tests.interop.fixed_address CLIENT VAT_NUMBER OTP RENEWAL_OTP

Prints one JSON list: the outcome of each document, of the six kinds before and of one after the renewal.
"""

import json
import sys
from collections.abc import Iterator

from khatm.environment import Environment
from tests.interop.authority import documents_of

TYPE_MAP = "1100"


def tools_sdk(vat_number: str, otp: str, renewal_otp: str) -> Iterator[str]:
    """zatca-tools-sdk: the status of each submission."""
    from tests.interop.tools_sdk import ToolsSdkUnit

    with ToolsSdkUnit(None, Environment.SIMULATION, vat_number, TYPE_MAP) as unit:
        unit.onboard(otp)
        yield from (unit.submit(*each).status for each in documents_of(TYPE_MAP))
        unit.renew(renewal_otp)
        yield unit.submit("simplified", "invoice").status


def fatoora_rs(vat_number: str, otp: str, renewal_otp: str) -> Iterator[str]:
    """fatoora-rs: the statuses of the answers."""
    import fatoora

    from tests.interop.fatoora_rs import FatooraRsUnit

    unit = FatooraRsUnit(None, Environment.SIMULATION, vat_number, TYPE_MAP)

    def sent(profile: str, kind: str) -> str:
        response = unit.submit(profile, kind)
        assert response.outcome() == fatoora.InvoiceOutcome.ACCEPTED
        return str(response.clearance_status() or response.reporting_status())

    unit.request_compliance_certificate(otp)
    for each in documents_of(TYPE_MAP):
        assert unit.check(*each).outcome() == fatoora.InvoiceOutcome.ACCEPTED
    unit.request_production_certificate()
    yield from (sent(*each) for each in documents_of(TYPE_MAP))
    unit.switch_to(unit.renew(renewal_otp))
    yield sent("simplified", "invoice")


if __name__ == "__main__":
    client, *arguments = sys.argv[1:]
    print(json.dumps(list({"tools_sdk": tools_sdk, "fatoora_rs": fatoora_rs}[client](*arguments))))
