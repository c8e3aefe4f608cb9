"""Stamping of many files, in one process or several: each file is one outcome, and none stops the others."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from pathlib import Path

from khatm.cli.errors import error_record
from khatm.cli.files import read_file, write_file
from khatm.cli.processes import spread
from khatm.clock import SystemClock
from khatm.errors import KhatmError
from khatm.stamp.canonical import read_canonical
from khatm.stamp.certificate import read_certificate
from khatm.stamp.errors import StampSelfCheck
from khatm.stamp.keys import load_key
from khatm.stamp.signers import FileSigner
from khatm.stamp.verify import verify
from khatm.stamp.xades import StampedInvoice, stamp


@dataclass(frozen=True, slots=True)
class Task:
    """How to stamp: key and certificate by path, and the options of the command; `at` is None for the present time."""

    certificate: Path
    key: Path
    allow_foreign_certificate: bool = False
    allow_utc: bool = False
    verify: bool = False
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file: the record to print, a line for people, and the exit code it calls for."""

    record: dict[str, object]
    line: str
    exit_code: int


class FileStamper:
    """Stamps files with one key and certificate, loaded once. Raises what the key and certificate readers raise."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._signer = FileSigner(
            load_key(read_file(task.key)),
            read_certificate(read_file(task.certificate)),
            allow_foreign_certificate=task.allow_foreign_certificate,
        )

    def stamp_file(self, source: Path, target: Path) -> Outcome:
        """Stamp one file into another; a known error becomes an outcome."""
        try:
            record = self.write(source, target)
        except KhatmError as error:
            return Outcome(
                {"file": str(source), **error_record(error)}, f"{source}: {error.sentence()}", error.exit_code
            )
        return Outcome(record, f"{source} -> {target}  {record['invoice_hash']}", 0)

    def write(self, source: Path, target: Path) -> dict[str, object]:
        """Stamp one file into another and return the record; raises what reading, stamping and writing raise."""
        stamped = self._stamped(read_file(source))
        write_file(target, stamped.xml)
        return {
            "file": str(source),
            "ok": True,
            "out": str(target),
            "uuid": stamped.facts.uuid,
            "invoice_hash": stamped.invoice_hash,
            "signing_time": stamped.signing_time,
            "qr": stamped.qr,
            "warnings": list(stamped.warnings),
        }

    def _stamped(self, xml: bytes) -> StampedInvoice:
        at = self._task.at or SystemClock().now()
        stamped = stamp(read_canonical(xml), self._signer, at, allow_utc_issue_time=self._task.allow_utc)
        if self._task.verify:
            self._verify(stamped)
        return stamped

    def _verify(self, stamped: StampedInvoice) -> None:
        """Check the finished bytes; a certificate of another key is expected to fail the signature, and only that."""
        own_key = self._signer.point == self._signer.certificate.point
        for check in verify(stamped.xml).checks.values():
            if not check.passed and (own_key or check.name != "signature_value"):
                raise StampSelfCheck(check.name, check.expected, check.found)


def stamp_files(task: Task, pairs: Sequence[tuple[Path, Path]], jobs: int) -> Iterator[Outcome]:
    """Stamp `(source, target)` pairs in their order, with `jobs` processes if there is enough to do."""
    stamper(task)  # also with several processes: a wrong key ends the command before any file
    yield from spread(partial(_stamp_pair, task), pairs, jobs)


@lru_cache(maxsize=1)
def stamper(task: Task) -> FileStamper:
    """Return the stamper of a task, made once in each process."""
    return FileStamper(task)


def _stamp_pair(task: Task, pair: tuple[Path, Path]) -> Outcome:
    return stamper(task).stamp_file(*pair)
