"""What a listing may reject, and what it leaves to the import because nothing was proved."""

import time
from pathlib import Path
from typing import Any

import pytest

from videoimport.api.reasons import Reason
from videoimport.api.tasks.listing_task import ListingTask
from videoimport.media.source import probe
from videoimport.worker.listing import client as asking
from videoimport.worker.listing.entry_classifier import Judge
from videoimport.worker.listing.process_messages import ListEntry, Look
from videoimport.worker.runtime.paths import Paths
from videoimport.worker.runtime.subprocesses import Children


def task(source: dict[str, Any], **more: Any) -> ListingTask:
    given = {
        "uid": "u", "namespace": "n", "name": "b", "run": 1, "page": 0, "incremental": False, "output": {},
        "destination": {"s3": {"bucket": "videos", "endpoint": "https://s3.example"}}, "requirements": {},
    }  # fmt: skip
    return ListingTask.model_validate({**given, "source": source, **more})


def bucket(name: str = "tapes", endpoint: str | None = None) -> dict[str, Any]:
    return {"s3": {"bucket": name, **({"endpoint": endpoint} if endpoint else {})}}


PLAYLIST = {"playlist": {"url": "https://e.com/list"}}


def head(folder: Path, name: str) -> Look:
    path = folder / name
    path.write_bytes(b"what ffprobe does not know")
    return Look(key=name, path=str(path))


def test_a_probe_that_is_ended_proves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "probe_argv", lambda _: ("sleep", "60"))
    judge = Judge(task(bucket()), None, children := Children())
    looks = [head(tmp_path, f"{number}.bin") for number in range(8)]
    found = list(judge.looked(looks, [26] * 8, time.monotonic() + 0.2))
    assert found == [None] * 8
    assert not any(child.running for child in children._all)


def test_no_probe_is_begun_when_there_is_no_time_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "probe_argv", lambda _: pytest.fail("too late"))
    judge = Judge(task(bucket()), None, Children(), lambda: 100.0)
    proof = Look(key="b", reason=Reason.NOT_VIDEO, message="A picture.")
    one, other = judge.looked([head(tmp_path, "a.bin"), proof], [26, 26], 100.0)
    assert (one, other.reason if other else None) == (None, Reason.NOT_VIDEO)


@pytest.mark.parametrize(("identity", "reason"), [("page Talk 1", None), (None, Reason.NOT_VIDEO)])
def test_what_a_site_names_as_its_video_is_not_judged_by_its_address(
    identity: str | None, reason: Reason | None
) -> None:
    judge = Judge(task(PLAYLIST), None, Children())
    found = judge.objection(ListEntry(cursor="1", url="https://e.com/why-mp3.mp3", identity=identity))
    assert (found.reason if found else None) is reason


def test_an_objects_name_counts_although_it_has_an_identity() -> None:
    judge = Judge(task(bucket()), None, Children())
    found = judge.objection(ListEntry(cursor="1", key="a.mp3", identity="s3 tapes/a.mp3"))
    assert found is not None
    assert found.reason is Reason.NOT_VIDEO


@pytest.mark.parametrize(
    ("source", "is_own"),
    [
        (bucket("videos", "https://s3.example"), True),
        (bucket("videos", "https://S3.example:443"), True),
        (bucket("videos", "http://store.videos.svc:9000"), True),
        (bucket("videos"), True),
        (bucket("tapes", "https://s3.example"), False),
        (PLAYLIST, False),
    ],
)
def test_a_bucket_with_the_destinations_name_may_be_it_whatever_its_address(
    source: dict[str, Any], is_own: bool, tmp_path: Path
) -> None:
    assert asking.request_of(task(source), Paths(), tmp_path).is_own is is_own


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("A talk: Über alles", "a-talk-uber-alles"),
        ("word " * 50, "word-word-word-word-word-word-word-word"),
        ("see https://u:pw@e.com/x?token=abc", "see-https-e-com-x"),
        ("日本語", None),
        (None, None),
    ],
)
def test_a_page_keeps_of_a_title_what_a_name_has_room_for(title: str | None, slug: str | None) -> None:
    judge = Judge(task(PLAYLIST), None, Children())
    line = judge.found(ListEntry(cursor="1", url="https://e.com/1", title=title), None)
    assert line.found is not None
    assert line.found.slug == slug
