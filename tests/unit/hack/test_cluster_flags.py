from pathlib import Path

import pytest

from cluster.addresses import PORT_NAMES, Addresses
from cluster.controlplane import ControlPlane
from cluster.folders import Folders
from cluster.golang import Go
from cluster.providers import Flag
from cluster.toolsets import Toolbox


@pytest.fixture
def plane(monkeypatch: pytest.MonkeyPatch) -> ControlPlane:
    monkeypatch.setattr(Toolbox, "_go", lambda *_: Go("go", "go1.26"))
    cache = Path("/nowhere")
    addresses = Addresses("10.201.0.0/16", dict.fromkeys(PORT_NAMES, 26443))
    flags = (Flag.parse("kube-controller-manager:kube-api-qps=200"), Flag.parse("etcd:log-level=info"))
    return ControlPlane(Folders(cache, "some"), addresses, Toolbox(cache), flags)


def test_a_further_flag_reaches_its_component_and_no_other(plane: ControlPlane) -> None:
    assert "--kube-api-qps=200" in plane.controller_manager().argv
    assert "--kube-api-qps=200" not in plane.apiserver().argv


def test_a_flag_that_is_there_already_is_set_anew(plane: ControlPlane) -> None:
    found = [word for word in plane.etcd().argv if word.startswith("--log-level")]
    assert found == ["--log-level=info"]


@pytest.mark.parametrize("text", ["kube-api-qps=200", "etcd:log-level", ":name=value", "etcd:=value"])
def test_what_is_no_flag_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="COMPONENT:NAME=VALUE"):
        Flag.parse(text)


def test_a_value_may_hold_what_else_parts_a_flag() -> None:
    assert Flag.parse("etcd:name=a=b:c") == ("etcd", "name", "a=b:c")
