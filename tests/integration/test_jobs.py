"""frontdesk-jobd: what an ingestion leaves, undisturbed and killed at any moment."""
# SPDX-License-Identifier: GPL-3.0-or-later
import json
import os
import random
import time

import pytest

from stack import TOP, Instance, wait_until

SAMPLES = os.path.join(TOP, "samples", "public")
KILLS = 30


@pytest.fixture(scope="module")
def jobs(postgres):
    """An instance whose jobd is started by the tests; leases are short, so that a take-over is quick."""
    instance = Instance(postgres, settings={"JOB_LEASE_SECONDS": 1, "JOBS_CONCURRENCY": 3}, redis=False,
                        jobd=False, lighttpd=False)
    instance.start()
    yield instance
    instance.stop()


def finish(instance, seconds=120):
    """A jobd that is left alone until nothing is to be done."""
    instance.start_one("jobd")
    wait_until(lambda: instance.sql("SELECT count(*) FROM platform.jobs") == [["0"]], "all jobs", seconds,
               instance.processes["jobd"])
    instance.stop_one("jobd")


def state(instance, tenant):
    """What an ingestion leaves, in words that two runs have in common: no ids, no times."""
    schema = '"tenant_%s"' % tenant.domain
    queries = {
        "documents": "SELECT source, title, status, reason, language, page_count, chunk_count, embedded_count"
                     " FROM {s}.documents ORDER BY source",
        "pages": "SELECT d.source, p.page, p.start_offset, md5(p.content) FROM {s}.document_pages p"
                 " JOIN {s}.documents d ON d.id = p.document_id ORDER BY 1, 2, 3",
        "chunks": "SELECT d.source, c.chunk_index, c.page, c.start_offset, c.end_offset, c.language, md5(c.content),"
                  " c.embedding IS NOT NULL FROM {s}.chunks c JOIN {s}.documents d ON d.id = c.document_id ORDER BY 1, 2",
        "index": "SELECT audience, language, sum(chunk_count), sum(total_length) FROM {s}.segments GROUP BY 1, 2 ORDER BY 1, 2",
        "doubles": "SELECT count(*) - count(DISTINCT (document_id, chunk_index)) FROM {s}.chunks",
        "terms": "SELECT term, sum(length(data)) FROM {s}.postings WHERE term <> '' GROUP BY term ORDER BY term COLLATE \"C\"",
    }
    return {what: instance.sql(query.format(s=schema)) for what, query in queries.items()}


def lines(n):
    return "".join(json.dumps({"_id": "doc-%d" % i, "title": "Number %d" % i, "text":
                               "Part %d has a price of %d euros. It is kept on shelf %d. " % (i, i * 7, i % 13) * (1 + i % 30)})
                   + "\n" for i in range(n))


def feed(instance, tenant):
    instance.ctl("ingest", "--tenant", tenant.domain, SAMPLES)
    instance.ctl("ingest", "--tenant", tenant.domain, "--jsonl", "-", input=lines(300))


def test_killed_thirty_times_nothing_is_lost_or_doubled(jobs):
    calm, rough = jobs.tenant(), jobs.tenant()
    feed(jobs, calm)
    finish(jobs)
    expected = state(jobs, calm)
    assert len(expected["documents"]) > 305 and all(row[2] == "READY" for row in expected["documents"])

    chance = random.Random(20261123)
    feed(jobs, rough)
    for _ in range(KILLS):
        jobs.start_one("jobd")
        time.sleep(chance.uniform(0.02, 0.9))	# the moment is what is tried
        jobs.kill_one("jobd")
    finish(jobs)
    found = state(jobs, rough)
    for what, rows in expected.items():
        assert found[what] == rows, what


def test_a_new_version_replaces_the_old_one_under_kills(jobs):
    tenant = jobs.tenant()
    folder = jobs.dir + "/versions"
    os.makedirs(folder, exist_ok=True)
    os.chmod(folder, 0o755)
    path = folder + "/policy.md"
    chance = random.Random(7)
    for version in range(4):
        with open(path, "w", encoding="utf-8") as out:
            out.write("# Policy\n\n" + "Rule %d applies to everybody. \n\n" % version * 200)
        jobs.ctl("ingest", "--tenant", tenant.domain, path)
        jobs.start_one("jobd")
        time.sleep(chance.uniform(0.05, 0.5))	# the moment is what is tried
        jobs.kill_one("jobd")
    finish(jobs)
    left = state(jobs, tenant)
    assert [row[0] for row in left["documents"]] == ["policy.md"]
    assert not [row for row in left["terms"] if row[0] in ("0", "1", "2")]
    hits = jobs.ctl_json("search", "--tenant", tenant.domain, "rule applies")
    hits = hits if isinstance(hits, list) else hits["results"]
    assert hits and all("Rule 3" in hit["content"] for hit in hits)


def enqueue(jobs, tenant, kind, refs):
    jobs.sql("SET app.current_tenant_id = '%s'; SELECT platform.jobs_enqueue('%s', ARRAY[%s], 0, false)"
             % (tenant.id, kind, ", ".join("'%s'" % ref for ref in refs)))


def claim(jobs, lease=30):
    rows = jobs.sql("SELECT tenant_id, ref FROM platform.jobs_claim('w', %d, 1)" % lease, user="frontdesk_app")
    return tuple(rows[0]) if rows else None


