"""Which keys of a bucket may be results of imports."""

import pytest

from support.every_case import every_case
from videoimport.worker.listing.bucket import is_named_as_result

NAMES = [
    "video.mp4", "result.json", "audio.m4a", "audio.mp3", "original.mkv", "original-audio.webm", "renditions/720p.mp4",
    "thumbnails/001.jpg", "captions/de.vtt",
]  # fmt: skip


@every_case("name", NAMES)
@every_case("folder", ["", "a/", "a/b/", "/", "thumbnails/", "a//"])
def test_a_result_is_known_by_its_name_in_any_folder(folder: str, name: str) -> None:
    assert is_named_as_result(folder + name)


@pytest.mark.parametrize(
    "key", ["", "/", "clip.mp4", "a/myvideo.mp4", "video.mp4/x", "a/audio.wav", "a/renditions/", "a/original"]
)
def test_another_name_is_nobodys_result(key: str) -> None:
    assert not is_named_as_result(key)
