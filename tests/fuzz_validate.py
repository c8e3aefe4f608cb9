"""A seeded fuzzer for `khatm.rules.validation.validate`: `python -m tests.fuzz_validate --count N --seed S`.

Takes the signed vectors, the authored documents written as XML and small ones of every hostile shape, damages bytes,
structure or what base64 holds, and holds each report to its contract: no exception, a JSON record, failed exactly where
an error is, the same at the second run, within a second of processor time and 300 MiB of resident memory.
"""

import argparse
import base64
import binascii
import json
import random
import re
import resource
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from khatm.rules.report import members
from khatm.rules.validation import STAGES, ValidationReport, validate
from tests.hostile_documents import SHAPES, shape
from tests.stamp_vectors import SIGNED_AT, documents

Change = Callable[[random.Random, bytes], bytes]
AGAIN = 10
"""One in so many reports is made twice."""
HOSTILE = 8
"""One in so many documents comes from a hostile shape."""
SLOW = 1.0
"""Seconds of processor time that no document may take."""
MEMORY = 300 * 1024
"""KiB of resident memory that the process may have at its peak."""

_TAG = re.compile(rb"<[A-Za-z][^<>]*>")
_LEAF = re.compile(rb">([^<>]+)</")
_ATTRIBUTE = re.compile(rb'="([^"<>]*)"')
_ELEMENT = re.compile(rb"<([A-Za-z]+:[A-Za-z]+)(?:\s[^<>]*)?>(?:(?!<\1[\s>]).)*?</\1>", re.DOTALL)
_BASE64 = re.compile(rb">([A-Za-z0-9+/=]{40,})<")
_VALUES = [
    b"", b" ", b"0", b"-1", b"1e400", b"NaN", b"INF", b"-0.00", b"9" * 400, b"0." + b"3" * 400, b"1,5", b"true", b"02",
    b"2026-02-30", b"2026-01-15", b"99999-01-01", b"-0001-01-01", b"24:00:00", b"09:30:05Z", b"23:59:60", b"T", b"SAR",
    b"9" * 5000 + b"-01-01",
    b"(a+)+", b"[", b"*", b"\\p{L}{9999}", b"(?i)x", b"a{2,1}", b"S", b"VAT", b"QR", b"PIH", b"ICV", b"0211010", b"388",
    b"AAAA", b"=", b"%", "\u0661\u0662".encode(), "\u202e".encode(), "\U0001f9fe".encode(), b"&#13;", b"&#0;", b"&x;",
    b"]]>", b"<!---->", b"<?a?>", b"<![CDATA[1]]>", b"<x/>", b"\x00", b"\xff", b"\xed\xa0\x80", b"\xc0\xaf",
]  # fmt: skip
_SNIPPETS = [
    b'<!DOCTYPE a [<!ENTITY b "c">]>', b"<!---->", b"<?a b?>", b"<ext:UBLExtensions/>", b"<cbc:ID>QR</cbc:ID>",
    b'<x:Signature xmlns:x="urn:x"/>', b"<cac:Signature/>", b"<ds:Signature/>", b"<a>" * 150, b"<![CDATA[x]]>",
    b"<cac:AdditionalDocumentReference><cbc:ID>QR</cbc:ID></cac:AdditionalDocumentReference>", b"&#65;",
]  # fmt: skip


def hostile() -> list[bytes]:
    """Return a document of about 16 KiB of every hostile shape that can be so small."""
    shapes = [shape(name, 16 * 1024) for name in SHAPES]
    return [xml for xml in shapes if len(xml) < 24 * 1024]


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


def graft(chance: random.Random, xml: bytes) -> bytes:
    """Put an element of another document into the place of one."""
    donor = chance.choice(_donors())
    found = list(_ELEMENT.finditer(donor))
    return _spliced(chance, xml, _ELEMENT, lambda _: chance.choice(found)[0])


def within(chance: random.Random, xml: bytes) -> bytes:
    """Damage the bytes that a base64 text holds: a certificate, a signature, a QR code, a hash."""

    def damaged(found: re.Match[bytes]) -> bytes:
        try:
            raw = base64.b64decode(found[1], validate=True)
        except binascii.Error:
            return found[0]
        raw = chance.choice((flip, cut, repeat, lengthen))(chance, raw) or b"\x00"
        return b">" + base64.b64encode(raw) + b"<"

    return _spliced(chance, xml, _BASE64, damaged)


