"""An object is a resource's own only if namespace, kind, derived name and the whole owner reference match; what carries
authority must also be what was recorded before."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.core.bulk_builders import bulk, child, entries, good, key, plan, shard, started, url
from support.core.discovery_builders import begun, collected, deleted, listed, look, page, told
from support.core.video_builders import claim, finished, pod, running, success
from support.core.video_builders import plan as plan_video
from support.core.video_builders import started as started_video
from support.every_case import every_case
from videoimport.api.bulkimport import MAX_NAME as MAX_BULK_NAME
from videoimport.api.bulkimport_source import Item
from videoimport.api.identity import item_identity
from videoimport.api.videoimport import MAX_NAME
from videoimport.api.videoimport_status import VideoPhase
from videoimport.core import names_and_owners as owned
from videoimport.core.bulk.child_actions import build_child_name, create_child
from videoimport.core.list_item import Listed, convert_inline_item
from videoimport.core.names_and_owners import (
    build_child_object_name,
    build_job_name,
    build_shard_name,
    build_task_job_name,
    build_video_owner,
    find_controller,
    parse_child_identity,
)
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
    assert not owned.is_job_of_video(lacking(right, what), build_video_owner(wish.metadata))


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


@every_case("phase", [VideoPhase.DOWNLOADING, VideoPhase.PENDING, VideoPhase.COMPLETED])
@every_case("changes", [{}, {"cancel": True}, {"suspend": True}, {"incremental": True}])
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
    assert owned.parse_child_identity("talks", build_child_object_name("talks", "", "0123456789")) == "0123456789"
    assert owned.parse_child_identity("talks", "talks-a-title-0123456789") == "0123456789"
    for name in ("talks-x", "talks0123456789", "talksx-0123456789", "talks-a0123456789", "talks-012345678g"):
        assert owned.parse_child_identity("talks", name) is None, name


def test_of_several_controllers_none_counts():
    right = {
        "apiVersion": "videoimport.io/v1alpha1",
        "kind": "VideoImport",
        "name": "talk",
        "uid": "u",
        "controller": True,
    }
    meta = {"namespace": "films", "name": "talk-1"}
    assert find_controller(meta | {"ownerReferences": [right]}) is not None
    for references in (
        [],
        None,
        [right, right],
        [right | {"controller": False}],
        [right | {"controller": "true"}],
        [{}],
    ):
        assert find_controller(meta | {"ownerReferences": references}) is None


BULKS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", fullmatch=True)
SLUGS = st.from_regex(r"([a-z0-9]+(-[a-z0-9]+)*)?", fullmatch=True)
IDENTITIES = st.from_regex(r"[0-9a-f]{10}", fullmatch=True)


@given(BULKS, SLUGS, IDENTITIES)
def test_every_name_of_a_child_fits_and_holds_its_identity(bulk_name, slug, identity):
    name = build_child_object_name(bulk_name, slug, identity)
    assert len(name) <= MAX_NAME
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", name)
    assert name.startswith(f"{bulk_name}-")
    assert name.endswith(f"-{identity}")
    assert parse_child_identity(bulk_name, name) == identity
    assert "--" not in name.removeprefix(bulk_name)


def test_the_slug_gets_what_is_left():
    assert build_child_object_name("course", "intro", "0123456789") == "course-intro-0123456789"
    assert build_child_object_name("course", "", "0123456789") == "course-0123456789"
    assert build_child_object_name("b" * MAX_BULK_NAME, "intro", "0123456789") == "b" * MAX_BULK_NAME + "-0123456789"
    assert build_child_object_name("b" * 37, "a-b", "0123456789") == "b" * 37 + "-a-b-0123456789"
    assert build_child_object_name("b" * 38, "a-b", "0123456789") == "b" * 38 + "-a-0123456789"


def test_an_item_is_called_by_its_name_else_its_title_else_its_file():
    found = Listed(key(0), url(0), name="Übung 1", slug="a-title")
    assert build_child_name(bulk(), found) == f"talks-ubung-1-{key(0)}"
    assert build_child_name(bulk(), Listed(key(0), url(0), name="演習", slug="a-title")) == f"talks-a-title-{key(0)}"
    assert build_child_name(bulk(), Listed(key(0), url(0), slug="a-title")) == f"talks-a-title-{key(0)}"
    assert build_child_name(bulk(), Listed("ab" * 5, key="a/My film.MP4")) == "talks-my-film-ababababab"
    assert build_child_name(bulk(), convert_inline_item(Item(url="https://video.example/"))).count("-") == 1


def test_the_child_is_made_under_that_name_with_its_identity_as_a_label():
    meta = create_child(bulk(), Listed(key(0), url(0), name="Intro")).manifest["metadata"]
    assert (meta["name"], meta["labels"]["videoimport.io/item"]) == (f"talks-intro-{key(0)}", key(0))


def test_longest_names_fit_a_label():
    child = build_child_object_name("b" * MAX_BULK_NAME, "lecture", item_identity("https://video.example/a"))
    assert len(child) <= MAX_NAME
    assert len(build_job_name("v" * MAX_NAME, 9_999_999_999)) <= 63
    assert len(build_shard_name("b" * MAX_BULK_NAME, 9999)) <= 63


@given(st.from_regex(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", fullmatch=True), st.integers(1, 999), st.integers(1, 999))
def test_no_import_whatever_its_name_has_a_job_named_like_a_bulks_task_job(bulk, other, run):
    for word in ("list", "hook"):
        job = build_task_job_name(bulk, word, other)
        assert len(build_task_job_name("b" * MAX_BULK_NAME, word, 9_999_999_999)) <= 63
        assert all(build_job_name(job[:length], run) != job for length in range(1, len(job)))
        assert build_job_name(f"{bulk}-{word}", other) != job


def test_names_are_derived_and_tell_runs_apart():
    assert build_job_name("talk", 1) == build_job_name("talk", 1) != build_job_name("talk", 2)
