"""The command line of `run`."""

import signal
from pathlib import Path

import pytest

from videoimport.cli.errors import UnusableError
from videoimport.cli.run_command import build_resources, describe_stop, find_base_folder, read_manifests, run_imports


def test_results_are_beside_the_first_manifest(tmp_path: Path) -> None:
    assert find_base_folder([]) == find_base_folder(["-"]) == Path.cwd()
    assert find_base_folder(["-", str(tmp_path / "a/clip.yaml")]) == tmp_path / "a"
    assert find_base_folder([str(tmp_path)]) == tmp_path


def test_either_addresses_or_manifests_are_given() -> None:
    with pytest.raises(UnusableError, match="Give either addresses or manifests"):
        read_manifests([], [], playlist=False)
    with pytest.raises(UnusableError, match="Give either addresses or manifests"):
        read_manifests(["clip.yaml"], ["https://media.example.com/1.mp4"], playlist=False)
    with pytest.raises(UnusableError, match=r"in a YAML file, use source\.playlist instead"):
        read_manifests(["clip.yaml"], [], playlist=True)


def test_resources_of_addresses_have_the_defaults_of_the_schema() -> None:
    [video] = build_resources(["https://media.example.com/1.mp4"], None, playlist=False)

    assert (video["kind"], video["metadata"]["namespace"]) == ("VideoImport", "default")
    assert video["spec"]["maxAttempts"] == 5


def test_a_stop_says_what_it_left() -> None:
    assert describe_stop(signal.SIGINT, was_killed=False) == (
        "Stopped by SIGINT. The workers removed their unfinished files. Run the same command again to continue."
    )
    assert "an unfinished upload may be left in the destination" in describe_stop(signal.SIGINT, was_killed=True)


def test_a_dry_run_is_refused_with_what_replaces_it() -> None:
    with pytest.raises(UnusableError, match=r"`create --dry-run`.* spec\.dryRun: true"):
        run_imports(["https://media.example.com/1.mp4"], dry_run=True)
