"""What the end of a run says."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from videoimport.api.reasons import Reason
from videoimport.api.videoimport_status import (
    OutputFile,
    Outputs,
    RenditionFile,
    Stage,
    StageName,
    ThumbnailSet,
    VideoImportStatus,
    VideoPhase,
)
from videoimport.cli.local_results import Home, openable
from videoimport.cli.run_result_text import exit_code, failed, find_hints, succeeded

BEGAN = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOME = Home(lambda _claim: Path("/results"))
ENCODED = Stage(name=StageName.TRANSCODE, state="Done", percent=100, mode="Encode", why="the video is vp9")
DONE = VideoImportStatus(
    phase=VideoPhase.COMPLETED,
    start_time=BEGAN,
    completion_time=BEGAN + timedelta(seconds=74),
    stages=(ENCODED,),
    outputs=Outputs(
        video=OutputFile(uri="pvc://clip/clip/video.mp4", size_bytes=6_700_000, duration_ms=20_400, resolution="1x2"),
        renditions=(RenditionFile(name="360p", uri="pvc://clip/clip/renditions/360p.mp4", size_bytes=1),),
        thumbnails=ThumbnailSet(uri="pvc://clip/clip/thumbnails/001.jpg", count=3),
        result=OutputFile(uri="pvc://clip/clip/result.json", size_bytes=1900),
    ),
)  # fmt: skip
IN_A_BUCKET = DONE.model_copy(update={"outputs": Outputs(video=OutputFile(uri="s3://videos/clip/video.mp4"))})


def test_success_names_what_was_written_where_it_can_be_opened() -> None:
    assert succeeded("clip", DONE, HOME, Path("/results")) == [
        "clip: Completed in 1:14 min (Encode: the video is vp9)",
        "  video           clip/video.mp4            1x2  20 s  6.7 MB",
        "  rendition 360p  clip/renditions/360p.mp4  1 byte",
        "  thumbnails      clip/thumbnails/001.jpg   3 pictures",
        "  result          clip/result.json          1.9 kB",
    ]


def test_results_in_a_bucket_keep_their_addresses() -> None:
    assert "  video  s3://videos/clip/video.mp4" in "\n".join(succeeded("clip", IN_A_BUCKET, HOME, Path("/results")))


def test_paths_outside_the_present_folder_are_whole() -> None:
    assert "/results/clip/video.mp4" in "\n".join(succeeded("clip", DONE, HOME, Path("/elsewhere")))


def test_a_duplicate_says_where_the_video_is() -> None:
    status = VideoImportStatus(phase=VideoPhase.COMPLETED, duplicate_of="pvc://clip/old/video.mp4")
    assert succeeded("clip", status, HOME, Path("/results")) == [
        "clip: nothing was stored, because the destination already has it: old/video.mp4"
    ]


def test_failure_names_reason_code_cause_and_what_to_do_here() -> None:
    status = VideoImportStatus(phase=VideoPhase.FAILED, reason=Reason.ADDRESS_FORBIDDEN, message="It leads inside.")
    assert failed("clip", status) == [
        "clip: Failed: AddressForbidden (exit code 69)",
        "  It leads inside.",
        "  On this machine, use --allow-network, such as --allow-network 192.168.1.0/24.",
    ]


@pytest.mark.parametrize(
    ("phase", "reason", "code"),
    [("Completed", None, 0), ("Failed", "SourceNotFound", 65), ("Failed", "ReportLost", 1), ("Failed", None, 1)],
)
def test_the_exit_code_is_the_outcome(phase: str, reason: str | None, code: int) -> None:
    status = VideoImportStatus.model_validate({"phase": phase, "reason": reason})
    assert exit_code(status) == code


def test_outputs_in_a_folder_get_file_urls_and_others_keep_theirs() -> None:
    outputs = openable(DONE, HOME).outputs
    assert outputs is not None
    assert outputs.video is not None
    assert outputs.video.url == "file:///results/clip/video.mp4"
    assert outputs.renditions[0].url == "file:///results/clip/renditions/360p.mp4"
    assert outputs.thumbnails is not None
    assert outputs.thumbnails.url == "file:///results/clip/thumbnails/001.jpg"
    served = Outputs(video=OutputFile(uri="pvc://clip/a", url="https://cdn.example.com/a"))
    assert openable(DONE.model_copy(update={"outputs": served}), HOME).outputs == served
    assert openable(IN_A_BUCKET, HOME) == IN_A_BUCKET


def test_a_hint_for_this_machine_comes_once_for_each_reason() -> None:
    reasons = [None, Reason.ADDRESS_FORBIDDEN, Reason.NOT_VIDEO, Reason.ADDRESS_FORBIDDEN]
    assert find_hints(reasons) == [
        "AddressForbidden: On this machine, use --allow-network, such as --allow-network 192.168.1.0/24."
    ]
