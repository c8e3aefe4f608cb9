"""What each row of the outcome table tells people, in English and Arabic: what happened and what to do."""

from khatm.errors import Language
from khatm.gateway.messages import Message

# Facts: {status} the HTTP status, {fault} the phrase of the wire, {said} what the answer's messages say, {steps} names.
_SENTENCES: dict[str, tuple[str, str]] = {
    "unreachable": (
        "The gateway could not be reached ({fault}); nothing was sent. It will be tried again.",
        "تعذّر الوصول إلى البوابة ({fault}) ولم يُرسل شيء. ستُعاد المحاولة.",
    ),
    "untrusted": (
        "The gateway's TLS certificate could not be verified ({fault}); nothing was sent. Check the gateway address, "
        "the network and the trusted certificates (SSL_CERT_FILE).",
        "تعذّر التحقق من شهادة TLS الخاصة بالبوابة ({fault}) ولم يُرسل شيء. تحقق من عنوان البوابة والشبكة والشهادات "
        "الموثوقة (SSL_CERT_FILE).",
    ),
    "too-large": (
        "The answer was too large to be the gateway's ({fault}). The same request is sent once more.",
        "الرد أكبر من أن يكون من البوابة ({fault}). سيُعاد إرسال الطلب نفسه مرة واحدة.",
    ),
    "otp-answer-lost": (
        "The answer was lost on the way ({fault}); the OTP may already be spent. The same request is sent once more "
        "with the same OTP; after that a new OTP is needed.",
        "فُقد الرد في الطريق ({fault})، وربما استُهلك رمز OTP. سيُعاد إرسال الطلب نفسه مرة واحدة بالرمز نفسه، وبعدها "
        "يلزم رمز جديد.",
    ),
    "answer-lost": (
        "The answer was lost on the way ({fault}), so the outcome is unknown. The same bytes will be sent again, which "
        "is always safe.",
        "فُقد الرد في الطريق ({fault}) فالنتيجة غير معروفة. ستُرسل البيانات نفسها مرة أخرى، وهذا آمن دائمًا.",
    ),
    "csid-not-accepted": (
        "The gateway does not accept this unit's CSID (401). It may be revoked, renewed, expired or of another "
        "environment: look at the device list of the Fatoora portal. The unit sends nothing until this is settled.",
        "لا تقبل البوابة معرّف CSID الخاص بهذه الوحدة (401). ربما أُلغي أو جُدّد أو انتهت صلاحيته أو يخص بيئة أخرى: راجع "
        "قائمة الأجهزة في بوابة فاتورة. لن ترسل الوحدة شيئًا حتى يُحل ذلك.",
    ),
    "ccsid-not-accepted": (
        "The gateway does not accept the compliance CSID (401). Onboard the unit again with a new OTP.",
        "لا تقبل البوابة معرّف CSID الخاص بالامتثال (401). أعد تهيئة الوحدة برمز OTP جديد.",
    ),
    "pcsid-not-renewable": (
        "The gateway does not accept the production CSID for renewal (401); it may be expired, revoked or already "
        "renewed. Onboard the unit again with a new OTP.",
        "لا تقبل البوابة معرّف CSID الإنتاجي للتجديد (401)؛ ربما انتهت صلاحيته أو أُلغي أو جُدّد من قبل. أعد تهيئة الوحدة "
        "برمز OTP جديد.",
    ),
    "unasked-login": (
        "The gateway asked for credentials (401) on the one call that has none. Something between this machine and the "
        "gateway may be answering; someone has to look at it.",
        "طلبت البوابة بيانات اعتماد (401) في الطلب الوحيد الذي لا يحملها. ربما يردّ وسيط بين هذا الجهاز والبوابة؛ يلزم "
        "أن يراجع ذلك أحد.",
    ),
    "step-done-before": (
        "This compliance check had already been passed.",
        "سبق اجتياز فحص الامتثال هذا.",
    ),
    "not-acceptable": (
        "The gateway answered 406 about this document: {said}. Someone has to look at it.",
        "ردّت البوابة بالرمز 406 بشأن هذا المستند: {said}. يلزم أن يراجعه أحد.",
    ),
    "wrong-version": (
        "The gateway does not support the API version that was sent (406). This program or something between it and "
        "the gateway has to be corrected.",
        "لا تدعم البوابة إصدار الواجهة المُرسل (406). يجب تصحيح هذا البرنامج أو ما يقع بينه وبين البوابة.",
    ),
    "clearance-off": (
        "The authority has switched clearance off (303). Stamp the document with the unit's CSID, report it and give "
        "it to the customer.",
        "أوقفت الهيئة اعتماد الفواتير (303). اختم المستند بمعرّف CSID الخاص بالوحدة ثم أبلغ عنه وسلّمه للعميل.",
    ),
    "clearance-on": (
        "The gateway does not take this document by reporting (303): it belongs to clearance.",
        "لا تقبل البوابة هذا المستند عبر الإبلاغ (303)، بل يجب إرساله للاعتماد.",
    ),
    "redirected": (
        "The gateway address answered with a redirect ({status}), which is never followed. Check the gateway address "
        "and what stands between this machine and the gateway.",
        "ردّ عنوان البوابة بإعادة توجيه ({status}) ولا تُتبع أبدًا. تحقق من عنوان البوابة ومما يقع بين هذا الجهاز "
        "والبوابة.",
    ),
    "wrong-address": (
        "There is no such call at this address ({status}). Check the gateway address: it usually ends in /e-invoicing.",
        "لا توجد هذه الخدمة على هذا العنوان ({status}). تحقق من عنوان البوابة: ينتهي عادةً بـ /e-invoicing.",
    ),
    "document-too-big": (
        "The document is too large for the gateway (413). Make it smaller, for instance without attachments, and issue "
        "it anew.",
        "المستند أكبر مما تقبله البوابة (413). صغّره، مثلًا بحذف المرفقات، ثم أصدره من جديد.",
    ),
    "slow-down": (
        "The gateway asks to wait before sending more (429). The same bytes will be sent again later.",
        "تطلب البوابة الانتظار قبل إرسال المزيد (429). ستُرسل البيانات نفسها لاحقًا.",
    ),
    "already-reported": (
        "The authority already has this document: it counts as reported.",
        "المستند موجود لدى الهيئة من قبل، ويُعد مُبلّغًا عنه.",
    ),
    "already-cleared": (
        "The authority had already cleared this document; the cleared copy came with the answer.",
        "سبق أن اعتمدت الهيئة هذا المستند، ووصلت النسخة المعتمدة مع الرد.",
    ),
    "already-cleared-without-copy": (
        "The authority had already cleared this document, but sent no cleared copy: use the one from the first answer.",
        "سبق أن اعتمدت الهيئة هذا المستند لكنها لم ترسل النسخة المعتمدة: استخدم النسخة الواردة في الرد الأول.",
    ),
    "contradiction": (
        "The answer contradicts itself: status {status}, yet not accepted ({said}). The same bytes are sent once more; "
        "if the answer stays like this, someone has to look at it.",
        "الرد متناقض: الحالة {status} ومع ذلك لم يُقبل المستند ({said}). ستُرسل البيانات نفسها مرة واحدة أخرى؛ فإن بقي "
        "الرد كذلك لزم أن يراجعه أحد.",
    ),
    "reported-with-warnings": (
        "Reported, with warnings: {said}. Warnings may become errors later.",
        "تم الإبلاغ مع تحذيرات: {said}. قد تصبح التحذيرات أخطاءً لاحقًا.",
    ),
    "reported": ("Reported.", "تم الإبلاغ."),
    "cleared-with-warnings": (
        "Cleared, with warnings: {said}. Warnings may become errors later. Give the customer the cleared copy.",
        "تم الاعتماد مع تحذيرات: {said}. قد تصبح التحذيرات أخطاءً لاحقًا. سلّم العميل النسخة المعتمدة.",
    ),
    "cleared": ("Cleared. Give the customer the cleared copy.", "تم الاعتماد. سلّم العميل النسخة المعتمدة."),
    "cleared-without-copy-with-warnings": (
        "Cleared, with warnings ({said}), but no readable copy came. Sending the same bytes again may bring it.",
        "تم الاعتماد مع تحذيرات ({said})، لكن لم تصل نسخة معتمدة مقروءة. قد تصل بإعادة إرسال البيانات نفسها.",
    ),
    "cleared-without-copy": (
        "Cleared, but no readable cleared copy came. Sending the same bytes again may bring it.",
        "تم الاعتماد، لكن لم تصل نسخة معتمدة مقروءة. قد تصل بإعادة إرسال البيانات نفسها.",
    ),
    "step-done-with-warnings": (
        "This compliance check is passed, with warnings: {said}.",
        "تم اجتياز فحص الامتثال مع تحذيرات: {said}.",
    ),
    "step-done": ("This compliance check is passed.", "تم اجتياز فحص الامتثال."),
    "rejected": (
        "The authority rejected this document: {said}. Correct it and issue a new document; never send this one again.",
        "رفضت الهيئة هذا المستند: {said}. صحّحه وأصدر مستندًا جديدًا؛ ولا تُعد إرسال هذا المستند أبدًا.",
    ),
    "check-rejected": (
        "The authority rejected this test document: {said}. Correct the unit's data and run the check again.",
        "رفضت الهيئة مستند الاختبار هذا: {said}. صحّح بيانات الوحدة ثم أعد الفحص.",
    ),
    "unexplained": (
        "The authority refused this document without saying why. The same bytes are sent once more; after that someone "
        "has to ask the authority.",
        "رفضت الهيئة هذا المستند دون ذكر السبب. ستُرسل البيانات نفسها مرة واحدة أخرى؛ وبعدها يلزم سؤال الهيئة.",
    ),
    "csid-issued": ("The CSID was issued.", "تم إصدار معرّف CSID."),
    "renewal-needs-checks": (
        "The renewal gave a compliance CSID first (428): pass the compliance checks with it, then the production CSID "
        "follows. The old CSID keeps working meanwhile.",
        "منح التجديد أولًا معرّف CSID للامتثال (428): اجتز به فحوص الامتثال ثم يصدر معرّف CSID الإنتاجي. ويبقى المعرّف "
        "القديم صالحًا في هذه الأثناء.",
    ),
    "csr-refused-by-ca": (
        "The authority's certificate service refused the CSR: {said}. Most often the CSR was made for another "
        "environment. Correct it and onboard again with a new OTP.",
        "رفضت خدمة الشهادات لدى الهيئة طلب الشهادة CSR: {said}. السبب الأغلب أنه أُعد لبيئة أخرى. صحّحه وأعد التهيئة "
        "برمز OTP جديد.",
    ),
    "not-compliant": (
        "The authority answered that the request is not compliant and issued no usable CSID: {said}. Someone has to "
        "look at it.",
        "ردّت الهيئة بأن الطلب غير ممتثل ولم تُصدر معرّف CSID صالحًا: {said}. يلزم أن يراجعه أحد.",
    ),
    "otp-refused": (
        "The authority does not accept the OTP: it may be mistyped, already used, older than one hour, or of another "
        "taxpayer, environment or purpose. Get a new one from the Fatoora portal.",
        "لا تقبل الهيئة رمز OTP: ربما كُتب خطأً أو سبق استخدامه أو مضت عليه ساعة أو يخص مكلفًا أو بيئة أو غرضًا آخر. "
        "احصل على رمز جديد من بوابة فاتورة.",
    ),
    "csr-refused": (
        "The authority does not accept the CSR: {said}. Correct its fields and make a new one.",
        "لا تقبل الهيئة طلب الشهادة CSR: {said}. صحّح حقوله وأنشئ طلبًا جديدًا.",
    ),
    "steps-missing": (
        "Compliance checks are still missing: {steps}. They are run now, then the production CSID is asked for again.",
        "ما زالت فحوص امتثال ناقصة: {steps}. تُجرى الآن ثم يُطلب معرّف CSID الإنتاجي من جديد.",
    ),
    "request-id-refused": (
        "The authority does not accept the compliance request id: {said}. It may have been used already; onboard the "
        "unit again with a new OTP.",
        "لا تقبل الهيئة رقم طلب الامتثال: {said}. ربما سبق استخدامه؛ أعد تهيئة الوحدة برمز OTP جديد.",
    ),
    "csid-not-valid": (
        "The authority does not accept the present CSID: {said}. Onboard the unit again with a new OTP.",
        "لا تقبل الهيئة معرّف CSID الحالي: {said}. أعد تهيئة الوحدة برمز OTP جديد.",
    ),
    "request-incomplete": (
        "The gateway misses something in the request: {said}. This program or something between it and the gateway has "
        "to be corrected.",
        "ينقص الطلب شيء تتوقعه البوابة: {said}. يجب تصحيح هذا البرنامج أو ما يقع بينه وبين البوابة.",
    ),
    "otp-answer-malformed": (
        "The gateway said {status} but its answer holds no usable CSID; the OTP may be spent. The same request is sent "
        "once more with the same OTP; after that a new OTP is needed.",
        "ردّت البوابة بالحالة {status} دون معرّف CSID صالح، وربما استُهلك رمز OTP. سيُعاد إرسال الطلب نفسه مرة واحدة "
        "بالرمز نفسه، وبعدها يلزم رمز جديد.",
    ),
    "answer-malformed": (
        "The gateway said {status} but its answer cannot be read, so the outcome is unknown. The same bytes will be "
        "sent again, which is always safe.",
        "ردّت البوابة بالحالة {status} لكن ردّها غير مقروء فالنتيجة غير معروفة. ستُرسل البيانات نفسها مرة أخرى، وهذا آمن "
        "دائمًا.",
    ),
    "refusal-cut-off": (
        "The gateway refused ({status}) but its reason cannot be read. The same bytes are sent once more; after that "
        "someone has to look at it.",
        "رفضت البوابة الطلب ({status}) لكن السبب غير مقروء. ستُرسل البيانات نفسها مرة واحدة أخرى؛ وبعدها يلزم أن يراجعه "
        "أحد.",
    ),
    "otp-gateway-timeout": (
        "The gateway did not answer in time (504); the OTP may be spent. The same request is sent once more with the "
        "same OTP; after that a new OTP is needed.",
        "لم تردّ البوابة في الوقت المناسب (504)، وربما استُهلك رمز OTP. سيُعاد إرسال الطلب نفسه مرة واحدة بالرمز نفسه، "
        "وبعدها يلزم رمز جديد.",
    ),
    "gateway-trouble": (
        "The gateway has trouble of its own ({status}). The same bytes will be sent again later.",
        "لدى البوابة خلل داخلي ({status}). ستُرسل البيانات نفسها لاحقًا.",
    ),
    "page-in-between": (
        "A web page answered instead of the gateway ({status}). The same bytes will be sent again later; if it stays, "
        "check the network and the gateway address.",
        "ردّت صفحة ويب بدلًا من البوابة ({status}). ستُرسل البيانات نفسها لاحقًا؛ فإن استمر ذلك فتحقق من الشبكة وعنوان "
        "البوابة.",
    ),
    "bad-request": (
        "The gateway refused the request as such (400): {said}. Someone has to look at the request or the account.",
        "رفضت البوابة الطلب نفسه (400): {said}. يلزم أن يراجع أحد الطلب أو الحساب.",
    ),
    "unexpected": (
        "The gateway gave an answer that is not foreseen ({status}): {said}. Someone has to look at it.",
        "ردّت البوابة ردًا غير متوقع ({status}): {said}. يلزم أن يراجعه أحد.",
    ),
}

