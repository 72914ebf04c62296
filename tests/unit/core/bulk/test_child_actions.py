"""Where the headers of a list's Secret may go: decided by the controller, from the BulkImport alone."""

from typing import Any

import pytest

from support.core.bulk_builders import bulk
from support.core.video_builders import SETTINGS
from videoimport.api.tasks.listing_task import FoundItem
from videoimport.api.videoimport import VideoImport
from videoimport.core.bulk.child_actions import create_child
from videoimport.core.jobs.pod_template import build_task
from videoimport.core.list_item import describe_item

SECRET = {"credentialsSecretRef": {"name": "login"}}
ITEM = describe_item(FoundItem(id="0123456789", url="https://list.example@evil.example/v.mp4"))


def origins(source: dict[str, Any], item: Any = ITEM) -> Any:
    return create_child(bulk(source=source), item).manifest["spec"]["source"].get("headerOrigins")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({"playlist": {"url": "https://list.example/a?b#c"}}, ["https://list.example"]),
        ({"playlist": {"url": "http://user:pw@list.example:8080/a"}}, ["http://list.example:8080"]),
        ({"manifest": {"url": "https://l/x"}}, ["https://l"]),
        ({"manifest": {"url": "https://list.example\\@evil.example/x"}}, []),
        ({"manifest": {"configMapKeyRef": {"name": "list", "key": "a"}}}, []),
        ({"manifest": {"s3": {"bucket": "lists", "key": "a", "endpoint": "https://s3.example"}}}, []),
        ({"items": [{"url": "https://item.example/v.mp4"}]}, []),
    ],
)
def test_a_child_says_where_its_secrets_headers_go(source: dict[str, Any], expected: list[str]) -> None:
    assert origins(source | SECRET) == expected


def test_a_child_without_a_secret_or_of_a_bucket_says_nothing() -> None:
    assert origins({"playlist": {"url": "https://list.example/a"}}) is None
    stored = describe_item(FoundItem(id="0123456789", key="v.mp4"))
    assert origins({"s3": {"bucket": "media"}} | SECRET, stored) is None


def test_a_child_that_says_nothing_sends_them_nowhere_and_keeps_its_hash() -> None:
    manifest = create_child(bulk(source={"playlist": {"url": "https://list.example/a"}} | SECRET), ITEM).manifest
    del manifest["spec"]["source"]["headerOrigins"]
    manifest["metadata"]["uid"] = "u"
    child = VideoImport.parse(manifest)
    alone = child.model_copy(update={"metadata": child.metadata.model_copy(update={"owner_references": ()})})
    told = build_task(child, 1, SETTINGS)
    assert told.spec.source.header_origins == ()
    assert build_task(alone, 1, SETTINGS).spec.source.header_origins is None
    assert told.spec_hash == build_task(alone, 1, SETTINGS).spec_hash
