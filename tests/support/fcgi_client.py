"""A FastCGI client of a few lines, for what no web server would send."""
# SPDX-License-Identifier: GPL-3.0-or-later
import socket
import struct

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR = 1, 2, 3, 4, 5, 6, 7


def record(kind, content=b"", request_id=1):
    """One record, without padding."""
    return struct.pack("!BBHHBB", 1, kind, request_id, len(content), 0, 0) + content


def pair(name, value):
    """A name-value pair; lengths over 127 take four bytes."""
    out = b""
    for text in (name, value):
        out += bytes([len(text)]) if len(text) < 128 else struct.pack("!I", len(text) | 1 << 31)
    return out + name + value


def params(method, uri, body=b"", headers=None, **more):
    """The parameters a web server sends, as one record's content."""
    path, _, query = uri.partition("?")
    fields = {"REQUEST_METHOD": method, "REQUEST_URI": uri, "SCRIPT_NAME": "", "PATH_INFO": path,
              "QUERY_STRING": query, "SERVER_PROTOCOL": "HTTP/1.1", "SERVER_NAME": "localhost",
              "SERVER_PORT": "80", "REMOTE_ADDR": "127.0.0.1", "CONTENT_LENGTH": str(len(body))}
    for name, value in (headers or {}).items():
        name = name.upper().replace("-", "_")
        fields[name if name == "CONTENT_TYPE" else "HTTP_" + name] = value
    fields.update(more)
    return b"".join(pair(k.encode(), v if isinstance(v, bytes) else v.encode())
                    for k, v in fields.items())


def chunked(kind, content, size=60000):
    """A stream: its records and the empty one that ends it."""
    parts = [content[i:i + size] for i in range(0, len(content), size)]
    return b"".join(record(kind, part) for part in parts) + record(kind)


def exchange(path, data, timeout=30):
    """Send raw bytes to the socket; all that comes back until it closes or the request ends."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(timeout)
        sock.connect(path)
        try:
            sock.sendall(data)
        except BrokenPipeError:
            pass
        got = b""
        while not ended(got):
            more = sock.recv(65536)
            if not more:
                break
            got += more
    return got


def records(data):
    """(kind, content) of each whole record."""
    at = 0
    while at + 8 <= len(data):
        _, kind, _, length, padding, _ = struct.unpack("!BBHHBB", data[at:at + 8])
        if at + 8 + length + padding > len(data):
            return
        yield kind, data[at + 8:at + 8 + length]
        at += 8 + length + padding


def ended(data):
    return any(kind == END for kind, _ in records(data))


def output(data):
    return b"".join(content for kind, content in records(data) if kind == STDOUT)


def whole_request(method, uri, body=b"", headers=None, flags=0, **more):
    """The records of a request. flags 1 is FCGI_KEEP_CONN."""
    return (record(BEGIN, struct.pack("!HB5x", 1, flags))
            + chunked(PARAMS, params(method, uri, body, headers, **more)) + chunked(STDIN, body))


def request(path, method, uri, body=b"", headers=None, timeout=30, **more):
    """A whole request; gives (status, headers with lower-case names, body)."""
    data = whole_request(method, uri, body, headers, **more)
    got = exchange(path, data, timeout)
    if not ended(got):
        raise ConnectionError("no whole answer: %d bytes" % len(got))
    head, _, content = output(got).partition(b"\r\n\r\n")
    fields = {}
    for line in head.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        fields[name.strip().lower()] = value.strip()
    return int(fields.get("status", "200").split()[0]), fields, content
