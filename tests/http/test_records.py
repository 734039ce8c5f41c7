"""Raw FastCGI: what no web server sends must not kill a worker, hang it, or reach another request."""
# SPDX-License-Identifier: GPL-3.0-or-later
import os
import random
import socket
import struct
import time

import pytest

import fcgi_client as fcgi
from stack import wait_until

BEGIN = fcgi.record(fcgi.BEGIN, struct.pack("!HB5x", 1, 0))
PARAMS = fcgi.params("GET", "/v1/health")
WHOLE = fcgi.whole_request("GET", "/v1/health")


@pytest.fixture(scope="module")
def instance(postgres):
    from stack import Instance
    with Instance(postgres, {"FCGI_WORKERS": "1", "FCGI_THREADS": "4"}, redis=False, jobd=False, lighttpd=False) as running:
        yield running


@pytest.fixture
def unharmed(instance):
    """The same worker serves before and after, and no thread is lost."""
    def health():
        return instance.fcgi("GET", "/v1/health").status
    assert health() == 200
    pids = wait_until(lambda: {line["pid"] for line in instance.log() if line["event"] == "worker_ready"}, "the worker's line")
    yield instance
    for _ in range(8):
        assert health() == 200
    assert {line["pid"] for line in instance.log() if line["event"] == "worker_ready"} == pids
    assert not [line for line in instance.log() if line["event"] == "worker_died"]


