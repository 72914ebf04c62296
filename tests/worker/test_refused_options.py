"""Options of ``destination.s3`` that a store refuses or drops end an import before a byte is fetched, and are named."""

from collections.abc import Callable
from typing import Any

import pytest

from support.worker.destinations import place_at, task_for
from support.worker.mutated_bucket import MutatedBucket
from support.worker.mutated_store import Answer, MutatedStore, Plan, Request, error
from support.worker.object_store import Bucket
from videoimport.api.reasons import Reason
from videoimport.worker.pipeline import destination as preflight
from videoimport.worker.runtime.errors import ImportFailure

Refuses = Callable[[Request], Answer | None]
HEADERS = {
    "serverSideEncryption": "x-amz-server-side-encryption",
    "storageClass": "x-amz-storage-class",
    "tags": "x-amz-tagging",
    "cacheControl": "cache-control",
}
VALUES: dict[str, Any] = {
    "serverSideEncryption": "AES256",
    "storageClass": "STANDARD_IA",
    "tags": {"team": "A + B", "é": "ü"},
    "cacheControl": "no-cache",
}
NO_TAGS = Answer(200, [("Content-Type", "application/xml")], b"<Tagging><TagSet></TagSet></Tagging>")


@pytest.fixture
def checked(bucket: Bucket, mutated: MutatedStore) -> Callable[..., None]:
    """The preflight with some options, against a store that refuses some requests."""
    mutated.plan = Plan()

    def check(*names: str, refuses: Refuses = lambda _: None) -> None:
        mutated.plan.refuses = refuses
        way = MutatedBucket(bucket, mutated)
        way.destination["s3"].update({name: VALUES[name] for name in names})
        store = way.store()
        try:
            preflight.writable(place_at(store, task_for(way)))
        finally:
            store.close()
        assert bucket.keys == []
        assert bucket.unfinished == []

    return check


def puts_with(name: str, status: int, code: str) -> Refuses:
    """Refuses PutObject with an option, and nothing else."""

    def refuses(request: Request) -> Answer | None:
        is_refused = request.operation == "PutObject" and HEADERS[name] in request.headers
        return error(status, code) if is_refused else None

    return refuses


def reads_of_tags(answer: Answer) -> Refuses:
    return lambda request: answer if request.method == "GET" and request.path.endswith("?tagging") else None


ANSWERS = [(501, "NotImplemented"), (500, "InternalError"), (400, "InvalidRequest"), (400, "InvalidArgument")]


@pytest.mark.parametrize(("status", "code"), ANSWERS)
@pytest.mark.parametrize("name", HEADERS)
def test_the_option_that_is_refused_is_named(
    checked: Callable[..., None], bucket: Bucket, name: str, status: int, code: str
) -> None:
    """Alone and among others, whatever the store's words are."""
    for names in ([name], [*HEADERS]):
        with pytest.raises(ImportFailure) as caught:
            checked(*names, refuses=puts_with(name, status, code))
        failure = caught.value
        assert failure.reason is Reason.INVALID_SPEC
        assert f"with spec.destination.s3.{name}, but accepts it without: {code} (HTTP {status})" in failure.message
        assert f"spec.destination.s3.{name}," in failure.advice
        assert bucket.keys == []


def test_options_that_are_refused_only_together_are_all_named(checked: Callable[..., None]) -> None:
    def refuses(request: Request) -> Answer | None:
        is_refused = {HEADERS["tags"], HEADERS["storageClass"]} <= request.headers.keys()
        return error(400, "InvalidArgument") if is_refused and request.operation == "PutObject" else None

    with pytest.raises(ImportFailure, match=r"s3\.storageClass, spec\.destination\.s3\.tags"):
        checked("tags", "storageClass", refuses=refuses)


def test_a_code_that_names_the_option_needs_no_other_request(
    checked: Callable[..., None], mutated: MutatedStore
) -> None:
    with pytest.raises(ImportFailure, match="InvalidStorageClass") as caught:
        checked("storageClass", "tags", refuses=puts_with("storageClass", 400, "InvalidStorageClass"))
    assert (caught.value.reason, "destination.s3.storageClass" in caught.value.advice) == (Reason.INVALID_SPEC, True)
    assert mutated.plan.seen["PutObject"] == 1


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (500, "InternalError", Reason.DESTINATION_UNAVAILABLE),
        (503, "SlowDown", Reason.DESTINATION_UNAVAILABLE),
        (403, "AccessDenied", Reason.DESTINATION_DENIED),
        (404, "NoSuchBucket", Reason.DESTINATION_NOT_FOUND),
    ],
)
def test_a_store_that_takes_no_object_at_all_is_no_matter_of_options(
    checked: Callable[..., None], status: int, code: str, reason: Reason
) -> None:
    with pytest.raises(ImportFailure) as caught:
        checked(*HEADERS, refuses=lambda request: error(status, code) if request.method == "PUT" else None)
    assert caught.value.reason is reason


def test_without_options_nothing_more_is_asked(checked: Callable[..., None], mutated: MutatedStore) -> None:
    checked()
    assert not [line for line in mutated.plan.log if "/probes/" in line]
    mutated.plan = Plan()
    checked(*HEADERS)
    asked = [line.split()[0] for line in mutated.plan.log if "/probes/" in line]
    assert asked == ["PutObject", "GetObject", "DeleteObject"], "the second reads the tags"


@pytest.mark.parametrize(
    "answer", [NO_TAGS, error(501, "NotImplemented"), error(500, "InternalError"), error(404, "NoSuchTagSet")]
)
def test_tags_that_are_dropped_are_named(checked: Callable[..., None], bucket: Bucket, answer: Answer) -> None:
    with pytest.raises(ImportFailure, match=r"does not keep its tags") as caught:
        checked("tags", refuses=reads_of_tags(answer))
    assert (caught.value.reason, "destination.s3.tags" in caught.value.message) == (Reason.INVALID_SPEC, True)
    assert bucket.keys == []


def test_keys_that_may_not_read_tags_are_enough(checked: Callable[..., None]) -> None:
    checked("tags", refuses=reads_of_tags(error(403, "AccessDenied")))


def test_a_store_that_is_away_drops_no_tags(checked: Callable[..., None]) -> None:
    """It answers nothing else either."""

    def refuses(request: Request) -> Answer | None:
        return error(503, "ServiceUnavailable") if request.method in ("GET", "HEAD") else None

    with pytest.raises(ImportFailure) as caught:
        checked("tags", refuses=refuses)
    assert caught.value.reason is Reason.DESTINATION_UNAVAILABLE
