"""Which children there are to be: made through a window, restarted, cancelled, removed."""

from support.core.bulk_builders import (
    bad,
    bulk,
    cancelled,
    child,
    edited,
    good,
    key,
    kinds,
    plan,
    recorded,
    started,
    url,
    wishing,
    written,
)
from support.core.video_builders import after
from videoimport.api.reasons import Reason
from videoimport.api.videoimport import VideoImport
from videoimport.api.videoimport_status import VideoPhase
from videoimport.core.bulk.child_actions import DEFAULT_NAME, create_child
from videoimport.core.list_item import convert_inline_item
from videoimport.core.plan import Delete, Patch, Plan


def going(one):
    """The same child, on its way out."""
    meta = one.metadata.model_copy(update={"deletion_timestamp": after(0)})
    return one.model_copy(update={"metadata": meta})


def test_bulk_that_is_being_deleted_is_left_alone():
    assert plan(bulk(meta={"deletionTimestamp": "2026-05-04T11:59:00Z"})) == Plan()


def test_as_many_children_as_the_window_holds_in_the_lists_order():
    assert started(plan(bulk(5))) == [url(0), url(1)]


def test_active_children_fill_the_window():
    wish = bulk(5)
    assert started(plan(wish, (child(wish, 1),))) == [url(0)]
    assert started(plan(wish, (child(wish, 1), child(wish, 0)))) == []


def test_ended_child_leaves_its_place_even_before_it_is_in_the_ledger():
    wish = bulk(5)
    assert started(plan(wish, (good(wish, 0), bad(wish, 1)))) == [url(2), url(3)]


def test_widened_window_is_filled_and_a_narrowed_one_takes_nothing_away():
    wish = bulk(5)
    both = (child(wish, 0), child(wish, 1))
    assert started(plan(edited(wish, parallelism=4), both)) == [url(2), url(3)]
    assert plan(edited(wish, parallelism=1), both).actions == ()


def test_same_item_twice_is_one_import_and_the_first_counts():
    items = [{"url": url(0), "name": "first"}, {"url": url(1)}, {"url": url(0), "name": "second"}]
    found = plan(bulk(source={"items": items}, parallelism=9))
    assert started(found) == [url(0), url(1)]
    assert found.actions[0].manifest["spec"]["destination"]["name"] == "first"
    assert found.status.total == 2


def test_child_is_named_labelled_and_owned():
    manifest = create_child(
        bulk(meta={"labels": {"kueue.x-k8s.io/queue-name": "night", "x": "y"}}),
        convert_inline_item(bulk().spec.source.items[0]),
    ).manifest
    meta = manifest["metadata"]
    assert (manifest["apiVersion"], manifest["kind"]) == ("videoimport.io/v1alpha1", "VideoImport")
    assert (meta["name"], meta["namespace"]) == (f"talks-0-{key(0)}", "films")
    assert meta["labels"] == {
        "app.kubernetes.io/name": "videoimport",
        "app.kubernetes.io/managed-by": "videoimport",
        "videoimport.io/bulk": "talks",
        "videoimport.io/item": key(0),
        "kueue.x-k8s.io/queue-name": "night",
    }
    assert meta["ownerReferences"][0]["kind"] == "BulkImport"
    assert meta["ownerReferences"][0]["controller"] is True
    assert meta["annotations"] == {"argocd.argoproj.io/ignore-resource-updates": "true"}


def test_child_gets_the_whole_template():
    template = {
        "destination": {"s3": {"bucket": "media"}, "folder": "root/talks", "ifExists": "Replace"},
        "requirements": {"minHeight": 720},
        "output": {"mode": "Encode"},
        "maxAttempts": 2,
        "timeoutSeconds": 60,
        "metadata": {"campaign": "spring", "year": 2026},
        "worker": {"labels": {"team": "press"}},
    }
    wish = bulk(template=template, retryToken="b", incremental=False)
    spec = VideoImport.parse(
        create_child(wish, convert_inline_item(wish.spec.source.items[0])).manifest
        | {"metadata": child(wish, 0).metadata.wire()}
    ).spec
    assert spec.destination.folder == "root/talks"
    assert spec.requirements is not None
    assert spec.requirements.min_height == 720
    assert (spec.output.mode, spec.max_attempts, spec.timeout_seconds) == ("Encode", 2, 60)
    assert spec.worker.labels == {"team": "press"}
    assert (spec.retry_token, spec.cancel, spec.incremental) == ("b", False, False)
    assert spec.metadata == {"campaign": "spring", "year": 2026}


def test_childs_folder_is_the_items_name_or_the_templates_or_title_and_hash():
    plain, named = bulk(1), bulk(source={"items": [{"url": url(0), "name": "Opening"}]})
    template = {"destination": {"s3": {"bucket": "media"}, "name": "{sourceId}"}}
    names = [
        create_child(wish, convert_inline_item(wish.spec.source.items[0])).manifest["spec"]["destination"]["name"]
        for wish in (plain, named, bulk(1, template=template))
    ]
    assert names == [DEFAULT_NAME, "Opening", "{sourceId}"]


def test_child_that_was_deleted_is_made_again_unless_its_result_stands():
    wish = bulk(2)
    assert started(plan(wish, (child(wish, 1),))) == [url(0)]
    assert started(plan(wish, (child(wish, 1),), recorded(good(wish, 0)))) == []


def test_child_on_its_way_out_holds_its_place_until_it_is_gone():
    wish = bulk(1)
    assert plan(wish, (going(child(wish, 0)),)).actions == ()


