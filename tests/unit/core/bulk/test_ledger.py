"""Results in shards: put in the fewest writes, bounded in size, right even when read back half-way."""

from dataclasses import replace

from support.core.bulk_builders import bad, bulk, child, edited, entries, entry, good, key, kinds, plan, recorded, shard
from support.core.video_builders import SETTINGS, URI
from videoimport.api.bulkimport_source import MAX_ITEMS, Item
from videoimport.api.bulkimport_status import LedgerEntry
from videoimport.api.reasons import Reason
from videoimport.core.bulk.ledger import MAX_GROWN_BYTES, MAX_SHARD_BYTES, plan_ledger_writes, read_ledger
from videoimport.core.plan import Create, Patch

SMALL = replace(SETTINGS, shard_size=2)


def an_entry(number, **fields):
    return LedgerEntry(url=f"https://video.example/{number}", success=True, import_name=f"talks-{number}", **fields)


def test_entry_tells_how_a_child_succeeded():
    wish = bulk(1)
    made = entry(good(wish, 0), Item(url="https://u:p@video.example/0.mp4?token=s3cret&part=1", name="Opening"))
    assert (made.success, made.name, made.uri, made.attempts) == (True, "Opening", URI, 1)
    assert (made.reason, made.error, made.bytes_in, made.bytes_out) == (None, None, 10, 4)
    assert made.url == "https://video.example/0.mp4?part=1"


def test_entry_tells_how_a_child_failed():
    made = entry(bad(bulk(1, retryToken="b"), 0), Item(url="https://video.example/0.mp4"))
    assert (made.success, made.reason, made.error) == (False, Reason.NOT_VIDEO, "Item 0 is none.")
    assert (made.retry_token, made.bytes_in, made.bytes_out) == ("b", 0, 0)


def test_an_entry_is_written_without_secrets_whatever_it_was_made_of():
    made = an_entry(1, error="Get https://ann:c4nary@h.example/?token=c4nary: refused\x1b[2J")
    assert "c4nary" not in made.model_dump_json()
    assert "\\u001b" not in made.model_dump_json()


def test_longest_url_still_makes_an_entry():
    url = "https://video.example/?" + "ä=1&" * 400 + "token=x"
    assert len(entry(good(bulk(1), 0), Item(url=url)).url) <= 2048


def test_first_results_make_the_first_shard():
    wish = bulk(3)
    found = plan(wish, (good(wish, 0), bad(wish, 1)))
    manifest = found.actions[0].manifest
    meta = manifest["metadata"]
    assert (manifest["kind"], meta["name"], meta["namespace"]) == ("ConfigMap", "talks-results-0", "films")
    assert meta["labels"]["videoimport.io/bulk"] == "talks"
    assert meta["labels"]["videoimport.io/shard"] == "0"
    assert meta["ownerReferences"][0]["uid"] == wish.metadata.uid
    read = {identity: LedgerEntry.model_validate_json(text) for identity, text in manifest["data"].items()}
    assert read == entries(good(wish, 0), bad(wish, 1))


def test_all_results_of_a_sync_are_one_patch():
    wish = bulk(4)
    seen = (good(wish, 0), good(wish, 1), bad(wish, 2))
    found = plan(wish, seen, recorded(good(wish, 0)))
    assert kinds(found) == ["Patch ConfigMap", "Create VideoImport"]
    assert found.actions[0].uid == "shard-0"
    assert found.actions[0].patch["data"].keys() == {key(1), key(2)}


def test_result_that_stands_is_not_written_again():
    wish = bulk(2)
    seen = (good(wish, 0), bad(wish, 1))
    assert plan(wish, seen, recorded(*seen)).actions == ()


def test_result_that_differs_is_corrected_where_it_stands():
    wish = bulk(1)
    found = plan(wish, (good(wish, 0),), (shard(0, {}), shard(1, entries(bad(wish, 0)))))
    assert [(type(action), action.name) for action in found.actions] == [(Patch, "talks-results-1")]


def test_renamed_item_is_corrected_too():
    wish = bulk(1)
    items = [{"url": wish.spec.source.items[0].url, "name": "Opening"}]
    assert kinds(plan(edited(wish, source={"items": items}), (good(wish, 0),), recorded(good(wish, 0)))) == [
        "Patch ConfigMap"
    ]


def test_full_shards_make_room_for_new_ones():
    wish = bulk(5)
    children = tuple(good(wish, number) for number in range(5))
    found = plan(wish, children, recorded(children[0]), settings=SMALL)
    assert kinds(found) == ["Patch ConfigMap", "Create ConfigMap", "Create ConfigMap"]
    sizes = [len(found.actions[0].patch["data"])] + [len(action.manifest["data"]) for action in found.actions[1:]]
    assert sizes == [1, 2, 1]


def test_shard_is_full_by_bytes_as_well():
    long = {str(number): an_entry(number, error="ä" * 1024, uri="s3://b/" + "ü" * 2000) for number in range(300)}
    actions = plan_ledger_writes(bulk(), (), long, shard_size=500)
    sizes = [sum(len(text.encode()) for text in action.manifest["data"].values()) for action in actions]
    assert len(actions) > 1
    assert max(sizes) <= MAX_SHARD_BYTES


