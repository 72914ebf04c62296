"""The commands of `kubectl videoimport` on a real cluster, called as a user calls them: as kubectl's plugin."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from demo.backends import ACCESS_KEY, CONTEXT, SECRET_KEY
from demo.kubectl import Kubectl
from support.e2e.cluster_state import await_state, finished
from support.e2e.manifests import SITE, STORE
from support.waiting import LONGEST_SECONDS

Run = Callable[..., "subprocess.CompletedProcess[str]"]
URLS = [f"{SITE}/compliant.mp4", f"{SITE}/gone.mp4", f"{SITE}/talk.html"]
SLOW = f"{SITE}/slow/compliant.mp4"
PREFIX = f"e2e-commands/{uuid.uuid4().hex[:8]}"
"""New in each run, because the destination would have the videos of an earlier run."""
PLACE = ("--into", f"s3://videos/{PREFIX}", "--endpoint", STORE["endpoint"], "--secret", "bucket-keys")
BULK = "bi/commands"


@pytest.fixture(scope="module")
def environment(kubectl: Kubectl) -> dict[str, str]:
    """kubectl and its plugin on PATH, and the kubeconfig."""
    folders = (str(Path(sys.executable).parent), str(Path(kubectl.binary).parent), os.environ["PATH"])
    return {**os.environ, "PATH": os.pathsep.join(folders), "KUBECONFIG": kubectl.kubeconfig}


@pytest.fixture(scope="module")
def run(kubectl: Kubectl, environment: dict[str, str]) -> Run:
    """A command in the namespace of the tests, with the exit code that it must have."""

    def command(*words: str, code: int = 0) -> "subprocess.CompletedProcess[str]":
        argv = ["kubectl", "videoimport", *words, "-n", kubectl.namespace]
        done = subprocess.run(argv, capture_output=True, text=True, env=environment, timeout=LONGEST_SECONDS)
        assert done.returncode == code, (done.stdout, done.stderr)
        return done

    return command


@pytest.fixture(scope="module", autouse=True)
def created(kubectl: Kubectl, run: Run) -> Iterator[None]:
    """A bulk of three addresses, and an import that takes long enough to be followed."""
    run("create", *URLS, "--bulk", "commands", *PLACE)
    run("create", SLOW, "--name", "commands-followed", *PLACE, "--folder", "followed")
    yield
    names = (BULK, "vi/commands-followed", "vi/commands-cancelled", "vi/commands-planned")
    for name in names:
        subprocess.run(kubectl.argv("delete", name, "--wait=false", "--ignore-not-found"), capture_output=True)


def children(kubectl: Kubectl) -> dict[str, str]:
    """The names of the bulk's VideoImports by their address."""
    found = kubectl.json("get", "vi", "--selector", "videoimport.io/bulk=commands")["items"]
    return {child["spec"]["source"]["url"]: child["metadata"]["name"] for child in found}


def test_a_log_is_followed_while_the_worker_runs(kubectl: Kubectl, environment: dict[str, str]) -> None:
    """Before the import ends, and until it ends."""
    argv = ["kubectl", "videoimport", "logs", "-f", "commands-followed", "-n", kubectl.namespace]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=environment) as following:
        assert following.stdout is not None
        first = following.stdout.readline()
        assert kubectl.json("get", "vi/commands-followed")["status"]["phase"] not in ("Completed", "Failed")
        shown = first + following.stdout.read()
    assert following.returncode == 0
    assert "Download began" in shown
    assert "Transcode is done" in shown
    assert finished(kubectl, "vi/commands-followed")["status"]["phase"] == "Completed"


def test_an_import_is_suspended_resumed_and_cancelled(kubectl: Kubectl, run: Run) -> None:
    run("create", SLOW, "--name", "commands-cancelled", *PLACE, "--folder", "cancelled")
    assert run("suspend", "commands-cancelled").stdout == "vi/commands-cancelled: suspended (spec.suspend: true)\n"
    await_state(kubectl, "vi/commands-cancelled", lambda found: found["status"]["phase"] == "Suspended", "Suspended")
    run("resume", "vi/commands-cancelled")
    await_state(kubectl, "vi/commands-cancelled", lambda found: found["status"]["phase"] != "Suspended", "resumed")
    run("cancel", "commands-cancelled")
    assert finished(kubectl, "vi/commands-cancelled")["status"]["phase"] == "Cancelled"


def test_watch_ends_with_the_outcome(run: Run) -> None:
    shown = run("watch", BULK, code=1)
    assert "bi/commands: Completed 100 %, 2 of 3 imported, 1 failed" in shown.stdout


