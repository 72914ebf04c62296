"""A bulk whose list comes in pages: what is started when, what counts, and what a list that cannot be known does."""

from dataclasses import replace

import pytest

from support.core.bulk_builders import bad, bulk, edited, good, kinds, plan, shard, started, url, written
from support.core.bulk_builders import child as child_of
from support.core.discovery_builders import look, made, noted, page
from support.core.page_digests import proven
from support.core.video_builders import NOW, after, condition, pod, truths
from videoimport.api.bulkimport_status import BulkPhase
from videoimport.api.identity import item_identity
from videoimport.api.metadata import MOST_KEYS
from videoimport.api.reasons import Reason
from videoimport.api.tasks.listing_task import Known
from videoimport.api.videoimport_status import Attempts, JobReference
from videoimport.core.bulk.accepted_items import collect_accepted_items
from videoimport.core.bulk.child_actions import create_child
from videoimport.core.bulk.ledger import build_ledger_entry
from videoimport.core.bulk.phase import FINISHED_PHASES
from videoimport.core.bulk.snapshot import BulkSnapshot
from videoimport.core.discovery import pages as pages_of_list
from videoimport.core.discovery.pages import MAX_PAGES
from videoimport.core.list_item import Listed, RefusedItem
from videoimport.core.observed import ObservedBulk
from videoimport.core.plan import Delete

LIST = {"manifest": {"url": "https://lists.example/all.txt"}}
BUCKET = {"s3": {"bucket": "incoming", "prefix": "a/", "endpoint": "https://s3.example"}}


def listed_bulk(**spec):
    return bulk(**({"source": LIST} | spec))


def item(number, **more):
    return Listed(item_identity(url(number)), url(number), **more)


def pages(wish, *lists, done=True, rejected=()):
    """A page for each of these lists; the last has the rejected, and ends the list if that is done."""
    last = len(lists) - 1
    return tuple(
        replace(page(wish, n, done=done and n == last), items=tuple(items), rejected=rejected if n == last else ())
        for n, items in enumerate(lists)
    )


def given_up(begun):
    """The bulk after its listing was given up."""
    why = Reason.SOURCE_NOT_FOUND
    told = {"reason": why, "message": "The list is gone.", "attempts": Attempts(count=1, reasons=(why,))}
    discovery = begun.status.discovery.model_copy(update=told)
    return begun.model_copy(update={"status": begun.status.model_copy(update={"discovery": discovery})})


def test_first_touch_lists_and_says_so():
    found = plan(listed_bulk())
    assert kinds(found) == ["Create Job"]
    assert found.status.phase is BulkPhase.DISCOVERING
    assert found.status.discovery.run == 1
    assert (found.status.total, found.status.progress_percent) == (0, 0)
    assert truths(found.status)["Reconciling"] == "True"
    assert [a.reason for a in found.planned_events] == ["Started"]


def test_first_page_is_imported_while_the_next_is_listed():
    wish = written(listed_bulk())
    found = plan(wish, pages=pages(wish, [item(0), item(1), item(2)], done=False))
    assert started(found) == [url(0), url(1)]
    assert "Create Job" in kinds(found)
    assert (found.status.total, found.status.discovery.pages, found.status.discovery.done) == (3, 1, False)


def test_phase_is_processing_from_the_first_child_on_though_listing_goes_on():
    wish = written(listed_bulk())
    seen = pages(wish, [item(0)], done=False)
    assert plan(wish, (child(wish, 0),), pages=seen, at=after(9)).status.phase is BulkPhase.PROCESSING


def test_bulk_does_not_end_before_its_list_is_known_whole():
    wish = written(listed_bulk())
    seen, ended = pages(wish, [item(0)], done=False), good_of(wish, 0)
    status = plan(wish, (ended,), results(wish, ended), pages=seen, at=after(9)).status
    assert status.phase is BulkPhase.PROCESSING
    whole = pages(wish, [item(0)])
    assert plan(wish, (ended,), results(wish, ended), pages=whole, at=after(9)).status.phase is BulkPhase.COMPLETED


