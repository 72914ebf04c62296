"""`kubectl videoimport upload` against a real API server. A fake kubelet ends the pods, so no byte is sent here."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from support.controller.api_server import ApiServer, Raw, await_until
from support.controller.controller_process import Controller, written
from support.controller.fake_kubelet import FakeKubelet
from support.controller.manifests import video
from videoimport.api.labels import API_VERSION, UPLOAD_SESSION
from videoimport.api.reasons import Reason, info

Run = Callable[..., "subprocess.CompletedProcess[str]"]
BODY = b"not a video, but no worker reads it"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
DESTINATION = {"s3": {"bucket": "videos"}}
VIEW = [{"apiGroups": ["videoimport.io"], "resources": ["videoimports"], "verbs": ["get", "list", "watch"]}]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "My Talk.mp4"
    path.write_bytes(BODY)
    return path


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "template.yaml"
    path.write_text(yaml.safe_dump(a_template()))
    return path


def a_template(**spec: object) -> Raw:
    wish = {"destination": DESTINATION} | spec
    return {"apiVersion": API_VERSION, "kind": "VideoImport", "metadata": {"labels": {"team": "a"}}, "spec": wish}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")}


@pytest.fixture
def argv(api: ApiServer, namespace: str) -> Callable[..., list[str]]:
    """The argument list of an upload in the namespace of the test."""

    def build(*words: object, kubeconfig: Path | None = None) -> list[str]:
        place = ("-n", namespace, "--kubeconfig", str(kubeconfig or api.kubeconfig))
        return [sys.executable, "-m", "videoimport.cli", "upload", *map(str, words), *place]

    return build


@pytest.fixture
def run(argv: Callable[..., list[str]], environment: dict[str, str]) -> Run:
    """An upload, with the exit code that it must have."""

    def command(*words: object, code: int = 0, kubeconfig: Path | None = None) -> "subprocess.CompletedProcess[str]":
        words_of_it = argv(*words, kubeconfig=kubeconfig)
        done = subprocess.run(words_of_it, capture_output=True, text=True, env=environment)
        assert done.returncode == code, (done.stdout, done.stderr)
        return done

    return command


@pytest.fixture
def controlled(kubelet: FakeKubelet, started: Callable[..., Controller]) -> FakeKubelet:
    """A controller works, and a kubelet runs its pods, which succeed."""
    kubelet.fate = lambda _: None
    started()
    return kubelet


@pytest.fixture
def user(api: ApiServer, namespace: str, tmp_path: Path) -> Callable[..., Path]:
    """The kubeconfig of a new service account with these rules and cluster roles in the namespace."""

    def make(name: str, rules: list[Raw], *roles: str) -> Path:
        place = f"{RBAC}/namespaces/{namespace}"
        api.call("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": name}})
        api.call("POST", f"{place}/roles", {"metadata": {"name": name}, "rules": rules})
        for kind, role in (("Role", name), *(("ClusterRole", role) for role in roles)):
            binding = {
                "metadata": {"name": f"{name}-{role}"},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role},
                "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
            }
            api.call("POST", f"{place}/rolebindings", binding)
        token = api.call("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token", {"spec": {}})
        return written(tmp_path / name, api.server, {"token": token["status"]["token"]}, str(api.ca))

    return make


@pytest.fixture
def uploader(user: Callable[..., Path], render: Callable[..., list[Raw]], namespace: str) -> Path:
    """A user with the chart's role for uploads, and nothing else."""
    roles = [one for one in render(namespace) if one["kind"] == "ClusterRole"]
    [role] = [role for role in roles if role["metadata"]["name"].endswith("-uploader")]
    return user("uploader", role["rules"])


def only(api: ApiServer, namespace: str) -> Raw:
    [found] = api.all_of("VideoImport", namespace)
    return found


def test_file_becomes_an_import_that_is_followed_to_its_end(
    api: ApiServer, namespace: str, run: Run, file: Path, template: Path, controlled: FakeKubelet, tmp_path: Path
) -> None:
    options = ("--folder", "root/my-folder", "--metadata", "year=2026", "--metadata", 'who="2026"')
    done = run(file, "-f", template, *options)
    found = only(api, namespace)
    name = found["metadata"]["name"]
    assert done.stdout.splitlines()[0] == f"vi/{name}: created, id {found['metadata']['uid']}"
    assert f"vi/{name}: Completed 100 %" in done.stdout
    assert name.startswith("my-talk-")
    assert found["spec"]["source"] == {"upload": {"filename": "My Talk.mp4", "size": len(BODY)}}
    assert found["spec"]["destination"]["folder"] == "root/my-folder"
    assert found["spec"]["metadata"] == {"year": 2026, "who": "2026"}
    assert found["metadata"]["labels"] == {"team": "a"}
    assert len(found["metadata"]["annotations"][UPLOAD_SESSION]) == 64
    assert list((tmp_path / "state/kubectl-videoimport/uploads").iterdir()) == []


