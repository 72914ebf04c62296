"""What is read of an object while its bucket is listed."""

from pathlib import Path
from typing import Any

import pytest

from videoimport.api.reasons import Reason
from videoimport.api.videoimport_source import S3Source
from videoimport.worker.fetch.context import Surroundings
from videoimport.worker.fetch.process_messages import Request, Teller
from videoimport.worker.fetch.s3_ranges import Reader, Version
from videoimport.worker.listing.object_probe import HEAD_BYTES, MOST_INDEX_BYTES, Looker
from videoimport.worker.listing.process_messages import Look
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.sandbox.address_guard import Guard
from videoimport.worker.sandbox.proxy import Route


class Stored:
    """A client for an object of which only some bytes exist."""

    def __init__(self, size: int, pieces: dict[int, bytes]) -> None:
        self.size, self.pieces, self.asked = size, pieces, list[str]()

    def get_object(self, **asked: Any) -> Any:
        self.asked.append(asked["Range"])
        first, last = (int(part) for part in asked["Range"].removeprefix("bytes=").split("-"))
        body = bytearray(last - first + 1)
        for offset, piece in self.pieces.items():
            if first <= offset <= last:
                body[offset - first : offset - first + len(piece)] = piece[: last - offset + 1]
        return {"Body": _Body(bytes(body)), "ContentRange": f"bytes {first}-{last}/{self.size}"}


class _Body:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def __enter__(self) -> "_Body":
        return self

    def __exit__(self, *_: object) -> None: ...

    def read(self, length: int) -> bytes:
        chunk, self._content = self._content[:length], self._content[length:]
        return chunk


def looked(folder: Path, stored: Stored) -> Look:
    request = Request(folder=str(folder), max_height=1080, room_bytes=2**30)
    around = Surroundings.of(request, Teller.__new__(Teller), Guard(()), Route())
    looker = Looker(stored, around)  # type: ignore[arg-type]
    return looker.look(S3Source(bucket="source", key="a.mp4"), Version(stored.size, '"etag"', None))


def box(name: bytes, size: int) -> bytes:
    return (1).to_bytes(4, "big") + name + size.to_bytes(8, "big")


FTYP = (16).to_bytes(4, "big") + b"ftypisom" + bytes(4)


GIBIBYTE = 2**30


def test_of_a_large_file_only_its_head_and_its_index_are_read(tmp_path: Path) -> None:
    media, index = 50 * GIBIBYTE, 3_000_000
    size = 16 + media + index
    stored = Stored(size, {0: FTYP, 16: box(b"mdat", media), 16 + media: box(b"moov", index)})
    look = looked(tmp_path, stored)
    assert stored.asked == [f"bytes=0-{HEAD_BYTES - 1}", f"bytes={16 + media}-{size - 1}"]
    found = Path(str(look.path)).stat()
    assert (found.st_size, look.container) == (size, "mp4")


def test_an_index_that_is_too_long_is_not_read(tmp_path: Path) -> None:
    size = 16 + MOST_INDEX_BYTES + HEAD_BYTES + 1000
    stored = Stored(size, {0: FTYP, 16: box(b"moov", size - 16)})
    look = looked(tmp_path, stored)
    assert len(stored.asked) == 1
    assert (look.path, look.reason) == (None, None), "its beginning names some of the tracks only"


def test_of_other_containers_nothing_but_the_head_is_written(tmp_path: Path) -> None:
    stored = Stored(50 * GIBIBYTE, {0: b"RIFF\xff\xff\xff\xffAVI LIST"})
    look = looked(tmp_path, stored)
    assert Path(str(look.path)).stat().st_size == HEAD_BYTES
    assert look.container is None


def test_what_is_no_media_is_known_by_its_head(tmp_path: Path) -> None:
    assert looked(tmp_path, Stored(9000, {0: b"%PDF-1.7"})).reason is Reason.NOT_VIDEO


def test_of_a_size_that_no_file_has_nothing_is_told(tmp_path: Path) -> None:
    look = looked(tmp_path, Stored(2**63 - 1, {0: FTYP, 16: box(b"mdat", 2**63 - 17)}))
    assert (look.path, look.reason) == (None, None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "reason",
    [
        Reason.SOURCE_AUTH_REQUIRED,
        Reason.CERTIFICATE_INVALID,
        Reason.UNSUPPORTED_SOURCE,
        Reason.SOURCE_CHANGED,
        Reason.SOURCE_NOT_FOUND,
        Reason.SOURCE_TRUNCATED,
    ],
)
def test_what_cannot_be_read_is_left_to_its_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: Reason
) -> None:
    def fail(*_: Any) -> bytes:
        raise ImportFailure(reason, "Not this one.")

    monkeypatch.setattr(Reader, "read", fail)
    look = looked(tmp_path, Stored(9, {}))
    assert (look.path, look.reason) == (None, None)


@pytest.mark.parametrize("reason", [Reason.RATE_LIMITED, Reason.SOURCE_UNAVAILABLE])
def test_what_is_the_stores_fault_is_not_an_objects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: Reason
) -> None:
    def fail(*_: Any) -> bytes:
        raise ImportFailure(reason, "Not now.")

    monkeypatch.setattr(Reader, "read", fail)
    with pytest.raises(ImportFailure):
        looked(tmp_path, Stored(9, {}))
