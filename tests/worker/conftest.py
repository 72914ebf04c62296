"""The worker as in its pod: its own process, the real ffmpeg and yt-dlp, a real object store and web server."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from botocore.retries import standard

from support.fake_source_site import FakeSourceSite
from support.worker.destinations import BucketHarness, DestinationHarness, VolumeHarness
from support.worker.fetch_harness import FetchHarness
from support.worker.listing_harness import ListingHarness
from support.worker.mutated_store import MutatedStore
from support.worker.object_store import Bucket, ObjectStore
from support.worker.shaped_store import Shape, ShapedStore
from support.worker.store_deviations import DEVIATIONS
from support.worker.store_servers import SERVERS, Server
from support.worker.worker_harness import WorkerHarness
from videoimport.worker.runtime.subprocesses import Children
from videoimport.worker.storage import retry_policy as retries
from videoimport.worker.storage.base import DestinationStore

STORE = os.environ.get("VIDEOIMPORT_TEST_STORE", "versitygw")
"""Another server for all tests, as `make stores-test` runs them."""
ROOT = Path(__file__).resolve().parent.parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that a server cannot pass has to fail there, for the reason that is written down."""
    for item in items:
        for fragment, why in DEVIATIONS.get(STORE, {}).items():
            if fragment in item.nodeid:
                item.add_marker(pytest.mark.xfail(reason=why, strict=True))


@pytest.fixture(scope="session")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], ObjectStore]]:
    """A server by its name, started once."""
    running: dict[str, ObjectStore] = {}
    with ExitStack() as stack:

        def start(name: str) -> ObjectStore:
            if name not in running:
                store = ObjectStore(_program(SERVERS[name]), tmp_path_factory.mktemp("objects"), SERVERS[name])
                running[name] = stack.enter_context(store)
            return running[name]

        yield start


def _program(server: Server) -> str:
    try:
        return server.obtain()
    except RuntimeError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def store(started: Callable[[str], ObjectStore]) -> ObjectStore:
    """The object store of most tests."""
    return started(STORE)


@pytest.fixture
def bucket(store: ObjectStore) -> Bucket:
    return store.new_bucket()


@pytest.fixture
def via(bucket: Bucket) -> Iterator[Callable[[Shape], BucketHarness]]:
    """The bucket as a destination, through a proxy that differs as the shape says."""
    with ExitStack() as stack:

        def home(shape: Shape) -> BucketHarness:
            proxy = stack.enter_context(ShapedStore(bucket.store.endpoint, shape))
            return BucketHarness.through(proxy.endpoint, bucket)

        yield home


@pytest.fixture(params=["bucket", "volume"])
def new_home(
    request: pytest.FixtureRequest, store: ObjectStore, tmp_path: Path
) -> Iterator[Callable[[], DestinationHarness]]:
    if request.param == "bucket":
        yield lambda: BucketHarness(store.new_bucket())
        return
    # In memory where there is such a place: the kill loop asks thousands of times that something be on the disk.
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else tmp_path) as folder:
        yield lambda: VolumeHarness(Path(tempfile.mkdtemp(dir=folder)))


@pytest.fixture
def home(new_home: Callable[[], DestinationHarness]) -> DestinationHarness:
    return new_home()


@pytest.fixture
def at(home: DestinationHarness) -> Iterator[DestinationStore]:
    store = home.store()
    yield store
    store.close()


@pytest.fixture(scope="module")
def mutated(store: ObjectStore) -> Iterator[MutatedStore]:
    """A proxy whose plan a test sets; a refused request is repeated at once, and not for seconds."""
    with pytest.MonkeyPatch.context() as patch, MutatedStore(store.endpoint) as running:
        patch.setattr(standard.ExponentialBackoff, "delay_amount", lambda *_: 0.001)  # of up to 20 s
        patch.setattr(retries, "FIRST_SECONDS", 0.0)  # for which a client repeats a request
        yield running


@pytest.fixture
def site() -> Iterator[FakeSourceSite]:
    with FakeSourceSite() as running:
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
def desk(bucket: Bucket, tmp_path: Path) -> WorkerHarness:
    return WorkerHarness(bucket, tmp_path)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[FetchHarness]:
    children = Children()
    yield FetchHarness(children, tmp_path)
    children.kill_all()


@pytest.fixture
def lists(bucket: Bucket, tmp_path: Path) -> ListingHarness:
    return ListingHarness(bucket, tmp_path)
