"""A fault of ours: what the report holds, where it lies, and that it keeps secrets to itself."""

from pathlib import Path

import pytest

from khatm.cli.crash import report_crash


def _fault(secret: str) -> Exception:
    try:
        raise ValueError(f"broken near {secret}")
    except ValueError as error:
        return error


def test_the_report_is_private_and_holds_the_stack_but_no_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KHATM_HOME", "~/khatm home")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert report_crash(_fault("hunter2")) == 70
    (report,) = (tmp_path / "khatm home" / "crash").iterdir()
    text = report.read_text(encoding="utf-8")
    assert "ValueError" in text
    assert "in _fault" in text
    assert "hunter2" not in text
    said = capsys.readouterr().err
    assert str(report) in said
    assert "hunter2" not in said
    assert report.stat().st_mode & 0o77 == 0
    assert report.parent.stat().st_mode & 0o77 == 0


@pytest.mark.parametrize("home", ["/dev/null/home", "~nobody-of-that-name"])
def test_a_report_that_cannot_be_written_is_no_second_fault(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: str
) -> None:
    monkeypatch.setenv("KHATM_HOME", home)
    assert report_crash(_fault("hunter2")) == 70
    assert "no report could be written" in capsys.readouterr().err
