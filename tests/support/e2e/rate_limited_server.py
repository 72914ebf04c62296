"""The limited site itself, run in a pod: gives TAKES answers, then 429 until it got no request for QUIET_SECONDS."""

import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TAKES = 10
QUIET_SECONDS = 8.0


class RequestBudget:
    """How many more requests it takes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left = TAKES
        self._refused: float | None = None
        """When it last answered 429; None while it answers all requests."""

    def takes(self) -> bool:
        with self._lock:
            now = time.monotonic()
            if self._refused is not None and now - self._refused > QUIET_SECONDS:
                self._left, self._refused = TAKES, None
            if self._left == 0:
                self._refused = now
                return False
            self._left -= 1
            return True


def serve(video: bytes, port: int) -> None:
    patience = RequestBudget()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status = 200 if patience.takes() else 429
            sys.stdout.write(f"{time.time():.3f} {status} {self.path}\n")
            sys.stdout.flush()
            body = video if status == 200 else b""
            self.send_response(status)
            self.send_header("Content-Type", "video/mp4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    ThreadingHTTPServer(("", port), Handler).serve_forever()


if __name__ == "__main__":
    with urllib.request.urlopen(sys.argv[1]) as answer:
        serve(answer.read(), int(sys.argv[2]))
