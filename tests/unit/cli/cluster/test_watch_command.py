"""The end of a display of imports."""

import io

from rich.console import Console

from videoimport.cli.cluster.watch_command import print_failures


def test_each_failure_has_its_reason_and_message_or_the_command_that_shows_them() -> None:
    ready = {"type": "Ready", "status": "False", "reason": "SourceUnavailable"}
    out = io.StringIO()
    print_failures(
        [
            {
                "kind": "VideoImport",
                "metadata": {"name": "gone"},
                "status": {
                    "phase": "Failed",
                    "reason": "SourceNotFound",
                    "message": "example.com answers 404. Correct it.",
                    "attempts": {"count": 1, "max": 5},
                },
            },
            {
                "kind": "BulkImport",
                "metadata": {"name": "unlisted"},
                "status": {"phase": "Failed", "conditions": [ready], "message": "It cannot be read. Check it."},
            },
            {"kind": "BulkImport", "metadata": {"name": "most"}, "status": {"phase": "Completed", "failed": 1}},
            {"kind": "BulkImport", "metadata": {"name": "all"}, "status": {"phase": "Completed"}},
        ],
        Console(file=out),
    )
    assert out.getvalue().splitlines() == [
        "vi/gone: Failed: SourceNotFound: example.com answers 404. Correct it.",
        "bi/unlisted: Failed: SourceUnavailable: It cannot be read. Check it.",
        "bi/most: Completed; `kubectl videoimport get bi/most` shows why and what to do",
    ]
