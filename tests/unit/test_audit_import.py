"""Taking over a chain: the proof that is asked for, what is refused, and that what lies between stays declared."""

import base64
import hashlib
import re
import shutil
from pathlib import Path

import pytest
from benchmarks.filled_ledger import FIRST_DAY, fill, shapes
from benchmarks.invoices import VAT_NUMBER, new_identity
from benchmarks.khatm_side import signer_of

from khatm.clock import SystemClock
from khatm.document.errors import UnreadableXml
from khatm.environment import Environment
from khatm.ledger.audit.errors import (
    CounterUnusable,
    EarlierThanRecorded,
    EvidenceIncomplete,
    ForeignTaxpayer,
    ForkedChain,
    HashUnusable,
    NotLater,
    UnprovenGap,
)
from khatm.ledger.audit.verification import verify_ledger
from khatm.ledger.documents import IssuedDocument
from khatm.ledger.errors import ChainHeadReplaced, UnknownUnit
from khatm.ledger.home import Home
from khatm.ledger.issue import ChainPlace
from khatm.ledger.ledger import Ledger, address_of, open_ledger
from khatm.stamp.certificate import read_certificate
from khatm.stamp.keys import load_key
from khatm.stamp.signers import FileSigner
from khatm.stamp.xades import stamp
from tests.unit.audit_stage import Archive, archive, either, whole_archive, whole_either
from tests.unit.ledger_stage import FIRST_PIH, add_unit, csr_fields, fresh_ledger, make_live, tamper

__all__ = ["archive", "either", "whole_archive", "whole_either"]

HASH = base64.b64encode(hashlib.sha256(b"the last document elsewhere").digest()).decode()


def elsewhere(icv: int = 57, previous: str = HASH, uuid: str = "6f4d20e0-6bfe-4a80-9389-7dabe6620f12") -> bytes:
    """A document that another program issued for the taxpayer of the units here, stamped under a certificate of its."""
    invoice = shapes()[0].at(ChainPlace(uuid, icv, previous), "OLD-57", FIRST_DAY)
    return stamp(invoice, signer_of(new_identity()), FIRST_DAY).xml


def digest_value(xml: bytes) -> str:
    """The invoice hash as the document itself states it."""
    match = re.search(rb"<ds:DigestValue>([^<]{44})</ds:DigestValue>", xml)
    assert match is not None
    return match[1].decode()


def empty_unit(ledger: Ledger, name: str = "new") -> str:
    ledger.add_unit(name, Environment.SIMULATION, csr_fields(vat_number=VAT_NUMBER))
    make_live(ledger, name, f"pair of {name}")
    return name


def issue(ledger: Ledger, unit: str) -> IssuedDocument:
    generation = ledger.live_generation(unit)
    assert generation is not None and generation.pcsid_token is not None
    signer = FileSigner(load_key(ledger.key_of(generation)), read_certificate(generation.pcsid_token))
    shape = shapes()[0]
    return ledger.issue(
        unit, lambda place, _: stamp(shape.at(place, f"N-{place.counter}", FIRST_DAY), signer, FIRST_DAY)
    )


def test_a_chain_goes_on_after_the_last_document_elsewhere(either: Archive) -> None:
    unit, last = empty_unit(either.ledger), elsewhere()
    new, evidence = either.ledger.import_last_document(unit, last)
    assert (new.after_icv, new.icv, new.invoice_hash, new.proven) == (0, 57, digest_value(last), True)
    assert evidence.stamp_problems == []
    first, second = issue(either.ledger, unit).document, issue(either.ledger, unit).document
    assert (first.icv, first.previous_hash) == (58, digest_value(last))
    assert (second.icv, second.previous_hash) == (59, first.invoice_hash)
    report = either.verify(unit=unit)[unit]
    assert (report.intact, report.documents, [each.icv for each in report.imports]) == (True, 2, [57])
    assert either.ledger.verify_chain(unit).intact


