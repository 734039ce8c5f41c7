"""schemathesis with all its checks on the running program finds nothing, with and without a token."""
# SPDX-License-Identifier: GPL-3.0-or-later
import json
import os
import shutil
import subprocess
import sys

import pytest
import yaml

from stack import TOP

HERE = os.path.dirname(os.path.abspath(__file__))


def contract():
    with open(os.path.join(TOP, "contracts", "openapi.yaml"), encoding="utf-8") as source:
        return yaml.safe_load(source)


def test_the_contract_is_served_as_it_is_written(instance):
    assert instance.request("GET", "/openapi.json").json() == contract()


@pytest.mark.parametrize("caller", ["anonymous", "customer"])
@pytest.mark.parametrize("seed", [1, 2])
def test_schemathesis_finds_nothing(instance, caller, seed):
    tenant = instance.tenant()
    found = os.path.join(os.path.dirname(sys.executable), "schemathesis")
    command = found if os.path.exists(found) else shutil.which("schemathesis")
    assert command, "schemathesis is not installed: ./dev test installs tests/requirements.txt"
    token = ["-H", "Authorization: Bearer " + instance.token(tenant)] if caller == "customer" else []
    done = subprocess.run(
        [command, "run", "http://127.0.0.1:%d/openapi.json" % instance.port, "--checks", "all",
         "--max-examples", "40", "--seed", str(seed), *token],
        env={**os.environ, "FRONTDESK_TENANT": tenant.id, "SCHEMATHESIS_HOOKS": "schemathesis_hooks",
             "PYTHONPATH": HERE, "NO_COLOR": "1"},
        capture_output=True, text=True, check=False, cwd=instance.dir, timeout=240)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]


def test_every_status_that_is_answered_is_described(instance):
    """Beside what schemathesis tries: the log of the session's instance against the contract."""
    paths = contract()["paths"]
    seen = {(line["method"], line["route"], line["status"]) for line in instance.log()
            if line["event"] == "request" and line["route"] != "-"}
    assert seen
    for method, route, status in seen:
        assert str(status) in paths[route][method.lower()]["responses"], (method, route, status)


def test_examples_of_the_contract_are_bodies_that_pass(instance):
    tenant = instance.tenant()
    for path, item in contract()["paths"].items():
        if "post" in item:
            body = {**item["post"]["requestBody"]["content"]["application/json"]["example"], "tenant_id": tenant.id}
            assert instance.request("POST", path, json.dumps(body).encode(), {"Content-Type": "application/json"}).status == 200
