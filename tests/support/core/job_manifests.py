"""Manifests of import Jobs, and the parts of them that tests look at."""

from typing import Any

from support.core.video_builders import SETTINGS, video
from videoimport.core.jobs.run_lifecycle import build_import_job
from videoimport.core.settings import Settings

SECRET: dict[str, Any] = {"destination": {"s3": {"bucket": "media"}, "credentialsSecretRef": {"name": "store-keys"}}}


def manifest(settings: Settings = SETTINGS, run: int = 3, **given: Any) -> dict[str, Any]:
    """Return the Job of a run. ``given`` are fields of the import's spec."""
    return build_import_job(video(**given), run, settings)


def pod_spec(**given: Any) -> dict[str, Any]:
    """Return the spec of the Job's pod."""
    return manifest(**given)["spec"]["template"]["spec"]


def container(**given: Any) -> dict[str, Any]:
    """Return the worker's container."""
    return pod_spec(**given)["containers"][0]
