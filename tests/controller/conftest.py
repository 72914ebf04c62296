"""A real control plane (etcd, API server, controller manager) with our resources in it; a namespace a test."""

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from support.controller.api_server import ApiServer, Raw, await_until, background, refuses
from support.controller.api_server_proxy import ApiServerProxy
from support.controller.controller_process import Controller, through
from support.controller.fake_kubelet import FakeKubelet
from support.controller.manifests import video

ROOT = Path(__file__).resolve().parent.parent.parent

CONTROL_PLANE = os.environ.get("VIDEOIMPORT_TEST_CONTROL_PLANE", "controller-tests")
"""Name it otherwise to run the tests of two checkouts at once: they install different resource definitions."""
CLUSTER = [sys.executable, str(ROOT / "hack/cluster"), "--name", CONTROL_PLANE]


def run_cluster(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*CLUSTER, *words], cwd=ROOT, capture_output=True, text=True)


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """The control plane; taken down again only if it was not up before."""
    was_up = run_cluster("status").returncode == 0
    up = run_cluster("up", "--control-plane-only")
    assert up.returncode == 0, f"the control plane could not be brought up: {up.stderr or up.stdout}"
    try:
        server = ApiServer(Path(run_cluster("kubeconfig").stdout.strip()), tmp_path_factory.mktemp("admin"))
        for file in sorted((ROOT / "crds").glob("*.yaml")):
            server.apply_definition(yaml.safe_load(file.read_text()))
        for manifest in yaml.safe_load_all((ROOT / "crds/admission/metadata.yaml").read_text()):
            server.apply_policy(manifest)
        await_until("the admission policy to be in force", lambda: refuses(server, a_video_with_a_duration()))
        yield server
    finally:
        if not was_up:
            run_cluster("down")


def a_video_with_a_duration() -> dict[str, object]:
    return video("default", metadata={"duration": 1})


@pytest.fixture(scope="session")
def render() -> Callable[..., list[Raw]]:
    """The chart's manifests in a namespace, with values as JSON."""
    found = subprocess.run([sys.executable, "hack/cluster", "tool", "helm"], cwd=ROOT, capture_output=True, text=True)
    assert found.returncode == 0, f"helm could not be built: {found.stderr}"

    def run(namespace: str, *settings: str) -> list[Raw]:
        command = [found.stdout.strip(), "template", namespace, "charts/videoimport", "--namespace", namespace]
        command += [word for setting in settings for word in ("--set-json", setting)]
        rendered = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert rendered.returncode == 0, rendered.stderr
        return [manifest for manifest in yaml.safe_load_all(rendered.stdout) if manifest]

    return run


@pytest.fixture
def namespace(api: ApiServer) -> Iterator[str]:
    """Empty at first; deleted afterwards, without waiting for it."""
    with api.namespace(f"test-{uuid.uuid4().hex[:8]}") as name:
        yield name


@pytest.fixture
def proxy(api: ApiServer) -> Iterator[ApiServerProxy]:
    with ApiServerProxy(api).running() as running:
        yield running


@pytest.fixture
def controller(proxy: ApiServerProxy, namespace: str, tmp_path: Path) -> Iterator[Controller]:
    """Behind the proxy, for this namespace only; not started yet."""
    made = Controller(
        kubeconfig=through(proxy.port, tmp_path / "kubeconfig"),
        log=tmp_path / "controller.log",
        environment={"VIDEOIMPORT_WATCH_NAMESPACES": f'["{namespace}"]'},
    )
    try:
        yield made
    finally:
        made.kill()


@pytest.fixture
def kubelet(api: ApiServer, namespace: str) -> Iterator[FakeKubelet]:
    acting = FakeKubelet(api, namespace)
    with background("fake kubelet", acting.run):
        yield acting


@pytest.fixture
def started(controller: Controller) -> Callable[..., Controller]:
    """Start the controller, with further variables, and wait until it leads."""

    def start(**environment: str) -> Controller:
        controller.environment.update(environment)
        return controller.start().ready()

    return start
