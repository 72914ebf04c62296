"""A report always fits, and loses as little as that needs."""

import base64
import hashlib
import zlib
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as some

from videoimport.api.reasons import Reason
from videoimport.api.tasks.import_report import MAX_BYTES, PackedReport, Report, read_report
from videoimport.api.videoimport_status import (
    OutputFile,
    Outputs,
    RenditionFile,
    SourceStatus,
    Stage,
    StageName,
    ThumbnailSet,
    VideoMetadata,
)
from videoimport.worker.runtime import termination_message as reporting
from videoimport.worker.runtime.termination_message import clip, fitted

NOW = datetime(2026, 8, 1, tzinfo=UTC)


def report(**more: object) -> Report:
    stages = tuple(Stage(name=name, state="Done", percent=100, why="w" * 256) for name in StageName)
    given = {
        "uid": "u" * 36,
        "run": 1,
        "spec_hash": "0" * 64,
        "outcome": "Succeeded",
        "stages": stages,
        "finished_at": NOW,
    }
    return Report.model_validate({**given, **more})


def noise(length: int) -> str:
    """Text that no packing makes shorter."""
    return "".join(chr(code) for code in Random(length).choices(range(0x4E00, 0x9FA5), k=length))


def test_a_small_report_is_left_alone() -> None:
    small = report(message="Imported.", stages=())
    assert read_report(fitted(small).decode()) == small


def test_long_texts_are_shortened_and_facts_kept() -> None:
    source = SourceStatus(type="Url", url="https://e.com/" + noise(2000), title=noise(512), filename=noise(512))
    outputs = Outputs(video=OutputFile(uri="s3://b/" + "k" * 1000, size_bytes=5, sha256="a" * 64))
    long = report(message=noise(1024), source=source, outputs=outputs, metadata=VideoMetadata(resolution="1x1"))
    packed = fitted(long)
    assert len(packed) <= MAX_BYTES
    read = read_report(packed.decode())
    assert read.outputs == long.outputs
    assert read.metadata == long.metadata
    assert read.message.endswith("…")


@given(
    some.text(max_size=1024), some.text(max_size=512), some.text(max_size=2048),
    some.text(alphabet="日é\\\"\n", min_size=900, max_size=1000),
)  # fmt: skip
def test_every_report_fits_and_can_be_read(message: str, title: str, url: str, key: str) -> None:
    source = SourceStatus(type="Url", url=url, title=title)
    outputs = Outputs(video=OutputFile(uri=key), result=OutputFile(uri=key))
    big = report(message=message, source=source, outputs=outputs, outcome="Failed", reason=Reason.INTERNAL)
    packed = fitted(big)
    assert len(packed) <= MAX_BYTES
    read = read_report(packed.decode())
    assert (read.uid, read.reason, read.spec_hash) == (big.uid, big.reason, big.spec_hash)


def file(path: str, **more: object) -> dict[str, object]:
    """As long as they get: a folder in another script, percent-encoded in the URL."""
    folder = "лекции-о-морских-волнах-и-ветрах-том-второй-глава-третья-1234abcd"
    digest = hashlib.sha256(path.encode()).hexdigest()
    return {
        "uri": f"s3://videos/archive/2026/{folder}/{path}",
        "url": f"https://cdn.example.com/archive/2026/{quote(folder)}/{path}",
        "sizeBytes": 123_456_789_012, "sha256": digest, "durationMs": 21_600_000, "resolution": "1920x1080", **more,
    }  # fmt: skip


def test_all_that_can_be_asked_for_is_told() -> None:
    names = [f"{height}p" for height in (2160, 1440, 1080, 720, 540, 480, 360, 240)]
    outputs = Outputs(
        video=OutputFile.model_validate(file("video.mp4")),
        audio=OutputFile.model_validate(file("audio.m4a")),
        renditions=tuple(RenditionFile.model_validate(file(f"renditions/{name}.mp4", name=name)) for name in names),
        thumbnails=ThumbnailSet.model_validate({**file("thumbnails/001.jpg"), "count": 20}),
        original=OutputFile.model_validate(file("original.mkv")),
        result=OutputFile.model_validate(file("result.json")),
    )
    source = SourceStatus(type="Url", url="https://e.com/watch?v=1", title="ü" * 100, sha256="5" * 64)
    whole = report(message="Imported.", source=source, outputs=outputs, metadata=VideoMetadata(resolution="1920x1080"))
    assert len(packed := fitted(whole)) <= MAX_BYTES
    assert read_report(packed.decode()) == whole


def test_a_report_that_unpacks_without_end_is_none() -> None:
    bomb = base64.b64encode(zlib.compress(b" " * 10_000_000)).decode()
    with pytest.raises(ValueError, match="more than"):
        read_report(PackedReport(data=bomb).model_dump_json(by_alias=True))
    with pytest.raises(ValueError, match="cannot be unpacked"):
        read_report(PackedReport(data="AAAA").model_dump_json(by_alias=True))


def test_clipping_says_that_it_clipped() -> None:
    assert clip("abcdef", 4) == "abc…"
    assert clip("abcd", 4) == "abcd"
    assert clip(None, 4) is None


def test_a_report_is_written_over_the_room_that_it_has(tmp_path: Path) -> None:
    path = tmp_path / "message"
    path.write_bytes(bytes(4096))
    report = Report(
        uid="u",
        run=1,
        spec_hash="h",
        outcome="Failed",
        reason=Reason.SCRATCH_FULL,
        message="full",
        finished_at=datetime.now(UTC),
    )
    reporting.write(report, path)
    assert path.read_bytes() == reporting.fitted(report)
