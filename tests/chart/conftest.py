"""The chart, rendered by the helm that `hack/cluster` builds."""

import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
Manifest = dict[str, Any]
Render = Callable[..., list[Manifest]]


@pytest.fixture(scope="session")
def helm() -> str:
    found = subprocess.run([sys.executable, "hack/cluster", "tool", "helm"], cwd=ROOT, capture_output=True, text=True)
    assert found.returncode == 0, f"helm could not be built: {found.stderr}"
    return found.stdout.strip()


@pytest.fixture(scope="session")
def template(helm: str) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    @cache
    def run(*settings: str) -> "subprocess.CompletedProcess[str]":
        words = [word for setting in settings for word in ("--set-json", setting)]
        command = [helm, "template", "release", "charts/videoimport", "--namespace", "system", *words]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    return run


@pytest.fixture(scope="session")
def render(template: Callable[..., "subprocess.CompletedProcess[str]"]) -> Render:
    def run(*settings: str) -> list[Manifest]:
        rendered = template(*settings)
        assert rendered.returncode == 0, rendered.stderr
        return [manifest for manifest in yaml.safe_load_all(rendered.stdout) if manifest]

    return run
