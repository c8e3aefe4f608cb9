"""The auditor's pack: what is in it, that plain tools can check it, and that nothing in it can be changed unnoticed."""

import base64
import hashlib
import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from lxml import etree

from khatm.ledger.audit import pack_format
from khatm.ledger.audit.errors import EmptyRange, NotExportable, PackUnreadable, RangeTooLarge
from khatm.ledger.audit.pack_verification import PackReport, verify_pack
from khatm.ledger.events import EventKind
from tests.unit.audit_stage import EACH, Archive, archive, either, put_back, whole_archive, whole_either
from tests.unit.test_audit_breaks import read_back

__all__ = ["archive", "either", "whole_archive", "whole_either"]

FIRST, MIDDLE, LAST = date(2026, 3, 5), date(2026, 3, 6), date(2026, 3, 7)
"""The filled ledger has four documents a day and unit: ICV 1 to 4, 5 to 8, 9 and 10."""

Members = dict[str, bytes]


def packed(archive: Archive, first: date = FIRST, last: date = LAST, unit: str = "till-1") -> bytes:
    target = io.BytesIO()
    archive.ledger.export(unit, first, last, target)
    return target.getvalue()


def members_of(pack: bytes) -> Members:
    with zipfile.ZipFile(io.BytesIO(pack)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def zipped(members: Members, *, sums: bool = False) -> bytes:
    """A pack of members; with `sums` its maker takes care of SHA256SUMS too."""
    if sums:
        lines = [
            f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in members.items() if name != "SHA256SUMS"
        ]
        members = members | {"SHA256SUMS": "".join(lines).encode()}
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in members.items():
            made.writestr(name, data)
    return target.getvalue()


def checked(folder: Path, pack: bytes) -> PackReport:
    path = folder / "pack.zip"
    path.write_bytes(pack)
    return verify_pack(path)


def named(report: PackReport) -> list[tuple[int, str, str]]:
    return [(each.icv, each.check, each.detail) for each in report.breaks]


def lines_of(members: Members) -> list[dict[str, Any]]:
    return [json.loads(line) for line in members["documents.jsonl"].splitlines()]


def with_lines(members: Members, lines: list[dict[str, Any]]) -> Members:
    return members | {"documents.jsonl": "".join(json.dumps(line) + "\n" for line in lines).encode()}


@pytest.fixture(scope="module")
def members(whole_archive: Archive) -> Members:
    """All of till-1, with an event."""
    ledger = whole_archive.ledger
    with put_back(ledger):
        document = whole_archive.at(2)
        ledger.record_event(
            EventKind.DISMISSED, {"why": "paid in cash"}, unit_id=document.unit_id, document_id=document.id
        )
        return members_of(packed(whole_archive))


def test_a_pack_holds_what_the_ledger_has_and_verifies(either: Archive, tmp_path: Path) -> None:
    report = checked(tmp_path, packed(either))
    assert (report.intact, report.documents, report.breaks) == (True, EACH, [])
    members = members_of(packed(either))
    for line in lines_of(members):
        document = either.at(line["icv"])
        assert members[line["file"]] == either.ledger.document_xml(document)
        copy = either.ledger.cleared_xml(document)
        assert (line["cleared"] is None) == (copy is None)
        if copy is not None:
            assert members[line["cleared"]] == copy
        (exchange,) = json.loads(members[line["exchanges"]])
        assert (exchange["http_status"], exchange["call"]) == (200, line["route"])
    assert set(members) >= {"README.txt", "manifest.json", "SHA256SUMS", "certificates/G1.pem", "statement.csv"}


def test_the_same_documents_give_the_same_bytes(either: Archive) -> None:
    assert packed(either) == packed(either)


def test_files_have_the_names_that_the_authority_prescribes(members: Members) -> None:
    for line in lines_of(members):
        day, time = line["issue_date"], line["issue_time"]
        moment = f"{day.replace('-', '')}T{time.replace(':', '')}"
        assert line["file"] == f"documents/{day}/399999998100003_{moment}_BM-{line['icv']:07d}.xml"


def test_two_documents_of_one_name_get_two_files(archive: Archive, tmp_path: Path) -> None:
    """Number, second and seller may be the same; upper and lower case are one name on some disks."""
    time = archive.at(EACH - 1).issue_time.encode()
    xml = archive.xml(EACH).replace(f">BM-{EACH:07d}<".encode(), f">bm-{EACH - 1:07d}<".encode())
    xml = re.sub(rb"<cbc:IssueTime>[^<]*", b"<cbc:IssueTime>" + time, xml, count=1)
    archive.forge(EACH, xml)
    files = [line["file"] for line in lines_of(members_of(packed(archive, LAST, LAST)))]
    assert len({name.lower() for name in files}) == len(files) == 2
    assert files[1].endswith(f"_ICV-{EACH}.xml")


def test_plain_tools_check_a_pack(members: Members, tmp_path: Path) -> None:
    """What the readme tells: digests, the hash of the canonical form, the signature, the chain, without our code."""
    for line in members["SHA256SUMS"].decode().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256(members[name]).hexdigest() == digest
    key = x509.load_pem_x509_certificate(members["certificates/G1.pem"]).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    previous = json.loads(members["manifest.json"])["chain"]["previous_hash"]
    for line in lines_of(members):
        xml = members[line["file"]]
        tree = etree.fromstring(read_back(xml)).getroottree()
        canonical = etree.tostring(tree, method="c14n", with_comments=False)
        digest = hashlib.sha256(canonical).digest()
        text = base64.b64encode(digest).decode()
        assert f"<ds:DigestValue>{text}</ds:DigestValue>".encode() in xml
        signature = re.search(rb"<ds:SignatureValue>([^<]+)<", xml)
        assert signature is not None
        key.verify(base64.b64decode(signature[1]), digest, ec.ECDSA(hashes.SHA256()))  # raises if it does not fit
        assert f'mimeCode="text/plain">{previous}<'.encode() in xml
        previous = text
    assert previous == json.loads(members["manifest.json"])["chain"]["last_hash"]


def test_an_unpacker_of_another_hand_reads_it(archive: Archive, tmp_path: Path) -> None:
    path = tmp_path / "pack.zip"
    path.write_bytes(packed(archive))
    script = "import shutil, sys; shutil.unpack_archive(sys.argv[1], sys.argv[2], 'zip')"
    subprocess.run([sys.executable, "-c", script, path, tmp_path / "out"], check=True, timeout=60)
    readme = (tmp_path / "out" / "README.txt").read_text(encoding="utf-8")
    assert "sha256sum -c SHA256SUMS" in readme
    assert "حزمة المدقق" in readme
    sums = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=tmp_path / "out", capture_output=True, check=False)
    assert sums.returncode == 0