@pytest.mark.parametrize(
    "left",
    [
        pytest.param([{"phase": "Running", "exit_code": 0, "companions": ("mesh",)}], id="the sidecar goes on"),
        pytest.param(
            [{"phase": "Running", "exit_code": 0, "companions": ("mesh",), "deleting": True}], id="told to end"
        ),
        pytest.param([{"phase": "Failed", "exit_code": 0, "deleting": True}], id="the sidecar has ended"),
        pytest.param([], id="the pod is gone before its Job"),
    ],
)
def test_bulk_that_has_ended_stays_so_while_a_listing_job_is_removed(left):
    begun = plan(listed_bulk())
    wish = listed_bulk().model_copy(update={"status": begun.status})
    ended, job = good_of(wish, 0), replace(made(begun), deleting=True)
    seen = {"pages": pages(wish, [item(0)]), "jobs": (job,), "pods": tuple(pod(job, **one) for one in left)}
    over = wish.model_copy(
        update={"status": plan(wish, (ended,), results(wish, ended), pages=seen["pages"], at=after(9)).status}
    )
    assert over.status.phase is BulkPhase.COMPLETED
    later = plan(over, (ended,), results(wish, ended), at=after(40), **seen).status or over.status
    assert (later.phase, later.completion_time) == (BulkPhase.COMPLETED, over.status.completion_time)


def test_end_of_the_listing_is_announced_with_its_counts():
    wish = written(listed_bulk())
    seen = pages(wish, [item(0)], rejected=(RefusedItem("ab" * 5, Reason.NOT_VIDEO, "A picture."),))
    found = plan(wish, pages=seen)
    announced = [(a.reason, a.message) for a in found.planned_events]
    assert ("Listed", "Items of the list: 1 accepted, 1 rejected.") in announced
    again = wish.model_copy(update={"status": found.status})
    assert "Listed" not in [a.reason for a in plan(again, pages=seen, at=after(9)).planned_events]


def test_same_item_on_two_pages_is_one_import_and_the_first_counts():
    wish = listed_bulk(parallelism=9)
    found = plan(wish, pages=pages(wish, [item(0, name="first")], [item(0, name="second"), item(1)]))
    assert started(found) == [url(0), url(1)]
    assert found.actions[0].manifest["spec"]["destination"]["name"] == "first"
    assert found.status.total == 2


def test_found_counts_over_rejected_wherever_it_stands_and_rejected_twice_counts_once():
    wish = listed_bulk()
    twice = RefusedItem(item_identity(url(5)), Reason.NOT_VIDEO)
    found, nameless = RefusedItem(item_identity(url(0)), Reason.INVALID_SPEC), RefusedItem(None, Reason.INVALID_SPEC)
    lines = (found, twice, twice, nameless)
    status = plan(wish, pages=pages(wish, [item(0)], rejected=lines)).status
    assert (status.total, status.rejected_count) == (1, 2)


def test_accepted_and_rejected_are_shown_with_reasons():
    wish = listed_bulk()
    line = RefusedItem("ab" * 5, Reason.UNSUPPORTED_DURATION, "It lasts 9 s.", "long", "https://video.example/long.mp4")
    status = plan(wish, pages=pages(wish, [item(0, name="Opening")], rejected=(line,))).status
    assert [(one.name, one.url) for one in status.accepted] == [("Opening", url(0))]
    assert [(one.name, one.url, one.reason, one.message) for one in status.rejected] == [
        ("long", "https://video.example/long.mp4", Reason.UNSUPPORTED_DURATION, "It lasts 9 s.")
    ]
    assert [(ref.name, ref.count) for ref in status.items_ref] == [(pages(wish, [])[0].name, 2)]


