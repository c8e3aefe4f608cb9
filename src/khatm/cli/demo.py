"""`khatm demo`: the whole way from a CSR to cleared and reported documents, against an embedded simulator."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from khatm.cli.output import OutputFormat, format_option
from khatm.cli.steps import StepPrinter
from khatm.environment import Environment

if TYPE_CHECKING:
    from khatm.cli.workplace import Workplace
    from khatm.stamp.csr import CsrFields

_TAXPAYER = "399999996300003"
_SELLER: dict[str, object] = {
    "name": "مقهى غيمة | Ghaima Cafe",
    "vat": _TAXPAYER,
    "ids": {"CRN": "4030518274"},
    "address": {
        "street": "شارع التحلية | Tahlia Street",
        "building": "7215",
        "district": "الأندلس | Al Andalus",
        "city": "جدة | Jeddah",
        "postal_code": "23326",
        "country": "SA",
    },
}
_BUYER: dict[str, object] = {
    "name": "شركة مدار البناء المحدودة | Madar Building Ltd",
    "vat": "399999995400003",
    "address": {
        "street": "طريق الملك فهد | King Fahd Road",
        "building": "6040",
        "district": "الملقا | Al Malqa",
        "city": "الرياض | Riyadh",
        "postal_code": "13521",
        "country": "SA",
    },
}
_LINES: list[dict[str, object]] = [
    {
        "name": "قهوة مقطرة | Filter coffee",
        "quantity": "12",
        "price": "14",
        "price_basis": "gross",
        "vat": {"category": "S", "rate": "15"},
    },
    {
        "name": "كعكة تمر | Date cake",
        "quantity": "3",
        "price": "21.42",
        "price_basis": "gross",
        "vat": {"category": "S", "rate": "15"},
    },
]
_KINDS = ("invoice", "credit_note", "debit_note")


@click.command()
@format_option
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help="Keep the ledger in this new folder.")
def demo(output_format: OutputFormat, keep: Path | None) -> None:
    """Walk CSR, OTP, CCSID, six checks, PCSID; issue, clear and report invoice, credit and debit note of both profiles.

    \b
    Everything happens on this machine, over real HTTP on loopback. Exit code 0 only if all of it held.
    """
    with _home_folder(keep) as folder, StepPrinter(output_format) as printer:
        accepted, held = _walk(folder, printer)
        if keep is not None:
            printer.text(f"the ledger is in {folder}: KHATM_HOME={folder} khatm unit show till-1")
        verdict = "all of it held" if held else "something did not hold"
        printer.summary(f"{accepted} of 6 documents accepted; {verdict}", ok=held, accepted=accepted)
    if not held:
        sys.exit(1)


@contextmanager
def _home_folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        from khatm.cli.files import make_folder

        make_folder(keep, mode=0o700)
        if any(keep.iterdir()):
            raise click.UsageError(f"--keep {keep}: the folder is not empty; name a new one")
        yield keep.absolute()
        return
    folder = Path(tempfile.mkdtemp(prefix="khatm-demo-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _walk(folder: Path, printer: StepPrinter) -> tuple[int, bool]:
    from khatm.cli.workplace import open_workplace
    from khatm.ledger.home import Home
    from khatm.onboarding.onboard import Onboarding
    from khatm.onboarding.otp import OtpReason
    from khatm.simulator.embedded import EmbeddedSimulator

    with EmbeddedSimulator() as authority, open_workplace(Home(folder, environ={})) as workplace:
        workplace.home.custodian()
        workplace.home.master_key_created = False
        printer.text(f"an embedded simulator answers at {authority.url}")
        unit = workplace.ledger.add_unit(
            "till-1", Environment.SIMULATION, _csr_fields(), _SELLER, authority.gateway_url
        )

        def otp(reason: OtpReason) -> str:
            del reason
            return authority.issue_otp(Environment.SIMULATION, _TAXPAYER)

        walk = Onboarding(workplace.ledger, workplace.gateway(unit), workplace.clock, printer, home=workplace.home)
        walk.run("till-1", otp)
        return _documents(workplace, printer)


def _csr_fields() -> "CsrFields":
    from khatm.stamp.csr import CsrFields

    return CsrFields(
        common_name=f"TILL-1-{_TAXPAYER}",
        serial_number="1-Khatm|2-1.0|3-5f0b7c62-7a34-4a56-9d3e-2f4f0d9b1c01",
        organization_identifier=_TAXPAYER,
        organization_unit_name="فرع الأندلس",
        organization_name="مقهى غيمة",
        country_name="SA",
        invoice_type="1100",
        location_address="JEA7215",
        industry_business_category="Food and beverages",
    )


def _documents(workplace: "Workplace", printer: StepPrinter) -> tuple[int, bool]:
    """Issue six documents, send them, and verify the chain; return how many were accepted and whether all held."""
    from khatm.issuing import Issuer
    from khatm.submission.outbox import submit_due

    issuer = Issuer(workplace.ledger, workplace.clock)
    for profile in ("standard", "simplified"):
        for kind in _KINDS:
            document = issuer.issue("till-1", _content(profile, kind)).document
            printer.step(
                "issue",
                ok=True,
                profile=profile,
                kind=kind,
                icv=document.icv,
                payable=document.payable,
                uuid=document.uuid,
            )

    report = submit_due(workplace.ledger, workplace.gateway, workplace.clock)
    for result in sorted(report.results, key=lambda result: result.document.icv):
        printer.document(result)
    chain = workplace.ledger.verify_chain("till-1", stamps=True)
    last_hash = workplace.ledger.unit("till-1").last_hash
    printer.step("chain", ok=chain.intact, documents=chain.documents, last_hash=last_hash)
    return report.accepted, report.exit_code == 0 and report.accepted == 2 * len(_KINDS) and chain.intact


def _content(profile: str, kind: str) -> dict[str, object]:
    number = f"T1-{profile[:2].upper()}-{kind[:2].upper()}-0001"
    content: dict[str, object] = {"kind": kind, "profile": profile, "number": number, "lines": _LINES}
    if profile == "standard":
        content["buyer"] = _BUYER
    if kind == "invoice":
        content["payment"] = {"code": "48"}
    else:
        content["references"] = [{"number": f"T1-{profile[:2].upper()}-IN-0001"}]
        content["reasons"] = [
            "Return of goods | إرجاع سلع" if kind == "credit_note" else "Price corrected | تصحيح السعر"
        ]
    return content
