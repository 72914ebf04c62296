"""Uploads through an API server to the server of the worker."""

import hashlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.upload_cluster import NAMESPACE, UploadCluster, build_pod, upload_cluster
from support.waiting import LONGEST_SECONDS, until
from videoimport.api.labels import API_VERSION, UPLOAD_SESSION
from videoimport.cli.upload.hashed_file import BLOCK
from videoimport.worker.fetch.partial_file import Landing
from videoimport.worker.fetch.process_messages import SentFile
from videoimport.worker.fetch.tus_server import serving
from videoimport.worker.fetch.upload_receiver import Receiver

BODY = os.urandom(2 * BLOCK + 3)
INTERRUPTED = 130
HUGE = 2**42
"""Size in bytes of a file without blocks on the disk."""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[UploadCluster]:
    with upload_cluster(tmp_path) as made:
        yield made


class Commands:
    """Commands of a user, and the workers of the imports."""

    def __init__(self, cluster: UploadCluster, folder: Path, opened: ExitStack) -> None:
        self.cluster, self.folder, self._opened = cluster, folder, opened
        self.template = folder / "template.yaml"
        spec = {"destination": {"s3": {"bucket": "videos", "endpoint": "https://s3.example.com"}}}
        self.template.write_text(yaml.safe_dump({"apiVersion": API_VERSION, "kind": "VideoImport", "spec": spec}))

    def write(self, name: str = "talk.mp4") -> Path:
        path = self.folder / name
        path.write_bytes(BODY)
        return path

    def begin(self, *words: object) -> "subprocess.Popen[str]":
        argv = [sys.executable, "-m", "videoimport.cli", "upload", *map(str, words)]
        argv += ["--kubeconfig", str(self.cluster.kubeconfig)]
        given = os.environ | {"XDG_STATE_HOME": str(self.folder / "state")}
        pipe = subprocess.PIPE
        begun = subprocess.Popen(argv, env=given, stdout=pipe, stderr=subprocess.STDOUT, text=True, cwd=self.folder)
        self._opened.enter_context(begun)
        self._opened.callback(begun.kill)
        return begun

    def create(self, name: str, *words: object) -> "subprocess.Popen[str]":
        return self.begin("-f", self.template, "--name", name, "--no-wait", *words)

    def start_worker(self, name: str) -> "tuple[Receiver, int]":
        """Start the server of the worker of an import that exists. Return it with its port."""
        folder = self.folder / f"scratch-{name}"
        folder.mkdir()
        listener = socket.create_server(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        token = self.cluster.videos[name]["metadata"]["annotations"][UPLOAD_SESSION]
        file = {"filename": "talk.mp4", "size": len(BODY), "sha256": None}
        sent = SentFile.model_validate({"file": file, "tokenSha256": token, "idleSeconds": 600, "port": port})
        landing = self._opened.enter_context(Landing(folder))
        receiver = Receiver(sent, landing)
        self._opened.enter_context(serving(listener, receiver))
        return receiver, port

    def serve(self, name: str) -> Receiver:
        until(lambda: name in self.cluster.videos)
        receiver, port = self.start_worker(name)
        self.cluster.serve_run(name, 1, port)
        return receiver

    def tokens(self) -> list[str]:
        """The tokens of this user."""
        paths = (self.folder / "state/kubectl-videoimport/uploads").glob("*.json")
        return [yaml.safe_load(path.read_text())["token"] for path in paths]


@pytest.fixture
def commands(cluster: UploadCluster, tmp_path: Path) -> Iterator[Commands]:
    with ExitStack() as opened:
        yield Commands(cluster, tmp_path, opened)


def read_end(running: "subprocess.Popen[str]", code: int = 0) -> str:
    output, _ = running.communicate(timeout=LONGEST_SECONDS)
    assert running.returncode == code, output
    return output


def interrupt(running: "subprocess.Popen[str]") -> str:
    running.send_signal(signal.SIGINT)
    return read_end(running, INTERRUPTED)


def test_file_reaches_the_worker(commands: Commands) -> None:
    running = commands.create("talk", commands.write())
    receiver = commands.serve("talk")
    assert "100 %, sent" in read_end(running)
    assert receiver.is_complete


def test_pod_of_a_tenant_gets_no_connection(commands: Commands, cluster: UploadCluster) -> None:
    """It has the labels of the worker, and it is newer."""
    running = commands.create("talk", commands.write())
    until(lambda: "talk" in cluster.videos)
    cluster.pods.append(build_pod("talk", 1, None, "tenant"))
    commands.serve("talk")
    read_end(running)
    assert set(cluster.forwarded) == {"talk-1-abcde"}


def test_pod_that_takes_the_name_of_the_worker_gets_no_token(commands: Commands, cluster: UploadCluster) -> None:
    """The API server connects to a pod by its name."""
    running = commands.create("talk", commands.write())
    until(lambda: "talk" in cluster.videos)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        cluster.before_forward = lambda name: cluster.pods.__setitem__(0, build_pod("talk", 1, None, name))
        cluster.serve_run("talk", 1, listener.getsockname()[1])
        connection, _ = listener.accept()
        with connection:
            assert connection.recv(2**16) == b""
    interrupt(running)


@pytest.mark.parametrize("change", ["annotation", "deleted", "rights"])
def test_end_of_an_upload_is_explained(commands: Commands, cluster: UploadCluster, change: str) -> None:
    running = commands.create("talk", commands.write())
    until(lambda: "talk" in cluster.videos)
    command = f"`kubectl videoimport upload --kubeconfig {cluster.kubeconfig} --namespace {NAMESPACE} --resume talk"
    if change == "annotation":
        del cluster.videos["talk"]["metadata"]["annotations"][UPLOAD_SESSION]
        words = f"{UPLOAD_SESSION} was removed before a worker served the session. {command}"
    elif change == "deleted":
        del cluster.videos["talk"]
        words = "The import was deleted. Upload the file as another import."
    else:
        cluster.refused.add("pods")
        words = f"Then {command}"
    assert words in read_end(running, 1)


@pytest.mark.parametrize("status", [400, 401])
def test_refused_connection_ends_the_upload(commands: Commands, cluster: UploadCluster, status: int) -> None:
    cluster.forward_status = status
    running = commands.create("talk", commands.write())
    until(lambda: "talk" in cluster.videos)
    cluster.serve_run("talk", 1, 1)
    told = read_end(running, 1)
    assert f"refused with {status}" in told
    assert "must pass WebSocket connections" in told


def test_failure_of_each_connection_is_told(commands: Commands, cluster: UploadCluster) -> None:
    cluster.forward_status = 503
    running = commands.create("talk", commands.write())
    until(lambda: "talk" in cluster.videos)
    cluster.serve_run("talk", 1, 1)
    until(lambda: len(cluster.forwarded) > 3)
    cluster.videos["talk"]["status"] |= {"phase": "Pending", "reason": "WaitingForUpload"}
    told = read_end(running, 1)
    assert "no connection to the worker: The cluster answered 503" in told
    assert "The last connection to the worker failed: The cluster answered 503" in told


def test_unreadable_file_does_not_stop_the_others(commands: Commands, cluster: UploadCluster) -> None:
    """It goes away after the command found it."""
    bad, good = commands.write("bad.mp4"), commands.write("good.mp4")
    cluster.before_create = lambda _: bad.unlink(missing_ok=True)
    running = commands.begin("-f", commands.template, bad, good, "--parallel", 1)
    until(lambda: len(cluster.videos) == 2)
    name = next(name for name in cluster.videos if name.startswith("good"))
    receiver = commands.serve(name)
    output = read_end(running, 1)
    assert "bad.mp4 cannot be read any more" in output
    assert receiver.is_complete


def test_token_of_the_winner_survives_an_equal_command(commands: Commands, cluster: UploadCluster) -> None:
    """Both ask the API server at the same time."""
    both = threading.Barrier(2)
    cluster.before_create = lambda _: both.wait(LONGEST_SECONDS)
    path = commands.write()
    first, second = commands.create("talk", path), commands.create("talk", path)
    until(lambda: first.poll() is not None or second.poll() is not None)
    winner, loser = (first, second) if first.poll() is None else (second, first)
    assert "vi/talk exists already; `kubectl videoimport upload" in read_end(loser, 1)
    interrupt(winner)
    [token] = commands.tokens()
    assert (
        hashlib.sha256(token.encode()).hexdigest() == cluster.videos["talk"]["metadata"]["annotations"][UPLOAD_SESSION]
    )
    running = commands.begin("--resume", "talk", path, "--no-wait")
    commands.serve("talk")
    assert "vi/talk: continued" in read_end(running)


def test_equal_names_in_one_command_are_refused(commands: Commands, cluster: UploadCluster) -> None:
    paths = [commands.write(), commands.folder / "copy/talk.mp4"]
    paths[1].parent.mkdir()
    paths[1].write_bytes(BODY)
    for path in paths:
        os.utime(path, ns=(1, 1))
    assert "have the same name" in read_end(commands.begin("-f", commands.template, *paths), 2)
    assert not cluster.videos


def test_one_interrupt_ends_a_command_that_waits_for_the_worker(commands: Commands, cluster: UploadCluster) -> None:
    running = commands.create("talk", commands.write())
    until(lambda: "talk" in cluster.videos)
    output = interrupt(running)
    command = f"kubectl videoimport upload --kubeconfig {cluster.kubeconfig} --namespace {NAMESPACE} --resume talk"
    assert f"`{command} {commands.folder}/talk.mp4` continues" in output


def test_one_interrupt_ends_the_handshake_of_a_port_forward(commands: Commands, cluster: UploadCluster) -> None:
    running = commands.create("talk", commands.write())
    until(lambda: "talk" in cluster.videos)
    cluster.serve_run("talk", 1, 0)
    cluster.ports.clear()
    until(lambda: cluster.forwarded)
    assert "continues" in interrupt(running)


def test_missing_rights_lead_to_the_role_whatever_its_name_is(commands: Commands, cluster: UploadCluster) -> None:
    cluster.refused.add("pods")
    told = read_end(commands.create("talk", commands.write(), "--context", "one"), 2)
    assert "you may not list pods, get pods/portforward, create pods/portforward; ask for the ClusterRole" in told
    options = f"--kubeconfig {cluster.kubeconfig} --context one"
    assert f"`kubectl get clusterroles {options} --selector videoimport.io/role=uploader` shows it" in told


def test_one_interrupt_ends_the_hash_of_what_the_worker_has(commands: Commands, cluster: UploadCluster) -> None:
    """The file is so large that the hash would take many minutes."""
    path = commands.write()
    os.truncate(path, HUGE)
    running = commands.create("talk", path)
    until(lambda: "talk" in cluster.videos)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        cluster.serve_run("talk", 1, listener.getsockname()[1])
        connection, _ = listener.accept()
        with connection:
            connection.recv(2**16)
            connection.sendall(f"HTTP/1.1 200 OK\r\nUpload-Offset: {HUGE - 1}\r\n\r\n".encode())
            assert running.stdout is not None
            until(lambda: "hashing" in running.stdout.readline())
            assert "continues" in interrupt(running)


def test_one_interrupt_ends_the_hash_of_a_file_that_is_compared(commands: Commands, cluster: UploadCluster) -> None:
    path = commands.write()
    os.truncate(path, HUGE)
    upload = {"filename": path.name, "size": HUGE, "sha256": "0" * 64}
    cluster.videos["talk"] = {"metadata": {"name": "talk"}, "spec": {"source": {"upload": upload}}}
    running = commands.begin("--resume", "talk", path)
    until(lambda: _has_read(running, 2**28))
    interrupt(running)


def _has_read(running: "subprocess.Popen[str]", most: int) -> bool:
    """Whether a process has read more bytes than its start needs."""
    [line] = [line for line in Path(f"/proc/{running.pid}/io").read_text().splitlines() if line.startswith("rchar")]
    return int(line.split()[1]) > most


def test_one_interrupt_ends_a_block_that_nobody_takes(commands: Commands, cluster: UploadCluster) -> None:
    running = commands.create("talk", commands.write())
    until(lambda: "talk" in cluster.videos)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        cluster.serve_run("talk", 1, listener.getsockname()[1])
        connection, _ = listener.accept()
        with connection:
            connection.recv(2**16)
            assert "continues" in interrupt(running)


def test_one_interrupt_ends_a_creation_that_has_no_response(commands: Commands, cluster: UploadCluster) -> None:
    reached, forever = threading.Event(), threading.Event()

    def hang(_: Any) -> None:
        reached.set()
        forever.wait()

    cluster.before_create = hang
    running = commands.create("talk", commands.write())
    assert reached.wait(LONGEST_SECONDS)
    interrupt(running)
    forever.set()
    assert len(commands.tokens()) == 1


def leave(commands: Commands, cluster: UploadCluster, **status: Any) -> tuple[Path, str]:
    """Interrupt a command, and give its import a status. Return the file and the hash of the session."""
    path = commands.write()
    running = commands.create("talk", path)
    until(lambda: "talk" in cluster.videos)
    interrupt(running)
    session = session_of(cluster)
    if status:
        cluster.videos["talk"]["status"] = status | {"run": 1, "uploadSession": {"tokenSha256": session}}
    return path, session


def session_of(cluster: UploadCluster) -> str:
    found: str = cluster.videos["talk"]["metadata"]["annotations"][UPLOAD_SESSION]
    return found


def test_touched_file_is_sent_once_its_session_is_over(commands: Commands, cluster: UploadCluster) -> None:
    path, session = leave(commands, cluster, phase="Pending", reason="WaitingForUpload")
    os.utime(path, ns=(1, 1))
    running = commands.begin("--resume", "talk", path, "--no-wait")
    until(lambda: running.poll() is not None or session_of(cluster) != session)
    receiver = commands.serve("talk")
    read_end(running)
    assert receiver.is_complete


def test_touched_file_is_refused_while_a_worker_may_have_its_bytes(commands: Commands, cluster: UploadCluster) -> None:
    path, _ = leave(commands, cluster, phase="Downloading")
    os.utime(path, ns=(1, 1))
    assert "changed since its upload began" in read_end(commands.begin("--resume", "talk", path), 2)


def test_touched_file_is_refused_where_scratch_may_have_its_bytes(commands: Commands, cluster: UploadCluster) -> None:
    path, _ = leave(commands, cluster)
    cluster.videos["talk"]["spec"]["worker"] = {"scratch": {"storageClassName": "fast"}}
    os.utime(path, ns=(1, 1))
    assert "changed since its upload began" in read_end(commands.begin("--resume", "talk", path), 2)


@pytest.mark.parametrize("field", ["upload.sha256", "checksum"])
def test_touched_file_with_the_hash_of_the_spec_is_continued(
    commands: Commands, cluster: UploadCluster, field: str
) -> None:
    path, _ = leave(commands, cluster, phase="Downloading")
    source, digest = cluster.videos["talk"]["spec"]["source"], hashlib.sha256(BODY).hexdigest()
    if field == "checksum":
        source["checksum"] = f"sha256:{digest}"
    else:
        source["upload"]["sha256"] = digest
    os.utime(path, ns=(1, 1))
    running = commands.begin("--resume", "talk", path, "--no-wait")
    receiver = commands.serve("talk")
    assert "vi/talk: continued" in read_end(running)
    assert receiver.is_complete


def test_session_without_bytes_takes_a_touched_file_and_then_no_other(
    commands: Commands, cluster: UploadCluster
) -> None:
    path, session = leave(commands, cluster)
    first = path.stat()
    os.utime(path, ns=(1, 1))
    running = commands.begin("--resume", "talk", path, "--no-wait")
    assert running.stdout is not None
    assert "vi/talk: continued" in running.stdout.readline()
    interrupt(running)
    assert session_of(cluster) == session
    cluster.videos["talk"]["status"] = {"phase": "Downloading", "run": 1, "uploadSession": {"tokenSha256": session}}
    os.utime(path, ns=(first.st_atime_ns, first.st_mtime_ns))
    assert "changed since its upload began" in read_end(commands.begin("--resume", "talk", path), 2)


@pytest.mark.parametrize(("body", "code"), [(BODY, 0), (BODY[::-1], 1)])
def test_import_that_another_session_completed_must_have_this_file(
    commands: Commands, cluster: UploadCluster, body: bytes, code: int
) -> None:
    """Another machine resumes, so it has no token of the session that sent all bytes."""
    path, session = leave(commands, cluster, phase="Transcoding", stages=[{"name": "Download", "state": "Done"}])
    for kept in (commands.folder / "state/kubectl-videoimport/uploads").iterdir():
        kept.unlink()
    path.write_bytes(body)
    running = commands.begin("--resume", "talk", path)
    until(lambda: running.poll() is not None or session_of(cluster) != session)
    cluster.videos["talk"]["status"] |= {"phase": "Completed", "source": {"sha256": hashlib.sha256(BODY).hexdigest()}}
    told = read_end(running, code)
    assert ("The import has another file" in told) == bool(code)
