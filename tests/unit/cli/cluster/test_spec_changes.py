"""The changes of retry, cancel, suspend and resume."""

from typing import Any

from support.every_case import every_case
from videoimport.cli.cluster.spec_changes import Verb, find_tracker, plan_change


def video(phase: str, **spec: Any) -> dict[str, Any]:
    return {"kind": "VideoImport", "metadata": {"name": "one"}, "spec": spec, "status": {"phase": phase}}


@every_case(
    ("verb", "resource", "change"),
    [
        ("retry", video("Failed"), {"retryToken": "t"}),
        ("retry", video("Cancelled", cancel=True), {"retryToken": "t", "cancel": False}),
        ("retry", video("Completed"), {}),
        ("retry", video("Downloading"), {}),
        ("cancel", video("Downloading"), {"cancel": True}),
        ("cancel", video("Failed"), {}),
        ("suspend", video("Queued"), {"suspend": True}),
        ("suspend", video("Suspended", suspend=True), {}),
        ("resume", video("Suspended", suspend=True), {"suspend": False}),
        ("resume", video("Queued"), {}),
    ],
)
def test_a_verb_changes_only_what_it_must(verb: Verb, resource: dict[str, Any], change: dict[str, Any]) -> None:
    assert plan_change(verb, resource, "t").spec == change


def test_a_bulk_with_failed_items_is_retried() -> None:
    bulk = {
        "kind": "BulkImport",
        "metadata": {"name": "many"},
        "spec": {},
        "status": {"phase": "Completed", "failed": 2},
    }
    assert plan_change("retry", bulk, "t").words.startswith("retried, 2 failed items")


def test_a_resource_from_git_is_known() -> None:
    assert find_tracker({"metadata": {"annotations": {"argocd.argoproj.io/tracking-id": "x"}}}) == "Argo CD"
    assert find_tracker({"metadata": {}}) is None
