"""A file from this machine through the API server, by a tus client that we did not write."""

import hashlib
import http.client
import secrets
import subprocess
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError

from demo.backends import CONTEXT
from demo.kubectl import Kubectl
from support.e2e.cluster_state import Resource, apply, await_state, finished, names, pod_of
from support.e2e.manifests import destination
from support.waiting import LONGEST_SECONDS, until
from support.worker import tus_js_client
from support.worker.cutting_proxy import CuttingProxy
from videoimport.api.labels import IMPORT, UPLOAD_SESSION
from videoimport.api.tasks.import_task import UPLOAD_PORT

CLIP = CONTEXT / "site/compliant.mp4"
COLLECTION = "/files"


def wish(name: str, **source: Any) -> Resource:
    upload = {"filename": CLIP.name, "size": CLIP.stat().st_size, **source}
    spec = {"source": {"upload": upload}, "destination": destination(f"uploads/{name}"), "incremental": False}
    return {"apiVersion": "videoimport.io/v1alpha1", "kind": "VideoImport", "metadata": {"name": name}, "spec": spec}


def open_session(kubectl: Kubectl, name: str) -> str:
    """The token of a new session."""
    token = secrets.token_hex(32)
    session = f"{UPLOAD_SESSION}={hashlib.sha256(token.encode()).hexdigest()}"
    words = kubectl.argv("annotate", "--overwrite", "videoimport", name, session)
    subprocess.run(words, check=True, capture_output=True)
    return token


def pods(kubectl: Kubectl, name: str) -> list[str]:
    return names(kubectl, "pods", "--selector", f"{IMPORT}={name}")


def send(kubectl: Kubectl, name: str, token: str) -> None:
    """Send the clip, as soon as the worker listens."""
    pod = f"pod/{pod_of(kubectl, name)['metadata']['name']}"
    headers = {"Authorization": f"Bearer {token}"}
    deadline = time.monotonic() + 300
    while True:
        with kubectl.forwarded(pod, UPLOAD_PORT) as port:
            try:
                uploader = TusClient(f"http://127.0.0.1:{port}{COLLECTION}", headers).uploader(
                    str(CLIP), chunk_size=2**20
                )
                uploader.upload()
            except (OSError, TusCommunicationError):  # the worker listens a few seconds after its pod has started
                if time.monotonic() > deadline:
                    raise
                continue
            return


@pytest.fixture(scope="module")
def uploaded(kubectl: Kubectl) -> Resource:
    """An import that waited without a pod, and then got its file."""
    apply(kubectl, wish("upload-clip", sha256=hashlib.sha256(CLIP.read_bytes()).hexdigest()))
    await_state(kubectl, "vi/upload-clip", lambda found: _reason(found) == "WaitingForUpload", "waiting for its file")
    assert pods(kubectl, "upload-clip") == []
    send(kubectl, "upload-clip", open_session(kubectl, "upload-clip"))
    return finished(kubectl, "vi/upload-clip")


def _reason(resource: Resource) -> Any:
    return resource.get("status", {}).get("reason")


def test_file_is_imported_with_its_hash(uploaded: Resource) -> None:
    status = uploaded["status"]
    assert (status["phase"], status["source"]["type"]) == ("Completed", "Upload")
    assert status["source"]["sha256"] == hashlib.sha256(CLIP.read_bytes()).hexdigest()


def test_other_session_replaces_the_first(kubectl: Kubectl) -> None:
    apply(kubectl, wish("upload-twice"))
    open_session(kubectl, "upload-twice")
    pod_of(kubectl, "upload-twice")
    token = open_session(kubectl, "upload-twice")
    await_state(kubectl, "vi/upload-twice", lambda found: found["status"].get("run") == 2, "in its second run")
    until(lambda: len(pods(kubectl, "upload-twice")) == 1)
    send(kubectl, "upload-twice", token)
    assert finished(kubectl, "vi/upload-twice")["status"]["phase"] == "Completed"


def forwarded(kubectl: Kubectl, name: str) -> AbstractContextManager[int]:
    return kubectl.forwarded(f"pod/{pod_of(kubectl, name)['metadata']['name']}", UPLOAD_PORT)


