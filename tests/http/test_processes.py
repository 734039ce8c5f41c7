"""Workers that are killed, reloaded and drained under load; what a master does about it."""
# SPDX-License-Identifier: GPL-3.0-or-later
import os
import signal
import socket
import subprocess
import threading
import time

import pytest

import fcgi_client
from stack import program, run_as, wait_until

SETTINGS = {"FCGI_WORKERS": "2", "FCGI_THREADS": "4"}


@pytest.fixture
def instance(make_instance):
    return make_instance(settings=dict(SETTINGS), jobd=False)


def workers(instance):
    """The worker processes' ids."""
    pid = instance.processes["fcgi"].pid
    with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as children:
        return {int(p) for p in children.read().split()}


def ready(instance, count, but=frozenset()):
    """Waits until `count` workers that are not in `but` have said that they accept."""
    def check():
        said = {line["pid"] for line in instance.log() if line["event"] == "worker_ready"}
        now = (workers(instance) - but) & said
        return now if len(now) == count else None
    return wait_until(check, "%d workers" % count)


class Load:
    """Threads that ask and ask; (when it began, when it ended, status or the exception)."""

    def __init__(self, ask, threads=6):
        self.ask, self.results, self.stopping = ask, [], threading.Event()
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]

    def _run(self):
        while not self.stopping.is_set():
            began = time.monotonic()
            try:
                said = self.ask().status
            except OSError as error:
                said = error
            except ValueError as error:    # cut off in the middle
                said = error
            self.results.append((began, time.monotonic(), said))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        self.wait_for(20)
        return self

    def __exit__(self, *exc):
        self.stopping.set()
        for thread in self.threads:
            thread.join(30)

    def wait_for(self, more):
        """Until that many further requests have ended."""
        wanted = len(self.results) + more
        wait_until(lambda: len(self.results) >= wanted, "%d requests" % more)

    def failures(self):
        return [result for result in self.results if result[2] != 200]


def whole_conversations(instance, tenant):
    """Every conversation has as many answers as questions; gives their number."""
    schema = instance.sql("SELECT schema_name FROM platform.tenants WHERE id = '%s'" % tenant.id)[0][0]
    rows = instance.sql("""
        SELECT c.id, count(m.id) FILTER (WHERE m.sender_type IN ('USER', 'CUSTOMER')),
               count(m.id) FILTER (WHERE m.sender_type NOT IN ('USER', 'CUSTOMER'))
        FROM "%s".conversations c LEFT JOIN "%s".messages m ON m.conversation_id = c.id GROUP BY c.id""" % (schema, schema))
    assert rows and all(asked == answered and int(asked) > 0 for _, asked, answered in rows), rows[:5]
    return len(rows)


@pytest.mark.parametrize("through", ["socket", "lighttpd"])
def test_a_killed_worker_costs_only_its_own_requests(instance, through):
    tenant = instance.tenant()

    def ask():
        if through == "lighttpd":
            return instance.query(tenant, "How long does the battery last?")
        body = b'{"tenant_id":"%s","message":"battery?","channel":"WEB"}' % tenant.id.encode()
        return instance.fcgi("POST", "/v1/query", body, {"Content-Type": "application/json"})

    before = ready(instance, 2)
    with Load(ask) as load:
        victim = min(before)
        at = time.monotonic()
        os.kill(victim, signal.SIGKILL)
        load.wait_for(100)
        fresh = ready(instance, 1, but=before)
        load.wait_for(50)
    assert len(load.failures()) <= 4, load.failures()    # no more than the threads of one worker
    assert all(began <= at + 0.05 for began, _, _ in load.failures()), (at, load.failures())
    assert fresh and victim not in workers(instance)
    assert whole_conversations(instance, tenant) <= len(load.results)
    died = instance.wait_for_event("worker_died", worker=victim)
    assert died["signal"] == 9


@pytest.mark.parametrize("through", ["socket", "lighttpd"])
def test_a_reload_under_load_fails_no_request(instance, through):
    tenant = instance.tenant()

    def ask():
        if through == "lighttpd":
            return instance.query(tenant, "How long does the battery last?")
        return instance.fcgi("GET", "/v1/health")

    seen = ready(instance, 2)
    with Load(ask) as load:
        for _ in range(3):
            instance.processes["fcgi"].send(signal.SIGHUP)
            seen = seen | ready(instance, 2, but=seen)
            load.wait_for(50)
    assert load.failures() == []
    wait_until(lambda: len(workers(instance)) == 2, "the old workers' end")


