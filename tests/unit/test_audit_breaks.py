"""Every kind of damage to an archive is named: its unit, its place, its kind, what was expected and what was found."""

import base64
import hashlib
import re
from pathlib import Path

import pytest
from benchmarks.filled_ledger import FIRST_DAY, shapes
from benchmarks.invoices import new_identity
from benchmarks.khatm_side import signer_of
from cryptography.hazmat.primitives.asymmetric import ec

from khatm.environment import Environment
from khatm.ledger.audit.breaks import TEXTS, ChainBreak
from khatm.ledger.audit.verification import verify_ledger
from khatm.ledger.ledger import address_of
from khatm.stamp.certificate import read_certificate
from khatm.stamp.csr import build_csr
from khatm.stamp.keys import load_key
from khatm.stamp.signers import FileSigner
from khatm.stamp.xades import stamp
from tests.unit.audit_stage import EACH, Archive, archive, either, whole_archive, whole_either
from tests.unit.ledger_stage import csr_fields, fresh_ledger, home_at

__all__ = ["archive", "either", "whole_archive", "whole_either"]


def first_break(archive: Archive, unit: str = "till-1") -> ChainBreak:
    """Verify all; only the unit that was damaged is broken, and its first break comes back."""
    reports = archive.verify()
    assert [name for name, report in reports.items() if not report.intact] == [unit]
    found = reports[unit].first_break
    assert found is not None
    return found


def named(found: ChainBreak) -> tuple[int, str]:
    return found.icv, found.check


def test_an_untouched_archive_holds_whatever_the_pieces(either: Archive) -> None:
    for options in ({}, {"piece_size": 1}, {"piece_size": 1000}, {"jobs": 2, "piece_size": 2}, {"unit": "till-2"}):
        expected = ["till-2"] if "unit" in options else ["till-1", "till-2"]
        reports = either.verify(**options)
        assert [(name, each.intact, each.documents, each.examined) for name, each in reports.items()] == [
            (name, True, EACH, EACH) for name in expected
        ]


def test_the_archive_has_what_the_damage_below_needs(archive: Archive) -> None:
    kinds = {(each.profile.value, each.type_code) for each in archive.ledger.documents("till-1")}
    assert {profile for profile, _ in kinds} == {"standard", "simplified"}
    assert len(kinds) >= 3


@pytest.mark.parametrize("icv", [1, 3, 4, EACH])
def test_a_lost_document_is_a_gap(archive: Archive, icv: int) -> None:
    lost = archive.at(icv)
    for table in ("exchange", "stamped_xml", "cleared_xml"):
        if table != "cleared_xml" or archive.ledger.cleared_xml(lost) is not None:
            archive.tamper(f"DELETE FROM {table} WHERE document_id = ?", lost.id)
    archive.tamper("DELETE FROM document WHERE id = ?", lost.id)
    found = first_break(archive)
    if icv == EACH:  # only the unit's own head remembers the last one
        assert named(found) == (EACH - 1, "head")
        assert (found.expected, found.found) == (str(EACH), str(EACH + 1))
    else:
        assert named(found) == (icv, "counter")
        assert found.expected == str(icv)
        assert archive.verify()["till-1"].documents == icv - 1


def test_a_changed_counter_is_a_gap(archive: Archive) -> None:
    archive.tamper("UPDATE document SET icv = 99 WHERE id = ?", archive.at(3).id)
    assert named(first_break(archive)) == (3, "counter")


def test_lost_bytes_are_named(either: Archive) -> None:
    either.tamper("DELETE FROM stamped_xml WHERE document_id = ?", either.at(5).id)
    found = first_break(either)
    assert named(found) == (5, "bytes")
    assert found.uuid == either.at(5).uuid


