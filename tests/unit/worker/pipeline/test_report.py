"""The report of a run."""

from videoimport.api.tasks.import_task import Task
from videoimport.api.videoimport import VideoImportSpec, spec_hash
from videoimport.api.videoimport_status import OutputFile, Outputs
from videoimport.worker.pipeline.progress import Board
from videoimport.worker.pipeline.report import success

SPEC = VideoImportSpec.model_validate(
    {"source": {"url": "https://e.com/v.mp4"}, "destination": {"s3": {"bucket": "videos"}}}
)
TASK = Task(uid="u", namespace="team", name="clip", run=1, spec=SPEC, spec_hash=spec_hash(SPEC))


def test_the_longest_key_can_be_reported() -> None:
    uri = "s3://" + "b" * 63 + "/" + "k" * 1024
    report = success(TASK, Board(1), Outputs(video=OutputFile(uri=uri)), "f" * 64)
    assert len(report.message) == 1024
    assert report.outputs is not None
    assert report.outputs.video is not None
    assert report.outputs.video.uri == uri
