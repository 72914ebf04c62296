"""`kubectl videoimport run` of several resources: the controller's decisions and the real worker, without a cluster."""

import base64
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.fake_source_site import Exchange, FakeSourceSite, file
from support.waiting import LONGEST_SECONDS, until
from support.webhook_receiver import WebhookReceiver, new_secret
from support.worker.cli_harness import LOOPBACK, FinishedCommand, Terminal, to
from support.worker.object_store import KEY_ID, SECRET, Bucket
from support.worker.worker_harness import descendants, is_alive, probe
from videoimport.api.tasks.webhook_task import SECRET_KEY

Footage = Callable[[str], Path]
Raw = dict[str, Any]


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


def resource(kind: str, name: str, spec: Raw) -> Raw:
    return {"apiVersion": "videoimport.io/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def bulk(source: Raw, **spec: Any) -> Raw:
    template = {"requirements": {}} | spec.pop("template", {})
    return resource("BulkImport", "course", {"source": source, "template": template} | spec)


def write(terminal: Terminal, *documents: Raw, name: str = "course.yaml") -> Path:
    path = terminal.manifests / name
    path.write_text(yaml.safe_dump_all(documents, sort_keys=False))
    return path


def items(site: FakeSourceSite, footage: Footage, *names: str) -> list[Raw]:
    """Items of these names: a clip with the same content is a duplicate, so each gets its own."""
    clips = {"one": "silent.mp4", "two": "moov-last.mp4", "three": "compliant.mkv"}
    return [{"name": name, "url": site.add(f"/{name}.mp4", file(footage(clips[name])))} for name in names]


def states(told: FinishedCommand) -> dict[str, str]:
    """The state of each item in the table."""
    rows = [row.split() for row in told.stdout.splitlines()[1:]]
    return {row[1]: row[0] for row in rows}


def test_a_bulk_import_runs_to_its_end_and_the_exit_code_is_its_outcome(
    terminal: Terminal, site: FakeSourceSite, footage: Footage
) -> None:
    found = items(site, footage, "one", "two")
    manifest = write(terminal, bulk({"items": [*found, {"name": "gone", "url": site.url("/gone.mp4")}]}))

    told = terminal.bring(manifest)

    assert told.code == 1, told.stderr
    assert states(told) == {"gone": "Failed", "one": "Imported", "two": "Imported"}
    assert "SourceNotFound" in told.stdout
    assert "course: Completed, 2 of 3 imported, 1 failed" in told.stderr
    for name in ("one", "two"):
        assert probe(terminal.manifests / name / "video.mp4")["streams"]
        assert f"manifests/{name}/video.mp4" in told.stdout
    assert terminal.left == []


def test_a_further_run_imports_only_what_failed(terminal: Terminal, site: FakeSourceSite, footage: Footage) -> None:
    found = items(site, footage, "one", "two")
    site.add("/two.mp4", lambda exchange: exchange.answer(404))
    manifest = write(terminal, bulk({"items": found}))
    first = terminal.bring(manifest)
    assert states(first) == {"one": "Imported", "two": "Failed"}

    site.add("/two.mp4", file(footage("moov-last.mp4")))
    before = len([seen for seen in site.requests if seen.path == "/one.mp4"])
    second = terminal.bring(manifest)

    assert (second.code, states(second)) == (0, {"one": "Imported", "two": "Imported"}), second.stderr
    assert len([seen for seen in site.requests if seen.path == "/one.mp4"]) == before


def test_the_final_resources_are_those_of_the_cluster(
    terminal: Terminal, site: FakeSourceSite, footage: Footage
) -> None:
    """Several resources are a List. Defaults are filled in, as the API server does."""
    [one, two] = items(site, footage, "one", "two")
    video = resource("VideoImport", "alone", {"source": {"url": two["url"]}})
    told = terminal.bring(write(terminal, bulk({"items": [one]}), video), "-o", "json")

    assert told.code == 0, told.stderr
    found = {entry["kind"]: entry for entry in json.loads(told.stdout)["items"]}
    status = found["BulkImport"]["status"]
    assert (status["phase"], status["completed"], status["total"]) == ("Completed", 1, 1)
    assert found["BulkImport"]["spec"]["parallelism"] > 0
    assert found["VideoImport"]["status"]["outputs"]["video"]["url"].startswith("file:///")


def test_secrets_and_lists_may_be_in_the_documents(
    terminal: Terminal, bucket: Bucket, site: FakeSourceSite, footage: Footage
) -> None:
    [one] = items(site, footage, "one")
    keys = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "store-keys"}}
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in keys.items()}
    table = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "list"}, "data": {"list.txt": one["url"]}}
    source = {"manifest": {"configMapKeyRef": {"name": "list", "key": "list.txt"}}}
    manifest = write(
        terminal, secret | {"data": encoded}, table, bulk(source, template={"destination": to(bucket)}), name="all.yaml"
    )

    told = terminal.bring(manifest, "-o", "yaml")

    assert told.code == 0, told.stderr
    [result] = yaml.safe_load(told.stdout)["status"]["results"]
    assert result["uri"].startswith(f"s3://{bucket.name}/in/")
    assert SECRET not in told.stdout + told.stderr
    kept = b"".join(path.read_bytes() for path in terminal.manifests.rglob("*") if path.is_file() and path != manifest)
    assert SECRET.encode() not in kept
    assert encoded["AWS_SECRET_ACCESS_KEY"].encode() not in kept


