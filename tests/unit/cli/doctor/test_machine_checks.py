"""The judgements about this machine."""

import pytest

from videoimport.cli.doctor import machine_checks as machine

CODECS = " DEV.LS h264    H.264 (decoders: h264 ) (encoders: libx264 libx264rgb )\n DEAIL. aac    AAC\n"


@pytest.mark.parametrize(("version", "state"), [((3, 11), "ok"), ((3, 13), "ok"), ((3, 14), "warning")])
def test_versions_of_python_that_are_not_tested_get_a_warning(version: tuple[int, int], state: str) -> None:
    assert machine.judge_python(version).state == state


def test_other_systems_than_linux_fail() -> None:
    assert machine.judge_system("Linux").state == "ok"
    assert machine.judge_system("Darwin").state == "failed"


@pytest.mark.parametrize(
    ("output", "state"),
    [("ffmpeg version 7.1 Copyright", "ok"), ("ffmpeg version 4.4.2 Copyright", "warning"), (None, "failed")],
)
def test_ffmpeg_is_judged_by_its_version(output: str | None, state: str) -> None:
    check = machine.judge_program("ffmpeg", output)
    assert check.state == state
    assert bool(check.solution) == (state != "ok")


def test_missing_encoders_are_named() -> None:
    assert machine.judge_encoders(CODECS).state == "ok"
    check = machine.judge_encoders(CODECS.replace("libx264", "libx265"))
    assert (check.state, check.message) == ("failed", "ffmpeg has no libx264.")
    assert machine.judge_encoders(None).state == "failed"


def test_little_free_space_gets_a_warning() -> None:
    assert machine.judge_scratch("/tmp", machine.LEAST_SCRATCH_BYTES).state == "ok"
    assert machine.judge_scratch("/tmp", machine.LEAST_SCRATCH_BYTES - 1).state == "warning"


def test_proxies_are_named_without_their_values() -> None:
    check = machine.judge_proxies({"https_proxy": "http://user:hidden@proxy.example.com"})
    assert check.state == "warning"
    assert "HTTPS_PROXY" in check.message
    assert "hidden" not in check.message + check.solution
    assert machine.judge_proxies({}).state == "ok"


@pytest.mark.parametrize(
    ("output", "state", "words"),
    [
        ("yt-dlp (2026.10.26)\n  INSTALLED: 2026.10.26\n  LATEST:    2026.10.26\n", "ok", "2026.10.26 is the latest"),
        ("yt-dlp (2026.11.2)\n  INSTALLED: 2026.10.26\n  LATEST:    2026.11.2\n", "warning", "2026.11.2 is the latest"),
        ("ERROR: No matching distribution found", "warning", "cannot reach"),
        (None, "warning", "cannot reach"),
    ],
)
def test_the_registry_is_judged_by_the_versions_of_ytdlp(output: str | None, state: str, words: str) -> None:
    check = machine.judge_registry(output)
    assert check.state == state
    assert words in check.message
