"""frontdeskctl as an operator and a script use it: help, exit codes, JSON, files that are odd."""
# SPDX-License-Identifier: GPL-3.0-or-later
import json
import os
import pty
import re
import subprocess

import pytest

from stack import clean_env, program

COMMANDS = ["migrate", "tenant", "ingest", "documents", "search", "eval", "ask", "token", "embed", "split", "extract",
            "doctor"]


def bare(*args, **kwargs):
    """Without any setting, as on a machine where nothing is set up."""
    return subprocess.run([program("frontdeskctl"), *args], capture_output=True, text=True, check=False, timeout=60,
                          env=clean_env(), **kwargs)


@pytest.fixture(scope="module")
def shop(instance):
    tenant = instance.tenant()
    instance.ingest(tenant, {"returns.md": "# Returns\n\nA tent can be returned within thirty days.\n"})
    return tenant


def test_help_lists_every_command_and_each_has_its_page():
    said = bare("--help")
    assert said.returncode == 0
    for name in COMMANDS:
        assert re.search(r"^  %s " % name, said.stdout, re.M), name
        page = bare(name, "--help")
        assert page.returncode == 0 and "frontdeskctl " + name in page.stdout and "--json" in page.stdout, name
        assert page.stdout == bare("help", name).stdout


@pytest.mark.parametrize("args", [[], ["nonsense"], ["tenant"], ["tenant", "list", "--nonsense"], ["ask", "--tenant"],
                                  ["split", "a", "b"], ["documents", "-x"], ["migrate", "up", "--json=yes"]])
def test_wrong_usage_exits_with_64_and_says_where_to_look(args):
    done = bare(*args)
    assert done.returncode == 64 and "help" in done.stderr and done.stdout == ""


@pytest.mark.parametrize("args,setting", [(["tenant", "list"], "DATABASE_ADMIN_URL"),
                                          (["documents", "--tenant", "x.example"], "DATABASE_URL"),
                                          (["token", "--tenant", "x.example"], "DATABASE_URL")])
def test_a_missing_setting_is_named(args, setting):
    done = bare(*args)
    assert done.returncode == 78 and setting in done.stderr


def test_offline_commands_need_no_settings(tmp_path):
    text = tmp_path / "a.txt"
    text.write_text("Grüße aus dem Büro. " * 100, encoding="utf-8")
    chunks = [json.loads(line) for line in bare("split", str(text)).stdout.splitlines()]
    assert [c["chunk_index"] for c in chunks] == list(range(len(chunks))) and len(chunks) > 2
    for chunk in chunks:
        assert text.read_text(encoding="utf-8")[chunk["start"]:chunk["end"]] == chunk["content"]
    assert json.loads(bare("split", str(text), "--json").stdout) is not None
    assert "Büro" in bare("extract", str(text)).stdout
    vectors = json.loads(bare("embed", "one", "two", "--json").stdout)
    assert len(vectors) == 2


def test_lists_are_arrays_of_objects(instance, shop):
    tenants = instance.ctl_json("tenant", "list")
    assert [t["domain"] for t in tenants if t["id"] == shop.id] == [shop.domain]
    documents = instance.ctl_json("documents", "--tenant", shop.domain)
    assert [(d["source"], d["title"], d["status"], d["reason"]) for d in documents] == [
        ("returns.md", "Returns", "READY", None)]
    assert instance.ctl_json("documents", "--tenant", shop.domain, "show", documents[0]["id"])["id"] == documents[0]["id"]
    assert isinstance(instance.ctl_json("migrate", "status"), list)


def test_an_answer_is_the_api_s(instance, shop):
    answer = instance.ctl_json("ask", "--tenant", shop.domain, "When can a tent be returned?")
    assert {"response", "citations", "confidence", "requires_human", "conversation_id"} <= set(answer)
    assert answer["citations"][0]["source"] == "returns.md"


def test_settings_of_a_tenant_are_set_merged_and_taken_away(instance):
    tenant = instance.tenant()
    instance.ctl("tenant", "set", tenant.domain, "top_k=7", "fusion=convex", 'languages=["de"]')
    instance.ctl("tenant", "set", tenant.domain, "top_k=null")
    rows = instance.sql('SELECT settings - \'anonymous\' FROM "tenant_%s".tenants' % tenant.domain)
    assert json.loads(rows[0][0]) == {"fusion": "convex", "languages": ["de"]}
    assert instance.ctl("tenant", "set", tenant.domain, "nonsense", check=False).returncode == 65


def test_what_is_not_there_exits_with_66(instance, shop):
    for args in (["documents", "--tenant", "nobody.example"], ["tenant", "remove", "nobody.example"],
                 ["documents", "--tenant", shop.domain, "show", "nothing.pdf"],
                 ["documents", "--tenant", shop.domain, "remove", "00000000-0000-4000-8000-000000000000"]):
        done = instance.ctl(*args, check=False)
        assert done.returncode == 66 and done.stderr.startswith("frontdeskctl "), args


