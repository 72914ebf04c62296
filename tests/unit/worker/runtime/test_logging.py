"""A line of the worker's log."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import structlog

from videoimport.worker.runtime import logging as logs
from videoimport.worker.runtime.logging import log, redacted


@pytest.fixture(autouse=True)
def _configured() -> None:
    structlog.reset_defaults()  # a command of the same process may have silenced it
    logs.configure()


def test_a_line_is_an_object_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    log().warning("fetched", url="https://user:secret@example.com/v?token=hidden", at=["кино", Path("/x")], number=3)
    line = capsys.readouterr().err
    assert line.endswith("}\n")
    found = json.loads(line)
    assert list(found) == ["url", "at", "number", "event", "level", "timestamp"]
    assert (found["at"][0], found["number"], found["event"], found["level"]) == ("кино", 3, "fetched", "warning")
    assert found["timestamp"].endswith("Z")
    assert [word for word in ("secret", "hidden") if word in line] == []


def test_a_line_that_nobody_takes_is_lost() -> None:
    script = "from videoimport.worker.runtime import logging as L; L.configure(); L.log().error('ended'); print('on')"
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=full, text=True)
    assert done.stdout == "on\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see https://a:b@e.com/x?token=t&q=1 now", "see https://e.com/x?q=1 now"),
        ("no address", "no address"),
        ('{"u": "https://e.com/?X-Amz-Signature=s"}', '{"u": "https://e.com/"}'),
    ],
)
def test_logs_show_addresses_without_their_secrets(text: str, shown: str) -> None:
    assert redacted(text) == shown
