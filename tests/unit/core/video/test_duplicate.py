"""A video that the destination had already: nothing is stored, and the import is a success."""

from support.core.bulk_builders import bulk, child, good
from support.core.bulk_builders import plan as bulk_plan
from support.core.video_builders import URI, condition, finished, plan, running, success, truths, written
from videoimport.api.bulkimport_source import Item
from videoimport.api.reasons import Reason, UploadText
from videoimport.api.videoimport_status import Outputs, VideoPhase
from videoimport.core.bulk.ledger import build_ledger_entry
from videoimport.core.list_item import convert_inline_item
from videoimport.core.plan import Plan

THERE = "s3://media/talks/older/video.mp4"


def duplicate(**spec):
    wish = running(**spec)
    return written(wish, **finished(wish, success(wish, duplicate_of=THERE)))


def test_duplicate_is_completed_and_says_where_the_video_is():
    status = duplicate().status
    assert (status.phase, status.reason, status.duplicate_of) == (VideoPhase.COMPLETED, Reason.DUPLICATE, THERE)
    assert THERE in status.message
    assert "set incremental to false" in status.message
    assert status.outputs.video.uri == URI
    assert status.progress_percent == 100


def test_duplicate_is_a_success_in_everybodys_words():
    status = duplicate().status
    assert (truths(status)["Ready"], truths(status)["Finished"], truths(status)["Stalled"]) == ("True", "True", "False")
    assert (condition(status, "Ready").reason, condition(status, "Finished").reason) == ("Duplicate", "Succeeded")
    assert (status.upload.status, status.upload.code, status.upload.text) == (UploadText.COMPLETED, 6, "completed")


def test_duplicate_comes_to_rest():
    assert plan(duplicate()) == Plan()


def test_import_that_was_stored_is_no_duplicate():
    wish = running()
    status = written(wish, **finished(wish, success(wish))).status
    assert (status.reason, status.duplicate_of) == (None, None)
    assert condition(status, "Ready").reason == "Succeeded"


def test_duplicate_of_a_bulk_is_a_success_with_its_reason_and_place():
    wish = bulk(1)
    its = child(wish, 0, phase=VideoPhase.COMPLETED, reason=Reason.DUPLICATE, duplicate_of=THERE, outputs=Outputs())
    url = its.spec.source.url
    item = convert_inline_item(Item(url=url))
    entry = build_ledger_entry(its, item, url)
    assert (entry.success, entry.reason, entry.uri, entry.error) == (True, Reason.DUPLICATE, THERE, None)
    assert build_ledger_entry(good(wish, 0), item, url).reason is None
    status = bulk_plan(wish, (its,)).status
    assert status is not None
    assert (status.completed, status.failed) == (1, 0)
