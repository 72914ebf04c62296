"""Paths in the checkout that the demo uses, and names of the demo's objects."""

import hashlib
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
MANIFESTS = ROOT / "hack/demo/manifests"
EXAMPLE = ROOT / "examples/bulkimport.yaml"
BUILD = ROOT / "build"
SYSTEM_NAMESPACE = "videoimport-system"
NAMESPACE = "demo"
BULK = "course"
BUCKET = "videos"
ACCESS_KEY, SECRET_KEY = "demo-access-key", "demo-secret-key"
"""Credentials of a temporary object store that only this cluster can reach."""

_OPERATOR_INPUTS = ("operator", "locks", "pyproject.toml", "README.md", ".dockerignore")


def cluster(*words: str) -> list[str]:
    """Return the argument list of a `hack/cluster` command."""
    return [sys.executable, str(ROOT / "hack/cluster"), *words]


@cache
def image_tag(name: str) -> str:
    """Return an image tag that depends on all content of the image, so that an unchanged image is not built again.

    The tag is computed once. If a file changes while the demo runs, the image keeps its name.
    """
    inputs = [ROOT / path for path in (*_OPERATOR_INPUTS, f"images/{name}")]
    return _digest(path for top in inputs for path in ([top] if top.is_file() else sorted(top.rglob("*"))))


def demo_image_tag(context: Path) -> str:
    """Return the tag of the demo's own image, whose build context is made from the footage and the tools."""
    return _digest(sorted(context.rglob("*")))


def _digest(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(str(path.name).encode() + b"\0" + path.read_bytes())
    return f"dev-{digest.hexdigest()[:12]}"


def tool(name: str) -> str:
    """Return the path of a tool that `hack/cluster` builds or finds."""
    return subprocess.run(cluster("tool", name), check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
