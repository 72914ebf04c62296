"""kubectl, as a person would type it."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.commands import run
from demo.places import cluster, tool


@dataclass(frozen=True)
class Kubectl:
    """kubectl bound to one kubeconfig and one namespace."""

    binary: str
    kubeconfig: str
    namespace: str

    @classmethod
    def of_cluster(cls, namespace: str) -> "Kubectl":
        """For the cluster that is up. Raises CalledProcessError when none is."""
        path = subprocess.run(cluster("kubeconfig"), check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        return cls(tool("kubectl"), path, namespace)

    def argv(self, *words: str) -> list[str]:
        """The whole argument list."""
        return [self.binary, "--kubeconfig", self.kubeconfig, "--namespace", self.namespace, *words]

    def logged(self, log: Path, *words: str, text: str | None = None) -> None:
        """Run with its output in a log file. Raises CommandFailed."""
        run(self.argv(*words), log=log, text=text)

    def shown(self, *words: str) -> None:
        """Print the command as a person would type it, then let it print."""
        print(f"\n$ kubectl -n {self.namespace} {' '.join(words)}", flush=True)
        subprocess.run(self.argv(*words), check=True)

    def json(self, *words: str) -> dict[str, Any]:
        """The parsed answer of a `get`. Raises CalledProcessError."""
        got = subprocess.run(self.argv(*words, "--output", "json"), check=True, stdout=subprocess.PIPE, text=True)
        parsed: dict[str, Any] = json.loads(got.stdout)
        return parsed

    def exists(self, *words: str) -> bool:
        """Whether a `get` finds something."""
        got = subprocess.run(self.argv("get", *words, "--ignore-not-found", "--output", "name"), capture_output=True)
        return got.returncode == 0 and bool(got.stdout.strip())

    @contextmanager
    def forwarded(self, target: str, port: int) -> Iterator[int]:
        """A free local port that leads to ``target``'s port while the context lasts."""
        words = self.argv("port-forward", "--address", "127.0.0.1", target, f":{port}")
        with subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ
        ) as child:
            try:
                yield _local_port(child)
            finally:
                child.terminate()


def _local_port(child: "subprocess.Popen[str]") -> int:
    assert child.stdout is not None
    for line in child.stdout:
        if found := re.search(r"127\.0\.0\.1:(\d+) ->", line):
            return int(found[1])
    raise RuntimeError("kubectl port-forward ended before it listened")
