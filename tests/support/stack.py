"""A throwaway Frontdesk: a Postgres cluster for the session, and instances on it with their own
database, Redis, frontdesk-fcgi, frontdesk-jobd and lighttpd. As root the processes are another
user's, as Postgres insists. Nothing of the machine's own services is touched."""
# SPDX-License-Identifier: GPL-3.0-or-later
import base64
import glob
import hashlib
import hmac
import http.client
import json
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid

import fcgi_client

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def wait_until(check, what, seconds=30.0, process=None):
    """Poll until check() is true; its value. A process that ends meanwhile ends the wait."""
    deadline = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        if process is not None and process.poll() is not None:
            raise AssertionError("%s: the process ended with %s" % (what, process.returncode))
        if time.monotonic() > deadline:
            raise AssertionError("%s: not within %g s" % (what, seconds))
        time.sleep(0.02)


def run_as():
    """subprocess arguments for the user that owns the processes."""
    if os.getuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def private_dir(prefix):
    path = tempfile.mkdtemp(prefix=prefix, dir="/tmp")
    if os.getuid() == 0:
        os.chown(path, pwd.getpwnam("postgres").pw_uid, -1)
    os.chmod(path, 0o755)
    return path


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def program(name):
    """A program of the installed tree FRONTDESK_PREFIX, or of build/ (or FRONTDESK_BUILD)."""
    prefix = os.environ.get("FRONTDESK_PREFIX")
    if prefix:
        return os.path.join(prefix, "bin", name)
    build = os.environ.get("FRONTDESK_BUILD", os.path.join(TOP, "build"))
    found = glob.glob(os.path.join(build, "*", name))
    assert found, "%s is not built: make, or set FRONTDESK_PREFIX" % name
    return found[0]


