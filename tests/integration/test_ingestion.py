"""Ingestion from end to end: frontdeskctl, frontdesk-jobd, the sandboxed extractor, Postgres."""
# SPDX-License-Identifier: GPL-3.0-or-later
import os
import pathlib
import random
import time

import pytest

from stack import TOP, wait_until

DATA = pathlib.Path(os.environ.get("FRONTDESK_DATA", pathlib.Path(TOP) / ".." / "shared" / "data")).resolve()
DOCUMENTS = DATA / "documents"


def shared_documents():
    return sorted(DOCUMENTS.glob("*/*")) if DOCUMENTS.is_dir() else []


def schema_of(instance, tenant):
    return instance.sql("SELECT schema_name FROM platform.tenants WHERE domain = '%s'" % tenant.domain)[0][0]


def count(instance, tenant, what):
    return int(instance.sql('SELECT %s' % what.replace("@", '"%s"' % schema_of(instance, tenant)))[0][0])


def assert_whole(instance, tenant):
    """Every document is settled, and chunks, counts and the lexical index agree."""
    assert count(instance, tenant, "count(*) FROM @.documents WHERE status NOT IN ('READY', 'FAILED')") == 0
    assert count(instance, tenant, "count(*) FROM @.documents WHERE status = 'FAILED' AND coalesce(reason, '') = ''") == 0
    chunks = count(instance, tenant, "count(*) FROM @.chunks")
    assert count(instance, tenant, "coalesce(sum(chunk_count), 0) FROM @.documents") == chunks
    assert count(instance, tenant, "coalesce(sum(chunk_count), 0) FROM @.segments") == chunks
    assert count(instance, tenant, "count(DISTINCT (document_id, chunk_index)) FROM @.chunks") == chunks
    assert count(instance, tenant, "count(*) FROM @.documents d WHERE status = 'READY' AND embedded_count > 0"
                 " AND embedded_count <> chunk_count") == 0
    assert count(instance, tenant, "count(*) FROM @.documents d JOIN @.chunks c ON c.document_id = d.id"
                 " WHERE d.status = 'READY' AND d.embedded_count > 0 AND c.embedding IS NULL") == 0
    assert int(instance.sql("SELECT count(*) FROM platform.jobs j JOIN platform.tenants t ON t.id = j.tenant_id"
                            " WHERE t.domain = '%s' AND j.kind <> 'merge'" % tenant.domain)[0][0]) == 0
    return chunks


def documents(instance, tenant):
    return {d["source"]: d for d in instance.ctl_json("documents", "--tenant", tenant.domain, "list")}


@pytest.fixture
def running(make_instance):
    return make_instance(redis=False, lighttpd=False)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_shared_document_is_ready_or_failed_with_a_reason(running):
    files = shared_documents()
    if not files:
        pytest.skip("no documents under %s" % DOCUMENTS)
    tenant = running.tenant()
    jobd = running.processes["jobd"].pid
    started = time.monotonic()
    running.ctl("ingest", "--tenant", tenant.domain, DOCUMENTS, "--wait", check=False, timeout=800)
    took = time.monotonic() - started
    found = documents(running, tenant)
    assert_whole(running, tenant)
    assert {d["status"] for d in found.values()} == {"READY", "FAILED"}
    for d in found.values():
        if d["status"] == "FAILED":
            assert len(d["reason"]) > 20 and os.path.basename(d["source"]) in d["reason"], d
    failed = sum(d["status"] == "FAILED" for d in found.values())
    assert failed <= 20
    assert running.processes["jobd"].pid == jobd and running.processes["jobd"].poll() is None
    with open("/proc/%d/status" % jobd, encoding="ascii") as status:
        peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    assert peak < 512 * 1024, "jobd took %d kB" % peak
    print("%d documents, %d failed, %.1f s, jobd's peak %d kB" % (len(found), failed, took, peak))
    hits = running.ctl_json("search", "--tenant", tenant.domain, "dense passage retrieval open domain questions")
    assert hits


def handbook(i):
    """A text of some pages that no other i gives."""
    rng = random.Random(i)
    words = ["leave", "travel", "invoice", "warranty", "refund", "approval", "manager", "receipt", "holiday", "laptop"]
    return "# Handbook %d\n\n" % i + "\n\n".join(
        "Section %d.%d. " % (i, s) + " ".join(rng.choices(words, k=120)) + "." for s in range(30))