def await_listener(kubectl: Kubectl, name: str) -> None:
    """Wait until the worker answers. `kubectl port-forward` ends when nothing listens, so each try needs its own."""

    def listens() -> bool:
        with forwarded(kubectl, name) as port:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            try:
                connection.request("OPTIONS", COLLECTION)
                return connection.getresponse().status == 204
            except (OSError, http.client.HTTPException):
                return False

    until(listens)


def is_clip(imported: Resource) -> bool:
    digest = hashlib.sha256(CLIP.read_bytes()).hexdigest()
    return (imported["status"]["phase"], imported["status"]["source"]["sha256"]) == ("Completed", digest)


def test_tuspy_continues_through_another_port_forward(kubectl: Kubectl) -> None:
    apply(kubectl, wish("upload-tuspy"))
    headers = {"Authorization": f"Bearer {open_session(kubectl, 'upload-tuspy')}"}
    await_listener(kubectl, "upload-tuspy")
    half = CLIP.stat().st_size // 2
    with forwarded(kubectl, "upload-tuspy") as port:
        first = TusClient(f"http://127.0.0.1:{port}{COLLECTION}", headers).uploader(str(CLIP), chunk_size=half)
        first.upload_chunk()
    with forwarded(kubectl, "upload-tuspy") as port, CuttingProxy(f"127.0.0.1:{port}", (half // 2,)) as proxy:
        client = TusClient(proxy.endpoint + COLLECTION, headers)
        again = client.uploader(str(CLIP), url=f"{proxy.endpoint}/files/upload", retries=20, retry_delay=0)
        assert again.offset == half
        again.upload()
        assert proxy.cuts_left == 0
    assert is_clip(finished(kubectl, "vi/upload-tuspy"))


def test_tus_js_client_continues_through_another_port_forward(kubectl: Kubectl, tmp_path: Path) -> None:
    apply(kubectl, wish("upload-tus-js"))
    token, notes = open_session(kubectl, "upload-tus-js"), tmp_path / "notes.json"
    await_listener(kubectl, "upload-tus-js")
    size = CLIP.stat().st_size
    with (
        forwarded(kubectl, "upload-tus-js") as port,
        CuttingProxy(f"127.0.0.1:{port}", (size // 2,), holds=True) as proxy,
    ):
        killed = tus_js_client.start(proxy.endpoint + COLLECTION, token, CLIP, notes, size)
        assert proxy.is_holding.wait(LONGEST_SECONDS)
        killed.kill()
        killed.communicate()
    with forwarded(kubectl, "upload-tus-js") as port, CuttingProxy(f"127.0.0.1:{port}", (size // 4,)) as proxy:
        again = tus_js_client.start(proxy.endpoint + COLLECTION, token, CLIP, notes, size)
        out, log = again.communicate(timeout=LONGEST_SECONDS)
        assert (again.returncode, out) == (0, "continues\nsent\n"), log
        assert proxy.cuts_left == 0
    assert is_clip(finished(kubectl, "vi/upload-tus-js"))


@pytest.mark.parametrize(
    ("role", "verb", "resource", "may"),
    [
        ("videoimport-uploader", "create", "videoimports.videoimport.io", "yes"),
        ("videoimport-uploader", "create", "pods/portforward", "yes"),
        ("videoimport-uploader", "get", "pods/portforward", "yes"),
        ("videoimport-uploader", "get", "configmaps/videoimport-defaults", "yes"),
        ("videoimport-uploader", "get", "configmaps/other", "no"),
        ("videoimport-uploader", "patch", "videoimports.videoimport.io", "no"),
        ("videoimport-uploader", "get", "secrets", "no"),
        ("view", "create", "pods/portforward", "no"),
        ("view", "get", "pods/portforward", "no"),
        ("view", "create", "videoimports.videoimport.io", "no"),
    ],
)
def test_roles_have_exactly_these_rights(kubectl: Kubectl, role: str, verb: str, resource: str, may: str) -> None:
    user = f"e2e-{role}"
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": user},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    }
    apply(kubectl, binding)

    def can(*words: str) -> str:
        asked = subprocess.run(kubectl.argv("auth", "can-i", *words, "--as", user), capture_output=True, text=True)
        return asked.stdout.strip()

    until(lambda: can("list", "videoimports.videoimport.io") == "yes")  # both roles may, once the binding is in force
    kind, _, part = resource.partition("/")
    words = (kind, "--subresource", part) if kind == "pods" else (resource,)  # kubectl would read the part as a name
    assert can(verb, *words) == may
