"""The loopback server over a source that is still arriving, with the real ffmpeg and ffprobe as its readers."""

import http.client
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from support.waiting import LONGEST_SECONDS, until
from videoimport.media.container.mp4_boxes import top_level
from videoimport.worker.runtime.growing_file import AbandonedError, Growing
from videoimport.worker.source.files import Tail
from videoimport.worker.source.loopback_server import AHEAD_BYTES, MOST_CONNECTIONS, ServedFile, Serving, StreamReader

Footage = Callable[[str], Path]


class Arriving:
    """A file of which as much is there as the test says."""

    def __init__(self, whole: Path, path: Path, *, told: bool = True) -> None:
        self._content, self._path = whole.read_bytes(), path
        self.growing = Growing(path, len(self._content) if told else None)
        path.touch()

    def bring(self, part: float) -> None:
        """So much of it is there; 1 is all, and then it ends."""
        end = int(part * len(self._content))
        with self._path.open("ab") as file:
            file.write(self._content[file.tell() : end])
        if part == 1:
            self.growing.end()


@pytest.fixture
def serving() -> Iterator[Serving]:
    with Serving() as running:
        yield running


def encode(reader: StreamReader, target: Path, *, seekable: bool = False) -> "subprocess.Popen[str]":
    """A quick encode that says how far it is."""
    return subprocess.Popen(
        ["ffmpeg", "-v", "error", "-xerror", "-nostdin", "-protocol_whitelist", "http,tcp",
         "-seekable", str(int(seekable)), "-i", reader.url, "-c:v", "libx264", "-preset", "ultrafast",
         "-vf", "scale=160:-2", "-an", "-progress", "pipe:1", "-stats_period", "0.05", "-y", target],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def has_written(process: "subprocess.Popen[str]") -> bool:
    """Read what it says until a frame is out; False when it ends before."""
    assert process.stdout
    for line in process.stdout:
        key, _, value = line.strip().partition("=")
        if key == "out_time_us" and value.isdigit() and int(value) > 0:
            return True
    return False


def seconds(path: Path) -> float:
    told = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", path],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return float(told.stdout)


@pytest.mark.parametrize("told", [True, False], ids=["length known", "length unknown"])
@pytest.mark.parametrize("name", ["compliant.mp4", "compliant.mkv", "fragmented.mp4", "compliant.ts", "encode.webm"])
def test_ffmpeg_works_on_what_is_there_and_ends_with_the_file(
    name: str, told: bool, serving: Serving, footage: Footage, tmp_path: Path
) -> None:
    arriving = Arriving(footage(name), tmp_path / "source", told=told)
    arriving.bring(0.9)
    reader = serving.reader(ServedFile(arriving.growing))
    process = encode(reader, tmp_path / "out.mp4")
    assert has_written(process)
    arriving.bring(1)
    process.communicate()
    assert process.returncode == 0
    assert (reader.connections, reader.why) == (1, None)
    assert abs(seconds(tmp_path / "out.mp4") - seconds(footage(name))) < 0.2


def moov_of(path: Path) -> int:
    content = path.read_bytes()
    boxes = top_level(lambda offset, length: content[offset : offset + length], len(content))
    return next(box.start for box in boxes if box.name == b"moov")


@pytest.mark.parametrize("name", ["moov-last.mp4", "compliant.mov"])
def test_an_index_at_the_end_is_read_from_the_tail(
    name: str, serving: Serving, footage: Footage, tmp_path: Path
) -> None:
    whole, tail = footage(name), tmp_path / "tail"
    offset = moov_of(whole)
    tail.write_bytes(whole.read_bytes()[offset:])
    arriving = Arriving(whole, tmp_path / "source")
    arriving.bring(0.7)
    reader = serving.reader(ServedFile.of(arriving.growing, Tail(tail, offset)))
    process = encode(reader, tmp_path / "out.mp4", seekable=True)
    assert has_written(process)
    arriving.bring(1)
    process.communicate()
    assert process.returncode == 0
    assert reader.why is None
    assert abs(seconds(tmp_path / "out.mp4") - seconds(whole)) < 0.2


def test_a_reader_that_jumps_to_what_is_not_there_has_strayed(
    serving: Serving, footage: Footage, tmp_path: Path
) -> None:
    big = tmp_path / "big.mp4"
    content = footage("moov-last.mp4").read_bytes()
    start = content.index(b"mdat") - 4
    # An mdat that is longer than what a reader may be ahead; the index comes after it.
    length = int.from_bytes(content[start : start + 4], "big")
    filler = b"\0" * (2 * AHEAD_BYTES)
    longer = (length + len(filler)).to_bytes(4, "big")
    big.write_bytes(content[:start] + longer + content[start + 4 : start + length] + filler + content[start + length :])
    arriving = Arriving(big, tmp_path / "source")
    arriving.bring(0.05)
    strayed = threading.Event()
    reader = serving.reader(ServedFile(arriving.growing), strayed.set)
    process = encode(reader, tmp_path / "out.mp4", seekable=True)
    assert strayed.wait(LONGEST_SECONDS)
    assert reader.why == "ffmpeg asked for bytes far beyond those that had arrived"
    process.kill()
    process.communicate()


def get(reader: StreamReader, first: int | None = None) -> http.client.HTTPResponse:
    parts = urlsplit(reader.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    connection.request("GET", parts.path, headers={} if first is None else {"Range": f"bytes={first}-"})
    return connection.getresponse()


def finished(path: Path) -> ServedFile:
    path.write_bytes(bytes(range(256)) * 10)
    return ServedFile(Growing(path, finished=True))


def test_ranges_are_what_was_asked_for(serving: Serving, tmp_path: Path) -> None:
    reader = serving.reader(finished(tmp_path / "f"))
    answer = get(reader, 2500)
    assert (answer.status, answer.headers["Content-Range"]) == (206, "bytes 2500-2559/2560")
    assert answer.read() == (bytes(range(256)) * 10)[2500:]
    assert get(reader).read() == bytes(range(256)) * 10
    assert get(reader, 2560).status == 416


def test_only_who_knows_the_address_is_served(serving: Serving, tmp_path: Path) -> None:
    reader = serving.reader(finished(tmp_path / "f"))
    assert urlsplit(reader.url).hostname == "127.0.0.1"
    reader.url = reader.url.replace(reader.path, "/source")
    assert get(reader).status == 404
    assert reader.connections == 0


def test_too_many_connections_are_a_stray(serving: Serving, tmp_path: Path) -> None:
    calls: list[bool] = []
    reader = serving.reader(finished(tmp_path / "f"), lambda: calls.append(True))
    for _ in range(MOST_CONNECTIONS):
        get(reader).read()
    assert not calls
    with pytest.raises(http.client.RemoteDisconnected):
        get(reader)
    assert calls
    assert reader.why == "ffmpeg opened more than 8 connections"


def test_a_source_that_fails_breaks_the_connection_off(serving: Serving, footage: Footage, tmp_path: Path) -> None:
    arriving = Arriving(footage("compliant.mp4"), tmp_path / "source")
    arriving.bring(0.5)
    answer = get(serving.reader(ServedFile(arriving.growing)))
    answer.read(1000)
    arriving.growing.fail()
    with pytest.raises(http.client.IncompleteRead):
        answer.read()


def test_the_end_lets_nobody_wait(footage: Footage, tmp_path: Path) -> None:
    arriving = Arriving(footage("compliant.mp4"), tmp_path / "source", told=False)
    arriving.bring(0.5)
    with Serving() as serving:
        answer = get(serving.reader(ServedFile(arriving.growing)))
        answer.read(1000)
    with pytest.raises(http.client.IncompleteRead):
        answer.read()


class TestGrowing:
    def test_waits_for_what_is_asked(self, tmp_path: Path) -> None:
        growing = Growing(tmp_path / "f")
        assert growing.size == 0
        found: list[int] = []
        waiting = threading.Thread(target=lambda: found.append(growing.wait(10)))
        waiting.start()
        (tmp_path / "f").write_bytes(b"x" * 12)
        waiting.join()
        assert found == [12]

    def test_the_end_is_the_end(self, tmp_path: Path) -> None:
        (tmp_path / "f").write_bytes(b"x" * 3)
        growing = Growing(tmp_path / "f")
        growing.end()
        assert growing.wait(10) == 3
        assert growing.ended

    def test_nobody_waits_for_what_failed(self, tmp_path: Path) -> None:
        growing = Growing(tmp_path / "f")
        growing.fail()
        with pytest.raises(AbandonedError):
            growing.wait(1)
        assert not growing.ended

    def test_a_writer_may_rename_it(self, tmp_path: Path) -> None:
        (tmp_path / "f").write_bytes(b"x")
        growing = Growing(tmp_path / "f")
        assert growing.size == 1
        until((tmp_path / "f").rename(tmp_path / "g").exists)
        (tmp_path / "g").write_bytes(b"xy")
        assert growing.wait(2) == 2