def test_a_stated_hash_and_counter_are_taken_and_called_unproven(either: Archive) -> None:
    unit = empty_unit(either.ledger)
    new = either.ledger.import_stated_head(unit, 1200, HASH)
    assert (new.proven, new.uuid) == (False, None)
    first = issue(either.ledger, unit).document
    assert (first.icv, first.previous_hash) == (1201, HASH)
    report = either.verify(unit=unit)[unit]
    assert report.intact
    assert [each.proven for each in report.imports] == [False]


def test_a_unit_that_only_imported_is_intact_and_its_head_is_watched(archive: Archive) -> None:
    unit = empty_unit(archive.ledger)
    archive.ledger.import_last_document(unit, elsewhere())
    assert archive.verify(unit=unit)[unit].intact
    archive.tamper("UPDATE unit SET next_icv = 1, last_hash = ? WHERE name = ?", FIRST_PIH, unit)
    found = archive.verify(unit=unit)[unit].first_break
    assert found is not None
    assert (found.icv, found.check, found.expected, found.found) == (57, "head", "58", "1")


def test_a_broken_stamp_is_reported_and_not_refused(archive: Archive) -> None:
    """The old program may have stamped wrongly; the chain of hashes goes on all the same."""
    last = re.sub(rb"<ds:SignatureValue>.{8}", b"<ds:SignatureValue>MEUCIQAA", elsewhere())
    _, evidence = archive.ledger.import_last_document(empty_unit(archive.ledger), last)
    assert "signature_value" in evidence.stamp_problems
    without = re.sub(rb"<ext:UBLExtensions>.*</ext:UBLExtensions>", b"", elsewhere(), flags=re.DOTALL)
    _, evidence = archive.ledger.import_last_document(empty_unit(archive.ledger, "other"), without)
    assert evidence.stamp_problems == ["stamp_present"]


def test_what_cannot_be_evidence_is_refused_and_changes_nothing(archive: Archive) -> None:
    unit = empty_unit(archive.ledger)
    before = archive.ledger.unit(unit)
    refusals: list[tuple[bytes, type[Exception], str]] = [
        (b"<Invoice", UnreadableXml, "XML"),
        (elsewhere().replace(b">ICV<", b">ICW<"), EvidenceIncomplete, "ICV"),
        (elsewhere().replace(b">PIH<", b">PIX<"), EvidenceIncomplete, "PIH"),
        (elsewhere().replace(b"<cbc:UUID>57</cbc:UUID>", b"<cbc:UUID>057</cbc:UUID>"), CounterUnusable, "057"),
        (elsewhere().replace(VAT_NUMBER.encode(), b"310122393500003"), ForeignTaxpayer, "310122393500003"),
    ]
    for xml, kind, words in refusals:
        with pytest.raises(kind, match=words):
            archive.ledger.import_last_document(unit, xml)
    for text in ("abc", HASH[:-1], "A" * 88, "====" * 11, "é" * 44, HASH + "\n"):
        with pytest.raises(HashUnusable):
            archive.ledger.import_stated_head(unit, 5, text)
    for icv in (0, -1, 10**18):
        with pytest.raises(CounterUnusable):
            archive.ledger.import_stated_head(unit, icv, HASH)
    with pytest.raises(UnknownUnit):
        archive.ledger.import_stated_head("nobody", 5, HASH)
    assert archive.ledger.unit(unit) == before
    assert archive.ledger.chain_imports(unit) == []


def test_the_hash_form_of_the_first_previous_hash_is_taken_too(archive: Archive) -> None:
    """Some programs chain hexadecimal digests in base64, 88 characters, as the authority's constant is written."""
    new = archive.ledger.import_stated_head(empty_unit(archive.ledger), 9, FIRST_PIH)
    assert new.invoice_hash == FIRST_PIH


def test_a_unit_with_documents_takes_no_earlier_place(archive: Archive) -> None:
    known = archive.xml(4)
    with pytest.raises(NotLater) as refusal:
        archive.ledger.import_last_document("till-1", known)
    assert (refusal.value.found, refusal.value.last) == (4, 10)
    with pytest.raises(NotLater):
        archive.ledger.import_stated_head("till-1", 10, HASH, unproven=True)
    forged = archive.restamp(known.replace(b"<cbc:ID>BM-", b"<cbc:ID>XX-", 1)).xml
    with pytest.raises(ForkedChain) as fork:
        archive.ledger.import_last_document("till-1", forged)
    assert (fork.value.icv, fork.value.field, fork.value.allowed) == (4, "hash", archive.at(4).invoice_hash)


