"""`ifExists: KeepBoth` on a real cluster: imports of one name at once, and a bulk that imports everything again."""

from typing import Any

import pytest

from demo.kubectl import Kubectl
from support.e2e.cluster_state import Resource, apply, finished
from support.e2e.manifests import SITE, bulk, destination, video

URL = f"{SITE}/clips/1.mp4"


def uri_of(found: Resource) -> str:
    assert found["status"]["phase"] == "Completed", found["status"]
    return str(found["status"]["outputs"]["video"]["uri"])


def folder(name: str) -> dict[str, Any]:
    return destination(name, ifExists="KeepBoth", name="clip")


@pytest.fixture(scope="module", autouse=True)
def applied(kubectl: Kubectl) -> None:
    for name in ("kept-one", "kept-two"):
        apply(kubectl, video(name, URL, destination=folder("kept"), incremental=False))
    apply(kubectl, a_bulk("kept-first"))


def a_bulk(name: str) -> Resource:
    return bulk(name, [URL], incremental=False, template={"destination": folder("again"), "requirements": {}})


def test_two_imports_of_one_name_at_once_are_two_objects(kubectl: Kubectl, bucket: Any) -> None:
    uris = {uri_of(finished(kubectl, f"vi/{name}")) for name in ("kept-one", "kept-two")}
    prefix = "s3://videos/e2e/kept"
    assert uris == {f"{prefix}/clip/video.mp4", f"{prefix}/clip-2/video.mp4"}
    for uri in uris:
        assert bucket.head_object(Bucket="videos", Key=uri.removeprefix("s3://videos/"))["ContentLength"] > 0


def test_a_bulk_imports_everything_again(kubectl: Kubectl) -> None:
    first = finished(kubectl, "bi/kept-first")["status"]["results"]
    apply(kubectl, a_bulk("kept-again"))
    second = finished(kubectl, "bi/kept-again")["status"]["results"]
    assert [result["uri"] for result in (*first, *second)] == [
        "s3://videos/e2e/again/clip/video.mp4",
        "s3://videos/e2e/again/clip-2/video.mp4",
    ]
