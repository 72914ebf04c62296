"""Names of children: readable, bounded, and the item's whatever its title becomes."""

import re

from hypothesis import given
from hypothesis import strategies as st

from support.core.bulk_builders import bulk, key, url
from videoimport.api.bulkimport import MAX_NAME as MAX_BULK_NAME
from videoimport.api.bulkimport_source import Item
from videoimport.api.identity import item_identity
from videoimport.api.videoimport import MAX_NAME
from videoimport.core.bulk.child_actions import build_child_name, create_child
from videoimport.core.list_item import Listed, convert_inline_item
from videoimport.core.object_names import build_child_object_name, build_job_name, build_shard_name, build_task_job_name
from videoimport.core.owned_objects import parse_child_identity

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