def test_a_tenant_with_many_jobs_does_not_hold_up_the_others(jobs):
    many, few = jobs.tenant(), jobs.tenant()
    enqueue(jobs, many, "test", range(50))
    enqueue(jobs, few, "test", ["only"])
    order = [claim(jobs) for _ in range(51)]
    assert order.index((few.id, "only")) <= 2
    assert [ref for tenant, ref in order if tenant == many.id] == [str(i) for i in range(50)]
    assert claim(jobs) is None
    jobs.sql("DELETE FROM platform.jobs")


def test_a_lease_that_ended_is_taken_over_and_a_locked_job_is_passed_over(jobs):
    tenant = jobs.tenant()
    enqueue(jobs, tenant, "test", ["one"])
    assert claim(jobs, lease=0) == (tenant.id, "one") == claim(jobs, lease=0)
    assert jobs.sql("SELECT attempts FROM platform.jobs") == [["2"]]
    ids = jobs.sql("SELECT array_agg(id) FROM platform.jobs")[0][0]
    extend = "SELECT platform.jobs_extend('%s', '%s', 30)"
    assert jobs.sql(extend % (ids, "w"), user="frontdesk_app") == [["1"]]
    assert jobs.sql(extend % (ids, "another"), user="frontdesk_app") == [["0"]]
    assert claim(jobs) is None
    jobs.sql("DELETE FROM platform.jobs")


def test_sigterm_drains_and_leaves_no_job_running(jobs):
    tenant = jobs.tenant()
    jobs.ctl("ingest", "--tenant", tenant.domain, "--jsonl", "-", input=lines(600))
    jobs.start_one("jobd")
    wait_until(lambda: jobs.sql("SELECT count(*) FROM platform.jobs WHERE kind = 'embed'") != [["0"]], "vectors")
    assert jobs.stop_one("jobd") == 0
    assert jobs.sql("SELECT count(*) FROM platform.jobs WHERE state = 'RUNNING'") == [["0"]]
    finish(jobs)
    assert {d["status"] for d in jobs.ctl_json("documents", "--tenant", tenant.domain)} == {"READY"}


def test_a_document_that_cannot_be_read_fails_with_its_name_and_holds_up_nothing(jobs):
    tenant = jobs.tenant()
    folder = jobs.dir + "/odd"
    os.makedirs(folder, exist_ok=True)
    os.chmod(folder, 0o755)
    for name, data in (("broken.pdf", b"%PDF-1.7\nnot at all"), ("empty.txt", b""), ("good.txt", b"The shop opens at nine.\n")):
        with open(os.path.join(folder, name), "wb") as out:
            out.write(data)
    jobs.start_one("jobd")
    done = jobs.ctl("ingest", "--tenant", tenant.domain, folder, "--wait", check=False)
    jobs.stop_one("jobd")
    assert done.returncode == 65
    documents = {d["source"]: d for d in jobs.ctl_json("documents", "--tenant", tenant.domain)}
    assert documents["good.txt"]["status"] == "READY" and documents["good.txt"]["reason"] is None
    for name in ("broken.pdf", "empty.txt"):
        assert documents[name]["status"] == "FAILED" and name in documents[name]["reason"]
        assert name in done.stderr


def test_the_same_content_is_one_document_and_failed_ones_are_tried_again(jobs):
    tenant = jobs.tenant()
    folder = jobs.dir + "/twice"
    os.makedirs(folder, exist_ok=True)
    os.chmod(folder, 0o755)
    for name in ("one.txt", "two.txt"):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as out:
            out.write("The same words in both.\n")
    first = jobs.ctl_json("ingest", "--tenant", tenant.domain, folder)
    again = jobs.ctl_json("ingest", "--tenant", tenant.domain, folder)
    finish(jobs)
    assert [d["result"] for d in first] == ["new", "same"] and {d["result"] for d in again} == {"same"}
    assert len({d["id"] for d in first + again}) == 1
    assert len(jobs.ctl_json("documents", "--tenant", tenant.domain)) == 1


def test_removed_documents_are_gone_from_the_index(jobs):
    tenant = jobs.tenant()
    jobs.ctl("ingest", "--tenant", tenant.domain, "--jsonl", "-", input=lines(5))
    finish(jobs)
    jobs.ctl("documents", "--tenant", tenant.domain, "remove", "doc-3")
    left = state(jobs, tenant)
    assert [row[0] for row in left["documents"]] == ["doc-0", "doc-1", "doc-2", "doc-4"]
    assert sum(int(row[2]) for row in left["index"]) == len(left["chunks"])


def test_memory_does_not_grow_with_the_file(jobs):
    tenant = jobs.tenant()
    path = jobs.dir + "/large.txt"
    with open(path, "w", encoding="utf-8") as out:
        for i in range(60000):
            out.write("Line %d of a large file that says that item %d is kept in hall %d.\n" % (i, i * 31, i % 7))
    jobs.start_one("jobd")
    jobs.ctl("ingest", "--tenant", tenant.domain, path)
    pid = jobs.processes["jobd"].pid
    schema = '"tenant_%s"' % tenant.domain
    wait_until(lambda: jobs.sql("SELECT 1 FROM %s.documents WHERE status IN ('SEARCHABLE', 'READY')" % schema) == [["1"]],
               "searchable", 120)
    with open("/proc/%d/status" % pid, encoding="ascii") as status:
        peak = [int(line.split()[1]) for line in status if line.startswith("VmHWM")][0]
    jobs.stop_one("jobd")
    jobs.ctl("documents", "--tenant", tenant.domain, "remove", "large.txt")
    jobs.sql("DELETE FROM platform.jobs")
    assert peak < 150 * 1024, "%d kB" % peak
