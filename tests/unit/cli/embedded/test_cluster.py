"""The cluster of the embedded mode answers the controller from memory and from files of logs."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from videoimport.cli.embedded.cluster import EmbeddedCluster
from videoimport.cli.embedded.object_store import ObjectStore
from videoimport.controller.client.errors import NotFound


@pytest.fixture
def cluster(tmp_path: Path) -> EmbeddedCluster:
    objects = ObjectStore(lambda _kind, raw: f"uid-of-{raw['metadata']['name']}", lambda: datetime.now(UTC))
    return EmbeddedCluster(objects, tmp_path)


def test_the_log_of_a_pod_is_its_file(cluster: EmbeddedCluster) -> None:
    cluster.log_path("media", "clip").write_text("one\ntwo\nthree\n")
    assert asyncio.run(cluster.log("media", "clip", "worker", 7)) == "one\ntwo"
    assert asyncio.run(cluster.log_tail("media", "clip", "worker", 2, 1000)) == "two\nthree"
    assert asyncio.run(cluster.log_tail("media", "clip", "worker", 9, 6)) == "three"


def test_a_log_that_is_gone_is_not_found_and_has_no_tail(cluster: EmbeddedCluster) -> None:
    assert asyncio.run(cluster.log_tail("media", "clip", "worker", 2, 1000)) == ""
    with pytest.raises(NotFound):
        asyncio.run(cluster.log("media", "clip", "worker", 7))


def test_a_list_has_the_objects_of_one_namespace_or_of_all(cluster: EmbeddedCluster) -> None:
    for namespace in ("media", "other"):
        cluster.store.create({"kind": "Job", "metadata": {"name": "run", "namespace": namespace}})

    async def count(namespace: str | None) -> int:
        return sum([len(page.items) async for page in cluster.pages("Job", namespace)])

    assert [asyncio.run(count(namespace)) for namespace in ("media", None, "none")] == [1, 2, 0]
