"""Hashes of a spec: what changes them, and that neither written-down defaults nor later versions do."""

from typing import Any

import pytest

from videoimport.api.identity import video_id
from videoimport.api.output_options import Output
from videoimport.api.videoimport import VideoImportSpec, spec_hash, wish_hash

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
