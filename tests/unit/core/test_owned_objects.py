"""An object is a resource's own only if namespace, kind, derived name and the whole owner reference match; what carries
authority must also be what was recorded before."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from core_bulk import BULK, bulk, child, entries, good, plan, shard, started, url
from core_listing import begun, collected, deleted, listed, look, noted, page, told
from core_proven import proven
from core_seen import claim, finished, pod, running, success
from core_seen import plan as plan_video
from core_seen import started as started_video
from hypothesis import given
from hypothesis import strategies as st

from videoimport.api.bulkimport_status import DiscoveryStatus
from videoimport.api.videoimport_status import VideoPhase
from videoimport.core import owned_objects as owned
from videoimport.core.discovery.page_digest import EVERY, chain_of, page_digest, thinned
from videoimport.core.discovery.page_digest import proven as proven_pages
from videoimport.core.discovery.pages import counting, earlier_of, listing_of
from videoimport.core.list_item import EARLIER, FACTS, Listed
from videoimport.core.object_metadata import controlling_owner, video_owner
from videoimport.core.object_names import child_name
from videoimport.core.observed import ObservedBulk
from videoimport.core.plan import Delete

OTHERS = {
    "namespace": "mallory",
    "group": "evil.example",
    "kind": "Deployment",
    "name": "another",
    "uid": "another",
}
"""For each part of an owner's identity, what it is not."""
LACKS = [*OTHERS, "owner", "derived name"]


def lacking(view, what):
    """The same object without one of the matches."""
    if what == "owner":
        return replace(view, owner=None)
    if what == "derived name":
        return replace(view, name=f"x{view.name}")
    return replace(view, owner=view.owner._replace(**{what: OTHERS[what]}))


@pytest.mark.parametrize("what", LACKS)
def test_a_job_that_lacks_one_match_reports_nothing_and_is_not_touched(what):
    wish = running()
    seen = finished(wish, success(wish))
    assert plan_video(wish, **seen).status.phase is VideoPhase.COMPLETED
    (right,) = seen["jobs"]
    found = plan_video(wish, jobs=(lacking(right, what),), pods=seen["pods"])
    assert found.status is None or found.status.phase is not VideoPhase.COMPLETED
    assert [action for action in found.actions if isinstance(action, Delete)] == []
    assert not owned.is_job_of_video(lacking(right, what), video_owner(wish.metadata))


@pytest.mark.parametrize("what", LACKS)
def test_a_pod_that_lacks_one_match_reports_nothing(what):
    wish = running()
    seen = finished(wish, success(wish))
    (right,) = seen["pods"]
    found = plan_video(wish, jobs=seen["jobs"], pods=(lacking(right, what),))
    assert found.status.phase is not VideoPhase.COMPLETED
    assert found.status.outputs is None


@pytest.mark.parametrize("suffix", ["", "a", "abcd", "abcdef", "a-bcd", "2-x7k2p", "ABCDE"])
def test_a_pod_whose_name_the_api_server_does_not_make_of_its_jobs_reports_nothing(suffix):
    wish = running()
    seen = finished(wish, success(wish))
    (right,) = seen["pods"]
    (of,) = seen["jobs"]
    assert owned.is_pod_of(right, of)
    found = plan_video(wish, jobs=seen["jobs"], pods=(replace(right, name=f"{of.name}-{suffix}"),))
    assert found.status.phase is not VideoPhase.COMPLETED


def test_the_pod_of_a_job_with_a_long_name_is_its_own():
    (of,) = finished(running(), success(running()))["jobs"]
    long = replace(of, name=f"{'a' * 50}-1234567890")
    its = pod(long, name=f"{long.name[:58]}x7k2p")
    assert owned.is_pod_of(its, long)
    assert not owned.is_pod_of(replace(its, name=f"{long.name}-x7k2p"), long)


def test_a_job_of_another_uid_than_the_one_recorded_reports_nothing():
    wish = running()
    seen = finished(wish, success(wish))
    other = replace(seen["jobs"][0], uid="made in its stead")
    found = plan_video(wish, jobs=(other,), pods=(pod(other, termination_message=seen["pods"][0].termination_message),))
    assert (found.status.phase, found.status.run, found.status.outputs) == (VideoPhase.PENDING, 2, None)
    assert [action.uid for action in found.actions if isinstance(action, Delete)] == []


