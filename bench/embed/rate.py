#!/usr/bin/env python3
"""Chunks a second of the bare embedder: what ingestion is measured against.

    bench/embed/rate.py [--threads N] [--seconds 10] [--json]    (a build in build/, ../shared/data beside the tree)

Chunks are 700 characters of the shared sets' documents; each thread calls with 32 at a time.
"""
# SPDX-License-Identifier: GPL-3.0-or-later
import argparse
import json
import os
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "support"))
from minilm import DATA, Embedder  # noqa: E402

BATCH = 32


def chunks(most=2048):
    out = []
    for path in sorted(DATA.glob("*/corpus.jsonl")):
        for line in path.read_text().splitlines()[:400]:
            text = json.loads(line)["text"]
            out += [text[i:i + 700] for i in range(0, len(text), 600)]
            if len(out) >= most:
                return out[:most]
    return out


def work(ours, batches, until, counts, at):
    i, done = at, 0
    while time.monotonic() < until:
        ours.run(batches[i % len(batches)])
        done += BATCH
        i += 1
    counts.append(done)


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    ap.add_argument("--seconds", type=float, default=10)
    ap.add_argument("--json", action="store_true")
    args = ap.parse_args()
    texts = chunks()
    if len(texts) < BATCH:
        sys.exit(f"no documents under {DATA}")
    ours, counts = Embedder(), []
    per_thread = [[ours.prepare(texts[i:i + BATCH]) for i in range(0, len(texts) - BATCH + 1, BATCH)]
                  for _ in range(args.threads)]
    start = time.monotonic()
    threads = [threading.Thread(target=work, args=(ours, per_thread[t], start + args.seconds, counts, t * 7))
               for t in range(args.threads)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    rate = sum(counts) / (time.monotonic() - start)
    if args.json:
        print(json.dumps({"threads": args.threads, "kernels": ours.kernels, "chunks_per_second": round(rate, 1)}))
    else:
        print(f"{rate:.0f} chunks/s: bare embedder, {args.threads} threads, kernels {ours.kernels}")


if __name__ == "__main__":
    main()