def test_recorded_failure_is_final_until_the_token_changes():
    wish = bulk(1)
    assert kinds(plan(wish, (bad(wish, 0),), recorded(bad(wish, 0)))) == []


def test_new_token_restarts_failed_children_and_keeps_successes():
    old = bulk(2)
    children = (good(old, 0), bad(old, 1))
    found = plan(edited(old, retryToken="b"), children, recorded(*children))
    assert found.actions == (
        Patch("VideoImport", "films", f"talks-1-{key(1)}", "child-1", {"spec": {"retryToken": "b", "cancel": False}}),
    )


def test_restart_goes_through_the_window_too():
    old = bulk(4)
    children = tuple(bad(old, number) for number in range(4))
    assert kinds(plan(edited(old, retryToken="b"), children, recorded(*children))) == ["Patch VideoImport"] * 2


def test_restarted_child_gets_the_template_as_it_is_now():
    requirements = {"requirements": {"minHeight": 720}}
    old = bulk(1, template={"destination": {"s3": {"bucket": "wrong"}}} | requirements)
    mended = edited(old, retryToken="b", template={"destination": {"s3": {"bucket": "right"}}})
    found = plan(mended, (bad(old, 0),), recorded(bad(old, 0)))
    assert found.actions[0].patch["spec"] == {
        "destination": {"s3": {"bucket": "right"}},
        "requirements": None,
        "retryToken": "b",
        "cancel": False,
    }


def test_child_that_was_told_to_restart_but_has_not_yet_counts_as_active():
    wish = bulk(1, retryToken="b")
    told = bad(wish, 0, observed_retry_token="a")
    found = plan(wish, (told,), recorded(told))
    assert found.actions == ()
    assert found.status.active == 1


def test_failed_child_that_was_deleted_is_made_anew_under_the_new_token():
    old = bulk(1)
    found = plan(edited(old, retryToken="b"), (), recorded(bad(old, 0)))
    assert started(found) == [url(0)]
    assert found.actions[0].manifest["spec"]["retryToken"] == "b"


def test_active_child_under_an_older_token_goes_on():
    old = bulk(1)
    assert plan(edited(old, retryToken="b"), (child(old, 0),)).actions == ()


def test_failed_child_that_is_on_its_way_out_is_made_anew_only_once_it_is_gone():
    old = bulk(1)
    gone = edited(old, retryToken="b")
    assert kinds(plan(gone, (going(bad(old, 0)),), recorded(bad(old, 0)))) == []


def test_unfinished_children_of_removed_items_go():
    old = bulk(3)
    found = plan(edited(old, source={"items": [{"url": url(0)}]}), tuple(child(old, number) for number in range(3)))
    names = [action.name for action in found.actions if isinstance(action, Delete)]
    assert names == [f"talks-1-{key(1)}", f"talks-2-{key(2)}"]


def test_finished_or_vanishing_children_of_removed_items_are_left_alone():
    old = bulk(3)
    seen = (child(old, 0), good(old, 1), going(child(old, 2)))
    assert plan(edited(old, source={"items": [{"url": url(0)}]}), seen).actions == ()


def test_cancel_tells_every_active_child_once_and_starts_nothing():
    old = bulk(5)
    told = wishing(child(old, 1), cancel=True)
    found = plan(edited(old, cancel=True), (child(old, 0), told, good(old, 2)), recorded(good(old, 2)))
    assert found.actions == (Patch("VideoImport", "films", f"talks-0-{key(0)}", "child-0", {"spec": {"cancel": True}}),)


def test_cancelled_bulk_with_cancel_taken_back_starts_nothing():
    wish = written(edited(bulk(2), cancel=True), (), ())
    assert plan(edited(wish, cancel=False)).actions == ()


def test_new_token_resumes_a_cancelled_bulk():
    old = edited(bulk(3), cancel=True)
    ended = (good(old, 0), cancelled(old, 1))
    wish = edited(written(old, ended, recorded(*ended)), cancel=False, retryToken="b")
    found = plan(wish, ended, recorded(*ended))
    assert kinds(found) == ["Patch VideoImport", "Create VideoImport"]
    assert found.actions[0].patch == {"spec": {"retryToken": "b", "cancel": False}}


def test_ledger_is_written_before_any_child_is_made():
    old = bulk(4)
    seen = (good(old, 0), child(old, 3))
    found = plan(edited(old, source={"items": [{"url": url(0)}, {"url": url(1)}]}), seen)
    assert kinds(found) == ["Delete VideoImport", "Create ConfigMap", "Create VideoImport"]


def test_refused_shard_does_not_keep_the_cancel_from_the_children():
    old = bulk(4)
    found = plan(edited(old, cancel=True), (good(old, 0), child(old, 1), child(old, 2)))
    assert kinds(found) == ["Patch VideoImport", "Patch VideoImport", "Create ConfigMap"]


def test_refused_child_does_not_keep_others_from_starting_again():
    old = bulk(2)
    found = plan(edited(old, retryToken="b"), (bad(old, 1),), recorded(bad(old, 1)))
    assert kinds(found) == ["Patch VideoImport", "Create VideoImport"]


def test_child_cancelled_by_hand_is_a_failure_like_others():
    wish = bulk(1)
    by_hand = child(wish, 0, phase=VideoPhase.CANCELLED, reason=Reason.CANCELLED, message="Cancelled as asked.")
    found = plan(wish, (by_hand,), recorded(by_hand))
    assert (found.status.failed, found.actions) == (1, ())
