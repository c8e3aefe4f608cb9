"""The code lists of a Saudi invoice, with texts in both languages where a document or its print shows them.

Source: the document standard, sections 1, 3.1, 4, 6 and 8, and the lists that the executed rules hold
(BR-KSA-16, BR-KSA-CL-01, CL-03, CL-04, CL-06, CL-07 and BR-CL-14).
"""

from typing import Final, Literal, NamedTuple

Kind = Literal["invoice", "credit_note", "debit_note", "prepayment"]
Profile = Literal["standard", "simplified"]
Flag = Literal["third_party", "nominal", "export", "summary", "self_billed", "continuous", "b2g"]
Category = Literal["S", "Z", "E", "O"]
Scheme = Literal["TIN", "CRN", "MOM", "MLS", "700", "SAG", "NAT", "GCC", "IQA", "PAS", "OTH"]

TYPE_CODES: Final[dict[Kind, str]] = {"invoice": "388", "credit_note": "381", "debit_note": "383", "prepayment": "386"}
"""BT-3 by kind."""

PREPAYMENT_TYPE_CODE: Final = "386"
PROFILE_DIGITS: Final[dict[Profile, str]] = {"standard": "01", "simplified": "02"}

FLAG_ORDER: Final[tuple[Flag, ...]] = (
    "third_party", "nominal", "export", "summary", "self_billed", "continuous", "b2g",
)  # fmt: skip
"""Positions 3 to 9 of the transaction code (KSA-2)."""

SELLER_SCHEMES: Final[tuple[Scheme, ...]] = ("CRN", "MOM", "MLS", "700", "SAG", "OTH")
BUYER_SCHEMES: Final[tuple[Scheme, ...]] = (
    "TIN", "CRN", "MOM", "MLS", "700", "SAG", "NAT", "GCC", "IQA", "PAS", "OTH",
)  # fmt: skip
"""Identification schemes in their order of preference."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


class Term(NamedTuple):
    """A code's meaning in English and Arabic."""

    en: str
    ar: str

    @property
    def bilingual(self) -> str:
        """Both texts in one element, as documents write them."""
        return f"{self.en} | {self.ar}"


CATEGORIES: Final[dict[Category, Term]] = {
    "S": Term("Standard rated", "خاضع للنسبة الأساسية"),
    "Z": Term("Zero rated", "خاضع لنسبة الصفر"),
    "E": Term("Exempt", "معفى من الضريبة"),
    "O": Term("Outside the scope of VAT", "خارج نطاق الضريبة"),
}

EXEMPTION_REASONS: Final[dict[Category, dict[str, Term]]] = {
    "E": {
        "VATEX-SA-29": Term(
            "Financial services mentioned in Article 29 of the VAT Regulations",
            "الخدمات المالية",
        ),
        "VATEX-SA-29-7": Term(
            "Life insurance services mentioned in Article 29 of the VAT Regulations",
            "عقد تأمين على الحياة",
        ),
        "VATEX-SA-30": Term(
            "Real estate transactions mentioned in Article 30 of the VAT Regulations",
            "التوريدات العقارية المعفاة من الضريبة",
        ),
    },
    "Z": {
        "VATEX-SA-32": Term("Export of goods", "صادرات السلع من المملكة"),
        "VATEX-SA-33": Term("Export of services", "صادرات الخدمات من المملكة"),
        "VATEX-SA-34-1": Term("The international transport of Goods", "النقل الدولي للسلع"),
        "VATEX-SA-34-2": Term("International transport of passengers", "النقل الدولي للركاب"),
        "VATEX-SA-34-3": Term(
            "Services directly connected and incidental to a Supply of international passenger transport",
            "الخدمات المرتبطة مباشرة أو عرضياً بتوريد النقل الدولي للركاب",
        ),
        "VATEX-SA-34-4": Term("Supply of a qualifying means of transport", "توريد وسائل النقل المؤهلة"),
        "VATEX-SA-34-5": Term(
            "Any services relating to Goods or passenger transportation, as defined in article twenty five of these "
            "Regulations",
            "الخدمات ذات الصلة بنقل السلع أو الركاب",
        ),
        "VATEX-SA-35": Term("Medicines and medical equipment", "الأدوية والمعدات الطبية"),
        "VATEX-SA-36": Term("Qualifying metals", "المعادن المؤهلة"),
        "VATEX-SA-EDU": Term("Private education to citizen", "الخدمات التعليمية الخاصة للمواطنين"),
        "VATEX-SA-HEA": Term("Private healthcare to citizen", "الخدمات الصحية الخاصة للمواطنين"),
        "VATEX-SA-MLTRY": Term("Supply of qualified military goods", "توريد السلع العسكرية المؤهلة"),
        "VATEX-SA-DIPLOMAT": Term("Qualified supplies to diplomatic missions", "التوريدات المؤهلة للبعثات الدبلوماسية"),
        "VATEX-SA-DUTYFREE": Term(
            "Qualified supply of goods in duty free area", "التوريد المؤهل للسلع في الأسواق الحرة"
        ),
        "VATEX-SA-ROYALDECREE": Term("Supply on which the Government bears the VAT", "توريد تتحمل الدولة ضريبته"),
        "VATEX-SA-32(bis)": Term("Supply under Customs Suspension Arrangement", "توريد تحت وضع تعليق الرسوم الجمركية"),
    },
    "O": {"VATEX-SA-OOS": Term("Not subject to VAT", "التوريدات الغير خاضعة للضريبة")},
}
"""BT-121 by category, with BT-120. The text of VATEX-SA-OOS is free; ours is the default."""