def say(instance, data, half_close=True):
    """Sends; all that comes back until the connection ends or three seconds are over."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(3)
        sock.connect(instance.socket)
        got = b""
        try:
            sock.sendall(data)
            if half_close:
                sock.shutdown(socket.SHUT_WR)
            while True:
                more = sock.recv(65536)
                if not more:
                    return got
                got += more
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            return got


def long_pair(name_length, value_length, content=b""):
    return struct.pack("!II", name_length | 1 << 31, value_length | 1 << 31) + content


GARBAGE = {
    "nothing": b"",
    "one byte": b"\1",
    "zeros": bytes(100),
    "text": b"GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n",
    "version 2": b"\2" + WHOLE[1:],
    "an authorizer": fcgi.record(fcgi.BEGIN, struct.pack("!HB5x", 2, 0)) + WHOLE[16:],
    "a role of nobody": fcgi.record(fcgi.BEGIN, struct.pack("!HB5x", 77, 0)) + WHOLE[16:],
    "a short begin": fcgi.record(fcgi.BEGIN, b"\0\1") + WHOLE[16:],
    "request id 0": b"".join(b"\1\1\0\0\0\x08\0\0" + BEGIN[8:] for _ in range(3)),
    "no begin": WHOLE[16:],
    "stdin first": fcgi.record(fcgi.STDIN, b"x") + WHOLE,
    "stdin in the place of params": BEGIN + fcgi.chunked(fcgi.STDIN, b"x"),
    "two begins": BEGIN + BEGIN + WHOLE[16:],
    "another request's params": BEGIN + fcgi.record(fcgi.PARAMS, PARAMS, 9) + WHOLE[16:],
    "cut off in the params": WHOLE[:40],
    "no end of stdin": WHOLE[:-8],
    "a name of 2 GiB": BEGIN + fcgi.record(fcgi.PARAMS, long_pair(0x7FFFFFFF, 0x7FFFFFFF)) + WHOLE[16:],
    "lengths that overflow": BEGIN + fcgi.chunked(fcgi.PARAMS, long_pair(0x7FFFFFFF, 1, b"x" * 500)) + fcgi.record(fcgi.STDIN),
    "a pair that is cut off": BEGIN + fcgi.chunked(fcgi.PARAMS, PARAMS + b"\x05\x05ab") + fcgi.record(fcgi.STDIN),
    "a length that is cut off": BEGIN + fcgi.chunked(fcgi.PARAMS, PARAMS + b"\x80") + fcgi.record(fcgi.STDIN),
    "an empty name": BEGIN + fcgi.chunked(fcgi.PARAMS, b"\0\1x" + PARAMS) + fcgi.record(fcgi.STDIN),
    "a megabyte of params": BEGIN + fcgi.chunked(fcgi.PARAMS, PARAMS + fcgi.pair(b"X", b"y" * 1000000)),
    "params without an end": BEGIN + fcgi.record(fcgi.PARAMS, fcgi.pair(b"A", b"b")) * 30000,
    # libfcgi writes the answer to this on 64 bytes of its stack, as many names as may come
    "many names asked": fcgi.record(9, fcgi.pair(b"FCGI_MAX_CONNS", b"") * 200, 0) + WHOLE,
    "many names asked in the params": BEGIN + fcgi.record(9, fcgi.pair(b"FCGI_MAX_REQS", b"") * 200, 0) + WHOLE[16:],
    "many names asked in the body": WHOLE[:-8] + fcgi.record(9, fcgi.pair(b"FCGI_MPXS_CONNS", b"") * 200, 0) + WHOLE[-8:],
    "unknown management": fcgi.record(200, b"x" * 1000, 0) + WHOLE,
    "aborted": BEGIN + fcgi.record(fcgi.ABORT) + WHOLE[16:],
    "aborted in the body": WHOLE[:-8] + fcgi.record(fcgi.STDIN, b"x") + fcgi.record(fcgi.ABORT),
    # padding after an empty record is read by libfcgi as the next record's header
    "padding where libfcgi takes it for a header": b"\1\1\0\1\0\x08\x08\0" + BEGIN[8:] + b"\1\1\0\1\0\x08\0\0" + WHOLE[16:],
}


@pytest.mark.parametrize("what", GARBAGE)
def test_garbage_is_closed_and_harms_nobody(unharmed, what):
    got = say(unharmed, GARBAGE[what])
    assert b"Status: 200" not in got


def test_random_records_harm_nobody(unharmed):
    dice = random.Random(4711)
    for _ in range(300):
        data = bytearray(WHOLE)
        for _ in range(dice.randint(1, 6)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        if dice.random() < 0.3:
            del data[dice.randrange(len(data)):]
        say(unharmed, bytes(data))


def test_a_request_may_come_byte_by_byte(unharmed):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(5)
        sock.connect(unharmed.socket)
        for byte in WHOLE:
            sock.send(bytes([byte]))
        assert b"Status: 200 OK" in sock.recv(65536)


def test_a_body_in_many_records_is_put_together(instance):
    tenant = instance.tenant()
    body = b'{"tenant_id":"%s","query":"%s"}' % (tenant.id.encode(), b"battery " * 200)
    head = (BEGIN + fcgi.chunked(fcgi.PARAMS, fcgi.params("POST", "/v1/search", body, {"Content-Type": "application/json"})))
    for size in (1, 7, 1000):
        assert b"Status: 200" in say(instance, head + fcgi.chunked(fcgi.STDIN, body, size)), size
    # padding is for alignment and may come with any record that has content
    padded = b"".join(b"\1\5\0\1" + struct.pack("!HBB", 1, 7, 0) + body[i:i + 1] + b"p" * 7 for i in range(len(body)))
    assert b"Status: 200" in say(instance, head + padded + fcgi.record(fcgi.STDIN))


def test_a_body_that_is_cut_off_is_400(instance):
    body = b'{"tenant_id":"x","query":"y"}'
    for length in (len(body) + 5, len(body) - 5):
        params = fcgi.params("POST", "/v1/search", body, {"Content-Type": "application/json"}, CONTENT_LENGTH=str(length))
        got = say(instance, BEGIN + fcgi.chunked(fcgi.PARAMS, params) + fcgi.chunked(fcgi.STDIN, body))
        assert b"Status: 400" in got, length
    for length in ("x", "-1", "99999999999999999999"):
        params = fcgi.params("POST", "/v1/search", body, {"Content-Type": "application/json"}, CONTENT_LENGTH=length)
        assert b"Status: 400" in say(instance, BEGIN + fcgi.chunked(fcgi.PARAMS, params) + fcgi.chunked(fcgi.STDIN, body))


def test_a_huge_body_is_413_before_it_is_all_there(instance):
    params = fcgi.params("POST", "/v1/query", b"", {"Content-Type": "application/json"}, CONTENT_LENGTH=str(10**9))
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(10)
        sock.connect(instance.socket)
        sock.sendall(BEGIN + fcgi.chunked(fcgi.PARAMS, params) + fcgi.record(fcgi.STDIN, b"x" * 60000) * 2)
        assert b"Status: 413" in sock.recv(65536)


def test_a_kept_connection_serves_many_requests(unharmed):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(5)
        sock.connect(unharmed.socket)
        for _ in range(20):
            sock.sendall(fcgi.whole_request("GET", "/v1/health", flags=1))
            got = b""
            while not fcgi.ended(got):
                more = sock.recv(65536)
                assert more
                got += more
            assert b"Status: 200 OK" in got


def test_idle_connections_hold_no_thread(unharmed):
    """Many more than threads: kept ones, and ones that never say a word."""
    held = []
    try:
        for kept in (True, False) * 20:
            sock = socket.socket(socket.AF_UNIX)
            sock.settimeout(5)
            sock.connect(unharmed.socket)
            held.append(sock)
            if kept:
                sock.sendall(fcgi.whole_request("GET", "/v1/health", flags=1))
                assert sock.recv(65536)
        began = time.monotonic()
        for _ in range(50):
            assert unharmed.fcgi("GET", "/v1/health").status == 200
        assert time.monotonic() - began < 5
    finally:
        for sock in held:
            sock.close()


def test_half_a_request_holds_no_thread(unharmed):
    held = []
    try:
        for cut in (1, 9, 20, 60, len(WHOLE) - 8, len(WHOLE) - 1) * 4:
            sock = socket.socket(socket.AF_UNIX)
            sock.settimeout(5)
            sock.connect(unharmed.socket)
            sock.sendall(WHOLE[:cut])
            held.append((sock, cut))
        began = time.monotonic()
        for _ in range(50):
            assert unharmed.fcgi("GET", "/v1/health").status == 200
        assert time.monotonic() - began < 5
        for sock, cut in held:    # and the other half makes it whole
            sock.sendall(WHOLE[cut:])
            assert b"Status: 200 OK" in sock.recv(65536), cut
    finally:
        for sock, _ in held:
            sock.close()


def test_a_client_that_goes_away_leaves_nothing_open(unharmed):
    pid = max(line["pid"] for line in unharmed.log() if line["event"] == "worker_ready")

    def descriptors():
        return len(os.listdir("/proc/%d/fd" % pid))
    before = descriptors()
    for cut in range(0, len(WHOLE), 3):
        say(unharmed, WHOLE[:cut])
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(unharmed.socket)
        sock.sendall(WHOLE)
    wait_until(lambda: descriptors() <= before, "the descriptors' end")
