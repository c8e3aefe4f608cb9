"""Rules on document references: order, contract, counter (ICV), previous hash (PIH), QR code and attachments.

Source: Saudi rule specification, sites 001, 003, 005-009, 013, 051-054 and 113.
"""

from collections.abc import Iterator
from functools import partial

from khatm.rules.edition import ONLY_333, ONLY_348
from khatm.rules.ksa.facts import OBJECT, REFERENCE, digits, header, is_simplified, type_name
from khatm.rules.patterns import norm
from khatm.rules.reading import NONE, Node, Nodes, Reading, descend, filled, opt
from khatm.rules.site import Site

MIME_CODES = frozenset(
    {
        "text/csv", "text/plain", "application/pdf", "image/png", "image/jpeg", "image/tiff", "application/acad",
        "application/dwg", "drawing/dwg", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.oasis.opendocument.spreadsheet",
    }
)  # fmt: skip
SIGNATURE_INFORMATION = "urn:oasis:names:specification:ubl:signature:1"
SIGNATURE = "urn:oasis:names:specification:ubl:signature:Invoice"
SIGNATURE_METHOD = "urn:oasis:names:specification:ubl:dsig:enveloped:xades"


def _order_reference_long(reading: Reading) -> Nodes:
    return [node for node in header(reading) if len(opt(node.path("cac:OrderReference", "cbc:ID"))) > 127]


def _contract_reference_long(reading: Reading) -> Nodes:
    return [node for node in header(reading) if len(opt(_contract(node))) > 127]


def _contract(node: Node) -> Nodes:
    return node.path("cac:ContractDocumentReference", "cbc:ID")


def _contract_for_government(reading: Reading) -> Nodes:
    """B2G documents name the contract; characters 3 to 8 of the transaction code do not matter."""
    if not any(
        len(name) == 9 and name[:2] in ("01", "02") and name[8] == "1"
        for name in map(type_name, reading.named("cbc:InvoiceTypeCode"))
    ):
        return NONE
    return [node for node in header(reading) if norm(opt(_contract(node))) == ""]


def _is(reference: Node, kind: str) -> bool:
    return norm(opt(reference.all("cbc:ID"))) == kind


def _objects(references: Nodes) -> Nodes:
    return descend(references, "cac:Attachment", OBJECT)


def _plain_text(nodes: Nodes) -> bool:
    return any(norm(node.attribute("mimeCode") or "") == "text/plain" for node in nodes)


def _qr_code_missing(reading: Reading) -> Nodes:
    return [node for node in header(reading) if not _has_qr_code(node)] if is_simplified(reading) else NONE


def _has_qr_code(node: Node) -> bool:
    references = node.all(REFERENCE)
    if not any(reference.path("cac:Attachment", OBJECT) for reference in references if _is(reference, "QR")):
        return False
    # The second half compares the id exactly: " QR" passes above and fails here.
    exact = _objects([node for node in references if any(kid.text == "QR" for kid in node.all("cbc:ID"))])
    return norm(opt(exact)) != "" and _plain_text(exact)


def _qr_code_length(limit: int, reading: Reading) -> Nodes:
    failing = []
    for node in header(reading):
        objects = _objects([reference for reference in node.all(REFERENCE) if _is(reference, "QR")])
        if objects and not 1 <= len(opt(objects)) <= limit:
            failing.append(node)
    return failing


def _counter_missing(reading: Reading) -> Nodes:
    """The UUID may sit in another reference than the one called ICV."""
    return [
        node
        for node in header(reading)
        if not (
            any(_is(reference, "ICV") for reference in node.all(REFERENCE)) and filled(node.path(REFERENCE, "cbc:UUID"))
        )
    ]


def _counter_no_number(reading: Reading) -> Nodes:
    return [node for node in header(reading) if not _empty_or_digits(opt(node.path(REFERENCE, "cbc:UUID")))]


def _empty_or_digits(text: str) -> bool:
    return text == "" or digits(text)


