"""A seeded fuzzer for `khatm.rules.validation.validate`: `python -m tests.fuzz_validate --count N --seed S`.

Takes the signed vectors and the authored documents written as XML, damages bytes or structure, and holds each report to
its contract: no exception, a JSON record, failed exactly where an error is, the same at the second run.
"""

import argparse
import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from khatm.cli.validate import _record
from khatm.rules.validation import STAGES, ValidationReport, validate
from tests.stamp_vectors import SIGNED_AT, documents

Change = Callable[[random.Random, bytes], bytes]
AGAIN = 10
"""One in so many reports is made twice."""
SLOW = 5.0
"""Seconds of processor time that no mutated document of a few kilobytes may take."""

_TAG = re.compile(rb"<[A-Za-z][^<>]*>")
_LEAF = re.compile(rb">([^<>]+)</")
_ATTRIBUTE = re.compile(rb'="([^"<>]*)"')
_ELEMENT = re.compile(rb"<([A-Za-z]+:[A-Za-z]+)(?:\s[^<>]*)?>(?:(?!<\1[\s>]).)*?</\1>", re.DOTALL)
_VALUES = [
    b"", b" ", b"0", b"-1", b"1e400", b"NaN", b"INF", b"-0.00", b"9" * 400, b"0." + b"3" * 400, b"1,5", b"true", b"02",
    b"2026-02-30", b"2026-01-15", b"99999-01-01", b"-0001-01-01", b"24:00:00", b"09:30:05Z", b"23:59:60", b"T", b"SAR",
    b"(a+)+", b"[", b"*", b"\\p{L}{9999}", b"(?i)x", b"a{2,1}", b"S", b"VAT", b"QR", b"PIH", b"ICV", b"0211010", b"388",
    b"AAAA", b"=", b"%", "\u0661\u0662".encode(), "\u202e".encode(), "\U0001f9fe".encode(), b"&#13;", b"&#0;", b"&x;",
    b"]]>", b"<!---->", b"<?a?>", b"<![CDATA[1]]>", b"<x/>", b"\x00", b"\xff", b"\xed\xa0\x80", b"\xc0\xaf",
]  # fmt: skip
_SNIPPETS = [
    b'<!DOCTYPE a [<!ENTITY b "c">]>', b"<!---->", b"<?a b?>", b"<ext:UBLExtensions/>", b"<cbc:ID>QR</cbc:ID>",
    b'<x:Signature xmlns:x="urn:x"/>', b"<cac:Signature/>", b"<ds:Signature/>", b"<a>" * 150, b"<![CDATA[x]]>",
    b"<cac:AdditionalDocumentReference><cbc:ID>QR</cbc:ID></cac:AdditionalDocumentReference>", b"&#65;",
]  # fmt: skip


def originals() -> list[bytes]:
    """Return the documents to damage, always in the same order."""
    stamped = [each.xml for group in ("own", "mutated") for each in documents(group)]
    folder = Path(__file__).parent / "data" / "authored"
    return stamped + [written(path) for path in sorted(folder.rglob("*.json"))[:16]]


def written(path: Path) -> bytes:
    """Return an authored document as unstamped XML; an input that is refused stands as its own bytes."""
    from khatm.document.arithmetic import compute
    from khatm.document.model import read_document
    from khatm.document.writer import ChainPlace, unstamped_xml, write
    from khatm.errors import KhatmError
    from khatm.stamp.canonical import INITIAL_PIH

    authored = json.loads(path.read_bytes())
    place = ChainPlace(uuid="8e6000cf-1a98-4174-b3e7-b5d5954bc10d", counter=1, previous_hash=INITIAL_PIH)
    try:
        return unstamped_xml(write(compute(read_document(authored.get("input", authored))), place))
    except (KhatmError, AttributeError):
        return path.read_bytes()


def flip(chance: random.Random, xml: bytes) -> bytes:
    """Change one byte."""
    at = chance.randrange(len(xml))
    return xml[:at] + bytes([chance.randrange(256)]) + xml[at + 1 :]


def cut(chance: random.Random, xml: bytes) -> bytes:
    """Remove a run of bytes."""
    at = chance.randrange(len(xml))
    return xml[:at] + xml[at + chance.randrange(1, 200) :]


