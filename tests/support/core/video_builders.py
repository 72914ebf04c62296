"""Builders of what a decision sees: short words for imports, Jobs, pods, progress and reports."""

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from videoimport.api.conditions import Condition
from videoimport.api.reasons import Reason
from videoimport.api.tasks.import_report import Progress, Report
from videoimport.api.videoimport import VideoImport, spec_hash, wish_hash
from videoimport.api.videoimport_status import OutputFile, Outputs, Stage, StageName, Usage, VideoImportStatus
from videoimport.core.names_and_owners import build_job_owner, build_video_owner
from videoimport.core.observed import ClaimView, EventView, JobView, ObservedVideo, PodView
from videoimport.core.plan import Create, Plan
from videoimport.core.settings import Settings
from videoimport.core.video.reconcile import reconcile_video

NOW = datetime(2026, 5, 4, 12, 0, 0, tzinfo=UTC)
SETTINGS = Settings(worker_image="registry.example/worker:1")
UID = "0b0e7c1e-uid"
URI = "s3://media/talks/talk/video.mp4"


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def video(*, status: VideoImportStatus | None = None, meta: dict[str, Any] | None = None, **spec: Any) -> VideoImport:
    """An import named ``talk``; ``spec`` in the API's own camelCase."""
    wish = {"source": {"url": "https://video.example/talk.mp4"}, "destination": {"s3": {"bucket": "media"}}} | spec
    base = {"name": "talk", "namespace": "films", "uid": UID, "generation": 1}
    read = VideoImport.parse({"metadata": base | (meta or {}), "spec": wish})
    return read.model_copy(update={"status": status}) if status else read


def edited(wish: VideoImport, **spec: Any) -> VideoImport:
    """The same resource after its user edited the spec; the generation moves."""
    changed = wish.spec.model_validate(wish.spec.wire() | spec)
    meta = wish.metadata.model_copy(update={"generation": wish.metadata.generation + 1})
    return wish.model_copy(update={"spec": changed, "metadata": meta})


def having(wish: VideoImport, **status: Any) -> VideoImport:
    """The same resource with some fields of its status replaced."""
    return wish.model_copy(update={"status": wish.status.model_copy(update=status)})


def plan(wish: VideoImport, at: datetime = NOW, settings: Settings = SETTINGS, **seen: Any) -> Plan[VideoImportStatus]:
    return reconcile_video(ObservedVideo(wish, **seen), at, settings)


def written(wish: VideoImport, at: datetime = NOW, **seen: Any) -> VideoImport:
    """The import after its plan's status was written, as the API server gives it back."""
    status = plan(wish, at, **seen).status
    if status is None:
        return wish
    stored = VideoImportStatus.model_validate(status.wire())
    assert stored == status, "the controller keeps a status that it wrote without reading it again"
    return wish.model_copy(update={"status": stored})


def started(at: datetime = NOW, **spec: Any) -> VideoImport:
    """An import whose first run is decided and whose Job was not seen yet."""
    return written(video(**spec), at)


def running(at: datetime = NOW, **spec: Any) -> VideoImport:
    """An import whose Job was seen."""
    return _running(at, json.dumps(spec))


@cache
def _running(at: datetime, spec: str) -> VideoImport:
    """The models are frozen, and hundreds of tests begin with the same import."""
    fresh = started(at, **json.loads(spec))
    return written(fresh, at, jobs=(job(fresh),))


def job(wish: VideoImport, /, run: int | None = None, **changes: Any) -> JobView:
    """The Job of the current run, or of another one."""
    number = wish.status.run if run is None else run
    fields: dict[str, Any] = {
        "namespace": "films",
        "name": f"{wish.metadata.name}-{number}",
        "uid": f"job-{number}",
        "owner": build_video_owner(wish.metadata),
        "run": number,
        "created": NOW,
        "deleting": False,
        "finished": None,
        "failure_reason": None,
        "failure_message": None,
        "exit_code": None,
        "disrupted": False,
        "expires": False,
        "wish": wish_hash(wish.spec),
    }
    return JobView(**fields | changes)


