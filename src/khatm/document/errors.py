"""What can be wrong with a document: unreadable XML, or an authored document that breaks rules."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from khatm.errors import KhatmError, Language

UnreadableReason = Literal[
    "empty", "too-large", "too-deep", "doctype", "encoding", "version", "not-well-formed", "resource-limit",
    "too-many-elements", "too-many-attributes", "too-many-namespaces",
]  # fmt: skip

_REASONS: dict[str, tuple[str, str]] = {
    "empty": (
        "The XML is empty. Give a UBL 2.1 invoice document.",
        "ملف XML فارغ. قدّم مستند فاتورة بصيغة UBL 2.1.",
    ),
    "too-large": (
        "The XML has {found} bytes; at most {allowed} are read. Shorten it or remove attachments.",
        "حجم ملف XML هو {found} بايت والحد الأقصى {allowed}. قلّص المستند أو احذف المرفقات.",
    ),
    "too-deep": (
        "The XML nests its elements too deeply (line {line}, column {column}); at most {allowed} levels are read, "
        "and an invoice needs about 15. Remove the needless levels.",
        "عناصر XML متداخلة أعمق من اللازم (السطر {line}، العمود {column})؛ يُقرأ {allowed} مستوى على الأكثر، "
        "والفاتورة تحتاج نحو 15. احذف المستويات الزائدة.",
    ),
    "too-many-elements": (
        "The XML holds {found} elements; at most {allowed} are read. Split the document.",
        "في ملف XML عدد {found} من العناصر والحد الأقصى {allowed}. قسّم المستند.",
    ),
    "too-many-attributes": (
        "One element of the XML has {found} attributes and namespace declarations; at most {allowed} are read. "
        "Remove those that nothing uses.",
        "لأحد عناصر XML عدد {found} من الخصائص وتعريفات مجالات الأسماء والحد الأقصى {allowed}. احذف ما لا يُستعمل منها.",
    ),
    "too-many-namespaces": (
        "The XML keeps {found} namespace declarations in force at one place; in a document of so many elements at most "
        "{allowed} are read. Declare only the namespaces that are used, each once.",
        "في ملف XML عدد {found} من تعريفات مجالات الأسماء السارية في موضع واحد، والحد الأقصى في مستند بهذا العدد من "
        "العناصر {allowed}. عرّف ما يُستعمل من مجالات الأسماء فقط ومرة واحدة لكل منها.",
    ),
    "doctype": (
        "The XML holds a DOCTYPE, which is refused because it can define entities and fetch files. "
        "Remove the DOCTYPE and write the entities' text in place.",
        "يحتوي ملف XML على تعريف DOCTYPE وهو مرفوض لأنه قد يعرّف كيانات أو يجلب ملفات. "
        "احذف DOCTYPE واكتب نص الكيانات في مواضعها.",
    ),
    "encoding": (
        "The bytes are not text in the declared encoding (line {line}, column {column}: {found}). "
        "Save the file as UTF-8.",
        "البايتات ليست نصا بالترميز المعلن (السطر {line}، العمود {column}: {found}). احفظ الملف بترميز UTF-8.",
    ),
    "version": (
        "The XML is of version {found}; documents are XML {allowed}. Declare that version, or none.",
        "إصدار XML هو {found} والمستندات بإصدار {allowed}. أعلن ذلك الإصدار أو لا تعلن شيئا.",
    ),
    "not-well-formed": (
        "The XML is not well-formed (line {line}, column {column}): {found}. Correct the document at that place.",
        "ملف XML غير سليم البنية (السطر {line}، العمود {column}): {found}. صحّح المستند في هذا الموضع.",
    ),
    "resource-limit": (
        "The XML goes beyond a limit of the parser (line {line}, column {column}): {found}. One text may have up to "
        "10,000,000 bytes. Shorten it.",
        "يتجاوز ملف XML أحد حدود القارئ (السطر {line}، العمود {column}): {found}. الحد الأقصى للنص الواحد "
        "10,000,000 بايت. قلّص النص.",
    ),
}


@dataclass(eq=False)
class UnreadableXml(KhatmError):
    """XML that the hardened parser refuses; `reason` tells the cause, `found` and `allowed` the facts."""

    reason: UnreadableReason
    line: int | None = None
    column: int | None = None
    found: str = ""
    allowed: str = ""

    code: ClassVar[str] = "unreadable-xml"
    exit_code: ClassVar[int] = 2

    def sentence(self, language: Language = "en") -> str:
        """Return the sentence of this refusal's reason, with the place in the file where it is known."""
        return _REASONS[self.reason][language == "ar"].format_map(self.facts())


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with an authored document.

    `path` leads to it in the JSON (`lines[2].vat.rate`), `found` (empty for nothing) and `allowed` are facts as text,
    `code` names the kind of problem, `rule` the rule of the authority that stands behind it, where one does.
    """

    path: str
    found: str
    allowed: str
    code: str = "value"
    rule: str | None = None
    allowed_ar: str = ""

    def sentence(self, language: Language = "en") -> str:
        """Return where it is, what was found and what is allowed."""
        rule = f" [{self.rule}]" if self.rule else ""
        if language == "ar":
            where = self.path or "المستند"
            allowed = self.allowed_ar or self.allowed
            if self.code == "unknown-field":
                return f"{where}: لا يوجد حقل بهذا الاسم؛ المعروف: {allowed}.{rule}"
            return f"{where}: الموجود {self.found or 'لا شيء'}؛ المسموح {allowed}.{rule}"
        where = self.path or "document"
        if self.code == "unknown-field":
            return f"{where}: there is no such field; known: {self.allowed}.{rule}"
        return f"{where}: found {self.found or 'nothing'}; allowed: {self.allowed}.{rule}"


@dataclass(eq=False)
class InvalidDocument(KhatmError):
    """An authored document that cannot be built; carries every problem at once."""

    problems: tuple[Problem, ...] = field(default=())

    code: ClassVar[str] = "invalid-document"
    exit_code: ClassVar[int] = 2

    def sentence(self, language: Language = "en") -> str:
        """Return a heading and one line per problem."""
        number = len(self.problems)
        if language == "ar":
            heading = f"لا يمكن إنشاء المستند، عدد المشكلات: {number}"
        else:
            heading = f"The document cannot be built: {number} problem{'' if number == 1 else 's'}"
        return "\n".join([heading, *(f"  {problem.sentence(language)}" for problem in self.problems)])


@dataclass(eq=False)
class NotAnInvoice(KhatmError):
    """Well-formed XML whose document element is not a UBL 2.1 Invoice."""

    found: str
    allowed: str = "Invoice in the namespace urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"

    code: ClassVar[str] = "not-an-invoice"
    exit_code: ClassVar[int] = 2
    en: ClassVar[str] = (
        "The document element is {found}; only {allowed} is read (credit and debit notes use it too, with type code "
        "381 or 383). Give a UBL invoice."
    )
    ar: ClassVar[str] = (
        "عنصر المستند هو {found} ولا يُقرأ إلا {allowed} (يستعمله الإشعار الدائن والمدين أيضا برمز 381 أو 383). "
        "قدّم فاتورة UBL."
    )


@dataclass(eq=False)
class UnreadableAmount(KhatmError):
    """An amount that the sums need and that is absent or no plain decimal."""

    location: str
    found: str

    code: ClassVar[str] = "unreadable-amount"
    exit_code: ClassVar[int] = 2
    en: ClassVar[str] = (
        "{location} holds {found!r}; digits with a point are allowed there, such as 100.00. Correct it first; without "
        "it nothing can be added up."
    )
    ar: ClassVar[str] = (
        "القيمة في {location} هي {found!r}؛ المسموح أرقام بفاصلة عشرية مثل 100.00. صحّحها أولا، فبدونها لا يُجمع شيء."
    )
