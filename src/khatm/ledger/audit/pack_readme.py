"""The page that an auditor reads first, in both languages: what is in the pack, and how to check it."""

from typing import Final

from khatm.ledger.audit.pack_format import Manifest

_TEXT: Final = """\
KHATM AUDITOR'S PACK                                                                        (العربية في الأسفل)

Unit {unit} of taxpayer {vat}, documents issued from {first_day} to {last_day} (Saudi dates): {documents}.

What is here
  documents/DAY/*.xml    the stamped documents, byte for byte as issued, under the file names that ZATCA prescribes
  cleared/DAY/*.xml      the copies that ZATCA gave back for standard documents: its stamp, the same content
  exchanges/DAY/*.json   what was sent to ZATCA and what it answered, without passwords
  certificates/*.pem     the certificates of the unit's credentials, G1 being the first
  evidence/*.xml         the last document of a chain that the unit took over, if it did
  documents.jsonl        one line for each document: counter (ICV), previous hash (PIH), hash, UUID, state, files
  events.jsonl           what else happened to these documents, and to the unit in these days
  manifest.json          the unit, the days, and where these documents hang in the unit's chain
  statement.*            counts and sums of each day
  SHA256SUMS             the digest of every other file

Check it without this software
  1. All files are those that were packed:        sha256sum -c SHA256SUMS
     Then compare the digest of SHA256SUMS itself with the one that the taxpayer told you apart from the pack.
  2. A certificate is ZATCA's:                    openssl x509 -in certificates/G1.pem -noout -issuer -subject -dates
  3. A document is signed by the unit. Its hash is the SHA-256 of the document in canonical form (Canonical XML 1.1
     without comments) without ext:UBLExtensions, cac:Signature and the QR reference:
       xsltproc or any XML library removes the three, xmllint --c14n11 gives the canonical form, then
       openssl dgst -sha256 -binary canonical.xml > hash.bin       and   base64 hash.bin   equals ds:DigestValue
       openssl x509 -in certificates/G1.pem -noout -pubkey > key.pem
       base64 -d < the text of ds:SignatureValue > signature.der
       openssl dgst -sha256 -verify key.pem -signature signature.der hash.bin
  4. The chain is whole: each document names the hash of the one before it (cbc:ID PIH), and counters (cbc:ID ICV) rise
     by one. The first document listed follows ICV {previous_icv} with hash {previous_hash}.
     When the pack was made the next counter was {next_icv} and the last hash {last_hash}.
With this software all of it is one command:      khatm chain verify PACK.zip

What it proves, and what not. Documents, stamps and the chain prove themselves. States, exchanges, events and the
statement's counts are what the taxpayer's ledger recorded; compare them with the authority's own figures. Documents of
other days that stand between are listed with their hashes and without their content.


حزمة المدقق من ختم

الوحدة {unit} للمكلّف {vat}، المستندات الصادرة من {first_day} إلى {last_day} (بتوقيت السعودية): {documents}.

المحتوى
  documents/DAY/*.xml    المستندات المختومة كما صدرت بايتًا ببايت، بأسماء الملفات التي حددتها الهيئة
  cleared/DAY/*.xml      النسخ التي أعادتها الهيئة للفواتير الضريبية: ختم الهيئة والمحتوى نفسه
  exchanges/DAY/*.json   ما أُرسل إلى الهيئة وما ردّت به، بلا كلمات مرور
  certificates/*.pem     شهادات بيانات اعتماد الوحدة، وأولها G1
  evidence/*.xml         آخر مستند في سلسلة سابقة انتقلت إلى الوحدة، إن وُجدت
  documents.jsonl        سطر لكل مستند: العدّاد (ICV) وبصمة السابق (PIH) والبصمة والمعرّف والحالة والملفات
  events.jsonl           ما حدث غير ذلك لهذه المستندات في أي وقت، وللوحدة في هذه الأيام
  manifest.json          الوحدة والأيام وموضع هذه المستندات في سلسلة الوحدة
  statement.*            أعداد كل يوم ومجاميعه
  SHA256SUMS             بصمة كل ملف آخر

التحقق بلا هذا البرنامج
  1. الملفات هي التي وُضعت في الحزمة:             sha256sum -c SHA256SUMS
     ثم قارن بصمة الملف SHA256SUMS نفسه بالتي أخبرك بها المكلّف خارج الحزمة.
  2. الشهادة صادرة عن الهيئة:                     openssl x509 -in certificates/G1.pem -noout -issuer -subject -dates
  3. المستند موقّع من الوحدة: بصمته SHA-256 لصيغته القياسية (Canonical XML 1.1 بلا تعليقات) بعد حذف ext:UBLExtensions
     و cac:Signature ومرجع QR، وتساوي ds:DigestValue. ثم تحقق من التوقيع بأوامر openssl المذكورة أعلاه.
  4. السلسلة كاملة: كل مستند يذكر بصمة الذي قبله (PIH) والعدّادات (ICV) تزيد واحدًا واحدًا. أول مستند في القائمة يلي
     العدّاد {previous_icv} وبصمته {previous_hash}.
     عند إعداد الحزمة كان العدّاد التالي {next_icv} والبصمة الأخيرة {last_hash}.
وبهذا البرنامج أمر واحد يكفي:                     khatm chain verify PACK.zip

ما تثبته الحزمة وما لا تثبته. المستندات والأختام والسلسلة تثبت نفسها. أما الحالات والمراسلات والأحداث وأعداد الكشف
فهي ما سجّله نظام المكلّف؛ قارنها بأرقام الهيئة. المستندات الصادرة في أيام أخرى بين هذه المستندات مذكورة ببصماتها
دون محتواها.
"""


def readme(manifest: Manifest) -> bytes:
    """Return the page for a pack."""
    return _TEXT.format(
        unit=manifest.unit.name,
        vat=manifest.unit.vat_number,
        first_day=manifest.first_day,
        last_day=manifest.last_day,
        documents=manifest.documents,
        previous_icv=manifest.chain.previous_icv,
        previous_hash=manifest.chain.previous_hash,
        next_icv=manifest.chain.next_icv,
        last_hash=manifest.chain.last_hash,
    ).encode()
