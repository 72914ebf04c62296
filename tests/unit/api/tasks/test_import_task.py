"""Hashes of a spec: what changes them, and that neither written-down defaults nor later versions do."""

from typing import Any

import pytest

from videoimport.api.bulkimport import BulkImportSpec
from videoimport.api.identity import integration, video_id
from videoimport.api.output import Output
from videoimport.api.tasks.import_task import spec_hash, wish_hash
from videoimport.api.videoimport import VideoImportSpec

LEAST = {"source": {"url": "https://example.com/a.mp4"}, "destination": {"s3": {"bucket": "media"}}}


def spec(**more: Any) -> VideoImportSpec:
    return VideoImportSpec.model_validate(LEAST | more)


def test_hashes_are_pinned_for_a_changed_one_would_import_all_again() -> None:
    """A field that is added with a default that changes nothing must not fail this test."""
    assert spec_hash(spec()) == "c9f588ecb709b9e1b0063f89dd020f80fc94fc2fd1007022c9f04e11209a27ab"
    assert wish_hash(spec()) == "c9f588ecb709b9e1"
    assert video_id("ab" * 32, Output(), None) == "cf863c11704558aa578b06036b48efe5be37385144dab2ecd30d293d91def722"


def test_defaults_that_the_api_server_writes_down_change_nothing() -> None:
    written = VideoImportSpec.model_validate(spec().wire())
    assert (spec_hash(written), wish_hash(written)) == (spec_hash(spec()), wish_hash(spec()))


def test_written_requirements_are_another_wish_than_none() -> None:
    assert spec_hash(spec(requirements={})) != spec_hash(spec())


@pytest.mark.parametrize("steering", [{"suspend": True}, {"cancel": True}, {"retryToken": "again"}])
def test_what_is_done_with_an_import_now_is_no_part_of_the_wish(steering: dict[str, Any]) -> None:
    assert wish_hash(spec(**steering)) == wish_hash(spec())
    assert spec_hash(spec(**steering)) == spec_hash(spec())


@pytest.mark.parametrize(
    "mended",
    [
        {"maxAttempts": 6},
        {"timeoutSeconds": 60},
        {"incremental": False},
        {"worker": {"scratch": {"size": "20Gi"}}},
        {"output": {"video": {"crf": 24}}},
        {"metadata": {"year": 2026}},
    ],
)
def test_whatever_else_is_edited_is_a_mended_wish(mended: dict[str, Any]) -> None:
    assert wish_hash(spec(**mended)) != wish_hash(spec())


def test_how_the_pod_runs_does_not_shape_the_result() -> None:
    assert spec_hash(spec(worker={"scratch": {"size": "20Gi"}}, maxAttempts=6)) == spec_hash(spec())


PLAYLIST = {"playlist": {"url": "https://videos.example/list"}}


def bulk(source: dict[str, Any] = PLAYLIST, destination: dict[str, Any] | None = None, **more: Any) -> BulkImportSpec:
    template = {"destination": destination or LEAST["destination"]}
    return BulkImportSpec.model_validate({"source": source, "template": template} | more)


BUCKET = {"s3": {"bucket": "incoming", "prefix": "a/"}}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (bulk(), bulk({"playlist": {"url": "https://videos.example/list", "limit": 5}}, parallelism=9, dryRun=True)),
        (bulk(BUCKET), bulk({"s3": {"bucket": "incoming", "prefix": "a/", "suffixes": [".mp4"]}})),
        (
            bulk({"items": [{"url": "https://a.example/1"}, {"url": "https://a.example/2"}]}),
            bulk({"items": [{"url": "https://a.example/2", "name": "x"}, {"url": "https://a.example/1"}]}),
        ),
        (bulk(), bulk(destination={"s3": {"bucket": "media", "storageClass": "STANDARD_IA"}})),
    ],
)
def test_bulks_with_the_same_source_and_destination_are_one_integration(
    one: BulkImportSpec, other: BulkImportSpec
) -> None:
    assert integration(one) == integration(other)


def test_other_places_are_other_integrations() -> None:
    key = {"name": "list", "key": "all"}
    claim = {"persistentVolumeClaim": {"claimName": "media"}}
    found = [
        bulk(),
        bulk({"manifest": {"url": "https://videos.example/list"}}),
        bulk({"items": [{"url": "https://videos.example/list"}]}),
        bulk(BUCKET),
        bulk({"s3": {"bucket": "incoming", "prefix": "b/"}}),
        bulk({"s3": {"bucket": "incoming", "prefix": "a/", "endpoint": "https://s3.example"}}),
        bulk({"manifest": {"configMapKeyRef": key}}),
        bulk({"manifest": {"configMapKeyRef": key | {"key": "other"}}}),
        bulk({"manifest": {"s3": {"bucket": "incoming", "key": "a/"}}}),
        bulk(destination={"s3": {"bucket": "media"}, "folder": "spring"}),
        bulk(destination={"s3": {"bucket": "media", "prefix": "spring"}}),
        bulk(destination=claim),
        bulk(destination=claim | {"folder": "spring"}),
    ]
    assert len({integration(spec) for spec in found}) == len(found)
