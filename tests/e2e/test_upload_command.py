"""`kubectl videoimport upload` on a real cluster, called as a user calls it: as kubectl's plugin."""

import hashlib
import json
import os
import shlex
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo.backends import CONTEXT
from demo.kubectl import Kubectl
from support.e2e.cluster_state import Resource, apply, await_state, finished, names
from support.e2e.large_videos import make_document, make_video
from support.e2e.manifests import SITE, destination, video
from support.e2e.service_accounts import write_kubeconfig
from support.waiting import LONGEST_SECONDS
from videoimport.api.labels import API_VERSION, IMPORT, UPLOAD_SESSION
from videoimport.api.reasons import Reason, info

Run = Callable[..., "subprocess.CompletedProcess[str]"]
CLIP = CONTEXT / "site/compliant.mp4"
ROOT = Path(__file__).resolve().parents[2]
LARGE, WHOLE = 2**30, 2**28
PREFIX = f"e2e-uploads/{uuid.uuid4().hex[:8]}"
"""New in each run, because the destination would have the videos of an earlier run."""
NAMES = {f"upload-{name}" for name in ("nowait", "killed", "git", "changed", "seen")}
VIEWED = "videoimports,jobs,pods,configmaps,events"


@pytest.fixture(scope="module")
def environment(kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """kubectl and its plugin on PATH, the kubeconfig, and a folder for the tokens."""
    folders = (str(Path(sys.executable).parent), str(Path(kubectl.binary).parent), os.environ["PATH"])
    state = str(tmp_path_factory.mktemp("state"))
    return {**os.environ, "PATH": os.pathsep.join(folders), "KUBECONFIG": kubectl.kubeconfig, "XDG_STATE_HOME": state}


@pytest.fixture(scope="module", autouse=True)
def _no_imports_of_an_earlier_run(kubectl: Kubectl) -> None:
    found = [name for name in names(kubectl, "videoimports") if name.rpartition("/")[2] in NAMES]
    if found:
        subprocess.run(kubectl.argv("delete", *found), check=True, capture_output=True)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "template.yaml"
    path.write_text(yaml.safe_dump(a_template()))
    return path


def a_template() -> Resource:
    spec = {
        "destination": destination(PREFIX),
        "incremental": False,
        "requirements": {"maxDurationSeconds": 30},
    }
    return {"apiVersion": API_VERSION, "kind": "VideoImport", "spec": spec}


@pytest.fixture(scope="module")
def run(kubectl: Kubectl, environment: dict[str, str]) -> Run:
    """An upload in the namespace of the tests, with the exit code that it must have."""

    def command(*words: object, code: int = 0, **changes: Any) -> "subprocess.CompletedProcess[str]":
        argv = ["kubectl", "videoimport", "upload", *map(str, words), "-n", kubectl.namespace]
        given = {"env": environment, "timeout": LONGEST_SECONDS} | changes
        done = subprocess.run(argv, capture_output=True, text=True, **given)
        assert done.returncode == code, (done.stdout, done.stderr)
        return done

    return command


@contextmanager
def begun(environment: dict[str, str], *words: object) -> Iterator["subprocess.Popen[str]"]:
    """An upload that runs until it is killed. It is a process of its own, so that no child of a shell is left."""
    argv = [sys.executable, "-m", "videoimport.cli", "upload", *map(str, words)]
    with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, text=True) as running:
        try:
            yield running
        finally:
            running.kill()


def read_until(running: "subprocess.Popen[str]", words: str) -> None:
    """Read the output up to a line with these words."""
    assert running.stdout is not None
    for line in running.stdout:
        if words in line:
            return
    raise AssertionError(f"the upload ended without {words!r}")


def received(kubectl: Kubectl, name: str) -> int:
    """The bytes that arrived, as the status shows them."""
    stages = kubectl.json("get", f"vi/{name}").get("status", {}).get("stages", ())
    return next((stage.get("bytesDone") or 0 for stage in stages if stage["name"] == "Download"), 0)


