"""The cluster that `hack/demo prepare --namespace e2e` made: a kubelet, the chart, our images, a store and a site."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from demo.backends import is_prepared
from demo.kubectl import Kubectl
from demo.show import store

NAMESPACE = "e2e"
ALIKE = "alike"
"""Part of the name of a test that compares the embedded mode with the cluster. `make alike-test` runs these tests."""


LARGE = "test_large_upload.py"
"""File that changes a setting of the operator. `make upload-test` runs it alone."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the comparisons and the large upload, which pytest counts as deselected, unless they are asked for."""
    wants_alike, wants_large = (f"VIDEOIMPORT_TEST_{name}" in os.environ for name in ("ALIKE", "LARGE_UPLOAD"))
    left_out = [
        item
        for item in items
        if (ALIKE in item.name and not wants_alike) or (item.path.name == LARGE and not wants_large)
    ]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def kubectl() -> Kubectl:
    found = Kubectl.of_cluster(NAMESPACE)
    assert is_prepared(found), "the cluster is not prepared: run `.venv/bin/python hack/demo prepare --namespace e2e`"
    return found


@pytest.fixture(scope="session")
def bucket(kubectl: Kubectl) -> Iterator[Any]:
    """A client of the store that the workers write to."""
    with kubectl.forwarded("service/s3", 7070) as port:
        yield store(port)
