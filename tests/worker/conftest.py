"""The worker as in its pod: its own process, the real ffmpeg and yt-dlp, a real object store and web server."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.append(str(Path(__file__).resolve().parent))
sys.path.append(str(ROOT / "tests"))

from fetch_runs import Bench  # noqa: E402
from listing_runs import Lists  # noqa: E402
from object_store import Bucket, ObjectStore  # noqa: E402
from web_site import Site  # noqa: E402
from worker_runs import Desk  # noqa: E402

from videoimport.worker.processes import Children  # noqa: E402


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    tool = subprocess.run(
        [sys.executable, "hack/cluster", "tool", "versitygw"], cwd=ROOT, capture_output=True, text=True
    )
    if tool.returncode:
        pytest.fail(f"versitygw could not be built: {tool.stderr[-500:]}", pytrace=False)
    with ObjectStore(tool.stdout.strip(), tmp_path_factory.mktemp("objects")) as running:
        yield running


@pytest.fixture
def bucket(store: ObjectStore) -> Bucket:
    return store.new_bucket()


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as running:
        yield running


@pytest.fixture(scope="session")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A clip or variant by name, made once a machine."""
    folder = tmp_path_factory.mktemp("footage")

    def obtain(name: str) -> Path:
        path = folder / name
        if not path.exists():
            made = subprocess.run([sys.executable, "hack/footage.py", folder, name], cwd=ROOT, capture_output=True)
            if made.returncode:
                pytest.fail(f"no footage {name}: {made.stderr.decode()[-500:]}", pytrace=False)
        return path

    return obtain


@pytest.fixture
def desk(bucket: Bucket, tmp_path: Path) -> Desk:
    return Desk(bucket, tmp_path)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    children = Children()
    yield Bench(children, tmp_path)
    children.kill_all()


@pytest.fixture
def lists(bucket: Bucket, tmp_path: Path) -> Lists:
    return Lists(bucket, tmp_path)
