"""Validation of a YAML file with one VideoImport, for a run of one import."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from videoimport.api.videoimport import VideoImport
from videoimport.cli.errors import UnusableError
from videoimport.cli.manifests.admission import Raw
from videoimport.cli.manifests.object_problems import examine
from videoimport.cli.manifests.yaml_documents import the_import

_IDLE = {
    "suspend": "spec.suspend is true, so there is nothing to run; leave it out.",
    "cancel": "spec.cancel is true, so there is nothing to run; leave it out.",
}


@dataclass(frozen=True, slots=True)
class Manifest:
    """A valid import."""

    video: VideoImport
    homeless: bool
    """True if the YAML file has no destination. The import then has a volume with the claim ``HERE``."""


def read(text: str, called: str, now: datetime) -> Manifest:
    """Return the import of a YAML file. ``called`` is the file's name in messages, and ``now`` is the creation time.

    The UID is empty, and the caller sets it. Raises UnusableError with every problem that could be found.
    """
    document = the_import(text, called)
    found = examine("VideoImport", document)
    if problems := [*_idle(document), *found.problems]:
        raise UnusableError(*(f"{called}: {problem}" for problem in problems))
    server_fields = {"uid": "", "generation": 1, "creationTimestamp": now.isoformat()}
    resource = found.raw | {"metadata": found.raw["metadata"] | server_fields}
    return Manifest(VideoImport.model_validate_json(json.dumps(resource), strict=True), found.homeless)


def _idle(document: Raw) -> Iterator[str]:
    spec = document.get("spec")
    return (words for field, words in _IDLE.items() if isinstance(spec, dict) and spec.get(field) is True)
