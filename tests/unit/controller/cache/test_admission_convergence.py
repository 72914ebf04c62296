"""Whatever happens when: only one probe contacts a host with an open breaker, no limit is exceeded, and all arrive."""

import random

from hypothesis import given
from hypothesis import strategies as st

from support.controller.simulated_admission import SETTINGS, SimulatedController, SimulatedHost
from support.examples import examples
from videoimport.api.videoimport_status import VideoPhase
from videoimport.core.start_limits import DEFAULT, Limits

seeds = st.integers(0, 2**32)
quick = examples(12)


def a_world(seed: int, limits: Limits = DEFAULT) -> SimulatedController:
    world = SimulatedController(random.Random(seed), limits)
    world.sites |= {
        "angry.example": SimulatedHost(angry=0.6),
        "sore.example": SimulatedHost(angry=0.3),
        "calm.example": SimulatedHost(),
    }
    for number in range(12):
        world.video(f"v{number}", ("angry.example", "sore.example", "calm.example")[number % 3], f"ns{number % 2}")
    return world


def stormy(world: SimulatedController, steps: int = 200, *, users: bool = True) -> None:
    for _ in range(steps):
        world.storm()
        if world.dice.random() < 0.03:
            world.restart()
        videos = [key for key in world.objects if key[0] == "VideoImport"]
        if users and world.dice.random() < 0.05 and len(videos) > 6:
            key = world.dice.choice(videos)
            whim = world.dice.random()
            if whim < 0.1:
                world.remove(*key)
            else:
                world.wish(key, **({"cancel": True} if whim < 0.2 else {"suspend": world.dice.random() < 0.5}))


def settle(world: SimulatedController) -> None:
    """The sites answer again, and nobody is suspended."""
    for site in world.sites.values():
        site.angry, site.most = 0.0, None
    for key in [key for key, raw in world.objects.items() if key[0] == "VideoImport" and raw["spec"].get("suspend")]:
        world.wish(key, suspend=False)
    world.calm()


@quick
@given(seeds)
def test_all_arrive_once_their_hosts_answer_and_nothing_fails_for_them(seed):
    world = a_world(seed)
    stormy(world)
    settle(world)
    for video in world.videos():
        wanted = VideoPhase.CANCELLED if video.spec.cancel else VideoPhase.COMPLETED
        assert video.status.phase in (wanted, VideoPhase.COMPLETED), video.status


@quick
@given(seeds)
def test_a_try_that_fails_doubles_the_backoff_and_other_hosts_do_not_notice(seed):
    world = a_world(seed)
    stormy(world, 300, users=False)
    for _, failures, backoff in world.backoffs:
        assert backoff >= min(SETTINGS.host_backoff * 2 ** (failures - 1), SETTINGS.host_backoff_max)
    for video in world.videos():
        if "calm.example" in str(video.spec.source.url):
            assert video.status.host_backoff is None
    settle(world)


@quick
@given(seeds)
def test_limits_hold_at_every_moment_and_everybody_gets_a_turn(seed):
    world = a_world(seed, Limits(cluster=3, namespace=2))
    stormy(world)
    settle(world)
    assert world.most_live <= 3
    assert all(video.status.phase in (VideoPhase.COMPLETED, VideoPhase.CANCELLED) for video in world.videos())


@quick
@given(seeds)
def test_it_comes_to_rest_and_a_new_controller_finds_nothing_to_do(seed):
    world = a_world(seed, Limits(cluster=4))
    stormy(world, users=False)
    settle(world)
    world.restart()
    before = world.version
    world.calm()
    assert world.version == before