@pytest.mark.parametrize("what", LACKS)
def test_a_claim_that_lacks_one_match_is_neither_used_nor_deleted(what):
    scratch = {"scratch": {"size": "1Gi", "storageClassName": "fast"}}
    wish = started_video(worker=scratch)
    assert [action.manifest["kind"] for action in plan_video(wish, claims=(claim(wish),)).actions] == ["Job"]
    found = plan_video(wish, claims=(lacking(claim(wish), what),))
    assert [action.manifest["kind"] for action in found.actions] == ["PersistentVolumeClaim"]


@pytest.mark.parametrize("what", LACKS)
def test_a_shard_that_lacks_one_match_has_no_results(what):
    wish = bulk(2)
    right = shard(0, entries(good(wish, 0)))
    assert plan(wish, shards=(right,)).status.completed == 1
    assert plan(wish, shards=(lacking(right, what),)).status.completed == 0


@pytest.mark.parametrize("what", LACKS)
def test_a_page_that_lacks_one_match_lists_nothing_and_is_not_deleted(what):
    wish = listed()
    right = page(wish, 0, done=True)
    assert look(wish, pages=(right,)).done
    found = look(wish, pages=(lacking(right, what),))
    assert (found.done, found.pages, deleted(found)) == (False, (), [])


@pytest.mark.parametrize("what", LACKS)
def test_a_listing_job_that_lacks_one_match_reports_nothing(what):
    wish, there = begun()
    seen = told(there, done=True)
    assert collected(look(wish, **seen))
    found = look(wish, jobs=(lacking(seen["jobs"][0], what),), pods=seen["pods"])
    assert [type(action).__name__ for action in found.actions] == ["Create"], "its own Job, that is not there"


@pytest.mark.parametrize("what", LACKS)
def test_a_child_that_lacks_one_match_is_in_nobodys_way(what):
    wish = bulk(1)
    right = good(wish, 0)
    assert plan(wish, (right,)).status.completed == 1
    (reference,) = right.metadata.owner_references
    changes = {
        "namespace": {"namespace": "mallory"},
        "group": {"owner_references": (reference.model_copy(update={"api_version": "evil.example/v1"}),)},
        "kind": {"owner_references": (reference.model_copy(update={"kind": "Deployment"}),)},
        "name": {"owner_references": (reference.model_copy(update={"name": "another"}),)},
        "uid": {"owner_references": (reference.model_copy(update={"uid": "another"}),)},
        "owner": {"owner_references": (reference.model_copy(update={"controller": False}),)},
        "derived name": {"name": f"x{right.metadata.name}"},
    }
    wrong = right.model_copy(update={"metadata": right.metadata.model_copy(update=changes[what])})
    found = plan(wish, (wrong,))
    assert (found.status.completed, started(found)) == (0, [url(0)])
    assert [action for action in found.actions if isinstance(action, Delete)] == []


@pytest.mark.parametrize("phase", [VideoPhase.DOWNLOADING, VideoPhase.PENDING, VideoPhase.COMPLETED])
@pytest.mark.parametrize("changes", [{}, {"cancel": True}, {"suspend": True}, {"incremental": True}], ids=str)
def test_what_names_the_bulk_as_its_owner_under_another_name_changes_no_plan_and_is_never_touched(phase, changes):
    """It may run, wait or be on its way out: whoever made it may end it."""
    wish = bulk(1, **changes)
    other = child(wish, 0, phase=phase)
    leaving = datetime(2026, 1, 1, tzinfo=UTC)
    for deleted_at in (None, leaving):
        update = {"name": "my-own-import", "deletion_timestamp": deleted_at}
        wrong = other.model_copy(update={"metadata": other.metadata.model_copy(update=update)})
        for own in ((), (good(wish, 0),)):
            assert plan(wish, (*own, wrong)) == plan(wish, own)


def test_a_child_is_known_by_the_identity_that_its_name_ends_with():
    assert owned.child_identity("talks", child_name("talks", "", "0123456789")) == "0123456789"
    assert owned.child_identity("talks", "talks-a-title-0123456789") == "0123456789"
    for name in ("talks-x", "talks0123456789", "talksx-0123456789", "talks-a0123456789", "talks-012345678g"):
        assert owned.child_identity("talks", name) is None, name


