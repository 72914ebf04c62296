"""The table of reasons is complete, and its exit codes are nobody else's."""

import pytest

from support.every_case import every_case
from videoimport.api.reasons import TABLE, Reason, RetryClass, UploadText, info, reason_of_exit_code


def test_every_reason_has_a_row_and_advice() -> None:
    assert set(TABLE) == set(Reason)
    assert all(row.advice.endswith(".") for row in TABLE.values())


def test_exit_codes_are_between_64_and_113_and_belong_to_one_reason_each() -> None:
    codes = [row.exit_code for row in TABLE.values() if row.exit_code is not None]
    assert len(codes) == len(set(codes))
    assert all(64 <= code <= 113 for code in codes)


@every_case("reason", [reason for reason, row in TABLE.items() if row.exit_code is not None])
def test_an_exit_code_names_its_reason(reason: Reason) -> None:
    code = info(reason).exit_code
    assert code is not None
    assert reason_of_exit_code(code) is reason


@pytest.mark.parametrize("code", [0, 1, 63, 114, 137, 143])
def test_a_foreign_exit_code_names_no_reason(code: int) -> None:
    assert reason_of_exit_code(code) is None


def test_a_reason_that_only_waits_is_never_a_workers_word() -> None:
    waiting = [reason for reason, row in TABLE.items() if row.retry is RetryClass.WAITING]
    assert waiting
    assert all(info(reason).exit_code is None for reason in waiting)


def test_refused_sources_speak_the_words_of_hosted_services() -> None:
    assert info(Reason.SOURCE_NOT_FOUND).upload_status is UploadText.FILE_NOT_EXIST
    refused = {reason for reason, row in TABLE.items() if row.upload_status is UploadText.INVALID_METADATA}
    assert refused == {
        Reason.NOT_VIDEO,
        Reason.UNSUPPORTED_FORMAT,
        Reason.UNSUPPORTED_RESOLUTION,
        Reason.UNSUPPORTED_DURATION,
        Reason.SOURCE_CORRUPT,
    }
