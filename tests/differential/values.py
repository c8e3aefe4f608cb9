"""Texts that a mutation gives an element or attribute: by name what the rules look at, and what breaks readers."""

from decimal import Decimal, InvalidOperation
from random import Random

LENGTHS = (1, 2, 3, 6, 7, 14, 15, 36, 37, 126, 127, 128, 129, 999, 1000, 1001)
"""Lengths at and around which the length rules decide."""

NUMBERS = (
    "0", "0.0", "0.00", "-0", "-0.00", "+1", "1", "2", "5", "10", "15", "15.0", "15.00", "15.5", "16", "20",
    "99.99", "100",
    "100.00", "100.001", "101", "-1", "-0.01", "0.01", "0.005", "0.004", "1.005", "2.675", "0.1", "1e2", "1E-2",
    "INF", "-INF",
    "NaN", "1,5", "1 000", ".5", "5.", ".", "", " ", " 15 ", "15 ", "\u0661\u0665", "15%", "0x10", "9" * 18, "9" * 40,
    "0." + "3" * 40, "1" + "0" * 30 + ".005", "abc", "00", "007", "1.10", "1.100", "1.23", "12.345", "3.333333",
    "1000000",
    "12345678901.12", "1234567890123.1", "3.75", "3.750000",
)  # fmt: skip
DATES = (
    "2026-06-15", "2026-06-14", "2026-06-16", "2026-01-15", "2026-01-01", "2025-12-31", "2099-12-31", "2100-01-01",
    "2000-01-01",
    "1999-12-31", "1899-01-01", "2026-02-29", "2024-02-29", "2026-13-01", "2026-6-5", "15-06-2026", "2026/06/15",
    "2026-06-15Z",
    "2026-06-15+03:00", "2026-06-15-14:00", " 2026-06-15", "2026-06-15 ", "20260615", "-2026-06-15", "12026-06-15",
    "0000-01-01",
    "2026-06-15T00:00:00", "", " ", "\u0662\u0660\u0662\u0666-06-15",
)  # fmt: skip
TIMES = (
    "00:00:00", "23:59:59", "24:00:00", "23:59:60", "08:15:30", "08:15:30Z", "08:15:30+03:00", "08:15:30-11:00",
    "08:15:30.5",
    "08:15:30.123456789Z", "8:15:30", "08:15", " 08:15:30", "08:15:30 ", "081530", "25:00:00", "08:15:30+14:00",
    "08:15:30+14:01",
    "", "T08:15:30",
)  # fmt: skip
INDICATORS = ("true", "false", "1", "0", " true ", "false\n", "True", "FALSE", "yes", "", " ")
TEXTS = (
    "", " ", "\t", "\n", "\u00a0", "-", ".", "0", "x", "abc", "ABC123", "123", "\u0661\u0662\u0663",
    "\u062d\u064a \u0627\u0644\u0648\u0631\u0648\u062f", "a b", " a ",
    "a  b", "\u200f\u0645\u062b\u0627\u0644", "\U0001f9fe", "e\u0301", "<&>\"'", "]]>", "$1", "[a]", "*", "a&b",
    "%", "\u0410\u0411\u0412", "null", "\u00bd", "\u2460",
    "\u00b2", "a_b", "12345\u00a0", "--", "_", "+", "\u20ac", "\u06de",
)  # fmt: skip
CODES = (
    "S", "Z", "E", "O", "AE", "K", "G", "L", "M", "B", "s", " S", "S ", "SZ", "", " ", "SAR", "USD", "EUR", "sar",
    "SA", "DE", "XX", "VAT",
    "vat", " VAT ", "GST", "QR", "PIH", "ICV", "388", "381", "383", "386", "380",
)  # fmt: skip

