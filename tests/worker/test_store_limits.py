"""What a store does at times must not pass for what it is: conditions, and lists that are cut short."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from botocore.exceptions import IncompleteReadError, PaginationError, ReadTimeoutError

from support.worker.destinations import FOLDER, BucketHarness, bring, place_at, task_for
from support.worker.object_store import Bucket
from support.worker.shaped_store import Call, Shape, ShapedStore
from videoimport.api.reasons import Reason
from videoimport.worker.pipeline import destination as preflight
from videoimport.worker.runtime.errors import DestinationFault, ImportFailure, Remedy
from videoimport.worker.storage.base import UnmetError
from videoimport.worker.storage.s3.errors import no_answer

NOTE = "in/.videoimport/index/note.json"
VIDEO = f"{FOLDER}/video.mp4"
_TOKEN = re.compile(rb"<NextContinuationToken>.*?</NextContinuationToken>")


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    path = tmp_path / "video"
    path.write_bytes(os.urandom(100_003))
    return {"video.mp4": path}


class TestConditions:
    def test_a_refusal_that_has_another_cause_says_nothing_of_them(
        self, via: Callable[[Shape], BucketHarness], files: dict[str, Path]
    ) -> None:
        """The store refuses the upload with the condition and without: it may know conditions all the same."""
        conditions: list[str | None] = []

        def refuse(call: Call) -> None:
            if call.name == "Complete" and VIDEO in call.path:
                conditions.append(call.headers.get("if-none-match"))
                if len(conditions) <= 2:
                    call.refuse(*[(400, "InvalidRequest"), (507, "StorageFull")][len(conditions) - 1])

        home = via(Shape("refuses", refuse))
        place = place_at(home.store(), task_for(home))
        with pytest.raises(ImportFailure, match="StorageFull"):
            bring(place, files)
        assert conditions == ["*", None]
        report = bring(place, files)
        assert conditions[2:] == ["*"]
        assert not report.unguarded
        place.store.close()

    @pytest.mark.parametrize("unmet", [1, 2])
    def test_an_object_that_came_and_went_does_not_end_them(
        self, via: Callable[[Shape], BucketHarness], unmet: int
    ) -> None:
        """The condition is unmet, and nothing stands there any more when the worker looks. Only a store that says so
        twice compares in a way of its own."""
        conditions: list[str | None] = []

        def refuse(call: Call) -> None:
            if call.name == "Put" and NOTE in call.path:
                conditions.append(call.headers.get("if-none-match"))
                if len(conditions) <= unmet:
                    call.refuse(412, "PreconditionFailed")

        home = via(Shape("in between", refuse))
        store = home.store()
        store.write_if(NOTE, b"mine", None)
        assert conditions == ["*", "*", None][: unmet + 1]
        assert home.read(NOTE) == b"mine"
        store.delete(NOTE)
        store.write_if(NOTE, b"mine", None)
        assert conditions[unmet + 1 :] == [None if unmet == 2 else "*"]
        store.close()


class TestKnownConditions:
    """What a store makes of a condition is known for each kind of request and each header."""

    @pytest.mark.parametrize("does", ["refuses", "ignores"])
    @pytest.mark.parametrize("header", ["if-none-match", "if-match"])
    @pytest.mark.parametrize("request_name", ["Put", "Complete"])
    def test_each_is_found_out_by_itself(
        self, via: Callable[[Shape], BucketHarness], request_name: str, header: str, does: str
    ) -> None:
        def change(call: Call) -> None:
            if call.name == request_name and header in call.headers:
                if does == "refuses":
                    call.refuse(501, "NotImplemented")
                else:
                    del call.headers[header]

        home = via(Shape("one", change))
        home.bucket.put("in/.videoimport/imports/new.json", b"{}")  # an earlier run wrote it
        store = home.store()
        preflight.writable(place_at(store, task_for(home)))
        found = {"Put": store.writes, "Complete": store.completions}
        known = {
            (name, told): one.is_honoured(parameter)
            for name, one in found.items()
            for told, parameter in (("if-none-match", "IfNoneMatch"), ("if-match", "IfMatch"))
        }
        wanted: dict[tuple[str, str], bool | None] = dict.fromkeys(known, True)
        wanted[request_name, header] = False
        if (request_name, header, does) == ("Complete", "if-none-match", "ignores"):
            wanted["Complete", "if-match"] = None  # the upload is completed by then
        assert known == wanted
        store.close()

    @pytest.mark.parametrize("does", ["refuses", "ignores"])
    def test_a_deletion_without_the_condition_leaves_what_another_writer_put_there(
        self, via: Callable[[Shape], BucketHarness], does: str
    ) -> None:
        def change(call: Call) -> None:
            if call.name == "Delete" and "if-match" in call.headers:
                if does == "refuses":
                    call.refuse(501, "NotImplemented")
                else:
                    del call.headers["if-match"]

        home = via(Shape("deletes", change))
        store = home.store()
        store.write(NOTE, b"mine", {})
        mine = store.head(NOTE)
        home.bucket.put(NOTE, b"another's")
        with pytest.raises(UnmetError):
            store.delete(NOTE, mine)
        assert home.read(NOTE) == b"another's"
        store.delete(NOTE, store.head(NOTE))
        assert NOTE not in home.keys
        store.delete(NOTE, mine)  # nothing is there
        store.close()


def test_an_answer_that_breaks_off_is_no_silence(via: Callable[[Shape], BucketHarness], bucket: Bucket) -> None:
    def cut(_: ShapedStore, call: Call) -> None:
        nonlocal times
        if call.name == "Get" and times:
            call.sent, times = 3, times - 1

    times = 10
    bucket.put(NOTE, b"a note")
    store = via(Shape("breaks off", answer=cut)).store()
    with pytest.raises(DestinationFault, match="ended its response early") as caught:
        store.read(NOTE)
    assert caught.value.remedy is Remedy.WAIT
    times = 2
    content = store.read(NOTE)
    assert content is not None
    assert content.body == b"a note", "a part of it is never taken for the whole"
    store.close()


@pytest.mark.parametrize(
    ("error", "said", "remedy"),
    [
        (IncompleteReadError(actual_bytes=3, expected_bytes=6), "ended its response early", Remedy.WAIT),
        (ReadTimeoutError(endpoint_url="http://s3"), "did not answer", Remedy.WAIT),
        (PaginationError(message="the same token twice"), "gave no usable response", Remedy.NONE),
    ],
)
def test_what_is_said_of_an_answer_is_true(error: Exception, said: str, remedy: Remedy) -> None:
    failure = no_answer(error, "read a")
    assert isinstance(failure, DestinationFault)
    assert failure.message == f"The object store {said} ({type(error).__name__}) when the worker tried to read a."
    assert failure.remedy is remedy


def pages_of_two(call: Call) -> None:
    if call.name == "List":
        call.path += "&max-keys=2"


def without_token(_: ShapedStore, call: Call) -> None:
    if call.name == "List":
        call.content = _TOKEN.sub(b"", call.content)


def always_from_the_start(call: Call) -> None:
    if call.name == "List":
        call.path = re.sub(r"&?(start-after|continuation-token)=[^&]*", "", call.path) + "&max-keys=2"


class TestAListThatIsCutWithoutAToken:
    def test_is_read_to_its_end(self, via: Callable[[Shape], BucketHarness], bucket: Bucket) -> None:
        wanted = [f"in/clip/{name}" for name in ("a b", "a+b", "c%20d", "e", "\u00e4")]
        for key in wanted:
            bucket.put(key, b"")
        store = via(Shape("cut", pages_of_two, without_token)).store()
        assert [*store.keys("in/clip/")] == wanted
        store.close()

    def test_leaves_no_file_of_a_replaced_result(
        self, via: Callable[[Shape], BucketHarness], files: dict[str, Path]
    ) -> None:
        home = via(Shape("cut", pages_of_two, without_token))
        stills = {f"thumbnails/{number:03}.jpg": files["video.mp4"] for number in range(1, 5)}
        first = place_at(home.store(), task_for(home, "old"))
        bring(first, {**files, "audio.m4a": files["video.mp4"], **stills})
        second = place_at(home.store(), task_for(home, destination={"ifExists": "Replace"}))
        preflight.writable(second)
        bring(second, files)
        assert [key for key in home.keys if key.startswith(FOLDER)] == [f"{FOLDER}/result.json", VIDEO]
        for place in (first, second):
            place.store.close()

    def test_and_whose_tokens_come_in_turn_is_no_list(
        self, via: Callable[[Shape], BucketHarness], bucket: Bucket
    ) -> None:
        def from_the_start(call: Call) -> None:
            call.headers["x-test-next"] = "two" if "token=one" in call.path else "one"
            always_from_the_start(call)

        def in_turn(_: ShapedStore, call: Call) -> None:
            token = f"<NextContinuationToken>{call.headers['x-test-next']}</NextContinuationToken>"
            call.content = _TOKEN.sub(token.encode(), call.content)

        for number in range(5):
            bucket.put(f"in/clip/{number}", b"")
        store = via(Shape("in turn", from_the_start, in_turn)).store()
        with pytest.raises(ImportFailure, match="again and again"):
            [*store.keys("in/clip/")]
        store.close()

    def test_and_leads_no_further_is_no_list(self, via: Callable[[Shape], BucketHarness], bucket: Bucket) -> None:
        for number in range(5):
            bucket.put(f"in/clip/{number}", b"")
        store = via(Shape("from the start", always_from_the_start, without_token)).store()
        with pytest.raises(ImportFailure, match="again and again") as caught:
            [*store.keys("in/clip/")]
        assert caught.value.reason is Reason.DESTINATION_UNAVAILABLE
        store.close()
