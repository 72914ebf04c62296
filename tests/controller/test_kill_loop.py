"""The controller is killed after every single write of a story, and nothing is lost or done twice.

`make test` kills it after every second and third write, `make full-test` after every write.
"""

import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.controller.api_server import ApiServer, Raw
from support.controller.api_server_proxy import KillAfter
from support.controller.scenarios import (
    BesideSidecars,
    BulkOfThree,
    Listing,
    Pause,
    Scenario,
    ScenarioRun,
    UploadDeadline,
    UploadSessions,
    WebhookDelivery,
)
from support.portion import repetitions

MOST_WRITES = 200
"""Far more than any story may take: the loop must end."""
AT_ONCE = 6
"""Lives lived side by side, each with a controller that sees its own namespace only: most of a life is waiting."""
KILL_POINTS = {
    "bulk-of-three": (BulkOfThree(), 12),
    "pause": (Pause(), 10),
    "told": (WebhookDelivery(), 8),
    "beside-sidecars": (BesideSidecars(), 7),
    "listing": (Listing(), 10),
    "upload-sessions": (UploadSessions(), 14),
    "upload-deadline": (UploadDeadline(), 7),
}
"""Each story with the least number of writes that it must have been killed after."""
UNHEARD = ("pause", "listing", "upload-sessions")
"""Stories whose unheard writes `make test` tries too."""


def live(api: ApiServer, tmp_path: Path, story: Scenario, kill: KillAfter, wanted: Raw | None) -> tuple[Raw, int]:
    with api.namespace(f"kill-{uuid.uuid4().hex[:8]}") as namespace:
        return ScenarioRun(api, namespace, tmp_path / f"{namespace}.log", story).settle(kill, wanted)


@pytest.mark.full(but=["after-the-answer-*", *(f"before-the-answer-{name}" for name in UNHEARD)])
@pytest.mark.parametrize("name", KILL_POINTS)
@pytest.mark.parametrize("answer_arrives", [False, True], ids=["before-the-answer", "after-the-answer"])
def test_killed_after_any_write_everything_ends_the_same(
    api: ApiServer, tmp_path: Path, answer_arrives: bool, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    story, least = KILL_POINTS[name]
    # What was written stands in both cases; that the controller did not hear of it is tried for fewer writes.
    step = repetitions("writes between two kills", *((2, 1) if answer_arrives else (3, 2)))
    undisturbed, writes = live(api, tmp_path, story, KillAfter(MOST_WRITES, answer_arrives), None)
    assert story.ends_well(undisturbed)

    def killed_after(k: int) -> KillAfter:
        kill = KillAfter(k, answer_arrives)
        live(api, tmp_path, story, kill, undisturbed)
        return kill

    kills: list[KillAfter] = []
    with ThreadPoolExecutor(AT_ONCE) as lives:
        while all(kill.happened.is_set() for kill in kills):  # until a life was over before its k-th write
            first = 1 + step * len(kills)
            kills += lives.map(killed_after, range(first, first + step * AT_ONCE, step))
    killed = [f"{kill.k} {kill.last}" for kill in kills if kill.happened.is_set()]
    with capsys.disabled():
        print(f"\n{name}: {len(killed)} kill points ({writes} writes undisturbed): {', '.join(killed)}")
    assert len(killed) >= least // step
