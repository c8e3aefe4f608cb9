"""The documents that each unit has sent for good, as the chain, UUIDs and numbers are judged by."""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from itertools import pairwise

from khatm.simulator.chain_checks import is_hash
from khatm.simulator.grading.sighting import SUBMISSIONS, SentDocument, Sighting
from khatm.stamp.canonical import INITIAL_PIH

_MOST_MISSING = 5


@dataclass(slots=True)
class Chain:
    """One chain of a unit: from ICV to the document that has it first, and from hash to its first sighting."""

    credential: int
    """The CSID under which it begins."""
    by_counter: dict[int, str] = field(default_factory=dict)

    def missing(self) -> list[int]:
        """Return the first counters between the lowest and the highest that no document has, five at most."""
        found: list[int] = []
        for before, after in pairwise(sorted(self.by_counter)):
            found += range(before + 1, min(after, before + 1 + _MOST_MISSING - len(found)))
        return found


@dataclass(slots=True)
class Book:
    """What one unit has sent."""

    documents: dict[str, SentDocument] = field(default_factory=dict)
    """By invoice hash, without their bytes."""
    by_uuid: dict[str, str] = field(default_factory=dict)
    by_number: dict[tuple[str, object, str], str] = field(default_factory=dict)
    accepted: set[str] = field(default_factory=set)
    """The hashes of those whose plain 200 arrived."""
    repeats_numbers: bool = False
    """Whether two documents of the unit share a number though nothing had gone wrong: then numbers tell nothing."""
    chains: list[Chain] = field(default_factory=list)

    def note(self, document: SentDocument, *, accepted: bool) -> None:
        """Enter a document; `accepted`: its plain 200 has arrived."""
        key, given = number_key(document), document.document_hash
        former = self.by_number.setdefault(key, given)
        self.repeats_numbers |= former != given and former in self.accepted
        self.by_uuid.setdefault(document.uuid, given)
        self.documents.setdefault(given, replace(document, xml=b""))
        if accepted:
            self.accepted.add(given)

    def chain_of(self, document: SentDocument, credential: int) -> Chain:
        """Return the chain that a new document goes on with; after a renewal it may begin anew."""
        begins = document.icv == 1 and document.previous_hash == INITIAL_PIH
        if not self.chains or (begins and self.chains[-1].credential != credential):
            self.chains.append(Chain(credential))
        return self.chains[-1]


class Books:
    """One book for each unit; grows with the documents of a run."""

    def __init__(self) -> None:
        self._books: defaultdict[int, Book] = defaultdict(Book)

    def of(self, device: int) -> Book:
        """Return a unit's book."""
        return self._books[device]

    def all(self) -> list[Book]:
        """Return every book."""
        return list(self._books.values())


def is_submission(sighting: Sighting) -> bool:
    """Tell whether a call brings a document for good, from a unit that is known."""
    return sighting.endpoint in SUBMISSIONS and sighting.document is not None and sighting.credential is not None


def number_key(document: SentDocument) -> tuple[str, object, str]:
    """Return what makes a document the same business document: kind and BT-1."""
    return document.number, document.profile, document.type_code


def follows(later: SentDocument, earlier: SentDocument) -> bool:
    """Tell whether a document's PIH is the hash of another."""
    return is_hash(later.previous_hash, earlier.document_hash)
