"""A real HTTP proxy on a loopback address of its own, so that leave for it is no leave for anything else."""

import http.client
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

NETWORK = "127.0.0.2/32"
"""To be allowed deliberately: a proxy obeys the rule for sources."""


class HttpProxy:
    """Forwards whatever is asked of it, and remembers it."""

    def __init__(self) -> None:
        asked = self.asked = list[tuple[str, str | None]]()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append((self.path, self.headers.get("Proxy-Authorization")))
                parts = urlsplit(self.path)
                far = http.client.HTTPConnection(parts.hostname or "", parts.port)
                own = {name: value for name, value in self.headers.items() if not name.lower().startswith("proxy-")}
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))) or None
                far.request(self.command, parts._replace(scheme="", netloc="").geturl(), body, own)
                answer = far.getresponse()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.read())

            do_HEAD = do_POST = do_GET  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.2", 0), Handler)
        self.server.daemon_threads = True
        Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        self.url = f"http://ann:hunter2@127.0.0.2:{self.server.server_port}"

    def __enter__(self) -> "HttpProxy":
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
