"""The reader on the official samples: what they are said to show is what it reads."""

from decimal import Decimal
from pathlib import Path

import pytest

from khatm.document.errors import NotAnInvoice, UnreadableXml
from khatm.document.filename import archive_name
from khatm.document.reader import read_invoice
from khatm.document.xml import INV, parse


def test_every_official_sample_is_read(shared_corpus: Path) -> None:
    samples = sorted((shared_corpus / "official").rglob("*.xml"))
    assert len(samples) >= 45
    for sample in samples:
        facts = read_invoice(sample.read_bytes())
        assert facts.number and facts.uuid and facts.icv and facts.pih and facts.seller.vat and facts.seller.name, (
            sample
        )
        assert facts.type_code in ("388", "381", "383") and len(facts.transaction_code or "") == 7, sample
        payable, lines = facts.totals.payable, [line.net for line in facts.lines]
        assert payable is not None and payable.value is not None and facts.totals.line_net is not None, sample
        nets = [net.value for net in lines if net is not None and net.value is not None]
        assert sum(nets, Decimal(0)) == facts.totals.line_net.value, sample
        assert facts.vat is not None and facts.vat_sar is not None and facts.vat_sar.currency == "SAR", sample
        assert read_invoice(parse(sample.read_bytes())) == facts
        assert archive_name(sample.read_bytes()).startswith(
            f"{facts.seller.vat}_{(facts.issue_date or '').replace('-', '')}T"
        )


def test_what_the_samples_show(shared_corpus: Path) -> None:
    folder = shared_corpus / "official" / "Standard" / "Invoice"
    advance = read_invoice((folder / "Advance Payment adjustments with foreign currency invoice.xml").read_bytes())
    assert (advance.currency, advance.exchange_rate) == ("USD", None)
    assert advance.vat is not None and advance.vat_sar is not None
    assert (advance.vat.value, advance.vat_sar.value) == (Decimal(285), Decimal("1068.75"))
    assert [line.prepayment.type_code for line in advance.lines if line.prepayment] == ["386"]
    export = read_invoice((folder / "Export invoice.xml").read_bytes())
    assert (export.buyer.vat, export.buyer.ids[0][0], export.transaction_code) == (None, "OTH", "0100100")
    assert [row.reason_code for row in export.breakdown] == ["VATEX-SA-32"]
    rounded = read_invoice((folder / "Standard Invoice with Payable Rounding Adjustment.xml").read_bytes())
    assert rounded.totals.rounding is not None and rounded.totals.rounding.value == Decimal("-0.01")
    charge = read_invoice((folder / "Standard Invoice with Document Level Charge.xml").read_bytes())
    assert [(each.charge, each.code, each.amount and each.amount.text) for each in charge.adjustments] == [
        (True, "LF", "60.00")
    ]
    nominal = read_invoice((shared_corpus / "official/Simplified/Invoice/Nominal supply invoice.xml").read_bytes())
    assert nominal.simplified and nominal.buyer.name is None and nominal.qr


def test_what_is_no_invoice_is_refused() -> None:
    with pytest.raises(NotAnInvoice, match="CreditNote-2"):
        read_invoice(b'<CreditNote xmlns="urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2"/>')
    with pytest.raises(UnreadableXml):
        read_invoice(b"<Invoice")


def test_an_empty_invoice_has_no_facts_and_no_trouble() -> None:
    facts = read_invoice(f'<Invoice xmlns="{INV}"/>'.encode())
    assert (facts.number, facts.lines, facts.vat, facts.icv, facts.seller.name) == (None, (), None, None, None)
    assert not facts.simplified