_EXEMPTIONS = (
    "VATEX-SA-29", "VATEX-SA-29-7", "VATEX-SA-30", "VATEX-SA-32", "VATEX-SA-33", "VATEX-SA-34-1", "VATEX-SA-34-5",
    "VATEX-SA-35",
    "VATEX-SA-36", "VATEX-SA-EDU", "VATEX-SA-HEA", "VATEX-SA-MLTRY", "VATEX-SA-DIPLOMAT", "VATEX-SA-DUTYFREE",
    "VATEX-SA-ROYALDECREE", "VATEX-SA-32(bis)", "VATEX-SA-OOS", "VATEX-SA-99", "VATEX-SA-edu", " VATEX-SA-EDU ", "",
    " ",
)  # fmt: skip
_VAT_NUMBERS = (
    "310122393500003", "300187465900003", "300000000000003", "310122393510003", "399999999900003", "31012239350000",
    "3101223935000033",
    "410122393500003", "310122393500004", "310122393510004", "", " ", " 310122393500003 ",
    "3\u0661\u0660122393500003", "GB123456789",
)  # fmt: skip
_PARTY_IDS = (
    "1010183482", "7001938264", "3105829471", "2048571936", "1048571936", "10101834", "10101834821", "", " ",
    " 1010183482 ", "abc",
    "AB-12", "3\u0661\u0660122393", "700193826A", "\u0661\u0660\u0661\u0660\u0661\u0668\u0663\u0664\u0668\u0662",
)  # fmt: skip
SCHEMES = (
    "CRN", "MOM", "MLS", "700", "SAG", "OTH", "TIN", "NAT", "GCC", "IQA", "PAS", "crn", " CRN ", "CRN MOM", "", " ",
    "XYZ", "MO", "7",
    "OTH 700", "N",
)  # fmt: skip

_BY_NAME: dict[str, tuple[str, ...]] = {
    "InvoiceTypeCode": ("388", "381", "383", "386", "380", "389", "751", "999", "", " ", " 388", "388 ", "3888",
        "38"),
    "DocumentTypeCode": ("386", "386 ", " 386", "388", "381", "", "0386"),
    "DocumentCurrencyCode": ("SAR", "USD", "EUR", "KWD", "sar", "XXX", "XYZ", "", " SAR ", "SA", "HRK", "VES"),
    "TaxCurrencyCode": ("SAR", "USD", "sar", "XYZ", "", " SAR ", " SAR"),
    "SourceCurrencyCode": ("SAR", "USD", "EUR", "", "S", "[A-Z]+", "(", "\\p{L}+", "S.R", "a{2,1}"),
    "TargetCurrencyCode": ("SAR", "USD", "EUR", "", "A", "[A-Z]+", "[", "\\i\\c*", "(?i)sar", "S|U"),
    "CalculationRate": NUMBERS,
    "IdentificationCode": ("SA", "DE", "AE", "XI", "UK", "sa", "SAU", "", " ", " SA", "SA "),
    "PaymentMeansCode": ("10", "30", "42", "48", "1", "ZZZ", "zzz", "70", "71", "72", "78", "97", "98", "0", "01",
        "", " 10", "1 10"),
    "AllowanceChargeReasonCode": (
        "FC", "AA", "PC", "95", "CAP", "CAQ", "CAPCAQ", "AB ID", "A", "", " ", "ZZZ", "ZZZZ", "fc", " FC ", "ADR",
        "TV",
    ),
    "TaxExemptionReasonCode": _EXEMPTIONS,
    "CompanyID": _VAT_NUMBERS,
    "PostalZone": ("12253", "1225", "122531", "1225A", " 12253", "12253 ", "", "\u0661\u0662\u0662\u0665\u0663",
        "00000"),
    "BuildingNumber": ("3482", "348", "34821", "34A2", "", " 3482", "\u0663\u0664\u0668\u0662", "0000"),
    "PlotIdentification": ("3482", "348", "34821", "34A2", "", " 3482 ", "\u0663\u0664\u0668\u0662"),
    "ProfileID": ("reporting:1.0", "clearance:1.0", "Reporting:1.0", " reporting:1.0 ", "", "reporting:1.0\n"),
    "ChargeIndicator": INDICATORS,
    "UUID": ("6f1c2b9e-0d3a-4b7e-9c55-2a8e4f10b7d1", "-1", "1", "0", "abc", "a1", "", " ", "1.5", " 7", "\u0661",
        "\u20acx", "_"),
    "PaymentNote": ("", " ", "note"),
    "InstructionNote": ("", " ", "Returned", "CANCELLATION_OR_TERMINATION"),
    "ReferencedSignatureID": ("urn:oasis:names:specification:ubl:signature:Invoice", "urn:x", ""),
    "SignatureMethod": ("urn:oasis:names:specification:ubl:dsig:enveloped:xades", "urn:x", ""),
    "Percent": ("0", "0.00", "5", "5.00", "15", "15.00", "15.0", "15.99", "16", "14.99", "10", "-15", "100", "150",
        "15%", "", "1e1", "NaN"),
    "BaseQuantity": ("0", "0.00", "1", "1.0", "2", "3", "-1", "", "1000", "0.5", "1e0"),
    "InvoicedQuantity": ("0", "0.00", "-0", "1", "2", "-1", "", "0.333333", "1000000", "1e0"),
}  # fmt: skip
_KINDS = (
    ("Date", DATES), ("Time", TIMES), ("Indicator", INDICATORS), ("Amount", NUMBERS), ("Percent", NUMBERS),
    ("Quantity", NUMBERS),
    ("Numeric", NUMBERS), ("Rate", NUMBERS), ("Code", CODES),
)  # fmt: skip
ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "schemeID": SCHEMES,
    "currencyID": ("SAR", "USD", "EUR", "sar", "XYZ", "", "S", " SAR", "[A-Z]{3}", "(SAR", "S.R", "SA", "A"),
    "unitCode": ("PCE", "KGM", "", " ", "x" * 127, "x" * 128),
    "mimeCode": ("text/plain", "application/pdf", "image/png", "image/jpeg", "text/csv", "text/xml", "",
        "TEXT/PLAIN", " text/plain"),
    "name": (
        "0100000", "0200000", "0111010", "0211010", "0100100", "0200100", "0200010", "0100001", "0200001", "010000",
        "01000000", "010000000",
        "020000000", "01000001", "010000001", "0100000011", "0300000", "0100002", " 0100000", "", "01", "02",
        "1100000",
        "\u0660\u0661\u0660\u0660\u0660\u0660\u0660", "0201000",
    ),
    "languageID": ("ar", "en", ""),
    "listID": ("UN/ECE 1001", ""),
}  # fmt: skip


