"""Parse the small Markdown dialect of samples/build/src into a list of blocks."""
# SPDX-License-Identifier: GPL-3.0-or-later
import re

HEAD = re.compile(r"^(#{1,3}) +(.*)$")
ITEM = re.compile(r"^- +(.*)$")
STEP = re.compile(r"^\d+\. +(.*)$")
NOTE = re.compile(r"^> *(?:\*\*(.+?)\*\*)? *(.*)$")


def front_matter(text):
    """Split 'key: value' lines between two '---' lines from the body."""
    _, head, body = text.split("---\n", 2)
    meta = {}
    for line in head.strip().splitlines():
        key, value = line.split(":", 1)
        meta[key.strip()] = value.strip()
    return meta, body


def table_rows(lines):
    rows = [[c.strip() for c in line.strip().strip("|").split("|")] for line in lines]
    return [r for i, r in enumerate(rows) if i != 1]  # row 1 is the |---| rule


def paragraphs(lines):
    """Join a list item's or note's continuation lines (indented or quoted)."""
    return " ".join(line.strip() for line in lines)


def take(lines, i, test):
    j = i
    while j < len(lines) and test(lines[j]):
        j += 1
    return lines[i:j], j


def items(lines, i, pattern):
    """A run of list items; indented lines continue the item above."""
    out = []
    while i < len(lines):
        m = pattern.match(lines[i])
        if m:
            out.append(m.group(1).strip())
        elif lines[i].startswith("  ") and out:
            out[-1] += " " + lines[i].strip()
        else:
            break
        i += 1
    return out, i


def special(line):
    return (not line.strip() or HEAD.match(line) or ITEM.match(line) or STEP.match(line)
            or line.startswith((">", "|", "<!-- page -->")))


def parse(body):
    """Return [(kind, value)]: h1 h2 h3 p ul ol table note page."""
    lines, i, out = body.splitlines(), 0, []
    while i < len(lines):
        line = lines[i]
        if not line.strip():
            i += 1
        elif line.startswith("<!-- page -->"):
            out.append(("page", None))
            i += 1
        elif HEAD.match(line):
            m = HEAD.match(line)
            out.append((f"h{len(m.group(1))}", m.group(2).strip()))
            i += 1
        elif line.startswith("|"):
            rows, i = take(lines, i, lambda s: s.startswith("|"))
            out.append(("table", table_rows(rows)))
        elif line.startswith(">"):
            quoted, i = take(lines, i, lambda s: s.startswith(">"))
            m = NOTE.match(quoted[0])
            rest = [m.group(2)] + [q.lstrip("> ") for q in quoted[1:]]
            out.append(("note", (m.group(1) or "Note", paragraphs(rest))))
        elif ITEM.match(line):
            found, i = items(lines, i, ITEM)
            out.append(("ul", found))
        elif STEP.match(line):
            found, i = items(lines, i, STEP)
            out.append(("ol", found))
        else:
            text, i = take(lines, i, lambda s: not special(s))
            out.append(("p", paragraphs(text)))
    return out