def repeat(chance: random.Random, xml: bytes) -> bytes:
    """Repeat a run of bytes."""
    at = chance.randrange(len(xml))
    piece = xml[at : at + chance.randrange(1, 100)]
    return xml[:at] + piece * chance.randrange(2, 20) + xml[at:]


def insert(chance: random.Random, xml: bytes) -> bytes:
    """Put markup behind a tag."""
    return _spliced(chance, xml, _TAG, lambda found: found[0] + chance.choice(_SNIPPETS))


def text(chance: random.Random, xml: bytes) -> bytes:
    """Give a leaf another text."""
    return _spliced(chance, xml, _LEAF, lambda _: b">" + chance.choice(_VALUES) + b"</")


def attribute(chance: random.Random, xml: bytes) -> bytes:
    """Give an attribute another value."""
    return _spliced(chance, xml, _ATTRIBUTE, lambda _: b'="' + chance.choice(_VALUES) + b'"')


def drop(chance: random.Random, xml: bytes) -> bytes:
    """Remove an element."""
    return _spliced(chance, xml, _ELEMENT, lambda _: b"")


def double(chance: random.Random, xml: bytes) -> bytes:
    """Repeat an element."""
    return _spliced(chance, xml, _ELEMENT, lambda found: found[0] * chance.randrange(2, 5))


def swap(chance: random.Random, xml: bytes) -> bytes:
    """Put one element in the place of another."""
    donors = list(_ELEMENT.finditer(xml))
    return _spliced(chance, xml, _ELEMENT, lambda _: chance.choice(donors)[0]) if donors else xml


def rename(chance: random.Random, xml: bytes) -> bytes:
    """Give an element's start and end tag another local name."""
    names = sorted(set(re.findall(rb"<([a-z]+:[A-Za-z]+)", xml)))
    if not names:
        return xml
    old, new = chance.choice(names), chance.choice(names)
    return xml.replace(b"<" + old, b"<" + new, 1).replace(b"</" + old, b"</" + new, 1)


CHANGES: tuple[Change, ...] = (flip, cut, repeat, insert, text, text, text, attribute, drop, double, swap, rename)


def _spliced(
    chance: random.Random, xml: bytes, where: re.Pattern[bytes], new: Callable[[re.Match[bytes]], bytes]
) -> bytes:
    places = list(where.finditer(xml))
    if not places:
        return xml
    found = chance.choice(places)
    return xml[: found.start()] + new(found) + xml[found.end() :]


def mutated(seed: int, number: int, pool: list[bytes]) -> bytes:
    """Return the document of a number: it depends on nothing but seed and number."""
    chance = random.Random(f"{seed}:{number}")
    xml = chance.choice(pool)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        xml = chance.choice(CHANGES)(chance, xml) or b"<a/>"
    return xml


def told(xml: bytes) -> tuple[str, ValidationReport]:
    """Return the report as the JSON that the command line prints, and the report."""
    report = validate(xml, now=SIGNED_AT)
    return json.dumps(_record(Path("fuzzed.xml"), report), ensure_ascii=False, sort_keys=True), report


def hold(xml: bytes, *, again: bool) -> ValidationReport:
    """Assert the contract of a report."""
    began = time.process_time()
    record, report = told(xml)
    assert time.process_time() - began < SLOW, "too slow"
    record.encode("utf-8")
    assert tuple(stage.stage for stage in report.stages) == STAGES
    for stage in report.stages:
        assert (stage.status == "failed") == any(each.severity == "error" for each in stage.findings)
    assert not again or told(xml)[0] == record, "another report at the second run"
    return report


def run(count: int, seed: int) -> Counter[str]:
    """Judge so many mutated documents; return how often each stage ended how. Raises what a document breaks."""
    pool = originals()
    ends: Counter[str] = Counter()
    for number in range(count):
        xml = mutated(seed, number, pool)
        try:
            report = hold(xml, again=number % AGAIN == 0)
        except Exception as error:
            error.add_note(f"seed {seed}, document {number}, {len(xml)} bytes")
            raise
        ends.update(f"{stage.stage} {stage.status}" for stage in report.stages)
        ends["valid"] += report.valid
    return ends


def main() -> None:
    """Run from the command line and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    began = time.perf_counter()
    ends = run(wanted.count, wanted.seed)
    print(f"{wanted.count} documents, seed {wanted.seed}, {time.perf_counter() - began:.1f} s, no disagreement")
    print(json.dumps(dict(sorted(ends.items()))))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