def test_of_several_controllers_none_counts():
    right = {
        "apiVersion": "videoimport.io/v1alpha1",
        "kind": "VideoImport",
        "name": "talk",
        "uid": "u",
        "controller": True,
    }
    meta = {"namespace": "films", "name": "talk-1"}
    assert controlling_owner(meta | {"ownerReferences": [right]}) is not None
    for references in (
        [],
        None,
        [right, right],
        [right | {"controller": False}],
        [right | {"controller": "true"}],
        [{}],
    ):
        assert controlling_owner(meta | {"ownerReferences": references}) is None


# What was recorded before


def test_a_digest_is_written_before_its_page_is_stored_and_only_that_page_counts():
    wish, there = begun()
    found = look(wish, **told(there, done=True, sha256="a" * 64))
    assert collected(found)
    ((count, digest),) = found.status.page_digests.items()
    after = noted(wish, found.status)
    right = replace(page(after, 0, done=True), digest=_digest_of(found))
    assert count == "1"
    assert digest == chain_of(listing_of(wish), [right.digest])
    assert look(after, pages=(right,)).done
    forged = look(after, pages=(replace(right, digest="f" * 32),), **told(there, done=True, sha256="a" * 64))
    assert (forged.done, deleted(forged)) == (False, [right.name]), "it makes way"
    assert collected(forged)


def _digest_of(found):
    wish = collected(found)
    return page_digest(wish.manifest["data"][FACTS], wish.sha256)


def test_without_a_record_no_page_counts():
    wish = listed(status=DiscoveryStatus())
    observed = ObservedBulk(wish, pages=(page(wish, 0, done=True),))
    assert counting(observed, listing_of(wish)) == ()
    assert len(counting(proven(observed), listing_of(wish))) == 1


@pytest.mark.parametrize("spoilt", range(3))
def test_pages_before_the_one_that_is_another_still_count(spoilt):
    wish = listed()
    pages = tuple(page(wish, number, done=number == 2) for number in range(3))
    observed = proven(ObservedBulk(wish, pages=pages))
    others = tuple(replace(one, digest="f" * 32) if one.number == spoilt else one for one in pages)
    assert counting(replace(observed, pages=others), listing_of(wish)) == pages[:spoilt]
    swapped = (
        replace(pages[1], name=pages[0].name, number=0),
        replace(pages[0], name=pages[1].name, number=1),
        pages[2],
    )
    assert counting(replace(observed, pages=swapped), listing_of(wish)) == ()


@given(st.integers(1, 400), st.data())
def test_a_long_list_is_proven_by_few_digests_and_at_most_so_many_pages_are_listed_again(total, data):
    digests, recorded = [f"page {number}" for number in range(total)], {}
    for count in range(1, total + 1):
        recorded = thinned(recorded | {str(count): chain_of("list", digests[:count])}, count - 1)
    assert len(recorded) <= 2 * EVERY + 1
    assert proven_pages("list", digests, recorded) == total
    lost = data.draw(st.integers(0, total - 1))
    assert lost - EVERY < proven_pages("list", digests[:lost], recorded) <= lost
    forged = [*digests[:lost], "forged", *digests[lost + 1 :]]
    assert proven_pages("list", forged, recorded) <= lost


def test_pages_of_what_earlier_bulks_left_count_only_as_they_were_recorded():
    wish = bulk(1, retryFailed=True)
    left = (Listed("ab" * 5, "https://video.example/left.mp4"),)
    found = plan(wish, left_failed=left)
    ((number, digest),) = found.status.earlier_digests.items()
    assert number == "0"
    recorded = wish.model_copy(update={"status": found.status})
    name, owner = "talks-earlier-0", BULK
    right = replace(
        page(listed(), 0, done=True), name=name, owner=owner, listing=EARLIER, digest=digest, integration="items"
    )
    assert earlier_of(ObservedBulk(recorded, pages=(right,))) == (right,)
    assert earlier_of(ObservedBulk(recorded, pages=(replace(right, digest="f" * 32),))) == ()
    assert earlier_of(ObservedBulk(wish, pages=(right,))) == ()
