"""A bulk in embedded mode is killed with SIGKILL at random moments and run again until it ends by itself.

The moments are random, but the same for the same seed; a moment is a number of imported items and a part of a second.
VIDEOIMPORT_TEST_SEED sets another seed, and VIDEOIMPORT_TEST_EMBEDDED_ITEMS another number of items.
"""

import json
import os
import random
import sqlite3
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.fake_source_site import FakeSourceSite, file
from support.waiting import LONGEST_SECONDS, until
from support.worker.cli_harness import LOOPBACK, Terminal
from support.worker.small_clips import make_small_clips
from support.worker.worker_harness import descendants, is_alive

ITEMS = int(os.environ.get("VIDEOIMPORT_TEST_EMBEDDED_ITEMS", "12"))
SEED = int(os.environ.get("VIDEOIMPORT_TEST_SEED", "9"))
KILLS = 3


@pytest.fixture
def manifest(terminal: Terminal, site: FakeSourceSite, tmp_path: Path) -> Path:
    """A BulkImport of different clips."""
    items = []
    for number, clip in enumerate(make_small_clips(tmp_path / "clips", ITEMS)):
        items.append({"name": f"c{number}", "url": site.add(f"/c{number}.mp4", file(clip))})
    template = {"requirements": {"minHeight": 100}, "output": {"video": {"preset": "ultrafast"}}}
    document = {
        "apiVersion": "videoimport.io/v1alpha1",
        "kind": "BulkImport",
        "metadata": {"name": "many"},
        "spec": {"source": {"items": items}, "template": template},
    }
    path = terminal.manifests / "many.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


def list_moments() -> Iterator[tuple[int, float]]:
    """Yield the number of imported items and the further seconds at which each run is killed."""
    chance = random.Random(SEED)
    for done in sorted(chance.sample(range(ITEMS - 2), KILLS)):
        yield done, chance.uniform(0.0, 1.5)


def list_results(terminal: Terminal) -> set[Path]:
    return set(terminal.manifests.glob("*/result.json"))


def list_ledgers(terminal: Terminal) -> list[dict[str, Any]]:
    """The data of the ConfigMaps with results, by item, from the state file."""
    [path] = (terminal.manifests / ".videoimport-state").glob("*.db")
    with sqlite3.connect(path) as database:
        bodies = [json.loads(body) for [body] in database.execute("SELECT body FROM objects WHERE kind = 'ConfigMap'")]
    return [body["data"] for body in bodies if "videoimport.io/shard" in body["metadata"]["labels"]]


def find_ours(terminal: Terminal) -> list[int]:
    """The living processes whose environment names the folder for temporary files of this test."""
    mark = str(terminal.temporary).encode()
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and mark in (folder / "environ").read_bytes() and is_alive(int(folder.name)):
                found.append(int(folder.name))
        except OSError:
            continue  # the process has ended
    return found


def kill_at(terminal: Terminal, manifest: Path, done: int, seconds: float) -> None:
    """Run the command, and kill it some seconds after so many results exist. Its workers then end by themselves."""
    process = terminal.start("run", "-f", manifest, *LOOPBACK, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(lambda: process.poll() is not None or (len(list_results(terminal)) >= done and descendants(process.pid)))
    threading.Event().wait(seconds)
    assert process.poll() is None, f"the run ended before it was killed, after {done} results"
    process.kill()
    process.wait(LONGEST_SECONDS)
    until(lambda: find_ours(terminal) == [])


def test_a_bulk_that_is_killed_imports_each_item_once_and_leaves_nothing(
    terminal: Terminal, site: FakeSourceSite, manifest: Path
) -> None:
    for done, seconds in list_moments():
        print(f"SIGKILL {seconds:.2f} s after {done} results")
        kill_at(terminal, manifest, done, seconds)
    ready = {path.parent.name: path.stat().st_mtime_ns for path in list_results(terminal)}
    before = Counter(seen.path for seen in site.requests)

    told = terminal.bring(manifest, "-o", "json")

    assert told.code == 0, told.stderr
    check_counts(terminal, told.resource["status"])
    assert {name: (terminal.manifests / name / "result.json").stat().st_mtime_ns for name in ready} == ready
    after = Counter(seen.path for seen in site.requests)
    assert {name: after[f"/{name}.mp4"] - before[f"/{name}.mp4"] for name in ready} == dict.fromkeys(ready, 0)
    check_leftovers(terminal)


def check_counts(terminal: Terminal, status: dict[str, Any]) -> None:
    """Each item has one result, and one entry in the only ledger."""
    assert (status["total"], status["completed"], status["failed"]) == (ITEMS, ITEMS, 0)
    names = sorted(f"c{number}" for number in range(ITEMS))
    assert sorted(path.parent.name for path in list_results(terminal)) == names
    [ledger] = list_ledgers(terminal)
    assert sorted(json.loads(entry)["name"] for entry in ledger.values()) == names
    assert {json.loads(entry)["success"] for entry in ledger.values()} == {True}


def check_leftovers(terminal: Terminal) -> None:
    """Neither processes nor temporary files are left, whether of the last run or of one that was killed.

    A worker that is killed while it writes a note may leave the unfinished note in the importer's own folder.
    """
    assert find_ours(terminal) == []
    assert terminal.left == []
    assert {path.name for path in terminal.manifests.glob("c*/*")} == {"video.mp4", "result.json"}
    records = [path for path in (terminal.manifests / ".videoimport").rglob("*") if path.is_file()]
    kept = [path for path in records if path.suffix != ".json" and path.name != "lock"]
    assert [path for path in kept if path.parent.name != "temporary"] == []
    others = {path.name for path in terminal.manifests.iterdir() if not path.name.startswith("c")}
    assert others == {".videoimport", ".videoimport-state", "many.yaml"}
