"""Kills an import at each of its calls to the destination in turn, and runs it again."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from support.worker.destinations import FOLDER, DestinationHarness, Killed, bring, place_at, task_for
from videoimport.worker.pipeline import earlier_run
from videoimport.worker.storage import video_index as index

NOTES = "in/.videoimport"


ENTRY = f"{NOTES}/index/content/v.json"


REPLACE = {"destination": {"ifExists": "Replace"}}


def visible(home: DestinationHarness) -> list[str]:
    return [key.removeprefix(FOLDER + "/") for key in home.keys if not key.startswith(NOTES)]


def kill(home: DestinationHarness, wanted: dict[str, Path], at: int, *, after: bool) -> Iterator[str]:
    """Bring files until call number ``at``; yields the record's kind as it stands then."""
    with home.dying(at, after=after) as (store, doom):
        try:
            place = place_at(store, task_for(home, **REPLACE))
            if earlier_run.done_before(place) is None:
                bring(place, wanted, (ENTRY,))
        except Killed:
            pass
        reached = doom.seen >= at
    record = f"{NOTES}/imports/new.json"
    kind = json.loads(home.read(record)).get("kind", "") if record in home.keys else "no record"
    yield f"{kind} after {doom.what}" if reached else "over"


def kill_everywhere(
    new_home: Callable[[], DestinationHarness],
    old_files: dict[str, Path],
    new_files: dict[str, Path],
    *,
    after: bool,
    resumes: bool = True,
    tidies: bool = True,
    settles: bool = True,
) -> None:
    """Kill an import at each of its calls in turn.

    ``resumes`` False: the next run may send all again; ``tidies`` False: an upload may be left; ``settles`` False: the
    note of an upload may be left.
    """
    seen = set()
    for number in range(1, 1000):
        home = new_home()
        first = home.store()
        bring(place_at(first, task_for(home, "old")), old_files)
        state = next(kill(home, new_files, number, after=after))
        if state == "over":
            break
        seen.add(state.split()[0])
        whose = json.loads(home.read(f"{FOLDER}/result.json"))["uid"] if "result.json" in visible(home) else None
        for name, path in {"old": old_files, "new": new_files}.get(whose or "", {}).items():
            assert home.read(f"{FOLDER}/{name}") == path.read_bytes(), (
                f"result.json speaks of what is not there: {state}"
            )
        assert set(visible(home)) <= {*old_files, *new_files, "result.json"}

        next_run = place_at(home.store(), task_for(home, run=2, **REPLACE))
        report = earlier_run.done_before(next_run)
        if resumes and state.startswith(("Intent", "Report")):
            assert report is not None, f"bytes would be moved again: {state}"
        if report is None:
            assert not tidies or home.unfinished == [], state
            bring(next_run, new_files, (ENTRY,))
        assert visible(home) == sorted([*new_files, "result.json"]), state
        for name, path in new_files.items():
            assert home.read(f"{FOLDER}/{name}") == path.read_bytes()
        assert not tidies or home.unfinished == [], state
        left = [] if settles else [f"{NOTES}/uploads/new.json"]
        assert [key for key in home.keys if key.startswith(NOTES) and key not in left] == [
            f"{NOTES}/imports/new.json",
            f"{NOTES}/imports/old.json",
            ENTRY,
        ], state
        assert index.look(next_run.scope, ENTRY) is not None
        for store in (first, next_run.store):
            store.close()
    assert seen == {"no", "Intent", "Report"}
