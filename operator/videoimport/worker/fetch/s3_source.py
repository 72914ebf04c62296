"""A source in an object store. The import reads one version of the object, by parallel Range requests. The bytes are
written in order."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from videoimport.api.videoimport_source import S3Source
from videoimport.media.source import file_signature as sniff
from videoimport.worker.fetch import credentials as secrets
from videoimport.worker.fetch import mp4_tail as tail
from videoimport.worker.fetch.content_check import refuse_no_file
from videoimport.worker.fetch.context import Surroundings
from videoimport.worker.fetch.partial_file import Landing
from videoimport.worker.fetch.process_messages import Fetched, File, FileGrowing, Found, Hashed, TailFile, identity
from videoimport.worker.fetch.s3_ranges import AT_ONCE, Reader, Version, connect


def fetch(around: Surroundings, wish: S3Source) -> Fetched:
    """Fetch the object. Raises ImportFailure."""
    keys = secrets.read_keys(around.request.secret, around.secret_folder)
    reader = Reader(connect(wish, keys, around.route, around.limits.read_seconds), wish, around.throttle)
    version = reader.look()
    around.limits.check(version.size)
    with Landing(around.folder, outlives=around.request.outlives) as landing:
        stored = _Stored(around, wish, reader, version, landing)
        return Fetched(video=stored.fetch())


class _Stored:
    def __init__(
        self, around: Surroundings, wish: S3Source, reader: Reader, version: Version, landing: Landing
    ) -> None:
        self._around, self._wish, self._reader, self._version, self._landing = around, wish, reader, version, landing
        self._source = identity("s3", place(wish))

    def fetch(self) -> File:
        head = self._reader.read(self._version, 0, min(sniff.ENOUGH, self._version.size) - 1)
        refuse_no_file(head)
        self._recover()
        self._around.teller.found(self._found())
        growing = FileGrowing(
            part="video", path=str(self._landing.path), size=self._version.size, seekable=True,
            tail=self._tail(head), container=sniff.container(head),
        )  # fmt: skip
        self._bring(growing, growing.tail)
        return self._landing.file(seekable=True)

    def _recover(self) -> None:
        mark = self._landing.recover(self._source, lambda done: self._around.teller.tell(Hashed(done=done)))
        if mark and mark.version != self._version.name:
            self._landing.start_over()
        if not self._landing.size:
            self._landing.remember(self._source, self._version.name, self._version.size)

    def _tail(self, head: bytes) -> TailFile | None:
        def rest(first: int, told: tail.Told) -> bytes:
            return self._reader.read(self._version, first, self._version.size - 1, told)

        around = self._around
        found = tail.fetched(
            around.folder, head, self._version.size, around.limits, around.throttle, around.teller, rest
        )
        return found if found and found.offset >= self._landing.size else None

    def _bring(self, growing: FileGrowing, end: TailFile | None) -> None:
        """Fetch everything before the tail by ranges, then append the tail, which was fetched before."""
        last = end.offset if end else self._version.size
        is_told = self._landing.size > 0
        if is_told:
            self._around.teller.tell(growing)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            try:
                for chunk in self._reader.chunks(pool, self._version, self._landing.size, last):
                    self._keep(chunk)
                    if not is_told:
                        is_told = True
                        self._around.teller.tell(growing)
            finally:
                self._reader.stop()
        for chunk in tail.chunks(end) if end else ():
            self._keep(chunk)

    def _keep(self, chunk: bytes) -> None:
        self._landing.keep(chunk)
        self._around.teller.moved(self._landing.size, self._version.size)

    def _found(self) -> Found:
        name = PurePosixPath(self._wish.key).name or self._wish.key
        return Found(
            type="S3",
            filename=name[:512],
            title=(name.rpartition(".")[0] or name)[:512],
            source_id=self._wish.key[:256],
            size=self._version.size,
            identity=identity("s3", place(self._wish), self._version.name) if self._version.name else None,
        )


def place(wish: S3Source) -> str:
    """Return the endpoint, the bucket and the key as one text. The identity of the source is computed from this
    text."""
    return f"{host_of(wish.endpoint)}/{wish.bucket}/{wish.key}"


def host_of(endpoint: str | None) -> str:
    """Return the host of an object store's endpoint. Without an endpoint, the result is the host of AWS."""
    return urlsplit(endpoint).netloc if endpoint else "amazonaws.com"