def test_exchanged_bytes_are_told_from_changed_ones(either: Archive) -> None:
    third, fourth = either.xml(3), either.xml(4)
    either.put_xml(3, fourth)
    either.put_xml(4, third)
    found = first_break(either)
    assert named(found) == (3, "hash-of-another")
    assert (found.expected, found.found) == (either.at(3).invoice_hash, either.at(4).invoice_hash)
    assert found.detail == f"ICV 4, UUID {either.at(4).uuid}"
    assert either.verify()["till-1"].broken == 2


def test_a_changed_amount_gives_another_hash(archive: Archive) -> None:
    xml, payable = archive.xml(3), archive.at(3).payable
    place = xml.rindex(payable.encode())
    archive.put_xml(3, xml[:place] + b"9" + xml[place + 1 :])
    found = first_break(archive)
    assert named(found) == (3, "hash")
    assert found.expected == archive.at(3).invoice_hash != found.found


def test_bytes_that_are_no_xml_are_named(archive: Archive) -> None:
    archive.put_xml(7, archive.xml(7)[:-10])
    assert named(first_break(archive)) == (7, "unreadable")


def test_a_row_that_records_another_hash_is_told_from_changed_bytes(archive: Archive) -> None:
    right = archive.at(4).invoice_hash
    wrong = base64.b64encode(hashlib.sha256(b"something else").digest()).decode()
    archive.tamper("UPDATE document SET invoice_hash = ? WHERE id = ?", wrong, archive.at(4).id)
    found = first_break(archive)
    assert named(found) == (4, "hash-in-row")
    assert (found.expected, found.found) == (right, wrong)
    assert archive.verify()["till-1"].broken == 1  # its successor points to the bytes, which are right


def test_a_row_that_points_elsewhere_is_named(either: Archive) -> None:
    other = either.at(2).invoice_hash
    for icv in (4, 5):  # at a seam between pieces, and within one
        either.tamper("UPDATE document SET previous_hash = ? WHERE id = ?", other, either.at(icv).id)
    report = either.verify()["till-1"]
    assert [named(each) for each in report.breaks] == [(4, "previous-hash"), (5, "previous-hash")]
    assert (report.breaks[0].expected, report.breaks[0].found) == (either.at(3).invoice_hash, other)


@pytest.mark.parametrize("icv", [3, 4, EACH])
def test_a_careful_forgery_is_found_at_its_successor(archive: Archive, icv: int) -> None:
    """Bytes, stamp, QR code and row agree; only the next document, or the head, remembers."""
    xml = re.sub(rb"<cbc:ID>BM-[0-9]+</cbc:ID>", b"<cbc:ID>BM-FORGED</cbc:ID>", archive.xml(icv), count=1)
    right = archive.at(icv).invoice_hash
    forged = archive.forge(icv, xml)
    copy = archive.ledger.cleared_xml(archive.at(icv))
    if copy is not None:
        archive.tamper("UPDATE cleared_xml SET content = ? WHERE document_id = ?", forged.xml, archive.at(icv).id)
    found = first_break(archive)
    assert named(found) == ((icv + 1, "previous-hash") if icv < EACH else (EACH, "head"))
    assert {found.expected, found.found} == {right, forged.invoice_hash}


@pytest.mark.parametrize(
    ("pattern", "replacement", "check"),
    [
        (rb"<cbc:UUID>3</cbc:UUID>", b"<cbc:UUID>33</cbc:UUID>", "embedded-counter"),
        (rb"<cbc:UUID>[0-9a-f-]{36}</cbc:UUID>", b"<cbc:UUID>8d487816-70b8-4ade-a618-9d620b73814a</cbc:UUID>",
         "embedded-uuid"),
        (rb'(>PIH</cbc:ID><cac:Attachment><cbc:EmbeddedDocumentBinaryObject mimeCode="text/plain">).{4}', rb"\1AAAA",
         "embedded-previous-hash"),
    ],
)  # fmt: skip
def test_bytes_that_claim_another_place_are_named(
    archive: Archive, pattern: bytes, replacement: bytes, check: str
) -> None:
    altered, changed = re.subn(pattern, replacement, archive.xml(3), count=1)
    assert changed == 1
    archive.forge(3, altered)
    assert named(first_break(archive)) == (3, check)


