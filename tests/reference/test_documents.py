# tests/reference/test_documents.py - every odd document ends with text or a reason, in time and memory.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs frontdesk-extract, sandbox and all, through the driver of tests/support, on
../shared/data/documents (FRONTDESK_DATA) and on documents made here.
"""
import base64
import functools
import gzip
import io
import json
import os
import pathlib
import subprocess
import time
import zipfile
import zlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("FRONTDESK_BUILD", ROOT / "build"))
DOCUMENTS = pathlib.Path(os.environ.get("FRONTDESK_DATA", ROOT / ".." / "shared" / "data")) / "documents"
CHILD = os.environ.get("FRONTDESK_EXTRACT", str(BUILD / "lib" / "frontdesk-extract"))


def read(*paths):
    run = subprocess.run([BUILD / "tests" / "extract_driver", CHILD, "--text", *paths],
                         capture_output=True, check=True)
    out = []
    for line in run.stdout.decode("utf-8").split("\n")[:-1]:
        row = json.loads(line)
        row["text"] = "".join(("\n" if p["page"] and i else "") + p["text"] for i, p in enumerate(row["parts"]))
        out.append(row)
    return out


def files():
    if not DOCUMENTS.is_dir():
        return []
    return sorted(str(p.relative_to(DOCUMENTS)) for p in DOCUMENTS.glob("*/*"))


@functools.cache
def shared():
    return {str(pathlib.Path(r["file"]).relative_to(DOCUMENTS)): r
            for r in read(*(DOCUMENTS / f for f in files()))}


def test_the_shared_documents_are_there():
    if not files():
        pytest.skip(f"no documents under {DOCUMENTS}: none of them was read")


@pytest.mark.parametrize("name", files())
def test_a_shared_document_ends_with_text_or_a_reason(name):
    row = shared()[name]
    base = name.split("/")[1]
    assert row["ms"] < 60000
    if row["status"] == "DESK_OK":
        assert row["text"].strip()
        assert "\0" not in row["text"] and "\r" not in row["text"] and "\n\n\n" not in row["text"]
        pages = [p["page"] for p in row["parts"]]
        assert pages == sorted(pages)
    else:
        assert row["status"] == "DESK_E_INPUT"
        assert row["reason"].startswith(base + ": ")
        assert len(row["reason"]) > len(base) + 20
        assert "signal" not in row["reason"]


# The plain ones must be read; the odd ones may end either way, above.
REFUSED = {
    "docx/doc-no-coreprops.docx": "no text",
    "docx/sty-having-no-styles-part.docx": "no text",
    "docx/testWORD_missing_ooxml_bean1.docx": "no text",
    "docx/protected_upper_case.docx": "password-protected",
    "docx/testWORD_protected_passtika.docx": "password-protected",
    "xlsx/password_protected.xlsx": "password-protected",
    "eml/empty.eml": "no text",
    "legacy/testEXCEL.xls": "save it as .xlsx",
    "legacy/testPPT.ppt": "save it as .pptx",
    "pdf/2206.01062_pg3.pdf": "password-protected PDF",
    "pdf/password.pdf": "password-protected PDF",
    "pdf/MEDRPT-2024-PAT-3847_medical_report_scan.pdf": "no text found in 3 pages",
    "pdf/ocr_test.pdf": "run OCR",
    "pdf/issue15893_reduced.pdf": "run OCR",
    "pdf/testPDF_Version.11.x.PDFA-1b.pdf": "run OCR",
    "pdf/testPDF_malformedXFA.pdf": "run OCR",
    "pdf/poppler-395-0-fuzzed.pdf": "damaged PDF",
    "pdf/poppler-67295-0.pdf": "damaged PDF",
    "pdf/poppler-85140-0.pdf": "damaged PDF",
}


@pytest.mark.parametrize("name", files())
def test_a_shared_document_is_read_unless_it_has_a_reason(name):
    row = shared()[name]
    if name in REFUSED:
        assert REFUSED[name] in row["reason"]
    else:
        assert row["status"] == "DESK_OK", row["reason"]


KNOWN = [
    ("csv/semicolon-delimited.csv", "consectetur | adipiscing | elit"),
    ("csv/csv-with-escaped-commas.csv", "A | A | A | A,A | A"),
    ("docx/testWORD.docx", "Sample Word Document"),
    ("docx/docx-tables.docx", "Lorem ipsum | A link example"),
    ("docx/word_sample.docx", "- Wear sunglasses\n- Don’t forget to drink water"),
    ("docx/footnotes.docx", "snoska"),
    ("docx/textbox.docx", "＊ Fever\n＊ Cough"),
    ("docx/testWORD_charts.docx", "wants a peach"),
    ("eml/fake-email-attachment.eml", "Attachment: fake-attachment.txt"),
    ("eml/mime-html-only.eml", "The first emoticon, :) , was proposed by Scott Fahlman in 1982"),
    ("epub/test.epub", "- A bullet point\n- Another point"),
    ("html/testArabicMisleadingCharset.html", "اللغة العربية هي واحدة من أكثر اللغات"),
    ("html/testSrcDoc.html", "this is the iframe content"),
    ("html/html_rich_table_cells.html", "|"),
    ("legacy/text_document_03.odt", "Column A | Column B"),
    ("md/umlauts-utf8.md", "können"),
    ("pdf/testPDF.pdf", "Apache Tika"),
    ("pdf/Northwind_Standard_Benefits_Details.pdf", "coverage for medical, vision, and dental services. This"),
    ("pdf/multi-column.pdf", "Open-domain question answering relies on efficient passage retrieval to select candidate contexts, where traditional"),
    ("pdf/noembed-eucjp.pdf", "あいうえお"),
    ("pdf/right_to_left_01.pdf", "هذه اللغات يمكن أن يسهم بشكل كبير في تحسين نتائج العمل"),
    ("pdf/testOptionalHyphen.pdf", "optionalhyphen"),
    ("pdf/copy_paste_ligatures.pdf", "ffiflffifflstst"),
    ("pptx/testPPT_various.pptx", "Row 1 Col 1 | Row 1 Col 2 | Row 1 Col 3\nRow 2 Col 1"),
    ("txt/russian.cp866.txt", "Однажды, в студеную зимнюю пору"),
    ("txt/fake-text-utf-16-be.txt", "This is a test document to use for unit tests."),
    ("pptx/pptx_chart.pptx", "2019 | 2020 | 2021 | 2022\n120 | 130 | 150 | 175"),
    ("xlsx/testEXCEL_dateFormats.xlsx", "2018-09-20"),
    ("xlsx/testEXCEL.strict.xlsx", "2nd row | 2nd row 2nd column"),
]


@pytest.mark.parametrize("name,text", [k for k in KNOWN if k[0] in files()], ids=lambda v: v[:40])
def test_a_shared_document_has_its_known_text(name, text):
    assert text in shared()[name]["text"]


def test_pages_and_titles_are_kept():
    if not files():
        pytest.skip("no shared documents")
    book = shared()["pdf/freeculture.pdf"]
    assert book["pages"] == 352 and book["title"] == "Free Culture"
    assert {p["page"] for p in book["parts"]} <= set(range(1, 353))
    assert shared()["docx/testWORD.docx"]["title"] == "Sample Word Document"
    assert shared()["pptx/powerpoint_sample.pptx"]["pages"] == 3


@pytest.mark.parametrize("name", [f for f in files() if (DOCUMENTS / f).stat().st_size > 400000])
def test_a_large_shared_document_takes_little_memory(name):
    with open(DOCUMENTS / name, "rb") as doc:
        child = subprocess.Popen([CHILD, name, "512", "60", "64"], stdin=doc, stdout=subprocess.PIPE)
        child.stdout.read()
        child.stdout.close()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = status
    assert status == 0
    assert usage.ru_maxrss < 256 * 1024


# ---- documents made here ----------------------------------------------------------------------

def package(**members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, body in members.items():
            z.writestr(name, body)
    return out.getvalue()


def docx(body, **more):
    xml = f'<w:document xmlns:w="http://w"><w:body>{body}</w:body></w:document>'
    return package(**{"[Content_Types].xml": "<Types/>", "word/document.xml": xml, **more})


def paragraph(text):
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


@pytest.fixture
def made(tmp_path):
    def make(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read(path)[0]
    return make


REASONS = [
    ("empty.txt", b"", "the file is empty"),
    ("spaces.txt", b" \n\t\n ", "no text found"),
    ("letter.rtf", rb"{\rtf1\ansi hello}", "save it as .docx"),
    ("photo.txt", b"\x89PNG\r\n\x1a\n" + bytes(100), "run OCR"),
    ("photo.jpg", b"\xff\xd8\xff\xe0" + bytes(100), "run OCR"),
    ("notes.gz", gzip.compress(b"text"), "unpack it"),
    ("program.pdf", b"\x7fELF" + bytes(100), "a program"),
    ("data.bin", bytes(range(256)) * 20, "unknown kind of binary file"),
    ("broken.docx", b"PK\3\4" + bytes(500), "damaged"),
    ("cut.pdf", b"%PDF-1.7\n1 0 obj\n<</Type/Cat", "damaged PDF"),
    ("not.docx", b"just text", "no docx file"),
    ("letter.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "WordDocument".encode("utf-16le") + bytes(600),
     "old Word format (.doc): save it as .docx"),
    ("mail.msg", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "__substg1.0_".encode("utf-16le") + bytes(600),
     "Outlook"),
    ("secret.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16le"),
     "password-protected"),
    ("files.zip", package(**{"a.txt": "x"}), "ZIP archive"),
    ("entity.docx", package(**{"word/document.xml": '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'}), "damaged"),
    ("wrong.docx", package(**{"word/document.xml": "<w:p xmlns:w='w'><w:t>a</w:p>"}), "not well-formed"),
    ("picture.docx", docx("<w:p/>"), "no text found"),
]


@pytest.mark.parametrize("name,content,reason", REASONS, ids=[r[0] for r in REASONS])
def test_what_cannot_be_read_has_a_reason(made, name, content, reason):
    row = made(name, content)
    assert row["status"] == "DESK_E_INPUT"
    assert row["reason"].startswith(name + ": ") and reason in row["reason"], row["reason"]


def test_a_zip_bomb_is_not_unpacked(made):
    bomb = docx(paragraph("x" * 80_000_000))
    assert len(bomb) < 200_000
    started = time.monotonic()
    row = made("bomb.docx", bomb)
    assert row["status"] == "DESK_E_INPUT" and "bomb" in row["reason"]
    assert time.monotonic() - started < 20


def test_a_billion_laughs_are_not_heard(made):
    entities = "".join(f'<!ENTITY a{i} "{"&a%d;" % (i - 1) * 10}">' for i in range(1, 10))
    row = made("laugh.docx", package(**{
        "word/document.xml": f'<!DOCTYPE a [<!ENTITY a0 "ha">{entities}]><a><t>&a9;</t></a>'}))
    assert row["status"] == "DESK_E_INPUT" and "damaged" in row["reason"]


def test_deep_nesting_ends(made):
    deep = "<w:tbl><w:tr><w:tc>" * 20000
    assert made("deep.docx", docx(deep))["status"] == "DESK_E_INPUT"
    row = made("deep.html", "<div>" * 200_000 + "bottom")
    assert row["status"] == "DESK_OK" and "bottom" in row["text"] or row["reason"]


def test_too_much_text_has_a_reason(made):
    row = made("endless.txt", b"All work and no play.\n" * 3_500_000)
    assert row["status"] == "DESK_E_INPUT" and "more than 64 MB of text" in row["reason"]


def test_a_long_line_and_a_long_file_are_read(made):
    assert made("line.txt", b"word " * 2_000_000)["chars"] == 9_999_999
    row = made("rows.csv", "a,b\n" + "1,2\n" * 1_000_000)
    assert row["status"] == "DESK_OK" and row["ms"] < 20000


SAMPLES = {
    "de": "Für die Rückgabe größerer Geräte müssen Sie vorher anrufen. Schöne Grüße aus München!",
    "ru": "Возврат товара возможен в течение тридцати дней с момента покупки при наличии чека.",
    "el": "Η επιστροφή των προϊόντων γίνεται εντός τριάντα ημερών από την αγορά με την απόδειξη.",
    "ja": "返品は三十日以内に領収書をお持ちのうえ、店頭までお越しください。よろしくお願いします。",
    "zh": "退货须在三十天之内凭收据办理，逾期恕不受理，敬请谅解。如有疑问请联系客服。",
    "ko": "반품은 영수증을 지참하고 삼십일 이내에 매장을 방문하여 주시기 바랍니다. 감사합니다.",
    "he": "ניתן להחזיר מוצרים תוך שלושים יום מיום הקנייה בצירוף חשבונית מקורית.",
    "ar": "يمكن إرجاع المنتجات خلال ثلاثين يوما من تاريخ الشراء مع إبراز الفاتورة الأصلية.",
}
CHARSETS = [
    ("de", "utf-8"), ("de", "utf-8-sig"), ("de", "utf-16"), ("de", "utf-16-le"), ("de", "cp1252"),
    ("de", "iso-8859-1"), ("ru", "koi8-r"), ("ru", "cp1251"), ("ru", "cp866"), ("ru", "iso-8859-5"),
    ("ru", "mac-cyrillic"), ("el", "iso-8859-7"), ("ja", "shift_jis"), ("ja", "euc-jp"), ("ja", "iso-2022-jp"),
    ("ja", "utf-16"), ("zh", "gb18030"), ("zh", "utf-32"), ("ko", "euc-kr"), ("he", "cp1255"), ("ar", "cp1256"),
]


@pytest.mark.parametrize("language,charset", CHARSETS)
def test_text_in_any_character_set_is_read(made, language, charset):
    text = (SAMPLES[language] + "\n") * 4
    assert made("note.txt", text.encode(charset))["text"] == text.strip()


@pytest.mark.parametrize("charset", ["iso-8859-2", "windows-1250", "shift_jis"])
def test_a_declared_character_set_of_html_is_believed(made, charset):
    text = "返品は三十日以内" if charset == "shift_jis" else "Zwrot towaru w ciągu trzydziestu dni, źródło"
    page = f'<html><head><meta charset="{charset}"></head><body><p>{text}</p></body></html>'
    assert made("page.html", page.encode(charset))["text"] == text


def test_html_keeps_what_people_read(made):
    row = made("page.html", """<!doctype html><html><head><title> Return
      policy </title><script>var a="<p>no</p>"</script><style>p{}</style></head><body>
      <nav><a href="/">Home</a></nav><h1>Returns</h1><p>Within   30&nbsp;days
      of <b>deliv</b>ery.</p><ul><li>unused<li>boxed</ul><table><tr><th>Item<th>Days</tr><tr><td>Lamp<td>
      <p>30</p></tr></table><pre>a
   b</pre><footer>Imprint</footer></body></html>""")
    assert row["title"] == "Return policy"
    assert row["text"] == ("Returns\n\nWithin 30 days of delivery.\n\n- unused\n- boxed\n\n"
                           "Item | Days\nLamp | 30\n\na\n   b")


def test_a_word_document_keeps_its_shape(made):
    heading = '<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:r><w:t>Travel</w:t></w:r></w:p>'
    item = '<w:p><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr><w:r><w:t>{}</w:t></w:r></w:p>'
    cell = "<w:tc>" + paragraph("{}") + "</w:tc>"
    table = "<w:tbl><w:tr>%s%s</w:tr><w:tr>%s%s</w:tr></w:tbl>" % tuple(cell.format(c) for c in ("km", "rate", "1", "0.30"))
    styles = '<w:styles xmlns:w="w"><w:style w:styleId="Heading1"><w:name w:val="heading 1"/></w:style></w:styles>'
    rels = '<Relationships><Relationship Id="a" Type="http://x/styles" Target="styles.xml"/></Relationships>'
    row = made("a.docx", docx(heading + paragraph("By train &amp; bus.") + item.format("first") + item.format("second")
                              + paragraph("Then:") + table + "<w:p><w:r><w:delText>gone</w:delText></w:r></w:p>",
                              **{"word/styles.xml": styles, "word/_rels/document.xml.rels": rels}))
    assert row["title"] == "Travel"
    assert row["text"] == "Travel\n\nBy train & bus.\n\n- first\n- second\n\nThen:\n\nkm | rate\n1 | 0.30"


def test_an_email_names_its_attachments_and_reads_its_plain_form(made):
    body = base64.b64encode("Grüße, die Ware ist da.".encode("iso-8859-1")).decode()
    row = made("mail.eml", f"""From: =?utf-8?B?{base64.b64encode('Jörg'.encode()).decode()}?= <j@x.example>
