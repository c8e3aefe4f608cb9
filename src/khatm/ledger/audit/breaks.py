"""What can be wrong with a chain: where, what was expected and found, what it means, and what to do about it."""

from dataclasses import dataclass
from typing import Final

from khatm.errors import Language


@dataclass(frozen=True, slots=True)
class ChainBreak:
    """One place at which a chain does not hold.

    `check` names what failed (the keys of `TEXTS`); `detail` says which field, file or check of the stamp it was.
    `icv` is 0 where no single document is meant.
    """

    icv: int
    uuid: str
    check: str
    expected: str
    found: str
    detail: str = ""

    def meaning(self, language: Language = "en") -> str:
        """Return what the break means."""
        return self._text(0, language)

    def remedy(self, language: Language = "en") -> str:
        """Return what to do: which copy to restore, which document to ask for."""
        return self._text(2, language)

    def _text(self, place: int, language: Language) -> str:
        template = TEXTS[self.check][place + (language == "ar")]
        return template.format(icv=self.icv, before=self.icv - 1, uuid=self.uuid or "—", detail=self.detail)


_RESTORE_EN = "Restore document ICV {icv} (UUID {uuid}) from a backup or an auditor's pack that holds it"
_RESTORE_AR = "استعد المستند ذا العداد {icv} (المعرّف {uuid}) من نسخة احتياطية أو من حزمة مدقق تحويه"