def clean_env(**more):
    """No setting of the caller's shell reaches the programs: the environment is over the env file."""
    keep = ("PATH", "HOME", "TERM", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LD_LIBRARY_PATH")
    return {"LC_ALL": "C.UTF-8", "TZ": "UTC", **{k: os.environ[k] for k in keep if k in os.environ}, **more}


def can_connect(path):
    with socket.socket(socket.AF_UNIX) as sock:
        try:
            sock.connect(path)
        except OSError:
            return False
    return True


def port_is_open(port):
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


class Process:
    """A program in a process group of its own, with its output in a log file."""

    def __init__(self, name, argv, log_dir, env=None):
        self.name, self.log_path = name, os.path.join(log_dir, name + ".log")
        with open(self.log_path, "ab") as log:
            self.popen = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                env=clean_env(**(env or {})), start_new_session=True, **run_as())
        self.pid = self.popen.pid

    def poll(self):
        return self.popen.poll()

    @property
    def returncode(self):
        return self.popen.returncode

    def send(self, number):
        self.popen.send_signal(number)

    def stop(self, number=signal.SIGTERM, seconds=30):
        """Ask it to end; what is left of its group is killed. Its exit status."""
        if self.poll() is None:
            self.send(number)
            try:
                self.popen.wait(seconds)
            except subprocess.TimeoutExpired:
                pass
        self.kill()
        return self.returncode

    def kill(self):
        """kill -9 of the whole group, workers and all."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.popen.wait()

    def report(self):
        """What AddressSanitizer or UBSan said, from there on; an empty string otherwise."""
        text = self.log()
        found = re.search(r"ERROR: (Address|Leak|Thread)Sanitizer|: runtime error: ", text)
        return text[found.start():found.start() + 4000] if found else ""

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()


class Postgres:
    """A cluster of the session's own, on a unix socket only; fsync off, as it is thrown away."""

    def __init__(self, durable=False):
        """durable: commits reach the disk, as benchmarks want it."""
        self.durable = durable
        found = glob.glob("/usr/lib/postgresql/*/bin/initdb")
        assert found, "no Postgres server: ./dev test installs it"
        self.bin = os.path.dirname(max(found, key=lambda p: int(p.split("/")[4])))
        self.dir = private_dir("frontdesk-test-pg-")
        self.owner_password, self.app_password = secrets.token_hex(16), secrets.token_hex(16)

    def __enter__(self):
        data = os.path.join(self.dir, "data")
        subprocess.run([self.bin + "/initdb", "-D", data, "-U", "postgres", "-E", "UTF8", "-A", "peer",
                        "--locale=C.UTF-8", "--no-sync", "--no-instructions"],
                       check=True, stdout=subprocess.DEVNULL, cwd="/", **run_as())
        with open(data + "/pg_hba.conf", "w", encoding="ascii") as hba:
            hba.write("local all postgres peer map=test\nlocal all all scram-sha-256\n")
        with open(data + "/pg_ident.conf", "w", encoding="ascii") as ident:
            for user in {pwd.getpwuid(os.getuid()).pw_name, "postgres"}:
                ident.write("test %s postgres\n" % user)
        self.process = Process("postgres", [
            self.bin + "/postgres", "-D", data, "-k", self.dir, "-c", "listen_addresses=",
            *([] if self.durable else ["-c", "fsync=off", "-c", "synchronous_commit=off",
                                       "-c", "full_page_writes=off"]),
            "-c", "max_connections=200"], self.dir)
        wait_until(lambda: subprocess.run([self.bin + "/pg_isready", "-q", "-h", self.dir],
                                          check=False).returncode == 0,
                   "postgres", process=self.process)
        return self

    def __exit__(self, *exc):
        self.process.stop(signal.SIGINT)
        shutil.rmtree(self.dir, ignore_errors=True)

    def psql(self, sql, database="postgres", user=None, password=None, check=True):
        """Run SQL; the rows as lists of strings (NULL is an empty string). By default as the
        superuser; as "frontdesk_app" or "frontdesk_owner" with the password given or known."""
        env = clean_env()
        if user:
            env["PGPASSWORD"] = password or {"frontdesk_app": self.app_password,
                                             "frontdesk_owner": self.owner_password}[user]
        done = subprocess.run(
            [self.bin + "/psql", "-h", self.dir, "-U", user or "postgres", "-d", database, "-XAtq",
             "-v", "ON_ERROR_STOP=1", "-F", "\x1f", "-R", "\x1e", "-f", "-"],
            input=sql, text=True, capture_output=True, check=False, cwd="/", env=env)
        if check and done.returncode != 0:
            raise AssertionError("psql: " + done.stderr)
        done.rows = [row.split("\x1f") for row in done.stdout.rstrip("\n").split("\x1e") if row]
        return done.rows if check else done

    def make_database(self, name):
        with open(os.path.join(TOP, "sql", "roles.sql"), encoding="utf-8") as roles:
            self.psql("\\set owner_password '%s'\n\\set app_password '%s'\n\\set database %s\n%s"
                      % (self.owner_password, self.app_password, name, roles.read()))

    def url(self, user, database):
        password = {"frontdesk_app": self.app_password, "frontdesk_owner": self.owner_password}[user]
        return "postgresql://%s:%s@/%s?host=%s" % (user, password, database, self.dir)