def test_inline_items_are_checked_by_their_names():
    wish = bulk(source={"items": [{"url": url(0)}, {"url": "https://u:p@video.example/cover.jpg?token=s3cret"}]})
    found = plan(wish)
    assert started(found) == [url(0)]
    assert (found.status.total, found.status.rejected_count) == (1, 1)
    (line,) = found.status.rejected
    assert (line.url, line.reason) == ("https://video.example/cover.jpg", Reason.NOT_VIDEO)
    assert found.status.message == "0 of 1 imported, 1 rejected."


def test_all_rejected_is_failed_with_the_first_reason_and_an_empty_list_is_completed():
    wish = bulk(source={"items": [{"url": "https://video.example/cover.jpg"}]})
    status = plan(wish).status
    assert (status.phase, condition(status, "Finished").reason) == (BulkPhase.FAILED, "Failed")
    assert "the first of them: NotVideo" in status.message
    empty = listed_bulk()
    status = plan(empty, pages=pages(empty, [])).status
    assert (status.phase, status.progress_percent, status.message) == (BulkPhase.COMPLETED, 100, "0 of 0 imported.")


def test_items_own_metadata_wins_over_the_templates():
    template = {"destination": {"s3": {"bucket": "media"}}, "metadata": {"year": 2026, "campaign": "spring"}}
    found = create_child(bulk(template=template), item(0, metadata={"year": 1999, "score": 1.5}))
    assert found.manifest["spec"]["metadata"] == {"year": 1999, "campaign": "spring", "score": 1.5}


def test_item_with_too_much_metadata_or_a_predefined_key_is_rejected_and_the_others_go_on():
    template = {"destination": {"s3": {"bucket": "media"}}, "metadata": {"campaign": "spring"}}
    wish = listed_bulk(template=template, parallelism=9)
    many = {f"key{number}": number for number in range(MOST_KEYS)}
    items = [item(0, metadata=many), item(1, metadata={"duration": 5}), item(2, metadata={"campaign": "summer"})]
    found = plan(wish, pages=pages(wish, items))
    assert started(found) == [url(2)]
    assert {line.reason for line in found.status.rejected} == {Reason.INVALID_SPEC}
    assert "51 keys" in found.status.rejected[0].message


def test_checksum_credentials_and_objects_reach_the_child():
    sum_ = "sha256:" + "a" * 64
    wish = bulk(source=BUCKET | {"credentialsSecretRef": {"name": "keys"}})
    made = create_child(wish, Listed("ab" * 5, key="a/film.mp4", checksum=sum_)).manifest["spec"]["source"]
    assert made == {
        "s3": {"endpoint": "https://s3.example", "region": "us-east-1", "bucket": "incoming", "key": "a/film.mp4"},
        "credentialsSecretRef": {"name": "keys"},
        "checksum": sum_,
    }


def test_what_the_destination_has_is_a_result_without_a_child():
    wish = listed_bulk()
    known = item(0, known=Known(video_id="f" * 64, uri="s3://media/0/video.mp4"))
    status = plan(wish, pages=pages(wish, [known])).status
    assert (status.phase, status.completed, status.skipped_duplicates) == (BulkPhase.COMPLETED, 1, 1)
    (result,) = status.results
    assert (result.success, result.reason, result.import_name, result.uri) == (
        True, Reason.DUPLICATE, None, "s3://media/0/video.mp4",
    )  # fmt: skip
    assert status.message == "1 of 1 imported, 1 of them already in the destination."


def test_what_the_destination_has_is_imported_again_when_not_incremental():
    wish = listed_bulk(incremental=False)
    assert started(plan(wish, pages=pages(wish, [item(0, known=Known())]))) == [url(0)]


