"""Answers that are none of S3: each call ends with its result or a reason, never with an error of a library's."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.retries import standard

from support.local_server import QuietHandler, serving
from videoimport.api.destination import S3Destination
from videoimport.api.reasons import Reason
from videoimport.api.videoimport_source import S3Source
from videoimport.worker.fetch import s3_failures as store_failures
from videoimport.worker.fetch import s3_ranges as ranges
from videoimport.worker.fetch.limits import Throttle
from videoimport.worker.fetch.s3_ranges import Reader
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.sandbox.proxy import Route
from videoimport.worker.storage.base import Facts, Ticket, UnmetError
from videoimport.worker.storage.retry_policy import Retries
from videoimport.worker.storage.s3 import store as s3
from videoimport.worker.storage.s3.store import S3Store
from videoimport.worker.storage.upload_journal import Note, ours

XML = b'<?xml version="1.0" encoding="UTF-8"?>'
PAGE = b"<!DOCTYPE html>\n<html><head><title>Welcome</title></head><body><br></body></html>"
DEEP = b"<a>" * 3000 + b"</a>" * 3000
UPLOADS = b"<ListMultipartUploadsResult><Upload>%s</Upload></ListMultipartUploadsResult>"
BODIES = {
    "nothing": b"",
    "a page": PAGE,
    "a page of XML": XML + b"<html><body><p>Welcome</p></body></html>",
    "JSON": b'{"Error": {"Code": "NoSuchKey"}}',
    "bytes": bytes(range(256)),
    "XML that ends early": b"<ListBucketResult><Contents><Key>in/a",
    "XML of something else": XML + b"<rss><channel/></rss>",
    "XML in an encoding of two bytes": b'<?xml version="1.0" encoding="shift_jis"?><Error><Code>x</Code></Error>',
    "XML in an unknown encoding": b'<?xml version="1.0" encoding="klingon"?><Error><Code>x</Code></Error>',
    "deep XML": DEEP,
    "a deep error": b"<Error>" + DEEP + b"</Error>",
    "an error of words": b"<Answer><Error>no</Error></Answer>",
    "an error of errors": b"<Error><Code><Code>NoSuchKey</Code></Code><Region><a/></Region></Error>",
    "two errors": b"<Answer><Error>no</Error><Error>never</Error></Answer>",
    "an error without a code": b"<Error/>",
    "an error with a long code": b"<Error><Code>" + b"x" * 9999 + b"</Code></Error>",
    "metadata of words": b"<Answer><ResponseMetadata>no</ResponseMetadata></Answer>",
    "entries without keys": b"<ListBucketResult><Contents><Size>1</Size></Contents></ListBucketResult>",
    "entries whose numbers are none":
        b"<ListBucketResult><Contents><Key>in/a</Key><Size>many</Size></Contents></ListBucketResult>",
    "entries whose dates are none": b"<ListBucketResult><Contents><Key>in/a</Key><LastModified>soon</LastModified>"
        b"</Contents></ListBucketResult>",
    "entries of the year 99999": b"<ListBucketResult><Contents><Key>in/a</Key><LastModified>99999-01-01T00:00:00Z"
        b"</LastModified></Contents></ListBucketResult>",
    "the same page again": b"<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>a"
        b"</NextContinuationToken></ListBucketResult>",
    "uploads without ids": UPLOADS % b"<Key>in/a</Key>",
    "uploads without a zone": UPLOADS % b"<Key>in/a</Key><UploadId>u</UploadId><Initiated>2026-01-01</Initiated>",
    "uploads of no date": UPLOADS % b"<Key>in/a</Key><UploadId>u</UploadId><Initiated>soon</Initiated>",
    "parts without numbers": b"<ListPartsResult><Part><Size>1</Size></Part></ListPartsResult>",
    "an upload without an id": b"<InitiateMultipartUploadResult/>",
}  # fmt: skip
HEADERS: dict[str, dict[str, str]] = {
    "none": {},
    "odd ones": {
        "Last-Modified": "soon", "ETag": '""', "x-amz-meta-videoimport-uid": "=?utf-8?q?=", "Expires": "never",
        "x-amz-version-id": "", "x-amz-bucket-region": "../..", "Content-Range": "bytes 0-0/many",
        "x-amz-missing-meta": "many", "x-amz-delete-marker": "perhaps",
    },
}  # fmt: skip
STATUSES = (200, 301, 400, 404, 503)
TICKET = Ticket(key="in/a", upload="u", size_bytes=1, sha256="0" * 64, seal="s")
MARKS = {"videoimport-uid": "uid"}


@dataclass
class Answers:
    """What the store answers to every request."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, Answers]]:
    answers = Answers()

    class Handler(QuietHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def handle_expect_100(self) -> bool:
            is_wanted = super().handle_expect_100()
            self.wfile.flush()
            return is_wanted

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(answers.status)
            for name, value in answers.headers.items():
                self.send_header(name, value)
            has_none = self.command == "HEAD" or answers.status in (204, 304)
            self.send_header("Content-Length", str(len(answers.body)))
            self.end_headers()
            self.wfile.write(b"" if has_none else answers.body)
            self.wfile.flush()

        do_HEAD = do_PUT = do_POST = do_DELETE = do_GET

    with serving(Handler) as port, pytest.MonkeyPatch.context() as patch:
        patch.setattr(standard.ExponentialBackoff, "delay_amount", lambda *_: 0.0)
        yield f"http://127.0.0.1:{port}", answers


@pytest.fixture(scope="module")
def store(served: tuple[str, Answers]) -> Iterator[S3Store]:
    retries = Retries(lambda _: None, iter(range(0, 10**9, 60)).__next__)
    made = s3.connect(S3Destination(endpoint=served[0], bucket="videos"), None, retries=retries)
    yield made
    made.close()


@pytest.fixture(scope="module")
def reader(served: tuple[str, Answers]) -> Reader:
    wish = S3Source(endpoint=served[0], bucket="videos", key="in/a")
    return Reader(ranges.connect(wish, None, Route(), 5), wish, Throttle(None))


CALLS: dict[str, Callable[[S3Store], object]] = {
    "read": lambda store: store.read("in/a"),
    "head": lambda store: store.head("in/a"),
    "write": lambda store: store.write("in/a", b"{}", {}),
    "write_if": lambda store: store.write_if("in/a", b"{}", None),
    "write over one": lambda store: store.write("in/a", b"{}", {}, replace=FACTS),
    "delete": lambda store: store.delete("in/a"),
    "delete one": lambda store: store.delete("in/a", FACTS),
    "delete a version": lambda store: store.delete_if("in/a", '"seen"'),
    "keys": lambda store: [*store.keys("in/")],
    "begin": lambda store: store.begin("in/a", "video/mp4", {}),
    "probe": lambda store: store.probe("in/a", ("in/b", b"{}")),
    "is_ready": lambda store: store.is_ready(TICKET),
    "finish": lambda store: store.finish(TICKET, MARKS, replace=False),
    "is_there": lambda store: store.is_there(TICKET, MARKS),
    "own": lambda store: store.own(TICKET, MARKS),
    "sha256_of": lambda store: store.sha256_of("in/a", 1),
    "abort": lambda store: store.abort("in/a", "u"),
    "unfinished": lambda store: ours(store.unfinished("in/a") or (), NOTE, "in/a", ()),
}
FACTS = Facts(2, None, {}, "e")
NOTE = Note(uid="uid", since=datetime(2026, 1, 1, tzinfo=UTC), uploads={"in/a": ()})


@pytest.mark.parametrize("headers", HEADERS)
@pytest.mark.parametrize("body", BODIES)
def test_a_destination_fails_with_a_reason(
    served: tuple[str, Answers], store: S3Store, body: str, headers: str
) -> None:
    answers = served[1]
    answers.body, answers.headers = BODIES[body], HEADERS[headers]
    for answers.status in STATUSES:
        for call in CALLS.values():
            with contextlib.suppress(ImportFailure, UnmetError):
                call(store)


def listed(reader: Reader) -> Any:
    try:
        return reader._client.list_objects_v2(Bucket="videos", EncodingType="url")
    except store_failures.ERRORS as error:
        raise store_failures.failure(error, reader._wish) from None


@pytest.mark.parametrize("headers", HEADERS)
@pytest.mark.parametrize("body", BODIES)
def test_a_source_fails_with_a_reason(served: tuple[str, Answers], reader: Reader, body: str, headers: str) -> None:
    answers = served[1]
    answers.body, answers.headers = BODIES[body], HEADERS[headers]
    for answers.status in STATUSES:
        for call in (lambda: reader.read(reader.look(), 0, 0), lambda: listed(reader)):
            with contextlib.suppress(ImportFailure):
                call()


@pytest.mark.parametrize("body", ["a page", "a page of XML", "XML of something else", "entries whose dates are none"])
def test_an_endpoint_that_does_not_speak_s3_is_named(served: tuple[str, Answers], store: S3Store, body: str) -> None:
    answers = served[1]
    answers.status, answers.body, answers.headers = 200, BODIES[body], {}
    with pytest.raises(ImportFailure, match="sent an invalid S3 response") as caught:
        [*store.keys("in/")]
    assert caught.value.reason is Reason.DESTINATION_UNAVAILABLE
    assert "destination.s3.endpoint" in caught.value.text