def _previous_hash_missing(reading: Reading) -> Nodes:
    failing = []
    for node in header(reading):
        objects = _objects([reference for reference in node.all(REFERENCE) if _is(reference, "PIH")])
        if not (filled(objects) and _plain_text(objects)):
            failing.append(node)
    return failing


def _attachments(reading: Reading) -> tuple[Nodes, Nodes]:
    """Return the attachments of PIH references (T15) and all others (T16); two ids make a reference one of those."""
    previous: list[Node] = []
    others: list[Node] = []
    for reference in reading.named(REFERENCE):
        ids = reference.all("cbc:ID")
        is_previous = len(ids) == 1 and norm(ids[0].text) == "PIH"
        (previous if is_previous else others).extend(reference.all("cac:Attachment"))
    return previous, others


def _previous_hash_content(reading: Reading) -> Nodes:
    """Any text will do: the content is not decoded."""
    return [
        node
        for node in reading.fact(_attachments)[0]
        if not (filled(node.all(OBJECT)) and _plain_text(node.all(OBJECT)))
    ]


def _information(reading: Reading, name: str) -> Nodes:
    return descend(
        reading.named("ext:UBLExtensions"),
        "ext:UBLExtension",
        "ext:ExtensionContent",
        "sig:UBLDocumentSignatures",
        "sac:SignatureInformation",
        name,
    )


def _signature_information(reading: Reading) -> Nodes:
    """Demanded of every attachment but the PIH's, whether there is a signature or not."""
    attachments = _judged(reading)
    if attachments and any(node.text == SIGNATURE_INFORMATION for node in _information(reading, "cbc:ID")):
        return [node for node in attachments if not filled(node.all(OBJECT))]
    return attachments


def _signature_reference(reading: Reading) -> Nodes:
    attachments = _judged(reading)
    if not attachments:
        return NONE
    named = any(node.text == SIGNATURE for node in descend(reading.named("cac:Signature"), "cbc:ID"))
    if named and norm(opt(_information(reading, "sbc:ReferencedSignatureID"))) == SIGNATURE:
        return NONE
    return attachments


def _signature_method(reading: Reading) -> Nodes:
    attachments = _judged(reading)
    if attachments and any(
        node.text == SIGNATURE_METHOD for node in descend(reading.named("cac:Signature"), "cbc:SignatureMethod")
    ):
        return [node for node in attachments if not filled(node.all(OBJECT))]
    return attachments


def _judged(reading: Reading) -> Nodes:
    return reading.fact(_attachments)[1] if is_simplified(reading) else NONE


def _mime_code(reading: Reading) -> Iterator[Node]:
    for node in descend(reading.named(REFERENCE), "cac:Attachment", OBJECT):
        if norm(node.attribute("mimeCode") or "") not in MIME_CODES:
            yield node


SITES = (
    Site("001", "BR-KSA-F-06-C3", "warning", _order_reference_long, shows=("cac:OrderReference", "cbc:ID")),
    Site(
        "003", "BR-KSA-F-06-C5", "warning", _contract_reference_long, shows=("cac:ContractDocumentReference", "cbc:ID")
    ),
    Site("005", "BR-KSA-27", "warning", _qr_code_missing),
    Site("006", "BR-CL-KSA-14", "error", partial(_qr_code_length, 1000), ONLY_348),
    Site("006", "BR-CL-KSA-14", "error", partial(_qr_code_length, 700), ONLY_333),
    Site("007", "BR-KSA-33", "error", _counter_missing),
    Site("008", "BR-KSA-92", "error", _contract_for_government, ONLY_348),
    Site("009", "BR-KSA-34", "error", _counter_no_number, shows=(REFERENCE, "cbc:UUID")),
    Site("013", "BR-KSA-61", "warning", _previous_hash_missing),
    Site("051", "BR-KSA-26", "warning", _previous_hash_content),
    Site("052", "BR-KSA-28", "error", _signature_information),
    Site("053", "BR-KSA-29", "warning", _signature_reference),
    Site("054", "BR-KSA-30", "error", _signature_method),
    Site("113", "BR-KSA-CL-03", "error", _mime_code),
)