def test_everything_is_imported_again_beside_what_exists_duplicates_too():
    """Two items of the same content, which the destination has: each child ignores the index and keeps both."""
    template = {"destination": {"s3": {"bucket": "media"}, "name": "{title}", "ifExists": "KeepBoth"}}
    wish = listed_bulk(incremental=False, template=template)
    same = Known(video_id="f" * 64, uri="s3://media/talk/video.mp4")
    found = plan(wish, pages=pages(wish, [item(0, known=same), item(1, known=same)]))
    assert started(found) == [url(0), url(1)]
    specs = [action.manifest["spec"] for action in found.actions if "spec" in action.manifest]
    assert [spec["incremental"] for spec in specs] == [False, False]
    assert [spec["destination"]["ifExists"] for spec in specs] == ["KeepBoth", "KeepBoth"]
    assert (found.status.completed, found.status.skipped_duplicates) == (0, 0)


def test_unlisted_children_stay_until_the_new_list_is_known_whole():
    wish = listed_bulk(parallelism=2)
    seen = (child(wish, 7),)
    found = plan(wish, seen, pages=pages(wish, [item(0), item(1)], done=False))
    assert started(found) == [url(0)]
    assert not [action for action in found.actions if isinstance(action, Delete)]
    found = plan(wish, seen, pages=pages(wish, [item(0), item(1)]))
    assert [action.name for action in found.actions if isinstance(action, Delete)] == [seen[0].metadata.name]


def test_list_that_is_too_long_says_so(monkeypatch):
    monkeypatch.setattr(pages_of_list, "MAX_LISTED", 1)
    status = plan(wish := listed_bulk(), pages=pages(wish, [item(0)], done=False)).status
    assert status.discovery.done
    assert "more than 100,000 videos" in status.message


def test_list_of_more_lines_than_are_looked_at_says_so():
    wish = listed_bulk()
    refuse = RefusedItem(None, Reason.NOT_VIDEO)
    status = plan(wish, pages=pages(wish, [item(0)], done=False, rejected=(refuse,) * 200_000)).status
    assert status.discovery.done
    assert "more than 4,000 pages or 200,000 entries" in status.message


def test_list_whose_pages_bring_nothing_ends_and_says_so():
    wish = listed_bulk()
    empty = pages(wish, [], done=False)[0]
    many = tuple(
        replace(empty, name=empty.name.removesuffix("0") + str(number), number=number, uid=f"page-{number}")
        for number in range(MAX_PAGES)
    )
    assert not plan(wish, pages=many[:-1]).status.discovery.done
    status = plan(wish, pages=many).status
    assert status.discovery.done
    assert "more than 4,000 pages" in status.message


def test_failed_list_has_not_ended_while_children_of_the_old_one_run():
    wish = given_up(written(listed_bulk()))
    going = child(wish, 7, job=JobReference(name="run-1", uid="job-uid"))
    leaving = going.model_copy(update={"metadata": going.metadata.model_copy(update={"deletion_timestamp": NOW})})
    for running in (going, leaving):
        status = plan(wish, (running,), at=after(60)).status
        assert (status.phase, status.completion_time) == (BulkPhase.PROCESSING, None)
        assert condition(status, "Finished").status == "False"
    assert plan(wish, (going,), at=after(60)).status.active == 1
    assert plan(wish, (good_of(wish, 7),), at=after(60)).status.phase is BulkPhase.FAILED


def test_failed_list_has_not_ended_while_an_item_has_no_result():
    wish = listed_bulk(retryToken="b")
    seen = pages(wish, [item(0)], done=False)
    broken = given_up(written(wish, pages=seen))
    old = bad(inline_twin(listed_bulk(retryToken="a")), 0)
    leaving = old.model_copy(update={"metadata": old.metadata.model_copy(update={"deletion_timestamp": NOW})})
    status = plan(broken, (leaving,), results(wish, leaving), pages=seen, at=after(60)).status
    assert (status or broken.status).phase is not BulkPhase.FAILED


