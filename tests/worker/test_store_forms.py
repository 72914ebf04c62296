"""Stores that tell what they know in other forms, or can do less: the same results, verified by what is left."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import pytest

from support.worker.destinations import FOLDER, BucketHarness, Killed, bring, place_at, task_for
from support.worker.object_store import Bucket, ObjectStore
from support.worker.shaped_store import CONDITIONS, Call, Shape, ShapedStore
from videoimport.api.reasons import Reason
from videoimport.worker.pipeline import destination as preflight
from videoimport.worker.pipeline import earlier_run
from videoimport.worker.pipeline.destination import Place
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.storage import video_index as index
from videoimport.worker.storage.base import UnmetError

ENTRY = "in/.videoimport/index/content/v.json"
RECORD = "in/.videoimport/imports/new.json"
VIDEO = f"{FOLDER}/video.mp4"
REPLACE = {"destination": {"ifExists": "Replace"}}


def headers(change: Callable[[str, str], tuple[str, str] | None], *names: str) -> Callable[[ShapedStore, Call], None]:
    """Change headers of the answers to some operations; without names, of all."""

    def answer(store: ShapedStore, call: Call) -> None:
        if not names or call.name in names:
            call.rename(change)

    return answer


def title_case(name: str, value: str) -> tuple[str, str]:
    return ("X-Amz-Meta-" + name[11:].title(), value) if name.lower().startswith("x-amz-meta-") else (name, value)


def underscored(name: str, value: str) -> tuple[str, str]:
    return (name[:11] + name[11:].replace("-", "_"), value) if name.lower().startswith("x-amz-meta-") else (name, value)


def without_metadata(name: str, value: str) -> tuple[str, str] | None:
    return None if name.lower().startswith("x-amz-meta-") else (name, value)


def cut_metadata(name: str, value: str) -> tuple[str, str]:
    return (name, value[:2]) if name.lower().startswith("x-amz-meta-") else (name, value)


def without_checksums(name: str, value: str) -> tuple[str, str] | None:
    return None if name.lower().startswith("x-amz-checksum-") else (name, value)


def without_etag(name: str, value: str) -> tuple[str, str] | None:
    return None if name.lower() == "etag" else (name, value)


def checksum(value: Callable[[str], str]) -> Callable[[str, str], tuple[str, str]]:
    return lambda name, told: (name, value(told) if name.lower() == "x-amz-checksum-sha256" else told)


def whole_checksum(store: ShapedStore, call: Call) -> None:
    if call.name == "Head" and call.status == 200:
        call.rename(checksum(lambda _: store.sha256_of(call.path)))


def refusing(header: str, status: int, code: str, *names: str) -> Callable[[Call], None]:
    def request(call: Call) -> None:
        if any(name.startswith(header) for name in call.headers) and (not names or call.name in names):
            call.refuse(status, code)

    return request


def refusing_calls(status: int, code: str, *names: str) -> Callable[[Call], None]:
    return lambda call: call.refuse(status, code) if call.name in names else None


def without_conditions(call: Call) -> None:
    for name in CONDITIONS:
        call.headers.pop(name, None)


def never_met(call: Call) -> None:
    """A server that compares ETags in a form that it never tells."""
    if "if-match" in call.headers:
        call.refuse(412, "PreconditionFailed")


def without_integrity(call: Call) -> None:
    """As S3 where objects are locked by default."""
    is_sure = any(name == "content-md5" or name.startswith("x-amz-checksum-") for name in call.headers)
    if call.name in ("Put", "Part") and not is_sure:
        call.refuse(400, "InvalidRequest")


def both(*those: Callable[..., None]) -> Callable[..., None]:
    def every(*args: Any) -> None:
        for one in those:
            one(*args)

    return every


def opaque(etag: str) -> str:
    return f'"v.{etag.strip(chr(34))[::-1][:20].replace("-", "x")}"'


@dataclass(frozen=True)
class Case:
    """What a server is like, and what an import to it says."""

    shape: Shape
    verified: str = "SHA256"
    unguarded: bool = False
    marked: bool = True
    finishes: bool = True
    """Whether a run finishes what an earlier one sent."""


NO_SUMS = headers(without_checksums)
CASES = [
    Case(Shape("as it is")),
    Case(Shape("header case", answer=headers(title_case))),
    Case(Shape("underscores", answer=headers(underscored))),
    Case(Shape("no suffix", answer=headers(checksum(lambda told: told.partition("-")[0]), "Head"))),
    Case(Shape("whole object", answer=whole_checksum)),
    Case(Shape("nonsense", answer=headers(checksum(lambda _: "none"), "Head")), "ReadBack"),
    Case(Shape("another hash", answer=headers(checksum(lambda _: "A" * 43 + "="), "Head")), "ReadBack"),
    Case(Shape("not at HEAD", answer=headers(without_checksums, "Head")), "ReadBack"),
    Case(Shape("not at parts", answer=headers(without_checksums, "Part")), "MD5"),
    Case(Shape("no checksums", answer=NO_SUMS), "MD5"),
    Case(Shape("Create refuses", refusing("x-amz-checksum-algorithm", 501, "NotImplemented", "Create")), "MD5"),
    Case(Shape("Part refuses", refusing("x-amz-checksum-sha256", 400, "InvalidArgument", "Part")), "MD5"),
    Case(Shape("HEAD refuses 400", refusing("x-amz-checksum-mode", 400, "InvalidRequest")), "MD5"),
    Case(Shape("HEAD refuses 501", refusing("x-amz-checksum-mode", 501, "NotImplemented")), "MD5"),
    Case(Shape("weak ETags", answer=NO_SUMS, etag=lambda etag: f"W/{etag}"), "MD5"),
    Case(Shape("bare ETags", answer=NO_SUMS, etag=lambda etag: etag.strip('"')), "MD5"),
    Case(Shape("opaque ETags", answer=NO_SUMS, etag=opaque), "ReadBack"),
    Case(Shape("no ETags", answer=both(NO_SUMS, headers(without_etag, "Head", "Get"))), "ReadBack"),
    Case(Shape("no conditions", without_conditions), unguarded=True),
    Case(Shape("501 to conditions", refusing("if-", 501, "NotImplemented")), unguarded=True),
    Case(Shape("400 to conditions", refusing("if-", 400, "InvalidArgument")), unguarded=True),
    Case(Shape("501 at Complete", refusing("if-", 501, "NotImplemented", "Complete")), unguarded=True),
    Case(Shape("If-Match never met", never_met)),
    Case(Shape("Object Lock", without_integrity)),
    Case(Shape("no lists", refusing_calls(501, "NotImplemented", "Parts", "Uploads")), finishes=False),
    Case(Shape("no metadata", answer=headers(without_metadata)), marked=False),
    Case(Shape("cut metadata", answer=headers(cut_metadata)), marked=False),
    Case(
        Shape("a gateway", without_conditions, both(NO_SUMS, headers(without_metadata)), opaque),
        "ReadBack", unguarded=True, marked=False,
    ),
]  # fmt: skip


def named(case: Case) -> str:
    return case.shape.name


UNLIKE = ("as it is", "header case", "opaque ETags", "no conditions", "501 to conditions", "no lists", "no metadata",
          "cut metadata", "a gateway")  # fmt: skip
IN_SOME = pytest.mark.parametrize("case", [case for case in CASES if named(case) in UNLIKE], ids=named, indirect=True)


@pytest.fixture(params=CASES, ids=named)
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


@pytest.fixture(scope="module")
def proxies(store: ObjectStore) -> Iterator[Callable[[Shape], ShapedStore]]:
    """One for each shape: a client for another endpoint takes longer than a test."""
    with ExitStack() as stack:
        yield cache(lambda shape: stack.enter_context(ShapedStore(store.endpoint, shape)))


@pytest.fixture
def shaped(case: Case, proxies: Callable[[Shape], ShapedStore]) -> ShapedStore:
    found = proxies(case.shape)
    found.calls.clear()
    return found


@pytest.fixture
def home(shaped: ShapedStore, bucket: Bucket) -> BucketHarness:
    return BucketHarness.through(shaped.endpoint, bucket)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    made = {"video.mp4": os.urandom(100_003), "audio.m4a": b"audio", "thumbnails/001.jpg": b""}
    for number, content in enumerate(made.values()):
        (tmp_path / f"{number}").write_bytes(content)
    return {name: tmp_path / f"{number}" for number, name in enumerate(made)}


@pytest.fixture
def start(home: BucketHarness) -> Iterator[Callable[..., Place]]:
    made: list[Place] = []

    def begin(uid: str = "new", run: int = 1, *, probe: bool = True, **more: Any) -> Place:
        made.append(place_at(home.store(), task_for(home, uid, run, **more)))
        if probe:
            preflight.writable(made[-1])
            made[-1].store.head(VIDEO)  # as an import does before it uploads
        return made[-1]

    yield begin
    for place in made:
        place.store.close()


def visible(home: BucketHarness) -> list[str]:
    return [key.removeprefix(f"{FOLDER}/") for key in home.bucket.shown]


def is_right(home: BucketHarness, files: dict[str, Path]) -> bool:
    return visible(home) == sorted([*files, "result.json"]) and all(
        home.read(f"{FOLDER}/{name}") == path.read_bytes() for name, path in files.items()
    )


@pytest.mark.full(but=UNLIKE)
def test_the_probe_is_short_and_leaves_nothing(
    case: Case, start: Callable[..., Place], home: BucketHarness, shaped: ShapedStore
) -> None:
    start()
    asked = [name for name in shaped.calls if name in ("Create", "Part", "Complete", "Abort")]
    most = 6 + {"Part refuses": 3, "Create refuses": 1}.get(case.shape.name, 0)
    assert len(asked) <= most, asked
    assert home.keys == []
    assert home.unfinished == []


@pytest.mark.full(but=[*UNLIKE, "another hash", "not at HEAD", "no checksums", "501 at Complete"])
def test_new_again_duplicate_and_taken(
    case: Case, start: Callable[..., Place], home: BucketHarness, files: dict[str, Path], shaped: ShapedStore
) -> None:
    files["video.mp4"].write_bytes(os.urandom(8 * 2**20 + 5))  # two parts
    place = start()
    report = bring(place, files, (ENTRY,))
    assert is_right(home, files)
    assert report.outputs is not None
    assert report.outputs.video is not None
    assert (report.outputs.video.verified, report.unguarded) == (case.verified, case.unguarded)
    record = home.bucket.json(RECORD)
    assert {one["verified"] for one in record["objects"]} <= {case.verified, "MD5", "ReadBack"}
    assert {one.get("marked", True) for one in record["objects"]} == {case.marked}
    assert home.unfinished == []

    shaped.calls.clear()
    assert earlier_run.done_before(start(run=2, probe=False)) == report
    assert not {"Part", "Complete", "Create"} & set(shaped.calls), "nothing is moved"
    assert index.look(place.scope, ENTRY) is not None

    with pytest.raises(ImportFailure) as caught:
        bring(start("other"), files)
    assert caught.value.reason is Reason.DESTINATION_EXISTS
    assert is_right(home, files)
    assert home.unfinished == []


def test_a_checksum_that_is_told_no_more_is_no_mismatch(
    bucket: Bucket, files: dict[str, Path], proxies: Callable[[Shape], ShapedStore]
) -> None:
    """As after an upgrade of the store, or of a gateway before it: nothing is imported again."""
    direct = BucketHarness(bucket)
    first = place_at(direct.store(), task_for(direct))
    report = bring(first, files)
    changed = BucketHarness.through(
        proxies(Shape("not at HEAD", answer=headers(without_checksums, "Head"))).endpoint, bucket
    )
    again = place_at(changed.store(), task_for(direct, run=2))
    assert earlier_run.done_before(again) == report
    bucket.put(VIDEO, bytes(bucket.head(VIDEO)["ContentLength"]), Metadata=bucket.metadata(VIDEO))
    assert earlier_run.done_before(again) is None, "other bytes under the same marks"
    for place in (first, again):
        place.store.close()


@pytest.mark.full(but=UNLIKE)
def test_replace_by_another_and_anew_by_the_same(
    start: Callable[..., Place], home: BucketHarness, files: dict[str, Path]
) -> None:
    bring(start(), files)
    changed = start(run=2, output={"video": {"crf": 30}})
    assert earlier_run.done_before(changed) is None
    fewer = {name: files[name] for name in ("video.mp4", "audio.m4a")}
    bring(changed, fewer)
    assert is_right(home, fewer)
    last = {"video.mp4": files["audio.m4a"]}
    bring(start("other", **REPLACE), last)
    assert visible(home) == sorted([*last, "result.json"])
    assert home.read(VIDEO) == b"audio"


@IN_SOME
def test_a_file_of_nobody_is_in_the_way(
    start: Callable[..., Place], home: BucketHarness, bucket: Bucket, files: dict[str, Path]
) -> None:
    bucket.put(VIDEO, files["video.mp4"].read_bytes())
    with pytest.raises(ImportFailure) as caught:
        bring(start(), files)
    assert caught.value.reason is Reason.DESTINATION_EXISTS
    assert visible(home) == ["video.mp4"]


@IN_SOME
def test_what_appears_at_the_last_moment_stays(
    start: Callable[..., Place], home: BucketHarness, bucket: Bucket, files: dict[str, Path]
) -> None:
    place = start()
    seen = place.store.head

    def head(key: str) -> object:
        found = seen(key)
        if key.endswith("result.json"):
            bucket.put(VIDEO, b"theirs")
        return found

    place.store.head = head  # type: ignore[method-assign, assignment]
    with pytest.raises(ImportFailure) as caught:
        bring(place, files)
    assert caught.value.reason is Reason.DESTINATION_EXISTS
    assert visible(home) == ["video.mp4"]
    assert home.read(VIDEO) == b"theirs"
    assert home.unfinished == []


UNGUARDED = [case for case in CASES if case.unguarded]


@pytest.mark.parametrize("case", UNGUARDED, ids=named, indirect=True)
def test_an_import_that_is_overwritten_before_its_end_did_not_import(
    start: Callable[..., Place], home: BucketHarness, bucket: Bucket, files: dict[str, Path]
) -> None:
    place = start()
    real = place.store.write

    def write(key: str, *more: Any, **options: Any) -> None:
        if key.endswith("result.json"):
            bucket.put(VIDEO, b"theirs", Metadata={"videoimport-uid": "other"})
        real(key, *more, **options)

    place.store.write = write  # type: ignore[method-assign]
    with pytest.raises(ImportFailure) as caught:
        bring(place, files)
    assert caught.value.reason is Reason.DESTINATION_EXISTS
    assert visible(home) == ["video.mp4"]
    assert home.read(VIDEO) == b"theirs"
    assert home.unfinished == []


@IN_SOME
def test_a_harmed_object_is_found_out_and_nothing_stays(
    start: Callable[..., Place], home: BucketHarness, bucket: Bucket, files: dict[str, Path]
) -> None:
    """As many other bytes, under the same metadata: as by a store that mixes up its parts, and answers with the ETag of
    what it keeps."""
    place = start()
    real = place.store.client.complete_multipart_upload  # type: ignore[attr-defined]

    def complete(**options: Any) -> Any:
        answer = real(**options)
        if options["Key"] == VIDEO:
            head = bucket.head(VIDEO)
            bucket.put(VIDEO, bytes(head["ContentLength"]), Metadata=head["Metadata"])
            answer["ETag"] = (place.store.head(VIDEO) or fail()).etag
        return answer

    shadowed(place, complete)
    with pytest.raises(ImportFailure) as caught:
        bring(place, files)
    assert caught.value.reason is Reason.DESTINATION_CORRUPT
    assert visible(home) == []
    assert home.unfinished == []


def fail() -> NoReturn:
    raise AssertionError("nothing is there")


def shadowed(place: Place, complete: Callable[..., Any]) -> None:
    """The client is shared by all tests at one endpoint."""
    real: Any = place.store.client  # type: ignore[attr-defined]

    class Client:
        complete_multipart_upload = staticmethod(complete)

        def __getattr__(self, name: str) -> Any:
            return getattr(real, name)

    place.store.client = Client()  # type: ignore[attr-defined]


@pytest.mark.full(but=["True-*", "False-as it is", "False-a gateway"])
@IN_SOME
@pytest.mark.parametrize("after", [True, False])
def test_killed_at_the_video_the_next_run_ends_with_one_whole_result(
    case: Case,
    start: Callable[..., Place],
    home: BucketHarness,
    files: dict[str, Path],
    shaped: ShapedStore,
    after: bool,
) -> None:
    place = start()
    real = place.store.client.complete_multipart_upload  # type: ignore[attr-defined]

    def complete(**options: Any) -> Any:
        if options["Key"] != VIDEO:
            return real(**options)
        if after:
            real(**options)
        raise Killed

    shadowed(place, complete)
    with pytest.raises(Killed):
        bring(place, files, (ENTRY,))
    shaped.calls.clear()
    again = start(run=2, probe=False)
    report = earlier_run.done_before(again)
    if after or case.finishes:
        assert report is not None
        assert report.outputs is not None
        assert report.outputs.video is not None
        assert report.outputs.video.verified == case.verified
        assert "Part" not in shaped.calls, "bytes were moved again"
    else:
        assert report is None
        preflight.writable(again)
        bring(again, files, (ENTRY,))
    assert is_right(home, files)
    assert home.unfinished == [] or not case.finishes


@IN_SOME
def test_a_lost_answer_to_complete_is_no_failure(
    start: Callable[..., Place], home: BucketHarness, files: dict[str, Path]
) -> None:
    place = start()
    real = place.store.client.complete_multipart_upload  # type: ignore[attr-defined]

    def complete(**options: Any) -> Any:
        real(**options)
        raise ConnectionError

    shadowed(place, complete)
    bring(place, files)
    assert is_right(home, files)


@pytest.mark.full(but=UNLIKE)
def test_the_index_goes_from_claim_to_claim(start: Callable[..., Place]) -> None:
    place = start()
    claim = index.claim(place.scope, ENTRY, "new", place.now, lambda _: pytest.fail("somebody else's"))
    assert isinstance(claim, index.Claim)
    claim.renew()
    claim.renew()
    claim.release()
    again = index.claim(place.scope, ENTRY, "other", place.now, lambda _: None)
    assert isinstance(again, index.Claim)
    again.renew()


@IN_SOME
def test_an_entry_of_another_is_not_overwritten_where_conditions_hold(case: Case, start: Callable[..., Place]) -> None:
    place = start()
    place.store.write_if(ENTRY, b"one", None)
    is_kept = case.shape.request in (CASES[0].shape.request, never_met) and not case.unguarded
    if not is_kept:
        return
    with pytest.raises(UnmetError):
        place.store.write_if(ENTRY, b"two", None)
