"""Files that commands write: whole or not at all, through links, and never in the place of a device."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from khatm.cli.errors import FileUnwritable
from khatm.cli.files import make_folder, require_writable, write_file
from khatm.cli.keyfile import write_key_and_csr


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        require_writable(pipe)
        write_file(pipe, b"whole")
        assert os.read(reader, 100) == b"whole"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_a_device_is_never_replaced(tmp_path: Path) -> None:
    link = tmp_path / "null"
    link.symlink_to("/dev/null")
    write_file(link, b"gone")
    assert link.is_symlink()
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("there", [True, False])
def test_a_link_keeps_pointing_where_it_points(tmp_path: Path, there: bool) -> None:
    real, link = tmp_path / "real.xml", tmp_path / "link.xml"
    link.symlink_to(real)
    if there:
        real.write_bytes(b"old")
    write_file(link, b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link.xml", "real.xml"]


@pytest.mark.parametrize("name", ["", ".", "/", "missing/out.xml", "file/out.xml"])
def test_a_place_where_no_file_can_be_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    before = sorted(tmp_path.parent.rglob("*"))
    with pytest.raises(FileUnwritable):
        write_file(Path(name), b"x")
    with pytest.raises(FileUnwritable):
        require_writable(Path(name))
    assert sorted(tmp_path.parent.rglob("*")) == before


def test_asking_leaves_nothing_behind(tmp_path: Path) -> None:
    require_writable(tmp_path / "out.xml")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_under_a_file_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileUnwritable):
        make_folder(tmp_path / "file" / "folder")


def test_a_key_goes_to_a_device_without_harm_to_it(tmp_path: Path) -> None:
    now = datetime(2026, 1, 15, tzinfo=UTC)
    null = tmp_path / "null"
    null.symlink_to("/dev/null")
    with pytest.raises(FileUnwritable):
        write_key_and_csr(null, b"key", tmp_path / "missing" / "csr", b"csr", now=now)
    assert Path("/dev/null").is_char_device()
    assert [each.name for each in tmp_path.iterdir()] == ["null"]
