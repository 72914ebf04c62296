"""Keys in the bucket, whatever a title holds."""

import hashlib
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from videoimport.api.destination import Destination
from videoimport.api.reasons import Reason
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.storage.keys import (
    MOST_NAME_BYTES,
    MOST_SAME_NAMES,
    Names,
    folder_key,
    folder_keys,
    folder_name,
    needs_source,
    record_key,
    safe,
)

URL = "https://example.com/v.mp4"
DIGEST = hashlib.sha256(URL.encode()).hexdigest()[:8]


def destination(**more: Any) -> Destination:
    s3 = {"bucket": "videos", **more.pop("s3", {})}
    return Destination.model_validate({"s3": s3, **more})


def name(template: str | None, **known: Any) -> str:
    return folder_name(destination(**({"name": template} if template else {})), Names("clip", URL, **known))


def test_a_folder_is_named_like_the_resource_by_default() -> None:
    assert name(None) == "clip"


def test_placeholders_stand_for_what_is_known() -> None:
    assert name("{name}-{sourceId}-{hash}", source_id="abc") == f"clip-abc-{DIGEST}"
    assert name("{title}-{hash}", title="A Talk, on Things") == f"a-talk-on-things-{DIGEST}"


def test_what_the_source_does_not_tell_falls_back() -> None:
    assert name("{title}") == "clip"
    assert name("{sourceId}") == DIGEST


@pytest.mark.parametrize("title", ["../../etc/passwd", "..", "/", "a/b", "a\\b", ".hidden", "x\x00y\x1fz", " \t\n"])
def test_a_title_never_leaves_its_folder(title: str) -> None:
    found = name("{title}", title=title)
    assert found
    assert not found.startswith(".")
    assert not set(found) & set("/\\\x00\x1f\n\t")


@pytest.mark.parametrize("title", ["Über uns", "日本語の動画", "Видео", "عربي"])
def test_any_script_is_kept(title: str) -> None:
    assert unicodedata.normalize("NFC", title).lower().replace(" ", "-") == name("{title}", title=title)


@given(some.text(max_size=400), some.text(max_size=400))
def test_every_title_and_id_gives_a_safe_bounded_name(title: str, source_id: str) -> None:
    found = name("{title}{sourceId}{name}", title=title, source_id=source_id)
    assert 0 < len(found.encode()) <= MOST_NAME_BYTES
    assert "/" not in found
    assert found not in (".", "..")
    assert all(unicodedata.category(letter) != "Cc" for letter in found)


@given(some.text(max_size=300), some.integers(1, 200))
def test_safe_text_is_cut_between_letters(text: str, limit: int) -> None:
    assert len(safe(text, limit).encode()) <= limit


def test_an_unknown_placeholder_is_named() -> None:
    older = destination().model_copy(update={"name": "{author}"})
    with pytest.raises(ImportFailure) as caught:
        folder_name(older, Names("clip", URL))
    assert caught.value.reason is Reason.INVALID_SPEC
    assert "{author}" in caught.value.message


def test_keys() -> None:
    wish = destination(s3={"prefix": "in/put"}, folder="root/my folder")
    assert folder_key(wish, "clip") == "in/put/root/my folder/clip"
    assert record_key(wish, "uid") == "in/put/.videoimport/imports/uid.json"
    assert folder_key(destination(), "clip") == "clip"
    assert record_key(destination(), "uid") == ".videoimport/imports/uid.json"


def test_a_key_no_store_takes_is_refused_before_anything_else() -> None:
    with pytest.raises(ImportFailure, match="1024"):
        folder_key(destination(s3={"prefix": "é" * 479}), "clip" * 30)


@pytest.mark.parametrize(
    ("template", "needs"), [(None, False), ("{name}-{hash}", False), ("{title}", True), ("{sourceId}", True)]
)
def test_only_titles_and_ids_wait_for_the_source(template: str | None, needs: bool) -> None:
    assert needs_source(destination(**({"name": template} if template else {}))) is needs


def test_the_folders_beside_a_folder_have_the_next_numbers() -> None:
    found = [*folder_keys(destination(s3={"prefix": "in"}, folder="root"), "clip")]
    assert found[:3] == ["in/root/clip", "in/root/clip-2", "in/root/clip-3"]
    assert (found[-1], len(found)) == (f"in/root/clip-{MOST_SAME_NAMES}", MOST_SAME_NAMES)


@given(some.text("ab-. é", min_size=1, max_size=300), some.booleans())
def test_a_numbered_folder_is_as_long_as_any_and_no_two_are_the_same(text: str, on_volume: bool) -> None:
    claim = {"s3": None, "persistentVolumeClaim": {"claimName": "media"}}
    where = Destination.model_validate(claim) if on_volume else destination()
    name = safe(text, 255) or "clip"
    found = [*folder_keys(where, name)]
    assert len(set(found)) == MOST_SAME_NAMES
    assert found[0] == name
    assert all(len(key.encode()) <= 255 for key in found) or not on_volume
    assert all(key.endswith(f"-{number}") for number, key in enumerate(found[1:], start=2))
    assert "/" not in "".join(found)