@pytest.mark.parametrize(("first", "last", "icvs"), [(FIRST, FIRST, range(1, 5)), (MIDDLE, LAST, range(5, 11))])
def test_a_range_of_days_hangs_in_the_chain(
    archive: Archive, tmp_path: Path, first: date, last: date, icvs: range
) -> None:
    pack = packed(archive, first, last)
    members = members_of(pack)
    assert [line["icv"] for line in lines_of(members)] == list(icvs)
    chain = json.loads(members["manifest.json"])["chain"]
    assert chain["previous_icv"] == icvs[0] - 1
    if icvs[0] > 1:
        assert chain["previous_hash"] == archive.at(icvs[0] - 1).invoice_hash
    assert (chain["next_icv"], chain["last_hash"]) == (EACH + 1, archive.at(EACH).invoice_hash)
    assert checked(tmp_path, pack).intact


def test_documents_of_other_days_between_are_listed_without_their_content(archive: Archive, tmp_path: Path) -> None:
    """Issue dates need not rise with the counter."""
    xml = re.sub(rb"<cbc:IssueDate>[^<]*", b"<cbc:IssueDate>2026-03-05", archive.xml(EACH), count=1)
    forged = archive.forge(EACH, xml)
    archive.tamper("UPDATE document SET issue_date = '2026-03-05' WHERE id = ?", archive.at(EACH).id)
    archive.tamper("UPDATE unit SET last_hash = ? WHERE name = 'till-1'", forged.invoice_hash)
    if archive.ledger.cleared_xml(archive.at(EACH)) is not None:
        archive.tamper("UPDATE cleared_xml SET content = ? WHERE document_id = ?", forged.xml, archive.at(EACH).id)
    if archive.at(EACH).deadline is not None:
        from khatm.ledger.documents import reporting_deadline
        from khatm.ledger.schema import moment_text

        end = reporting_deadline("2026-03-05", archive.at(EACH).issue_time, archive.at(EACH).issued_at)
        archive.tamper("UPDATE document SET deadline = ? WHERE id = ?", moment_text(end), archive.at(EACH).id)
    pack = packed(archive, FIRST, FIRST)
    lines = lines_of(members_of(pack))
    assert [(line["icv"], line["file"] is not None) for line in lines] == [
        (icv, icv <= 4 or icv == EACH) for icv in range(1, EACH + 1)
    ]
    assert checked(tmp_path, pack).intact
    lost = with_lines(members_of(pack), [line for line in lines if line["icv"] != 6])
    assert (6, "counter", "") in named(checked(tmp_path, zipped(lost, sums=True)))


