"""Write parsed blocks as a DOCX with real heading, list and table styles."""
# SPDX-License-Identifier: GPL-3.0-or-later
import datetime
import io
import re
import zipfile

from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Pt, RGBColor

WHEN = datetime.datetime(2026, 3, 1, 9, 0, 0)
INLINE = re.compile(r"(\*\*.+?\*\*|`.+?`|(?<!\w)\*.+?\*(?!\w))")
HEADS = {"h1": 1, "h2": 2, "h3": 3}


def runs(par, text):
    for part in INLINE.split(text):
        if part.startswith("**"):
            par.add_run(part[2:-2]).bold = True
        elif part.startswith("`"):
            par.add_run(part[1:-1]).font.name = "Courier New"
        elif len(part) > 2 and part.startswith("*"):
            par.add_run(part[1:-1]).italic = True
        elif part:
            par.add_run(part)
    return par


def field(par, code):
    """A field such as PAGE: begin, instruction, end."""
    for kind in ("begin", None, "end"):
        run = par.add_run()._r
        if kind:
            el = OxmlElement("w:fldChar")
            el.set(qn("w:fldCharType"), kind)
        else:
            el = OxmlElement("w:instrText")
            el.set(qn("xml:space"), "preserve")
            el.text = code
        run.append(el)


def numbering_restart(doc, par):
    """Give this list its own w:num, so that numbered lists start at 1 again."""
    numbering = doc.part.numbering_part.numbering_definitions._numbering
    style_num = doc.styles["List Number"].element.pPr.numPr.numId.val
    abstract = numbering.num_having_numId(style_num).abstractNumId.val
    num = numbering.add_num(abstract)
    num.add_lvlOverride(ilvl=0).add_startOverride(1)
    return num.numId


def ordered(doc, found):
    num = None
    for text in found:
        par = runs(doc.add_paragraph(style="List Number"), text)
        num = num if num is not None else numbering_restart(doc, par)
        props = par._p.get_or_add_pPr().get_or_add_numPr()
        props.get_or_add_numId().val = num
        props.get_or_add_ilvl().val = 0


def table(doc, rows):
    t = doc.add_table(rows=0, cols=len(rows[0]), style="Light Grid Accent 1")
    for i, row in enumerate(rows):
        for cell, text in zip(t.add_row().cells, row):
            runs(cell.paragraphs[0], f"**{text}**" if i == 0 else text)
    doc.add_paragraph()


def add(doc, kind, value):
    if kind in HEADS:
        doc.add_heading(value, HEADS[kind])
    elif kind == "p":
        runs(doc.add_paragraph(), value)
    elif kind == "ul":
        for text in value:
            runs(doc.add_paragraph(style="List Bullet"), text)
    elif kind == "ol":
        ordered(doc, value)
    elif kind == "table":
        table(doc, value)
    elif kind == "note":
        runs(doc.add_paragraph(style="Intense Quote"), f"**{value[0]}.** {value[1]}")
    else:
        doc.add_page_break()


def frame(doc, meta):
    """Title, running head and 'Page n' foot."""
    section = doc.sections[0]
    section.header.paragraphs[0].text = f"Meridian Outdoor – {meta['title']}"
    foot = section.footer.paragraphs[0]
    foot.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    foot.add_run(f"{meta['number']}, {meta['version']} – page ")
    field(foot, "PAGE")
    doc.add_heading(meta["title"], 0)
    runs(doc.add_paragraph(style="Subtitle"), meta.get("subtitle", ""))
    runs(doc.add_paragraph(), f"Document {meta['number']}, {meta['version']}, {meta['date']}. "
         f"{meta['contact']}")


def fixed_zip(data, path):
    """Rewrite the package with one date and order, so that a rebuild gives the same bytes."""
    src = zipfile.ZipFile(io.BytesIO(data))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name in src.namelist():
            info = zipfile.ZipInfo(name, (2026, 3, 1, 9, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o600 << 16
            out.writestr(info, src.read(name))


def write(path, meta, blocks):
    doc = Document()
    doc.styles["Normal"].font.name = "Calibri"
    doc.styles["Normal"].font.size = Pt(10.5)
    doc.styles["Heading 1"].font.color.rgb = RGBColor(0x1F, 0x4E, 0x46)
    props = doc.core_properties
    props.title, props.author, props.last_modified_by = meta["title"], "Meridian Outdoor Ltd", ""
    props.comments, props.language = "", meta.get("lang", "en")
    props.created = props.modified = WHEN
    props.revision = 1
    frame(doc, meta)
    for kind, value in blocks:
        add(doc, kind, value)
    buf = io.BytesIO()
    doc.save(buf)
    fixed_zip(buf.getvalue(), path)
