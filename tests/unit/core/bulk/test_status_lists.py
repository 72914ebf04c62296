"""The status stays small whatever the list, however long its words and wide its letters."""

import json
from dataclasses import replace
from functools import lru_cache

from support.core.bulk_builders import bulk, plan, shard
from support.core.discovery_builders import page
from support.core.video_builders import after, event
from support.every_case import every_case
from videoimport.api.bulkimport import FailurePolicy
from videoimport.api.bulkimport_status import BulkImportStatus, DiscoveryStatus, HostStatus, LedgerEntry
from videoimport.api.identity import item_identity
from videoimport.api.reasons import Reason
from videoimport.api.tasks.webhook_task import WebhookEvent, WebhookStatus
from videoimport.api.videoimport_status import Attempts
from videoimport.core.discovery.pages import hash_listing
from videoimport.core.list_item import Listed, RefusedItem
from videoimport.core.names_and_owners import build_bulk_owner

MANY = 2000
LETTERS = ["x", "ä", "漢", "𝒳", '"']


@lru_cache(1)
def worst(letter: str):
    """A list of pages with a long name, in which half has failed and much was rejected."""
    name = "t" * 40
    told = {
        "message": letter * 1024,
        "earlier_digests": {str(number): "d" * 32 for number in range(10**17, 10**17 + 128)},
        "discovery": DiscoveryStatus(run=9, cursor=letter * 2048, message=letter * 1024, reason=Reason.JOB_REJECTED),
        "webhook": WebhookStatus(id="m" * 64, event=WebhookEvent.FAILED, state="Failed", message=letter * 1024,
                                 attempts=Attempts(count=20, reasons=(Reason.WEBHOOK_FAILED,) * 20)),
    }  # fmt: skip
    wish = bulk(source={"playlist": {"url": "https://videos.example/list"}}, retryToken="t" * 128, meta={"name": name})
    wish = wish.model_copy(update={"status": BulkImportStatus(**told)})
    urls = [f"https://video.example/{number}/".ljust(2048, letter) for number in range(MANY)]
    items = tuple(Listed(item_identity(url), url, name=letter * 128) for url in urls)
    lines = tuple(
        RefusedItem(f"{number:010x}", Reason.UNSUPPORTED_RESOLUTION, letter * 512, letter * 128, url)
        for number, url in enumerate(urls)
    )
    empty, prefix = page(wish, 0, done=False), f"{name}-{hash_listing(wish)}"
    empty = replace(empty, items=(), rejected=())
    pages = tuple(
        replace(
            empty,
            number=number,
            name=f"{prefix}-{number}",
            uid=f"page-{number}",
            digest=f"digest of page {number}",
            cursor=f"line {2 * number + 3}",
        )
        for number in range(255)
    )
    last = replace(page(wish, 255, done=True), name=f"{prefix}-255", items=items, rejected=lines)
    long = {
        "success": False,
        "reason": Reason.UNSUPPORTED_RESOLUTION,
        "error": letter * 1024,
        "uri": letter * 2048,
        "video_id": "f" * 64,
        "attempts": 20,
        "retry_token": "t" * 128,
        "import_name": f"{name}-0123456789",
    }
    entry = LedgerEntry(url=items[0].url, name=items[0].name, **long)  # which all others are but for the number
    entries = [(item.identity, entry.model_copy(update={"url": item.url})) for item in items[: MANY // 2]]
    shards = tuple(
        shard(
            number, dict(entries[number::256]), name=f"{name}-results-{number}", owner=build_bulk_owner(wish.metadata)
        )
        for number in range(256)
    )
    hosts = tuple(HostStatus(host=f"{number}".rjust(253, "h"), state="Open", until=after(9)) for number in range(20))
    return wish, {"pages": (*pages, last), "shards": shards, "hosts": hosts}


@every_case("letter", LETTERS)
@every_case("ends", [True, False])
def test_largest_status_stays_under_64_kib_and_within_the_schema(letter, ends):
    wish, seen = worst(letter)
    seen = dict(seen)
    refusal = event("bulk-uid", "JobRejected", letter * 1024)
    if ends:
        policy = FailurePolicy(max_failed=1)
        wish = wish.model_copy(update={"spec": wish.spec.model_copy(update={"failure_policy": policy})})
    status = plan(wish, (), seen.pop("shards"), refusal=refusal, **seen).status
    assert status is not None
    assert (status.failed, status.total) == (MANY // 2, MANY)
    assert BulkImportStatus.model_validate(status.wire()) == status
    assert len(json.dumps(status.wire(), ensure_ascii=False).encode()) < 65_536
    assert len(status.results_ref) >= 200
    assert len(status.items_ref) >= 100
    if letter == "x":  # the longest that addresses really are
        assert status.results
        assert status.rejected
        assert status.accepted


def test_fifty_of_each_are_shown_where_they_are_short():
    wish = bulk(source={"playlist": {"url": "https://videos.example/list"}})
    items = tuple(Listed(item_identity(f"{n}"), f"https://video.example/{n}.mp4") for n in range(99))
    lines = tuple(RefusedItem(f"{n:010x}", Reason.NOT_VIDEO, "A picture.") for n in range(99))
    status = plan(wish, pages=(replace(page(wish, 0, done=True), items=items, rejected=lines),)).status
    assert (len(status.accepted), len(status.rejected)) == (50, 50)
    assert (status.total, status.rejected_count) == (99, 99)
