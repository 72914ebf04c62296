"""The paths of the worker's files. The defaults are the paths in a pod."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from videoimport.api.tasks.import_task import (
    CA_BUNDLE_PATH,
    DESTINATION_CREDENTIALS_PATH,
    DESTINATION_VOLUME_PATH,
    SCRATCH_PATH,
    SOURCE_CREDENTIALS_PATH,
    SOURCE_VOLUME_PATH,
    TASK_PATH,
    TERMINATION_MESSAGE_PATH,
)
from videoimport.api.tasks.listing_task import MANIFEST_PATH
from videoimport.api.tasks.webhook_task import WEBHOOK_SECRET_PATH


@dataclass(frozen=True, slots=True)
class Paths:
    """Paths of files and folders. A file that the task does not need may be missing."""

    task: Path = Path(TASK_PATH)
    scratch: Path = Path(SCRATCH_PATH)
    credentials: Path = Path(DESTINATION_CREDENTIALS_PATH)
    source_credentials: Path = Path(SOURCE_CREDENTIALS_PATH)
    source_volume: Path = Path(SOURCE_VOLUME_PATH)
    manifest: Path = Path(MANIFEST_PATH)
    destination_volume: Path = Path(DESTINATION_VOLUME_PATH)
    webhook_secret: Path = Path(WEBHOOK_SECRET_PATH)
    ca_bundle: Path = Path(CA_BUNDLE_PATH)
    termination_message: Path = Path(TERMINATION_MESSAGE_PATH)


_MEANT = {
    "task": "the task, JSON",
    "scratch": "a folder to work in",
    "credentials": "the destination's Secret, a file for each key",
    "source_credentials": "the source's Secret, a file for each key",
    "source_volume": "where the source's volume is",
    "manifest": "the manifest's ConfigMap, a file for each key",
    "destination_volume": "where the destination's volume is",
    "webhook_secret": "the webhook's Secret, a file for each key",
    "ca_bundle": "certificates to be trusted besides the usual ones",
    "termination_message": "gets the report",
}


def parse(argv: Sequence[str], description: str | None) -> Paths:
    """Return the paths that the command line names."""
    parser = argparse.ArgumentParser(prog="videoimport-worker", description=description)
    for name, meant in _MEANT.items():
        default = getattr(Paths(), name)
        parser.add_argument(f"--{name.replace('_', '-')}", type=Path, default=default, help=f"{meant} ({default})")
    return Paths(**vars(parser.parse_args(argv)))
