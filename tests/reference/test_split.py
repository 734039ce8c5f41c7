# tests/reference/test_split.py - our chunks against the real langchain-text-splitters.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every claim runs the C splitter and the library on the same texts.

FRONTDESK_SPLIT names the command that splits one file ("frontdeskctl split", or the driver);
FRONTDESK_SPLIT_DRIVER the driver of tests/support, which also does batches and other sizes.
"""
import json
import os
import pathlib
import random
import shlex
import subprocess

import pytest
from langchain_text_splitters import RecursiveCharacterTextSplitter

HERE = pathlib.Path(__file__).resolve()
ROOT = HERE.parents[2]
DATA = pathlib.Path(os.environ.get("FRONTDESK_DATA", ROOT / ".." / "shared" / "data"))
SEPARATORS = ["\n\n", "\n", ". ", " ", ""]


def driver():
    path = os.environ.get("FRONTDESK_SPLIT_DRIVER", ROOT / "build" / "tests" / "split_driver")
    assert os.access(path, os.X_OK), f"{path} is missing: make -C build/tests split_driver"
    return [str(path)]


def frontdeskctl():
    """Installed or built; the driver where there is neither."""
    build = pathlib.Path(os.environ.get("FRONTDESK_BUILD", ROOT / "build"))
    places = [build / "ctl" / "frontdeskctl"]
    if "FRONTDESK_PREFIX" in os.environ:
        places.insert(0, pathlib.Path(os.environ["FRONTDESK_PREFIX"]) / "bin" / "frontdeskctl")
    found = [str(p) for p in places if os.access(p, os.X_OK)]
    return [found[0], "split"] if found else driver()


def library(size=700, overlap=100):
    return RecursiveCharacterTextSplitter(
        chunk_size=size, chunk_overlap=overlap, separators=SEPARATORS
    )


def ours(texts, tmp_path, size=700, overlap=100):
    batch = tmp_path / "batch.jsonl"
    with batch.open("w", encoding="utf-8") as f:
        for text in texts:
            f.write(json.dumps(text, ensure_ascii=False) + "\n")
    run = subprocess.run(
        driver() + ["--batch", str(batch), str(size), str(overlap)],
        capture_output=True, check=True,
    )
    lines = run.stdout.decode("utf-8").split("\n")
    assert lines.pop() == ""
    return [json.loads(line) for line in lines]


def assert_same(texts, tmp_path, size=700, overlap=100):
    splitter = library(size, overlap)
    got = ours(texts, tmp_path, size, overlap)
    assert len(got) == len(texts)
    for text, chunks in zip(texts, got):
        assert [c["content"] for c in chunks] == splitter.split_text(text)
        for i, c in enumerate(chunks):
            assert c["chunk_index"] == i
            assert text[c["start"]:c["end"]] == c["content"]
        starts = [c["start"] for c in chunks]
        assert starts == sorted(starts)


OWN = {
    "empty": "",
    "white space only": " \n\n\t\u3000\u00a0 \n",
    "one word": "word",
    "exactly the size": "a" * 700,
    "one over": "a" * 701,
    "size with spaces around": " " + "a" * 699 + " ",
    "very long word": "before " + "x" * 5000 + " after. " + "y" * 1500,
    "one line": "The quick brown fox. " * 300,
    "dots without spaces": "a.b." * 900,
    "crlf": ("A line of a letter.\r\nAnd the next one\r\n\r\n" * 120),
    "cr only": "line\rline " * 300,
    "many newlines": "\n" * 3000 + "x" + "\n" * 701 + "y",
    "odd newlines": "\n\n\n".join("p%d " % i * 40 for i in range(60)),
    "long paragraphs": "\n\n".join("w%d. " % i * 200 for i in range(10)),
    "chinese": "我们的退货政策允许在三十天内退货。请保留您的收据，否则无法办理退款。" * 90,
    "japanese": "返品は三十日以内に限ります。領収書をお持ちください！\n" * 80,
    "thai": "คุณสามารถคืนสินค้าได้ภายในสามสิบวันหลังจากวันที่ซื้อ" * 60,
    "lao and khmer": "ທ່ານສາມາດສົ່ງຄືນສິນຄ້າ" * 50 + "អ្នកអាចប្រគល់ទំនិញ" * 50,
    "arabic": "يمكنك إرجاع المنتج خلال ثلاثين يومًا. " * 70,
    "hindi": "आप तीस दिनों के भीतर सामान लौटा सकते हैं। " * 70,
    "combining marks": "e\u0301a\u0308o\u0302\u0323 " * 400 + "e\u0301" * 1500,
    "emoji": "👩\u200d👩\u200d👧\u200d👦🏳️\u200d🌈👍🏽" * 200 + " 🙂. " * 300,
    "odd spaces": "a\u00a0b\u2003c\u2028d\u2029e\x1cf\x1fg\x85h\u200bi\ufeffj\u180ek " * 100,
    "odd space pieces": ("\u3000" * 710 + " x. " + "\x1d" * 705 + "\n\n" + "\u2009" * 3) * 3,
    "nul and controls": "a\x00b\x01c\x7f " * 300,
    "astral": "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 " * 200,
    "mixed": "Überschrift\n\n" + "日本語 text. ёлки\tпалки " * 80 + "\n" + "e\u0301" * 800,
}


@pytest.mark.parametrize("name", OWN)
def test_own_text_is_split_as_the_library_does(name, tmp_path):
    assert_same([OWN[name]], tmp_path)


def corpora():
    return sorted((DATA / "retrieval").glob("**/corpus.jsonl"))


def test_the_shared_data_is_there():
    if not corpora():
        pytest.skip(f"no corpus under {DATA}/retrieval: the documents there were NOT compared")


@pytest.mark.parametrize("corpus", corpora(), ids=lambda p: str(p.parent.relative_to(DATA)))
def test_every_shared_document_is_split_as_the_library_does(corpus, tmp_path):
    with corpus.open(encoding="utf-8") as f:
        texts = [json.loads(line)["text"] for line in f]
    assert_same(texts, tmp_path)


ALPHABETS = [
    "ab  \n",
    "a. \n",
    ".  \n\n",
    "aé漢🙂 .\n",
    "\r\n \t\x1c\x85\u00a0\u2028x.",
    "e\u0301\u200d👩 \n",
]


@pytest.mark.parametrize("size,overlap", [(700, 100), (1, 0), (1, 1), (7, 3), (10, 10), (50, 0)])
def test_random_texts_are_split_as_the_library_does(size, overlap, tmp_path):
    rng = random.Random(20261123 + size * 31 + overlap)
    texts = []
    for _ in range(600):
        alphabet = rng.choice(ALPHABETS)
        length = rng.choice([3, 20, 200, 1500, 6000] if size >= 50 else [1, 3, 20, 120])
        weights = [rng.random() ** 3 + 0.001 for _ in alphabet]
        texts.append("".join(rng.choices(alphabet, weights, k=rng.randrange(length + 1))))
    assert_same(texts, tmp_path, size, overlap)


def test_the_command_prints_a_json_line_a_chunk(tmp_path):
    command = shlex.split(os.environ.get("FRONTDESK_SPLIT", "")) or frontdeskctl()
    text = OWN["mixed"] + OWN["crlf"]
    path = tmp_path / "text.txt"
    path.write_bytes(text.encode("utf-8"))
    out = subprocess.run(command + [str(path)], capture_output=True, check=True).stdout
    chunks = [json.loads(line) for line in out.decode("utf-8").splitlines()]
    assert [c["content"] for c in chunks] == library().split_text(text)
    assert all(set(c) >= {"content", "chunk_index", "start", "end"} for c in chunks)
    assert all(text[c["start"]:c["end"]] == c["content"] for c in chunks)


def test_a_line_of_ten_megabytes_is_split_in_linear_time(tmp_path):
    path = tmp_path / "long.txt"
    path.write_bytes(b"x" * (10 * 1024 * 1024))
    out = subprocess.run(driver() + [str(path)], capture_output=True, check=True, timeout=30)
    assert out.stdout.count(b"\n") == -(-(10 * 1024 * 1024 - 100) // 600)
