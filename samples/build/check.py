#!/usr/bin/env python3
"""Check questions.jsonl: each answer stands in its source (and page); unanswerable ones have none."""
# SPDX-License-Identifier: GPL-3.0-or-later
import html
import json
import pathlib
import re
import subprocess
import sys
import zipfile

SAMPLES = pathlib.Path(__file__).resolve().parent.parent


def squeeze(text):
    return re.sub(r"\s+", " ", text).casefold()


def pages(path):
    """The text of a document as a list of pages; only a PDF has more than one."""
    if path.suffix == ".pdf":
        out = subprocess.run(["pdftotext", "-enc", "UTF-8", str(path), "-"], check=True,
                             capture_output=True, text=True).stdout
        return [squeeze(p) for p in out.split("\f")[:-1]]
    if path.suffix == ".docx":
        xml = zipfile.ZipFile(path).read("word/document.xml").decode()
        text = html.unescape(re.sub(r"<[^>]+>", "", re.sub(r"</w:(p|tc)>", " ", xml)))
    else:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".html":
            text = html.unescape(re.sub(r"<[^>]+>", " ", text))
        text = text.replace("**", "").replace("`", "")
    return [squeeze(text)]


def complaint(q, seen):
    if q["id"] in seen:
        return "id used twice"
    if q.get("unanswerable"):
        return "unanswerable, but has an answer" if "source" in q or "answer" in q else None
    for name in [q["source"]] + q.get("also", []):
        path = SAMPLES / name
        if not path.exists():
            return f"no file {name}"
        hits = [n for n, text in enumerate(pages(path), 1) if squeeze(q["answer"]) in text]
        if not hits and name == q["source"]:
            return f"'{q['answer']}' is not in {name}"
        if path.suffix == ".pdf" and name == q["source"] and q.get("page") not in hits:
            return f"'{q['answer']}' is on page {hits}, not {q.get('page')}"
    return None


def main():
    seen, bad = set(), 0
    for line in (SAMPLES / "questions.jsonl").read_text(encoding="utf-8").splitlines():
        q = json.loads(line)
        why = complaint(q, seen)
        seen.add(q["id"])
        if why:
            bad += 1
            print(f"{q['id']}: {why}", file=sys.stderr)
    print(f"{len(seen) - bad} passed, {bad} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