def test_new_shard_never_takes_the_name_of_a_vanishing_one():
    wish = bulk(1)
    vanishing = shard(3, entries(good(wish, 0)), deleting=True)
    found = plan(wish, (good(wish, 0),), (vanishing,))
    assert isinstance(found.actions[0], Create)
    assert found.actions[0].manifest["metadata"]["name"] == "talks-results-4"


def test_what_stands_in_a_vanishing_shard_does_not_count():
    assert read_ledger((shard(0, {"a": an_entry(0)}, deleting=True),)) == {}


def test_item_in_two_shards_has_its_later_result():
    first, second = an_entry(0), an_entry(0, attempts=2)
    assert read_ledger((shard(0, {"a": first}), shard(1, {"a": second}))) == {"a": second}
    found = plan_ledger_writes(bulk(), (shard(0, {"a": first}), shard(1, {"a": second})), {"a": second}, 500)
    assert [(action.name, action.patch["data"].keys()) for action in found] == [
        ("talks-results-0", {"a"}),
        ("talks-results-1", {"a"}),
    ]
    assert found[0].patch["data"] == {"a": None}


def test_nothing_new_nothing_written():
    assert plan_ledger_writes(bulk(), (shard(0, {}),), {}, 500) == ()


def test_child_that_restarts_keeps_its_old_entry_until_it_ends_again():
    old = bulk(1)
    wish = edited(old, retryToken="b")
    found = plan(wish, (child(wish, 0),), recorded(bad(old, 0)))
    assert found.actions == ()
    assert (found.status.failed, found.status.active) == (0, 1)


def test_largest_list_fits_its_references():
    news = {str(number): an_entry(number, uri="s3://b/" + "ü" * 2000, error="ä" * 1024) for number in range(MAX_ITEMS)}
    assert len(plan_ledger_writes(bulk(), (), news, SETTINGS.shard_size)) <= 64


LONGEST = {"uri": "s3://b/" + "ü" * 2000, "error": "ä" * 1024}


def put_into(shards, actions):
    """The shards after the writes, as the API server would hold them."""
    held = {one.name: dict(one.entries) for one in shards}
    for action in actions:
        data = action.patch["data"] if isinstance(action, Patch) else action.manifest["data"]
        name = action.name if isinstance(action, Patch) else action.manifest["metadata"]["name"]
        for identity, text in data.items():
            held.setdefault(name, {})[identity] = text and LedgerEntry.model_validate_json(text)
    kept = {name: {k: v for k, v in found.items() if v} for name, found in held.items()}
    return tuple(shard(number, kept[name]) for number, name in enumerate(sorted(kept)))


def bytes_of(one):
    return sum(len(entry.model_dump_json(by_alias=True, exclude_none=True).encode()) for entry in one.entries.values())


def test_entries_that_outgrow_their_shard_move_and_every_shard_stays_within_bounds():
    short = (shard(0, {f"{number:03}": an_entry(number, error="no") for number in range(500)}),)
    long = {f"{number:03}": an_entry(number, **LONGEST) for number in range(500)}
    after_one = put_into(short, plan_ledger_writes(bulk(), short, long, 500))
    assert read_ledger(after_one) == long
    assert max(map(bytes_of, after_one)) <= MAX_GROWN_BYTES
    moved = plan_ledger_writes(bulk(), after_one, {}, 500)
    assert all(isinstance(action, Patch) and set(action.patch["data"].values()) == {None} for action in moved)
    after_two = put_into(after_one, moved)
    assert read_ledger(after_two) == long
    assert sum(len(one.entries) for one in after_two) == 500
    assert plan_ledger_writes(bulk(), after_two, {}, 500) == ()


def test_moved_entry_never_goes_where_an_older_one_would_count():
    roomy, full = shard(0, {}), shard(1, {"a": an_entry(0)}, size=MAX_GROWN_BYTES)
    found = plan_ledger_writes(bulk(), (roomy, full), {"a": an_entry(0, **LONGEST)}, 500)
    assert [action.manifest["metadata"]["name"] for action in found] == ["talks-results-2"]


def test_what_cannot_be_read_takes_room_too():
    full = shard(0, {}, size=MAX_SHARD_BYTES)
    assert kinds_of(plan_ledger_writes(bulk(), (full,), {"a": an_entry(0)}, 500)) == [Create]


def test_sealed_shard_is_read_and_never_written():
    sealed, later = shard(0, {"a": an_entry(0)}, immutable=True), shard(1, {"a": an_entry(0, attempts=2)})
    assert kinds_of(plan_ledger_writes(bulk(), (sealed,), {"a": an_entry(0, attempts=2), "b": an_entry(1)}, 500)) == [
        Create
    ]
    assert plan_ledger_writes(bulk(), (sealed, later), {}, 500) == ()


def kinds_of(actions):
    return [type(action) for action in actions]
