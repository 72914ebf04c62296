import tracemalloc
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from pydantic import ValidationError

from videoimport.api.videoimport import VideoImport
from videoimport.controller.cache.entry import Unreadable, read
from videoimport.core.observed import JobView, Owner

Raw = dict[str, Any]
Thing = Callable[..., Raw]
SPEC = {"source": {"url": "https://example.com/a.mp4"}, "destination": {"s3": {"bucket": "videos"}}}
OWNER = Owner("ns", "videoimport.io", "VideoImport", "one", "one-uid")
BULKY = {"managedFields": [{"manager": "x"}], "annotations": {"videoimport.io/spec-hash": "abc"}}


def test_only_what_names_an_object_is_kept_beside_what_is_read_of_it(thing: Thing) -> None:
    owner = ("VideoImport", "one", "one-uid")
    job = read("Job", thing("Job", "one-1", 7, owner=owner, meta=BULKY, spec={"template": {}}), 7)
    assert job.head.keys() == {"apiVersion", "kind", "metadata"}
    assert job.head["metadata"].keys() == {"namespace", "name", "uid", "resourceVersion", "ownerReferences"}
    assert job.of(JobView).owner == OWNER


def test_what_decisions_read_is_read_before_it_is_let_go(thing: Thing) -> None:
    assert read("Job", thing("Job", "one-1", 7, meta=BULKY), 7).of(JobView).wish == "abc"
    video = read("VideoImport", thing("VideoImport", "one", 7, spec=SPEC, meta=BULKY), 7).of(VideoImport)
    assert video.metadata.annotations == BULKY["annotations"]


def test_what_cannot_be_read_is_kept_whole(thing: Thing) -> None:
    raw = thing("VideoImport", "one", 7, spec={"source": {}})
    entry = read("VideoImport", raw, 7)
    assert isinstance(entry.view, Unreadable)
    assert entry.view.raw is raw
    with pytest.raises(ValidationError):
        entry.of(VideoImport)


def test_sharing_field_sets_changes_nothing_of_a_model(thing: Thing) -> None:
    raw = thing("VideoImport", "one", 7, spec=SPEC)
    entry, plain = read("VideoImport", raw, 7).of(VideoImport), VideoImport.parse(raw)
    another = read("VideoImport", raw, 7).of(VideoImport)
    assert entry == plain
    assert entry.wire() == plain.wire()
    changed = entry.spec.model_copy(update={"cancel": True})
    assert changed.model_fields_set == plain.spec.model_fields_set | {"cancel"}
    assert another.spec.model_fields_set == plain.spec.model_fields_set


def test_ten_thousand_imports_fit(thing: Thing) -> None:
    tracemalloc.start()
    kept = [read("VideoImport", finished(thing), 7) for _ in range(200)]
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken / len(kept) < 20_000


def finished(thing: Thing) -> Raw:
    """About as much as a status ever holds once an import is done."""
    moment = "2026-01-01T00:00:00Z"
    names = ("Ready", "Reconciling", "Stalled", "Finished", "Validated", "Transcoded", "Uploaded")
    conditions = [
        {"type": name, "status": "True", "reason": "Done", "message": "", "lastTransitionTime": moment}
        | {"observedGeneration": 1}
        for name in names
    ]
    file = {"uri": "s3://videos/one/video.mp4", "sizeBytes": 5, "sha256": "0" * 64}
    return thing(
        "VideoImport", "one", 7, spec=SPEC,
        status={
            "observedGeneration": 1, "phase": "Completed", "message": "The video is there.", "conditions": conditions,
            "videoId": "0" * 64, "format": "Video", "run": 1, "job": {"name": "one-1", "uid": "u"},
            "attempts": {"count": 1, "max": 5, "uncharged": 0, "reasons": []}, "observedRetryToken": "",
            "startTime": moment, "completionTime": moment, "updatedTime": moment, "progressPercent": 100,
            "source": {"type": "Url", "url": "https://example.com/a.mp4", "sha256": "0" * 64},
            "metadata": {"resolution": "640x360", "width": 640, "height": 360, "durationMs": 9, "format": "mp4"},
            "upload": {"status": "Completed", "code": 6, "text": "completed"},
            "outputs": {"video": file, "result": file}, "usage": {"cpuSeconds": 1, "bytesIn": 1, "bytesOut": 1},
        },
    )  # fmt: skip


def test_what_imports_have_in_common_is_held_once(thing: Thing) -> None:
    status = {
        "conditions": [{"type": "Ready", "status": "True", "reason": "Succeeded", "message": "The video is here."}]
    }
    status["conditions"][0]["lastTransitionTime"] = "2026-01-01T00:00:00Z"
    both = [thing("VideoImport", name, 7, spec=deepcopy(SPEC), status=deepcopy(status)) for name in ("one", "two")]
    one, two = (read("VideoImport", raw, 7).of(VideoImport) for raw in both)
    assert one.spec.destination is two.spec.destination
    assert one.status.conditions[0].message is two.status.conditions[0].message
    assert one.spec.source is not two.spec.source


def test_what_differs_is_not_shared(thing: Thing) -> None:
    other = SPEC | {"destination": {"s3": {"bucket": "other"}}, "worker": {"labels": {"team": "press"}}}
    one, two = (
        read("VideoImport", thing("VideoImport", "one", 7, spec=spec), 7).of(VideoImport) for spec in (SPEC, other)
    )
    assert one.spec.destination != two.spec.destination
    assert (one.spec.worker.labels, two.spec.worker.labels) == (None, {"team": "press"})
