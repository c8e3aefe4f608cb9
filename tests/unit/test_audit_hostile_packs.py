"""Packs that somebody made to do harm: refused with the member and the reason, in bounded memory and time."""

import io
import json
import struct
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import pytest

from khatm.ledger.audit import pack_reader
from khatm.ledger.audit.errors import PackUnreadable
from khatm.ledger.audit.pack_verification import verify_pack
from tests.unit.audit_stage import archive, whole_archive
from tests.unit.test_audit_pack import Members, checked, lines_of, members, named, with_lines, zipped

__all__ = ["archive", "members", "whole_archive"]


def refused(folder: Path, pack: bytes) -> PackUnreadable:
    with pytest.raises(PackUnreadable) as refusal:
        checked(folder, pack)
    for language in ("en", "ar"):
        assert refusal.value.reason in refusal.value.sentence(language)  # type: ignore[arg-type]
    return refusal.value


def with_member(members: Members, name: str, data: bytes = b"x") -> bytes:
    """A pack with a member under any name; zipfile itself would clean it."""
    target = io.BytesIO(zipped(members))
    with zipfile.ZipFile(target, "a") as made:
        info = zipfile.ZipInfo("placeholder")
        info.filename = info.orig_filename = name
        made.writestr(info, data)
    return target.getvalue()


@pytest.mark.parametrize(
    "name",
    [
        "../outside.xml",
        "documents/../../outside.xml",
        "/etc/passwd",
        "C:/windows/x",
        "documents\\x.xml",
        "documents//x.xml",
        "documents/.hidden",
        "a/b/c/d/e/f.xml",
        "فاتورة.xml",
        "a\x01b",
        "con:aux",
        "documents/",
    ],
)
def test_names_that_lead_elsewhere_are_refused(members: Members, tmp_path: Path, name: str) -> None:
    refusal = refused(tmp_path, with_member(members, name))
    assert "name" in refusal.reason


def test_a_name_that_stands_twice_is_refused(members: Members, tmp_path: Path) -> None:
    target = io.BytesIO(zipped(members))
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(target, "a") as made:
        made.writestr("manifest.json", b"{}")
    assert refused(tmp_path, target.getvalue()).reason == "the name stands twice"


@pytest.mark.parametrize(
    ("pack", "words"),
    [
        (b"", "not a zip"),
        (b"PK\x03\x04 nonsense", "not a zip"),
        (b"<Invoice/>" * 1000, "not a zip"),
    ],
)
def test_what_is_no_zip_file_is_refused(tmp_path: Path, pack: bytes, words: str) -> None:
    assert words in refused(tmp_path, pack).reason


def test_a_zip_file_that_is_no_pack_is_refused(members: Members, tmp_path: Path) -> None:
    assert refused(tmp_path, zipped({"a.txt": b"?"})).place == "SHA256SUMS"
    without = {name: data for name, data in members.items() if name != "manifest.json"}
    assert refused(tmp_path, zipped(without)).place == "manifest.json"
    newer = members["manifest.json"].replace(b'"version": 2', b'"version": 3')
    assert "version" in refused(tmp_path, zipped(members | {"manifest.json": newer})).reason
    deep = b"[" * 100_000
    assert refused(tmp_path, zipped(members | {"manifest.json": deep})).place == "manifest.json"


