"""The HTTP server of /healthz, /readyz and /metrics.

The server runs in separate threads. It starts before everything else, and on standbys too.
"""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from videoimport.controller.telemetry.liveness import Vitals

_TEXT = "text/plain; version=0.0.4; charset=utf-8"
Page = Callable[[], tuple[int, bytes]]


def serve(port: int, vitals: Vitals, registry: CollectorRegistry) -> ThreadingHTTPServer:
    """Start the server in a background thread and return the server. Raises OSError if the port is occupied."""
    server = ThreadingHTTPServer(("", port), _handler(pages(vitals, registry)))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server


def pages(vitals: Vitals, registry: CollectorRegistry) -> dict[str, Page]:
    """Return a function for each path. Each function returns the HTTP status and the body."""
    return {
        "/healthz": lambda: _judged(vitals.trouble()),
        "/readyz": lambda: _judged(vitals.unready()),
        "/metrics": lambda: (200, generate_latest(registry)),
    }


def _judged(trouble: str | None) -> tuple[int, bytes]:
    return (503, f"{trouble}\n".encode()) if trouble else (200, b"ok\n")


def _handler(known: dict[str, Page]) -> type[BaseHTTPRequestHandler]:
    class PageHandler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = known.get(self.path.partition("?")[0], lambda: (404, b"not found\n"))
            status, body = page()
            self.send_response(status)
            self.send_header("Content-Type", _TEXT)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing, because each probe would write a line."""

    return PageHandler
