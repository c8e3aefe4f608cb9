"""The body of a request to the gateway: hash, UUID and the document itself.

Source: the stamp standard, section 7.
"""

import base64
import json

from khatm.document.xml import parse
from khatm.stamp.canonical import canonicalise, hash_text, remove_stamp
from khatm.stamp.errors import MissingElement
from khatm.stamp.facts import read_facts


def api_request(xml: bytes) -> bytes:
    """Return the JSON body for a document: one line, members invoiceHash, uuid, invoice in this order, no blanks.

    The hash is recomputed from the bytes, so unstamped standard documents work too; `invoice` is base64 of the bytes as
    given. Raises UnreadableXml, NotCanonical, MissingElement without cbc:UUID.
    """
    tree = parse(xml)
    uuid = read_facts(tree.getroot()).uuid
    if not uuid:
        raise MissingElement("cbc:UUID", "the request body")
    remove_stamp(tree)
    body = {
        "invoiceHash": hash_text(canonicalise(tree)),
        "uuid": uuid,
        "invoice": base64.b64encode(xml).decode("ascii"),
    }
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