def test_a_declared_gap_and_its_evidence_travel_with_the_pack(archive: Archive, tmp_path: Path) -> None:
    from tests.unit.test_audit_import import elsewhere, issue

    last = elsewhere(20)
    archive.ledger.import_last_document("till-1", last)
    issue(archive.ledger, "till-1")  # on the first day, so that the pack spans the gap
    members = members_of(packed(archive, FIRST, FIRST))
    assert members["evidence/ICV-20.xml"] == last
    report = checked(tmp_path, zipped(members))
    assert report.intact
    assert [(each.after_icv, each.icv) for each in report.manifest.chain.imports] == [(EACH, 20)]
    without = json.loads(members["manifest.json"])
    without["chain"]["imports"] = []
    hidden = members | {"manifest.json": json.dumps(without).encode()}
    del hidden["evidence/ICV-20.xml"]
    assert (EACH + 1, "counter", "") in named(checked(tmp_path, zipped(hidden, sums=True)))
    forged = members | {"evidence/ICV-20.xml": last.replace(b"OLD-57", b"OLD-58")}
    assert (20, "import", "hash") in named(checked(tmp_path, zipped(forged, sums=True)))


def test_each_member_altered_by_one_byte_is_named(members: Members, tmp_path: Path) -> None:
    assert len(members) > 3 * EACH
    for name, data in members.items():
        at = len(data) // 2 if name != "manifest.json" else data.index(b"till-1")
        altered = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        pack = zipped(members | {name: altered})
        if name == "manifest.json":  # the byte may be one that leaves it readable, and may not
            with pytest.raises(PackUnreadable, match=r"manifest\.json"):
                checked(tmp_path, zipped(members | {name: data[:-3] + b"?\n"}))
        report = checked(tmp_path, pack)
        assert not report.intact, name
        if name == "SHA256SUMS":  # some file no longer fits its line, or a line is none
            assert "file" in {check for _, check, _ in named(report)}
        else:
            assert (0, "file", name) in named(report), name


def test_a_file_that_is_missing_or_was_added_is_named(members: Members, tmp_path: Path) -> None:
    file = lines_of(members)[2]["file"]
    missing = {name: data for name, data in members.items() if name != file}
    assert (0, "file", file) in named(checked(tmp_path, zipped(missing)))
    assert (0, "file", "extra.txt") in named(checked(tmp_path, zipped(members | {"extra.txt": b"?"})))
    listed = checked(tmp_path, zipped(missing, sums=True))
    assert (0, "file", file) in named(listed)  # the list of documents still names it
    assert (3, "bytes", "") in named(listed)


def _other_state(lines: list[dict[str, Any]]) -> None:
    lines[1]["state"] = "rejected"


def _other_payable(lines: list[dict[str, Any]]) -> None:
    lines[1]["payable"] = "0.01"


def _other_previous(lines: list[dict[str, Any]]) -> None:
    lines[4]["previous_hash"] = lines[1]["invoice_hash"]


def _exchanged_files(lines: list[dict[str, Any]]) -> None:
    lines[1]["file"], lines[2]["file"] = lines[2]["file"], lines[1]["file"]


def _other_uuid(lines: list[dict[str, Any]]) -> None:
    lines[3]["uuid"] = lines[2]["uuid"].upper()


def _left_out(lines: list[dict[str, Any]]) -> None:
    del lines[5]


def _cut_off(lines: list[dict[str, Any]]) -> None:
    del lines[-1]


def _copied(lines: list[dict[str, Any]]) -> None:
    lines.append(lines[-1])


def _other_copy(lines: list[dict[str, Any]]) -> None:
    standard = [line for line in lines if line["cleared"]]
    standard[0]["cleared"] = standard[1]["cleared"]