def pod(of: JobView, **changes: Any) -> PodView:
    fields: dict[str, Any] = {
        "namespace": of.namespace,
        "name": f"{of.name}-x7k2p",
        "uid": f"pod-{of.run}",
        "owner": build_job_owner(of.namespace, of.name, of.uid),
        "created": of.created,
        "deleting": False,
        "phase": "Pending",
        "reason": None,
        "message": None,
        "disrupted": False,
        "unscheduled": None,
        "waiting_reason": None,
        "waiting_message": None,
        "running": False,
        "exit_code": None,
        "oom_killed": False,
        "termination_message": None,
    }
    return PodView(**fields | changes)


def working_pod(of: JobView) -> PodView:
    return pod(of, phase="Running", running=True)


def claim(wish: VideoImport, /, **changes: Any) -> ClaimView:
    """The scratch of an import that asked for one."""
    scratch = wish.spec.worker.scratch
    fields: dict[str, Any] = {
        "namespace": "films",
        "name": f"{wish.metadata.name}-scratch",
        "uid": "claim",
        "owner": build_video_owner(wish.metadata),
        "created": NOW,
        "deleting": False,
        "bound": True,
        "room": f"{scratch.size} of {scratch.storage_class_name}",
    }
    return ClaimView(**fields | changes)


def event(uid: str, reason: str, message: str, at: datetime = NOW) -> EventView:
    return EventView(uid, reason, message, at)


def stages(download: int = 0, transcode: int = 0, upload: int = 0, mode: str | None = "Encode") -> tuple[Stage, ...]:
    """Three stages by their percents, 100 meaning done, and a waiting Finalize."""
    return (
        _stage(StageName.DOWNLOAD, download),
        _stage(StageName.TRANSCODE, transcode).model_copy(update={"mode": mode}),
        _stage(StageName.UPLOAD, upload),
        _stage(StageName.FINALIZE, 0),
    )


def _stage(name: StageName, percent: int) -> Stage:
    states = {0: "Waiting", 100: "Done"}
    return Stage.model_validate({"name": name, "state": states.get(percent, "Running"), "percent": percent})


def progress(*percents: int, run: int = 1, mode: str | None = "Encode", **fields: Any) -> Progress:
    return Progress(run=run, stages=stages(*percents, mode=mode), **fields)


def success(wish: VideoImport, **fields: Any) -> Report:
    given: dict[str, Any] = {
        "outcome": "Succeeded",
        "outputs": Outputs(video=OutputFile(uri=URI, size_bytes=5)),
        "video_id": "f" * 64,
        "usage": Usage(cpu_seconds=7, bytes_in=11, bytes_out=5),
    }
    return report(wish, **given | fields)


def failure(wish: VideoImport, reason: Reason, message: str = "It broke", **fields: Any) -> Report:
    return report(wish, **{"outcome": "Failed", "reason": reason, "message": message} | fields)


def report(wish: VideoImport, **fields: Any) -> Report:
    given: dict[str, Any] = {
        "uid": wish.metadata.uid,
        "run": wish.status.run,
        "spec_hash": spec_hash(wish.spec),
        "finished_at": NOW,
    }
    return Report(**given | fields)


def finished(wish: VideoImport, told: Report | str | None, **changes: Any) -> dict[str, Any]:
    """Job and pod of the current run after its end, for ``plan(wish, **finished(...))``."""
    text = told if isinstance(told, str) or told is None else told.model_dump_json(by_alias=True, exclude_none=True)
    good = isinstance(told, Report) and told.outcome == "Succeeded"
    ended = job(wish, finished="Complete" if good else "Failed")
    left: dict[str, Any] = {"phase": "Succeeded" if good else "Failed", "exit_code": 0 if good else 94}
    return {"jobs": (ended,), "pods": (pod(ended, termination_message=text, **left | changes),)}


def failed_with(wish: VideoImport, reason: Reason, message: str = "It broke", at: datetime = NOW) -> VideoImport:
    """The import after a run that ended with this reason."""
    return written(wish, at, **finished(wish, failure(wish, reason, message)))


def completed(**spec: Any) -> VideoImport:
    wish = running(**spec)
    return written(wish, **finished(wish, success(wish)))


def condition(status: VideoImportStatus | None, kind: str) -> Condition:
    assert status is not None
    return next(condition for condition in status.conditions if condition.type == kind)


def truths(status: VideoImportStatus | None) -> dict[str, str]:
    assert status is not None
    return {condition.type: condition.status for condition in status.conditions}


def created(found: Plan[Any]) -> list[str]:
    """Names of what the plan creates."""
    return [action.manifest["metadata"]["name"] for action in found.actions if isinstance(action, Create)]