def test_a_stamp_of_another_key_is_named(archive: Archive) -> None:
    stranger = signer_of(new_identity())
    assert isinstance(stranger, FileSigner)
    archive.put_xml(2, archive.restamp(archive.xml(2), stranger).xml)
    found = first_break(archive)
    assert named(found) == (2, "certificate")
    assert str(stranger.certificate.serial_number) in found.found


def test_a_signature_of_another_key_under_the_units_certificate_is_named(archive: Archive) -> None:
    identity, own = new_identity(), archive.signer()
    stranger = FileSigner(identity.key, own.certificate, allow_foreign_certificate=True)
    archive.put_xml(2, archive.restamp(archive.xml(2), stranger).xml)
    found = first_break(archive)
    assert (named(found), found.detail) == ((2, "stamp"), "signature_value")


def test_a_changed_qr_code_is_named(archive: Archive) -> None:
    xml = archive.xml(3)
    match = re.search(rb'>QR</cbc:ID>.*?mimeCode="text/plain">([^<]+)<', xml, re.DOTALL)
    assert match is not None
    raw = base64.b64decode(match[1])
    payable = archive.at(3).payable.encode()
    altered = base64.b64encode(raw.replace(payable, b"9" + payable[1:]))
    archive.put_xml(3, xml.replace(match[1], altered))
    found = first_break(archive)
    assert (named(found), found.detail) == ((3, "stamp"), "qr_4")
    assert found.expected == payable.decode()


@pytest.mark.parametrize(
    ("old", "new", "detail"),
    [
        (b"<xades:SigningTime>20", b"<xades:SigningTime>21", "signed_properties_digest"),
        (b"<ds:X509SerialNumber>1", b"<ds:X509SerialNumber>3", "signed_properties_digest, serial_number"),
        (b"</ds:Transforms>\n ", b"</ds:Transforms>\n\t", "unsigned parts"),
        (b'encoding="UTF-8"', b'encoding="utf-8"', "unsigned parts"),
    ],
)
def test_a_stamp_changed_anywhere_is_named(archive: Archive, old: bytes, new: bytes, detail: str) -> None:
    xml = archive.xml(3)
    assert xml.count(old) == 1
    archive.put_xml(3, xml.replace(old, new))
    found = first_break(archive)
    assert (named(found), found.detail) == ((3, "stamp"), detail)


def test_a_document_without_its_stamp_is_named(archive: Archive) -> None:
    canonical = read_back(archive.xml(3))
    assert base64.b64encode(hashlib.sha256(canonical).digest()).decode() == archive.at(3).invoice_hash
    archive.put_xml(3, canonical)
    found = first_break(archive)
    assert named(found) == (3, "stamp")


def read_back(xml: bytes) -> bytes:
    """The document without its stamp, cut out by hand."""
    xml = re.sub(rb"^<\?xml[^>]*\?>\n", b"", xml)
    xml = re.sub(rb"<ext:UBLExtensions>.*?</ext:UBLExtensions>", b"", xml, flags=re.DOTALL)
    xml = re.sub(rb"<cac:Signature>.*?</cac:Signature>", b"", xml, flags=re.DOTALL)
    reference = rb"<cac:AdditionalDocumentReference>\s*<cbc:ID>QR</cbc:ID>.*?</cac:AdditionalDocumentReference>"
    return re.sub(reference, b"", xml, flags=re.DOTALL)