def _hidden_content(lines: list[dict[str, Any]]) -> None:
    lines[2]["file"] = None


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (_other_state, {(0, "statement", "statement.jsonl"), (0, "statement", "statement.csv")}),
        (_other_payable, {(2, "row", "payable")}),
        (_other_previous, {(5, "previous-hash", "")}),
        (_exchanged_files, {(2, "hash-of-another", "ICV 3"), (3, "hash-of-another", "ICV 2")}),
        (_other_uuid, {(4, "uuid-twice", "ICV 3, ICV 4"), (4, "embedded-uuid", "")}),
        (_left_out, {(6, "counter", ""), (0, "listing", "documents"), (0, "listing", "listed")}),
        (_cut_off, {(0, "listing", "documents"), (0, "listing", "listed")}),
        (_copied, {(EACH + 1, "counter", ""), (0, "listing", "documents")}),
        (_other_copy, {"cleared-copy"}),
        (_hidden_content, {(0, "listing", "documents")}),
    ],
)
def test_a_pack_whose_maker_fits_the_digests_is_still_found_out(
    members: Members, tmp_path: Path, change: Callable[[list[dict[str, Any]]], None], expected: set[Any]
) -> None:
    """SHA256SUMS only guards against accidents; documents, chain and statement guard against intent."""
    lines = lines_of(members)
    change(lines)
    report = checked(tmp_path, zipped(with_lines(members, lines), sums=True))
    found = {(icv, check, re.sub(", UUID.*", "", detail)) for icv, check, detail in named(report)}
    for each in expected:
        assert each in (found if isinstance(each, tuple) else {check for _, check, _ in found}), found


def test_a_forged_document_in_a_fitted_pack_is_found_by_its_stamp(
    members: Members, archive: Archive, tmp_path: Path
) -> None:
    lines = lines_of(members)
    file = lines[-1]["file"]
    altered = members[file].replace(lines[-1]["payable"].encode(), b"1.00")
    report = checked(tmp_path, zipped(members | {file: altered}, sums=True))
    assert (EACH, "hash", "") in named(report)
    digest = base64.b64encode(hashlib.sha256(read_back(altered)).digest()).decode()
    lines[-1] |= {"invoice_hash": digest, "payable": "1.00"}
    manifest = json.loads(members["manifest.json"])
    manifest["chain"]["last_hash"] = digest
    fitted = with_lines(members | {file: altered, "manifest.json": json.dumps(manifest).encode()}, lines)
    report = checked(tmp_path, zipped(fitted, sums=True))
    stamp = next(each for each in report.breaks if each.check == "stamp")
    assert stamp.icv == EACH
    assert "invoice_digest" in stamp.detail
    assert "signature_value" in stamp.detail


@pytest.mark.parametrize("field", ["previous_hash", "last_hash", "next_icv", "previous_icv"])
def test_a_changed_place_in_the_chain_is_named(archive: Archive, tmp_path: Path, field: str) -> None:
    members = members_of(packed(archive, MIDDLE, LAST))
    manifest = json.loads(members["manifest.json"])
    manifest["chain"][field] = "x" if field.endswith("hash") else manifest["chain"][field] - 1
    report = checked(tmp_path, zipped(members | {"manifest.json": json.dumps(manifest).encode()}, sums=True))
    assert not report.intact
    assert {each.check for each in report.breaks} & {"previous-hash", "listing", "counter"}


def test_no_secret_is_in_a_pack(archive: Archive) -> None:
    generation = archive.ledger.live_generation("till-1")
    assert generation is not None
    key = archive.ledger.key_of(generation)
    secrets = [key, b"".join(key.splitlines()[1:-1]), archive.ledger.pcsid_credentials(generation).secret.encode()]
    body = b'{"secret":"hunter2","validationResults":null}'
    document = archive.at(1)
    archive.tamper("UPDATE exchange SET response_body = ? WHERE document_id = ?", body, document.id)
    secrets.append(b"hunter2")
    whole = b"\0".join(members_of(packed(archive)).values())
    for secret in secrets:
        for form in (secret, base64.b64encode(secret), secret.hex().encode()):
            assert form not in whole


def test_an_empty_range_too_large_a_range_and_lost_bytes_are_refused(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(EmptyRange):
        packed(archive, date(2020, 1, 1), date(2020, 12, 31))
    with monkeypatch.context() as patched, pytest.raises(RangeTooLarge):
        patched.setattr(pack_format, "MOST_DOCUMENTS", EACH - 1)
        packed(archive)
    archive.tamper("DELETE FROM stamped_xml WHERE document_id = ?", archive.at(3).id)
    with pytest.raises(NotExportable) as refusal:
        packed(archive)
    assert refusal.value.icv == 3