@pytest.mark.slow
def test_a_killed_jobd_loses_and_doubles_nothing(make_instance):
    instance = make_instance(redis=False, lighttpd=False)
    calm, rough = instance.tenant(), instance.tenant()
    texts = {"h%02d.md" % i: handbook(i) for i in range(24)}
    instance.ingest(calm, texts)
    want = assert_whole(instance, calm)
    rng = random.Random(5)
    instance.stop_one("jobd")
    folder = pathlib.Path(instance.dir) / "rough"
    folder.mkdir(mode=0o755)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    instance.ctl("ingest", "--tenant", rough.domain, folder)
    for _ in range(12):
        instance.start_one("jobd")
        time.sleep(rng.uniform(0.05, 0.6))
        instance.kill_one("jobd")
    instance.sql("UPDATE platform.jobs SET lease_until = now() WHERE state = 'RUNNING'")  # not to wait for leases
    instance.start_one("jobd")
    wait_until(lambda: count(instance, rough, "count(*) FROM @.documents WHERE status NOT IN ('READY', 'FAILED')") == 0,
               "the rest of the ingestion", seconds=120)
    assert assert_whole(instance, rough) == want
    assert count(instance, rough, "count(*) FROM @.documents WHERE status = 'READY'") == len(texts)


def test_the_same_content_is_one_document_and_a_new_version_replaces(running):
    tenant = running.tenant()
    folder = pathlib.Path(running.dir) / "docs"
    folder.mkdir(mode=0o755)
    rules = folder / "rules.md"
    rules.write_text("# Rules\n\nBicycles are parked in the cellar.", encoding="utf-8")
    (folder / "copy.md").write_bytes(rules.read_bytes())
    running.ctl("ingest", "--tenant", tenant.domain, folder, "--wait")
    assert len(documents(running, tenant)) == 1
    for _ in range(2):
        running.ctl("ingest", "--tenant", tenant.domain, folder, "--wait")
        assert_whole(running, tenant)
    (folder / "copy.md").unlink()
    source = next(iter(documents(running, tenant)))
    changed = pathlib.Path(source) if os.path.isabs(source) else folder / os.path.basename(source)
    changed.write_text("# Rules\n\nBicycles are parked on the roof.", encoding="utf-8")
    running.ctl("ingest", "--tenant", tenant.domain, changed, "--wait")
    found = documents(running, tenant)
    assert len(found) == 1
    assert_whole(running, tenant)
    hits = running.ctl_json("search", "--tenant", tenant.domain, "where are bicycles parked")
    text = str(hits)
    assert "roof" in text and "cellar" not in text
    running.ctl("documents", "--tenant", tenant.domain, "remove", next(iter(found.values()))["id"])
    assert documents(running, tenant) == {}
    assert assert_whole(running, tenant) == 0


def test_names_that_are_not_text_are_ingested_and_never_reach_the_terminal(running, tmp_path):
    """File names are bytes: not UTF-8, with lines, escape sequences, or a turn of direction."""
    tenant = running.tenant()
    names = [b"bad\xff.txt", b"two\nlines\x1b[31m\xc2\x9b2J.txt", "turned\u202etxt.exe.txt".encode()]
    for n, name in enumerate(names):
        with open(os.path.join(os.fsencode(tmp_path), name), "w", encoding="ascii") as file:
            file.write("The heron number %d stands in the reeds." % n)
    os.mkfifo(tmp_path / "fifo")
    os.symlink("loop", tmp_path / "loop")
    done = running.ctl("ingest", "--tenant", tenant.domain, "--wait", tmp_path, tmp_path / "fifo", "/dev/null", check=False)
    assert done.returncode == 65 and "3 ready" in done.stdout, done.stdout + done.stderr
    assert "fifo: cannot be read: not a regular file" in done.stderr and "/dev/null: " in done.stderr
    assert "loop: is a link" in done.stderr
    assert {d["status"] for d in documents(running, tenant).values()} == {"READY"}
    assert "bad%FF.txt" in documents(running, tenant)
    for words in (["documents"], ["search", "heron in the reeds"], ["ask", "Where does the heron stand?"]):
        shown = running.ctl(words[0], "--tenant", tenant.domain, *words[1:]).stdout
        assert "heron" in shown or "bad%FF.txt" in shown
        assert not set(shown) & set("\x1b\x9b\u202e"), words
