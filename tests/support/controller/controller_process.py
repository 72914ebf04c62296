"""The controller as a real process, with its log at hand."""

import itertools
import json
import os
import random
import signal
import socket
from dataclasses import dataclass, field
from pathlib import Path

import requests

from support.controller.api_server import await_until
from support.loaded_process import LoadedProcess, preload
from support.waiting import LONGEST_SECONDS

QUICK = {
    "VIDEOIMPORT_WORKER_IMAGE": "videoimport-worker:test",
    "VIDEOIMPORT_LEADER_ELECTION": "false",
    "VIDEOIMPORT_RELIST_SECONDS": "300",
    "VIDEOIMPORT_TAIL_SECONDS": "3600",  # no kubelet, no logs
    "VIDEOIMPORT_WRITE_SECONDS": "0.2",
    "VIDEOIMPORT_BACKOFF_SECONDS": "0.2",
    "VIDEOIMPORT_BACKOFF_CAP_SECONDS": "1",
    "VIDEOIMPORT_WEBHOOK_BACKOFF_SECONDS": "0.2",
    "VIDEOIMPORT_WEBHOOK_BACKOFF_CAP_SECONDS": "1",
}
preload("videoimport.controller.__main__", "kubernetes.aio.client", "kubernetes.aio.config")


@dataclass
class Controller:
    """Starts at ``start``; a context manager ends it."""

    kubeconfig: Path
    log: Path
    environment: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=lambda: free_port())
    process: LoadedProcess | None = None

    def start(self) -> "Controller":
        """Without waiting for anything."""
        with self.log.open("ab") as sink:
            self.process = LoadedProcess(
                "videoimport.controller.__main__", [], os.environ | self.variables, output=sink
            )
        return self

    @property
    def variables(self) -> dict[str, str]:
        """The environment it is given."""
        return {
            **QUICK,
            "KUBECONFIG": str(self.kubeconfig),
            "VIDEOIMPORT_PORT": str(self.port),
            **self.environment,
        }

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def ready(self) -> "Controller":
        """Wait until it says so, as a leader."""
        await_until("the controller's readiness", lambda: self.page("/readyz") and self.leads, explain=self.tail)
        return self

    @property
    def leads(self) -> bool:
        """By its own word."""
        return '"event": "leading"' in self.log.read_text()

    def page(self, path: str) -> str | None:
        """The text of a page that is answered with 200."""
        try:
            answer = requests.get(f"http://127.0.0.1:{self.port}{path}", timeout=5)
        except requests.RequestException:  # not up yet, or too busy to answer
            assert self.process is None or self.process.poll() is None, f"the controller has ended. {self.tail()}"
            return None
        return answer.text if answer.ok else None

    def tell(self, number: signal.Signals) -> int:
        """Send a signal and wait for the exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(LONGEST_SECONDS)

    def kill(self) -> None:
        """As kill -9 does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def tail(self, lines: int = 30) -> str:
        """The end of its log."""
        return "log:\n" + "\n".join(self.log.read_text().splitlines()[-lines:]) if self.log.exists() else "no log"

    def __enter__(self) -> "Controller":
        return self if self.process else self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.process = None


def through(port: int, path: Path) -> Path:
    """A kubeconfig for a controller that speaks to a proxy on this machine."""
    return written(path, f"http://127.0.0.1:{port}", {})


def written(path: Path, server: str, user: dict[str, str], ca: str | None = None) -> Path:
    """A kubeconfig."""
    cluster = {"server": server} | ({"certificate-authority": ca} if ca else {})
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "test", "user": user}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
    }
    path.write_text(json.dumps(content))
    return path


_ports = itertools.count(random.randrange(20_000, 30_000))
"""Below those that the system gives to outgoing connections, which would take them in between."""


def free_port() -> int:
    """One that nobody listens on, and that is given out once."""
    for port in _ports:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise AssertionError("unreachable: the count has no end")
