"""The sample documents and their questions, as somebody meets them on the first run: every document
is READY, answers cite the right file and page, staff's documents stay with staff, and the confidence
tells what the documents answer from what they do not."""
# SPDX-License-Identifier: GPL-3.0-or-later
import json
import os

import pytest

from stack import TOP

SAMPLES = os.path.join(TOP, "samples")


def questions():
    with open(os.path.join(SAMPLES, "questions.jsonl"), encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def squeeze(text):
    return " ".join(text.split()).casefold()


def files(audience):
    folder = os.path.join(SAMPLES, audience)
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder))]


@pytest.fixture(scope="module")
def meridian(instance):
    tenant = instance.tenant()
    for audience in ("public", "internal"):
        instance.ingest(tenant, *files(audience), audience=audience)
    return tenant


@pytest.fixture(scope="module")
def answers(instance, meridian):
    """Each question asked by the one who may ask it: customers' without a credential."""
    staff = instance.token(meridian, user_type="INTERNAL_STAFF")
    got = []
    for q in questions():
        body = {"tenant_id": meridian.domain, "message": q["question"], "channel": "WEB"}
        reply = instance.request("POST", "/v1/query", body,
                                 token=staff if q["audience"] == "internal" else None)
        assert reply.status == 200, (q, reply)
        got.append((q, reply.json()))
    return got


def source_pages(instance, name):
    """{page: text} of a sample, as ingestion reads it; 0 where the format has no pages."""
    done = instance.ctl_json("extract", os.path.join(SAMPLES, name))
    return {page["page"]: squeeze(page["text"].replace("**", "")) for page in done["pages"]}


def answerable(answers, lang=None):
    return [(q, a) for q, a in answers if not q.get("unanswerable") and lang in (None, q["lang"])]


def share(hits):
    hits = list(hits)
    return sum(hits) / len(hits)


def cites(question, answer):
    names = [os.path.basename(name) for name in [question["source"]] + question.get("also", [])]
    return any(os.path.basename(c["source"]) in names for c in answer["citations"])


def test_every_sample_document_is_ready(instance, meridian):
    documents = instance.ctl_json("documents", "--tenant", meridian.domain, "list")
    assert len(documents) == len(files("public")) + len(files("internal"))
    assert [d for d in documents if d["status"] != "READY"] == []


def test_each_answer_stands_where_the_questions_say(instance):
    texts = {}
    for q in questions():
        if q.get("unanswerable"):
            continue
        pages = texts.setdefault(q["source"], source_pages(instance, q["source"]))
        assert squeeze(q["answer"]) in pages[q.get("page", 0)], q


def test_answers_cite_the_document_that_has_it(answers):
    missed = [q["question"] for q, a in answerable(answers) if not cites(q, a)]
    assert len(missed) <= 0.15 * len(answerable(answers)), missed


def test_answers_hold_the_phrase_that_was_asked_for(answers):
    def has(q, a):
        text = a["response"] + " " + " ".join(c.get("quote") or "" for c in a["citations"])
        return squeeze(q["answer"]) in squeeze(text)

    missed = [q["question"] for q, a in answerable(answers) if not has(q, a)]
    assert len(missed) <= 0.35 * len(answerable(answers)), missed


def test_citations_of_pdfs_name_the_page(answers):
    pages = [(q["question"], {q["page"], *q.get("also_pages", [])}, {c.get("page") for c in a["citations"]})
             for q, a in answerable(answers) if "page" in q and cites(q, a)]
    missed = [p for p in pages if not p[1] & p[2]]
    assert len(missed) <= 0.15 * len(pages), missed


def test_nobody_without_a_credential_is_shown_internal_documents(answers, instance, meridian):
    internal = {os.path.basename(path) for path in files("internal")}
    for q, _ in answers:
        body = {"tenant_id": meridian.domain, "message": q["question"], "channel": "WEB"}
        if q["audience"] != "internal":
            continue
        reply = instance.request("POST", "/v1/query", body).json()
        assert not internal & {os.path.basename(c["source"]) for c in reply["citations"]}, q


def test_confidence_tells_answerable_questions_from_others(answers):
    good = [a["confidence"] for q, a in answerable(answers)]
    bad = [a["confidence"] for q, a in answers if q.get("unanswerable")]
    auroc = share((g > b) + 0.5 * (g == b) for g in good for b in bad)
    assert auroc >= 0.8, auroc


def test_german_and_spanish_questions_find_their_own_documents(answers):
    found = [cites(q, a) for lang in ("de", "es") for q, a in answerable(answers, lang)]
    assert share(found) >= 0.8
