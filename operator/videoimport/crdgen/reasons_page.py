"""The page of reasons in ``docs``, from the table in ``api.reasons``."""

from collections.abc import Iterable

from videoimport.api.reasons import TABLE, Reason, ReasonInfo, RetryClass

_HEAD = """\
<!-- Generated from operator/videoimport/api/reasons.py by `make generate`; not to be edited. -->
# Reasons

`status.reason` is one of these reasons, and `status.message` states what was found and what to do. A worker exits with
the code of its reason. All reasons of a class have the same consequence.
"""

_CLASSES: dict[RetryClass, str] = {
    RetryClass.PERMANENT: "Failed at once. A changed spec or a new `retryToken` starts it again.",
    RetryClass.USER: "Failed at once, for a cause outside the spec. Correct it, then change `retryToken`.",
    RetryClass.RETRIED: "Retried with exponential backoff, up to `maxAttempts` runs and the limit of its row.",
    RetryClass.UNCHARGED: "Retried; not counted toward `maxAttempts`.",
    RetryClass.HOST: "Retried after the host's backoff, like all imports of the namespace from it; not counted.",
    RetryClass.LATER: "Retried every half hour or so, for a week; not counted toward `maxAttempts`.",
    RetryClass.WAITING: "Not an end: shown with the cluster's own message while a run cannot start.",
    RetryClass.END: "Ended as the user asked.",
}


def reasons_page() -> str:
    """Return the page as Markdown, with a section for each class and a row for each reason."""
    return _HEAD + "".join(_section(retry, about) for retry, about in _CLASSES.items())


_COLUMNS = (
    "| Reason | Exit code | Tried again at most | What was found | What to do |\n"
    "| --- | --- | --- | --- | --- |\n"
)  # fmt: skip


def _section(retry: RetryClass, about: str) -> str:
    rows = _rows((reason, row) for reason, row in TABLE.items() if row.retry is retry)
    heading = f"\n## {retry.value}\n\n{about}\n\n"
    return heading + _COLUMNS + rows


def _rows(reasons: Iterable[tuple[Reason, ReasonInfo]]) -> str:
    return "".join(
        f"| {reason.value} | {row.exit_code or '–'} | {row.max_retries or '–'} | {row.finding} | {row.advice} |\n"
        for reason, row in reasons
    )