def test_the_next_document_must_name_the_last_one(archive: Archive) -> None:
    head = archive.ledger.unit("till-1")
    with pytest.raises(ForkedChain, match="previous hash"):
        archive.ledger.import_last_document("till-1", elsewhere(head.next_icv, HASH))
    archive.ledger.import_last_document("till-1", elsewhere(head.next_icv, head.last_hash))
    assert archive.verify()["till-1"].intact


def test_a_uuid_that_the_ledger_has_is_no_evidence(archive: Archive) -> None:
    with pytest.raises(ForkedChain, match="UUID"):
        archive.ledger.import_last_document("till-1", elsewhere(57, HASH, archive.at(3, "till-2").uuid))


def test_a_later_place_on_a_stated_hash_needs_consent(archive: Archive) -> None:
    with pytest.raises(UnprovenGap) as refusal:
        archive.ledger.import_stated_head("till-1", 20, HASH)
    assert "--unproven" in refusal.value.sentence()
    new = archive.ledger.import_stated_head("till-1", 20, HASH, unproven=True)
    assert (new.after_icv, new.icv, new.is_gap) == (10, 20, True)
    assert archive.verify()["till-1"].intact


def test_an_older_copy_goes_on_with_the_last_document_of_the_newer_one(tmp_path: Path) -> None:
    """The ledger was put back to an older copy; the last document that left it is still in somebody's hands."""
    fill(tmp_path / "home", 4)
    shutil.copytree(tmp_path / "home", tmp_path / "older")
    with open_ledger(Home(tmp_path / "home", environ={}), SystemClock()) as newer:
        lost = [issue(newer, "till-1") for _ in range(3)]
    home = Home(tmp_path / "older", environ={})
    with open_ledger(home, SystemClock()) as older:
        new, evidence = older.import_last_document("till-1", lost[-1].xml)
        assert (new.after_icv, new.icv, evidence.stamp_problems) == (4, 7, [])
        went_on = issue(older, "till-1").document
        assert (went_on.icv, went_on.previous_hash) == (8, lost[-1].document.invoice_hash)
        issue(older, "till-1")
    (report,) = verify_ledger(address_of(home), piece_size=2)
    assert (report.intact, report.documents) == (True, 6)
    assert [(each.after_icv + 1, each.icv, each.proven) for each in report.imports] == [(5, 7, True)]


def test_a_copy_that_issued_for_itself_has_forked_and_says_so(tmp_path: Path) -> None:
    fill(tmp_path / "home", 2)
    shutil.copytree(tmp_path / "home", tmp_path / "older")
    with open_ledger(Home(tmp_path / "home", environ={}), SystemClock()) as newer:
        right = issue(newer, "till-1")
    with open_ledger(Home(tmp_path / "older", environ={}), SystemClock()) as older:
        wrong = issue(older, "till-1").document
        with pytest.raises(ForkedChain) as fork:
            older.import_last_document("till-1", right.xml)
        assert (fork.value.found, fork.value.allowed) == (right.document.invoice_hash, wrong.invoice_hash)
        assert older.unit("till-1").next_icv == 4


@pytest.mark.parametrize(
    ("statement", "detail"),
    [
        ("UPDATE chain_import SET content = ?", "hash"),
        ("UPDATE chain_import SET uuid = ?", "uuid"),
        ("UPDATE chain_import SET icv = 56, after_icv = ?", "counter"),
    ],
)
def test_changed_evidence_is_named(archive: Archive, statement: str, detail: str) -> None:
    unit, last = empty_unit(archive.ledger), elsewhere()
    archive.ledger.import_last_document(unit, last)
    value: object = last.replace(b"OLD-57", b"OLD-58") if detail == "hash" else 0 if detail == "counter" else "x"
    archive.tamper(statement, value)
    breaks = archive.verify(unit=unit)[unit].breaks
    assert ("import", detail) in [(each.check, each.detail) for each in breaks]


