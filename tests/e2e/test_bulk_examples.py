"""Every example of a BulkImport is applied as a user would, and does what it says it does."""

import base64
import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from demo.backends import ACCESS_KEY, CONTEXT, SECRET_KEY
from demo.kubectl import Kubectl
from support.e2e.cluster_state import Resource, apply, await_state, finished
from support.e2e.embedded_runs import BUCKET_KEYS, EmbeddedRun, compare
from support.e2e.example_bulks import bulks, moved
from support.e2e.manifests import SITE

EXAMPLES = {name: moved(documents, f"ex-{name}") for name, documents in bulks().items()}
HOOK_KEY = f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
LIST = f"url,name\n{SITE}/clips/1.mp4,first\nno address,second\n{SITE}/clips/3.mp4,third\n"
COUNTS = {
    "bulk-playlist": (2, 2, 0),
    "bulk-bucket": (2, 2, 0),
    "bulk-import-again": (2, 2, 0),
    "bulk-manifest-configmap": (2, 2, 0),
    "bulk-manifest-url": (2, 2, 0),
    "bulk-list-with-login": (2, 2, 0),
    "bulk-manifest-object": (2, 2, 1),
    "bulk-failure-policy": (2, 2, 0),
    "bulk-dry-run": (3, 0, 0),
    "bulk-metadata": (2, 2, 0),
}
"""Items accepted, imported and rejected; of the others one is, one is, and none is."""


@pytest.fixture(scope="module", autouse=True)
def applied(kubectl: Kubectl, bucket: Any) -> Iterator[None]:
    """All of them at once, with the things they name."""
    if "incoming" not in [one["Name"] for one in bucket.list_buckets()["Buckets"]]:
        bucket.create_bucket(Bucket="incoming")
    for number in (1, 2):
        bucket.upload_file(str(CONTEXT / f"site/clips/{number}.mp4"), "incoming", f"lectures/{number}.mp4")
    bucket.put_object(Bucket="incoming", Key="lectures/list.csv", Body=LIST.encode())
    for secret in _secrets():
        apply(kubectl, secret)
    for documents in EXAMPLES.values():
        for document in documents:
            apply(kubectl, document)
    yield
    for documents in EXAMPLES.values():
        words = ("delete", "bi", documents[-1]["metadata"]["name"], "--wait=false", "--ignore-not-found")
        subprocess.run(kubectl.argv(*words), check=True, capture_output=True)


@pytest.fixture(scope="module")
def embedded(kubectl: Kubectl, applied: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Resource]:
    """The final resources of one run of all examples in embedded mode."""
    documents = [document for documents in EXAMPLES.values() for document in documents]
    awake = [
        document | {"spec": {**document["spec"], "suspend": False}} if document["kind"] == "BulkImport" else document
        for document in documents
    ]
    return EmbeddedRun(kubectl, tmp_path_factory.mktemp("embedded")).finish([BUCKET_KEYS, *_secrets(), *awake])


def _secrets() -> list[Resource]:
    return [
        _secret("source-keys", AWS_ACCESS_KEY_ID=ACCESS_KEY, AWS_SECRET_ACCESS_KEY=SECRET_KEY),
        _secret("club-login", headers="X-Club: 7", hosts="files.example.com"),
        _secret("webhook-key", **{"webhook-secret": HOOK_KEY}),
    ]


def _secret(name: str, **data: str) -> Resource:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}


def reference(name: str) -> str:
    return f"bi/{EXAMPLES[name][-1]['metadata']['name']}"


def children(kubectl: Kubectl, name: str) -> list[Resource]:
    found: list[Resource] = kubectl.json("get", "vi", "-l", f"videoimport.io/bulk={reference(name)[3:]}")["items"]
    return found


