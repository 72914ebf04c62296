"""A worker's words become the status that a cluster would show."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from videoimport.api.reasons import TABLE, Reason
from videoimport.api.tasks.import_report import Progress, Report
from videoimport.api.videoimport import VideoImport, spec_hash
from videoimport.api.videoimport_status import OutputFile, Outputs, SourceStatus, Stage, StageName, VideoPhase
from videoimport.cli.manifests.manifest import read
from videoimport.cli.manifests.schema_rules import unknown_fields
from videoimport.cli.simulated_status import RunEnd, SimulatedCluster, resource, task_of
from videoimport.crdgen.definitions import video_definition

BEGAN = datetime(2026, 5, 1, 12, tzinfo=UTC)
LATER = BEGAN + timedelta(seconds=30)
DOCUMENT = {
    "apiVersion": "videoimport.io/v1alpha1",
    "kind": "VideoImport",
    "metadata": {"name": "clip", "labels": {"team": "news"}},
    "spec": {"source": {"url": "https://media.example.com/a.mp4"}, "maxAttempts": 3, "retryToken": "again"},
}


def clip() -> VideoImport:
    return read(json.dumps(DOCUMENT), "clip.yaml", BEGAN).video


def stages(done: int) -> tuple[Stage, ...]:
    return tuple(
        Stage(name=name, state="Done" if number < done else "Running" if number == done else "Waiting", percent=40)
        for number, name in enumerate(StageName)
    )


def report(**more: Any) -> RunEnd:
    video = clip()
    made = Report(
        uid=video.metadata.uid, run=1, spec_hash=spec_hash(video.spec), finished_at=LATER,
        **{"outcome": "Succeeded"} | more,
    )  # fmt: skip
    code = TABLE[made.reason].exit_code if made.reason else 0
    return RunEnd(code or 0, made.model_dump_json(by_alias=True))


def test_it_begins_as_pending() -> None:
    assert SimulatedCluster(clip(), BEGAN).status.phase is VideoPhase.PENDING


def test_each_word_moves_phase_and_percent() -> None:
    cluster = SimulatedCluster(clip(), BEGAN)
    seen = [cluster.told(Progress(run=1, stages=stages(done)), BEGAN) for done in range(4)]
    assert [status.phase for status in seen] == ["Downloading", "Transcoding", "Uploading", "Finalizing"]
    percents = [status.progress_percent or 0 for status in seen]
    assert percents == sorted(percents)


def test_a_report_of_success_completes_it() -> None:
    outputs = Outputs(video=OutputFile(uri="pvc://clip/clip/video.mp4"))
    status = SimulatedCluster(clip(), BEGAN).ended(report(outputs=outputs, stages=stages(4)), None, LATER)
    assert (status.phase, status.progress_percent, status.outputs) == (VideoPhase.COMPLETED, 100, outputs)
    assert status.completion_time == LATER
    assert {c.type: c.status for c in status.conditions}["Ready"] == "True"


def test_every_reason_ends_it_at_once_even_one_that_a_cluster_would_retry() -> None:
    for reason, row in TABLE.items():
        if row.exit_code:
            status = SimulatedCluster(clip(), BEGAN).ended(
                report(outcome="Failed", reason=reason, message="So it was."), None, LATER
            )
            assert (status.phase, status.reason) == (VideoPhase.FAILED, reason)
            assert status.message is not None
            assert status.message.startswith("So it was.")


def test_a_worker_that_left_no_report_is_known_by_its_exit_code() -> None:
    assert SimulatedCluster(clip(), BEGAN).ended(RunEnd(65, None), None, LATER).reason is Reason.SOURCE_NOT_FOUND
    assert SimulatedCluster(clip(), BEGAN).ended(RunEnd(1, "no report"), None, LATER).reason is Reason.INTERNAL
    assert SimulatedCluster(clip(), BEGAN).ended(RunEnd(0, None), None, LATER).reason is Reason.REPORT_LOST


def test_what_was_told_before_the_end_stays() -> None:
    cluster = SimulatedCluster(clip(), BEGAN)
    source = SourceStatus(type="Url", filename="a.mp4")
    last = Progress(run=1, stages=stages(1), source=source, validated=True)
    cluster.told(last, BEGAN)
    status = cluster.ended(RunEnd(92, None), last, LATER)
    assert status.source == source
    assert {c.type: c.status for c in status.conditions}["Validated"] == "True"


def test_the_resource_is_what_kubectl_would_print() -> None:
    video = clip()
    printed = resource(video, SimulatedCluster(video, BEGAN).ended(report(stages=stages(4)), None, LATER))
    assert printed["metadata"] == {
        "name": "clip", "namespace": "default", "uid": "", "labels": {"team": "news"}, "generation": 1,
        "creationTimestamp": "2026-05-01T12:00:00Z",
    }  # fmt: skip
    assert (printed["spec"]["maxAttempts"], printed["spec"]["output"]["video"]["crf"]) == (3, 23)
    assert printed["status"]["observedRetryToken"] == "again"
    assert "job" not in printed["status"]
    assert VideoImport.parse(printed).status.phase is VideoPhase.COMPLETED
    schema = video_definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert [*unknown_fields(schema, printed, "")] == []


def test_the_task_is_that_of_a_pod() -> None:
    task = task_of(clip(), ("10.0.0.0/8",))
    assert (task.name, task.run, task.allowed_networks) == ("clip", 1, ("10.0.0.0/8",))
    assert task.spec_hash == spec_hash(clip().spec)