TEXTS: Final[dict[str, tuple[str, str, str, str]]] = {
    "counter": (
        "The document that should stand at ICV {icv} is not there.",
        "المستند الذي يُفترض أن يكون عند العداد {icv} غير موجود.",
        "Look for ICV {icv} in a backup or an auditor's pack. If ZATCA has it, ask for its XML. When it is lost for "
        "good, keep this report: the number stays missing, and no later document may be changed to hide it.",
        "ابحث عن العداد {icv} في نسخة احتياطية أو حزمة مدقق، وإن كان لدى الهيئة فاطلب ملف XML الخاص به. فإن فُقد "
        "نهائيًا فاحتفظ بهذا التقرير: يبقى الرقم ناقصًا، ولا يجوز تعديل مستند لاحق لإخفائه.",
    ),
    "bytes": (
        "The row of document ICV {icv} is there, but its stamped bytes are gone.",
        "سجل المستند ذي العداد {icv} موجود، لكن بايتاته المختومة مفقودة.",
        _RESTORE_EN + ". Its hash is known, so the right bytes prove themselves.",
        _RESTORE_AR + ". بصمته معروفة، فالبايتات الصحيحة تثبت نفسها.",
    ),
    "unreadable": (
        "The stored bytes of document ICV {icv} are no readable invoice.",
        "البايتات المحفوظة للمستند ذي العداد {icv} ليست فاتورة مقروءة.",
        _RESTORE_EN + ", and check the disk: bytes rot seldom alone.",
        _RESTORE_AR + "، وافحص القرص: نادرًا ما يتلف ملف وحده.",
    ),
    "hash": (
        "The stored bytes of document ICV {icv} are not those that were issued: they give another hash.",
        "البايتات المحفوظة للمستند ذي العداد {icv} ليست التي صدرت: بصمتها مختلفة.",
        _RESTORE_EN + ". The copy is right when its hash is the expected one.",
        _RESTORE_AR + ". النسخة الصحيحة هي التي تساوي بصمتها البصمة المتوقعة.",
    ),
    "hash-of-another": (
        "The bytes stored for document ICV {icv} are those of another document: {detail}.",
        "البايتات المحفوظة للمستند ذي العداد {icv} هي بايتات مستند آخر: {detail}.",
        _RESTORE_EN + ". Compare both documents: two may have been exchanged.",
        _RESTORE_AR + ". قارن المستندين: ربما بُدّل أحدهما بالآخر.",
    ),
    "hash-in-row": (
        "The stored bytes of document ICV {icv} are genuine (hash, stamp and certificate agree), but the row records "
        "another hash.",
        "البايتات المحفوظة للمستند ذي العداد {icv} أصلية (البصمة والختم والشهادة متوافقة)، لكن السجل يذكر بصمة أخرى.",
        "The row of ICV {icv} was changed after the issue. Restore the ledger from a backup, and find out who writes "
        "to the database besides Khatm.",
        "غُيّر سجل العداد {icv} بعد الإصدار. استعد السجل من نسخة احتياطية، وابحث عمّن يكتب في قاعدة البيانات غير ختم.",
    ),
    "previous-hash": (
        "Document ICV {icv} does not point to the document before it.",
        "المستند ذو العداد {icv} لا يشير إلى المستند الذي قبله.",
        "Either ICV {before} was replaced after ICV {icv} was issued, or the row of ICV {icv} was changed. Restore "
        "ICV {before}: the right one has the hash that ICV {icv} names as its PIH.",
        "إما أن العداد {before} استُبدل بعد إصدار العداد {icv}، أو أن سجل العداد {icv} غُيّر. استعد العداد {before}: "
        "الصحيح هو ما تساوي بصمته قيمة PIH في العداد {icv}.",
    ),
    "embedded-counter": (
        "The bytes of document ICV {icv} carry another counter (KSA-16).",
        "بايتات المستند ذي العداد {icv} تحمل عدادًا آخر (KSA-16).",
        _RESTORE_EN + ".",
        _RESTORE_AR + ".",
    ),
    "embedded-previous-hash": (
        "The bytes of document ICV {icv} carry another previous hash (KSA-13) than its row and the document before it.",
        "بايتات المستند ذي العداد {icv} تحمل بصمة سابقة (KSA-13) غير التي في سجله وفي المستند الذي قبله.",
        _RESTORE_EN + ".",
        _RESTORE_AR + ".",
    ),
    "embedded-uuid": (
        "The bytes of document ICV {icv} carry another UUID (KSA-1) than its row.",
        "بايتات المستند ذي العداد {icv} تحمل معرّفًا آخر (KSA-1) غير الذي في سجله.",
        _RESTORE_EN + ".",
        _RESTORE_AR + ".",
    ),
    "stamp": (
        "The stamp of document ICV {icv} does not hold: {detail}.",
        "ختم المستند ذي العداد {icv} لا يصح: {detail}.",
        _RESTORE_EN + ". The invoice hash leaves the stamp out, so a copy must be compared byte for byte.",
        _RESTORE_AR + ". بصمة الفاتورة لا تشمل الختم، فيجب مقارنة النسخة بايتًا ببايت.",
    ),
    "certificate": (
        "Document ICV {icv} is stamped under another certificate than that of its credentials {detail}.",
        "المستند ذو العداد {icv} مختوم بشهادة غير شهادة بيانات اعتماده {detail}.",
        _RESTORE_EN + ". If the copy says the same, find out whose key stamped it.",
        _RESTORE_AR + ". فإن قالت النسخة الشيء نفسه فابحث عن صاحب المفتاح الذي ختمه.",
    ),
    "row": (
        "The ledger's record of document ICV {icv} says something else than its stamped bytes: {detail}.",
        "سجل المستند ذي العداد {icv} يذكر غير ما في بايتاته المختومة: {detail}.",
        "The bytes are right, they are stamped. The row was changed after the issue: restore the ledger from a "
        "backup, and find out who writes to the database besides Khatm.",
        "البايتات هي الصحيحة لأنها مختومة. غُيّر السجل بعد الإصدار: استعد السجل من نسخة احتياطية، وابحث عمّن يكتب في "
        "قاعدة البيانات غير ختم.",
    ),
    "cleared-copy": (
        "The cleared copy stored for document ICV {icv} is not a copy of it.",
        "النسخة المعتمدة المحفوظة للمستند ذي العداد {icv} ليست نسخة منه.",
        "Clearance changes the stamp, never what the hash covers. Take the cleared copy out of the stored answer "
        "(`clearedInvoice`) or ask the buyer for the one that was delivered.",
        "الاعتماد يغيّر الختم ولا يغيّر ما تشمله البصمة. خذ النسخة المعتمدة من الرد المحفوظ (`clearedInvoice`) أو اطلب "
        "من المشتري النسخة التي سُلّمت إليه.",
    ),
    "uuid-twice": (
        "The UUID {uuid} of document ICV {icv} stands in the archive more than once: {detail}.",
        "المعرّف {uuid} للمستند ذي العداد {icv} موجود في الأرشيف أكثر من مرة: {detail}.",
        "A UUID belongs to one document for ever. Restore the document whose bytes carry another UUID than its row; "
        "if both carry it, report it to ZATCA.",
        "المعرّف لمستند واحد إلى الأبد. استعد المستند الذي تحمل بايتاته معرّفًا غير الذي في سجله؛ وإن حمله كلاهما فأبلغ "
        "الهيئة.",
    ),
    "head": (
        "The unit's own record of where its chain ends does not continue the last document (ICV {icv}): {detail}.",
        "سجل الوحدة لنهاية سلسلتها لا يكمل المستند الأخير (العداد {icv}): {detail}.",
        "Stop issuing with this unit. If the head is further on than the documents, the last documents are lost: "
        "restore them. If it is behind, the unit's row was put back: a document issued now would fork the chain.",
        "أوقف الإصدار من هذه الوحدة. فإن كانت النهاية أبعد من المستندات فالمستندات الأخيرة مفقودة: استعدها. وإن كانت "
        "أقرب فقد أُعيد سجل الوحدة إلى الوراء، وأي مستند يصدر الآن يشعّب السلسلة.",
    ),
    "head-record": (
        "This installation remembers a later document than the ledger has: an older copy of the ledger was put in its "
        "place after ICV {icv}.",
        "يتذكر هذا النظام مستندًا أحدث مما في السجل: وُضعت مكان السجل نسخة أقدم منه تنتهي عند العداد {icv}.",
        "Put the newer ledger back. If it is lost, go on after the last document with `khatm chain import`; nothing is "
        "issued before.",
        "أعد السجل الأحدث. فإن فُقد فتابع بعد آخر مستند بالأمر `khatm chain import`؛ ولا يصدر شيء قبل ذلك.",
    ),
    "import": (
        "The evidence for the start of the chain at ICV {icv} does not hold: {detail}.",
        "الدليل على بداية السلسلة عند العداد {icv} لا يصح: {detail}.",
        "Restore the ledger from a backup, or compare with the file that `khatm chain import` was given.",
        "استعد السجل من نسخة احتياطية، أو قارن بالملف الذي أُعطي للأمر `khatm chain import`.",
    ),
    "file": (
        "The file {detail} of the pack is not the one that was packed.",
        "الملف {detail} في الحزمة ليس الملف الذي وُضع فيها.",
        "Do not rely on this copy of the pack. Ask the taxpayer for a fresh one and compare the digest of SHA256SUMS.",
        "لا تعتمد على هذه النسخة من الحزمة. اطلب من المكلّف نسخة جديدة وقارن بصمة الملف SHA256SUMS.",
    ),
    "listing": (
        "The lists of the pack contradict each other: {detail}.",
        "قوائم الحزمة متناقضة: {detail}.",
        "Do not rely on this copy of the pack. Ask the taxpayer for a fresh one and compare the digest of SHA256SUMS.",
        "لا تعتمد على هذه النسخة من الحزمة. اطلب من المكلّف نسخة جديدة وقارن بصمة الملف SHA256SUMS.",
    ),
    "statement": (
        "The statement in the pack is not what its documents add up to: {detail}.",
        "الكشف الذي في الحزمة لا يساوي مجموع مستنداتها: {detail}.",
        "The documents count. Ask the taxpayer for a fresh pack.",
        "المعتبر هو المستندات. اطلب من المكلّف حزمة جديدة.",
    ),
}
"""check → meaning (en, ar) and remedy (en, ar)."""
