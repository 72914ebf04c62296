"""Versions as distributions and builders write them, and the sentence on those that are not known."""

import pytest

from support.every_case import every_case
from videoimport.media.source import ffmpeg_versions as versions


@every_case(
    ("version", "release"),
    [
        ("5.1.9-0+deb12u1", (5, 1)),
        ("7.1.5-0+deb13u1", (7, 1)),
        ("6.1.1-3ubuntu5", (6, 1)),
        ("n7.1", (7, 1)),
        ("n9.0.2-17-g2a571b6068-20260930", (9, 0)),
        ("9.0.2-static", (9, 0)),
        ("8.0", (8, 0)),
        ("8", (8, 0)),
        ("v8.1-dev", (8, 1)),
        ("10.2", (10, 2)),
        ("N-12345-gabcdef", None),
        ("2026-01-02-git-abcdef-full_build", None),
        ("git-2020-01-01-abcdef", None),
        ("20260930", None),
        ("", None),
    ],
)
def test_a_release_is_read_from_what_builders_write(version: str, release: tuple[int, int] | None) -> None:
    assert versions.release_of(version) == release


@pytest.mark.parametrize("version", ["5.1", "5.1.9-0+deb12u1", "6.0.1", "7.1.5-0+deb13u1", "8.1", "n9.0.2-static"])
def test_known_versions_need_no_word(version: str) -> None:
    assert versions.doubt("ffmpeg", version) is None


@pytest.mark.parametrize("version", ["4.4.2-0ubuntu0.22.04.1", "5.0", "9.1", "n10.0", "N-12345-gabcdef", ""])
def test_other_versions_are_told_with_what_to_do(version: str) -> None:
    sentence = versions.doubt("ffprobe", version)
    assert sentence is not None
    assert version in sentence
    assert "the tested versions are 5.1 to 9.0" in sentence
    assert "use a tested version" in sentence


def test_the_version_is_in_the_first_line() -> None:
    assert versions.named_version("ffmpeg version n7.1 Copyright (c) 2000-2024\nbuilt with gcc") == "n7.1"
    assert versions.named_version("ffprobe version \x1b[31mred") == "[31mred"
    assert versions.named_version("ffmpeg version " + "9" * 500) == "9" * 64
    assert versions.named_version("") == versions.named_version("sh: not found") == ""
