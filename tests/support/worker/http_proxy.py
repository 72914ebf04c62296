"""A real HTTP proxy on a loopback address of its own, so that leave for it is no leave for anything else."""

import http.client
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from support.local_server import LocalServer, QuietHandler

NETWORK = "127.0.0.2/32"
"""To be allowed deliberately: a proxy obeys the rule for sources."""


class HttpProxy(LocalServer):
    """Forwards whatever is asked of it, and remembers it."""

    address = "127.0.0.2"

    def __init__(self) -> None:
        self.asked = list[tuple[str, str | None]]()

    def handler(self) -> type[BaseHTTPRequestHandler]:
        asked = self.asked

        class Handler(QuietHandler):
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

            do_HEAD = do_POST = do_GET

        return Handler

    @property
    def url(self) -> str:
        """With a login."""
        return f"http://ann:hunter2@{self.address}:{self.port}"
