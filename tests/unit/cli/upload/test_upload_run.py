"""The exit code of an upload."""

from typing import Any

import pytest

from videoimport.cli.upload.file_upload import UploadOutcome
from videoimport.cli.upload.upload_run import compute_exit_code


def outcome(phase: str = "", reason: str = "", *, is_sent: bool = True, problem: str = "") -> UploadOutcome:
    status = {"phase": phase, "reason": reason}
    resource: dict[str, Any] = {"kind": "VideoImport", "metadata": {"name": "talk"}, "status": status}
    return UploadOutcome(resource if phase else None, is_sent, problem)


DONE, SENT = outcome("Completed"), outcome("Transcoding")
BAD, CANCELLED = outcome("Failed", "NotVideo"), outcome("Cancelled", "Cancelled")


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ([DONE], 0),
        ([SENT, DONE], 0),
        ([BAD], 72),
        ([CANCELLED], 1),
        ([DONE, BAD], 1),
        ([outcome("Downloading", is_sent=False)], 1),
        ([outcome("Downloading", problem="The session has ended.")], 1),
        ([outcome(problem="no right")], 1),
        ([outcome("Completed", problem="The file changed.")], 1),
    ],
)
def test_code_says_how_the_uploads_ended(outcomes: list[UploadOutcome], code: int) -> None:
    assert compute_exit_code(outcomes) == code
