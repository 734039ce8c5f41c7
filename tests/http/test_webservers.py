"""The three sites of apache-conf/, each started and asked: the same answers through all of them."""
# SPDX-License-Identifier: GPL-3.0-or-later
import os
import shutil

import pytest

from stack import TOP, Process, free_port, port_is_open, private_dir, program, wait_until

HEAD = """
ServerRoot "{dir}"
ServerName localhost
PidFile "{dir}/apache.pid"
DefaultRuntimeDir "{dir}"
Mutex "file:{dir}"
ErrorLog "{dir}/error.log"
Listen 127.0.0.1:{port}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
"""
MODULES = "/usr/lib/apache2/modules"
FCGID = """
LoadModule fcgid_module {modules}/mod_fcgid.so
FcgidIPCDir "{dir}/fcgid"
FcgidProcessTableFile "{dir}/fcgid_shm"
"""
PROXY = """
LoadModule proxy_module {modules}/mod_proxy.so
LoadModule proxy_fcgi_module {modules}/mod_proxy_fcgi.so
"""


class Apache:
    """A site of apache-conf/ on an Apache of its own; only paths and the port are put in."""

    def __init__(self, instance, site, head):
        self.dir = private_dir("frontdesk-test-apache-")
        self.port = free_port()
        with open(os.path.join(TOP, "apache-conf", site), encoding="utf-8") as conf:
            text = (HEAD + head).format(dir=self.dir, port=self.port, modules=MODULES) + conf.read()
        text = text.replace("<VirtualHost *:80>", "<VirtualHost *:%d>" % self.port)
        text = text.replace("/run/frontdesk/fcgi.sock", instance.socket)
        text = text.replace("/usr/bin/frontdesk-fcgi", program("frontdesk-fcgi"))
        text = text.replace("/etc/frontdesk/frontdesk.env", instance.env_file)
        with open(self.dir + "/apache.conf", "w", encoding="utf-8") as out:
            out.write(text)
        self.process = Process("apache", ["/usr/sbin/apache2", "-DFOREGROUND", "-f", self.dir + "/apache.conf"],
                               self.dir)
        wait_until(lambda: port_is_open(self.port), "apache", process=self.process)

    def stop(self):
        self.process.stop()
        shutil.rmtree(self.dir, ignore_errors=True)


@pytest.fixture(scope="module")
def tenant(instance):
    made = instance.tenant()
    instance.ingest(made, {"battery.md": "# Battery care\n\nStore the battery at 15 degrees, half charged, "
                                         "and charge it again every two months.\n"})
    return made


@pytest.fixture(scope="module", params=["lighttpd", "proxy_fcgi", "fcgid"])
def port(request, instance):
    if request.param == "lighttpd":
        yield instance.port
        return
    site, head = {"proxy_fcgi": ("frontdesk-proxy-fcgi.conf", PROXY),
                  "fcgid": ("frontdesk-fcgid.conf", FCGID)}[request.param]
    apache = Apache(instance, site, head)
    yield apache.port
    apache.stop()


def test_health_is_answered(instance, port):
    reply = instance.request("GET", "/v1/health", port=port)
    assert reply.status == 200, reply


def test_a_question_is_answered_with_its_source(instance, tenant, port):
    reply = instance.query(tenant, "How should I store the battery?", port=port)
    assert reply.status == 200, reply
    assert "15 degrees" in reply.json()["response"]
    assert reply.json()["citations"][0]["source"].endswith("battery.md")


def test_the_authorization_header_arrives(instance, tenant, port):
    reply = instance.request("POST", "/v1/query", {"tenant_id": tenant.id, "message": "x", "channel": "WEB"},
                             token="not.a.token", port=port)
    assert reply.status == 401, reply
    reply = instance.query(tenant, "How should I store the battery?", token=instance.jwt(tenant), port=port)
    assert reply.status == 200, reply


def test_the_path_is_the_one_that_was_sent(instance, port):
    assert instance.request("GET", "/v1/health?a=/b%2Fc", port=port).status == 200
    for path in ("/v1/heal%74h/x", "/v1%2Fhealth", "/nowhere"):
        reply = instance.request("GET", path, port=port)
        assert reply.status in (400, 404), (path, reply)
        assert reply.headers["content-type"].startswith("application/problem+json"), path


def test_a_body_too_large_is_refused_by_frontdesk(instance, tenant, port):
    body = {"tenant_id": tenant.id, "message": "x" * 300000, "channel": "WEB"}
    reply = instance.request("POST", "/v1/query", body, port=port)
    assert reply.status == 413, reply
    assert instance.request("GET", "/v1/health", port=port).status == 200


def test_a_refusal_keeps_its_words(instance, tenant, port):
    reply = instance.request("POST", "/v1/query", b"{", {"Content-Type": "application/json"}, port=port)
    assert reply.status in (400, 422)
    assert reply.json()["detail"]
