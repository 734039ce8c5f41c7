"""Bodies and requests that nobody should send get their 4xx, and the next request works."""
# SPDX-License-Identifier: GPL-3.0-or-later
import json
import uuid

import pytest

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def tenant(instance):
    return instance.tenant()


def query(tenant, **changes):
    body = {"tenant_id": tenant.id, "message": "How long does the battery last?", "channel": "WEB", **changes}
    return {name: value for name, value in body.items() if value is not ...}


def refusals(tenant):
    """(body, status, the field that is told)"""
    yield b"", 400, None
    yield b"{", 400, None
    yield b"null", 422, "body"
    yield b"[]", 422, "body"
    yield b'"x"', 422, "body"
    yield b"\xff\xfe{}", 400, None
    yield b'{"tenant_id": "\xc3\x28"}', 400, None
    yield b"\xef\xbb\xbf{}", 400, None
    yield b"{}\0", 400, None
    yield b'{"message": "a\\u0000b"}', 400, None
    yield b'{"message": "\\ud800"}', 400, None
    yield b'{"message": "a", "message": "b"}', 400, None
    yield b'{"message": 1e999}', 400, None
    yield b'{"message": ' + b"9" * 400 + b"}", 400, None
    yield b"[" * 60000, 400, None
    yield b'{"a":' * 10000, 400, None
    yield b"{} {}", 400, None
    yield b"{'message': 'x'}", 400, None
    yield b"NaN", 400, None
    yield b"x" * 65537, 413, None
    yield b'{"message":"' + b"x" * 5000000 + b'"}', 413, None
    for changes, field in (
            ({"message": ...}, "message"), ({"message": None}, "message"), ({"message": 7}, "message"),
            ({"message": ["x"]}, "message"), ({"message": ""}, "message"), ({"message": " \t\n"}, "message"),
            ({"message": "\u3000\u00a0\u2028"}, "message"), ({"message": "x" * 4001}, "message"),
            ({"message": "\U0001f600" * 4001}, "message"),
            ({"tenant_id": ...}, "tenant_id"), ({"tenant_id": 1}, "tenant_id"), ({"tenant_id": ""}, "tenant_id"),
            ({"tenant_id": "a b"}, "tenant_id"), ({"tenant_id": "x" * 254}, "tenant_id"),
            ({"tenant_id": "'; DROP TABLE tenants; --"}, "tenant_id"),
            ({"channel": ...}, "channel"), ({"channel": ""}, "channel"), ({"channel": "a b"}, "channel"),
            ({"channel": "x" * 51}, "channel"), ({"channel": "WEB\n"}, "channel"), ({"channel": {}}, "channel"),
            ({"user_id": 5}, "user_id"), ({"user_id": ""}, "user_id"), ({"user_id": "a\nb"}, "user_id"),
            ({"user_id": "x" * 256}, "user_id"),
            ({"context": "x"}, "context"), ({"context": []}, "context"), ({"context": {"x": 1}}, "context"),
            ({"context": {"conversation_id": "x"}}, "context.conversation_id"),
            ({"context": {"conversation_id": 7}}, "context.conversation_id"),
            ({"context": {"conversation_id": str(uuid.uuid4()) + "0"}}, "context.conversation_id"),
            ({"mesage": "x"}, "body"), ({"é" * 64: "x"}, "body")):
        yield json.dumps(query(tenant, **changes)).encode(), 422, field


def test_bad_bodies_get_their_4xx_and_the_next_request_works(instance, tenant):
    for body, status, field in refusals(tenant):
        reply = instance.request("POST", "/v1/query", body, JSON)
        assert reply.status == status, (body[:80], reply)
        assert reply.headers["content-type"] == "application/problem+json", body[:80]
        problem = reply.json()
        assert problem["status"] == status and problem["detail"]
        if field:
            assert [e["field"] for e in problem["errors"]] == [field], body[:80]
            assert problem["detail"].startswith(field + ": ")
        assert instance.request("POST", "/v1/query", query(tenant)).status == 200, body[:80]


def test_limits_are_in_characters(instance, tenant):
    for message in ("x", "\U0001f600" * 4000, "é" * 4000):
        assert instance.request("POST", "/v1/query", query(tenant, message=message)).status == 200
    # escaped, the same takes twelve bytes a character: still within the body's limit
    body = json.dumps(query(tenant, message="\U0001f600" * 4000), ensure_ascii=True).encode()
    assert len(body) > 48000
    assert instance.request("POST", "/v1/query", body, JSON).status == 200


