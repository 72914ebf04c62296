"""A cluster that cannot be asked is told in a sentence, before anything is read."""

import socket
from pathlib import Path

import pytest
import yaml

from videoimport.cli.errors import UnusableError
from videoimport.cli.kube_client import Kube, context_names


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    """Of a cluster where nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        server = f"http://127.0.0.1:{unused.getsockname()[1]}"
    contexts = [
        {"name": "one", "context": {"cluster": "c", "user": "u", "namespace": "films"}},
        {"name": "two", "context": {"cluster": "c", "user": "u"}},
    ]
    config = {
        "current-context": "one",
        "contexts": contexts,
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {"token": "very-secret"}}],
    }
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(config))
    return path


def test_the_namespace_is_the_contexts_own(kubeconfig: Path) -> None:
    assert (Kube(kubeconfig, None).namespace, Kube(kubeconfig, "two").namespace) == ("films", "default")


def test_a_cluster_that_does_not_answer_is_named_and_no_secret_is(kubeconfig: Path) -> None:
    with pytest.raises(UnusableError, match=r"http://127\.0\.0\.1:\d+ cannot be reached") as told:
        Kube(kubeconfig, None).bulk("films", "course")
    assert "very-secret" not in str(told.value)


def test_a_context_that_is_not_there_is_named(kubeconfig: Path) -> None:
    with pytest.raises(UnusableError, match="three"):
        Kube(kubeconfig, "three")


def test_a_context_that_is_given_needs_no_current_one(kubeconfig: Path) -> None:
    whole = yaml.safe_load(kubeconfig.read_text())
    del whole["current-context"]
    kubeconfig.write_text(yaml.safe_dump(whole))
    assert Kube(kubeconfig, "one").namespace == "films"
    with pytest.raises(UnusableError, match="current-context"):
        Kube(kubeconfig, None)


def test_an_entry_that_lacks_something_is_told_without_its_keys(kubeconfig: Path) -> None:
    whole = yaml.safe_load(kubeconfig.read_text())
    whole["users"] = [{"name": "u", "token": "very-secret"}]
    kubeconfig.write_text(yaml.safe_dump(whole))
    with pytest.raises(UnusableError, match="key user") as told:
        Kube(kubeconfig, None)
    assert "very-secret" not in str(told.value)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "a: [",
        "a: b",
        "current-context: one",
        "- a",
        "a",
        "contexts: 5",
        "contexts: [5]",
        "current-context: one\ncontexts: [{name: one, context: 5}]",
        "current-context: one\ncontexts: [{name: one, context: {cluster: c}}]\nclusters: [{name: c, cluster: 5}]",
    ],
)
def test_a_kubeconfig_that_is_none_is_told(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "none"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UnusableError, match=f"No cluster is configured: --kubeconfig {path}: "):
        Kube(path, None)


def test_a_kubeconfig_that_is_not_yaml_is_told_with_the_line(tmp_path: Path) -> None:
    path = tmp_path / "tab"
    path.write_text("a:\n\tb: 1\n")
    with pytest.raises(UnusableError, match=r"it is not YAML: found character .* at line 2;"):
        Kube(path, None)


def test_a_kubeconfig_that_does_not_exist_is_named_as_the_user_gave_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnusableError, match=r": --kubeconfig nope: there is no such file; choose one with"):
        Kube(Path("nope"), None)
    monkeypatch.setenv("KUBECONFIG", "/nope/a:/nope/b")
    with pytest.raises(UnusableError, match=r": KUBECONFIG=/nope/a:/nope/b: there is no such file; choose one with"):
        Kube(None, None)
    with pytest.raises(UnusableError, match=r": KUBECONFIG=/nope/a:/nope/b: it has no contexts"):
        context_names(None)
    monkeypatch.setenv("KUBECONFIG", "")
    monkeypatch.setenv("HOME", "/nope")
    with pytest.raises(UnusableError, match=r": ~/\.kube/config: there is no such file; choose one with"):
        Kube(None, None)


@pytest.mark.parametrize("name", ["", "a/b", "../../secrets", "a?b", "A b"])
def test_a_name_that_cannot_be_one_is_not_asked_for(kubeconfig: Path, name: str) -> None:
    kube = Kube(kubeconfig, None)
    with pytest.raises(UnusableError, match="is not a valid name"):
        kube.bulk("films", name)
    with pytest.raises(UnusableError, match="is not a valid name"):
        kube.bulk(name, "course")
