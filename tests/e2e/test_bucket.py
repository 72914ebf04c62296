"""A bucket of real files as one import: who comes in and who does not is known first, and known again later.

`make test` imports 21 files, `make full-test` fifty.
"""

from collections import Counter
from typing import Any

import pytest

from demo.backends import CONTEXT
from demo.kubectl import Kubectl
from support.e2e import bucket_footage as shelf
from support.e2e.cluster_state import Resource, apply, finished
from support.e2e.manifests import STORE, destination

SOURCE = "footage/spring"


@pytest.fixture(scope="module", autouse=True)
def filled(bucket: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("shelf")
    shelf.make(folder, CONTEXT / "site/compliant.mp4")
    for file in sorted(folder.iterdir()):
        bucket.upload_file(str(file), "videos", f"{SOURCE}/{file.name}")


def wish(name: str, **changes: Any) -> Resource:
    spec = {
        "source": {
            "s3": STORE | {"bucket": "videos", "prefix": f"{SOURCE}/"},
            "credentialsSecretRef": {"name": "bucket-keys"},
        },
        "template": {"destination": destination("shelf", ifExists="Replace"), "requirements": shelf.REQUIREMENTS},
        "parallelism": 5,
    } | changes
    return {"apiVersion": "videoimport.io/v1alpha1", "kind": "BulkImport", "metadata": {"name": name}, "spec": spec}


def stored(bucket: Any) -> dict[str, Any]:
    """When each video in the destination was last written."""
    found = bucket.list_objects_v2(Bucket="videos", Prefix="e2e/shelf/").get("Contents", [])
    return {one["Key"]: one["LastModified"] for one in found if one["Key"].endswith("/video.mp4")}


@pytest.fixture(scope="module")
def first(kubectl: Kubectl) -> Resource:
    """The first run, to its end."""
    apply(kubectl, wish("shelf-dry", dryRun=True))
    apply(kubectl, wish("shelf"))
    return finished(kubectl, "bi/shelf")


@pytest.mark.usefixtures("first")
def test_a_dry_run_tells_and_imports_nothing(kubectl: Kubectl) -> None:
    status = finished(kubectl, "bi/shelf-dry")["status"]
    assert (status["phase"], status["total"], status["rejectedCount"]) == ("Completed", shelf.GOOD, len(shelf.BAD))
    assert kubectl.json("get", "vi", "-l", "videoimport.io/bulk=shelf-dry")["items"] == []
    assert len(status["accepted"]) == shelf.GOOD


def test_the_seven_are_refused_before_anything_is_transcoded(kubectl: Kubectl, first: Resource) -> None:
    status = first["status"]
    found = {one["url"].rpartition("/")[2]: one["reason"] for one in status["rejected"]}
    assert found == shelf.BAD, status["rejected"]
    assert all(one["message"] for one in status["rejected"])
    assert status["rejectedCount"] == len(shelf.BAD)
    [page] = kubectl.json("get", "configmap", "-l", "videoimport.io/bulk=shelf,videoimport.io/page")["items"]
    children = kubectl.json("get", "vi", "-l", "videoimport.io/bulk=shelf")["items"]
    assert len(children) == shelf.GOOD
    assert min(child["metadata"]["creationTimestamp"] for child in children) >= page["metadata"]["creationTimestamp"]


def test_the_others_arrive_each_once(bucket: Any, first: Resource) -> None:
    status = first["status"]
    counts = (status["phase"], status["total"], status["completed"], status["failed"], status["skippedDuplicates"])
    assert counts == ("Completed", shelf.GOOD, shelf.GOOD, 0, 0)
    assert len(stored(bucket)) == shelf.GOOD


@pytest.mark.usefixtures("first")
def test_again_uploads_nothing_and_starts_no_worker_for_it(kubectl: Kubectl, bucket: Any) -> None:
    before = stored(bucket)
    apply(kubectl, wish("shelf-again"))
    status = finished(kubectl, "bi/shelf-again")["status"]
    assert (status["completed"], status["skippedDuplicates"], status["bytesOut"]) == (shelf.GOOD, shelf.GOOD, 0)
    assert Counter(result["reason"] for result in status["results"]) == {"Duplicate": shelf.GOOD}
    assert kubectl.json("get", "vi", "-l", "videoimport.io/bulk=shelf-again")["items"] == []
    assert stored(bucket) == before


@pytest.mark.usefixtures("first")
def test_not_incremental_uploads_all_again(kubectl: Kubectl, bucket: Any) -> None:
    before = stored(bucket)
    apply(kubectl, wish("shelf-anew", incremental=False))
    status = finished(kubectl, "bi/shelf-anew")["status"]
    assert (status["completed"], status["skippedDuplicates"]) == (shelf.GOOD, 0), status
    # A busy store may not show every file's head in time; then the worker refuses the file in place of the list.
    assert status["failed"] + status["rejectedCount"] == len(shelf.BAD), status
    after = stored(bucket)
    assert after.keys() == before.keys()
    assert all(after[key] > before[key] for key in before)