def test_cancelled_only_once_listing_and_children_of_the_old_list_have_stopped():
    wish = edited(written(listed_bulk()), cancel=True)
    job = listing_job(wish)
    found = plan(wish, jobs=(job,), at=after(9))
    assert [action.name for action in found.actions if isinstance(action, Delete)] == [job.name]
    assert found.status.phase not in FINISHED_PHASES
    assert "Being cancelled" in found.status.message
    stopping = replace(job, deleting=True)
    assert (plan(wish, jobs=(stopping,), at=after(9)).status or wish.status).phase not in FINISHED_PHASES
    assert plan(wish, (child(wish, 7),), at=after(9)).status.phase not in FINISHED_PHASES
    assert plan(wish, at=after(9)).status.phase is BulkPhase.CANCELLED


def listing_job(wish):
    """The Job of its first run, as it is seen while that goes on."""
    return made(look(noted(wish, None)))


def test_list_that_cannot_be_known_at_all_is_failed_at_once():
    wish = given_up(written(listed_bulk()))
    found = plan(wish, at=after(60))
    assert found.status.phase is BulkPhase.FAILED
    assert condition(found.status, "Ready").reason == "SourceNotFound"
    assert "The list is gone." in found.status.message
    assert found.status.progress_percent == 0


def test_what_is_listed_of_a_failed_list_is_imported_to_the_end_first():
    wish = listed_bulk()
    seen = pages(wish, [item(0)], done=False)
    broken = given_up(written(wish, pages=seen))
    going = plan(broken, pages=seen, at=after(9))
    assert started(going) == [url(0)]
    assert (going.status or broken.status).phase in (BulkPhase.DISCOVERING, BulkPhase.PROCESSING)
    ended = good_of(wish, 0)
    status = plan(broken, (ended,), results(wish, ended), pages=seen, at=after(99)).status
    assert (status.phase, status.completed) == (BulkPhase.FAILED, 1)
    assert condition(status, "Stalled").reason == "SourceNotFound"


def test_book_tells_each_item_and_its_result_without_any_child():
    wish = listed_bulk()
    ended = good_of(wish, 0)
    seen = proven(ObservedBulk(wish, shards=results(wish, ended), pages=pages(wish, [item(0), item(1)])))
    assert [(line.listed.url, line.done) for line in BulkSnapshot(seen).outcomes] == [(url(0), True), (url(1), False)]


def test_discovery_in_the_status_stays_short():
    wish = listed_bulk()
    long = replace(pages(wish, [item(0)], done=False)[0], cursor="漢" * 2000)
    assert len(plan(wish, pages=(long,)).status.discovery.cursor) <= 256
    forged = replace(long, cursor="a\x1b[31m\u202eb\n")
    assert plan(wish, pages=(forged,)).status.discovery.cursor == "a[31mb "


def child(wish, number, **status):
    return child_of(inline_twin(wish), number, **status)


def good_of(wish, number):
    return good(inline_twin(wish), number)


def inline_twin(wish):
    """The same with inline items, which the builders of children look into."""
    spec = wish.spec.model_copy(update={"source": bulk(9).spec.source})
    return wish.model_copy(update={"spec": spec})


def results(wish, *children):
    numbers = (next(n for n in range(9) if url(n) == one.spec.source.url) for one in children)
    pairs = [(item(number), one) for number, one in zip(numbers, children, strict=True)]
    return (shard(0, {line.identity: build_ledger_entry(one, line, line.url) for line, one in pairs}),)


def test_an_item_whose_name_the_volume_has_no_room_for_is_rejected_and_the_others_go_on():
    """The API server would refuse its VideoImport, and the bulk would try to create it without end."""
    on_a_volume = {"destination": {"persistentVolumeClaim": {"claimName": "shelf"}}}
    wish = listed_bulk(template=on_a_volume)
    book = collect_accepted_items(wish, pages(wish, [item(1, name="日" * 86), item(2, name="日" * 85)]))
    assert list(book.accepted) == [item_identity(url(2))]
    assert [(line.reason, "has 258 bytes" in line.message) for line in book.rejected] == [(Reason.INVALID_SPEC, True)]
    in_a_bucket = listed_bulk()
    assert len(collect_accepted_items(in_a_bucket, pages(in_a_bucket, [item(1, name="日" * 86)])).accepted) == 1