def test_a_webhook_is_delivered(terminal: Terminal, site: FakeSourceSite, footage: Footage) -> None:
    key = new_secret()
    with WebhookReceiver(secret=key).running() as receiver:
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "hook"}, "stringData": {SECRET_KEY: key}}
        hook = {"url": receiver.url(), "secretRef": {"name": "hook"}}
        manifest = write(terminal, secret, bulk({"items": items(site, footage, "one")}, webhook=hook))

        told = terminal.bring(manifest)

        assert told.code == 0, told.stderr
        assert [post.message["type"] for post in receiver.posts] == ["bulkimport.completed"]


def test_at_most_so_many_imports_run_at_once(terminal: Terminal, site: FakeSourceSite, footage: Footage) -> None:
    found = items(site, footage, "one", "two", "three")
    at_once: list[int] = []

    def counted(name: str) -> Callable[[Exchange], None]:
        serve = site.routes[f"/{name}.mp4"]

        def route(exchange: Exchange) -> None:
            at_once.append(len(_workers(process.pid)))
            serve(exchange)

        return route

    for entry in found:
        site.routes[f"/{entry['name']}.mp4"] = counted(entry["name"])
    process = terminal.start("run", "-f", write(terminal, bulk({"items": found})), *LOOPBACK, "--parallelism", 1)
    process.communicate(timeout=LONGEST_SECONDS)

    assert process.returncode == 0
    assert set(at_once) == {1}


def _workers(command: int) -> list[int]:
    """The processes of workers, without the processes that those start."""
    return [pid for pid in descendants(command) if _parent(pid) == command]


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


@pytest.mark.full(but=["Ctrl-C"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "SIGKILL"])
def test_a_run_that_was_stopped_is_continued(
    terminal: Terminal, site: FakeSourceSite, footage: Footage, number: signal.Signals
) -> None:
    """Each item is imported once, and the result of the first is not fetched again."""
    found = items(site, footage, "one", "two")
    held = footage("moov-last.mp4").read_bytes()

    def hold(exchange: Exchange) -> None:
        exchange.answer(200, held, send=len(held) // 2)
        site.over.wait(LONGEST_SECONDS)

    site.add("/two.mp4", hold)
    manifest = write(terminal, bulk({"items": found}))
    process = terminal.start("run", "-f", manifest, *LOOPBACK)
    until(lambda: (terminal.manifests / "one/result.json").exists())
    until(lambda: any(seen.path == "/two.mp4" for seen in site.requests))
    workers = descendants(process.pid)
    process.send_signal(number)
    _, errors = process.communicate(timeout=LONGEST_SECONDS)
    assert process.returncode == (128 + number if number == signal.SIGINT else -number)
    if number == signal.SIGINT:
        assert "Stopped by SIGINT" in errors
        assert terminal.left == []
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))

    site.add("/two.mp4", file(footage("moov-last.mp4")))
    before = [seen.path for seen in site.requests].count("/one.mp4")
    told = terminal.bring(manifest)

    assert (told.code, states(told)) == (0, {"one": "Imported", "two": "Imported"}), told.stderr
    assert [seen.path for seen in site.requests].count("/one.mp4") == before


def test_ctrl_c_ends_also_a_worker_that_ignores_sigterm(terminal: Terminal, site: FakeSourceSite) -> None:
    """A stopped process handles no signal but SIGKILL, as one that ignores SIGTERM."""
    site.add("/one.mp4", lambda _exchange: site.over.wait(LONGEST_SECONDS))
    manifest = write(terminal, bulk({"items": [{"name": "one", "url": site.url("/one.mp4")}]}))
    process = terminal.start("run", "-f", manifest, *LOOPBACK)
    until(lambda: bool(site.requests))
    workers = descendants(process.pid)
    for pid in _workers(process.pid):
        os.kill(pid, signal.SIGSTOP)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=LONGEST_SECONDS)

    assert process.returncode == 128 + signal.SIGINT, errors
    until(lambda: not any(map(is_alive, workers)))
    assert terminal.left == []