def test_folders_are_read_with_all_below_but_hidden_files(instance, tmp_path):
    tenant = instance.tenant()
    (tmp_path / "hr" / "deep").mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    for name in ("top.txt", "hr/leave.txt", "hr/deep/Ünïcode name.txt", ".hidden.txt", ".git/config.txt"):
        (tmp_path / name).write_text("Content of %s.\n" % name, encoding="utf-8")
    instance.ctl("ingest", "--tenant", tenant.domain, str(tmp_path), "--wait", "--audience", "internal")
    documents = instance.ctl_json("documents", "--tenant", tenant.domain)
    assert {d["source"] for d in documents} == {"top.txt", "hr/leave.txt", "hr/deep/Ünïcode name.txt"}
    assert {d["audience"] for d in documents} == {"INTERNAL"}
    assert str(tmp_path) not in json.dumps(documents)


def test_a_link_in_a_folder_is_refused_aloud_and_not_followed(instance, tmp_path):
    tenant = instance.tenant()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "meant.txt").write_text("Tents are returned within thirty days.", encoding="utf-8")
    (tmp_path / "private.txt").write_text("The till's code is 4711.", encoding="utf-8")
    (tmp_path / "folder" / "link.txt").symlink_to(tmp_path / "private.txt")
    done = instance.ctl("ingest", "--tenant", tenant.domain, str(tmp_path / "folder"), "--wait", check=False)
    assert done.returncode == 65 and "link.txt: is a link" in done.stderr
    assert [d["source"] for d in instance.ctl_json("documents", "--tenant", tenant.domain)] == ["meant.txt"]


def test_a_document_without_a_title_is_cited_by_its_source(instance, tmp_path):
    tenant = instance.tenant()
    lines = tmp_path / "faq.jsonl"
    lines.write_text(json.dumps({"_id": "faq-7", "text": "Gift cards are valid for five years."}) + "\n", encoding="utf-8")
    instance.ctl("ingest", "--tenant", tenant.domain, "--jsonl", str(lines), "--wait")
    answer = instance.ctl_json("ask", "--tenant", tenant.domain, "How long are gift cards valid?")
    assert answer["citations"][0]["title"] == "faq-7"


@pytest.mark.parametrize("line,reason", [("nonsense", "line 2: not JSON"), ('{"text": "x"}', "line 2: needs an"),
                                         ('{"_id": "a"}', "line 2: needs"), ('["_id"]', "line 2: needs"),
                                         ('{"_id": "a", "text": "x\\u0000y"}', "line 2")])
def test_a_bad_line_is_named_and_nothing_of_its_batch_is_stored(instance, line, reason):
    tenant = instance.tenant()
    done = instance.ctl("ingest", "--tenant", tenant.domain, "--jsonl", "-", check=False,
                        input='{"_id": "good", "text": "words"}\n%s\n' % line)
    assert done.returncode == 65 and reason in done.stderr
    assert instance.ctl_json("documents", "--tenant", tenant.domain) == []


def test_a_jsonl_line_that_comes_again_changed_replaces_the_first(instance):
    tenant = instance.tenant()
    for text in ("the first version of it", "the second version of it"):
        instance.ctl("ingest", "--tenant", tenant.domain, "--jsonl", "-", "--wait",
                     input='{"_id": 7, "title": "Seven", "text": "%s"}\n' % text)
    instance.ctl("ingest", "--tenant", tenant.domain, "--jsonl", "-", "--wait",
                 input='{"_id": "empty", "title": "", "text": " "}\n{"_id": "a", "text": "old"}\n{"_id": "a", "text": "new"}\n')
    documents = {d["source"]: d for d in instance.ctl_json("documents", "--tenant", tenant.domain)}
    assert set(documents) == {"7", "a", "empty"} and {d["status"] for d in documents.values()} == {"READY"}
    hits = instance.ctl_json("search", "--tenant", tenant.domain, "version")
    assert "second" in json.dumps(hits) and "first" not in json.dumps(hits)
    assert "old" not in json.dumps(instance.ctl_json("search", "--tenant", tenant.domain, "old new"))


def test_a_table_shows_no_control_characters_and_lines_up(instance, tmp_path):
    tenant = instance.tenant()
    (tmp_path / "evil\x1b[31m.txt").write_text("# 東京\n\nwords\n", encoding="utf-8")
    (tmp_path / "plain.txt").write_text("other words\n", encoding="utf-8")
    instance.ctl("ingest", "--tenant", tenant.domain, str(tmp_path), "--wait")
    said = instance.ctl("documents", "--tenant", tenant.domain).stdout
    assert "\x1b" not in said and len(said.splitlines()) == 3


def test_progress_is_drawn_on_a_terminal_only(instance, tmp_path):
    tenant = instance.tenant()
    (tmp_path / "a.txt").write_text("words\n" * 2000, encoding="utf-8")
    ours, theirs = pty.openpty()
    env = clean_env(FRONTDESK_ENV=instance.env_file)
    run = subprocess.Popen([program("frontdeskctl"), "ingest", "--tenant", tenant.domain, str(tmp_path / "a.txt"), "--wait"],
                           stdout=subprocess.PIPE, stderr=theirs, env=env)
    os.close(theirs)
    drawn = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:
            break
        if not part:
            break
        drawn += part
    assert run.wait(60) == 0 and "█".encode() in drawn or b"\xc2\xb7" in drawn
    assert instance.ctl("ingest", "--tenant", tenant.domain, str(tmp_path / "a.txt"), "--wait").stderr == ""
