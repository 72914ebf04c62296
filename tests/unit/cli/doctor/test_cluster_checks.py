"""The judgements about a cluster."""

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

from videoimport.cli.doctor.check import exit_code
from videoimport.cli.doctor.cluster_checks import judge_definition, judge_leases, judge_rights, judge_secret
from videoimport.crdgen.definitions import video_definition

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def lease(namespace: str, seconds_ago: float, holder: str = "controller-0") -> dict[str, Any]:
    renewed = (NOW - timedelta(seconds=seconds_ago)).isoformat()
    spec = {"holderIdentity": holder, "renewTime": renewed, "leaseDurationSeconds": 15}
    return {"metadata": {"namespace": namespace}, "spec": spec}


def secret(*keys: str) -> dict[str, Any]:
    return {"managedFields": [{"fieldsV1": {"f:data": {".": {}} | {f"f:{key}": {} for key in keys}}}]}


def test_a_definition_of_another_version_is_noticed() -> None:
    wanted = video_definition()
    assert judge_definition(wanted, wanted).state == "ok"
    older = copy.deepcopy(wanted)
    older["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"].pop("source")
    assert judge_definition(older, wanted).state == "warning"
    other = copy.deepcopy(wanted)
    other["spec"]["versions"][0]["name"] = "v9"
    assert judge_definition(other, wanted).state == "failed"


def test_a_controller_is_up_while_it_renews_its_lease() -> None:
    assert judge_leases([lease("media", 5)], NOW).state == "ok"
    assert judge_leases([lease("media", 60)], NOW).state == "failed"
    assert judge_leases([lease("media", 5, holder="")], NOW).state == "failed"
    assert judge_leases([], NOW).state == "failed"
    check = judge_leases([lease("media", 5), lease("old", 9999)], NOW)
    assert check.state == "warning"
    assert "old" in check.message
    assert "media" not in check.message


def test_missing_rights_are_named() -> None:
    assert judge_rights("media", []).state == "ok"
    check = judge_rights("media", ["create videoimports"])
    assert check.state == "failed"
    assert "create videoimports" in check.message
    assert exit_code([check]) == 1


def test_a_secret_is_judged_by_the_names_of_its_keys() -> None:
    assert judge_secret("keys", secret("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")).state == "ok"
    check = judge_secret("keys", secret("AWS_ACCESS_KEY_ID", "secret"))
    assert check.state == "failed"
    assert "AWS_SECRET_ACCESS_KEY" in check.message
    assert judge_secret("keys", {}).state == "warning"
