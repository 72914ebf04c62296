"""HTTP status codes as reasons."""

import pytest

from videoimport.api.reasons import Reason
from videoimport.worker.fetch.http.response import Interrupted, reason_of, status_failure


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (404, Reason.SOURCE_NOT_FOUND), (418, Reason.SOURCE_NOT_FOUND), (401, Reason.SOURCE_AUTH_REQUIRED),
        (403, Reason.SOURCE_AUTH_REQUIRED), (429, Reason.RATE_LIMITED), (408, Reason.SOURCE_UNAVAILABLE),
        (503, Reason.SOURCE_UNAVAILABLE), (304, Reason.SOURCE_UNAVAILABLE),
    ],
)  # fmt: skip
def test_every_status_has_a_reason(status: int, reason: Reason) -> None:
    assert reason_of(status) is reason


def test_only_what_may_pass_is_tried_again() -> None:
    assert isinstance(status_failure(503, "https://e.com/v?token=x"), Interrupted)
    final = status_failure(404, "https://e.com/v?token=x")
    assert str(final) == "SourceNotFound: e.com answers 404 Not Found."
