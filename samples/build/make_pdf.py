"""Typeset parsed blocks as an A4 PDF with outline, running heads and page numbers."""
# SPDX-License-Identifier: GPL-3.0-or-later
import re
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.enums import TA_LEFT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.platypus import (BaseDocTemplate, CondPageBreak, Frame, KeepTogether,
                                ListFlowable, ListItem, PageBreak, PageTemplate, Paragraph, Spacer, Table, TableStyle)
from reportlab.platypus.tableofcontents import TableOfContents

PINE, SAND, INK = colors.HexColor("#1f4e46"), colors.HexColor("#f3efe6"), colors.HexColor("#222222")
AMBER = colors.HexColor("#b5541c")
MARGIN = 22 * mm


def style(name, **kw):
    base = dict(fontName="Helvetica", fontSize=9.8, leading=13.8, textColor=INK, alignment=TA_LEFT,
                spaceAfter=5)
    base.update(kw)
    return ParagraphStyle(name, **base)


BODY = style("body")
CELL = style("cell", fontSize=8.8, leading=11.4, spaceAfter=0)
HEADCELL = style("headcell", fontName="Helvetica-Bold", fontSize=8.8, leading=11.4, spaceAfter=0,
                 textColor=colors.white)
NOTE = style("note", fontSize=9.3, leading=12.6, spaceAfter=0)
TITLE = style("title", fontName="Helvetica-Bold", fontSize=27, leading=32, textColor=PINE)
SUB = style("sub", fontSize=12.5, leading=17, textColor=AMBER, spaceAfter=14)
META = style("meta", fontSize=9, leading=12.5, textColor=colors.HexColor("#555555"), spaceAfter=2)
HEADS = {
    "h1": style("h1", fontName="Helvetica-Bold", fontSize=15.5, leading=19, textColor=PINE,
                spaceBefore=13, spaceAfter=6, keepWithNext=1),
    "h2": style("h2", fontName="Helvetica-Bold", fontSize=11.6, leading=15, textColor=INK,
                spaceBefore=8, spaceAfter=3, keepWithNext=1),
    "h3": style("h3", fontName="Helvetica-BoldOblique", fontSize=10, leading=13, spaceBefore=5,
                spaceAfter=2, keepWithNext=1),
}
TOC = [style("toc1", leading=15, spaceAfter=0)]


def inline(text):
    text = escape(text)
    text = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", text)
    text = re.sub(r"(?<!\w)\*(.+?)\*(?!\w)", r"<i>\1</i>", text)
    return re.sub(r"`(.+?)`", r'<font face="Courier">\1</font>', text)


class Book(BaseDocTemplate):
    """Adds the outline, the contents page and the running head and foot."""

    def __init__(self, path, meta):
        super().__init__(path, pagesize=A4, leftMargin=MARGIN, rightMargin=MARGIN,
                         topMargin=24 * mm, bottomMargin=22 * mm, invariant=1,
                         title=meta["title"], author="Meridian Outdoor Ltd",
                         subject=meta.get("subtitle", ""), lang=meta.get("lang", "en"))
        self.meta, self.marks = meta, 0
        frame = Frame(self.leftMargin, self.bottomMargin, self.width, self.height, 0, 0, 0, 0)
        self.addPageTemplates([PageTemplate("first", frame, onPage=self.foot,
                                            autoNextPageTemplate="later"),
                               PageTemplate("later", frame, onPage=self.head)])

    def beforeDocument(self):
        self.marks = 0  # each pass of multiBuild must give the same keys

    def foot(self, canvas, _doc):
        canvas.saveState()
        canvas.setFont("Helvetica", 8)
        canvas.setFillColor(colors.HexColor("#666666"))
        canvas.drawString(MARGIN, 13 * mm, f"{self.meta['number']} · {self.meta['version']}")
        canvas.drawRightString(A4[0] - MARGIN, 13 * mm, f"{canvas.getPageNumber()}")
        canvas.restoreState()

    def head(self, canvas, doc):
        self.foot(canvas, doc)
        canvas.saveState()
        canvas.setFont("Helvetica", 8)
        canvas.setFillColor(PINE)
        canvas.drawString(MARGIN, A4[1] - 15 * mm, "MERIDIAN OUTDOOR")
        canvas.drawRightString(A4[0] - MARGIN, A4[1] - 15 * mm, self.meta["title"])
        canvas.setStrokeColor(PINE)
        canvas.setLineWidth(0.5)
        canvas.line(MARGIN, A4[1] - 17 * mm, A4[0] - MARGIN, A4[1] - 17 * mm)
        canvas.restoreState()

    def afterFlowable(self, flowable):
        level = {"h1": 0, "h2": 1}.get(getattr(getattr(flowable, "style", None), "name", ""))
        if level is None:
            return
        self.marks += 1
        key = f"s{self.marks}"
        self.canv.bookmarkPage(key)
        self.canv.addOutlineEntry(flowable.getPlainText(), key, level, level > 0)
        if level == 0:
            self.notify("TOCEntry", (0, flowable.getPlainText(), self.page, key))


