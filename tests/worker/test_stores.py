"""Real object stores of several makes: what each answers, and what imports come to with it.

store_features.py has the expectations. `make test` runs three stores and the scenarios of ``SMALL``.
``VIDEOIMPORT_TEST_STORES``, a list of names, chooses stores and runs everything. `make stores-test` does so for all of
them, and writes docs/stores.md from what is recorded.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from support.fake_source_site import FakeSourceSite
from support.worker.object_store import ObjectStore
from support.worker.store_answers import ANSWERS, Asker, asked
from support.worker.store_features import ANSWERED, IMPORTED
from support.worker.store_imports import SCENARIOS, SMALL, Outcomes, World
from support.worker.store_servers import SERVERS

CHOSEN = [name for name in os.environ.get("VIDEOIMPORT_TEST_STORES", "").split(",") if name]
RECORDS = os.environ.get("VIDEOIMPORT_TEST_STORES_RECORDS")
"""A folder for what was seen, a file a store."""


@pytest.fixture(scope="module", params=CHOSEN or ("versitygw", "moto", "rclone"))
def server(request: pytest.FixtureRequest, started: Callable[[str], ObjectStore]) -> ObjectStore:
    return started(request.param)


@pytest.fixture
def world(server: ObjectStore, tmp_path: Path, site: FakeSourceSite, footage: Callable[[str], Path]) -> World:
    return World(server, tmp_path, site, footage("silent.mp4"))


def record(server: ObjectStore, kind: str, seen: Outcomes) -> None:
    """Keep what was seen for docs/stores.md."""
    if RECORDS is None:
        return
    path = Path(RECORDS) / f"{server.server.name}.json"
    told = json.loads(path.read_text()) if path.exists() else {}
    told.setdefault(kind, {}).update(seen)
    path.write_text(json.dumps(told, indent=1, ensure_ascii=False))


@pytest.mark.parametrize("feature", ANSWERS)
def test_it_answers_as_expected(server: ObjectStore, feature: str) -> None:
    seen = asked(lambda: ANSWERS[feature](Asker(server.new_bucket())))
    record(server, "answers", {feature: seen})
    assert seen == ANSWERED[feature].expected(server.server.name)


@pytest.mark.full(but=["*-one_video", "*-files", "*-sources", "versitygw-options", "moto-options"])
@pytest.mark.parametrize("scenario", SCENARIOS if CHOSEN else SMALL)
def test_imports_end_as_expected(server: ObjectStore, world: World, scenario: str) -> None:
    seen = SCENARIOS[scenario](world)
    record(server, "imports", seen)
    assert seen == {feature: IMPORTED[feature].expected(server.server.name) for feature in seen}


def test_every_feature_has_an_expectation_for_every_store() -> None:
    assert list(ANSWERED) == list(ANSWERS)
    for feature in (*ANSWERED.values(), *IMPORTED.values()):
        assert set(feature.others) <= set(SERVERS)
