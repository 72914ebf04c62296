"""The lines and bars of an upload."""

import io
import re
from pathlib import Path

from rich.console import Console

from videoimport.cli.upload.local_file import LocalFile
from videoimport.cli.upload.upload_display import UploadDisplay

FILE = LocalFile(Path("talks/\x1b[2Jtalk.mp4"), 1000, 1, 0, 0)


def test_line_comes_with_other_words_and_otherwise_every_few_seconds() -> None:
    out, clock = io.StringIO(), iter((0.0, 0.0, 1.0, 4.9, 5.0, 6.0, 6.1))
    with UploadDisplay(Console(file=out), lambda: next(clock)) as display:
        row = display.add(FILE)
        row.tell("sending")
        for offset in (100, 200, 300, 400):
            row.move(offset)
            row.tell("sending")
        row.tell("Transcoding 30 %")
    lines = [line.partition(": ")[2] for line in out.getvalue().splitlines()]
    assert [line.split(" ")[0] for line in lines] == ["0", "30", "40"]
    assert lines[-1].endswith("Transcoding 30 %")


def test_name_of_a_file_cannot_control_the_terminal() -> None:
    out = io.StringIO()
    with UploadDisplay(Console(file=out)) as display:
        display.add(FILE).tell("sending")
        display.say("\x1b[31mred")
    assert "\x1b" not in out.getvalue()
    assert "talk.mp4: 0 %, sending" in out.getvalue()


def test_terminal_shows_a_bar_with_the_bytes_and_the_words() -> None:
    out = io.StringIO()
    with UploadDisplay(Console(file=out, force_terminal=True, width=120, no_color=True)) as display:
        row = display.add(LocalFile(Path("talk.mp4"), 1000, 1, 0, 0))
        row.start(400)
        row.tell("sending")
        display.say("vi/talk: created")
    assert "0.4/1.0 kB" in out.getvalue()
    assert "sending" in out.getvalue()
    assert "vi/talk: created" in out.getvalue()


def test_speed_and_remaining_time_are_shown_only_while_bytes_are_sent() -> None:
    now = iter(range(100))
    out = io.StringIO()
    console = Console(file=out, get_time=lambda: float(next(now)))
    with UploadDisplay(console, lambda: 100.0 * next(now)) as display:
        row = display.add(LocalFile(Path("talk.mp4"), 1000, 1, 0, 0))
        row.start(0)
        for offset in (100, 200, 300):
            row.move(offset)
        row.tell("sending")
        row.tell("waiting for the worker")
    sending, waiting = out.getvalue().splitlines()
    assert re.fullmatch(r"talk\.mp4: 30 %, \d+ bytes/s, \d+ s left, sending", sending)
    assert waiting == "talk.mp4: 30 %, waiting for the worker"
