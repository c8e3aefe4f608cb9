"""Check a parsed document against the UBL 2.1 Invoice structure, with findings worded like the schema rules they break.

The check covers element order and occurrence, groups and wildcards, text types, attributes and unique Ids, all from
the packaged structure table; `khatm.document.walk` makes it on its way. Source: the document standard, section 16.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree

from khatm.document.schema_faults import Fault
from khatm.document.schema_places import Places
from khatm.document.walk import MOST_FAULTS, walk
from khatm.document.xml import Paths, line_of


@dataclass(frozen=True, slots=True)
class StructureFinding:
    """One place where a document leaves the UBL 2.1 structure.

    `location` is an XPath with positions (prefixes as in `khatm.document.xml.NAMESPACES`, the root without prefix),
    `message` begins with the broken schema rule (`cvc-complex-type.2.4.a: …`), `line` counts from 1. `line` and
    `column` point behind the tag where the fault shows when the source bytes were given; else `column` is None.
    """

    location: str
    message: str
    line: int | None
    column: int | None

    @property
    def rule(self) -> str:
        """The schema rule that is broken, such as `cvc-complex-type.2.4.b`."""
        return self.message.partition(":")[0]


def check_structure(
    tree: etree._ElementTree, source: bytes | None = None, *, most: int = MOST_FAULTS
) -> list[StructureFinding]:
    """Return where the document leaves the UBL 2.1 Invoice structure; an empty list means that it is valid.

    `source` are the bytes that the tree was parsed from; with them each finding has its column. The check goes on
    after a finding (one per list of children, as validators do) and stops after `most`.
    """
    return located(walk(tree, most=most).faults, tree, source)


def located(faults: Sequence[Fault], tree: etree._ElementTree, source: bytes | None = None) -> list[StructureFinding]:
    """Return the faults that a walk over the tree met, with their places."""
    if not faults:
        return []
    wanted, paths = {fault.element for fault in faults}, Paths()
    places = Places(tree, source, wanted) if source is not None else None
    return [_finding(fault, places, paths) for fault in faults]


def _finding(fault: Fault, places: Places | None, paths: Paths) -> StructureFinding:
    place = places.of(fault.element, at_end=fault.at_end) if places is not None else None
    line, column = place or (line_of(fault.element), None)
    return StructureFinding(paths.of(fault.element), fault.message, line, column)
