"""The request body. Source: stamp standard 7."""

import base64
import json

import pytest

from khatm.stamp.canonical import invoice_hash
from khatm.stamp.errors import MissingElement
from khatm.stamp.request import api_request
from tests.vectors.entries import read


@pytest.mark.parametrize("name", ["signed/standard-invoice.xml", "unsigned/standard-invoice.xml"])
def test_members_and_form(name: str) -> None:
    xml = read(name)
    text = api_request(xml).decode()
    body = json.loads(text)
    assert list(body) == ["invoiceHash", "uuid", "invoice"]
    assert "\n" not in text and " " not in text
    assert base64.b64decode(body["invoice"]) == xml
    assert body["invoiceHash"] == invoice_hash(xml) == invoice_hash(read("signed/standard-invoice.xml"))


def test_a_document_without_uuid_has_no_body() -> None:
    with pytest.raises(MissingElement, match="cbc:UUID"):
        api_request(b"<Invoice/>")
