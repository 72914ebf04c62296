"""Read from the API server with only the standard library."""

import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SECONDS = 5


@dataclass(frozen=True)
class KubeApi:
    """The API server, with the rights of the administrator."""

    server: str
    pki: Path

    def text(self, path: str) -> str | None:
        """Return the body of a GET. Return None if the server does not answer, or if the status is not 200."""
        try:
            # No proxy: the server is on this machine, whatever the environment configures.
            opener = urllib.request.build_opener(
                urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self._context())
            )
            with opener.open(f"{self.server}{path}", timeout=SECONDS) as answer:
                body: bytes = answer.read()
                return body.decode()
        except (urllib.error.URLError, OSError):
            return None

    def read(self, path: str) -> dict[str, Any] | None:
        """Return an object. Return None if it does not exist or if the server does not answer."""
        body = self.text(path)
        return json.loads(body) if body else None

    @property
    def ready(self) -> bool:
        """Whether the server reports that it is ready."""
        return self.text("/readyz") == "ok"

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.pki / "ca.crt"))
        context.load_cert_chain(self.pki / "admin.crt", self.pki / "admin.key")
        return context