def test_optional_members_may_be_null(instance, tenant):
    for changes in ({"user_id": None}, {"context": None}, {"context": {}}, {"context": {"conversation_id": None}}):
        assert instance.request("POST", "/v1/query", query(tenant, **changes)).status == 200, changes


def test_only_json_is_taken(instance, tenant):
    body = json.dumps(query(tenant)).encode()
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx", "application/json; charset=latin1",
                 "multipart/form-data; boundary=x", ""):
        assert instance.request("POST", "/v1/query", body, {"Content-Type": kind}).status == 415, kind
    for kind in ("application/json", "Application/JSON", "application/json;charset=utf-8", 'application/json; charset="UTF-8"'):
        assert instance.request("POST", "/v1/query", body, {"Content-Type": kind}).status == 200, kind


def test_search_has_its_own_rules(instance, tenant):
    for changes, field in (({"top_k": 0}, "top_k"), ({"top_k": 51}, "top_k"), ({"top_k": 1.5}, "top_k"),
                           ({"top_k": "5"}, "top_k"), ({"top_k": True}, "top_k"), ({"top_k": 10**30}, None),
                           ({"query": ""}, "query"), ({"query": None}, "query")):
        reply = instance.request("POST", "/v1/search", {"tenant_id": tenant.id, "query": "x", **changes})
        assert reply.status == (422 if field else 400), changes
        assert not field or reply.json()["errors"][0]["field"] == field
    for top_k in (1, 50, 5.0, None):
        reply = instance.request("POST", "/v1/search", {"tenant_id": tenant.id, "query": "x", "top_k": top_k})
        assert reply.status == 200, top_k


def test_paths_and_methods(instance):
    for method, path, status in (
            ("GET", "/", 404), ("GET", "/v1", 404), ("GET", "/v1/health/", 404), ("GET", "/v1//health", 404),
            ("GET", "/v1/health%2Fready", 400), ("GET", "/v1/%68ealth", 200), ("GET", "/v1/health%00", 400),
            ("GET", "/v1/health%", 400), ("GET", "/v1/health%zz", 400), ("GET", "/v1/%ff", 400),
            ("GET", "/v1/health?x=%zz", 200), ("HEAD", "/v1/health", 200), ("OPTIONS", "/v1/health", 204),
            ("GET", "/v1/query", 405), ("PUT", "/v1/query", 405), ("DELETE", "/v1/health", 405),
            ("POST", "/v1/health", 405), ("BREW", "/v1/health", 405), ("get", "/v1/health", 405),
            ("GET", "http://elsewhere.example/v1/health", 200), ("GET", "/v1/../v1/health", 404)):
        reply = instance.fcgi(method, path)
        assert reply.status == status, (method, path, reply)
        if status in (405, 204):
            assert "OPTIONS" in reply.headers["allow"]
        if status >= 400:
            assert reply.json()["status"] == status
    assert instance.fcgi("HEAD", "/v1/health").body == b""
    assert instance.fcgi("GET", "/v1/query").headers["allow"] == "POST, OPTIONS"


def test_a_correlation_id_comes_back_and_is_in_the_log(instance):
    given = "order-4711.a_B"
    reply = instance.request("GET", "/v1/health", headers={"X-Correlation-ID": given})
    assert reply.headers["x-correlation-id"] == given
    line = instance.wait_for_event("request", correlation_id=given)
    assert (line["route"], line["status"]) == ("/v1/health", 200)
    for odd in ("x" * 129, "a b", "a\tb", '"'):
        made = instance.request("GET", "/v1/health", headers={"X-Correlation-ID": odd}).headers["x-correlation-id"]
        assert made != odd and uuid.UUID(made)


def test_no_word_of_a_message_is_in_the_log(instance, tenant):
    word = "zyxwvut" + uuid.uuid4().hex
    instance.request("POST", "/v1/query", query(tenant, message=word + " please"))
    instance.request("POST", "/v1/query", b'{"message": "' + word.encode() + b'"', JSON)
    instance.request("POST", "/v1/query", query(tenant, **{word: 1}))
    instance.request("GET", "/" + word)
    done = instance.request("GET", "/v1/health").headers["x-correlation-id"]
    instance.wait_for_event("request", correlation_id=done)
    assert word not in instance.processes["fcgi"].log()


def test_answers_carry_the_headers_of_an_api(instance):
    for reply in (instance.request("GET", "/v1/health"), instance.request("GET", "/nothing")):
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in reply.headers["content-security-policy"]
        assert int(reply.headers["content-length"]) == len(reply.body)
