#!/usr/bin/env python3
"""/v1/query at 16 clients through lighttpd, beside an empty FastCGI route, beside one that does the
same durable commit and no more, and beside what embedding alone would allow. All in one run, on one
throwaway stack whose Postgres flushes its commits.

    FRONTDESK_PREFIX=var/prefix bench/http/run.py --running var --tenant bench.example --queries FILE
    FRONTDESK_PREFIX=/usr bench/http/run.py --build build [--seconds 4] [--rounds 3] [--documents FILE.jsonl --queries FILE.jsonl]

Needs wrk, or ab (then bodies do not change from request to request). Prints a table and, with
--json FILE, the numbers."""
# SPDX-License-Identifier: GPL-3.0-or-later
import argparse
import contextlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import types

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "tests", "support"))

from stack import Instance, Postgres, Process, can_connect, free_port, port_is_open, program, run_as, wait_until  # noqa: E402

QUESTIONS = ["How do I store the battery in winter?", "How long is the warranty of a tent?",
             "Can I return a stove that I have used?", "What does shipping to Austria cost?"]
SAMPLES = {"battery.md": "# Battery care\n\nStore the battery at 15 degrees, half charged, and charge it again every two months.\n",
           "tent.md": "# Warranty\n\nTents have a warranty of three years from the day of purchase.\n",
           "stove.md": "# Returns\n\nA stove that was lit once cannot be returned, unless it is faulty.\n",
           "shipping.md": "# Shipping\n\nShipping to Austria costs 9.90 euros, and is free above 150 euros.\n"}


def wrk(port, path, args, bodies=None):
    command = ["wrk", "-t", "2", "-c", str(args.clients), "-d", "%ds" % args.seconds, "--latency",
               "http://127.0.0.1:%d%s" % (port, path)]
    if bodies:
        command += ["-s", os.path.join(HERE, "post.lua"), "--", bodies]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    errors = re.search(r"Socket errors: (.*)", said)
    if failed or errors:
        raise SystemExit("%s: %s" % (path, said))

    def ms(name):
        value, unit = re.search(r"\s%s%%\s+([0-9.]+)(us|ms|s)" % name, said).groups()
        return float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit]
    return {"requests_s": float(re.search(r"Requests/sec:\s+([0-9.]+)", said)[1]), "p50_ms": ms("50"), "p99_ms": ms("99")}


def lighttpd(instance, name, sock):
    """A lighttpd of the same kind for another socket."""
    port = free_port()
    with open(os.path.join(TOP, "apache-conf", "frontdesk-lighttpd.conf"), encoding="utf-8") as site:
        conf = site.read().replace("/run/frontdesk/fcgi.sock", sock)
    path = instance.dir + "/" + name + ".conf"
    with open(path, "w", encoding="utf-8") as out:
        out.write('server.bind = "127.0.0.1"\nserver.port = %d\nserver.document-root = "%s"\nserver.modules = ()\n%s'
                  % (port, instance.dir, conf))
    process = Process(name, ["lighttpd", "-D", "-f", path], instance.dir)
    wait_until(lambda: port_is_open(port), name, process=process)
    return process, port


def bodies_file(instance, name, tenant, questions):
    path = os.path.join(instance.dir, name)
    with open(path, "w", encoding="utf-8") as out:
        for question in questions:
            out.write(json.dumps({"tenant_id": tenant.id, "message": question, "channel": "WEB"}) + "\n")
    return path


def embeddings_s(questions):
    """Embeddings of such questions a second on all cores: one frontdeskctl a core, start-up taken off."""
    cores = sorted(os.sched_getaffinity(0))

    def timed(count):
        began = time.monotonic()
        running = [subprocess.Popen(["taskset", "-c", str(core), program("frontdeskctl"), "embed", "--json",
                                     *questions[i * count:(i + 1) * count]], stdout=subprocess.DEVNULL)
                   for i, core in enumerate(cores)]
        assert all(process.wait() == 0 for process in running)
        return time.monotonic() - began
    timed(10)
    small, large = min(timed(10) for _ in range(2)), min(timed(510) for _ in range(2))
    return 500 * len(cores) / (large - small)


def memory(instance):
    """Proportional set size in MiB of each of our processes (and of jobd's), at rest."""
    sizes = {}
    for name in ("fcgi", "jobd"):
        pids, seen = [instance.processes[name].pid], 0
        while seen < len(pids):
            with open("/proc/%d/task/%d/children" % (pids[seen], pids[seen]), encoding="ascii") as children:
                pids += map(int, children.read().split())
            seen += 1
        for i, pid in enumerate(pids):
            with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as rollup:
                kib = int(re.search(r"^Pss:\s+(\d+)", rollup.read(), re.M)[1])
            sizes["%s %s" % (name, "master" if i == 0 else i)] = round(kib / 1024, 1)
    sizes["all"] = round(sum(sizes.values()), 1)
    return sizes


