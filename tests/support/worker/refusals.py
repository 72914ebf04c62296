"""What a refused import must leave: its reason, and nothing else."""

from support.worker.worker_harness import FinishedRun, WorkerHarness
from videoimport.api.reasons import Reason, info


def assert_refused(ended: FinishedRun, desk: WorkerHarness, reason: Reason, *words: str) -> None:
    """Failed with this reason, its code and these words; nothing stands in the bucket or in scratch."""
    report = ended.report
    assert report.reason is reason, ended.everything
    assert ended.code == info(reason).exit_code
    said = f"{report.message} {report.advice or info(reason).advice}"
    assert all(word in said for word in words), said
    assert desk.bucket.shown == []
    assert desk.bucket.unfinished == []
    assert desk.left_in_scratch == []
