"""What docs/bulkimports.md shows is what the code takes and says."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from videoimport.api.bulkimport import BulkImport, FailurePolicy
from videoimport.api.bulkimport_source import BulkSource
from videoimport.api.bulkimport_status import BulkImportStatus, BulkPhase, HostStatus, ShardReference
from videoimport.api.conditions import Condition, ConditionType
from videoimport.api.tasks.webhook_task import Webhook
from videoimport.cli.manifests.schema_rules import unknown_fields
from videoimport.core.webhook.payload import build_message_body, build_webhook_message
from videoimport.crdgen.definitions import bulk_definition

PAGE = (Path(__file__).resolve().parents[3] / "docs/bulkimports.md").read_text()
ENDED = datetime(2026, 5, 1, tzinfo=UTC)


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def keys(value: Any) -> Any:
    return {key: keys(child) for key, child in value.items()} if isinstance(value, dict) else None


@pytest.mark.parametrize("text", blocks("yaml"))
def test_a_manifest_or_a_part_of_one_is_understood(text: str) -> None:
    [found] = yaml.safe_load_all(text)
    schema = bulk_definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    if "kind" in found:
        assert list(unknown_fields(schema, found, "")) == []
        assert BulkImport.parse(found | {"metadata": {"name": "a", "namespace": "b", "uid": "c"}}).spec
    elif "hosts" in found:
        assert [HostStatus.model_validate(host).host for host in found["hosts"]] == ["videos.example.com"]
    else:
        assert Webhook.model_validate(found["webhook"]).secret_ref.name == "webhook-key"


def test_the_message_that_is_shown_has_the_fields_of_the_one_that_is_sent() -> None:
    [shown] = map(json.loads, blocks("json"))
    source = BulkSource.model_validate({"items": [{"url": "https://example.com/a"}]})
    manifest = {
        "metadata": {"name": "course", "namespace": "media", "uid": "u"},
        "spec": {
            "source": source.wire(),
            "template": {"destination": {"s3": {"bucket": "videos"}}},
            "webhook": {"url": "https://example.com", "secretRef": {"name": "key"}},
        },
    }
    bulk = BulkImport.parse(manifest)
    reference = (ShardReference(name="course-results-0", count=4),)
    status = BulkImportStatus(phase=BulkPhase.COMPLETED, completion_time=ENDED, results_ref=reference)
    notice = build_webhook_message(bulk, status)
    assert notice is not None
    sent = json.loads(build_message_body(bulk, status, notice))
    assert keys(sent) == keys(shown)
    assert shown["type"] == sent["type"]
    assert keys(sent["data"]["resultsRef"][0]) == keys(shown["data"]["resultsRef"][0])


def test_the_receiver_that_is_shown_is_python() -> None:
    [text] = blocks("python")
    compile(text, "receiver.py", "exec")


def rows() -> set[str]:
    """First cells of the page's tables, without their marks."""
    return {cell.strip("` ") for cell in re.findall(r"^\| ([^|]+) \|", PAGE, re.MULTILINE)}


def test_every_phase_and_condition_has_its_row() -> None:
    milestones = {ConditionType.VALIDATED, ConditionType.TRANSCODED, ConditionType.UPLOADED}
    assert {str(phase) for phase in BulkPhase} <= rows()
    assert {str(kind) for kind in ConditionType} - {str(kind) for kind in milestones} <= rows()


def test_every_field_of_the_spec_and_the_status_is_told() -> None:
    properties = bulk_definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    inner = {
        *FailurePolicy.model_json_schema()["properties"],
        *properties["spec"]["properties"]["source"]["properties"],
    }
    everywhere = {*Condition.model_json_schema()["properties"], "observedGeneration"}
    everywhere |= {"startTime", "completionTime", "updatedTime"}
    for name in {*properties["spec"]["properties"], *properties["status"]["properties"], *inner} - everywhere:
        assert re.search(rf"\b{name}\b", PAGE), name