def test_a_reload_takes_new_settings(instance):
    tenant = instance.tenant()
    token = instance.jwt(tenant)
    before = ready(instance, 2)
    instance.write_settings(JWT_SECRET="another secret, long enough to be one, 0123456789", FCGI_WORKERS="3")
    instance.processes["fcgi"].send(signal.SIGHUP)
    ready(instance, 3, but=before)
    wait_until(lambda: len(workers(instance)) == 3, "the old workers' end")
    assert instance.request("POST", "/v1/search", {"tenant_id": tenant.id, "query": "x"}, token=token).status == 401
    fresh = instance.jwt(tenant)
    assert instance.request("POST", "/v1/search", {"tenant_id": tenant.id, "query": "x"}, token=fresh).status == 200


@pytest.mark.parametrize("wrong", [{"FCGI_THREADS": "0"}, {"JWT_SECRET": "secret"}, {"EMBEDDING_MODEL_PATH": "/nothing"}])
def test_a_reload_with_wrong_settings_keeps_the_old_workers(instance, wrong):
    before = ready(instance, 2)
    instance.write_settings(**wrong)
    instance.processes["fcgi"].send(signal.SIGHUP)
    wait_until(lambda: [line for line in instance.log() if line["event"] in ("reload_refused", "reload_failed")],
               "the refusal")
    assert workers(instance) >= before
    assert instance.request("GET", "/v1/health").status == 200
    # and a good reload works afterwards
    instance.write_settings(**{name: SETTINGS.get(name) for name in wrong if name != "JWT_SECRET"},
                            JWT_SECRET="a good secret again, long enough, 0123456789")
    instance.processes["fcgi"].send(signal.SIGHUP)
    ready(instance, 2, but=before)


def slow_question(instance, tenant, answered):
    """A question that waits for a lock in the database: in flight as long as we like."""
    body = b'{"tenant_id":"%s","message":"battery?","channel":"WEB"}' % tenant.id.encode()

    def ask():
        try:
            answered.append(instance.fcgi("POST", "/v1/query", body, {"Content-Type": "application/json"}).status)
        except (OSError, ValueError) as error:
            answered.append(error)
    thread = threading.Thread(target=ask)
    thread.start()
    return thread


