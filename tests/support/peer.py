"""A scripted HTTP server: records what it is asked, answers what the test says."""
# SPDX-License-Identifier: GPL-3.0-or-later
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Recorded:
    """A request as it came: method, path, headers (lower-case names), body."""

    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body

    def json(self):
        return json.loads(self.body)


class HttpPeer:
    """peer.answer is called with each Recorded request and gives (status, headers, body), or
    None to close the connection without a word. peer.requests has all of them."""

    def __init__(self):
        self.requests = []
        self.delay = 0.0
        self.answer = lambda request: (200, {}, b"{}")
        peer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                length = int(self.headers.get("Content-Length") or 0)
                headers = {k.lower(): v for k, v in self.headers.items()}
                request = Recorded(self.command, self.path, headers, self.rfile.read(length))
                peer.requests.append(request)
                if peer.delay:
                    time.sleep(peer.delay)
                reply = peer.answer(request)
                if reply is None:
                    self.close_connection = True
                    return
                status, extra, body = reply
                if isinstance(body, (dict, list)):
                    body = json.dumps(body).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **extra}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = "http://127.0.0.1:%d" % self.server.server_port

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exc):
        self.server.shutdown()
        self.server.server_close()
