"""What an import makes of a file, held against a plain decode of that file by ffmpeg: the same pictures at the same
times, the same sound. A difference that no documented rule explains is a wrong success, the worst fault there can be.

A part of the matrix runs always; `make differential-test` runs all of it.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import pytest

from support.fake_source_site import FakeSourceSite, file
from support.worker.differential_matrix import CASES, HALF, PICTURES, SIZE, Case
from support.worker.numbered_pictures import RATE, Seen, make, seen
from support.worker.object_store import ObjectStore
from support.worker.worker_harness import FinishedRun, WorkerHarness

AT_ONCE = 2
PATTERNS = os.environ.get("VIDEOIMPORT_TEST_DIFFERENTIAL", "").split()
RUN = [
    case for case in CASES
    if (any(fnmatch(case.name, pattern) for pattern in PATTERNS) if PATTERNS else case.is_quick)
]  # fmt: skip
TIME_TOLERANCE = 0.045
"""Seconds: a frame of an encode may move to its grid of at least 25 a second."""
BEEP_TOLERANCE = 0.06
"""Seconds: a frame of AAC at 48 kHz lasts 0.021; a coder spreads a beep over two, and the reader looks each 0.01."""
SOUND_TOLERANCE = 0.1
QUICK = {"preset": "ultrafast", "crf": 18}


@dataclass
class Came:
    """What came of a case."""

    ended: FinishedRun
    wrong: list[str]


def differences(case: Case, ended: FinishedRun, source: Path, result: Path) -> Iterator[str]:
    """Every way in which an import is not what a plain decode or the case's rule says."""
    if case.reason:
        if ended.reason != case.reason:
            yield f"{ended.reason or 'success'}, not {case.reason}"
        return
    if ended.code:
        yield f"{ended.reason}: {ended.report.message}"
        return
    found, wanted = shown(case, result), seen(source, case.video, case.audio)
    numbers = case.numbers or wanted.numbers
    if found.numbers != numbers:
        yield f"pictures {found.numbers}, not {numbers}"
    yield from _times_that_differ(case, found, wanted)
    yield from _sounds_that_differ(case, found, wanted)


def shown(case: Case, result: Path) -> Seen:
    """The result, whose picture may stand upright in the middle from some time on."""
    found = seen(result)
    if case.turned_at is None:
        return found
    width = round(SIZE[1] * SIZE[1] / SIZE[0] / 2) * 2
    beside = seen(result, crop=f"{width}:{SIZE[1]}")
    count = sum(time < case.turned_at - 0.02 for time in found.times)
    numbers = (*found.numbers[:count], *beside.numbers[count:])
    return Seen(numbers, found.times, found.beeps, found.sound_seconds)


def _times_that_differ(case: Case, found: Seen, wanted: Seen) -> Iterator[str]:
    times = tuple(number / RATE for number in case.numbers) if case.numbers else wanted.times
    if len(times) == len(found.times):
        far = max(abs(one - other) for one, other in zip(found.times, times, strict=True))
        if far > TIME_TOLERANCE + case.late:
            yield f"a picture comes {far:.3f} s from its time"


def _sounds_that_differ(case: Case, found: Seen, wanted: Seen) -> Iterator[str]:
    beeps = wanted.beeps if case.beeps is None else case.beeps
    if len(found.beeps) != len(beeps) or any(
        abs(one - other) > BEEP_TOLERANCE for one, other in zip(found.beeps, beeps, strict=True)
    ):
        yield f"beeps at {found.beeps}, not {beeps}"
    seconds = wanted.sound_seconds if case.beeps is None else PICTURES / RATE
    if abs(found.sound_seconds - seconds) > SOUND_TOLERANCE:
        yield f"{found.sound_seconds:.2f} s of sound, not {seconds:.2f}"


@pytest.fixture(scope="module")
def came(store: ObjectStore, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Came]:
    """Every case, imported by the worker's own process."""
    base = tmp_path_factory.mktemp("recording") / "base.mkv"
    make(base, PICTURES, SIZE)
    with FakeSourceSite() as site:

        def run(case: Case) -> Came:
            folder = tmp_path_factory.mktemp("case")
            source = folder / case.name
            case.make(base, source)
            desk = WorkerHarness(store.new_bucket(), folder)
            ended = desk.bring(site.add(f"/{case.name}", file(source)), output={"video": QUICK, **case.output})
            result = folder / "result.mp4"
            if ended.code == 0:
                desk.bucket.save("in/clip/video.mp4", result)
            return Came(ended, list(differences(case, ended, source, result)))

        with ThreadPoolExecutor(AT_ONCE) as pool:
            return dict(zip([case.name for case in RUN], pool.map(run, RUN), strict=True))


@pytest.mark.parametrize("name", [case.name for case in RUN])
def test_an_import_shows_what_a_plain_decode_shows(came: dict[str, Came], name: str) -> None:
    assert came[name].wrong == [], came[name].ended.report.message


def test_every_case_has_a_name_of_its_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert HALF == 2.0, "the second half begins at a beep"