def test_failed_import_ends_with_the_code_and_the_advice_of_its_reason(
    run: Run, file: Path, template: Path, controlled: FakeKubelet
) -> None:
    controlled.fate = lambda _: Reason.NOT_VIDEO
    row = info(Reason.NOT_VIDEO)
    done = run(file, "-f", template, code=row.exit_code)
    assert row.advice in done.stdout


def test_several_failed_imports_end_with_one(run: Run, file: Path, template: Path, controlled: FakeKubelet) -> None:
    other = file.with_name("other.mp4")
    other.write_bytes(BODY)
    controlled.fate = lambda _: Reason.NOT_VIDEO
    done = run(file, other, "-f", template, "--wait", code=1)
    assert done.stdout.count(": created, id ") == 2


def test_without_a_destination_all_three_ways_are_shown(api: ApiServer, namespace: str, run: Run, file: Path) -> None:
    told = run(file, code=2).stderr
    assert "-f TEMPLATE.yaml" in told
    assert "--like vi/NAME" in told
    assert "ConfigMap videoimport-defaults" in told
    assert "videoimport.yaml" in told
    assert api.all_of("VideoImport", namespace) == []


def test_defaults_of_the_namespace_and_another_import_are_templates(
    api: ApiServer, namespace: str, run: Run, file: Path, controlled: FakeKubelet, uploader: Path
) -> None:
    """The role for uploads may read both."""
    data = {"videoimport.yaml": json.dumps(a_template(maxAttempts=3))}
    api.create(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": of(namespace, "videoimport-defaults"), "data": data}
    )
    run(file, "--name", "first", kubeconfig=uploader)
    api.merge("VideoImport", namespace, "first", {"spec": {"suspend": True, "retryToken": "x"}})
    run(file, "--name", "second", "--like", "vi/first", "--folder", "other", kubeconfig=uploader)
    first, second = (api.get("VideoImport", namespace, name)["spec"] for name in ("first", "second"))
    assert (first["maxAttempts"], second["maxAttempts"]) == (3, 3)
    assert second["destination"]["folder"] == "other"
    assert [second.get(name) for name in ("suspend", "retryToken")] == [False, ""]


def of(namespace: str, name: str) -> Raw:
    return {"name": name, "namespace": namespace}


def test_nothing_is_created_if_one_file_has_a_problem(
    api: ApiServer, namespace: str, run: Run, file: Path, template: Path
) -> None:
    """The API server checks every import before the first one is created."""
    other = file.with_name("other.mp4")
    other.write_bytes(BODY)
    taken = run(file, "-f", template, "--metadata", "duration=1", code=2)
    assert "duration" in taken.stderr
    api.create(video(namespace, "taken"))
    told = run(other, "-f", template, "--name", "taken", code=2).stderr
    assert f"--namespace {namespace} --resume taken {other}`" in told
    assert [one["metadata"]["name"] for one in api.all_of("VideoImport", namespace)] == ["taken"]


def test_interrupted_upload_shows_the_command_that_continues(
    api: ApiServer, namespace: str, argv: Callable[..., list[str]], environment: dict[str, str], file: Path,
    template: Path,
) -> None:  # fmt: skip
    words = argv(file, "-f", template, "--name", "talk")
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert "created" in running.stdout.readline()
        running.send_signal(signal.SIGINT)
        rest = running.stdout.read()
    assert running.returncode == 130
    assert f"--namespace {namespace} --resume talk '{file}'`" in rest


def test_import_that_is_created_again_gets_no_file(
    api: ApiServer, namespace: str, argv: Callable[..., list[str]], environment: dict[str, str], file: Path,
    template: Path,
) -> None:  # fmt: skip
    """Whoever may create imports can read the hash of the session, and name another destination."""
    words = argv(file, "-f", template, "--name", "talk")
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert "created" in running.stdout.readline()
        found = only(api, namespace)
        api.delete("VideoImport", namespace, "talk")
        await_until("it to be gone", lambda: not api.all_of("VideoImport", namespace))
        copied = {key: found["metadata"][key] for key in ("name", "namespace", "annotations")}
        api.create({"apiVersion": API_VERSION, "kind": "VideoImport", "metadata": copied, "spec": found["spec"]})
        _, told = running.communicate()
    assert running.returncode == 1
    assert "deleted" in told


