"""Who may store a video, and what stands for it: against a store in memory that knows conditions, time by hand."""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from videoimport.api.destination import Destination
from videoimport.api.output_options import Output
from videoimport.api.videoimport_status import OutputFile, Outputs
from videoimport.worker.storage import video_index as index
from videoimport.worker.storage.base import Content, Facts, Proof, UnmetError
from videoimport.worker.storage.record_checks import Scope, StoredObject
from videoimport.worker.storage.video_index import CLOCKS_DIFFER, LEASE, Claim, Claimed, Committed

KEY = "in/.videoimport/index/content/x.json"
VIDEO = "in/clip/video.mp4"
START = datetime(2026, 8, 1, tzinfo=UTC)


class Memory:
    """Small objects with versions."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.owner = "one"
        """Of every object."""

    def uri(self, key: str) -> str:
        return f"s3://b/{key}"

    def read(self, key: str) -> Content | None:
        body = self.objects.get(key)
        return None if body is None else Content(body, hashlib.sha256(body).hexdigest())

    def head(self, key: str) -> Facts | None:
        body = self.objects.get(key)
        if body is None:
            return None
        return Facts(len(body), None, {"videoimport-uid": self.owner}, hashlib.sha256(body).hexdigest())

    def write(self, key: str, body: bytes, metadata: Mapping[str, str], *, shown: bool = False) -> None:
        self.objects[key] = body

    def write_if(self, key: str, body: bytes, version: str | None) -> str:
        standing = self.read(key)
        if (standing.version if standing else None) != version:
            raise UnmetError
        self.objects[key] = body
        return hashlib.sha256(body).hexdigest()


class Clock:
    def __init__(self) -> None:
        self.now = START
        self.waits: list[float] = []

    def __call__(self) -> datetime:
        return self.now

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def store(memory: Memory) -> Scope:
    return Scope(cast("Any", memory), destination())


def claim(memory: Memory, uid: str, clock: Clock, wait: Any = None) -> Claim | Committed:
    return index.claim(store(memory), KEY, uid, clock, wait or clock.wait)


def claimed(memory: Memory, uid: str, clock: Clock) -> Claim:
    got = claim(memory, uid, clock)
    assert isinstance(got, Claim)
    return got


def stored(memory: Memory, uid: str) -> Committed:
    memory.objects[VIDEO] = b"video"
    outputs = Outputs(video=OutputFile(uri=f"s3://b/{VIDEO}", size_bytes=5, verified="MD5"))
    facts = memory.head(VIDEO)
    assert facts is not None
    sha256 = hashlib.sha256(b"video").hexdigest()
    return Committed(uid=uid, objects=(StoredObject.of(VIDEO, Proof(facts, "MD5"), sha256, uid),), outputs=outputs)


def test_the_first_claims_and_the_second_waits_until_it_is_committed(memory: Memory, clock: Clock) -> None:
    claimed(memory, "one", clock)

    def wait(seconds: float) -> None:
        clock.wait(seconds)
        if len(clock.waits) == 3:
            index.commit(store(memory), KEY, stored(memory, "one"), clock())

    assert claim(memory, "two", clock, wait) == stored(memory, "one")
    assert len(clock.waits) == 3


def test_another_videos_entry_in_the_place_of_ours_is_as_good_as_none(memory: Memory, clock: Clock) -> None:
    index.commit(store(memory), KEY, stored(memory, "one").model_copy(update={"source_sha256": "a" * 64}), clock())
    ours, theirs = (
        index.claim(store(memory), KEY, "two", clock, clock.wait, source_sha256=digit * 64) for digit in "ab"
    )
    assert isinstance(ours, Committed)
    assert isinstance(theirs, Claim)
    assert clock.waits == []


def test_a_claim_that_nobody_renews_is_taken_over(memory: Memory, clock: Clock) -> None:
    first = claimed(memory, "one", clock)
    claimed(memory, "two", clock)
    assert clock() == START + LEASE
    with pytest.raises(UnmetError):
        first.renew()


def test_a_claim_that_is_renewed_is_not(memory: Memory, clock: Clock) -> None:
    first = claimed(memory, "one", clock)

    class EnoughError(Exception): ...

    def wait(seconds: float) -> None:
        clock.wait(seconds)
        if clock() > START + 5 * LEASE:
            raise EnoughError
        first.renew()

    with pytest.raises(EnoughError):
        claim(memory, "two", clock, wait)


def test_a_renewal_whose_answer_was_lost_goes_on(memory: Memory, clock: Clock) -> None:
    """The library asks again, and the store refuses the version that the first asking replaced."""
    first = claimed(memory, "one", clock)
    before = first.version
    clock.wait(60)
    first.renew()
    first.version = before
    clock.wait(60)
    first.renew()
    with pytest.raises(TimeoutError):
        claim(memory, "two", clock, until(clock, START + timedelta(minutes=5)))
    first.renew()


def until(clock: Clock, moment: datetime) -> Any:
    """A wait that gives up a moment before that one."""

    def wait(seconds: float) -> None:
        if clock() + timedelta(seconds=seconds) >= moment:
            raise TimeoutError
        clock.wait(seconds)

    return wait


def test_a_released_claim_is_free_at_once(memory: Memory, clock: Clock) -> None:
    claimed(memory, "one", clock).release()
    claimed(memory, "two", clock)
    assert clock() == START


def test_an_import_takes_over_its_own_earlier_claim(memory: Memory, clock: Clock) -> None:
    claimed(memory, "one", clock)
    claimed(memory, "one", clock)
    assert clock() == START


def test_a_hit_needs_its_objects(memory: Memory, clock: Clock) -> None:
    index.commit(store(memory), KEY, stored(memory, "one"), clock())
    assert index.look(store(memory), KEY) is not None
    memory.objects[VIDEO] = b"another one"
    assert index.look(store(memory), KEY) is None
    del memory.objects[VIDEO]
    assert index.look(store(memory), KEY) is None
    claimed(memory, "two", clock)


def test_a_commit_respects_a_living_claim_and_a_standing_video(memory: Memory, clock: Clock) -> None:
    """As of an import that is not incremental, beside one that is."""
    claimed(memory, "one", clock)
    index.commit(store(memory), KEY, stored(memory, "other"), clock())
    assert index.look(store(memory), KEY) is None
    index.commit(store(memory), KEY, stored(memory, "one"), clock())
    index.commit(store(memory), KEY, stored(memory, "other"), clock())
    found = index.look(store(memory), KEY)
    assert found is not None
    assert found.uid == "one"


def test_a_commit_is_not_lost_to_a_renewal_in_the_same_moment(memory: Memory, clock: Clock) -> None:
    got = claimed(memory, "one", clock)
    real = memory.write_if

    def write_if(key: str, body: bytes, version: str | None) -> str:
        memory.write_if = real  # type: ignore[method-assign]
        clock.wait(1)
        got.renew()
        return real(key, body, version)

    memory.write_if = write_if  # type: ignore[method-assign]
    index.commit(store(memory), KEY, stored(memory, "one"), clock())
    assert index.look(store(memory), KEY) is not None


@pytest.mark.parametrize("content", [b"", b"{}", b"no JSON", b'{"kind": "Claimed"}'])
def test_an_entry_nobody_can_read_is_nobodys(memory: Memory, clock: Clock, content: bytes) -> None:
    memory.objects[KEY] = content
    claimed(memory, "one", clock)


def test_a_claim_kept_is_released_when_its_import_fails(memory: Memory, clock: Clock) -> None:
    got = claimed(memory, "one", clock)
    with pytest.raises(ValueError, match="failed"), got.kept():
        raise ValueError("failed")
    claimed(memory, "two", clock)
    assert clock() == START


def test_a_store_that_overlooks_conditions_tells_who_wrote_last(memory: Memory, clock: Clock) -> None:
    def write_if(key: str, body: bytes, version: str | None) -> str:
        memory.objects[key] = body
        if clock() == START:
            memory.objects[key] = body.replace(b'"two"', b'"one"')
        return hashlib.sha256(body).hexdigest()

    memory.write_if = write_if  # type: ignore[method-assign]
    claim(memory, "two", clock)
    assert clock() >= START + LEASE, "the other's claim was waited for"


def times() -> Iterator[datetime]:
    yield from (START, START + LEASE)


def test_only_the_expiry_makes_a_foreign_claim_free() -> None:
    entry = Claimed(uid="one", expires=START + LEASE)
    assert [index.is_free(entry, "two", now) for now in times()] == [False, True]
    assert index.is_free(entry, "one", START)


def destination(folder: str | None = None) -> Destination:
    return Destination.model_validate(
        {"s3": {"bucket": "videos", "prefix": "in"}, **({"folder": folder} if folder else {})}
    )


def test_keys_tell_wishes_apart() -> None:
    small = Output.model_validate({"video": {"maxHeight": 360}})
    keys = {
        index.source_key(destination(folder), identity, output)
        for folder in (None, "a")
        for identity in ("youtube dQw4", "url https://e.com/v.mp4 etag")
        for output in (Output(), small)
    }
    assert len(keys) == 8
    assert index.content_key(destination(), "v") == "in/.videoimport/index/content/v.json"
    assert all(key.startswith("in/.videoimport/index/source/") for key in keys)


@pytest.mark.parametrize("late", [LEASE + CLOCKS_DIFFER + timedelta(seconds=1), timedelta(days=300_000)])
def test_a_claim_for_longer_than_any_import_claims_is_nobodys(memory: Memory, clock: Clock, late: timedelta) -> None:
    planted = Claimed(uid="other", expires=START + late)
    memory.objects[KEY] = planted.model_dump_json(by_alias=True).encode()
    claimed(memory, "two", clock)
    assert clock() == START


def test_a_claim_that_does_not_change_for_a_lease_has_run_out(memory: Memory, clock: Clock) -> None:
    planted = Claimed(uid="other", expires=START + LEASE + CLOCKS_DIFFER)
    memory.objects[KEY] = planted.model_dump_json(by_alias=True).encode()
    claimed(memory, "two", clock)
    assert clock() == START + LEASE


def test_an_object_of_another_owner_or_with_other_bytes_is_no_hit(memory: Memory, clock: Clock) -> None:
    index.commit(store(memory), KEY, stored(memory, "one"), clock())
    memory.owner = "other"
    assert index.look(store(memory), KEY) is None
    memory.owner = "one"
    assert index.look(store(memory), KEY) is not None
    memory.objects[VIDEO] = b"VIDEO"
    assert index.look(store(memory), KEY) is None
