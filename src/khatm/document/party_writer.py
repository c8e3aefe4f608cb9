"""Write seller and buyer as canonical UBL.

Source: the document standard, sections 3 and 11.
"""

from typing import TYPE_CHECKING

from khatm.document.markup import text

if TYPE_CHECKING:
    from khatm.document.parties import Buyer, BuyerAddress, Contact, Seller, SellerAddress

_ADDRESS = (
    ("street", "StreetName"),
    ("additional_street", "AdditionalStreetName"),
    ("building", "BuildingNumber"),
    ("plot", "PlotIdentification"),
    ("district", "CitySubdivisionName"),
    ("city", "CityName"),
    ("postal_code", "PostalZone"),
    ("province", "CountrySubentity"),
)
"""The members of an address in UBL's order."""


def seller_xml(seller: "Seller") -> str:
    """Write the supplier party."""
    return f"<cac:AccountingSupplierParty>{_party(seller)}</cac:AccountingSupplierParty>"


def buyer_xml(buyer: "Buyer | None") -> str:
    """Write the customer party; the element is there, empty, also where there is no buyer."""
    content = _party(buyer) if buyer is not None else ""
    return f"<cac:AccountingCustomerParty>{content}</cac:AccountingCustomerParty>"


def _party(party: "Seller | Buyer") -> str:
    parts = [
        f'<cac:PartyIdentification><cbc:ID schemeID="{scheme}">{value}</cbc:ID></cac:PartyIdentification>'
        for scheme, value in party.ids.items()
    ]
    if party.address is not None:
        parts.append(_address(party.address))
    if party.vat is not None:
        parts.append(
            f"<cac:PartyTaxScheme><cbc:CompanyID>{party.vat}</cbc:CompanyID>"
            "<cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:PartyTaxScheme>"
        )
    if party.name is not None:
        name = text(party.name)
        parts.append(
            f"<cac:PartyLegalEntity><cbc:RegistrationName>{name}</cbc:RegistrationName></cac:PartyLegalEntity>"
        )
    if party.contact is not None:
        parts.append(_contact(party.contact))
    content = "".join(parts)  # a block whose members are all left out gives nothing
    return f"<cac:Party>{content}</cac:Party>" if content else ""


def _address(address: "SellerAddress | BuyerAddress") -> str:
    values = vars(address)
    parts = [
        f"<cbc:{element}>{text(values[member])}</cbc:{element}>"
        for member, element in _ADDRESS
        if values[member] is not None
    ]
    if address.country is not None:
        country = f"<cbc:IdentificationCode>{address.country}</cbc:IdentificationCode>"
        parts.append(f"<cac:Country>{country}</cac:Country>")
    return f"<cac:PostalAddress>{''.join(parts)}</cac:PostalAddress>" if parts else ""


def _contact(contact: "Contact") -> str:
    members = (
        ("Name", contact.name),
        ("Telephone", contact.telephone),
        ("ElectronicMail", contact.email),
        ("Note", contact.note),
    )
    parts = [f"<cbc:{element}>{text(value)}</cbc:{element}>" for element, value in members if value is not None]
    return f"<cac:Contact>{''.join(parts)}</cac:Contact>" if parts else ""
