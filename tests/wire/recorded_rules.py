"""What the official rules say of the recorded clients' documents: client behaviour, end of section 8."""

from typing import Literal

from tests.wire.recorded import Answer

Edition = Literal["3.4.8", "3.3.3"]
Rules = tuple[set[str], set[str]]
"""Rules broken as errors, and as warnings."""


def rules_of(client: str, edition: Edition, answer: Answer) -> Rules:
    """Return the rules that a document of a client breaks; a client that is not named here breaks none.

    Where the specification names a rule for a client's debit notes or standard documents as a whole, the document's
    kind decides by the rule's own condition: BR-KSA-15 is about invoices.
    """
    newer = edition == "3.4.8"
    standard, invoice, debit = answer.profile == "01", answer.type_code == "388", answer.type_code == "383"
    check = answer.endpoint.endswith("/compliance/invoices")
    errors: set[str] = set()
    warnings: set[str] = set()
    if client == "fatoora-rs" and standard and invoice:
        warnings = {"BR-KSA-15"}
    elif client == "ZatcaPython" and newer:
        errors = {"BR-KSA-EN16931-06"}
        warnings = set() if standard else {"BR-KSA-98"}
    elif client == "zatca-xml-js":
        warnings = {"BR-KSA-71", "BR-KSA-EN16931-11"}
    elif client == "malik12tree-zatca":
        errors = set() if check else {"BR-KSA-F-06-C17"}
        warnings = {"BR-KSA-F-13"} if newer and standard else set()
    elif client == "dokhna":
        if standard:
            warnings |= {"BR-KSA-10", "BR-KSA-F-06-C23", "BR-KSA-F-06-C25"}
            warnings |= set() if newer else {"BR-10"}
            warnings |= {"BR-KSA-15"} if invoice else set()
        if debit:
            warnings |= {"BR-KSA-EN16931-09"} | ({"BR-KSA-80"} if newer else set())
            warnings |= set() if standard else {"BR-KSA-51"}  # its standard debit notes have no rounding fault
        warnings |= {"BR-KSA-98"} if newer and check and not standard else set()
    return errors, warnings
