"""SHA256SUMS of an auditor's pack: which files there should be, and which of them were compared."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from khatm.ledger.audit import pack_format
from khatm.ledger.audit.breaks import ChainBreak
from khatm.ledger.audit.errors import PackUnreadable
from khatm.ledger.audit.pack_reader import MemberDamaged, PackReader

_MOST_DAMAGED: Final = 20
_LINE: Final = re.compile(rb"([0-9a-f]{64})  ([A-Za-z0-9._/-]{1,400})")


@dataclass(slots=True)
class Sums:
    """The digests by name, and `digest`, that of the file itself."""

    digest: str
    _expected: dict[str, str]
    _damaged: list[str]
    """Lines that are none."""
    _done: set[str] = field(default_factory=set)

    def done(self, name: str) -> str | None:
        """Return the digest that a file should have (None: it is not listed), and remember that it was compared."""
        self._done.add(name)
        return self._expected.get(name)

    def unread(self, pack: PackReader) -> list[str]:
        """Return the files of a pack that are listed and were not compared yet."""
        return [name for name in pack.members if name in self._expected and name not in self._done]

    def compare_names(self, pack: PackReader, report: Callable[[ChainBreak], None]) -> None:
        """Report every file that is listed and missing, or there and not listed, and every damaged line."""
        for line in self._damaged:
            report(ChainBreak(0, "", "file", "a digest and a name", line, pack_format.SUMS))
        for name in self._expected:
            if name not in pack.members:
                report(ChainBreak(0, "", "file", self._expected[name], "nothing", name))
        for name in pack.members:
            if name not in self._expected and name != pack_format.SUMS:
                report(ChainBreak(0, "", "file", "no such file", "a file that SHA256SUMS does not list", name))


def read_sums(pack: PackReader) -> Sums:
    """Read the list of a pack. Raises PackUnreadable where it is not there or cannot be unpacked."""
    expected: dict[str, str] = {}
    damaged: list[str] = []
    digest = hashlib.sha256()
    try:
        for line in pack.lines(pack_format.SUMS, digest):
            match = _LINE.fullmatch(line)
            if match is None or match[2].decode() in expected:
                damaged.append(line[:200].decode("utf-8", "replace"))
                if len(damaged) > _MOST_DAMAGED:
                    break
            elif len(expected) > 2 * len(pack.members):
                raise PackUnreadable(place=pack_format.SUMS, reason="it lists far more files than there are")
            else:
                expected[match[2].decode()] = match[1].decode()
    except KeyError:
        raise PackUnreadable(place=pack_format.SUMS, reason="it is not there") from None
    except MemberDamaged as error:
        raise PackUnreadable(place=pack_format.SUMS, reason=str(error)) from None
    return Sums(digest.hexdigest(), expected, damaged)