NOT_IN_PREPAYMENTS: Final = frozenset(("VATEX-SA-ROYALDECREE", "VATEX-SA-32(bis)"))
"""Codes that edition 3.4.8 does not accept in prepayment lines (BR-KSA-CL-07)."""

CITIZEN_REASONS: Final = frozenset(("VATEX-SA-EDU", "VATEX-SA-HEA"))
"""Codes that need the buyer's national ID (BR-KSA-49)."""

STANDARD_RATES: Final = ("15", "5")

PAYMENT_MEANS: Final[dict[str, Term]] = {
    "10": Term("Cash", "نقدي"),
    "30": Term("Credit", "آجل"),
    "42": Term("Bank account", "حساب بنكي"),
    "48": Term("Bank card", "بطاقة بنكية"),
    "1": Term("Not defined", "غير محدد"),
}
"""The published subset of UNTDID 4461, in the order of the standard."""

PAYMENT_MEANS_CODES: Final = frozenset(
    [*(str(code) for code in (*range(1, 69), 70, *range(74, 79), *range(91, 98))), "ZZZ"]
)
"""The codes that the executed rule accepts (BT-81, BR-KSA-16)."""

ATTACHMENT_TYPES: Final = (
    "text/csv",
    "text/plain",
    "application/pdf",
    "image/png",
    "image/jpeg",
    "image/tiff",
    "application/acad",
    "application/dwg",
    "drawing/dwg",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.oasis.opendocument.spreadsheet",
)
"""Mime codes of attachments (BT-125, BR-KSA-CL-03)."""

OWN_REFERENCES: Final = ("ICV", "PIH", "QR")
"""IDs of the additional document references that the authority gives a meaning."""

CURRENCIES: Final = _words(
    """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE
    CHF CHW CLF CLP CNY COP COU CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ
    GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL
    LYD MAD MDL MGA MKD MMK MNT MOP MRO MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN
    PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLL SOS SRD SSP STD SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD
    TZS UAH UGX USD USN UYI UYU UZS VEF VND VUV WST XAF XAG XAU XBA XBB XBC XBD XCD XDR XOF XPD XPF XPT XSU XTS XUA XXX
    YER ZAR ZMW ZWL
    """
)
"""The 178 currencies of BR-KSA-CL-01: HRK, MRO, STD and VEF are still in, MRU, STN, VES, SLE and ZWG are not."""

COUNTRIES: Final = _words(
    """
    1A AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA
    CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB
    GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG
    KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV
    MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB
    SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US
    UY UZ VA VC VE VG VI VN VU WF WS XI YE YT ZA ZM ZW
    """
)
"""The 251 country codes of BR-CL-14: ISO 3166-1 alpha-2, with 1A (Kosovo) and XI (Northern Ireland)."""

CHARGE_REASONS: Final = _words(
    """
    AA AAA AAC AAD AAE AAF AAH AAI AAS AAT AAV AAY AAZ AB ABA ABB ABC ABD ABF ABK ABL ABN ABR ABS ABT ABU AC ACF ACG ACH
    ACI ACJ ACK ACL ACM ACS ADC ADE ADJ ADK ADL ADM ADN ADO ADP ADQ ADR ADT ADW ADY ADZ AEA AEB AEC AED AEF AEH AEI AEJ
    AEK AEL AEM AEN AEO AEP AES AET AEU AEV AEW AEX AEY AEZ AJ AU CA CAB CAD CAE CAF CAI CAJ CAK CAL CAM CAN CAO CAP CAQ
    CAR CAS CAT CAU CAV CAW CD CG CS CT DAB DAD DL EG EP ER FAA FAB FAC FC FH FI GAA HAA HD HH IAA ID IF IR IS KO L1 LA
    LAA LAB LF MAE MI ML NAA OA PA PAA PC PL RAB RAC RAD RAF RE RF RH RV SA SAA SAD SAE SAI SG SH SM SU TAB TT TV V1 V2
    WH XAA YY ZZZ
    """
)
"""UNTDID 7161 as BR-KSA-CL-06 knows it (there, CAP and CAQ are run together and pass as fragments)."""


def exemption_term(category: Category, code: str) -> Term | None:
    """Return the texts of an exemption reason code of a category, None for a code that it does not have."""
    return EXEMPTION_REASONS.get(category, {}).get(code)