class Response:
    """An HTTP answer: status, headers (lower-case names), body as bytes."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return "<Response %d %r>" % (self.status, self.body[:300])


class Tenant:
    """A tenant of an instance: its domain and its id."""

    def __init__(self, domain, ident):
        self.domain, self.id = domain, ident


def encode_jwt(claims, secret, alg="HS256", header=None):
    """A token of any claims, for the ones that must be refused too. alg "none" has no signature."""
    def part(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    head = part(json.dumps(header or {"alg": alg, "typ": "JWT"}).encode())
    signed = head + "." + part(json.dumps(claims).encode())
    digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}.get(alg)
    if digest is None:
        return signed + "."
    return signed + "." + part(hmac.new(secret.encode(), signed.encode(), digest).digest())


class Instance:
    """One Frontdesk. settings are added to its env file (None removes one); redis, jobd and
    lighttpd can be left out, and stopped, killed and started again by name."""

    def __init__(self, postgres, settings=None, redis=True, jobd=True, lighttpd=True):
        self.postgres = postgres
        self.dir = private_dir("frontdesk-test-")
        self.database = "test_" + uuid.uuid4().hex[:12]
        self.socket = self.dir + "/fcgi.sock"
        self.env_file = self.dir + "/frontdesk.env"
        self.port = free_port()
        self.names = [name for name, on in (("redis", redis), ("fcgi", True), ("jobd", jobd),
                                            ("lighttpd", lighttpd)) if on]
        self.processes = {}
        self.admin_url = postgres.url("frontdesk_owner", self.database)
        self.settings = {"DATABASE_URL": postgres.url("frontdesk_app", self.database),
                         "JWT_SECRET": secrets.token_hex(32), "FCGI_SOCKET": self.socket,
                         "FCGI_WORKERS": 2, "EGRESS_ALLOW_PRIVATE": "on"}
        if redis:
            self.settings["REDIS_URL"] = "unix://" + self.dir + "/redis.sock"
        self.settings.update(settings or {})

    # ---- its life

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        self.stop()

    def start(self):
        try:
            self.write_settings()
            self.postgres.make_database(self.database)
            self.ctl("migrate", "up")
            for name in self.names:
                self.start_one(name)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self):
        ended = [self.processes[name] for name in reversed(list(self.processes))]
        for process in ended:
            process.stop()
        self.processes = {}
        reports = ["%s: %s" % (process.name, process.report()) for process in ended if process.report()]
        self.postgres.psql("DROP DATABASE IF EXISTS %s WITH (FORCE)" % self.database)
        shutil.rmtree(self.dir, ignore_errors=True)
        assert not reports, "\n".join(reports)

    def write_settings(self, **changes):
        """The env file anew; a process reads it when it starts, or on SIGHUP."""
        self.settings.update(changes)
        with open(self.env_file, "w", encoding="utf-8") as env:
            for name, value in self.settings.items():
                if value is not None:
                    env.write("%s=%s\n" % (name, value))
        os.chmod(self.env_file, 0o600)
        if os.getuid() == 0:
            os.chown(self.env_file, pwd.getpwnam("postgres").pw_uid, -1)

    def start_one(self, name):
        getattr(self, "_start_" + name)()

    def stop_one(self, name):
        return self.processes.pop(name).stop()

    def kill_one(self, name):
        self.processes.pop(name).kill()

    def restart_one(self, name):
        self.stop_one(name)
        self.start_one(name)

    def _spawn(self, name, *argv):
        self.processes[name] = Process(name, argv, self.dir, {"FRONTDESK_ENV": self.env_file})
        return self.processes[name]

    def _start_redis(self):
        path = self.dir + "/redis.sock"
        process = self._spawn("redis", "redis-server", "--port", "0", "--unixsocket", path, "--save", "",
                              "--appendonly", "no", "--dir", self.dir)
        wait_until(lambda: can_connect(path), "redis", process=process)

    def _start_fcgi(self):
        process = self._spawn("fcgi", program("frontdesk-fcgi"))
        wait_until(lambda: can_connect(self.socket), "frontdesk-fcgi", process=process)

    def _start_jobd(self):
        self._spawn("jobd", program("frontdesk-jobd"))

    def _start_lighttpd(self):
        with open(os.path.join(TOP, "apache-conf", "frontdesk-lighttpd.conf"), encoding="utf-8") as site:
            conf = site.read().replace("/run/frontdesk/fcgi.sock", self.socket)
        path = self.dir + "/lighttpd.conf"
        with open(path, "w", encoding="utf-8") as out:
            out.write('server.bind = "127.0.0.1"\nserver.port = %d\nserver.document-root = "%s"\n'
                      'server.modules = ()\n%s' % (self.port, self.dir, conf))
        process = self._spawn("lighttpd", "lighttpd", "-D", "-f", path)

        wait_until(lambda: port_is_open(self.port), "lighttpd", process=process)

    # ---- asking it

    def ctl(self, *args, check=True, **kwargs):
        """frontdeskctl; a CompletedProcess with text output."""
        kwargs.setdefault("timeout", 300)
        done = subprocess.run([program("frontdeskctl"), *map(str, args)],
                              capture_output=True, text=True, check=False,
                              env=clean_env(FRONTDESK_ENV=self.env_file, DATABASE_ADMIN_URL=self.admin_url),
                              **kwargs)
        if check and done.returncode != 0:
            raise AssertionError("frontdeskctl %s: %d\n%s%s"
                                 % (" ".join(map(str, args)), done.returncode, done.stdout, done.stderr))
        return done

    def ctl_json(self, *args, **kwargs):
        return json.loads(self.ctl(*args, "--json", **kwargs).stdout)

    def sql(self, text, **kwargs):
        """As the superuser, past row security; user="frontdesk_app" for the application's view."""
        return self.postgres.psql(text, database=self.database, **kwargs)

    def tenant(self, domain=None, anonymous=True):
        """A new tenant, of a domain of its own where none is given."""
        domain = domain or "t%s.example" % uuid.uuid4().hex[:10]
        self.ctl("tenant", "add", domain, "--name", "Tenant " + domain,
                 *(["--allow-anonymous"] if anonymous else []))
        found = [t for t in self.ctl_json("tenant", "list") if t["domain"] == domain]
        assert len(found) == 1, found
        return Tenant(domain, found[0]["id"])

    def ingest(self, tenant, *paths, audience=None):
        """Files, or {name: text}; waits until they are READY or FAILED."""
        files = []
        for path in paths:
            if isinstance(path, dict):
                folder = tempfile.mkdtemp(dir=self.dir)
                os.chmod(folder, 0o755)
                for name, text in path.items():
                    files.append(os.path.join(folder, name))
                    with open(files[-1], "wb") as out:
                        out.write(text if isinstance(text, bytes) else text.encode())
            else:
                files.append(path)
        extra = ["--audience", audience] if audience else []
        return self.ctl("ingest", "--tenant", tenant.domain, *files, *extra, "--wait")

    def token(self, tenant, user_type="CUSTOMER", user="tester", ttl=None):
        """A token made by frontdeskctl."""
        extra = ["--ttl", ttl] if ttl is not None else []
        return self.ctl("token", "--tenant", tenant.domain, "--user-type", user_type, "--user", user,
                        *extra).stdout.strip()

    def jwt(self, tenant, alg="HS256", secret=None, header=None, **claims):
        """A token made by hand; a claim of None is left out."""
        now = int(time.time())
        body = {"tenant_id": tenant.id, "sub": str(uuid.uuid4()), "user_type": "CUSTOMER",
                "type": "access", "iat": now, "exp": now + 600, **claims}
        body = {name: value for name, value in body.items() if value is not None}
        return encode_jwt(body, secret or self.settings["JWT_SECRET"], alg, header)

    def request(self, method, path, body=None, headers=None, token=None, timeout=60, port=None):
        """Over HTTP, through lighttpd. A dict body is sent as JSON."""
        headers = dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        if token:
            headers["Authorization"] = "Bearer " + token
        conn = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=timeout)
        try:
            conn.request(method, path, body=body, headers=headers)
            reply = conn.getresponse()
            return Response(reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read())
        finally:
            conn.close()

    def query(self, tenant, message, token=None, port=None, **fields):
        """POST /v1/query."""
        body = {"tenant_id": tenant.id, "message": message, "channel": "WEB", **fields}
        return self.request("POST", "/v1/query", body, token=token, port=port)

    def fcgi(self, method, uri, body=b"", headers=None, **params):
        """Straight to the socket, past any web server."""
        return Response(*fcgi_client.request(self.socket, method, uri, body, headers, **params))

    # ---- what it said

    def log(self, name="fcgi"):
        """The process's log lines that are JSON objects."""
        with open(os.path.join(self.dir, name + ".log"), encoding="utf-8", errors="replace") as log:
            # one without its end is still being written
            lines = [line for line in log if re.match(r"\s*\{.*\}\n", line)]
        return [json.loads(line) for line in lines]

    def wait_for_event(self, event, name="fcgi", **fields):
        """The first log line of this event with these fields."""
        def find():
            for line in self.log(name):
                if line.get("event") == event and all(line.get(k) == v for k, v in fields.items()):
                    return line
            return None
        return wait_until(find, "event %s in the log of %s" % (event, name))
