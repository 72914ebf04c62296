"""A report always fits, and loses as little as that needs."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as some

from videoimport.api.reasons import Reason
from videoimport.api.report import MAX_BYTES, Report
from videoimport.api.status import OutputFile, Outputs, SourceStatus, Stage, StageName, VideoMetadata
from videoimport.worker.reporting import clip, fitted

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


def test_a_small_report_is_left_alone() -> None:
    small = report(message="Imported.", stages=())
    assert Report.model_validate_json(fitted(small)) == small


def test_long_texts_are_shortened_and_facts_kept() -> None:
    source = SourceStatus(type="Url", url="https://e.com/" + "a" * 2000, title="ü" * 512, filename="f" * 512)
    outputs = Outputs(video=OutputFile(uri="s3://b/" + "k" * 1000, size_bytes=5, sha256="a" * 64))
    long = report(message="m" * 1024, source=source, outputs=outputs, metadata=VideoMetadata(resolution="1x1"))
    packed = fitted(long)
    assert len(packed) <= MAX_BYTES
    read = Report.model_validate_json(packed)
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
    read = Report.model_validate_json(packed)
    assert (read.uid, read.reason, read.spec_hash) == (big.uid, big.reason, big.spec_hash)


def test_clipping_says_that_it_clipped() -> None:
    assert clip("abcdef", 4) == "abc…"
    assert clip("abcd", 4) == "abcd"
    assert clip(None, 4) is None
