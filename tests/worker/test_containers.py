"""Every container that the worker reads has a name, which ``requirements.formats`` accepts."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

import pytest

from videoimport.api.container_formats import CONTAINERS, DEMUXERS, ContainerFormat, named
from videoimport.api.reasons import Reason
from videoimport.api.requirements import Requirements
from videoimport.media.source import requirements
from videoimport.media.source.file_name import file_type
from videoimport.media.source.probe import GUARDS
from videoimport.worker.runtime.subprocesses import Children
from videoimport.worker.source.probe import Examined, examine

_SOUND = ("mp3", "aac", "flac", "wav")
_MUXERS: Mapping[str, tuple[str, ...]] = {
    "dv": ("-target", "pal-dv"),
    "mkv": ("-f", "matroska"), "aac": ("-f", "adts"), "mpeg": ("-f", "vob", "-c:v", "mpeg2video"),
    "ogg": ("-f", "ogg", "-c:v", "libtheora"), "mxf": ("-f", "mxf", "-c:v", "mpeg2video"),
    "webm": ("-f", "webm", "-c:v", "libvpx", "-deadline", "realtime"), "asf": ("-f", "asf", "-c:v", "msmpeg4"),
}  # fmt: skip
"""ffmpeg's options, where the container's name is not enough."""


def made(folder: Path, name: str) -> Path:
    """Two seconds in this container, in a file whose name says nothing."""
    kind = "sine=duration=2" if name in _SOUND else "testsrc=size=640x360:rate=25:duration=2"
    path = folder / "source.bin"
    made = ("ffmpeg", "-v", "error", "-f", "lavfi", "-i", kind, *_MUXERS.get(name, ("-f", name)), "-y", str(path))
    subprocess.run(made, check=True)
    return path


def refused(found: Examined, *formats: str) -> Reason | None:
    wanted = Requirements.model_validate({"formats": formats, "damage": "Tolerate"})
    finding = requirements.refusal(requirements.CheckedSource(found.media, found.container, 2.0, found.size, wanted))
    return finding.reason if finding else None


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_real_file_is_accepted_by_the_name_of_its_container_alone(tmp_path: Path, name: ContainerFormat) -> None:
    found = examine(Children(), made(tmp_path, name))
    assert named(found.container, found.media.demuxer) == name
    assert file_type(found.container, found.media.demuxer).extension == CONTAINERS[name].extension
    expected = Reason.NOT_VIDEO if name in _SOUND else None
    assert refused(found, name) is expected
    others = [other for other in CONTAINERS if other != name]
    assert refused(found, *others) is (expected or Reason.UNSUPPORTED_FORMAT)


def test_what_is_read_and_what_can_be_named_are_one_table() -> None:
    assert set(get_args(ContainerFormat)) == set(CONTAINERS)
    assert GUARDS[GUARDS.index("-format_whitelist") + 1] == ",".join(DEMUXERS)
    assert {container.demuxer for container in CONTAINERS.values()} == set(DEMUXERS)
    assert Requirements.model_validate({"formats": list(CONTAINERS)}).formats == tuple(CONTAINERS)


def test_a_demuxer_of_several_containers_names_none_by_itself() -> None:
    assert named(None, "mov,mp4,m4a,3gp,3g2,mj2") is None
    assert named("mov", "mov,mp4,m4a,3gp,3g2,mj2") == "mov"
    assert named(None, "unheard of") is None
