"""Rules on names, addresses and contacts of seller and buyer.

Source: Saudi rule specification, sites 045-050, 057, 059, 063-068, 070-073, 076, 077, 079, 091 and 146-148.
The stylesheet asks for the buyer's fields in the whole document, whichever node it stands on.
"""

from khatm.rules.edition import ONLY_333
from khatm.rules.ksa.contacts import is_mail_list, is_telephone
from khatm.rules.ksa.facts import (
    ADDRESS,
    CUSTOMER,
    between,
    buyer_addresses,
    buyer_names,
    buyers,
    digits,
    has_simplified_type,
    is_simplified_summary,
    is_tax_document,
    nonblank,
    sellers,
    simplified_codes,
    typed,
)
from khatm.rules.reading import NONE, Node, Nodes, Reading, descend, filled, opt
from khatm.rules.site import Site

STREET = "cbc:StreetName"
STREET_2 = "cbc:AdditionalStreetName"
BUILDING = "cbc:BuildingNumber"
CITY = "cbc:CityName"
ZONE = "cbc:PostalZone"
DISTRICT = "cbc:CitySubdivisionName"
COUNTRY = ("cac:Country", "cbc:IdentificationCode")


def _seller_addresses(reading: Reading) -> Nodes:
    return descend(sellers(reading), ADDRESS)


def _seller_street(reading: Reading) -> Nodes:
    return [
        node for node in _seller_addresses(reading) if node.has(STREET) and not between(1, opt(node.all(STREET)), 1000)
    ]


def _seller_address_parts(reading: Reading) -> Nodes:
    """Existence only; an address that is missing altogether is not reported."""
    return [
        node
        for node in _seller_addresses(reading)
        if not (all(map(node.has, (STREET, BUILDING, CITY, ZONE, DISTRICT))) and node.path(*COUNTRY))
    ]


def _buyer_second_street(reading: Reading) -> Nodes:
    """A buyer rule that runs on the seller's address: without one it does not run."""
    addresses = _seller_addresses(reading)
    if addresses and len(opt(descend(buyer_addresses(reading), STREET_2))) > 127:
        return addresses
    return NONE


def _seller_city(reading: Reading) -> Nodes:
    return [node for node in _seller_addresses(reading) if node.has(CITY) and not between(1, opt(node.all(CITY)), 127)]


def _seller_second_street(reading: Reading) -> Nodes:
    return [node for node in _seller_addresses(reading) if len(opt(node.all(STREET_2))) > 127]


def _seller_zone(reading: Reading) -> Nodes:
    return [node for node in _seller_addresses(reading) if not _number(opt(node.all(ZONE)), 5)]


def _number(text: str, length: int) -> bool:
    return len(text) == length and digits(text)


def _seller_building(reading: Reading) -> Nodes:
    return [node for node in sellers(reading) if not _number(opt(node.path(ADDRESS, BUILDING)), 4)]


def _buyer_name_missing(reading: Reading) -> Nodes:
    if not is_tax_document(reading):
        return NONE
    return [node for node in buyers(reading) if not filled(node.path("cac:PartyLegalEntity", "cbc:RegistrationName"))]


def _saudi_countries(reading: Reading) -> Nodes:
    """The context of 063-068: buyer countries coded exactly SA."""
    return reading.fact(_find_saudi_countries)


def _find_saudi_countries(reading: Reading) -> Nodes:
    return [
        node
        for node in descend(buyer_addresses(reading), "cac:Country")
        if any(code.text == "SA" for code in node.all("cbc:IdentificationCode"))
    ]


def _of_tax_document(reading: Reading, nodes: Nodes) -> Nodes:
    return nodes if nodes and is_tax_document(reading) else NONE


def _buyer_address_parts(reading: Reading) -> Nodes:
    """All six must exist before one is looked at: with one missing, another that stands twice goes unnoticed."""
    nodes = _of_tax_document(reading, _saudi_countries(reading))
    if not nodes:
        return NONE
    addresses = buyer_addresses(reading)
    parts = [descend(addresses, *part) for part in ((STREET,), (BUILDING,), (ZONE,), (CITY,), (DISTRICT,), COUNTRY)]
    return NONE if all(parts) and all(map(nonblank, parts)) else nodes


def _buyer_district_missing(reading: Reading) -> Nodes:
    nodes = _of_tax_document(reading, _saudi_countries(reading))
    return nodes if nodes and opt(descend(buyer_addresses(reading), DISTRICT)) == "" else NONE


def _buyer_district_long(reading: Reading) -> Nodes:
    nodes = _of_tax_document(reading, _saudi_countries(reading))
    return nodes if nodes and len(opt(descend(buyer_addresses(reading), DISTRICT))) > 127 else NONE


def _seller_district(reading: Reading) -> Nodes:
    """A seller rule that runs only when the buyer's country is SA."""
    nodes = _saudi_countries(reading)
    districts = descend(_seller_addresses(reading), DISTRICT) if nodes else NONE
    return nodes if districts and not between(1, opt(districts), 127) else NONE


def _buyer_zone(reading: Reading) -> Nodes:
    nodes = _of_tax_document(reading, _saudi_countries(reading))
    return nodes if nodes and not _number(opt(descend(buyer_addresses(reading), ZONE)), 5) else NONE


def _summary_dates(reading: Reading) -> Nodes:
    """Dates anywhere in the document will do, empty ones too; skipped unless the buyer's country is SA."""
    nodes = _saudi_countries(reading)
    if not (nodes and is_simplified_summary(reading)):
        return NONE
    dated = reading.named("cbc:ActualDeliveryDate") and reading.named("cbc:LatestDeliveryDate")
    return NONE if dated else nodes


