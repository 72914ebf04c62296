"""The Job of one run of a VideoImport."""

from datetime import timedelta

from videoimport.api.tasks.import_task import wish_hash
from videoimport.api.videoimport import VideoImport
from videoimport.core.jobs.job_manifest import RunJob, build_job
from videoimport.core.jobs.pod_template import build_import_pod, build_task
from videoimport.core.object_names import build_job_name
from videoimport.core.plan import Manifest
from videoimport.core.settings import Settings


def build_import_job(video: VideoImport, run: int, settings: Settings) -> Manifest:
    """Return the Job of this run as it is to be created."""
    name, wish, task = build_job_name(video.metadata.name, run), wish_hash(video.spec), build_task(video, run, settings)
    timeout = timedelta(seconds=video.spec.timeout_seconds)
    return build_job(RunJob(name, video, run, wish, task, timeout, build_import_pod(video, settings)), settings)