_NOTHING: dict[Language, str] = {"en": "no reason given", "ar": "دون ذكر سبب"}
_ALL_STEPS: dict[Language, str] = {"en": "those of the invoice type map", "ar": "فحوص أنواع فواتير الوحدة"}
_SHOWN = 3
_SHOWN_LENGTH = 300


def sentences(
    row: str, status: int | None, fault: str, messages: tuple[Message, ...], steps: tuple[str, ...]
) -> tuple[str, str]:
    """Return the English and the Arabic sentence for a row of the outcome table."""
    en, ar = _SENTENCES[row]
    said = _said(messages)
    listed = ", ".join(steps)
    return (
        en.format(status=status, fault=fault, said=said or _NOTHING["en"], steps=listed or _ALL_STEPS["en"]),
        ar.format(status=status, fault=fault, said=said or _NOTHING["ar"], steps=listed or _ALL_STEPS["ar"]),
    )


def _said(messages: tuple[Message, ...]) -> str:
    """Return the loudest messages in short: errors if there are any, else warnings, else what there is."""
    for level in ("error", "warning", "info"):
        chosen = [message for message in messages if message.level == level and message.named]
        if chosen:
            more = f" (+{len(chosen) - _SHOWN})" if len(chosen) > _SHOWN else ""
            return "; ".join(map(_short, chosen[:_SHOWN])) + more
    return ""


def _short(message: Message) -> str:
    name = message.code if message.code and not message.code.isdigit() else message.category or message.code
    text = " ".join((message.message or "").split()).rstrip(".")[:_SHOWN_LENGTH]
    return ": ".join(part for part in (name, text) if part)