def test_a_pack_cut_off_anywhere_is_refused_or_found_broken(members: Members, tmp_path: Path) -> None:
    pack = zipped(members)
    for part in range(1, 20):
        with pytest.raises(PackUnreadable):
            checked(tmp_path, pack[: len(pack) * part // 20])


def test_a_byte_changed_anywhere_in_the_file_is_noticed_or_harmless(members: Members, tmp_path: Path) -> None:
    """Bytes of the container: refused, named, or (attributes, time stamps) nothing that anybody reads."""
    pack = zipped(members)
    silent = 0
    for at in range(0, len(pack), max(1, len(pack) // 150)):
        changed = pack[:at] + bytes([pack[at] ^ 0x41]) + pack[at + 1 :]
        try:
            report = checked(tmp_path, changed)
        except PackUnreadable:
            continue
        if report.intact:
            silent += 1
            with zipfile.ZipFile(io.BytesIO(changed)) as opened:
                assert {name: opened.read(name) for name in opened.namelist()} == members
    assert silent < 15


def test_a_bomb_is_refused_before_it_is_unpacked(members: Members, tmp_path: Path) -> None:
    tracemalloc.start()
    bomb = members | {"documents/bomb.xml": b"\0" * (300 << 20)}
    pack = zipped(bomb)
    del bomb
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    refusal = refused(tmp_path, pack)
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    assert "would unpack to" in refusal.reason
    assert peak < 8 << 20


def test_a_member_that_lies_about_its_size_is_cut_off(members: Members, tmp_path: Path) -> None:
    """The header says 10 bytes, the stream gives more."""
    name = lines_of(members)[0]["file"]
    data = members[name]
    pack = zipped(members)
    lying = pack.replace(struct.pack("<L", len(data)), struct.pack("<L", 10))
    assert lying != pack
    report = checked(tmp_path, lying)
    assert (0, "file", name) in named(report)


def test_members_that_share_their_bytes_are_refused(members: Members, tmp_path: Path) -> None:
    """Many entries of the table of contents lead to one stream: small to store, endless to unpack."""
    pack = zipped(members)
    with zipfile.ZipFile(io.BytesIO(pack)) as opened:
        start = opened.start_dir
    directory, end = bytearray(pack[start:]), pack.rindex(b"PK\x05\x06") - start
    first_size = 46 + struct.unpack("<H", directory[28:30])[0]
    second_offset = struct.unpack("<L", directory[first_size + 42 : first_size + 46])[0]
    assert second_offset > 0
    directory[first_size + 42 : first_size + 46] = struct.pack("<L", 0)
    assert end > first_size
    refusal = refused(tmp_path, pack[:start] + bytes(directory))
    assert "shares its bytes" in refusal.reason or "differ" in refusal.reason


def test_an_encrypted_or_foreign_packed_member_is_refused(members: Members, tmp_path: Path) -> None:
    pack = bytearray(zipped(members))
    start = pack.rindex(b"PK\x01\x02")
    pack[start + 8] |= 1
    assert "encrypted" in refused(tmp_path, bytes(pack)).reason
    target = io.BytesIO(zipped(members))
    with zipfile.ZipFile(target, "a") as made:
        made.writestr("x.xml", b"?" * 100, compress_type=zipfile.ZIP_LZMA)
    assert "method 14" in refused(tmp_path, target.getvalue()).reason


def test_an_endless_table_of_contents_is_refused_before_it_is_read(
    members: Members, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pack_reader, "MOST_DIRECTORY_BYTES", 500)
    assert "table of contents" in refused(tmp_path, zipped(members)).reason


def test_a_line_without_end_is_refused_by_name(
    members: Members, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pack_reader, "MOST_LINE_BYTES", 100_000)
    long = members | {"documents.jsonl": members["documents.jsonl"] + b'{"icv":' + b"1" * 300_000}
    report = checked(tmp_path, zipped(long, sums=True))
    assert (0, "file", "documents.jsonl") in named(report)


@pytest.mark.parametrize(
    "line",
    [
        b"not json",
        b"null",
        b"[]",
        b'{"icv": 1}',
        b'{"icv": 1e400}',
        b'{"icv": -1}',
        b"\xff\xfe",
        b"[" * 50_000,
        b'{"icv": ' + b"9" * 5000 + b"}",
    ],
)
def test_a_line_that_is_no_document_is_named_by_its_number(members: Members, tmp_path: Path, line: bytes) -> None:
    changed = members | {"documents.jsonl": members["documents.jsonl"] + line + b"\n"}
    count = len(lines_of(members))
    assert (0, "listing", f"documents.jsonl:{count + 1}") in named(checked(tmp_path, zipped(changed, sums=True)))


def test_sums_that_list_what_is_not_there_are_bounded(members: Members, tmp_path: Path) -> None:
    many = "".join(f"{'0' * 64}  {number}.xml\n" for number in range(20_000)).encode()
    assert refused(tmp_path, zipped(members | {"SHA256SUMS": members["SHA256SUMS"] + many})).place == "SHA256SUMS"
    junk = members | {"SHA256SUMS": members["SHA256SUMS"] + b"junk\n" * 100_000}
    report = checked(tmp_path, zipped(junk))
    assert (0, "file", "SHA256SUMS") in named(report)
    assert report.broken < 100


def test_certificates_and_evidence_that_are_none_are_named(members: Members, tmp_path: Path) -> None:
    report = checked(tmp_path, zipped(members | {"certificates/G1.pem": b"no certificate"}, sums=True))
    assert (0, "file", "certificates/G1.pem") in named(report)
    assert {"certificate"} <= {check for _, check, _ in named(report)}
    manifest = json.loads(members["manifest.json"])
    manifest["generations"][0]["public_key"] = "zz"
    report = checked(tmp_path, zipped(members | {"manifest.json": json.dumps(manifest).encode()}, sums=True))
    assert not report.intact


@pytest.mark.parametrize("amount", ["9" * 1000, "1e999999", "NaN", "-" * 50, "٣"])
def test_amounts_that_no_invoice_has_are_not_added_up(members: Members, tmp_path: Path, amount: str) -> None:
    line = lines_of(members)[0]
    xml = members[line["file"]]
    begin = xml.index(b"TaxExclusiveAmount")
    start, end = xml.index(b">", begin) + 1, xml.index(b"<", begin)
    altered = xml[:start] + amount.encode() + xml[end:]
    report = checked(tmp_path, zipped(members | {line["file"]: altered}, sums=True))
    assert (1, "hash", "") in named(report)
    assert (0, "statement", "statement.jsonl") in named(report)


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "2026-02-30", "../..", ""])
def test_days_that_no_calendar_has_end_in_a_report(members: Members, tmp_path: Path, day: str) -> None:
    lines = lines_of(members)
    lines[0]["issue_date"] = day
    report = checked(tmp_path, zipped(with_lines(members, lines), sums=True))
    assert (1, "row", "issue_date") in named(report)


def test_a_folder_or_a_missing_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere.zip"):
        with pytest.raises(PackUnreadable):
            verify_pack(path)


def test_a_damaged_stream_is_named(members: Members, tmp_path: Path) -> None:
    """The digest of a zip member (CRC-32) and the deflate stream itself are checked while reading."""
    pack = bytearray(zipped(members))
    name = lines_of(members)[3]["file"]
    with zipfile.ZipFile(io.BytesIO(pack)) as opened:
        info = opened.getinfo(name)
    begin = info.header_offset + 30 + len(name)
    assert zlib.decompress(pack[begin : begin + info.compress_size], -15) == members[name]
    pack[begin + info.compress_size // 2] ^= 0xFF
    assert (0, "file", name) in named(checked(tmp_path, bytes(pack)))
