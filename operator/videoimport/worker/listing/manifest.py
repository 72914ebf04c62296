"""A manifest: fetched whole, then read line by line. Its cursor names the line and the content; another content begins
at its first line again, and what comes twice is told by its identity."""

import gzip
import hashlib
import time
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from videoimport.api.bulk_source import ManifestSource
from videoimport.api.reasons import Reason
from videoimport.api.source import S3Source
from videoimport.media import sniff
from videoimport.worker.errors import ImportFailure
from videoimport.worker.fetch import secrets, statuses
from videoimport.worker.fetch.http import Browser
from videoimport.worker.fetch.limits import Pace
from videoimport.worker.fetch.patience import Patience
from videoimport.worker.fetch.ranges import AT_ONCE, Reader, connect
from videoimport.worker.fetch.surroundings import Surroundings
from videoimport.worker.listing import lines
from videoimport.worker.listing.lines import NoListError, Row
from videoimport.worker.listing.protocol import Entry, ListRequest
from videoimport.worker.listing.quotes import MOST_LINE_BYTES

MOST_BYTES = 256 * 2**20
"""A hundred thousand lines with metadata fit many times."""
_CHUNK = 256 * 1024
_GZIP = b"\x1f\x8b"
_WIDE = (b"\xff\xfe", b"\xfe\xff")
"""UTF-16, as spreadsheets write it."""


def entries(around: Surroundings, request: ListRequest) -> Iterator[Entry]:
    """Behind the request's cursor. Raises ImportFailure."""
    wish = request.source.manifest
    assert wish is not None  # noqa: S101
    path = _plain(_brought(around, request, wish), around.folder)
    digest = _digest(path)
    line, _, content = (request.cursor or "").partition(" ")
    after = int(line) if content == digest and line.isdigit() else 0
    try:
        with path.open("rb") as file:
            _refuse_binary(file.read(sniff.ENOUGH))
            file.seek(0)
            for row in lines.rows(_bounded(file), after):
                yield _entry(row, digest)
    except NoListError as error:
        raise ImportFailure(Reason.UNSUPPORTED_SOURCE, f"The manifest {error}.") from None


def _entry(row: Row, digest: str) -> Entry:
    cursor = f"{row.line} {digest}"
    if row.item is None:
        message = f"Line {row.line}: {row.wrong}."
        return Entry(cursor=cursor, url=row.url, reason=Reason.INVALID_SPEC, message=message)
    item = row.item
    return Entry(cursor=cursor, url=item.url, name=item.name, metadata=item.metadata, checksum=item.checksum)


def _bounded(file: Iterable[bytes]) -> Iterator[bytes]:
    """Lines, of which none is longer than it takes to see that it is too long."""
    readline = file.readline  # type: ignore[attr-defined]
    while line := readline(MOST_LINE_BYTES + 2):
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = readline(_CHUNK)
            line += rest[: max(0, MOST_LINE_BYTES + 2 - len(line))]
        yield line


def _brought(around: Surroundings, request: ListRequest, wish: ManifestSource) -> Path:
    if wish.url is not None:
        return _from_web(around, wish.url)
    if wish.s3 is not None:
        return _from_store(around, wish.s3)
    path, reference = Path(request.manifest or ""), wish.config_map_key_ref
    if reference is None or not path.is_file():
        name, key = (reference.name, reference.key) if reference else ("", "")
        message = (
            f"There is no ConfigMap {name!r} with a key {key!r} in this namespace; create it, then change retryToken."
        )
        raise ImportFailure(Reason.SOURCE_NOT_FOUND, message)
    return path


def _from_web(around: Surroundings, url: str) -> Path:
    secret = secrets.read_web(url, around.request.secret, around.secret_folder)
    browser = Browser(around.limits.read_seconds, route=around.route, secrets=secret)
    path = around.folder / "manifest"
    for attempt in Patience(time.sleep).attempts():
        with attempt:
            _receive(around, browser, url, path)
    return path


def _receive(around: Surroundings, browser: Browser, url: str, path: Path) -> None:
    answer = browser.get(url, {})
    try:
        if answer.status != 200:
            raise statuses.failure(answer.status, answer.url, answer.retry_after)
        pace, done = Pace(around.limits, 0), 0
        with path.open("wb") as file:
            while chunk := answer.read(_CHUNK):
                done += len(chunk)
                _check(done)
                file.write(chunk)
                around.throttle.took(len(chunk))
                pace.check(done)
        if sniff.kind(_head(path), answer.header("Content-Type")) is sniff.Kind.PAGE:
            host = urlsplit(answer.url).hostname
            message = f"The manifest is a web page of {host}; give a file with a URL a line, CSV or JSON Lines."
            raise ImportFailure(Reason.UNSUPPORTED_SOURCE, message)
    finally:
        answer.response.close()


def _from_store(around: Surroundings, wish: S3Source) -> Path:
    keys = secrets.read_keys(around.request.secret, around.secret_folder)
    reader = Reader(connect(wish, keys, around.route, around.limits.read_seconds), wish, around.throttle)
    version = reader.look()
    _check(version.size)
    path = around.folder / "manifest"
    with ThreadPoolExecutor(AT_ONCE) as pool, path.open("wb") as file:
        try:
            for chunk in reader.chunks(pool, version, 0, version.size):
                file.write(chunk)
        finally:
            reader.stop()
    return path


def _plain(path: Path, folder: Path) -> Path:
    """The file as UTF-8 lines: unpacked where it is packed. What is written lies in ``folder``: a ConfigMap's files lie
    where nobody may write."""
    head = _head(path)
    if head.startswith(_GZIP):
        path, packed = folder / "manifest-plain", path
        try:
            _unpack(packed, path)
        except (zlib.error, gzip.BadGzipFile, EOFError):
            raise ImportFailure(Reason.UNSUPPORTED_SOURCE, "The manifest is packed, and cannot be unpacked.") from None
        head = _head(path)
    if head.startswith(_WIDE):
        path, wide = folder / "manifest-utf8", path
        try:
            path.write_bytes(wide.read_bytes().decode("utf-16").encode())
        except UnicodeError:
            raise ImportFailure(Reason.UNSUPPORTED_SOURCE, "The manifest is broken UTF-16 text.") from None
        head = _head(path)
    if b"\r" in head[:-1] and b"\n" not in head:  # as spreadsheets of old Macs write lines
        path, returned = folder / "manifest-lines", path
        path.write_bytes(returned.read_bytes().replace(b"\r", b"\n"))
    return path


def _unpack(packed: Path, path: Path) -> None:
    done = 0
    with gzip.open(packed, "rb") as source, path.open("wb") as target:
        while chunk := source.read(_CHUNK):
            done += len(chunk)
            _check(done)
            target.write(chunk)


def _check(size: int) -> None:
    if size > MOST_BYTES:
        message = f"The manifest has more than {MOST_BYTES} bytes; divide it."
        raise ImportFailure(Reason.SOURCE_TOO_LARGE, message)


def _refuse_binary(head: bytes) -> None:
    if b"\x00" in head:
        raise NoListError("is no text: give a file with a URL a line, CSV or JSON Lines")


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(sniff.ENOUGH)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
