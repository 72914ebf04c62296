"""A store that will not complete an upload, whatever is tried: the file is sent anew, by this run or the next."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.worker.destinations import FOLDER, Killed, bring, place_at, task_for
from support.worker.mutated_bucket import MutatedBucket
from support.worker.mutated_store import Answer, MutatedStore, Plan, Request, error
from support.worker.object_store import Bucket
from videoimport.api.reasons import Reason
from videoimport.api.tasks.import_report import Report
from videoimport.worker.pipeline import destination as preflight
from videoimport.worker.pipeline import earlier_run
from videoimport.worker.runtime.errors import DestinationFault, ImportFailure, Remedy
from videoimport.worker.storage.s3 import completion as s3_completion

FOR_GOOD = [
    (400, "InvalidRequest"), (400, "InvalidPart"), (400, "EntityTooSmall"), (400, "MalformedXML"),
    (403, "AccessDenied"), (404, "NoSuchUpload"),
]  # fmt: skip


@dataclass
class Imports:
    """Runs of one import, whose completions a store may refuse."""

    bucket: Bucket
    mutated: MutatedStore
    files: Mapping[str, Path]
    if_exists: str = "Fail"

    def run(self, number: int, uid: str = "new") -> Report:
        way = MutatedBucket(self.bucket, self.mutated)
        store = way.store()
        place = place_at(store, task_for(way, uid, number, destination={"ifExists": self.if_exists}))
        try:
            done = earlier_run.done_before(place)
            if done is None:
                preflight.writable(place)
                done = bring(place, self.files)
            return done
        finally:
            store.close()

    def killed_when_all_is_sent(self) -> None:
        """The first run, up to the first completion."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(s3_completion, "complete", _killed)
            with pytest.raises(Killed):
                self.run(1)

    @property
    def seen(self) -> Mapping[str, int]:
        return self.mutated.plan.seen

    def assert_whole(self) -> None:
        assert self.bucket.shown == sorted(f"{FOLDER}/{name}" for name in (*self.files, "result.json"))
        assert [self.bucket.read(f"{FOLDER}/{name}") for name in self.files] == [
            path.read_bytes() for path in self.files.values()
        ]
        assert self.bucket.unfinished == []


def _killed(*_: Any, **__: Any) -> None:
    raise Killed


@pytest.fixture(params=["Fail", "Replace"])
def imports(request: pytest.FixtureRequest, bucket: Bucket, mutated: MutatedStore, tmp_path: Path) -> Imports:
    """Where something has to be replaced, and where not."""
    mutated.plan = Plan()
    files = {name: tmp_path / str(number) for number, name in enumerate(("video.mp4", "audio.m4a"))}
    for name, path in files.items():
        path.write_bytes(name.encode() * 100)
    made = Imports(bucket, mutated, files, request.param)
    if request.param == "Replace":
        made.run(1, "old")
    mutated.plan = Plan()
    return made


class Refusal:
    """Refuses to complete the first ``knows`` uploads that it meets, each time; every other one it completes."""

    def __init__(self, status: int, code: str, *, knows: int) -> None:
        self.answer, self.knows = error(status, code), knows
        self.uploads: list[str] = []

    def __call__(self, request: Request) -> Answer | None:
        if request.operation != "CompleteMultipartUpload" or "/.videoimport/" in f"/{request.key}":
            return None
        if request.upload not in self.uploads:
            self.uploads.append(request.upload)
        return self.answer if request.upload in self.uploads[: self.knows] else None


@pytest.mark.full(
    but=["Fail-400-InvalidRequest", "Fail-404-NoSuchUpload", "Replace-400-InvalidPart", "Replace-403-AccessDenied"]
)
@pytest.mark.parametrize(("status", "code"), FOR_GOOD)
def test_what_a_killed_run_sent_is_sent_anew(imports: Imports, status: int, code: str) -> None:
    imports.killed_when_all_is_sent()
    imports.mutated.plan.refuses = Refusal(status, code, knows=1)
    assert imports.run(2).run == 2
    imports.assert_whole()


