"""Pages as they are read, and what their ConfigMaps say."""

import json

from support.core.discovery_builders import listed
from videoimport.api.reasons import Reason
from videoimport.api.tasks.listing_task import FoundItem, Known, PageFacts, PageLine, RejectedLine
from videoimport.core.discovery.pages import build_page_manifest, hash_listing
from videoimport.core.list_item import LINES, RefusedItem
from videoimport.core.observed_parsers import parse_page


def stored(*lines: str, **facts) -> dict:
    manifest = build_page_manifest(listed(), hash_listing(listed()), 3, PageFacts(**facts))
    return {
        **manifest,
        "metadata": manifest["metadata"] | {"uid": "u"},
        "data": manifest["data"] | {LINES: "".join(f"{line}\n" for line in lines)},
    }


def line(**fields) -> str:
    return PageLine(**fields).model_dump_json(by_alias=True, exclude_none=True)


def test_a_page_is_read_as_it_was_made():
    item = FoundItem(id="0123456789", key="a/b.mp4", name="b", metadata={"year": 2026}, known=Known(uri="s3://m/b"))
    refused = RejectedLine(reason=Reason.NOT_VIDEO, message="a picture", url="s3://tapes/c.jpg")
    view = parse_page(stored(line(found=item), line(rejected=refused), cursor="b.mp4"))
    assert (view.number, view.listing, view.cursor, view.done) == (3, hash_listing(listed()), "b.mp4", False)
    (found,) = view.items
    assert (found.identity, found.key, found.metadata, found.known) == (
        "0123456789",
        "a/b.mp4",
        {"year": 2026},
        Known(uri="s3://m/b"),
    )
    assert [(one.reason, one.url) for one in view.rejected] == [(Reason.NOT_VIDEO, "s3://tapes/c.jpg")]


def test_an_empty_last_page():
    view = parse_page(stored(done=True))
    assert (view.items, view.rejected, view.done) == ((), (), True)


def test_a_line_that_cannot_be_read_is_rejected_and_the_rest_goes_on():
    good = line(found=FoundItem(id="0123456789", url="https://video.example/1.mp4"))
    neither = '{"page":1,"found":{"id":"0123456789"}}'
    view = parse_page(stored('{"page":1,"found":{"id":"not hex"}}', good, neither, '{"page":1}'))
    assert len(view.items) == 1
    assert view.rejected == tuple(
        RefusedItem(None, Reason.INTERNAL, f"line {number} of the page cannot be read") for number in (1, 3, 4)
    )


def test_lines_end_at_newlines_only():
    odd = {"note": "a\u2028b\x85c"}
    found = {"id": "0123456789", "url": "https://video.example/a.mp4", "metadata": odd}
    view = parse_page(stored(json.dumps({"page": 1, "found": found}, ensure_ascii=False)))
    assert [item.metadata for item in view.items] == [{"note": "a\nb\nc"}]


def test_a_page_that_says_nothing_of_itself_is_of_no_listing():
    raw = stored()
    assert parse_page({**raw, "data": {}}).listing == ""
    assert parse_page({**raw, "data": {"page.json": "broken"}}).listing == ""


def test_a_page_belongs_to_its_bulk_and_is_sealed():
    manifest = build_page_manifest(listed(), "0a1b2c3d", 0, PageFacts(done=True))
    assert manifest["metadata"]["name"] == "talks-0a1b2c3d-0"
    assert manifest["immutable"] is True
    (owner,) = manifest["metadata"]["ownerReferences"]
    assert (owner["uid"], owner["controller"]) == ("bulk-uid", True)
