"""What a document was written from, as the ledger keeps it: the authored JSON, compressed, beside the stamped bytes.

Rebuilding it from the XML would lose what the author said: whether a price was gross or net, which totals were asked
for, which discounts were spread over several VAT groups.
"""

import json
import zlib
from collections.abc import Callable, Mapping
from typing import cast

_FASTEST = 1


def pack(content: Mapping[str, object], text_of: Callable[[object], str]) -> bytes:
    """Return authored data in the form in which it is kept; `text_of` writes values that JSON does not know."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), default=text_of)
    return zlib.compress(text.encode("utf-8", "surrogatepass"), _FASTEST)


def unpack(kept: bytes) -> dict[str, object]:
    """Return authored data from the form in which it is kept."""
    return cast("dict[str, object]", json.loads(zlib.decompress(kept).decode("utf-8", "surrogatepass")))