def await_bytes(kubectl: Kubectl, name: str) -> None:
    await_state(kubectl, f"vi/{name}", lambda _: 0 < received(kubectl, name) < LARGE, "partly received")


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def test_three_files_at_once_end_as_they_deserve(kubectl: Kubectl, run: Run, template: Path, tmp_path: Path) -> None:
    """One is no video and one is too long: both are refused before all their bytes were sent."""
    good = tmp_path / "good.mp4"
    good.write_bytes(CLIP.read_bytes())
    document = make_document(tmp_path / "document.mp4", LARGE)
    long = make_video(tmp_path / "long.mp4", 60, LARGE)
    done = run(tmp_path, "-f", template, "--folder", f"{PREFIX}/three", "--wait", code=1)
    found = {one["spec"]["source"]["upload"]["filename"]: one for one in _created(kubectl, done.stdout)}
    statuses = {name: (one["status"]["phase"], one["status"].get("reason")) for name, one in found.items()}
    assert statuses == {
        good.name: ("Completed", None),
        document.name: ("Failed", "NotVideo"),
        long.name: ("Failed", "UnsupportedDuration"),
    }
    for name in (document.name, long.name):
        reference = f"vi/{found[name]['metadata']['name']}"
        assert received(kubectl, found[name]["metadata"]["name"]) < LARGE
        assert f"{reference}: Failed" in done.stdout
    assert info(Reason.NOT_VIDEO).advice in done.stdout
    assert "Raise requirements.maxDurationSeconds" in done.stdout
    assert f"vi/{found[good.name]['metadata']['name']}: Completed 100 %" in done.stdout


def _created(kubectl: Kubectl, output: str) -> list[Resource]:
    """The imports whose names were printed, each with its UID."""
    lines = [line for line in output.splitlines() if ": created, id " in line]
    found = [kubectl.json("get", line.partition(":")[0]) for line in lines]
    assert [line.rpartition(" ")[2] for line in lines] == [one["metadata"]["uid"] for one in found]
    return found


def test_command_returns_once_the_bytes_are_sent(kubectl: Kubectl, run: Run, template: Path) -> None:
    done = run(CLIP, "-f", template, "--name", "upload-nowait", "--folder", f"{PREFIX}/nowait", "--no-wait")
    assert f"{CLIP.name}: 100 %, sent" in done.stdout
    assert finished(kubectl, "vi/upload-nowait")["status"]["source"]["sha256"] == sha256(CLIP)


def test_single_refused_file_ends_with_the_code_of_its_reason(run: Run, template: Path, tmp_path: Path) -> None:
    row = info(Reason.NOT_VIDEO)
    document = make_document(tmp_path / "document.mp4", WHOLE)
    done = run(document, "-f", template, "--no-wait", code=row.exit_code)
    assert row.advice in done.stdout


def test_upload_continues_after_the_client_and_the_worker_were_killed(
    kubectl: Kubectl, run: Run, environment: dict[str, str], template: Path, tmp_path: Path
) -> None:
    file = make_video(tmp_path / "killed.mp4", 5, LARGE)
    place = ("-n", kubectl.namespace)
    name = ("--name", "upload-killed")
    with begun(environment, file, "-f", template, *name, "--folder", f"{PREFIX}/killed", *place) as first:
        read_until(first, "created")
        await_bytes(kubectl, "upload-killed")
        first.kill()
    with begun(environment, "--resume", "upload-killed", file, *place) as second:
        read_until(second, "sending")
        pods = kubectl.argv("delete", "pod", "--selector", f"{IMPORT}=upload-killed", "--grace-period=0", "--force")
        subprocess.run(pods, check=True, capture_output=True)
        await_state(kubectl, "vi/upload-killed", lambda found: found["status"].get("run") == 2, "in its second run")
        second.kill()
    other = make_video(tmp_path / "other.mp4", 4, WHOLE)
    assert "spec.source.upload.size" in run("--resume", "upload-killed", other, code=2).stderr
    done = run("--resume", "upload-killed", file)
    assert "vi/upload-killed: continued" in done.stdout
    status = kubectl.json("get", "vi/upload-killed")["status"]
    assert (status["phase"], status["source"]["sha256"]) == ("Completed", sha256(file))


def test_import_from_git_waits_for_its_file(kubectl: Kubectl, run: Run) -> None:
    source = {"upload": {"filename": CLIP.name, "size": CLIP.stat().st_size, "sha256": sha256(CLIP)}}
    wish = a_template() | {"metadata": {"name": "upload-git"}}
    apply(kubectl, wish | {"spec": wish["spec"] | {"source": source, "destination": destination(f"{PREFIX}/git")}})
    waiting = await_state(
        kubectl, "vi/upload-git", lambda found: found.get("status", {}).get("reason") == "WaitingForUpload", "waiting"
    )
    assert waiting["status"]["phase"] == "Pending"
    assert names(kubectl, "pods", "--selector", f"{IMPORT}=upload-git") == []
    assert "vi/upload-git: Completed 100 %" in run("--resume", "upload-git", CLIP).stdout


