"""`kubectl videoimport results` against a real API server, after a real controller."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from support.controller.api_server import ApiServer, Raw, await_until
from support.controller.controller_process import Controller
from support.controller.fake_kubelet import FakeKubelet
from support.controller.listing_node import listing_node
from support.controller.manifests import THREE, bulk
from support.controller.namespace_state import finished

EXAMPLE = Path(__file__).resolve().parents[2] / "examples/bulk-manifest-configmap.yaml"
NO_VIDEO = "https://example.com/slides.pdf"


@pytest.fixture
def ended(api: ApiServer, namespace: str, kubelet: FakeKubelet, started: Callable[..., Controller]) -> Raw:
    """A bulk that has ended, and of whose imports none is kept."""
    started()
    api.create(bulk(namespace, [*THREE, THREE[0], NO_VIDEO], childHistoryLimit=0))
    status: Raw = finished(api, "BulkImport", namespace, "many")["status"]
    await_until("its imports to be gone", lambda: not api.all_of("VideoImport", namespace))
    return status


def results(api: ApiServer, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "videoimport.cli", "results", *words, "--kubeconfig", str(api.kubeconfig)]
    return subprocess.run(command, capture_output=True, text=True)


def test_every_item_is_told_with_the_counts_of_the_status(api: ApiServer, namespace: str, ended: Raw) -> None:
    asked = results(api, "many", "--namespace", namespace, "--output", "json")
    assert asked.returncode == 0, asked.stderr
    whole = json.loads(asked.stdout)
    counts = ("phase", "message", "total", "completed", "failed", "rejectedCount", "skippedDuplicates")
    assert {key: whole[key] for key in counts} == {key: ended[key] for key in counts}
    by_url = {result["url"]: result for result in whole["results"]}
    assert by_url.keys() == set(THREE)
    assert by_url == {result["url"]: result for result in ended["results"]}
    assert [(line["url"], line["reason"]) for line in whole["rejected"]] == [(NO_VIDEO, "NotVideo")]
    assert whole["open"] == []

    asked = results(api, "many", "-n", namespace, "-o", "csv")
    rows = list(csv.DictReader(io.StringIO(asked.stdout)))
    assert sorted(row["state"] for row in rows) == ["Failed", "Imported", "Imported", "Rejected"]
    assert asked.stderr == "many: Completed, 2 of 3 imported, 1 failed, 1 rejected\n"


def test_one_that_is_not_there_is_told_in_the_clusters_words(api: ApiServer, namespace: str) -> None:
    asked = results(api, "few", "-n", namespace)
    assert (asked.returncode, asked.stdout) == (2, "")
    found = 'error: The cluster answers: bulkimports.videoimport.io "few" not found'
    assert asked.stderr == f"{found}; correct the name, or choose the namespace with --namespace.\n"


def test_the_lines_of_a_list_are_told_with_those_that_make_no_sense(
    api: ApiServer, namespace: str, kubelet: FakeKubelet, started: Callable[..., Controller], tmp_path: Path
) -> None:
    """The example of a manifest in a ConfigMap, with one line more, listed by the real worker."""
    config_map, example = yaml.safe_load_all(EXAMPLE.read_text())
    config_map["data"]["list.csv"] += "no address,third,Edsger\n"
    name = example["metadata"]["name"]
    with listing_node(api, namespace, tmp_path):
        started()
        for manifest in (config_map, example):
            manifest["metadata"]["namespace"] = namespace
        example["spec"] |= {"incremental": False}
        for manifest in (config_map, example):
            api.create(manifest)
        status = finished(api, "BulkImport", namespace, name)["status"]
    whole = json.loads(results(api, name, "-n", namespace, "-o", "json").stdout)
    assert (whole["phase"], whole["total"], whole["rejectedCount"]) == ("Completed", 2, 1), status
    assert [result["name"] for result in whole["results"]] == ["opening", "closing"]
    assert [(line["url"], line["reason"]) for line in whole["rejected"]] == [("no address", "InvalidSpec")]
    assert "Line 4" in whole["rejected"][0]["message"]