class Lock:
    """Holds a tenant's conversations, so that no answer can be stored."""

    def __init__(self, instance, tenant):
        schema = instance.sql("SELECT schema_name FROM platform.tenants WHERE id = '%s'" % tenant.id)[0][0]
        postgres = instance.postgres
        self.instance = instance
        self.psql = subprocess.Popen([postgres.bin + "/psql", "-h", postgres.dir, "-U", "postgres", "-d", instance.database,
                                      "-XAtq"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/")
        self.psql.stdin.write('BEGIN; LOCK TABLE "%s".conversations; SELECT 1;\n' % schema)
        self.psql.stdin.flush()
        assert self.psql.stdout.readline() == "1\n"

    def waiting(self):
        return int(self.instance.sql("SELECT count(*) FROM pg_stat_activity"
                                     " WHERE wait_event_type = 'Lock' AND datname = current_database()")[0][0])

    def release(self):
        self.psql.communicate("ROLLBACK;\n", timeout=10)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_request_in_flight_is_finished_first(instance, number):
    tenant = instance.tenant()
    before, answered = ready(instance, 2), []
    lock = Lock(instance, tenant)
    thread = slow_question(instance, tenant, answered)
    wait_until(lock.waiting, "the question in flight")
    master = instance.processes["fcgi"]
    master.send(number)
    wait_until(lambda: [line for line in instance.log() if line["event"] in ("stopping", "reloaded")], "the signal's effect")
    wait_until(lambda: len(workers(instance) & before) == 1, "the idle worker's end")
    assert not answered and master.poll() is None
    lock.release()
    thread.join(20)
    assert answered == [200]
    if number == signal.SIGTERM:
        assert master.popen.wait(10) == 0
        assert not os.path.exists(instance.socket)
    else:
        wait_until(lambda: not workers(instance) & before, "the old workers' end")
    assert whole_conversations(instance, tenant) == 1


def test_a_drain_has_an_end(make_instance):
    instance = make_instance(settings={**SETTINGS, "FCGI_DRAIN_SECONDS": "1"}, jobd=False)
    tenant = instance.tenant()
    ready(instance, 2)
    lock, answered = Lock(instance, tenant), []
    thread = slow_question(instance, tenant, answered)
    wait_until(lock.waiting, "the question in flight")
    assert instance.processes["fcgi"].stop(seconds=15) == 0
    thread.join(10)
    assert answered and answered[0] != 200
    lock.release()


def test_a_killed_master_leaves_no_worker(instance):
    left = ready(instance, 2)
    os.kill(instance.processes["fcgi"].pid, signal.SIGKILL)
    instance.processes["fcgi"].popen.wait(10)

    def gone(pid):
        try:
            with open("/proc/%d/stat" % pid, encoding="ascii") as stat:
                return stat.read().split()[2] == "Z"
        except OSError:
            return True
    wait_until(lambda: all(gone(pid) for pid in left), "the workers' end")
    # the socket file it left behind stops nobody
    del instance.processes["fcgi"]
    instance.start_one("fcgi")
    assert instance.fcgi("GET", "/v1/health").status == 200


def run(instance, *args, **settings):
    env = {**os.environ, **settings}
    return subprocess.run([program("frontdesk-fcgi"), "--config", instance.env_file, *args], capture_output=True,
                          text=True, timeout=30, env=env, check=False, stdin=subprocess.DEVNULL, **run_as())


def test_a_wrong_start_says_why(instance):
    done = run(instance, "--socket", instance.socket)
    assert done.returncode == 78 and "listens on" in done.stderr, done
    for settings, words in (({"JWT_SECRET": "secret"}, "JWT_SECRET"), ({"FCGI_THREADS": "x"}, "FCGI_THREADS"),
                            ({"JWT_SECRET": ""}, "JWT_SECRET"), ({"LOG_FILE": "/nothing/x"}, "LOG_FILE")):
        done = run(instance, "--socket", instance.dir + "/other.sock", **settings)
        assert done.returncode == 78 and "setting " + words in done.stderr, done
    for path, words in (("/nothing/x.sock", "bind"), (instance.env_file, "no socket"), ("/tmp/" + "x" * 200, "longer")):
        done = run(instance, "--socket", path)
        assert done.returncode == 78 and words in done.stderr, done
    done = run(instance, "--socket", instance.dir + "/other.sock", EMBEDDING_MODEL_PATH="/nothing")
    assert done.returncode != 0 and "/nothing" in done.stderr, done
    assert run(instance, "--nonsense").returncode == 64


def test_a_log_file_is_opened_again(make_instance):
    log = None
    instance = make_instance(settings=dict(SETTINGS), jobd=False, redis=False, lighttpd=False)
    log = instance.dir + "/lines.log"
    instance.write_settings(LOG_FILE=log)
    instance.restart_one("fcgi")
    assert instance.fcgi("GET", "/v1/health").status == 200
    wait_until(lambda: '"request"' in open(log, encoding="utf-8").read(), "a line in the file")
    os.rename(log, log + ".1")
    instance.processes["fcgi"].send(signal.SIGUSR1)
    wait_until(lambda: os.path.exists(log), "the new file")

    def line_in_new_file():
        instance.fcgi("GET", "/v1/health")
        return '"request"' in open(log, encoding="utf-8").read()
    wait_until(line_in_new_file, "a line in the new file")


def test_managed_mode_serves_on_descriptor_0(instance):
    path = instance.dir + "/managed.sock"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(16)
    os.chmod(path, 0o777)
    process = subprocess.Popen([program("frontdesk-fcgi"), "--config", instance.env_file], stdin=listener.fileno(),
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **run_as())
    try:
        for _ in range(20):
            assert fcgi_client.request(path, "GET", "/v1/health")[0] == 200
        with open("/proc/%d/task/%d/children" % (process.pid, process.pid), encoding="ascii") as children:
            assert children.read() == ""
        assert len(os.listdir("/proc/%d/task" % process.pid)) == 2    # one serves, one waits for signals
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        process.kill()
        listener.close()


def test_a_tcp_port_will_do(instance):
    port = 20000 + os.getpid() % 20000
    process = subprocess.Popen([program("frontdesk-fcgi"), "--config", instance.env_file, "--socket", "127.0.0.1:%d" % port],
                               stderr=subprocess.DEVNULL, **run_as())

    def ask():
        try:
            with socket.create_connection(("127.0.0.1", port)) as sock:
                sock.sendall(fcgi_client.whole_request("GET", "/v1/health"))
                return b"200 OK" in sock.recv(65536)
        except OSError:
            return False
    try:
        wait_until(ask, "an answer over TCP", process=process)
    finally:
        process.terminate()
        assert process.wait(10) == 0