def is_suspended(bulk: Resource) -> bool:
    return bool(bulk.get("status", {}).get("phase") == "Suspended")


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_does_what_it_says(kubectl: Kubectl, name: str) -> None:
    if EXAMPLES[name][-1]["spec"].get("suspend"):
        await_state(
            kubectl, reference(name), lambda found: found.get("status", {}).get("phase") == "Suspended", "asleep"
        )
        assert children(kubectl, name) == []
        words = ("patch", reference(name), "--type=merge", "--patch", '{"spec": {"suspend": false}}')
        subprocess.run(kubectl.argv(*words), check=True, capture_output=True)
    status = finished(kubectl, reference(name))["status"]
    counts = (status["total"], status["completed"], status["rejectedCount"])
    assert (status["phase"], status["failed"], counts) == ("Completed", 0, COUNTS.get(name, (1, 1, 0))), status


def test_the_newest_of_a_feed_are_taken(kubectl: Kubectl) -> None:
    status = finished(kubectl, reference("bulk-playlist"))["status"]
    assert sorted(result["url"] for result in status["results"]) == [f"{SITE}/clips/2.mp4", f"{SITE}/clips/3.mp4"]


def test_a_line_without_an_address_is_named_by_its_number(kubectl: Kubectl) -> None:
    [rejected] = finished(kubectl, reference("bulk-manifest-object"))["status"]["rejected"]
    assert rejected["reason"] == "InvalidSpec"
    assert "line 3" in rejected["message"].lower()


def test_the_command_line_tells_every_line_of_a_list(kubectl: Kubectl) -> None:
    finished(kubectl, reference("bulk-manifest-object"))
    words = ["results", reference("bulk-manifest-object")[3:], "--namespace", "e2e", "--output", "json"]
    command = [sys.executable, "-m", "videoimport.cli", *words, "--kubeconfig", str(kubectl.kubeconfig)]
    whole = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert sorted(result["name"] for result in whole["results"]) == ["first", "third"]
    assert [line["reason"] for line in whole["rejected"]] == ["InvalidSpec"]
    assert whole["open"] == []


def test_a_dry_run_makes_no_import(kubectl: Kubectl) -> None:
    finished(kubectl, reference("bulk-dry-run"))
    assert children(kubectl, "bulk-dry-run") == []


def test_words_of_an_item_win_over_those_of_the_template(kubectl: Kubectl) -> None:
    finished(kubectl, reference("bulk-metadata"))
    found = [child["spec"]["metadata"] for child in children(kubectl, "bulk-metadata")]
    assert sorted(found, key=lambda words: int(words["year"])) == [
        {"course": "spring", "speaker": "Ada", "year": 2025},
        {"course": "spring", "year": 2026},
    ]


def test_the_receiver_is_told_once_with_the_librarys_signature(kubectl: Kubectl) -> None:
    finished(kubectl, reference("bulk-webhook"))
    status = await_state(
        kubectl,
        reference("bulk-webhook"),
        lambda found: found["status"].get("webhook", {}).get("state") == "Delivered",
        "delivered",
    )["status"]
    log = subprocess.run(kubectl.argv("logs", "deployment/site"), check=True, capture_output=True, text=True).stdout
    taken = [json.loads(line) for line in log.splitlines() if line.startswith('{"id":')]
    [message] = [one for one in taken if one["id"] == status["webhook"]["id"]]
    sent = datetime.fromtimestamp(int(message["timestamp"]), UTC)
    signature = Webhook(HOOK_KEY).sign(message["id"], sent, message["body"])  # `verify` wants it no older than minutes
    assert signature in message["signature"].split(" ")
    told = json.loads(message["body"])
    assert (told["type"], told["data"]["total"], told["data"]["completed"]) == ("bulkimport.completed", 1, 1)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_ends_alike_without_a_cluster(kubectl: Kubectl, embedded: dict[str, Resource], name: str) -> None:
    """It runs after the tests above, since one of them waits for an example that is suspended."""
    if EXAMPLES[name][-1]["spec"].get("suspend"):
        words = ("patch", reference(name), "--type=merge", "--patch", '{"spec": {"suspend": false}}')
        subprocess.run(kubectl.argv(*words), check=True, capture_output=True)
    cluster = finished(kubectl, reference(name))
    if "webhook" in EXAMPLES[name][-1]["spec"]:
        cluster = await_state(
            kubectl, reference(name), lambda found: found["status"]["webhook"]["state"] != "Pending", "delivered"
        )
    assert compare(cluster, embedded[reference(name)], {}) == {}