class Running:
    """An instance that ./dev up has started, with a tenant in it: for a corpus that takes minutes to come in."""

    def __init__(self, var, domain):
        self.dir, self.env_file = tempfile.mkdtemp(prefix="frontdesk-bench-"), os.path.join(var, "frontdesk.env")
        os.chmod(self.dir, 0o755)
        if os.getuid() == 0:
            shutil.chown(self.dir, "postgres")
        self.processes, self.domain = {}, domain
        for name in ("fcgi", "jobd"):
            with open(os.path.join(var, "run", name + ".pid"), encoding="ascii") as pid:
                self.processes[name] = types.SimpleNamespace(pid=int(pid.read().split()[0]))
        with open(os.path.join(var, "port"), encoding="ascii") as port:
            self.port = int(port.read())

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        shutil.rmtree(self.dir, ignore_errors=True)

    def tenant(self):
        return types.SimpleNamespace(domain=self.domain, id=self.domain)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build", help="the build folder: fcgi-floor is taken from it")
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--running", metavar="VAR", help="the var/ folder of a ./dev up, instead of a throwaway stack")
    parser.add_argument("--tenant", help="with --running: its tenant that is asked; anonymous callers allowed")
    parser.add_argument("--documents", help="a JSONL file to ingest; else four short documents")
    parser.add_argument("--queries", help="a JSONL file of questions; else made from four")
    parser.add_argument("--json")
    args = parser.parse_args()
    out = {}
    with contextlib.ExitStack() as stack:
        if args.running:
            instance = stack.enter_context(Running(args.running, args.tenant))
        else:
            instance = stack.enter_context(Instance(stack.enter_context(Postgres(durable=True)), {"LOG_LEVEL": "warn"}))
        tenant = instance.tenant()
        if args.running:
            pass
        elif args.documents:
            instance.ctl("ingest", "--tenant", tenant.domain, "--jsonl", args.documents, "--wait", timeout=3600)
        else:
            instance.ingest(tenant, SAMPLES)
        out["memory_at_rest_mib"] = memory(instance)
        asked = QUESTIONS
        if args.queries:
            with open(args.queries, encoding="utf-8") as lines:
                asked = [json.loads(line)["text"] for line in lines]
        floor = instance.dir + "/floor.sock"
        environ = {**os.environ, "FLOOR_TENANT": tenant.domain}
        with open(instance.dir + "/floor.log", "wb") as log:
            app = subprocess.Popen([os.path.join(args.build, "fcgi", "fcgi-floor"), instance.env_file, floor],
                                   env=environ, stderr=log, stdin=subprocess.DEVNULL, **run_as())
        wait_until(lambda: can_connect(floor), "fcgi-floor")
        site, floor_port = lighttpd(instance, "floor-lighttpd", floor)
        try:
            turn = bodies_file(instance, "cached.txt", tenant, asked[:200])
            wrk(instance.port, "/v1/query", argparse.Namespace(**{**vars(args), "seconds": 2}), turn)    # warm
            rounds = []
            for n in range(args.rounds):    # in turns: a neighbour's load meets them all
                many = ["%s (%d, %d)" % (asked[i % len(asked)], n, i) for i in range(20000)]    # asked once each
                fresh = bodies_file(instance, "fresh.txt", tenant, many)
                rounds.append({
                    "empty": wrk(floor_port, "/empty", args),
                    "commit": wrk(floor_port, "/commit", args, turn),
                    "query, vector cached": wrk(instance.port, "/v1/query", args, turn),
                    "embedding alone": {"requests_s": round(embeddings_s(many), 1)},
                    "query, vector new": wrk(instance.port, "/v1/query", args, fresh),
                    "health": wrk(instance.port, "/v1/health", args),
                })
            for name in rounds[0]:
                out[name] = {key: statistics.median(r[name][key] for r in rounds) for key in rounds[0][name]}
        finally:
            site.stop()
            app.terminate()
            app.wait()
        out["memory_after_mib"] = memory(instance)
    for name, row in out.items():
        print("%-22s %s" % (name, "  ".join("%s %s" % pair for pair in row.items())))
    for name, floor in (("query, vector cached", "commit"), ("query, vector new", "embedding alone")):
        shares = sorted(r[name]["requests_s"] / r[floor]["requests_s"] for r in rounds)
        out[name + " / " + floor] = shares
        print("%s / %s: %s   (to reach: 0.60)" % (name, floor, " ".join("%.2f" % share for share in shares)))
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump(out, file, indent=1)


main()