def test_credentials_of_another_generation_are_named(archive: Archive) -> None:
    other = archive.ledger.live_generation("till-2")
    assert other is not None
    archive.tamper("UPDATE document SET generation_id = ? WHERE id = ?", other.id, archive.at(3).id)
    assert named(first_break(archive)) == (3, "certificate")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("payable", "1.00"),
        ("vat_total", "0.00"),
        ("issue_date", "2026-01-01"),
        ("issue_time", "00:00:00"),
        ("type_code", "386"),
        ("transaction_code", "0200001"),
        ("deadline", "2036-03-07T05:00:00.000000Z"),
    ],
)
def test_a_row_that_says_other_than_its_bytes_is_named(archive: Archive, column: str, value: str) -> None:
    simplified = next(each for each in archive.ledger.documents("till-1") if each.profile.value == "simplified")
    archive.tamper(f"UPDATE document SET {column} = ? WHERE id = ?", value, simplified.id)
    found = first_break(archive)
    assert (named(found), found.detail, found.found) == ((simplified.icv, "row"), column, value)


def test_a_changed_profile_is_named(archive: Archive) -> None:
    archive.tamper("UPDATE document SET profile = 'standard', deadline = NULL WHERE id = ?", simplified_of(archive).id)
    assert named(first_break(archive)) == (simplified_of(archive, "standard").icv, "row")


def simplified_of(archive: Archive, profile: str = "simplified"):  # type: ignore[no-untyped-def]
    """The first document whose bytes are simplified and whose row says `profile`."""
    return next(
        each
        for each in archive.ledger.documents("till-1")
        if each.profile.value == profile and each.transaction_code.startswith("02")
    )


def test_a_cleared_copy_of_another_document_is_named(either: Archive) -> None:
    cleared = [each for each in either.ledger.documents("till-1") if either.ledger.cleared_xml(each) is not None]
    foreign = either.ledger.cleared_xml(cleared[0])
    either.tamper("UPDATE cleared_xml SET content = ? WHERE document_id = ?", foreign, cleared[1].id)
    found = first_break(either)
    assert named(found) == (cleared[1].icv, "cleared-copy")
    assert (found.expected, found.found) == (cleared[1].invoice_hash, cleared[0].invoice_hash)


def test_a_cleared_copy_with_another_stamp_and_other_spaces_is_still_a_copy(archive: Archive) -> None:
    """Only the hash is promised (8.3): a copy that is no template of ours is read by the parser."""
    document = next(each for each in archive.ledger.documents("till-1") if each.profile.value == "standard")
    copy = archive.ledger.cleared_xml(document)
    assert copy is not None
    other = copy.replace(b"    <ext:UBLExtension>", b"\t<ext:UBLExtension>").replace(b'"UTF-8"?>\n', b'"UTF-8"?>')
    assert other != copy
    archive.tamper("UPDATE cleared_xml SET content = ? WHERE document_id = ?", other, document.id)
    assert archive.verify()["till-1"].intact


@pytest.mark.parametrize("unit", ["till-1", "till-2"])
def test_a_uuid_that_two_units_have_is_named_at_both(either: Archive, unit: str) -> None:
    """The database keeps UUIDs apart as texts; letters of the other case make the same UUID pass it."""
    taken = either.at(2, "till-1").uuid
    xml = either.xml(EACH, "till-2").replace(either.at(EACH, "till-2").uuid.encode(), taken.upper().encode())
    forged = either.forge(EACH, xml, "till-2")
    either.tamper("UPDATE document SET uuid = ? WHERE id = ?", taken.upper(), either.at(EACH, "till-2").id)
    either.tamper("UPDATE unit SET last_hash = ? WHERE name = 'till-2'", forged.invoice_hash)
    if either.ledger.cleared_xml(either.at(EACH, "till-2")) is not None:
        document = either.at(EACH, "till-2")
        either.tamper("UPDATE cleared_xml SET content = ? WHERE document_id = ?", forged.xml, document.id)
    report = either.verify(unit=unit)[unit]  # also where only one of the two is asked for
    assert [named(each) for each in report.breaks] == [(2 if unit == "till-1" else EACH, "uuid-twice")]
    assert report.breaks[0].detail == f"till-1 ICV 2, till-2 ICV {EACH}"