def widths(rows, total):
    """Share the width by each column's longest cell, with a floor, so no column is squeezed."""
    cols = len(rows[0])
    want = [min(60, max(len(r[c]) for r in rows)) + 3 for c in range(cols)]
    floor = [max(stringWidth(w, "Helvetica-Bold", 8.8) for r in rows for w in r[c].split() or [""])
             + 13 for c in range(cols)]
    spare = total - sum(floor)
    return [f + spare * w / sum(want) for w, f in zip(want, floor)]


def table(rows, total):
    cells = [[Paragraph(inline(c), HEADCELL if i == 0 else CELL) for c in r]
             for i, r in enumerate(rows)]
    t = Table(cells, colWidths=widths(rows, total), repeatRows=1, spaceBefore=3, spaceAfter=9)
    t.setStyle(TableStyle([
        ("BACKGROUND", (0, 0), (-1, 0), PINE), ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("ROWBACKGROUNDS", (0, 1), (-1, -1), [colors.white, SAND]),
        ("LINEBELOW", (0, 1), (-1, -1), 0.3, colors.HexColor("#c9c2b2")),
        ("LEFTPADDING", (0, 0), (-1, -1), 5), ("RIGHTPADDING", (0, 0), (-1, -1), 5),
        ("TOPPADDING", (0, 0), (-1, -1), 3.2), ("BOTTOMPADDING", (0, 0), (-1, -1), 3.2)]))
    return t


def note(label, text, total):
    body = Paragraph(f"<b>{inline(label)}.</b> {inline(text)}", NOTE)
    colour = AMBER if label.lower() in ("warning", "danger") else PINE
    t = Table([[body]], colWidths=[total], spaceBefore=3, spaceAfter=8)
    t.setStyle(TableStyle([("BACKGROUND", (0, 0), (-1, -1), SAND),
                           ("LINEBEFORE", (0, 0), (0, -1), 3, colour),
                           ("LEFTPADDING", (0, 0), (-1, -1), 9),
                           ("TOPPADDING", (0, 0), (-1, -1), 5),
                           ("BOTTOMPADDING", (0, 0), (-1, -1), 6)]))
    return t


def bullets(found, ordered):
    kind = dict(bulletType="1", bulletFormat="%s.") if ordered else dict(bulletType="bullet", start="•")
    return ListFlowable([ListItem(Paragraph(inline(x), BODY), leftIndent=15) for x in found],
                        leftIndent=15, bulletFontSize=9.5, bulletColor=PINE, **kind)


def flow(kind, value, width, above):
    """The flowables of one block; a heading never stands alone at the foot of a page."""
    if kind in HEADS:
        room = [] if above in HEADS else [CondPageBreak(30 * mm)]
        return room + [Paragraph(inline(value), HEADS[kind])]
    if kind == "p":
        return [Paragraph(inline(value), BODY)]
    if kind in ("ul", "ol"):
        return [bullets(value, kind == "ol")]
    if kind == "table":
        return [table(value, width)]
    if kind == "note":
        return [KeepTogether([note(*value, width)])]
    return [PageBreak()]


def cover(meta, contents):
    toc = TableOfContents(levelStyles=TOC, dotsMinLevel=9)
    return [Paragraph("MERIDIAN OUTDOOR", style("brand", fontName="Helvetica-Bold", fontSize=9,
                                                textColor=AMBER, spaceAfter=16)),
            Paragraph(inline(meta["title"]), TITLE), Spacer(1, 4),
            Paragraph(inline(meta.get("subtitle", "")), SUB),
            Paragraph(inline(f"Document {meta['number']}, {meta['version']}, {meta['date']}"), META),
            Paragraph(inline(meta["contact"]), META), Spacer(1, 10),
            Paragraph(contents, style("ct", fontName="Helvetica-Bold", fontSize=12, spaceAfter=6)),
            toc]


def write(path, meta, blocks):
    book = Book(path, meta)
    story = cover(meta, meta.get("contents", "Contents"))
    above = None
    for kind, value in blocks:
        story += flow(kind, value, book.width, above)
        above = kind
    book.multiBuild(story)
