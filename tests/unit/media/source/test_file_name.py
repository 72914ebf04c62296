"""The type of a file, by its name."""

from typing import Any

import pytest

from videoimport.media.source.file_name import file_type


@pytest.mark.parametrize(
    ("container", "demuxer", "extension", "content_type"),
    [
        ("mp4", "mov,mp4", "mp4", "video/mp4"),
        ("mov", "mov,mp4", "mov", "video/quicktime"),
        ("mkv", "matroska,webm", "mkv", "video/x-matroska"),
        ("webm", "matroska,webm", "webm", "video/webm"),
        (None, "mpegts", "ts", "video/mp2t"),
        (None, "avi", "avi", "video/x-msvideo"),
        (None, "unheard of", "bin", "application/octet-stream"),
    ],
)
def test_an_original_is_called_what_it_is(container: Any, demuxer: str, extension: str, content_type: str) -> None:
    found = file_type(container, demuxer)
    assert (found.extension, found.content_type) == (extension, content_type)