def test_a_planned_manifest_can_be_applied(kubectl: Kubectl, run: Run) -> None:
    planned = run("create", URLS[0], "--name", "commands-planned", *PLACE, "--dry-run", "-o", "yaml").stdout
    words = kubectl.argv("apply", "-f", "-")
    subprocess.run(words, input=planned, text=True, check=True, capture_output=True)
    found = kubectl.json("get", "vi/commands-planned")
    spec = yaml.safe_load(planned)["spec"]
    assert found["spec"]["source"] == spec["source"]
    assert finished(kubectl, "vi/commands-planned")["status"]["reason"] == "Duplicate"


def test_imports_are_listed(kubectl: Kubectl, run: Run) -> None:
    finished(kubectl, BULK)
    rows = run("list", "--bulk", "commands").stdout.splitlines()
    assert rows[0].split() == ["NAME", "TITLE", "PHASE", "PERCENT", "CODE", "AGE"]
    assert len(rows) == 1 + 3
    failed = run("list", "--bulk", "commands", "--failed").stdout.splitlines()
    assert [row.split()[0] for row in failed[1:]] == [children(kubectl)[URLS[1]]]
    listed = json.loads(run("list", "--all", "-o", "json").stdout)["items"]
    assert "commands-followed" in {found["metadata"]["name"] for found in listed}


def test_an_import_is_explained(kubectl: Kubectl, run: Run) -> None:
    finished(kubectl, BULK)
    names = children(kubectl)
    good, bad = run("get", names[URLS[0]]).stdout, run("get", names[URLS[1]]).stdout
    assert "Completed" in good
    assert f"s3://videos/{PREFIX}/" in good
    assert "SourceNotFound" in bad
    assert "Correct the address of the source" in " ".join(bad.split())
    assert "2 of 3 imported" in " ".join(run("get", BULK).stdout.split())


def test_a_log_is_sentences_or_lines_of_json(kubectl: Kubectl, run: Run) -> None:
    finished(kubectl, BULK)
    name = children(kubectl)[URLS[0]]
    assert "Download began." in run("logs", name).stdout
    lines = run("logs", name, "--json").stdout.splitlines()
    assert len(lines) > 5
    assert all(isinstance(json.loads(line), dict) for line in lines)


def test_results_are_printed_in_each_format(kubectl: Kubectl, run: Run, tmp_path: Path) -> None:
    finished(kubectl, BULK)
    table = run("results", "commands").stdout
    assert sorted(row.split()[0] for row in table.splitlines()[1:]) == ["Failed", "Imported", "Imported"]
    assert len(json.loads(run("results", "commands", "-o", "json").stdout)["results"]) == 3
    page = run("results", "commands", "-o", "html").stdout
    assert "SourceNotFound" in page
    assert page.count(f"{PREFIX}/") == 2


def test_failed_items_are_retried(kubectl: Kubectl, run: Run) -> None:
    finished(kubectl, BULK)
    before = kubectl.json("get", BULK)["spec"].get("retryToken")
    assert "bi/commands" in run("retry", "--failed", BULK).stdout
    token = kubectl.json("get", BULK)["spec"]["retryToken"]
    assert token != before
    await_state(kubectl, BULK, lambda found: found["status"].get("observedRetryToken") == token, "retried")
    assert finished(kubectl, BULK)["status"]["failed"] == 1


def test_a_video_is_found_in_the_destination(kubectl: Kubectl, run: Run, tmp_path: Path) -> None:
    """Through a forwarded port, because the store has no address outside the cluster."""
    finished(kubectl, BULK)
    for name, value in (("AWS_ACCESS_KEY_ID", ACCESS_KEY), ("AWS_SECRET_ACCESS_KEY", SECRET_KEY)):
        (tmp_path / name).write_text(value)
    keys = ("--keys", str(tmp_path))
    with kubectl.forwarded("service/s3", 7070) as port:
        place = ("--into", f"s3://videos/{PREFIX}", "--endpoint", f"http://127.0.0.1:{port}", *keys)
        found = json.loads(run("find", str(CONTEXT / "site/compliant.mp4"), *place, "-o", "json").stdout)
        missing = run("find", str(CONTEXT / "site/encode.webm"), *place, code=1)
    assert found["uri"].startswith(f"s3://videos/{PREFIX}/")
    assert "does not have" in missing.stdout


def test_reasons_and_the_state_of_the_cluster_are_explained(run: Run) -> None:
    reason = subprocess.run(
        [sys.executable, "-m", "videoimport.cli", "reasons", "SourceNotFound"], capture_output=True, text=True
    )
    assert "Correct the address of the source." in reason.stdout
    checks = json.loads(run("doctor", "--secret", "bucket-keys", "-o", "json").stdout)
    assert checks["ok"], checks
    assert {"Controller", "Rights"} <= {check["name"] for check in checks["checks"]}
