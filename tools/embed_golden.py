#!/usr/bin/env python3
"""Write what the C tests of lib/embed need from Python: reference ids and vectors, and a model of 20 KB.

SPDX-License-Identifier: GPL-3.0-or-later

    python3 tools/embed_golden.py    (in a venv with tests/requirements.txt)
"""
import json
import struct
import sys
from pathlib import Path

import numpy as np

TREE = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TREE / "tests" / "support"), str(TREE / "tests" / "reference"), str(TREE / "tools")]

import convert_minilm  # noqa: E402
from minilm import Fp32, reference_tokenizer  # noqa: E402
from test_embed import ODD  # noqa: E402

SENTENCES = [
    "How many days of paid leave do I get?",
    "Every employee has thirty days of paid leave a year; unused days are carried over until the end of March.",
    "The warranty covers two years from the date of purchase.",
    "Ein Satz auf Deutsch, den das Modell nicht gut versteht.",
    "a", "", "😀😀😀", "word " * 300,
]


def golden():
    tok, fp32 = reference_tokenizer(), Fp32()
    rows = [{"text": t, "ids": tok.encode(t).ids} for t in ODD if "\0" not in t]
    for t in SENTENCES:
        ids = tok.encode(t).ids
        rows.append({"text": t, "ids": ids, "vector": [round(float(x), 5) for x in fp32.vector(ids)]})
    out = TREE / "tests" / "cases" / "embed" / "golden.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text("[\n" + ",\n".join(json.dumps(r, ensure_ascii=True) for r in rows) + "\n]\n")


def small_model():
    """One layer, one head, six words; every part of the format, nothing that makes sense."""
    rng = np.random.default_rng(1)

    def f32(*shape):
        return rng.standard_normal(shape).astype(np.float32)
    src, hidden, ffn = {}, 32, 64
    src["embeddings.word_embeddings.weight"] = f32(7, hidden)
    src["embeddings.position_embeddings.weight"] = f32(256, hidden)
    src["embeddings.token_type_embeddings.weight"] = f32(2, hidden)
    p = "encoder.layer.0."
    for name, n, k in ((p + "attention.self.query", hidden, hidden), (p + "attention.self.key", hidden, hidden),
                       (p + "attention.self.value", hidden, hidden), (p + "attention.output.dense", hidden, hidden),
                       (p + "intermediate.dense", ffn, hidden), (p + "output.dense", hidden, ffn)):
        src[name + ".weight"], src[name + ".bias"] = f32(n, k), f32(n)
    for name in ("embeddings", p + "attention.output", p + "output"):
        src[name + ".LayerNorm.weight"], src[name + ".LayerNorm.bias"] = f32(hidden), f32(hidden)
    cfg = {"hidden_size": hidden, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": ffn}
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "##b"]
    folder = TREE / "tests" / "cases" / "embed"
    (folder / "vocab.tmp").write_text("\n".join(words) + "\n")
    tensors = []
    convert_minilm.POSITIONS = 4
    convert_minilm.vocabulary(folder / "vocab.tmp", tensors)
    (folder / "vocab.tmp").unlink()
    block = np.zeros(256, np.uint32)
    block[32], block[33], block[ord("A")], block[0] = 1 << 24, 2 << 24, ord("a"), 1 << 31
    block[0xC4] = 1 << 31 | 1
    tensors += [("char.index", "u16", 1, 0x1100, np.zeros(0x1100, np.uint16)),
                ("char.block", "u32", 1, 256, block),
                ("char.many", "u32", 1, 4, np.array([0, 2, ord("a"), ord("b")], np.uint32))]
    convert_minilm.embeddings(src, cfg, tensors)
    convert_minilm.layers(src, cfg, tensors)
    convert_minilm.write(folder / "small.desk", cfg, words, tensors)


if __name__ == "__main__":
    golden()
    small_model()
