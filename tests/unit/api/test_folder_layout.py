"""Names, content types and addresses of result files."""

import pytest

from videoimport.api import folder_layout as layout


class TestLayout:
    def test_only_what_we_write_is_ours(self) -> None:
        names = ["video.mp4", "result.json", "audio.mp3", "original.mkv", "renditions/720p.mp4", "captions/de.vtt"]
        names += ["original-audio.m4a"]
        assert all(layout.is_of("a/b", f"a/b/{name}") for name in names)
        strange = ["a/b/notes.txt", "a/b/c/video.mp4", "a/bvideo.mp4", "a/b/renditions/x/video.mp4", "video.mp4"]
        assert not any(layout.is_of("a/b", key) for key in strange)

    @pytest.mark.parametrize(
        ("name", "kind"),
        [
            ("video.mp4", "video/mp4"),
            ("a.M4A", "audio/mp4"),
            ("captions/de.vtt", "text/vtt"),
            ("x", "application/octet-stream"),
        ],
    )
    def test_content_types(self, name: str, kind: str) -> None:
        assert layout.content_type(name) == kind

    def test_a_url_escapes_its_path(self) -> None:
        assert (
            layout.url("https://c.example/v/", "in/das glück/v?.mp4")
            == "https://c.example/v/in/das%20gl%C3%BCck/v%3F.mp4"
        )
        assert layout.url(None, "k") is None

    def test_metadata_is_ascii_and_bounded(self) -> None:
        found = layout.user_metadata({"título": "é", "n": 1.5, "b": True})
        assert found == {"videoimport-metadata": "{%22b%22:true,%22n%22:1.5,%22t%C3%ADtulo%22:%22%C3%A9%22}"}
        assert layout.user_metadata({"k": "x" * 2000}) == {}
        assert layout.user_metadata(None) == {}
