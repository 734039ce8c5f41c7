#!/usr/bin/env python3
"""Make the corpus of the benchmarks: N chunks of the shared sets' text, ten a document, as JSONL.

    bench/corpus.py [--chunks 82000] [--questions FILE] >corpus.jsonl

Every piece has 450 to 690 characters and no blank line, so that the splitter (700, 100) makes one
chunk of each. When the sets' own pieces are used up, the first half of one and the second half of
another make the next: real words in real proportions. The seed is fixed: the same bytes every time.
"""
# SPDX-License-Identifier: GPL-3.0-or-later
import argparse
import glob
import json
import os
import random
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DATA = os.path.join(TOP, "..", "shared", "data", "retrieval")
SETS = ("scifact", "cranfield", "stackfaq_answers_only", "azure_hr_benefits", "chunking_eval_spans", "xquad/en")
LOW, HIGH, A_DOCUMENT = 450, 690, 10


def lines(path):
    with open(path, encoding="utf-8") as f:
        for line in f:
            yield json.loads(line)


def pieces(text):
    words, piece = text.split(), ""
    for word in words:
        if len(piece) + 1 + len(word) > HIGH:
            yield piece
            piece = ""
        piece = (piece + " " + word).strip()[:HIGH]
    if len(piece) >= LOW:
        yield piece


def mix(rng, real):
    a, b = rng.choice(real), rng.choice(real)
    a, b = a[:len(a) // 2].rsplit(" ", 1)[0], b[len(b) // 2:].split(" ", 1)[-1]
    return a + " " + b


def main():
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--chunks", type=int, default=82000)
    ask.add_argument("--questions", help="write the sets' questions there, as JSONL")
    args = ask.parse_args()
    if not glob.glob(os.path.join(DATA, "*")):
        sys.exit("bench/corpus.py: ../shared/data/retrieval is not here")
    rng = random.Random(82000)
    real, questions = [], []
    for name in SETS:
        for row in lines(os.path.join(DATA, name, "corpus.jsonl")):
            real.extend(p for p in pieces(row["text"]) if len(p) >= LOW)
        questions.extend(row["text"] for row in lines(os.path.join(DATA, name, "queries.jsonl")))
    rng.shuffle(real)
    chunks = real[:args.chunks]
    while len(chunks) < args.chunks:
        made = mix(rng, real)
        if LOW <= len(made) <= HIGH:
            chunks.append(made)
    for i in range(0, len(chunks), A_DOCUMENT):
        json.dump({"_id": "bench-%05d" % (i // A_DOCUMENT), "title": "",
                   "text": "\n\n".join(chunks[i:i + A_DOCUMENT])}, sys.stdout, ensure_ascii=False)
        sys.stdout.write("\n")
    if args.questions:
        questions = sorted({q for q in questions if len(q) <= 400})
        rng.shuffle(questions)
        with open(args.questions, "w", encoding="utf-8") as f:
            for i, text in enumerate(questions):
                f.write(json.dumps({"_id": "q%d" % i, "text": text}, ensure_ascii=False) + "\n")
    print("%d chunks, %d of them real" % (len(chunks), min(len(real), len(chunks))), file=sys.stderr)


if __name__ == "__main__":
    main()
