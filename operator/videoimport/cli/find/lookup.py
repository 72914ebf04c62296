"""Search for a video in the index of a destination, as an import does it.

The content key depends on the SHA-256 of a file. The source key depends on an identifier that the server sends before a
download, such as an ETag. Both keys depend on the output settings and on the folder.
"""

import hashlib
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from videoimport.api.destination import Destination
from videoimport.api.identity import video_id
from videoimport.api.output_options import Output
from videoimport.api.reasons import Reason
from videoimport.api.redaction import shown_url
from videoimport.api.tasks.import_task import Task
from videoimport.api.videoimport import VideoImportSpec, spec_hash
from videoimport.cli.destination.store_access import told_failures
from videoimport.cli.errors import UnusableError
from videoimport.worker.runtime.subprocesses import Children
from videoimport.worker.source import fetch_client
from videoimport.worker.storage import video_index as index
from videoimport.worker.storage.base import DestinationStore
from videoimport.worker.storage.record_checks import Scope
from videoimport.worker.storage.video_index import Committed

Raw = dict[str, Any]
_ADVICE = {Reason.ADDRESS_FORBIDDEN: "Use --allow-network, such as --allow-network 192.168.1.0/24."}
"""Advice for this machine, in place of the advice for a cluster."""


@dataclass(frozen=True, slots=True)
class FindTarget:
    """The destination and the output settings of the import that would store the video."""

    destination: Destination
    output: Output


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a search."""

    by: Literal["content", "source"]
    """``content``: found by the SHA-256 of the bytes. ``source``: found by an identifier that the server sends, such as
    an ETag."""
    key: str
    """The object key of the index entry."""
    entry: Committed | None
    """The stored video. None if the destination does not have the video, or if an object of the video is missing or
    changed."""


def find_file(store: DestinationStore, target: FindTarget, path: Path) -> Answer:
    """Search for the video that was imported from the bytes of this file. Raises UnusableError if the file cannot be
    read."""
    key = index.content_key(target.destination, video_id(_hash_file(path), target.output, target.destination.folder))
    return Answer("content", key, index.look(Scope(store, target.destination), key))


def find_source(store: DestinationStore, target: FindTarget, identity: str) -> Answer:
    """Search for the video that was imported from the source with this identifier."""
    key = index.source_key(target.destination, identity, target.output)
    return Answer("source", key, index.look(Scope(store, target.destination), key))


def ask_identity(url: str, target: FindTarget, networks: tuple[str, ...]) -> str:
    """Request the identifier of a source, such as an ETag, in the sandboxed process of an import. Only its first bytes
    are fetched.

    Raises UnusableError if the source cannot be reached or sends no identifier.
    """
    task = _build_task(url, target, networks)
    children = Children()
    with tempfile.TemporaryDirectory(prefix="videoimport-") as name, told_failures(f"{shown_url(url)}: ", _ADVICE):
        folder = Path(name)
        try:
            request = fetch_client.request_of(task, folder, folder / "no-keys")
            found = fetch_client.begin(fetch_client.start(children, folder), request, lambda _done, _total: None)
            identity = found.found().identity
        finally:
            children.kill_all()
    if identity is None:
        raise UnusableError(
            f"{shown_url(url)}: the source sends no version, such as an ETag, so the index cannot know it by its "
            "address; download the source, and run find with the local file."
        )
    return identity


def _build_task(url: str, target: FindTarget, networks: tuple[str, ...]) -> Task:
    """Return the task of an import of this address. The fetching process does not see the task's destination."""
    spec = VideoImportSpec.model_validate(
        {
            "source": {"url": url},
            "destination": {"persistentVolumeClaim": {"claimName": "here"}},
            "output": target.output.wire(),
        }
    )
    return Task(
        uid=str(uuid.uuid4()), namespace="default", name="find", run=1, spec=spec, spec_hash=spec_hash(spec),
        allowed_networks=networks,
    )  # fmt: skip


def _hash_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UnusableError(f"{path} cannot be read: {error.strerror}; correct the path.") from None


def describe_answer(answer: Answer) -> Raw:
    """Return the answer as JSON-compatible data."""
    facts: Raw = {"found": answer.entry is not None, "by": answer.by, "indexKey": answer.key}
    if answer.entry is not None:
        entry = answer.entry.wire()
        facts |= {"uri": answer.entry.uri}
        facts |= {field: entry[field] for field in ("videoId", "outputs", "metadata", "sourceSha256") if field in entry}
    return facts


def format_answer(answer: Answer) -> str:
    """Return the answer as lines for users."""
    entry = answer.entry
    if entry is None:
        way = "its content" if answer.by == "content" else "the identity of the source"
        return f"The destination does not have this video by {way}, with these output settings in this folder.\n"
    main = entry.outputs.video or entry.outputs.original
    metadata = entry.metadata
    rows = (
        ("Video", entry.uri),
        ("Link", (main.url if main else None) or ""),
        ("Id", entry.video_id or ""),
        ("Resolution", (metadata.resolution if metadata else None) or ""),
        ("Found by", "content" if answer.by == "content" else "identity of the source"),
    )
    return "The destination has this video.\n" + "".join(f"  {name:<11}{value}\n" for name, value in rows if value)
