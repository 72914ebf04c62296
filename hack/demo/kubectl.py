"""Run kubectl with the arguments that a person would type."""

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
    """Runs kubectl with one kubeconfig and one namespace."""

    binary: str
    kubeconfig: str
    namespace: str

    @classmethod
    def of_cluster(cls, namespace: str) -> "Kubectl":
        """Return an object for the running cluster. Raise CalledProcessError if no cluster runs."""
        path = subprocess.run(cluster("kubeconfig"), check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        return cls(tool("kubectl"), path, namespace)

    def argv(self, *words: str) -> list[str]:
        """Return the whole argument list."""
        return [self.binary, "--kubeconfig", self.kubeconfig, "--namespace", self.namespace, *words]

    def logged(self, log: Path, *words: str, text: str | None = None) -> None:
        """Run kubectl with its output in a log file. Raise CommandFailed."""
        run(self.argv(*words), log=log, text=text)

    def shown(self, *words: str) -> None:
        """Print the command as a person would type it, then run the command with its output on the terminal."""
        print(f"\n$ kubectl -n {self.namespace} {' '.join(words)}", flush=True)
        subprocess.run(self.argv(*words), check=True)

    def json(self, *words: str) -> dict[str, Any]:
        """Return the parsed output of a `get`. Raise CalledProcessError."""
        got = subprocess.run(self.argv(*words, "--output", "json"), check=True, stdout=subprocess.PIPE, text=True)
        parsed: dict[str, Any] = json.loads(got.stdout)
        return parsed

    def exists(self, *words: str) -> bool:
        """Return whether a `get` finds an object."""
        got = subprocess.run(self.argv("get", *words, "--ignore-not-found", "--output", "name"), capture_output=True)
        return got.returncode == 0 and bool(got.stdout.strip())

    @contextmanager
    def forwarded(self, target: str, port: int) -> Iterator[int]:
        """Forward a free local port to the port of ``target`` while the context lasts."""
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
