"""Claims: full validation at least 5 times as fast as fatoora-rs, the rules alone at least 10 times as fast as SaxonC
running the official stylesheets, and a thousand files on both cores."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.invoices import FIRST_PREVIOUS_HASH, SIGNING_TIME, authored, new_identity
from benchmarks.measuring import Missing, Row, Turns, in_turns, milliseconds

FULL_AIM = 5.0
RULES_AIM = 10.0
CORES_AIM = 1.5
LINES = 5
FILES = 1000
STYLESHEETS = "KHATM_STYLESHEETS"
"""The environment variable that names the folder of the official stylesheets; they are the authority's, not ours."""
_NAMES = ("CEN-EN16931-UBL.xsl", "20210819_ZATCA_E-invoice_Validation_Rules.xsl")


def measure(*, rounds: int, turn: float) -> list[Row | Missing]:
    """Every side gets the same stamped simplified invoice, without a finding, and the same instant."""
    from benchmarks.khatm_side import author_and_stamp, signer_of

    xml = author_and_stamp(authored(LINES), signer_of(new_identity()))
    full = [_full(xml, rounds, turn, advice=advice) for advice in (False, True)]
    return [*full, _rules(xml, rounds, turn), _cores(xml, rounds)]


def _full(xml: bytes, rounds: int, turn: float, *, advice: bool) -> Row | Missing:
    """XML, structure, both rule sets, stamp, QR code and chain: what both do, and with the advice that one lacks."""
    claim = f"full validation, stamped simplified invoice of {LINES} lines{', and advice' if advice else ''}"
    try:
        import fatoora
    except ImportError:
        return Missing(claim, "fatoora-rs is not installed: pip install '.[peers]'")
    from khatm.rules.validation import validate

    instant, text = SIGNING_TIME.strftime("%Y-%m-%dT%H:%M:%SZ"), xml.decode()
    with fatoora.Config() as config:

        def theirs() -> bool:
            report = fatoora.validate_zatca_invoice_from_str(
                config, text, previous_invoice_hash=FIRST_PREVIOUS_HASH, evaluated_at=instant
            )
            return bool(report["is_valid"] and report["is_complete"])

        def ours() -> bool:
            return validate(xml, now=SIGNING_TIME, previous_hash=FIRST_PREVIOUS_HASH, advice=advice).valid

        aim = None if advice else FULL_AIM
        return _compared(claim, ours, theirs, "fatoora-rs", aim, rounds, turn)


def _rules(xml: bytes, rounds: int, turn: float) -> Row | Missing:
    """Both rule sets over an XML text: parsing, and reading or transforming; the stylesheets are compiled before."""
    claim = f"rules alone, {LINES} lines"
    folder = os.environ.get(STYLESHEETS)
    if folder is None or not all((Path(folder) / name).is_file() for name in _NAMES):
        return Missing(claim, f"{STYLESHEETS} names no folder with {' and '.join(_NAMES)}")
    try:
        from saxonche import PySaxonProcessor
    except ImportError:
        return Missing(claim, "SaxonC is not installed: pip install '.[peers]'")
    from khatm.document.xml import parse_strictly
    from khatm.rules.edition import DEFAULT
    from khatm.rules.engine import judge
    from khatm.rules.reading import read

    text = xml.decode()
    with PySaxonProcessor(license=False) as saxon:
        compiler = saxon.new_xslt30_processor()
        sheets = [compiler.compile_stylesheet(stylesheet_file=str(Path(folder) / name)) for name in _NAMES]

        def theirs() -> bool:
            node = saxon.parse_xml(xml_text=text)
            return not any("failed-assert" in sheet.transform_to_string(xdm_node=node) for sheet in sheets)

        def ours() -> bool:
            stages = judge(read(parse_strictly(xml)), DEFAULT, SIGNING_TIME)
            return not any(stage.findings for stage in stages if stage.stage != "advice")

        theirs()  # the 24 hours of BR-KSA-98 are counted from the real clock there: one warning is right
        return _compared(claim, ours, theirs, "SaxonC", RULES_AIM, rounds, turn, agreeing=False)


def _compared(
    claim: str,
    ours: Callable[[], bool],
    theirs: Callable[[], bool],
    peer: str,
    aim: float | None,
    rounds: int,
    turn: float,
    *,
    agreeing: bool = True,
) -> Row:
    assert ours() and (theirs() or not agreeing), "both must find the invoice valid"
    turns = in_turns(ours, theirs, rounds=rounds, turn=turn)
    return Row(
        claim, milliseconds(turns.median(0)), f"{peer} {milliseconds(turns.median(1))}", turns.ratio(1, to=0), aim
    )


def _cores(xml: bytes, rounds: int) -> Row | Missing:
    """Wall time of the whole command over a folder of copies, in turns."""
    claim = f"khatm validate, {FILES} files, two processes to one"
    if (os.cpu_count() or 1) < 2:
        return Missing(claim, "this machine has one core")
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{number}.xml" for number in range(FILES if rounds > 3 else 100)]
        for file in files:
            file.write_bytes(xml)
        samples: list[list[float]] = [[], []]
        for _ in range(max(rounds // 12, 1)):
            for jobs, taken in zip((2, 1), samples, strict=True):
                taken.append(_command(files, jobs))
    turns = Turns(samples)
    two, one = (milliseconds(turns.median(way)) for way in (0, 1))
    return Row(claim, two, f"--jobs 1 {one}", turns.ratio(1, to=0), CORES_AIM)


def _command(files: list[Path], jobs: int) -> float:
    khatm = str(Path(sys.executable).parent / "khatm")
    at = SIGNING_TIME.isoformat()
    began = time.perf_counter()
    subprocess.run(
        [khatm, "validate", "--format", "json", "--jobs", str(jobs), "--at", at, *map(str, files)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - began
