#!/usr/bin/env python3
"""Fit the tables of lib/chat/confidence.c on labelled questions, and say how well they generalise.

    DATABASE_URL=… DATABASE_ADMIN_URL=… python3 tools/confidence/fit.py build/tests/chat_driver \\
        ../shared/data/retrieval WORKDIR

Answerable and unanswerable questions are made from the sets themselves: a tenant gets half of a
set's documents; a question whose documents all are in the other half can't be answered there,
though it is about the same things. Questions of other sets are the easy ones that can't. Each
row is measured on the set that it was not fitted on; azure_hr_benefits/unanswerable.jsonl is used
for no fitting at all. The question's length is no feature. Needs numpy.
"""
# SPDX-License-Identifier: GPL-3.0-or-later
import collections
import hashlib
import json
import os
import subprocess
import sys

import numpy as np

ENGLISH = ["stackfaq", "stackfaq_answers_only", "xquad/en", "cranfield", "scifact", "azure_hr_benefits"]
OTHERS = ["xquad/de", "xquad/es", "xquad/ru", "xquad/zh", "xquad/ar"]
# By row: features with the sign that makes sense; one that comes out the other way is left out.
DENSE = {"top_cosine": 1, "best_coverage": 1, "unknown": -1, "lexical": 1, "agreement": 1}
LEXICAL = {"best_coverage": 1, "unknown": -1, "lexical": 1, "sentence": 1}
# How common pairs are differs from set to set more than they say within one; so the weight of this
# feature is the one that ranks best within the sets, on average, with the others fitted around it.
WITHIN, WITHIN_WEIGHTS = "pairs", (0, .4, .8, 1.2, 1.6)
QUESTIONS, CROSS, DOCUMENTS = 300, 40, 1200


