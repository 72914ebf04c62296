"""What the destination has stands for a wish only as far as it meets it."""

from typing import Any

import pytest

from videoimport.api.reasons import Reason
from videoimport.api.videoimport import VideoImportSpec
from videoimport.api.videoimport_status import Outputs, VideoMetadata
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.storage import index_hit_check as hits
from videoimport.worker.storage.video_index import Committed

KNOWN = VideoMetadata(width=720, height=1280, duration_ms=60_000, size_bytes=1_000_000, format="mp4")
HASH = "a" * 64


def entry(**more: Any) -> Committed:
    return Committed(
        **{"uid": "one", "objects": (), "outputs": Outputs(), "metadata": KNOWN, "source_sha256": HASH} | more
    )


def spec(requirements: dict[str, Any] | None = None, **source: Any) -> VideoImportSpec:
    return VideoImportSpec.model_validate(
        {
            "source": {"url": "https://e.com/v.mp4", **source},
            "destination": {"s3": {"bucket": "videos"}},
            "requirements": requirements,
        }
    )


@pytest.mark.parametrize(
    ("requirements", "expected"),
    [
        (None, True),
        ({}, True),
        ({"minHeight": 720, "maxHeight": 720, "maxSize": "1M", "maxDurationSeconds": 60}, True),
        ({"minHeight": 721}, False),
        ({"maxHeight": 719}, False),
        ({"maxSize": "999k"}, False),
        ({"maxDurationSeconds": 59}, False),
        ({"formats": ["mov"]}, False),
    ],
)
def test_requirements_hold_for_what_is_there(requirements: dict[str, Any] | None, expected: bool) -> None:
    assert hits.suits(entry(), spec(requirements)) is expected


def test_what_is_not_known_does_not_suit() -> None:
    assert hits.suits(entry(metadata=None), spec())
    assert not hits.suits(entry(metadata=None), spec({}))
    assert not hits.suits(entry(source_sha256=None), spec(checksum=f"sha256:{HASH}"))


def test_a_checksum_is_that_of_the_stored_source() -> None:
    assert hits.suits(entry(), spec(checksum=f"sha256:{HASH}"))
    assert not hits.suits(entry(), spec(checksum="sha256:" + "b" * 64))


@pytest.mark.parametrize(("requirements", "expected"), [(None, False), ({}, False), ({"damage": "Tolerate"}, True)])
def test_what_lost_something_suits_only_whoever_tolerates_that(
    requirements: dict[str, Any] | None, expected: bool
) -> None:
    lossy = entry(lossy=True)
    assert hits.suits(lossy, spec(requirements)) is expected
    if expected:
        hits.refuse_damaged(lossy, spec(requirements))
        return
    with pytest.raises(ImportFailure) as caught:
        hits.refuse_damaged(lossy, spec(requirements))
    assert caught.value.reason is Reason.SOURCE_CORRUPT
