"""The worker's side of fetching: a source has to bring something, and what it says of itself is bounded."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from videoimport.api.reasons import Reason
from videoimport.worker import facts, fetching
from videoimport.worker.errors import ImportFailure
from videoimport.worker.fetch.page import Page, _hashed
from videoimport.worker.fetch.protocol import Fetched, Found, Hashed, Request
from videoimport.worker.fetching import Pace
from videoimport.worker.processes import Children

REQUEST = Request(url="https://e.com/v", folder="/none", max_height=720, max_bytes=1000, room_bytes=2**62)
PACE = Pace(rate=1000, seconds=0.4)
DRIP = """
import itertools, time
for done in itertools.count():
    print('{"kind": "Moved", "done": %d}' % DONE, flush=True)
    time.sleep(0.02)
"""
FILE = '{"path": "/v", "size": 1, "sha256": "' + "0" * 64 + '", "seekable": false}'
END = f"""print('{{"kind": "Fetched", "video": {FILE}}}', flush=True)"""


@pytest.fixture
def children() -> Iterator[Children]:
    made = Children()
    yield made
    made.kill_all()


def fetched(children: Children, script: str, found: Any = print) -> Fetched:
    child = children.start([sys.executable, "-S", "-c", script])
    return fetching.fetch(child, REQUEST, found, lambda *_: None, PACE)


@pytest.mark.parametrize("done", ["done", "done % 2", "0"])
def test_a_source_that_drips_is_ended(children: Children, done: str) -> None:
    with pytest.raises(ImportFailure, match=r"1000 bytes a second for 0\.4 seconds") as caught:
        fetched(children, DRIP.replace("DONE", f"({done})"))
    assert caught.value.reason is Reason.STALLED


def test_one_that_says_nothing_is_too(children: Children) -> None:
    with pytest.raises(ImportFailure) as caught:
        fetched(children, "import time; time.sleep(60)")
    assert caught.value.reason is Reason.STALLED


@pytest.mark.parametrize("kind", ["Moved", "Hashed"])
def test_bytes_that_arrive_or_are_hashed_keep_it_alive(children: Children, kind: str) -> None:
    steps = DRIP.replace("itertools.count()", "range(60)").replace("DONE", "(done * 100)").replace("Moved", kind)
    assert fetched(children, steps + END).video.size == 1


def test_the_destinations_time_is_not_the_sources(children: Children) -> None:
    told = """print('{"kind": "Found", "type": "Url"}', flush=True)\n"""
    assert fetched(children, told + END, lambda _: time.sleep(0.8)).video.size == 1


def test_a_files_hashing_is_told(tmp_path: Path) -> None:
    (tmp_path / "v").write_bytes(b"video")
    tell = Mock()
    assert _hashed(tmp_path / "v", tell).size == 5
    tell.assert_called_once_with(Hashed(done=5))


class TestTotals:
    @pytest.mark.parametrize("told", [2**63, 10**40, float("inf"), float("nan"), -5, "many", 0, None])
    @pytest.mark.parametrize("field", ["total_bytes", "total_bytes_estimate"])
    def test_one_that_means_nothing_is_unknown(self, field: str, told: Any) -> None:
        moved = Mock()
        Page(REQUEST, Mock(), moved, Mock())._hook({"downloaded_bytes": 5, field: told})
        moved.assert_called_once_with(5, None)

    def test_one_that_is_too_large_ends_it_at_once(self) -> None:
        with pytest.raises(ImportFailure) as caught:
            Page(REQUEST, Mock(), Mock(), Mock())._hook({"downloaded_bytes": 5, "total_bytes": 1001})
        assert caught.value.reason is Reason.SOURCE_TOO_LARGE

    def test_an_estimate_ends_nothing(self) -> None:
        moved = Mock()
        Page(REQUEST, Mock(), moved, Mock())._hook({"downloaded_bytes": 5, "total_bytes_estimate": 1001.5})
        moved.assert_called_once_with(5, 1001)


def test_an_address_is_shown_within_its_bound() -> None:
    url = "https://e.com/?token=x&q=" + "ü" * 2040
    shown = facts.source_status(url, Found(type="Url")).url
    assert shown is not None
    assert len(shown) == 2048
    assert "token" not in shown