def test_changed_file_is_sent_in_another_session(
    api: ApiServer, namespace: str, argv: Callable[..., list[str]], environment: dict[str, str], file: Path,
    template: Path, controlled: FakeKubelet,
) -> None:  # fmt: skip
    """The worker of another session has no bytes of the file before."""
    controlled.hold.set()
    words = argv(file, "-f", template, "--name", "talk")
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert "created" in running.stdout.readline()
        running.kill()
    api.merge("VideoImport", namespace, "talk", {"metadata": {"annotations": {UPLOAD_SESSION: "0" * 64}}})
    file.write_bytes(BODY[::-1])
    with subprocess.Popen(
        argv("--resume", "talk", file), env=environment, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "vi/talk: continued\n"
        assert only(api, namespace)["metadata"]["annotations"][UPLOAD_SESSION] != "0" * 64
        controlled.finish_all()
        assert "vi/talk: Completed 100 %" in running.stdout.read()
    assert running.returncode == 0


def awaiting(namespace: str, **upload: object) -> Raw:
    """An import as a tool for GitOps applies it."""
    source = {"upload": {"filename": "My Talk.mp4", "size": len(BODY)} | upload}
    return {**a_template(source=source), "metadata": of(namespace, "talk")}


def test_resumed_import_of_git_gets_a_session(
    api: ApiServer, namespace: str, run: Run, file: Path, controlled: FakeKubelet
) -> None:
    api.create(awaiting(namespace, sha256=hashlib.sha256(BODY).hexdigest()))
    await_until("it to wait", lambda: api.get("VideoImport", namespace, "talk").get("status", {}).get("reason"))
    done = run("--resume", "talk", file)
    assert "vi/talk: Completed 100 %" in done.stdout
    assert run("--resume", "talk", file, code=2).stderr.count("nothing is left to send") == 1


def test_other_file_is_refused_without_a_session(api: ApiServer, namespace: str, run: Run, file: Path) -> None:
    api.create(awaiting(namespace, sha256="0" * 64))
    told = run("--resume", "talk", file, code=2).stderr
    assert "spec.source.upload.sha256" in told
    assert UPLOAD_SESSION not in (only(api, namespace)["metadata"].get("annotations") or {})


def test_kept_token_continues_without_the_right_to_patch(
    api: ApiServer, namespace: str, run: Run, file: Path, template: Path, uploader: Path, tmp_path: Path,
    controlled: FakeKubelet, argv: Callable[..., list[str]], environment: dict[str, str],
) -> None:  # fmt: skip
    """And a lost token needs it."""
    controlled.hold.set()
    words = argv(file, "-f", template, "--name", "talk", kubeconfig=uploader)
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert "created" in running.stdout.readline()
        running.kill()
    [kept] = (tmp_path / "state/kubectl-videoimport/uploads").iterdir()
    token = kept.read_text()
    kept.unlink()
    told = run("--resume", "talk", file, code=2, kubeconfig=uploader).stderr
    assert "you may not patch videoimports" in told
    kept.write_text(token)
    words = argv("--resume", "talk", file, kubeconfig=uploader)
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "vi/talk: continued\n"
        controlled.finish_all()
        assert "vi/talk: Completed 100 %" in running.stdout.read()
    assert running.returncode == 0


def test_user_who_may_view_is_told_the_missing_rights(
    api: ApiServer, namespace: str, run: Run, file: Path, template: Path, user: Callable[..., Path]
) -> None:
    viewer = user("viewer", VIEW, "view")
    told = run(file, "-f", template, code=2, kubeconfig=viewer).stderr
    missing = "create videoimports, get pods/portforward, create pods/portforward"
    assert f"you may not {missing}; ask for the ClusterRole videoimport-uploader" in told
    assert api.all_of("VideoImport", namespace) == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--resume", "talk", "--folder", "x"), "--folder"),
        (("--name", "x", "OTHER"), "--name"),
        (("-f", "TEMPLATE", "--like", "vi/x"), "give one of them"),
        (("--like", "bi/x"), "write vi/NAME"),
        (("-f", "/nonexistent.yaml"), "No such file"),
        (("--metadata", "x"), "KEY=VALUE"),
        (("--parallel", "0"), "parallel"),
    ],
)
def test_wrong_option_is_named(run: Run, file: Path, template: Path, words: tuple[str, ...], told: str) -> None:
    other = file.with_name("other.mp4")
    other.write_bytes(BODY)
    given = {"OTHER": other, "TEMPLATE": template}
    assert told in run(file, *(given.get(word, word) for word in words), code=2).stderr
