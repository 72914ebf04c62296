"""The cluster that `hack/demo prepare --namespace e2e` made: a kubelet, the chart, our images, a store and a site."""

from collections.abc import Iterator
from typing import Any

import pytest

from demo.backends import is_prepared
from demo.kubectl import Kubectl
from demo.show import store

NAMESPACE = "e2e"


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
