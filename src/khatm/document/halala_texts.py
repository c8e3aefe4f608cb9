"""What the amounts of an invoice are called, in both languages. Source: the document standard's term list."""

from typing import Final

from khatm.errors import Language

NAMES: Final[dict[str, dict[Language, str]]] = {
    "BT-131": {"en": "line net amount", "ar": "صافي قيمة البند"},
    "KSA-11": {"en": "line VAT amount", "ar": "ضريبة البند"},
    "KSA-12": {"en": "line amount with VAT", "ar": "قيمة البند شاملة الضريبة"},
    "BT-136": {"en": "line allowance", "ar": "خصم البند"},
    "BT-141": {"en": "line charge", "ar": "رسم البند"},
    "BT-92": {"en": "document allowance", "ar": "خصم المستند"},
    "BT-99": {"en": "document charge", "ar": "رسم المستند"},
    "BT-106": {"en": "sum of line net amounts", "ar": "مجموع صافي البنود"},
    "BT-107": {"en": "sum of allowances", "ar": "مجموع الخصومات"},
    "BT-108": {"en": "sum of charges", "ar": "مجموع الرسوم"},
    "BT-109": {"en": "total without VAT", "ar": "الإجمالي بدون الضريبة"},
    "BT-110": {"en": "total VAT", "ar": "إجمالي الضريبة"},
    "BT-111": {"en": "total VAT in riyal", "ar": "إجمالي الضريبة بالريال"},
    "BT-112": {"en": "total with VAT", "ar": "الإجمالي شامل الضريبة"},
    "BT-113": {"en": "prepaid amount", "ar": "المبلغ المدفوع مقدمًا"},
    "BT-115": {"en": "amount due", "ar": "المبلغ المستحق"},
    "BT-116": {"en": "taxable amount of", "ar": "المبلغ الخاضع للضريبة لفئة"},
    "BT-117": {"en": "VAT of", "ar": "ضريبة فئة"},
}
