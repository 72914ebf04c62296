"""The resources that the user gave: UIDs, earlier state, and the effect of another run of the command."""

import copy
import platform
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from videoimport.api.bulkimport import BulkImport
from videoimport.api.labels import BULK_KIND, VIDEO_KIND
from videoimport.cli.embedded.object_store import ObjectStore
from videoimport.cli.embedded.state_file import StateFile, StateFiles, open_state
from videoimport.controller.client.resources import Key, Raw
from videoimport.core.plan import Kind

_IMPORTS_HERE = uuid.UUID("8f1d3c1e-6f0b-5b51-9a55-6a3d0b1a7c11")
ASKED_TOKEN = "videoimport.io/manifest-retry-token"  # noqa: S105 — the name of an annotation
"""Annotation with the retryToken of the YAML file. It is needed because another run of the command replaces the token
in the spec."""


@dataclass(frozen=True, slots=True)
class UidMaker:
    """Makes the UIDs of objects. Resources of the user and children of a BulkImport have the same UID in every run.

    So a second run counts as the same import, and finds the results of the first run in the destination.
    """

    beside: Path
    """Folder of the YAML file. The folder identifies the resources of the user on this machine."""

    def make(self, kind: Kind, raw: Raw) -> str:
        """Return the UID of a new object."""
        if kind not in (VIDEO_KIND, BULK_KIND):
            return str(uuid.uuid4())
        metadata = raw["metadata"]
        owners = [owner["uid"] for owner in metadata.get("ownerReferences") or ()]
        place = owners[0] if owners else f"{platform.node()}:{self.beside}"
        return str(uuid.uuid5(_IMPORTS_HERE, f"{place}:{kind}:{metadata['namespace']}/{metadata['name']}"))


@dataclass(slots=True)
class Roots:
    """The resources of the user in an object store. Close the state files at the end."""

    objects: ObjectStore
    states: StateFiles
    folder: Path
    """Folder of the state files."""
    keys: list[Key] = field(default_factory=list)

    def add_all(self, resources: Iterable[Raw]) -> None:
        """Put the resources into the store. A BulkImport continues from its state. Raises UnusableError."""
        for resource in resources:
            metadata = resource["metadata"]
            self.keys.append(Key(resource["kind"], metadata["namespace"], metadata["name"]))
            if resource["kind"] == BULK_KIND:
                self._add_bulk(resource)
            else:
                self.objects.create(resource)

    def _add_bulk(self, resource: Raw) -> None:
        metadata = resource["metadata"]
        file = open_state(self.folder, metadata["namespace"], metadata["name"])
        loaded = list(file.load())
        earlier = next((raw for kind, raw in loaded if kind == BULK_KIND), None)
        if earlier is None:
            self._begin(resource, file)
            return
        self.states.add(earlier["metadata"]["uid"], file)
        for kind, raw in loaded:
            self.objects.load(kind, raw)
        self.objects.replace("BulkImport", renew(earlier, resource))

    def _begin(self, resource: Raw, file: StateFile) -> None:
        self.states.add(self.objects.make_uid("BulkImport", resource), file)
        self.objects.create({**resource, "metadata": resource["metadata"] | _note_asked_token(resource)})


def renew(earlier: Raw, resource: Raw) -> Raw:
    """Return the earlier object with the spec of the YAML file. If items have failed, the new run retries these
    items."""
    wished = {"labels": resource["metadata"].get("labels") or {}} | _note_asked_token(resource)
    token = _choose_token(earlier, resource["spec"].get("retryToken", ""))
    spec = copy.deepcopy(resource["spec"]) | ({"retryToken": token} if token else {})
    return {**copy.deepcopy(earlier), "metadata": earlier["metadata"] | wished, "spec": spec}


def _note_asked_token(resource: Raw) -> Raw:
    """Return the annotations of a resource, with the token of the YAML file."""
    asked = {ASKED_TOKEN: resource["spec"].get("retryToken", "")}
    return {"annotations": (resource["metadata"].get("annotations") or {}) | asked}


def _choose_token(earlier: Raw, asked: str) -> str:
    """Return the token of the YAML file if it differs from the earlier token. Otherwise, if there are failures to
    retry, return a new token."""
    if asked != (earlier["metadata"].get("annotations") or {}).get(ASKED_TOKEN):
        return asked
    status = BulkImport.parse(earlier).status
    if status.completion_time is not None and status.failed:
        return f"run-{status.completion_time.timestamp():.0f}"
    token: str = earlier["spec"].get("retryToken", "")
    return token