To: shop@x.example
Subject: =?iso-8859-1?Q?Gr=FC=DFe?=
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="--=b"

----=b
Content-Type: multipart/alternative; boundary=c

--c
Content-Type: text/plain; charset="iso-8859-1"
Content-Transfer-Encoding: base64

{body}
--c
Content-Type: text/html

<p>not this</p>
--c--
----=b
Content-Type: application/pdf
Content-Disposition: attachment; filename*=utf-8''Preisliste%20%C3%BC.pdf

x
----=b--
""")
    assert row["title"] == "Grüße"
    assert row["text"] == ("Subject: Grüße\nFrom: Jörg <j@x.example>\nTo: shop@x.example\n\n"
                           "Grüße, die Ware ist da.\n\nAttachment: Preisliste ü.pdf")


def test_text_is_cleaned_but_not_rewritten(made):
    row = made("odd.txt", "co\u00adoperate\u200b \ufb01ne\x00\x07\r\nline\u2028two \n\n\n\nx² ½\u00a0€\r\rend")
    assert row["text"] == "cooperate fine\nline\ntwo\n\nx² ½ €\n\nend"


def test_a_damaged_member_is_told(made):
    good = docx(paragraph("text " * 2000))
    at = good.index(b"word/document.xml") + 60
    row = made("bad.docx", good[:at] + bytes([good[at] ^ 0xFF]) + good[at + 1:])
    assert row["status"] == "DESK_E_INPUT" and "damaged" in row["reason"]


def pdf_with(text, flate=True):
    stream = b"BT /F 12 Tf 20 100 Td (" + text + b") Tj ET"
    packed = zlib.compress(stream) if flate else stream
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
               b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 400 200]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
               b"<</Length %d%s>>\nstream\n%s\nendstream" % (len(packed), b"/Filter/FlateDecode" if flate else b"", packed),
               b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]
    out, offsets = b"%PDF-1.4\n", []
    for i, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (i, body)
    xref = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % o for o in offsets)
    return out + b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, xref)


def test_a_pdf_under_another_name_is_a_pdf(made):
    row = made("letter.txt", pdf_with(b"Two years of warranty"))
    assert row["format"] == "pdf" and row["text"] == "Two years of warranty"
    assert [p["page"] for p in row["parts"]] == [1]


def test_a_pdf_without_its_table_is_repaired(made):
    whole = pdf_with(b"Still here")
    damaged = whole.replace(b"xref\n0 6", b"xrof\n0 6").replace(b"startxref\n", b"startxref\n9")
    assert made("moved.pdf", damaged)["text"] == "Still here"


def test_a_long_name_keeps_its_end_and_its_reason(made):
    row = made("ü" * 110 + ".docx", b"just text")
    assert row["reason"].startswith("…ü") and "ü.docx: the file is damaged" in row["reason"]
    assert row["reason"].endswith("upload that")