def lengthen(chance: random.Random, raw: bytes) -> bytes:
    """Put a record of a tag, a length and a value between bytes."""
    at, size = chance.randrange(len(raw)), chance.choice((0, 1, 127, 128, 255, 3000))
    length = bytes([size]) if size < 128 else bytes([0x82, size >> 8, size & 0xFF])
    return raw[:at] + bytes([chance.choice((2, 3, 4, 6, 12, 48, 49))]) + length + b"\x7f" * size + raw[at:]


def rename(chance: random.Random, xml: bytes) -> bytes:
    """Give an element's start and end tag another local name."""
    names = sorted(set(re.findall(rb"<([a-z]+:[A-Za-z]+)", xml)))
    if not names:
        return xml
    old, new = chance.choice(names), chance.choice(names)
    return xml.replace(b"<" + old, b"<" + new, 1).replace(b"</" + old, b"</" + new, 1)


CHANGES: tuple[Change, ...] = (
    flip, cut, repeat, insert, text, text, text, attribute, drop, double, swap, graft, rename, within, within,
)  # fmt: skip


@cache
def _donors() -> list[bytes]:
    return originals()[:: max(len(originals()) // 12, 1)]


def _spliced(
    chance: random.Random, xml: bytes, where: re.Pattern[bytes], new: Callable[[re.Match[bytes]], bytes]
) -> bytes:
    places = list(where.finditer(xml))
    if not places:
        return xml
    found = chance.choice(places)
    return xml[: found.start()] + new(found) + xml[found.end() :]


def mutated(seed: int, number: int, pool: list[bytes], shapes: list[bytes]) -> bytes:
    """Return the document of a number: it depends on nothing but seed and number."""
    chance = random.Random(f"{seed}:{number}")
    xml = chance.choice(pool if chance.randrange(HOSTILE) else shapes)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        xml = chance.choice(CHANGES)(chance, xml) or b"<a/>"
    return xml


def told(xml: bytes) -> tuple[str, ValidationReport]:
    """Return the report as the JSON that the command line prints, and the report."""
    report = validate(xml, now=SIGNED_AT)
    return json.dumps(members(report, "fuzzed.xml"), ensure_ascii=False, sort_keys=True), report


def hold(xml: bytes, *, again: bool) -> tuple[ValidationReport, float]:
    """Assert the contract of a report; return it and the seconds it took."""
    began = time.process_time()
    record, report = told(xml)
    seconds = time.process_time() - began
    assert seconds < SLOW, f"{seconds:.2f} s"
    record.encode("utf-8")
    assert tuple(stage.stage for stage in report.stages) == STAGES
    for stage in report.stages:
        assert (stage.status == "failed") == any(each.severity == "error" for each in stage.findings)
    assert not again or told(xml)[0] == record, "another report at the second run"
    return report, seconds


@dataclass
class Run:
    """What a run found: how often each stage ended how, and the greatest cost of a document."""

    ends: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    """Seconds of processor time, for the report and its JSON."""
    largest: int = 0
    """Bytes."""

    @property
    def peak(self) -> int:
        """KiB of resident memory at most, everything included."""
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def run(numbers: Iterable[int], seed: int, *, alone: bool = False) -> Run:
    """Judge the mutated documents of these numbers; raises what a document breaks.

    In a process of its own (`alone`) its memory is held to its limit too, and it tells how far it is.
    """
    pool, shapes = originals(), hostile()
    done = Run()
    ends = done.ends
    for number in numbers:
        xml = mutated(seed, number, pool, shapes)
        try:
            report, seconds = hold(xml, again=number % AGAIN == 0)
            assert not alone or done.peak < MEMORY, f"{done.peak} KiB"
        except Exception as error:
            error.add_note(f"seed {seed}, document {number}, {len(xml)} bytes")
            raise
        ends.update(f"{stage.stage} {stage.status}" for stage in report.stages)
        ends["valid"] += report.valid
        done.slowest, done.largest = max(done.slowest, seconds), max(done.largest, len(xml))
        if alone and number % 10_000 == 9_999:
            print(f"{number + 1}: slowest {done.slowest:.2f} s, peak {done.peak // 1024} MiB", flush=True)
    return done


def main() -> None:
    """Run from the command line and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first document: to share a run out")
    wanted = parser.parse_args()
    began = time.perf_counter()
    done = run(range(wanted.first, wanted.first + wanted.count), wanted.seed, alone=True)
    print(
        f"{wanted.count} documents from {wanted.first}, seed {wanted.seed}: no crash in "
        f"{time.perf_counter() - began:.0f} s; slowest {done.slowest:.2f} s, largest {done.largest} bytes, "
        f"peak {done.peak // 1024} MiB"
    )
    print(json.dumps(dict(sorted(done.ends.items()))))


if __name__ == "__main__":
    main()