def test_evidence_counts_when_uuids_are_compared(archive: Archive) -> None:
    unit = empty_unit(archive.ledger)
    archive.ledger.import_last_document(unit, elsewhere(uuid="6F4D20E0-6bfe-4a80-9389-7dabe6620f12"))
    archive.tamper("UPDATE chain_import SET uuid = ?", archive.at(3).uuid)
    assert [each.check for each in archive.verify(unit="till-1")["till-1"].breaks] == ["uuid-twice"]


def test_the_authoritys_sample_can_be_the_last_document(tmp_path: Path, shared_corpus: Path) -> None:
    """A stamped sample of the SDK as evidence: its hash is the one that the SDK wrote into it."""
    sample = sorted((shared_corpus / "official" / "sdk-3.4.8" / "Simplified" / "Invoice").glob("*.xml"))[0].read_bytes()
    vat = re.search(rb"<cbc:CompanyID>(\d{15})</cbc:CompanyID>", sample)
    counter = re.search(rb"<cbc:ID>ICV</cbc:ID>\s*<cbc:UUID>(\d+)</cbc:UUID>", sample)
    assert vat is not None and counter is not None
    with fresh_ledger(tmp_path) as ledger:
        add_unit(ledger)
        tamper(ledger, "UPDATE unit SET vat_number = ?", vat[1].decode())
        new, evidence = ledger.import_last_document("till-1", sample)
    assert (new.icv, new.invoice_hash) == (int(counter[1]), digest_value(sample))
    assert evidence.stamp_problems == []


@pytest.fixture
def put_back(tmp_path: Path) -> tuple[Ledger, list[IssuedDocument]]:
    """A ledger in whose place an older copy of itself was put, and the documents that it forgot (ICV 5 to 7)."""
    home = Home(tmp_path / "home", environ={})
    fill(home.path, 4)
    older = (home.path / "ledger.db").read_bytes()
    with open_ledger(home, SystemClock()) as newer:
        lost = [issue(newer, "till-1") for _ in range(3)]
    (home.path / "ledger.db").write_bytes(older)
    return open_ledger(home, SystemClock()), lost


def test_a_ledger_put_back_is_noticed_by_verification(put_back: tuple[Ledger, list[IssuedDocument]]) -> None:
    ledger, lost = put_back
    with ledger:
        with pytest.raises(ChainHeadReplaced):
            issue(ledger, "till-1")
        recorded = ledger.recorded_head("till-1")
        assert recorded is not None
        (report,) = verify_ledger(f"sqlite:///{ledger.place}", recorded={"till-1": recorded})
    found = report.first_break
    assert found is not None
    assert (found.icv, found.check, found.expected) == (4, "head-record", f"ICV 7, {lost[-1].document.invoice_hash}")
    assert report.documents == 4


@pytest.mark.parametrize("stated", [False, True])
def test_a_ledger_put_back_goes_on_after_the_document_that_it_remembers(
    put_back: tuple[Ledger, list[IssuedDocument]], stated: bool
) -> None:
    ledger, lost = put_back
    last = lost[-1]
    with ledger:
        if stated:
            ledger.import_stated_head("till-1", 7, last.document.invoice_hash)  # remembered, so no consent is needed
        else:
            ledger.import_last_document("till-1", last.xml)
        went_on = issue(ledger, "till-1").document
        assert (went_on.icv, went_on.previous_hash) == (8, last.document.invoice_hash)
        recorded = ledger.recorded_head("till-1")
        assert recorded is not None
        (report,) = verify_ledger(f"sqlite:///{ledger.place}", recorded={"till-1": recorded})
    assert report.intact


def test_what_contradicts_the_memory_of_the_installation_is_refused(
    put_back: tuple[Ledger, list[IssuedDocument]],
) -> None:
    ledger, lost = put_back
    with ledger:
        with pytest.raises(EarlierThanRecorded) as refusal:
            ledger.import_last_document("till-1", lost[1].xml)
        assert (refusal.value.found, refusal.value.recorded_icv) == (6, 7)
        with pytest.raises(ForkedChain):
            ledger.import_stated_head("till-1", 7, HASH, unproven=True)
        assert ledger.unit("till-1").next_icv == 5
