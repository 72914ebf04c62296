"""What yt-dlp says of a page: bounded, and without nonsense."""

from typing import Any

import pytest

from videoimport.worker.fetch.ytdlp import info as finding
from videoimport.worker.fetch.ytdlp import sidecars as extras


class TestWhatAPageSays:
    def test_chapters_that_make_no_sense_are_left_out(self) -> None:
        told = [
            {"start_time": 0, "end_time": 1.5, "title": "One"},
            {"start_time": 2, "end_time": 1, "title": "Backwards"},
            {"start_time": float("nan"), "end_time": 1},
            {"start_time": "0", "end_time": "1"},
            {"start_time": 2, "end_time": float("inf")},
            {"start_time": 1.5, "end_time": 3},
        ]
        found = [*extras.chapters(told)]
        assert [(one.start_ms, one.end_ms, one.title) for one in found] == [(0, 1500, "One"), (1500, 3000, "")]

    @pytest.mark.parametrize("told", [None, 5, "many", {}, [None], [5], [{}]])
    def test_what_is_no_list_of_chapters_is_none(self, told: Any) -> None:
        assert [*extras.chapters(told)] == []

    def test_they_are_bounded(self) -> None:
        told = [{"start_time": n, "end_time": n + 1, "title": "x" * 1000} for n in range(2000)]
        found = [*extras.chapters(told)]
        assert len(found) == extras.MOST_CHAPTERS
        assert len(found[0].title) == 256

    def test_captions_are_bounded_and_named_for_a_path(self) -> None:
        told = {
            f"../{n}/é": [{"ext": "json", "url": "u"}, {"ext": "srt", "url": "u"}, {"ext": "vtt", "url": "v"}]
            for n in range(99)
        }
        found = [*extras._chosen(told | {"live_chat": [{"ext": "json", "url": "u"}]})]
        assert len(found) == extras.MOST_CAPTIONS
        assert found[0] == ("0", {"ext": "vtt", "url": "v"})
        assert all("/" not in name and "." not in name for name, _ in found)

    @pytest.mark.parametrize("told", [None, [], {"en": None}, {"en": [None]}, {"en": [{"ext": "vtt"}]}, {"": [{}]}])
    def test_what_is_no_caption_is_none(self, told: Any) -> None:
        assert [*extras._chosen(told)] == []

    @pytest.mark.parametrize("told", [None, 0, -1, float("nan"), float("inf"), "60", 10**20])
    def test_a_duration_that_no_video_has_is_unknown(self, told: Any) -> None:
        assert finding.found({"duration": told}).duration_seconds is None

    def test_only_an_extractors_own_id_is_an_identity(self) -> None:
        assert finding.found({"extractor_key": "Generic", "id": "clip"}).identity is None
        assert (finding.found({"extractor_key": "Vimeo", "id": "1"}).identity or "").startswith("page:")
