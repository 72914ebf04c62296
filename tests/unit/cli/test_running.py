"""Room for the report of a local run, whose scratch may be full when it is written."""

from pathlib import Path

from videoimport.api.tasks.import_report import MAX_BYTES
from videoimport.api.tasks.import_task import Task
from videoimport.api.videoimport import VideoImportSpec, spec_hash
from videoimport.cli.local_paths import Places
from videoimport.cli.running import Room, _text


def test_the_report_has_its_room_before_the_worker_starts(tmp_path: Path) -> None:
    spec = VideoImportSpec.model_validate(
        {"source": {"url": "https://e.com/v.mp4"}, "destination": {"s3": {"bucket": "videos"}}}
    )
    room = Room(tmp_path)
    room.furnish(Task(uid="u", namespace="team", name="clip", run=1, spec=spec, spec_hash=spec_hash(spec)), Places())
    assert room.message.stat().st_size == MAX_BYTES
    assert room.message.stat().st_blocks > 0
    assert _text(room.message) is None, "a worker that was killed wrote none"
    room.message.write_text("{}")
    assert _text(room.message) == "{}"
