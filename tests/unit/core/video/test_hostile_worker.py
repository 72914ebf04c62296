"""A worker that was taken over by what it read: nothing that it says stops the controller or spoils a status."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from support.core.video_builders import (
    URI,
    after,
    failure,
    finished,
    job,
    plan,
    progress,
    running,
    success,
    working_pod,
)
from support.examples import examples
from videoimport.api.reasons import Reason
from videoimport.api.tasks.import_report import Progress, Report
from videoimport.api.videoimport_status import OutputFile, Outputs, SourceStatus, VideoImportStatus, VideoMetadata
from videoimport.core.plan import Plan

Path = tuple[str | int, ...]
WISH = running()
SOURCE = SourceStatus(type="Url", url="https://video.example/a.mp4", title="A talk", sha256="a" * 64, duration_ms=5000)
FACTS = VideoMetadata(resolution="1920x1080", width=1920, height=1080, size_bytes=5, frames_per_second="30000/1001")
FILES = Outputs(video=OutputFile(uri=URI, size_bytes=5, sha256="b" * 64, duration_ms=5000, resolution="1920x1080"))
TOLD = progress(100, 40, 20, source=SOURCE, metadata=FACTS, bytes_per_second=7, validated=True)
GOOD = success(WISH, source=SOURCE, metadata=FACTS, outputs=FILES, stages=TOLD.stages, message="It is done.")
BAD = failure(WISH, Reason.SOURCE_UNAVAILABLE, "HTTP 503", source=SOURCE, metadata=FACTS, stages=TOLD.stages)

numbers = st.one_of(
    st.integers(-1, 101),
    st.sampled_from([2**31, 2**63 - 1, 2**63, -(2**63), 10**18, 10**400, 0.5, 1e18, 1e308]),
)
texts = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["", " ", "\0", "x" * 5000, "ä" * 1024, "9" * 5000, "1/0", "NotVideo", "Cancelled", "Done"]),
    st.sampled_from(["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00Z"]),
)
plain = st.one_of(st.none(), st.booleans(), numbers, texts)
values = st.recursive(plain, lambda inner: st.lists(inner, max_size=10) | st.dictionaries(texts, inner, max_size=3))


def shape(words: Progress | Report) -> Any:
    return json.loads(words.model_dump_json(by_alias=True, exclude_none=True))


def paths(words: Any, here: Path = ()) -> Iterator[Path]:
    yield here
    inner = words.items() if isinstance(words, dict) else enumerate(words) if isinstance(words, list) else ()
    for key, value in inner:
        yield from paths(value, (*here, key))


def put(words: Any, path: Path, value: Any) -> Any:
    if not path:
        return value
    copy = dict(words) if isinstance(words, dict) else list(words)
    copy[path[0]] = put(copy[path[0]], path[1:], value)
    return copy


@st.composite
def mutations(draw: st.DrawFn, words: Progress | Report) -> str:
    """The words with some of their values, at any depth, replaced by others or said many times."""
    found = shape(words)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(list(paths(found))))
        found = put(found, path, draw(values | st.just([shape(TOLD)["stages"][0]] * 9)))
    return json.dumps(found)


def accepted(found: Plan[VideoImportStatus]) -> bool:
    """The API server would take this status."""
    return found.status is None or VideoImportStatus.model_validate(found.status.wire()) == found.status


@examples(100)
@given(st.one_of(mutations(GOOD), mutations(BAD)))
def test_report_is_none_or_fits_a_status(text):
    assert accepted(plan(WISH, at=after(60), **finished(WISH, text)))


@examples(100)
@given(mutations(TOLD))
def test_progress_is_none_or_fits_a_status(text):
    try:
        told = Progress.model_validate_json(text)
    except ValueError:
        return
    its = job(WISH)
    assert accepted(plan(WISH, at=after(60), jobs=(its,), pods=(working_pod(its),), progress=told))


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_report_from_before_or_after_all_time_is_no_report(moment):
    text = json.dumps(shape(BAD) | {"finishedAt": moment})
    found = plan(WISH, at=after(60), **finished(WISH, text))
    assert found.status is not None
    assert found.status.reason is Reason.INTERNAL
    assert "exit code 94" in (found.status.message or "")


@pytest.mark.parametrize(
    "stages", [[], [shape(TOLD)["stages"][0]] * 9, [shape(TOLD)["stages"][0] | {"seconds": 10**18}]]
)
def test_progress_that_no_status_could_hold_is_none(stages):
    with pytest.raises(ValidationError):
        Progress.model_validate_json(json.dumps(shape(TOLD) | {"stages": stages}))


def test_longest_times_are_calculated_with():
    slow = [shape(TOLD)["stages"][0] | {"seconds": 10**9}] * 8
    told = Progress.model_validate_json(json.dumps(shape(TOLD) | {"stages": slow}))
    its = job(WISH)
    assert accepted(plan(WISH, at=after(60), jobs=(its,), pods=(working_pod(its),), progress=told))
