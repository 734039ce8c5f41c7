"""What a caller is told when something behind the program is not there, and who sees INTERNAL documents."""
# SPDX-License-Identifier: GPL-3.0-or-later
import json

import pytest

from stack import wait_until


def question(tenant):
    return {"tenant_id": tenant.id, "message": "How do I store the battery?", "channel": "WEB"}


def test_without_a_database_nothing_is_told_but_that_it_failed(make_instance):
    instance = make_instance(settings={"DATABASE_URL": "postgresql://frontdesk_app:hunter2@/none?host=/nothing"}, jobd=False)
    for path, text, detail in (("/v1/query", "message", "Failed to process query"),
                               ("/v1/search", "query", "Failed to process search")):
        body = {"tenant_id": "acme.example", text: "x", **({"channel": "WEB"} if text == "message" else {})}
        reply = instance.request("POST", path, body)
        assert reply.status == 500
        assert reply.json() == {"type": "about:blank", "title": "Internal Server Error", "status": 500, "detail": detail}
        line = instance.wait_for_event("request_failed", correlation_id=reply.headers["x-correlation-id"])
        assert line["level"] == "error" and line["reason"]
    assert instance.request("GET", "/v1/health").status == 200
    ready = instance.request("GET", "/v1/health/ready")
    assert (ready.status, ready.json()["status"]) == (503, "not_ready")
    assert ready.json()["checks"]["postgres"] == {"state": "down"}
    assert "hunter2" not in instance.processes["fcgi"].log()


def test_readiness_follows_what_is_there(make_instance):
    instance = make_instance(jobd=False)
    checks = instance.request("GET", "/v1/health/ready").json()["checks"]
    assert {name: part["state"] for name, part in checks.items()} == dict.fromkeys(("postgres", "redis", "model", "migrations"), "ok")
    instance.stop_one("redis")
    ready = instance.request("GET", "/v1/health/ready")
    assert (ready.status, ready.json()["checks"]["redis"]["state"]) == (200, "down")
    assert instance.request("POST", "/v1/query", question(instance.tenant())).status == 200
    instance.ctl("migrate", "down", "--lose-data")
    ready = instance.request("GET", "/v1/health/ready")
    assert ready.status == 503 and ready.json()["checks"]["migrations"]["state"] in ("pending", "down")


def test_without_redis_in_the_settings_its_state_is_off(make_instance):
    instance = make_instance(redis=False, jobd=False)
    ready = instance.request("GET", "/v1/health/ready")
    assert (ready.status, ready.json()["checks"]["redis"]["state"]) == (200, "off")


def test_connections_that_postgres_closed_are_made_again(make_instance):
    instance = make_instance(settings={"FCGI_WORKERS": "1"}, jobd=False)
    tenant = instance.tenant()
    ours = "FROM pg_stat_activity WHERE usename = 'frontdesk_app' AND datname = current_database()"
    for _ in range(3):
        assert instance.request("POST", "/v1/query", question(tenant)).status == 200
        instance.sql("SELECT pg_terminate_backend(pid) " + ours)
        wait_until(lambda: instance.sql("SELECT count(*) " + ours)[0][0] == "0", "the connections' end")


@pytest.mark.parametrize("path", ["/v1/query", "/v1/search"])
def test_internal_documents_answer_staff_only(instance, path):
    tenant = instance.tenant()
    instance.ingest(tenant, {"public.md": "# Battery care\n\nStore the battery at 15 degrees, half charged.\n"})
    instance.ingest(tenant, {"secret.md": "# Margin of the battery\n\nThe purchase price of the battery is 17 zlotys.\n"},
                    audience="internal")

    def ask(token):
        text = "What is the purchase price of the battery?"
        body = {"tenant_id": tenant.id, **({"message": text, "channel": "WEB"} if path == "/v1/query" else {"query": text})}
        reply = instance.request("POST", path, body, token=token)
        assert reply.status == 200
        return reply.body
    staff = ask(instance.token(tenant, user_type="INTERNAL_STAFF"))
    assert b"17 zlotys" in staff and b"secret.md" in staff
    for token in (None, instance.token(tenant), instance.token(tenant, user_type="CUSTOMER"),
                  instance.jwt(tenant, user_type="STAFF"), instance.jwt(tenant, role="INTERNAL_STAFF")):
        said = ask(token)
        assert b"17 zlotys" not in said and b"secret.md" not in said
    # what staff asked before does not reach a customer's turn, whatever conversation he names
    if path == "/v1/query":
        body = {**question(tenant), "context": {"conversation_id": json.loads(staff)["conversation_id"]}}
        assert instance.request("POST", path, body).status == 404
        assert instance.request("POST", path, body, token=instance.token(tenant, user="another")).status == 404
