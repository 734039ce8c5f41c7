#!/usr/bin/env python3
"""Build the sample PDF and DOCX files from src/*.md; --check says whether they are up to date."""
# SPDX-License-Identifier: GPL-3.0-or-later
import argparse
import filecmp
import pathlib
import sys
import tempfile

import blocks
import make_docx
import make_pdf

HERE = pathlib.Path(__file__).resolve().parent
SAMPLES = HERE.parent
WRITERS = {".pdf": make_pdf.write, ".docx": make_docx.write}


def build(root):
    made = []
    for src in sorted((HERE / "src").glob("*.md")):
        meta, body = blocks.front_matter(src.read_text(encoding="utf-8"))
        target = root / meta["target"]
        target.parent.mkdir(parents=True, exist_ok=True)
        WRITERS[target.suffix](str(target), meta, blocks.parse(body))
        made.append(meta["target"])
    return made


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--check", action="store_true", help="build aside and compare, change nothing")
    args = ap.parse_args()
    if not args.check:
        print("\n".join(build(SAMPLES)))
        return 0
    with tempfile.TemporaryDirectory() as aside:
        stale = [t for t in build(pathlib.Path(aside))
                 if not filecmp.cmp(pathlib.Path(aside) / t, SAMPLES / t, shallow=False)]
    for target in stale:
        print(f"{target}: differs from its source, run build.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