@pytest.mark.parametrize(("column", "value"), [("next_icv", 5), ("next_icv", EACH + 2), ("last_hash", "x" * 44)])
def test_a_head_that_does_not_continue_the_chain_is_named(archive: Archive, column: str, value: object) -> None:
    archive.tamper(f"UPDATE unit SET {column} = ? WHERE name = 'till-1'", value)
    found = first_break(archive)
    assert named(found) == (EACH, "head")
    assert found.found == str(value)
    assert archive.verify()["till-1"].documents == EACH


def test_documents_of_both_units_and_many_breaks_are_counted(either: Archive) -> None:
    for unit in ("till-1", "till-2"):
        for icv in (2, 5, 9):
            either.tamper("UPDATE document SET payable = '0.01' WHERE id = ?", either.at(icv, unit).id)
    for report in either.verify(jobs=2).values():
        assert (report.broken, report.documents, report.examined) == (3, 1, EACH)
        assert [each.icv for each in report.breaks] == [2, 5, 9]


def test_what_is_issued_while_a_verification_runs_is_left_for_the_next(either: Archive) -> None:

    shape, signer, seen = shapes()[0], either.signer(), []

    def issue(done: int, total: int) -> None:
        seen.append((done, total))
        either.ledger.issue("till-1", lambda place, _: stamp(shape.at(place, "BM-NEW", FIRST_DAY), signer, FIRST_DAY))

    report = either.verify(progress=issue)["till-1"]
    assert (report.intact, report.examined) == (True, EACH)
    assert seen[-1] == (2 * EACH, 2 * EACH)
    assert either.verify()["till-1"].examined == EACH + len(seen)


@pytest.mark.parametrize("check", sorted(TEXTS))
def test_each_break_says_what_it_means_and_what_to_do_in_both_languages(check: str) -> None:
    found = ChainBreak(7, "0f5c", check, "a", "b", "detail")
    texts = [found.meaning("en"), found.meaning("ar"), found.remedy("en"), found.remedy("ar")]
    assert len(set(texts)) == 4
    assert not any("{" in text for text in texts)
    for text, arabic in zip(texts, (False, True, False, True), strict=True):
        assert bool(re.search("[\u0600-\u06ff]", text)) is arabic


def test_the_sandboxs_canned_certificate_is_held_against_the_units_own_key(tmp_path: Path) -> None:
    """The sandbox gives everybody one certificate of another key; the CSR remembers whose key has to sign."""
    key, canned = load_key(new_identity().key_pem.encode()), read_certificate(new_identity().certificate_der)
    fields = csr_fields()
    home = home_at(tmp_path)
    with fresh_ledger(tmp_path) as ledger:
        unit = ledger.add_unit("till-1", Environment.SANDBOX, fields)
        csr = build_csr(fields, Environment.SANDBOX, key)
        generation = ledger.begin_generation(unit, new_identity().key_pem.encode(), csr.pem)
        generation = ledger.record_ccsid(generation, canned.token, "secret", "1234567890123")
        ledger.record_pcsid(generation, canned.token, "secret", "30368", foreign_certificate=True)
        shape = shapes()[0]

        def stamped_by(signing_key: ec.EllipticCurvePrivateKey) -> None:
            signer = FileSigner(signing_key, canned, allow_foreign_certificate=True)
            ledger.issue(
                "till-1", lambda place, _: stamp(shape.at(place, f"S-{place.counter}", FIRST_DAY), signer, FIRST_DAY)
            )

        stamped_by(key)
        stamped_by(key)
        (report,) = verify_ledger(address_of(home))
        assert (report.intact, report.examined) == (True, 2)
        stamped_by(new_identity().key)
        (report,) = verify_ledger(address_of(home))
    found = report.first_break
    assert found is not None
    assert (named(found), found.detail) == ((3, "stamp"), "signature_value")
