"""The destination remembers: one video is stored once, whoever asks and however often, unless wished otherwise."""

from typing import Any

import pytest

from demo.kubectl import Kubectl
from support.e2e.cluster_state import apply, finished
from support.e2e.manifests import SITE, destination, video

CLIP = f"{SITE}/player.mp4"


@pytest.fixture(scope="module", autouse=True)
def applied(kubectl: Kubectl) -> None:
    for name in ("twin-a", "twin-b"):
        apply(kubectl, video(name, CLIP, destination=destination("twins")))
    for name in ("again-a", "again-b"):
        apply(kubectl, video(name, CLIP, destination=destination("again"), incremental=False))
    small = {"video": {"maxHeight": 360}}
    apply(kubectl, video("wish-a", CLIP, destination=destination("wishes")))
    apply(kubectl, video("wish-b", CLIP, destination=destination("wishes"), output=small))


def stored(bucket: Any, folder: str) -> list[str]:
    found = bucket.list_objects_v2(Bucket="videos", Prefix=f"e2e/{folder}/").get("Contents", [])
    return sorted(one["Key"] for one in found if one["Key"].endswith("/video.mp4"))


def ended(kubectl: Kubectl, name: str) -> dict[str, Any]:
    return dict(finished(kubectl, f"vi/{name}")["status"])


def test_two_at_once_and_one_later_store_it_once(kubectl: Kubectl, bucket: Any) -> None:
    both = [ended(kubectl, name) for name in ("twin-a", "twin-b")]
    assert [status["phase"] for status in both] == ["Completed", "Completed"], both
    [uri] = {status["outputs"]["video"]["uri"] for status in both}
    assert sorted(status.get("reason", "") for status in both) == ["", "Duplicate"]
    assert next(status for status in both if status.get("reason"))["duplicateOf"] == uri
    assert len(stored(bucket, "twins")) == 1

    apply(kubectl, video("twin-c", CLIP, destination=destination("twins")))
    later = ended(kubectl, "twin-c")
    assert (later["phase"], later["reason"], later["duplicateOf"]) == ("Completed", "Duplicate", uri)
    assert later["usage"]["bytesIn"] < 1_000_000, "what is known by its identity is not fetched"
    assert len(stored(bucket, "twins")) == 1


def test_not_incremental_stores_it_again(kubectl: Kubectl, bucket: Any) -> None:
    both = [ended(kubectl, name) for name in ("again-a", "again-b")]
    assert [status.get("reason") for status in both] == [None, None]
    assert both[0]["videoId"] == both[1]["videoId"]
    assert len(stored(bucket, "again")) == 2


def test_another_wish_for_the_same_video_is_stored_too(kubectl: Kubectl, bucket: Any) -> None:
    both = [ended(kubectl, name) for name in ("wish-a", "wish-b")]
    assert [status.get("reason") for status in both] == [None, None]
    assert [status["outputs"]["video"]["resolution"] for status in both] == ["1280x720", "640x360"]
    assert both[0]["videoId"] != both[1]["videoId"]
    assert len(stored(bucket, "wishes")) == 2