def test_two_commands_do_not_run_the_same_bulk_import_at_once(
    terminal: Terminal, site: FakeSourceSite, footage: Footage
) -> None:
    site.add("/one.mp4", lambda _exchange: site.over.wait(LONGEST_SECONDS))
    manifest = write(terminal, bulk({"items": [{"name": "one", "url": site.url("/one.mp4")}]}))
    first = terminal.start("run", "-f", manifest, *LOOPBACK)
    until(lambda: bool(site.requests))

    told = terminal.bring(manifest)

    assert told.code == 2
    assert told.stderr == "error: BulkImport course runs already on this machine; wait until that run ends.\n"
    first.send_signal(signal.SIGTERM)
    first.communicate(timeout=LONGEST_SECONDS)


def test_the_memory_limit_of_the_spec_holds(terminal: Terminal, site: FakeSourceSite, footage: Footage) -> None:
    worker = {"resources": {"limits": {"memory": "40Mi"}, "requests": {"memory": "10Mi"}}}
    source = {"url": site.add("/one.mp4", file(footage("silent.mp4")))}
    spec = {"source": source, "worker": worker, "maxAttempts": 1}
    told = terminal.bring(write(terminal, resource("VideoImport", "clip", spec)), "-o", "json")

    assert told.resource["status"]["reason"] == "OutOfMemory", told.stderr
    assert told.code not in (0, 1, 2)


def test_addresses_need_no_manifest(terminal: Terminal, site: FakeSourceSite, footage: Footage) -> None:
    [one, two] = items(site, footage, "one", "two")
    into = terminal.folder / "videos"

    told = terminal.run("run", one["url"], *LOOPBACK, "--into", into)
    both = terminal.run("run", one["url"], two["url"], *LOOPBACK, "--into", into)

    assert told.code == 0, told.stderr
    assert len([*into.rglob("video.mp4")]) == 2
    assert both.code == 0, both.stderr
    assert sorted(states(both).values()) == ["Duplicate", "Imported"]


def test_a_terminal_shows_a_table_of_all_imports(terminal: Terminal, site: FakeSourceSite, footage: Footage) -> None:
    controller, screen = os.openpty()
    manifest = write(terminal, bulk({"items": items(site, footage, "one", "two")}))
    process = terminal.start("run", "-f", manifest, *LOOPBACK, stderr=screen)
    os.close(screen)
    shown = b""
    while chunk := _read(controller):
        shown += chunk
    process.communicate(timeout=LONGEST_SECONDS)

    assert process.returncode == 0
    assert b"PROGRESS" in shown
    assert b"bi/course" in shown


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:  # the other side is closed
        return b""


def test_the_results_of_a_bulk_are_one_page(terminal: Terminal, site: FakeSourceSite, footage: Footage) -> None:
    """With the pictures in it, and links to the files."""
    found = [*items(site, footage, "one"), {"name": "gone", "url": site.url("/gone.mp4")}]
    told = terminal.bring(
        write(terminal, bulk({"items": found}, template={"output": {"thumbnails": {}}})), "-o", "html"
    )

    assert told.code == 1, told.stderr
    assert told.stdout.count('src="data:image/jpeg;base64,') == 1
    assert f'href="file://{terminal.manifests}/one/video.mp4"' in told.stdout
    assert "SourceNotFound" in told.stdout


def test_a_page_of_a_bucket_uses_the_secret_of_the_documents(
    terminal: Terminal, bucket: Bucket, site: FakeSourceSite, footage: Footage
) -> None:
    keys = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, "stringData": keys}
    place = {"s3": {"endpoint": bucket.store.endpoint, "bucket": bucket.name}, "credentialsSecretRef": {"name": "keys"}}
    template = {"output": {"thumbnails": {}}, "destination": place}
    told = terminal.bring(
        write(terminal, secret, bulk({"items": items(site, footage, "one")}, template=template)), "-o", "html"
    )

    assert told.code == 0, told.stderr
    assert told.stdout.count('src="data:image/jpeg;base64,') == 1
    assert f"s3://{bucket.name}/one/video.mp4" in told.stdout
    assert SECRET not in told.stdout


def test_a_page_is_of_one_bulk_import(terminal: Terminal) -> None:
    clip = {"source": {"url": "https://media.example.com/a.mp4"}}
    told = terminal.bring(write(terminal, resource("VideoImport", "clip", clip)), "-o", "html")

    assert told.code == 2
    assert (
        "-o html prints the page of one BulkImport, but the command has VideoImport clip; run one BulkImport."
        in told.stderr
    )
