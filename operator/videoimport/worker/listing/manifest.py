"""A manifest: a file with a list of videos. The file is fetched as a whole and then read line by line. The cursor
has a line number and a hash of the content. If the content has changed, reading starts at the first line again. The
controller recognizes already listed items by their identity."""

import codecs
import gzip
import hashlib
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from videoimport.api.bulkimport_source import ManifestSource
from videoimport.api.reasons import Reason
from videoimport.api.videoimport_source import S3Source
from videoimport.media.source import file_signature as sniff
from videoimport.worker.fetch import credentials as secrets
from videoimport.worker.fetch.context import Surroundings
from videoimport.worker.fetch.http.client import Browser
from videoimport.worker.fetch.http.response import status_failure
from videoimport.worker.fetch.http.retry import RetryPolicy
from videoimport.worker.fetch.limits import StallDetector
from videoimport.worker.fetch.s3_ranges import AT_ONCE, Reader, connect
from videoimport.worker.listing import manifest_rows as lines
from videoimport.worker.listing.csv_line_joining import MOST_LINE_BYTES
from videoimport.worker.listing.manifest_rows import NoListError, Row
from videoimport.worker.listing.process_messages import ListEntry, ListRequest, Passed
from videoimport.worker.runtime.errors import ImportFailure

_ADVICE = "Give a file with one URL per line, CSV or JSON Lines."
MOST_BYTES = 256 * 2**20
"""Maximum number of bytes of a manifest, far more than a hundred thousand lines with metadata need."""
_CHUNK = 256 * 1024
_GZIP = b"\x1f\x8b"
_WIDE = (b"\xff\xfe", b"\xfe\xff")
"""Byte order marks of UTF-16, which spreadsheets write."""


def entries(around: Surroundings, request: ListRequest) -> Iterator[ListEntry | Passed]:
    """Yield the entries after the request's cursor. Raises ImportFailure."""
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
        advice = error.advice or _ADVICE
        raise ImportFailure(Reason.UNSUPPORTED_SOURCE, f"The manifest {error}.", advice=advice) from None


def _entry(row: Row, digest: str) -> ListEntry | Passed:
    cursor, item, skipped = f"{row.line} {digest}", row.item, row.skipped
    if item is not None:
        return ListEntry(
            cursor=cursor, url=item.url, name=item.name, metadata=item.metadata, checksum=item.checksum, skipped=skipped
        )
    if row.wrong is None:
        return Passed(cursor=cursor, skipped=skipped)
    message = f"Line {row.line}: {row.wrong}."
    return ListEntry(cursor=cursor, url=row.url, reason=Reason.INVALID_SPEC, message=message, skipped=skipped)


def _bounded(file: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines. A line that is too long is cut just beyond the limit."""
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
        message = f"There is no ConfigMap {name!r} with a key {key!r} in this namespace."
        advice = "Create the ConfigMap with that key, then change retryToken."
        raise ImportFailure(Reason.SOURCE_NOT_FOUND, message, advice=advice)
    return path


def _from_web(around: Surroundings, url: str) -> Path:
    secret = secrets.read_web(url, around.request.secret, around.secret_folder)
    browser = Browser(
        around.limits.read_seconds, route=around.route, secrets=secret, url_field="spec.source.manifest.url"
    )
    path = around.folder / "manifest"
    try:
        for attempt in RetryPolicy(time.sleep).attempts():
            with attempt:
                _receive(around, browser, url, path)
    except ImportFailure as failure:
        raise secret.advised(failure) from None
    return path


def _receive(around: Surroundings, browser: Browser, url: str, path: Path) -> None:
    answer = browser.get(url, {})
    try:
        if answer.status != 200:
            raise status_failure(answer.status, answer.url, answer.retry_after)
        stall, done = StallDetector(around.limits.pace), 0
        with path.open("wb") as file:
            while chunk := answer.read(_CHUNK):
                done += len(chunk)
                _check(done)
                file.write(chunk)
                around.throttle.took(len(chunk))
                stall.check(done)
        if sniff.kind(_head(path), answer.header("Content-Type")) is sniff.FileKind.PAGE:
            host = urlsplit(answer.url).hostname
            message = f"The manifest is a web page of {host}."
            raise ImportFailure(Reason.UNSUPPORTED_SOURCE, message, advice=_ADVICE)
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
    """Return the path of the manifest as uncompressed UTF-8 lines.

    Converted files are written to ``folder``, because the files of a ConfigMap are mounted read-only.
    """
    head = _head(path)
    if head.startswith(_GZIP):
        path, packed = folder / "manifest-plain", path
        try:
            _unpack(packed, path)
        except (zlib.error, gzip.BadGzipFile, EOFError):
            message = "The manifest is compressed, and cannot be decompressed."
            raise ImportFailure(Reason.UNSUPPORTED_SOURCE, message, advice=_ADVICE) from None
        head = _head(path)
    if head.startswith(_WIDE):
        path, wide = folder / "manifest-utf8", path
        try:
            _rewrite(wide, path, codecs.getincrementaldecoder("utf-16")().decode)
        except UnicodeError:
            message = "The manifest is broken UTF-16 text."
            raise ImportFailure(Reason.UNSUPPORTED_SOURCE, message, advice=_ADVICE) from None
        head = _head(path)
    if b"\r" in head[:-1] and b"\n" not in head:  # line ends of old Macs
        path, returned = folder / "manifest-lines", path
        _rewrite(returned, path, lambda chunk, _: chunk.decode("latin-1").replace("\r", "\n"), "latin-1")
    return path


def _rewrite(source: Path, target: Path, decode: Callable[[bytes, bool], str], encoding: str = "utf-8") -> None:
    """Write the result of ``decode`` for each chunk. No file is in memory as a whole. Raises UnicodeError."""
    done = 0
    with source.open("rb") as read, target.open("wb") as written:
        while chunk := read.read(_CHUNK):
            text = decode(chunk, False).encode(encoding)
            done += len(text)
            _check(done)
            written.write(text)
        written.write(decode(b"", True).encode(encoding))


def _unpack(packed: Path, path: Path) -> None:
    done = 0
    with gzip.open(packed, "rb") as source, path.open("wb") as target:
        while chunk := source.read(_CHUNK):
            done += len(chunk)
            _check(done)
            target.write(chunk)


def _check(size: int) -> None:
    if size > MOST_BYTES:
        message = f"The manifest has more than {MOST_BYTES} bytes."
        advice = "Divide the manifest among several BulkImports."
        raise ImportFailure(Reason.SOURCE_TOO_LARGE, message, advice=advice)


def _refuse_binary(head: bytes) -> None:
    if b"\x00" in head:
        raise NoListError("is not text")


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(sniff.ENOUGH)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