def read_jsonl(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def write_jsonl(path, rows):
    with open(path, "w", encoding="utf-8") as out:
        for row in rows:
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


def dice(text):
    return int(hashlib.md5(text.encode()).hexdigest(), 16)


class Set:
    """A labelled set, its half, and what the driver says about its questions."""

    def __init__(self, name, data, work, driver):
        self.name, self.work, self.driver = name, work, driver
        self.slug = name.replace("/", "-").replace("_", "-")
        self.language = name.split("/")[1] if "/" in name else "en"
        folder = os.path.join(data, name)
        self.documents = [d for d in read_jsonl(folder + "/corpus.jsonl") if d["text"].strip()]
        self.questions = read_jsonl(folder + "/queries.jsonl")
        self.relevant = collections.defaultdict(set)
        with open(folder + "/qrels.tsv", encoding="utf-8") as lines:
            for line in lines:
                cell = line.split("\t")
                if cell[-1].strip().isdigit() and int(cell[-1]) > 0:
                    self.relevant[cell[0]].add(cell[1])
        # Pages go with their file: the same words stand on the next page, too.
        keep = [d for d in self.documents if dice(d.get("doc", d["_id"])) % 2 == 0]
        wanted = set().union(*self.relevant.values())
        keep.sort(key=lambda d: (d["_id"] not in wanted, dice(d["_id"])))
        self.half = keep[:DOCUMENTS]
        here = {d["_id"] for d in self.half}
        gone = {d["_id"] for d in self.documents} - {d["_id"] for d in keep}
        order = sorted(self.questions, key=lambda q: dice(q["_id"]))
        self.answerable = [q for q in order if self.relevant[q["_id"]] & here][:QUESTIONS]
        self.unanswerable = [q for q in order if self.relevant[q["_id"]]
                             and self.relevant[q["_id"]] <= gone][:QUESTIONS]

    def run(self, *args):
        return subprocess.run([self.driver, *args], check=True, capture_output=True, text=True).stdout

    def load(self, domain, documents):
        path = os.path.join(self.work, domain + ".jsonl")
        write_jsonl(path, [{k: d[k] for k in ("_id", "title", "text")} for d in documents])
        self.run(domain, "load", path, self.language)

    def features(self, domain, questions):
        path = os.path.join(self.work, "questions.jsonl")
        write_jsonl(path, questions)
        rows = [line.split("\t") for line in self.run(domain, "features", path).splitlines()]
        names = rows[0][3:]
        return names, np.array([[float(x) for x in row[3:]] for row in rows[1:]]).reshape(-1, len(names))

    def measure(self, strangers):
        domain = "half-%s.example" % self.slug
        self.load(domain, self.half)
        self.names, self.pos = self.features(domain, self.answerable)
        _, self.neg = self.features(domain, self.unanswerable)
        _, self.cross = self.features(domain, strangers)

    def hits(self):
        """cosine, coverage, BM25 share of each hit, and whether it is relevant."""
        small = len(self.documents) <= DOCUMENTS + 300
        domain = "%s-%s.example" % ("whole" if small else "half", self.slug)
        self.load(domain, self.documents if small else self.half)
        path = os.path.join(self.work, "questions.jsonl")
        write_jsonl(path, sorted(self.questions, key=lambda q: dice(q["_id"]))[:QUESTIONS])
        rows = [line.split("\t") for line in self.run(domain, "hits", path).splitlines()]
        return (np.array([[float(x) for x in row[2:]] for row in rows]),
                np.array([row[1] in self.relevant[row[0]] for row in rows], float))


def auroc(pos, neg):
    return float(np.mean([(p > neg).mean() + (p == neg).mean() / 2 for p in pos])) if len(neg) else float("nan")


def logistic(x, y, w, offset=0.0, ridge=1e-3):
    """Bias and weights beside an offset; Newton's method on standardised features."""
    mean, scale = x.mean(0), x.std(0) + 1e-9
    z = np.c_[np.ones(len(x)), (x - mean) / scale]
    shrink = ridge * np.diag([0.0] + [1.0] * x.shape[1])
    b = np.zeros(z.shape[1])
    for _ in range(60):
        p = 1 / (1 + np.exp(-z @ b - offset))
        hessian = (z * (w * p * (1 - p))[:, None]).T @ z + shrink + 1e-9 * np.eye(len(b))
        b -= np.linalg.solve(hessian, z.T @ (w * (p - y)) + shrink @ b)
    c = b[1:] / scale
    return b[0] - c @ mean, c


def fit(sets, signs):
    """A full-length vector of weights, with the weight of WITHIN that ranks best within the sets."""
    fitted = [fit_around(sets, signs, weight) for weight in WITHIN_WEIGHTS]
    return max(fitted, key=lambda b: np.mean([auroc(score(b, s.pos), score(b, s.neg)) for s in sets]))


def fit_around(sets, signs, weight):
    """What has the wrong sign is dropped, worst first."""
    names = sets[0].names
    within = names.index(WITHIN)
    use = [i for i, n in enumerate(names) if n in signs]
    x, y, w = [], [], []
    for s in sets:
        for part, label, mass in ((s.pos, 1, .5), (s.neg, 0, .3), (s.cross, 0, .2)):
            x.append(part)
            y += [label] * len(part)
            w += [mass / len(part)] * len(part)
    x, y, w = np.vstack(x), np.array(y, float), np.array(w) / len(sets)
    while True:
        bias, c = logistic(x[:, use], y, w, weight * x[:, within])
        wrong = [(c[k] * signs[names[i]] * x[:, i].std(), k) for k, i in enumerate(use) if c[k] * signs[names[i]] < 0]
        if not wrong:
            full = np.zeros(len(names))
            full[use] = c
            full[within] = weight
            return np.r_[bias, full]
        del use[min(wrong)[1]]


def score(b, x):
    return b[0] + x @ b[1:]


def report(sets, signs, extra=None):
    for s in sets:
        b = fit([o for o in sets if o is not s], signs)
        mean = [(1 / (1 + np.exp(-score(b, part)))).mean() for part in (s.pos, s.neg, s.cross)]
        print("  %-22s left out: AUROC %.3f, of other subjects %.3f; mean confidence %.2f, %.2f, %.2f"
              % (s.name, auroc(score(b, s.pos), score(b, s.neg)), auroc(score(b, s.pos), score(b, s.cross)), *mean))
        if extra and s.name == "azure_hr_benefits":
            print("  unanswerable.jsonl, fitted without azure_hr_benefits: AUROC %.3f"
                  % auroc(score(b, extra[0]), score(b, extra[1])))
    b = fit(sets, signs)
    if extra:
        print("  unanswerable.jsonl, fitted with all: AUROC %.3f" % auroc(score(b, extra[0]), score(b, extra[1])))
    return b


def row(name, b):
    print("static const double %s[] = { %s };" % (name, ", ".join("%.2f" % v for v in b)))


def main():
    driver, data, work = sys.argv[1:4]
    os.makedirs(work, exist_ok=True)
    english = [Set(n, data, work, driver) for n in ENGLISH]
    others = [Set(n, data, work, driver) for n in OTHERS]
    for s in english + others:
        strangers = [q for o in english if o.name.split("_")[0] != s.name.split("_")[0] and "/" not in o.name
                     for q in o.answerable[:CROSS]]
        s.measure(strangers)
        print("%-22s %d answerable, %d not, %d strangers" % (s.name, len(s.pos), len(s.neg), len(s.cross)), flush=True)
    azure = [s for s in english if s.name == "azure_hr_benefits"][0]
    relevance = {"dense": [s.hits() for s in english], "lexical": [s.hits() for s in others]}
    whole = "whole-%s.example" % azure.slug
    extra = [azure.features(whole, qs)[1] for qs in
             (azure.questions, read_jsonl(os.path.join(data, azure.name, "unanswerable.jsonl")))]
    print("dense:")
    dense = report(english, DENSE, extra)
    print("lexical:")
    lexical = report(others, LEXICAL)
    print("features: %s" % ", ".join(azure.names))
    row("confidence_dense", dense)
    row("confidence_lexical", lexical)
    for kind, parts in relevance.items():
        x, y = np.vstack([p[0] for p in parts]), np.concatenate([p[1] for p in parts])
        w = np.concatenate([np.full(len(p[1]), 1 / len(p[1])) for p in parts]) / len(parts)
        use = [0, 1] if kind == "dense" else [1, 2]
        seen = np.abs(x[:, 0]) <= 1 if kind == "dense" else np.ones(len(x), bool)
        bias, c = logistic(x[seen][:, use], y[seen], w[seen])
        full = np.zeros(3)
        full[use] = c
        print("  relevance, %s: AUROC %.3f" % (kind, auroc((x @ full)[seen & (y == 1)], (x @ full)[seen & (y == 0)])))
        row("relevance_" + kind, np.r_[bias, full])


main()
