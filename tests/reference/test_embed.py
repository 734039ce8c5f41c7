"""The built-in embedder beside the reference tokenizer and the fp32 network."""
# SPDX-License-Identifier: GPL-3.0-or-later
import hashlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from minilm import MODEL_FILE, TREE, Embedder, Fp32, reference_tokenizer, sample_texts

ODD = [
    "", " ", "\n\t", "a", "A", "hello world", "Hello, World!", "don't stop", "state-of-the-art", "3.14 1,000 50%",
    "[CLS] hello [SEP]", "[MASK][PAD]", "[cls]", "x[SEP]y", "[UNK]able", "[[SEP]]", "[SE", "[",
    "naïve café résumé", "cafe\u0301", "ÀÉÎÕÜ ß ẞ", "İstanbul ISTANBUL ıI", "Σίσυφος ΣΑΣ ς", "Ǆ ǅ ǆ", "ﬁ ﬂ ﬀ", "①②③ ½ ²",
    "日本語のテキスト", "中文字符 and english", "한국어 문장", "हिन्दी में", "ไทย", "العربية مع تشكيل مُحَمَّد", "עברית עִם נִקּוּד",
    "😀 smile 👨‍👩‍👧‍👦 family 🇩🇪 flag", "👍🏽", "\ufeffbom", "zero\u200bwidth", "soft\u00adhyphen", "non\u00a0breaking",
    "\u2028line\u2029para", "a\u0000b", "a\ufffdb", "tab\tnew\nline\rreturn\x0bvt\x0cff\x85nel", "\u3000wide",
    "“quotes” ‘single’ — – … •", "$£€¥ + = < > ^ ` | ~", "http://example.com/a?b=c&d=e#f", "me@example.com", "C++ C# .NET",
    "x" * 99, "x" * 100, "x" * 101, "é" * 100, "é" * 101, "日" * 300, "a " * 300, "word" * 60, "!" * 300,
    "豈 更 車", "ℌ ℍ K Å", "가각힣", "\u1112\u1161\u11ab", "q\u0307\u0323", "\u0301alone", "ᾳ ᾼ ΰ",
    "𝐛𝐨𝐥𝐝 𝕕𝕠𝕦𝕓𝕝𝕖", "\U0001d15e\U0001d165\U0001d16d", "\u302e\u302f", "\ue000private\U000f0000", "\U0010ffff", "unaffable",
    "supercalifragilisticexpialidocious", "antidisestablishmentarianism floccinaucinihilipilification", "##ing ##", "# # #",
]


@pytest.fixture(scope="module")
def reference():
    return reference_tokenizer()


@pytest.fixture(scope="module")
def ours():
    embedder = Embedder()
    yield embedder
    embedder.close()


@pytest.fixture(scope="module")
def exact(reference):
    """200 texts of one line each, and their vectors by the published fp32 weights."""
    texts = [" ".join(t.split()) for t in sample_texts(200)]
    fp32 = Fp32()
    return texts, np.stack([fp32.vector(reference.encode(t).ids) for t in texts])


@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
def test_an_odd_text_has_the_reference_ids(ours, reference, text):
    assert ours.tokens(text) == reference.encode(text).ids


def test_texts_of_random_code_points_have_the_reference_ids(ours, reference):
    rng = random.Random(3)
    blocks = [(0x20, 0x7F), (0x20, 0x7F), (0x80, 0x250), (0x250, 0x600), (0x600, 0x1100), (0x1100, 0x3000),
              (0x3000, 0xA000), (0xA000, 0xD7FF), (0xE000, 0xFFFF), (0x10000, 0x20000), (0x20000, 0x10FFFF)]
    for _ in range(6000):
        text = "".join(chr(rng.randrange(*rng.choice(blocks))) if rng.random() < 0.7 else rng.choice("aeist rn 	.,-")
                       for _ in range(rng.randrange(1, 40)))
        assert ours.tokens(text) == reference.encode(text).ids, ascii(text)


def test_every_code_point_has_the_reference_ids(ours, reference):
    for start in range(0, 0x110000, 64):
        points = [c for c in range(start, start + 64) if not 0xD800 <= c < 0xE000]
        text = " ".join(f"a{chr(c)}b" for c in points)
        assert ours.tokens(text) == reference.encode(text).ids, hex(start)


def test_the_words_of_real_texts_have_the_reference_ids(ours, reference):
    for text in sample_texts(400):
        assert ours.tokens(text) == reference.encode(text).ids


def test_bytes_that_are_not_utf8_count_as_replacement_characters(ours, reference):
    for raw in (b"\xff\xfe", b"a\xc3", b"caf\xc3\xa9 \xe2\x82", b"\xed\xa0\x80x", b"\xf4\x90\x80\x80", b"\xc0\x80z"):
        assert ours.tokens(raw) == reference.encode(raw.decode("utf-8", "replace")).ids


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kernels", ["avx512", "avxvnni", "avx2", "plain"])
def test_200_texts_are_within_cosine_of_fp32(exact, kernels):
    try:
        embedder = Embedder(kernels)
    except RuntimeError:
        pytest.skip(f"kernels {kernels} do not run on this processor")
    texts, wanted = exact
    if kernels == "plain":
        texts, wanted = texts[::5], wanted[::5]
    got = embedder.vectors(texts)
    embedder.close()
    cosine = (wanted * got).sum(1)
    print(f"\n{kernels}: {len(texts)} texts, cosine with fp32: least {cosine.min():.5f}, mean {cosine.mean():.5f}")
    assert np.allclose(np.linalg.norm(got, axis=1), 1, atol=1e-5)
    assert cosine.min() >= 0.998


def test_frontdeskctl_prints_vectors_within_cosine_of_fp32(exact):
    prefix = os.environ.get("FRONTDESK_PREFIX")
    ctl = Path(prefix) / "bin" / "frontdeskctl" if prefix else TREE / "build" / "ctl" / "frontdeskctl"
    texts, wanted = exact
    env = {**os.environ, "EMBEDDING_MODEL_PATH": str(MODEL_FILE), "EMBEDDING_PROVIDER": "builtin"}
    done = subprocess.run([str(ctl), "embed", "-"], input="\n".join(texts) + "\n", env=env, text=True,
                          stdout=subprocess.PIPE, check=True)
    got = np.array([json.loads(line) for line in done.stdout.splitlines()])
    assert got.shape == (len(texts), 384)
    assert (wanted * got).sum(1).min() >= 0.99


def test_a_text_has_the_same_vector_in_any_company(ours):
    texts = sample_texts(60)
    together = ours.vectors(texts)
    alone = np.concatenate([ours.vectors([t]) for t in texts])
    assert np.array_equal(together, alone)


def test_the_converter_writes_the_committed_file_again(tmp_path):
    out = tmp_path / "model.desk"
    subprocess.run([sys.executable, str(TREE / "tools" / "convert_minilm.py"), "--out", str(out)], check=True)
    assert hashlib.sha256(out.read_bytes()).digest() == hashlib.sha256(MODEL_FILE.read_bytes()).digest()