def _buyer_street(reading: Reading) -> Nodes:
    nodes = _of_tax_document(reading, typed(reading))
    return nodes if nodes and not between(1, opt(descend(buyer_addresses(reading), STREET)), 1000) else NONE


def _buyer_city_missing(reading: Reading) -> Nodes:
    nodes = _of_tax_document(reading, typed(reading))
    return nodes if nodes and opt(descend(buyer_addresses(reading), CITY)) == "" else NONE


def _simplified_buyer_name(reading: Reading) -> Nodes:
    nodes = typed(reading)
    return nodes if nodes and has_simplified_type(reading) and len(opt(buyer_names(reading))) > 1000 else NONE


def _buyer_name(reading: Reading) -> Nodes:
    nodes = _of_tax_document(reading, typed(reading))
    names = buyer_names(reading)
    return nodes if nodes and names and not between(1, opt(names), 1000) else NONE


def _simplified_buyer_street(reading: Reading) -> Nodes:
    nodes = typed(reading)
    if not (nodes and has_simplified_type(reading)):
        return NONE
    return nodes if len(opt(descend(buyer_addresses(reading), STREET))) > 1000 else NONE


def _buyer_city_long(reading: Reading) -> Nodes:
    nodes = typed(reading)
    return nodes if nodes and len(opt(descend(buyer_addresses(reading), CITY))) > 127 else NONE


def _buyer_place(reading: Reading) -> Nodes:
    """Country, street and city for every country; all three must exist before a length is asked for."""
    nodes = _of_tax_document(reading, typed(reading))
    if not nodes:
        return NONE
    parts = [descend(buyer_addresses(reading), *part) for part in (COUNTRY, (STREET,), (CITY,))]
    return NONE if all(parts) and all(opt(part) for part in parts) else nodes


def _summary_buyer_name(reading: Reading) -> Nodes:
    nodes = simplified_codes(reading)
    if not (nodes and is_simplified_summary(reading)):
        return NONE
    names = [
        name
        for entity in reading.named("cac:PartyLegalEntity")
        if _below_buyer(entity)
        for name in entity.all("cbc:RegistrationName")
    ]
    return NONE if nonblank(names) else nodes


def _below_buyer(node: Node) -> bool:
    above = node.parent
    while above is not None:
        if above.name == "cac:Party" and above.parent is not None and above.parent.name == CUSTOMER:
            return True
        above = above.parent
    return False


def _contacts(reading: Reading) -> Nodes:
    return descend(buyers(reading), "cac:Contact")


def _buyer_telephone(reading: Reading) -> Nodes:
    contacts = _contacts(reading)
    text = opt(descend(contacts, "cbc:Telephone"))
    return NONE if text == "" or is_telephone(text) else contacts


def _buyer_mail(reading: Reading) -> Nodes:
    contacts = _contacts(reading)
    text = opt(descend(contacts, "cbc:ElectronicMail"))
    return NONE if text == "" or is_mail_list(text) else contacts


def _contact_name(reading: Reading) -> Nodes:
    contacts = _contacts(reading)
    return contacts if len(opt(descend(contacts, "cbc:Name"))) > 1000 else NONE


def _contact_note(reading: Reading) -> Nodes:
    contacts = _contacts(reading)
    return contacts if len(opt(descend(contacts, "cbc:Note"))) > 1000 else NONE


SITES = (
    Site("045", "BR-KSA-F-06-C4", "warning", _seller_street, shows=(STREET,)),
    Site("046", "BR-KSA-09", "warning", _seller_address_parts),
    Site("047", "BR-KSA-F-06-C11", "warning", _buyer_second_street),
    Site("048", "BR-KSA-F-06-C7", "warning", _seller_city, shows=(CITY,)),
    Site("049", "BR-KSA-F-06-C6", "warning", _seller_second_street, shows=(STREET_2,)),
    Site("050", "BR-KSA-66", "warning", _seller_zone, shows=(ZONE,)),
    Site("057", "BR-KSA-37", "warning", _seller_building, shows=(ADDRESS, BUILDING)),
    Site("059", "BR-KSA-42", "warning", _buyer_name_missing),
    Site("063", "BR-KSA-63", "warning", _buyer_address_parts),
    Site("064", "BR-KSA-F-06-C28", "warning", _buyer_district_missing),
    Site("065", "BR-KSA-F-06-C29", "warning", _buyer_district_long),
    Site("066", "BR-KSA-F-06-C9", "warning", _seller_district),
    Site("067", "BR-KSA-67", "warning", _buyer_zone),
    Site("068", "BR-KSA-72", "error", _summary_dates),
    Site("070", "BR-KSA-F-06-C23", "warning", _buyer_street),
    Site("071", "BR-KSA-F-06-C25", "warning", _buyer_city_missing),
    Site("072", "BR-KSA-F-06-C32", "warning", _simplified_buyer_name),
    Site("073", "BR-KSA-F-06-C12", "warning", _buyer_name),
    Site("076", "BR-KSA-F-06-C24", "warning", _simplified_buyer_street),
    Site("077", "BR-KSA-F-06-C26", "warning", _buyer_city_long),
    Site("079", "BR-KSA-10", "warning", _buyer_place),
    Site("091", "BR-KSA-71", "warning", _summary_buyer_name),
    Site("146", "BR-KSA-85", "warning", _buyer_telephone, shows=("cbc:Telephone",)),
    Site("333:BR-KSA-86", "BR-KSA-86", "warning", _buyer_mail, ONLY_333, shows=("cbc:ElectronicMail",)),
    Site("147", "BR-KSA-F-06-C37", "warning", _contact_name, shows=("cbc:Name",)),
    Site("148", "BR-KSA-F-06-C38", "warning", _contact_note, shows=("cbc:Note",)),
)
