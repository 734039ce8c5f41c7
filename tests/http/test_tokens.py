"""The usual attacks on a JWT are all 401; a token opens its own tenant and no other."""
# SPDX-License-Identifier: GPL-3.0-or-later
import base64
import hashlib
import hmac
import json
import time
import uuid

import pytest

from stack import encode_jwt

PUBLIC_KEY = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEVs/o5+uQbTjL3chynL4wXgUg2R9
q9UU8I5mEovUf86QZ7kOBIjJwqnzD1omageEHWwHdBO6B+dFabmdT9POxg==
-----END PUBLIC KEY-----
"""


@pytest.fixture(scope="module")
def tenant(instance):
    return instance.tenant(anonymous=False)


def ask(instance, tenant, token=None, headers=None):
    body = {"tenant_id": tenant.id, "query": "battery"}
    return instance.request("POST", "/v1/search", body, headers=headers, token=token)


def part(value):
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sign(signed, key):
    return part(hmac.new(key.encode(), signed.encode(), hashlib.sha256).digest())


def attacks(instance, tenant):
    """(what it is, the token)"""
    jwt, now = instance.jwt, int(time.time())
    good = jwt(tenant)
    head, body, signature = good.split(".")
    secret = instance.settings["JWT_SECRET"]
    yield "alg none, no signature", jwt(tenant, alg="none")
    yield "alg nOnE", part({"alg": "nOnE", "typ": "JWT"}) + "." + body + "."
    yield "alg none, the good signature", part({"alg": "none"}) + "." + body + "." + signature
    yield "no alg", part({"typ": "JWT"}) + "." + body + "." + signature
    yield "wrong key", jwt(tenant, secret="x" * 64)
    yield "empty key", jwt(tenant, secret="\0")
    yield "HS384 with the right key", jwt(tenant, alg="HS384")
    yield "HS512 with the right key", jwt(tenant, alg="HS512")
    confused = part({"alg": "RS256", "typ": "JWT"}) + "." + body
    yield "RS256, signed by HMAC with the secret", confused + "." + sign(confused, secret)
    yield "HS256, signed with a public key as the key", jwt(tenant, secret=PUBLIC_KEY)
    for header in ({"kid": "../../dev/null"}, {"jku": "http://127.0.0.1/keys"}, {"jwk": {"kty": "oct", "k": "eA"}}):
        yield "a key by the header %r" % header, jwt(tenant, secret="x", header={"alg": "HS256", "typ": "JWT", **header})
    yield "no type", jwt(tenant, type=None)
    yield "type refresh", jwt(tenant, type="refresh")
    yield "type Access", jwt(tenant, type="Access")
    yield "type a list", jwt(tenant, type=["access"])
    yield "expired a second ago", jwt(tenant, exp=now - 1)
    yield "no exp", jwt(tenant, exp=None)
    yield "exp a string", jwt(tenant, exp=str(now + 600))
    yield "exp infinite", jwt(tenant, exp=10**17)
    yield "no iat", jwt(tenant, iat=None)
    yield "iat an hour ahead", jwt(tenant, iat=now + 3600, exp=now + 7200)
    yield "nbf an hour ahead", jwt(tenant, nbf=now + 3600, exp=now + 7200)
    yield "no user type", jwt(tenant, user_type=None)
    yield "no user", jwt(tenant, sub=None)
    yield "no tenant", jwt(tenant, tenant_id=None)
    yield "a domain for a tenant", jwt(tenant, tenant_id=tenant.domain)
    yield "a tenant that is none", jwt(tenant, tenant_id=str(uuid.uuid4()))
    yield "another body under the signature", ".".join([head, part({"tenant_id": tenant.id}), signature])
    yield "padding", good + "="
    yield "a fourth part", good + ".x"
    yield "two parts", head + "." + body
    yield "no signature", head + "." + body + "."
    yield "long", good + "A" * 5000
    yield "not a token", "x"
    yield "NUL", good[:-1] + "%00"


def test_attacks_are_401(instance, tenant):
    for what, token in attacks(instance, tenant):
        reply = ask(instance, tenant, headers={"Authorization": "Bearer " + token})
        assert reply.status == 401, (what, reply)
        assert reply.headers["www-authenticate"].startswith("Bearer"), what
        assert reply.json()["detail"] == "Not authenticated", what
    assert ask(instance, tenant, instance.jwt(tenant)).status == 200


def test_other_schemes_are_not_anonymous(instance):
    open_tenant = instance.tenant(anonymous=True)
    for value in ("Basic dTpw", "Bearer", "Token " + instance.jwt(open_tenant), instance.jwt(open_tenant)):
        assert ask(instance, open_tenant, headers={"Authorization": value}).status == 401, value
    assert ask(instance, open_tenant).status == 200


def test_the_scheme_is_taken_in_any_case(instance, tenant):
    for scheme in ("Bearer", "bearer", "BEARER"):
        token = instance.jwt(tenant)
        assert ask(instance, tenant, headers={"Authorization": scheme + " " + token}).status == 200


def test_a_user_id_claim_is_taken_where_sub_is_missing(instance, tenant):
    assert ask(instance, tenant, instance.jwt(tenant, sub=None, user_id="u-1")).status == 200
    assert ask(instance, tenant, instance.jwt(tenant, sub="u-1", user_id="u-2")).status == 401


def test_a_token_of_frontdeskctl_is_good_until_it_ends(instance, tenant):
    assert ask(instance, tenant, instance.token(tenant)).status == 200


def test_a_token_opens_no_other_tenant(instance, tenant):
    other, guests = instance.tenant(anonymous=False), instance.tenant(anonymous=True)
    token = instance.token(tenant)
    for victim in (other, guests):
        for name in (victim.id, victim.domain, victim.id.upper()):
            for path, text in (("/v1/query", "message"), ("/v1/search", "query")):
                body = {"tenant_id": name, text: "battery"}
                if text == "message":
                    body["channel"] = "WEB"
                reply = instance.request("POST", path, body, token=token)
                assert (reply.status, reply.json()["detail"]) == (403, "Access denied to specified tenant"), name
    for name in (tenant.id, tenant.id.upper(), tenant.domain, tenant.domain.upper()):
        assert instance.request("POST", "/v1/search", {"tenant_id": name, "query": "x"}, token=token).status == 200


def test_a_tenant_that_is_not_there_looks_like_one_that_wants_no_guests(instance, tenant):
    replies = [instance.request("POST", "/v1/search", {"tenant_id": name, "query": "x"})
               for name in (tenant.id, tenant.domain, str(uuid.uuid4()), "nobody.example")]
    assert [r.status for r in replies] == [401] * 4
    assert len({r.body for r in replies}) == 1
    # nor does the log say a guessed name's tenant
    line = instance.wait_for_event("request", correlation_id=replies[0].headers["x-correlation-id"])
    assert "tenant_id" not in line


def test_no_secret_and_no_token_is_logged(instance, tenant):
    token = instance.jwt(tenant)
    ask(instance, tenant, token)
    ask(instance, tenant, token + "x")
    log = instance.processes["fcgi"].log()
    assert token not in log and token.split(".")[2] not in log and instance.settings["JWT_SECRET"] not in log


def test_encode_jwt_makes_what_frontdesk_takes(instance, tenant):
    now = int(time.time())
    claims = {"tenant_id": tenant.id, "sub": "a", "user_type": "CUSTOMER", "type": "access", "iat": now, "exp": now + 9}
    assert ask(instance, tenant, encode_jwt(claims, instance.settings["JWT_SECRET"])).status == 200
