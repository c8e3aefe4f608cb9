"""Verification of an auditor's pack without the ledger that it came from.

Every file against its digest, every document against its line, its certificate and the document before it, and the
statement against the documents; events against the list of documents and the days.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from khatm.errors import KhatmError
from khatm.ledger.audit import pack_events, pack_format
from khatm.ledger.audit.breaks import ChainBreak
from khatm.ledger.audit.errors import PackUnreadable
from khatm.ledger.audit.evidence import evidence_break
from khatm.ledger.audit.examination import examine
from khatm.ledger.audit.pack_export import statement_members
from khatm.ledger.audit.pack_format import DocumentLine, EventLine, ImportPart, Manifest
from khatm.ledger.audit.pack_reader import MemberDamaged, PackReader
from khatm.ledger.audit.pack_sums import Sums, read_sums
from khatm.ledger.audit.record import StampKey
from khatm.ledger.audit.statement import Day
from khatm.ledger.audit.walk import MOST_BREAKS
from khatm.stamp.canonical import INITIAL_PIH
from khatm.stamp.certificate import read_certificate

_MOST_MANIFEST_BYTES = 4 << 20
_MOST_LINES = 5_000_000
"""Of documents in one pack; their UUIDs are held in memory."""

_Line = TypeVar("_Line", DocumentLine, EventLine)

Progress = Callable[[int, int], None]
"""Told how many documents are examined, and of how many."""


@dataclass(slots=True)
class PackReport:
    """What was seen of a pack. `sums_digest` is the SHA-256 of SHA256SUMS, which stands for the whole content."""

    manifest: Manifest
    sums_digest: str
    files: int = 0
    documents: int = 0
    broken: int = 0
    breaks: list[ChainBreak] = field(default_factory=list)

    def add(self, found: ChainBreak) -> None:
        """Count a break, and keep it if there is room."""
        self.broken += 1
        if len(self.breaks) < MOST_BREAKS:
            self.breaks.append(found)

    @property
    def intact(self) -> bool:
        """Whether everything holds."""
        return not self.broken


def verify_pack(path: Path, progress: Progress | None = None) -> PackReport:
    """Check a pack. Raises PackUnreadable for a file that is no pack, or no safe one."""
    with PackReader(path) as pack:
        sums = read_sums(pack)
        manifest = _manifest(pack)
        report = PackReport(manifest, sums.digest, files=len(pack.members))
        _PackWalk(pack, sums, report).run(progress)
    return report


def _manifest(pack: PackReader) -> Manifest:
    try:
        return Manifest.model_validate_json(pack.read(pack_format.MANIFEST, _MOST_MANIFEST_BYTES))
    except KeyError:
        raise PackUnreadable(place=pack_format.MANIFEST, reason="it is not there") from None
    except MemberDamaged as error:
        raise PackUnreadable(place=pack_format.MANIFEST, reason=str(error)) from None
    except ValidationError as error:
        raise PackUnreadable(place=pack_format.MANIFEST, reason=_first_problem(error)) from None


def _first_problem(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'the whole'}: {first['msg']}"


class _PackWalk:
    """One walk through a pack; breaks go into the report."""

    def __init__(self, pack: PackReader, sums: Sums, report: PackReport) -> None:
        self._pack = pack
        self._sums = sums
        self._report = report
        self._manifest = report.manifest
        self._imports = {each.after_icv: each for each in self._manifest.chain.imports}
        self._days: dict[str, Day] = {}
        self._uuids: dict[str, int] = {}
        self._icv = self._manifest.chain.previous_icv
        self._hash: str | None = self._manifest.chain.previous_hash
        self._listed = 0

    def run(self, progress: Progress | None) -> None:
        """Check everything."""
        self._sums.compare_names(self._pack, self._report.add)
        self._read(pack_format.MANIFEST)
        keys = self._keys()
        self._check_start()
        self._check_lines(keys, progress)
        self._check_end()
        if self._manifest.events is not None:
            self._check_events(self._manifest.events)
        self._check_statement()
        for name in self._sums.unread(self._pack):
            self._compare(name, self._digest(name))

    def _keys(self) -> dict[str, StampKey]:
        keys: dict[str, StampKey] = {}
        for each in self._manifest.generations:
            data = self._read(each.certificate)
            try:
                point = None if each.public_key is None else bytes.fromhex(each.public_key)
                keys[each.label] = StampKey(each.label, None if data is None else read_certificate(data), point)
            except (KhatmError, ValueError) as error:
                self._break("file", "a readable certificate", str(error), each.certificate)
        return keys

    def _check_start(self) -> None:
        """A pack that begins with the chain begins with the constant; one that begins after an import, with that."""
        chain = self._manifest.chain
        known = {each.icv: each.invoice_hash for each in chain.imports} | {0: INITIAL_PIH}
        expected = known.get(chain.previous_icv)
        if expected is not None and expected != chain.previous_hash:
            self._break("listing", expected, chain.previous_hash, "previous_hash")
        for each in chain.imports:
            self._check_import(each)

    def _check_import(self, part: ImportPart) -> None:
        data = None if part.file is None else self._read(part.file)
        broken = None if data is None else evidence_break(part.icv, part.uuid, part.invoice_hash, data)
        if broken is not None:
            self._report.add(broken)

    def _check_lines(self, keys: dict[str, StampKey], progress: Progress | None) -> None:
        for line in self._lines(pack_format.DOCUMENTS, DocumentLine, "a document"):
            if line is None:
                self._hash = None
                continue
            self._check_line(line, keys)
            if progress is not None and line.file is not None:
                progress(self._report.documents, self._manifest.documents)

    def _check_events(self, expected: int) -> None:
        """Every event is about a document of the list, or happened to the unit within the days."""
        days = self._manifest.first_day, self._manifest.last_day
        found = 0
        for number, line in enumerate(self._lines(pack_format.EVENTS, EventLine, "an event"), 1):
            found = number
            wrong = None if line is None else pack_events.objection(line, *days, self._uuids)
            if wrong is not None:
                self._break("listing", *wrong, f"{pack_format.EVENTS}:{number}")
        if found != expected:
            self._break("listing", str(expected), str(found), "events")

    def _lines(self, name: str, shape: type[_Line], what: str) -> Iterator[_Line | None]:
        """Walk through a list, comparing its digest at the end; None, and a break, for a line of another shape.

        A list that is missing ends at once: it is named by `compare_names`, or by the counts.
        """
        digest = hashlib.sha256()
        try:
            for number, text in enumerate(self._pack.lines(name, digest), 1):
                if number > _MOST_LINES:
                    raise MemberDamaged(f"more than {_MOST_LINES} lines")
                try:
                    line = shape.model_validate_json(text)
                except ValidationError as error:
                    self._break("listing", what, _first_problem(error), f"{name}:{number}")
                    yield None
                else:
                    yield line
        except KeyError:
            return
        except MemberDamaged as error:
            self._break("file", "whole", str(error), name)
            return
        self._compare(name, digest.hexdigest())

    def _check_line(self, line: DocumentLine, keys: dict[str, StampKey]) -> None:
        self._listed += 1
        self._check_place(line)
        inside = self._manifest.first_day <= line.issue_date <= self._manifest.last_day
        if inside != (line.file is not None):
            detail = f"ICV {line.icv}: {line.issue_date}"
            self._break("listing", "a file" if inside else "no file", line.file or "no file", detail)
        first = self._uuids.setdefault(line.uuid.lower(), line.icv)
        if first != line.icv:
            self._report.add(ChainBreak(line.icv, line.uuid, "uuid-twice", "1", "2", f"ICV {first}, ICV {line.icv}"))
        self._hash = line.invoice_hash
        if line.file is not None:
            self._examine(line, line.file, keys)

    def _check_place(self, line: DocumentLine) -> None:
        """Compare counter and previous hash with the line before, or with an import in between."""
        bridge = self._imports.get(self._icv)
        if bridge is not None and line.icv == bridge.icv + 1:
            self._icv, self._hash = bridge.icv, bridge.invoice_hash
        if line.icv != self._icv + 1:
            self._report.add(
                ChainBreak(self._icv + 1, line.uuid, "counter", str(self._icv + 1), str(line.icv)),
            )
        elif self._hash is not None and line.previous_hash != self._hash:
            self._report.add(ChainBreak(line.icv, line.uuid, "previous-hash", self._hash, line.previous_hash))
        self._icv = line.icv

    def _examine(self, line: DocumentLine, file: str, keys: dict[str, StampKey]) -> None:
        xml = self._read(file)
        cleared = None if line.cleared is None else self._read(line.cleared)
        if line.exchanges is not None:
            self._read(line.exchanges)
        key = keys.get(line.generation, StampKey(line.generation, None))
        seen = examine(line.record(), xml, cleared, key, None)
        if seen.broken is not None:
            self._report.add(seen.broken)
        self._hash = seen.invoice_hash
        self._report.documents += 1
        day = self._days.setdefault(line.issue_date, Day(self._manifest.unit.name, line.issue_date))
        day.add(line.type_code, line.state, xml)

    def _check_end(self) -> None:
        manifest, chain = self._manifest, self._manifest.chain
        counted = (
            ("documents", manifest.documents, self._report.documents),
            ("listed", manifest.listed, self._listed),
        )
        for name, expected, found in counted:
            if expected != found:
                self._break("listing", str(expected), str(found), name)
        if self._icv >= chain.next_icv:
            self._break("listing", f"ICV below {chain.next_icv}", f"ICV {self._icv}", "next_icv")
        elif self._icv == chain.next_icv - 1 and self._hash is not None and self._hash != chain.last_hash:
            self._break("listing", self._hash, chain.last_hash, "last_hash")

    def _check_statement(self) -> None:
        for name, expected in statement_members([self._days[day] for day in sorted(self._days)]).items():
            found = self._read(name)
            if found is not None and found != expected:
                wanted, there = _first_difference(expected, found)
                self._break("statement", wanted, there, name)

    def _read(self, name: str) -> bytes | None:
        """Return a member's bytes once its digest is compared; None, and a break, where it cannot be had."""
        try:
            data = self._pack.read(name)
        except KeyError:
            self._break("file", "the file", "nothing", name)
            return None
        except MemberDamaged as error:
            self._break("file", "whole", str(error), name)
            self._sums.done(name)
            return None
        self._compare(name, hashlib.sha256(data).hexdigest())
        return data

    def _digest(self, name: str) -> str | None:
        try:
            return self._pack.digest(name)
        except MemberDamaged as error:
            self._break("file", "whole", str(error), name)
            return None

    def _compare(self, name: str, found: str | None) -> None:
        expected = self._sums.done(name)
        if found is not None and expected is not None and expected != found:
            self._break("file", expected, found, name)

    def _break(self, check: str, expected: str, found: str, detail: str) -> None:
        self._report.add(ChainBreak(0, "", check, expected, found, detail))


def _first_difference(expected: bytes, found: bytes) -> tuple[str, str]:
    """Return the first line that differs, of both."""
    pairs = zip(expected.split(b"\n"), found.split(b"\n"), strict=False)
    for wanted, there in pairs:
        if wanted != there:
            return wanted.decode("utf-8", "replace")[:300], there.decode("utf-8", "replace")[:300]
    return f"{len(expected)} bytes", f"{len(found)} bytes"
