"""Identities: of a video, of an item, and of BulkImports with one source and destination."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videoimport.api.bulkimport import BulkImportSpec
from videoimport.api.identity import integration, item_identity, source_hash8, video_id
from videoimport.api.output_options import Output, VideoOutput

LEAST = {"source": {"url": "https://example.com/a.mp4"}, "destination": {"s3": {"bucket": "media"}}}
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


def test_another_output_wish_is_another_video() -> None:
    small = Output(video=VideoOutput(max_height=360))
    ids = {
        video_id("ab" * 32, Output(), None),
        video_id("ab" * 32, small, None),
        video_id("ab" * 32, Output(), "spring"),
    }
    assert len(ids) == 3
    assert video_id("ab" * 32, Output(), None) == video_id("ab" * 32, Output(), "")


@given(st.text())
def test_identities_have_their_length_whatever_the_url(url: str) -> None:
    assert len(item_identity(url)) == 10
    assert len(source_hash8(url)) == 8