def test_changed_file_is_refused(kubectl: Kubectl, environment: dict[str, str], template: Path, tmp_path: Path) -> None:
    file = make_video(tmp_path / "changed.mp4", 5, LARGE)
    words = (file, "-f", template, "--name", "upload-changed", "--folder", f"{PREFIX}/changed", "-n", kubectl.namespace)
    argv = [sys.executable, "-m", "videoimport.cli", "upload", *map(str, words)]
    with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        read_until(running, "sending")
        os.utime(file, ns=(1, 1))
        assert running.stderr is not None
        told = running.stderr.read()
    assert running.returncode == 1
    assert "changed.mp4 changed while it was sent" in told
    assert received(kubectl, "upload-changed") < LARGE
    subprocess.run(kubectl.argv("delete", "vi/upload-changed", "--wait=false"), check=True, capture_output=True)


def test_role_of_an_uploader_is_enough_for_the_command_of_the_readme(
    kubectl: Kubectl, environment: dict[str, str], tmp_path: Path
) -> None:
    apply(kubectl, video("lecture-1", f"{SITE}/compliant.mp4", incremental=False))
    account = write_kubeconfig(kubectl, "e2e-only-uploads", "videoimport-uploader", tmp_path / "kubeconfig")
    (tmp_path / "talk.mp4").write_bytes(CLIP.read_bytes())
    [line] = [line for line in _readme_commands() if "kubectl videoimport upload" in line]
    words = shlex.split(line.partition("#")[0])
    given = environment | {"KUBECONFIG": str(account)}
    done = subprocess.run(words, cwd=tmp_path, env=given, capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert ": Completed 100 %" in done.stdout


def _readme_commands() -> list[str]:
    return [line.removeprefix("$ ") for line in (ROOT / "README.md").read_text().splitlines() if " " in line]


def test_view_alone_fails_with_the_missing_rights(
    kubectl: Kubectl, run: Run, environment: dict[str, str], template: Path, tmp_path: Path
) -> None:
    account = write_kubeconfig(kubectl, "e2e-only-views", "view", tmp_path / "kubeconfig")
    told = run(CLIP, "-f", template, code=2, env=environment | {"KUBECONFIG": str(account)}).stderr
    assert "you may not create videoimports, get pods/portforward, create pods/portforward" in told
    assert "ask for the ClusterRole videoimport-uploader" in told


def test_viewer_can_neither_read_the_token_nor_send_bytes(
    kubectl: Kubectl, environment: dict[str, str], template: Path, tmp_path: Path
) -> None:
    """While an upload runs, and everything that a viewer may read is read."""
    account = write_kubeconfig(kubectl, "e2e-viewer", "view", tmp_path / "kubeconfig")
    viewer = Kubectl(kubectl.binary, str(account), kubectl.namespace)
    file = make_video(tmp_path / "seen.mp4", 5, LARGE)
    state = environment | {"XDG_STATE_HOME": str(tmp_path / "state")}
    place = ("-f", template, "--name", "upload-seen", "--folder", f"{PREFIX}/seen", "-n", kubectl.namespace)
    with begun(state, file, *place) as running:
        read_until(running, "created")
        await_bytes(kubectl, "upload-seen")
        running.send_signal(signal.SIGSTOP)
        [kept] = (tmp_path / "state/kubectl-videoimport/uploads").iterdir()
        token = json.loads(kept.read_text())["token"]
        seen = read_everything(viewer, "upload-seen")
        assert hashlib.sha256(token.encode()).hexdigest() in seen
        assert token not in seen
        [pod] = names(kubectl, "pods", "--selector", f"{IMPORT}=upload-seen")
        refused = subprocess.run(viewer.argv("port-forward", pod, ":8081"), capture_output=True, text=True)
        assert refused.returncode != 0
        assert "forbidden" in refused.stderr
        session = f"{UPLOAD_SESSION}={'0' * 64}"
        words = viewer.argv("annotate", "--overwrite", "vi", "upload-seen", session)
        assert subprocess.run(words, capture_output=True).returncode != 0
        running.send_signal(signal.SIGCONT)
        read_until(running, "vi/upload-seen: Completed")


def read_everything(viewer: Kubectl, name: str) -> str:
    """All resources and logs that concern an import."""
    texts = [json.dumps(viewer.json("get", VIEWED, "--show-managed-fields"))]
    for pod in names(viewer, "pods", "--selector", f"{IMPORT}={name}"):
        texts += [json.dumps(viewer.json("get", pod))]
        logs = subprocess.run(viewer.argv("logs", pod, "--all-containers"), capture_output=True, text=True, check=True)
        texts.append(logs.stdout)
    return "\n".join(texts)
