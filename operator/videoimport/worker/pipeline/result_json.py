"""result.json: the facts of an import, and the additional files of the source (chapters, captions, thumbnail)."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from videoimport.api import folder_layout as layout
from videoimport.api.tasks.import_report import Report
from videoimport.api.tasks.import_task import Task
from videoimport.api.videoimport_status import OutputFile, Outputs, StageName
from videoimport.media.transcode import image_metadata as pictures
from videoimport.worker.fetch.process_messages import Extras
from videoimport.worker.pipeline.output_uploads import Outgoing, Placed


@dataclass(frozen=True, slots=True)
class Beside:
    """The additional files of the source that are kept. ``captions`` (by language) and ``picture`` are names in the
    video's folder."""

    chapters: tuple[dict[str, Any], ...]
    captions: Mapping[str, str]
    picture: str | None

    def told(self, outgoing: Outgoing) -> dict[str, Any]:
        """Wait until the additional files are uploaded, and return their fields for result.json. Empty fields are left
        out."""
        captions = [{"language": language, **_told(outgoing, name)} for language, name in self.captions.items()]
        found = {
            "chapters": list(self.chapters),
            "captions": captions,
            "sourceThumbnail": _told(outgoing, self.picture) if self.picture else None,
        }
        return {name: value for name, value in found.items() if value}


def _told(outgoing: Outgoing, name: str) -> dict[str, Any]:
    return outgoing.output(name).wire()


def beside(extras: Extras, outgoing: Outgoing, *, keeps_metadata: bool) -> Beside:
    """Upload the additional files. Metadata is removed from the source's thumbnail, unless the spec keeps metadata."""
    captions = {one.language: layout.captions(one.language, Path(one.path).suffix) for one in extras.captions}
    for one in extras.captions:
        outgoing.add(captions[one.language], "caption", Path(one.path))
    picture = layout.source_thumbnail(Path(extras.thumbnail).suffix) if extras.thumbnail else None
    if extras.thumbnail and picture:
        if not keeps_metadata:
            found = Path(extras.thumbnail)
            found.write_bytes(pictures.stripped(found.read_bytes()))
        outgoing.add(picture, "thumbnail", Path(extras.thumbnail))
    return Beside(tuple(one.wire() for one in extras.chapters), captions, picture)


def build_result(task: Task, report: Report, more: Mapping[str, Any], made: datetime) -> bytes:
    """Return the content of result.json. It is for users and programs that have access to the folder, but not to the
    cluster."""
    spec = task.spec
    kept = ("videoId", "source", "metadata", "outputs")
    content: dict[str, Any] = {
        "schemaVersion": 1,
        "kind": "VideoImportResult",
        "import": {"namespace": task.namespace, "name": task.name, "uid": task.uid, "run": task.run},
        "specHash": task.spec_hash,
        "createdAt": made.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "wish": {"output": spec.output.wire(), "requirements": spec.requirements and spec.requirements.wire()},
        **{name: value for name, value in report.wire().items() if name in kept},
        "transcode": next(stage.wire() for stage in report.stages if stage.name == StageName.TRANSCODE),
        **more,
        **({"userMetadata": dict(spec.metadata)} if spec.metadata else {}),
    }
    return json.dumps(content, ensure_ascii=False, indent=2).encode() + b"\n"


def with_result(report: Report, where: Placed, content: bytes) -> Report:
    """Return the report with result.json among its outputs."""
    described = OutputFile(
        uri=where.uri, url=where.url, size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest()
    )
    found = report.outputs or Outputs()
    return report.model_copy(update={"outputs": found.model_copy(update={"result": described})})