@pytest.mark.full(
    but=["Fail-400-InvalidPart", "Fail-403-AccessDenied", "Replace-400-EntityTooSmall", "Replace-404-NoSuchUpload"]
)
@pytest.mark.parametrize(("status", "code"), FOR_GOOD)
def test_what_this_run_sent_is_sent_again(imports: Imports, status: int, code: str) -> None:
    imports.mutated.plan.refuses = Refusal(status, code, knows=1)
    assert imports.run(1).run == 1
    imports.assert_whole()
    assert imports.seen["UploadPart"] == 4, "the note's of the probe, both files, and one of them again"


@pytest.mark.parametrize(("status", "code"), [(404, "NoSuchKey"), (412, "PreconditionFailed")])
def test_a_condition_that_is_never_met_is_done_without(imports: Imports, status: int, code: str) -> None:
    """Some stores keep ``If-None-Match: *`` where an object is, and refuse it where none is or one was deleted."""

    def refuse(request: Request) -> Answer | None:
        is_there = request.key in imports.bucket.keys
        return error(status, code) if "if-none-match" in request.headers and not is_there else None

    imports.mutated.plan.refuses = refuse
    report = imports.run(1)
    assert report.unguarded is (imports.if_exists == "Fail"), "it looks before it completes, and says so"
    imports.assert_whole()
    with pytest.raises(ImportFailure) as caught:
        Imports(imports.bucket, imports.mutated, imports.files).run(1, "other")
    assert caught.value.reason is Reason.DESTINATION_EXISTS


@pytest.mark.parametrize(("status", "code"), [(400, "InvalidRequest"), (403, "AccessDenied")])
def test_a_store_that_completes_nothing_is_not_tried_forever(imports: Imports, status: int, code: str) -> None:
    imports.mutated.plan.refuses = Refusal(status, code, knows=1000)
    with pytest.raises(DestinationFault, match=code) as caught:
        imports.run(1)
    assert caught.value.remedy is Remedy.RESEND
    tried = 2 if imports.if_exists == "Replace" else 1  # with If-Match too, where objects may be replaced
    assert imports.seen["CompleteMultipartUpload"] == tried + 3, "the note's of the probe, and one file three times"
    assert imports.bucket.unfinished == []


def test_where_the_right_to_write_is_gone_nothing_is_given_up(imports: Imports) -> None:
    """Then another upload is denied too, and what was sent stays for the time when it is given back."""
    imports.killed_when_all_is_sent()
    sent = imports.bucket.unfinished

    def denied(request: Request) -> Answer | None:
        is_write = request.operation in ("CompleteMultipartUpload", "CreateMultipartUpload")
        return error(403, "AccessDenied") if is_write else None

    imports.mutated.plan.refuses = denied
    with pytest.raises(DestinationFault, match="AccessDenied") as caught:
        imports.run(2)
    assert caught.value.remedy is Remedy.NONE
    assert imports.if_exists == "Fail" or imports.bucket.unfinished == sent
    imports.mutated.plan.refuses = lambda _: None
    imports.run(3)
    imports.assert_whole()


def test_a_ticket_tells_the_checksums_that_the_store_does_not_list(imports: Imports) -> None:
    """Some stores complete an upload only with the SHA-256 of each part, and ListParts does not tell it."""
    imports.killed_when_all_is_sent()

    def is_bare(request: Request) -> Answer | None:
        if request.operation != "CompleteMultipartUpload" or b"ChecksumSHA256" in request.body:
            return None
        return error(400, "InvalidRequest")

    imports.mutated.plan.refuses = is_bare
    imports.mutated.plan.lists_sums = False
    sent = imports.seen["UploadPart"]
    imports.run(2)
    imports.assert_whole()
    assert imports.seen["UploadPart"] == sent, "bytes were moved again"