def text_for(chance: Random, name: str, parent: str, present: str) -> str:
    """Return a new text for an element of this local name below a parent, given the present one."""
    roll = chance.random()
    if roll < 0.12:
        return "x" * chance.choice(LENGTHS) if chance.random() < 0.7 else "\u0645" * chance.choice(LENGTHS)
    if roll < 0.2:
        return chance.choice(TEXTS)
    if roll < 0.25:
        return chance.choice(
            (
                f" {present}",
                f"{present} ",
                f"\n{present}\n",
                present.upper(),
                present.lower(),
                present * 2,
                present[:-1],
            )
        )
    if name == "ID":
        return chance.choice(_ids(parent))
    if name in _BY_NAME and roll < 0.75:
        return chance.choice(_BY_NAME[name])
    for ending, bank in _KINDS:
        if name.endswith(ending):
            near = nearby(chance, present) if bank is NUMBERS and chance.random() < 0.6 else None
            return near if near is not None else chance.choice(bank)
    return chance.choice(_BY_NAME.get(name, TEXTS))


def nearby(chance: Random, present: str) -> str | None:
    """Return a number close to a number: a cent more, the other sign, more digits, ten times; None for others."""
    try:
        number = Decimal(present.strip())
    except InvalidOperation:
        return None
    if not number.is_finite() or number.adjusted() > 30:
        return None
    form = chance.randrange(12)
    if form < 5:
        step = Decimal(chance.choice(("0.01", "-0.01", "0.02", "0.005", "-0.004", "0.001", "1", "-1")))
        return f"{number + step:f}"
    changed = (
        f"{-number:f}", f"{number * 10:f}", f"{number / 3:f}", f"{number:f}0", f"{number:.1f}", f"{number:.0f}",
        f"{number:.2E}",
    )  # fmt: skip
    return changed[form - 5]


def _ids(parent: str) -> tuple[str, ...]:
    match parent:
        case "TaxCategory" | "ClassifiedTaxCategory":
            return ("S", "Z", "E", "O", "S", "Z", "E", "O", "AE", "G", "", " ", " S ", "s", "S Z", "SE")
        case "TaxScheme":
            return ("VAT", "vat", "Vat", " VAT ", "GST", "", " ", "VAT.")
        case "PartyIdentification":
            return _PARTY_IDS
        case "AdditionalDocumentReference":
            return ("QR", "PIH", "ICV", " QR", "QR ", "qr", "", "DOC-1", "PIH\n")
        case "InvoiceLine":
            return ("1", "2", "999999", "1000000", "", " ", "1234567")
        case "Signature":
            return ("urn:oasis:names:specification:ubl:signature:Invoice", "urn:x", "", " ")
        case _:
            return (*TEXTS, "x" * 127, "x" * 128)
