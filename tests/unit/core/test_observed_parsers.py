"""The API server's JSON as decisions read it."""

from datetime import UTC, datetime

import pytest

from videoimport.api.bulkimport_status import LedgerEntry
from videoimport.core.observed import Owner
from videoimport.core.observed_parsers import parse_event, parse_job, parse_pod, parse_shard

META = {
    "namespace": "films",
    "name": "talk-2",
    "uid": "u-2",
    "creationTimestamp": "2026-05-04T12:00:00Z",
    "labels": {"videoimport.io/run": "2"},
    "ownerReferences": [
        {"uid": "bystander", "kind": "X", "name": "x", "apiVersion": "v1"},
        {
            "uid": "owner",
            "kind": "VideoImport",
            "name": "talk",
            "apiVersion": "videoimport.io/v1alpha1",
            "controller": True,
        },
    ],
}

OWNER = Owner("films", "videoimport.io", "VideoImport", "talk", "owner")


def a_job(*conditions, **spec):
    return {"metadata": META, "spec": spec, "status": {"conditions": list(conditions)}}


def condition(kind, reason="", message="", status="True"):
    return {"type": kind, "status": status, "reason": reason, "message": message}


def a_pod(state=None, conditions=(), **status):
    containers = [{"name": "istio-proxy", "state": {"running": {}}}]
    if state is not None:
        containers.append({"name": "worker", "state": state})
    return {"metadata": META, "status": {"containerStatuses": containers, "conditions": list(conditions)} | status}


def test_job_just_made_has_nothing_but_its_identity():
    view = parse_job({"metadata": META})
    assert (view.namespace, view.name, view.uid, view.owner, view.run) == ("films", "talk-2", "u-2", OWNER, 2)
    assert view.created == datetime(2026, 5, 4, 12, tzinfo=UTC)
    assert (view.finished, view.exit_code, view.deleting, view.disrupted, view.expires) == (
        None,
        None,
        False,
        False,
        False,
    )


def test_job_that_completed():
    assert parse_job(a_job(condition("SuccessCriteriaMet"), condition("Complete"))).finished == "Complete"


def test_exit_code_is_read_from_the_jobs_condition():
    message = "Container worker for pod films/talk-2-x7k2p failed with exit code 42 matching FailJob rule at index 1"
    view = parse_job(a_job(condition("Failed", "PodFailurePolicy", message)))
    assert (view.finished, view.failure_reason, view.exit_code) == ("Failed", "PodFailurePolicy", 42)
    assert view.failure_message == message
    assert not view.disrupted


def test_disruption_is_read_from_the_jobs_condition():
    message = "Pod films/talk-2-x7k2p has condition DisruptionTarget matching FailJob rule at index 0"
    view = parse_job(a_job(condition("Failed", "PodFailurePolicy", message)))
    assert (view.disrupted, view.exit_code) == (True, None)


def test_failure_that_is_only_announced_does_not_finish_the_job():
    view = parse_job(a_job(condition("FailureTarget", "DeadlineExceeded", "too late")))
    assert (view.finished, view.failure_reason) == (None, "DeadlineExceeded")


def test_condition_that_is_false_says_nothing():
    assert parse_job(a_job(condition("Complete", status="False"))).finished is None


@pytest.mark.parametrize("label", [None, "", "two", "-1", "9" * 19, "9" * 5000, "٣", "²"])
def test_job_without_a_readable_run_has_run_zero(label):
    labels = {} if label is None else {"videoimport.io/run": label}
    assert parse_job({"metadata": META | {"labels": labels}}).run == 0


def test_endless_exit_code_is_none():
    message = f"Container worker for pod films/talk-2 failed with exit code {'7' * 5000} matching FailJob rule"
    assert parse_job(a_job(condition("Failed", "PodFailurePolicy", message))).exit_code is None


def test_job_with_a_ttl_expires_and_one_with_a_deletion_timestamp_is_going():
    assert parse_job(a_job(ttlSecondsAfterFinished=0)).expires
    assert parse_job({"metadata": META | {"deletionTimestamp": "2026-05-04T12:01:00Z"}}).deleting


def test_object_without_a_controlling_owner_has_none():
    assert parse_job({"metadata": META | {"ownerReferences": META["ownerReferences"][:1]}}).owner is None
    assert parse_job({"metadata": {key: value for key, value in META.items() if key != "ownerReferences"}}).run == 2


def test_pod_just_made_is_pending():
    view = parse_pod({"metadata": META})
    assert (view.phase, view.owner, view.running, view.exit_code, view.waiting_reason) == (
        "Pending",
        OWNER,
        False,
        None,
        None,
    )


def test_pod_is_seen_through_its_worker_and_not_through_sidecars():
    assert not parse_pod(a_pod()).running
    assert parse_pod(a_pod()).running_since is None
    view = parse_pod(a_pod({"running": {"startedAt": "2026-05-04T12:00:03Z"}}, phase="Running"))
    assert (view.running, view.running_since) == (True, datetime(2026, 5, 4, 12, 0, 3, tzinfo=UTC))
    assert parse_pod(a_pod({"running": {}}, phase="Running")).running_since is None


def test_waiting_worker_names_its_reason():
    view = parse_pod(a_pod({"waiting": {"reason": "ImagePullBackOff", "message": "Back-off"}}))
    assert (view.waiting_reason, view.waiting_message) == ("ImagePullBackOff", "Back-off")


def test_terminated_worker_leaves_code_and_message():
    view = parse_pod(a_pod({"terminated": {"exitCode": 74, "reason": "Error", "message": "{}"}}, phase="Failed"))
    assert (view.exit_code, view.termination_message, view.oom_killed) == (74, "{}", False)


def test_memory_is_seen_even_with_exit_code_zero():
    view = parse_pod(a_pod({"terminated": {"exitCode": 0, "reason": "OOMKilled"}}, phase="Succeeded"))
    assert (view.exit_code, view.oom_killed) == (0, True)


def test_unschedulable_pod_has_the_schedulers_words():
    words = condition("PodScheduled", "Unschedulable", "0/1 nodes are available", status="False")
    assert parse_pod(a_pod(conditions=[words])).unscheduled == "0/1 nodes are available"
    gated = condition("PodScheduled", "SchedulingGated", "gated", status="False")
    assert parse_pod(a_pod(conditions=[gated])).unscheduled is None
    assert parse_pod(a_pod(conditions=[condition("PodScheduled")])).unscheduled is None


def test_evicted_and_disrupted_pod():
    view = parse_pod(a_pod(conditions=[condition("DisruptionTarget")], phase="Failed", reason="Evicted", message="low"))
    assert (view.disrupted, view.reason, view.message) == (True, "Evicted", "low")


@pytest.mark.parametrize(
    "when",
    [
        {"lastTimestamp": "2026-05-04T12:00:00Z"},
        {"eventTime": "2026-05-04T12:00:00.000000Z"},
        {"series": {"lastObservedTime": "2026-05-04T12:00:00.000000Z"}, "lastTimestamp": "2026-05-04T11:00:00Z"},
        {},
    ],
)
def test_event_has_the_time_it_was_last_seen(when):
    raw = {"metadata": META, "involvedObject": {"uid": "pod-1"}, "reason": "FailedMount", "message": "no"} | when
    view = parse_event(raw)
    assert (view.uid, view.reason, view.message) == ("pod-1", "FailedMount", "no")
    assert view.last_seen == datetime(2026, 5, 4, 12, tzinfo=UTC)


def test_shard_gives_its_readable_entries():
    entry = LedgerEntry(url="https://video.example/a.mp4", success=True, import_name="talks-0123456789")
    good = entry.model_dump_json(by_alias=True)
    many = good.replace('"attempts":0', '"attempts":%s')
    data = {"0123456789": good, "garbage": "{", "other": '{"success": "perhaps"}', "surrogate": '"\\ud800"'}
    data |= {"many": many % 10**12, "digits": many % ("9" * 5000), "deep": "[" * 9000, "none": "", "list": "[]"}
    raw = {"metadata": META | {"labels": {"videoimport.io/shard": "3"}}, "data": data}
    view = parse_shard(raw)
    assert (view.number, view.entries) == (3, {"0123456789": entry})
    assert (view.size, view.immutable) == (sum(map(len, data.values())), False)


def test_sealed_shard_is_seen_as_such_and_its_bytes_are_counted():
    raw = {"metadata": META, "data": {"a": "ä"}, "binaryData": {"b": "AAAA"}, "immutable": True}
    assert (parse_shard(raw).size, parse_shard(raw).immutable) == (6, True)


def test_shard_without_data_is_empty():
    view = parse_shard({"metadata": META | {"deletionTimestamp": "2026-05-04T12:01:00Z"}})
    assert (view.entries, view.deleting, view.number) == ({}, True, 0)


@pytest.mark.parametrize("field", ["lastTimestamp", "eventTime"])
@pytest.mark.parametrize(
    "moment", ["10000-01-01T23:58:59Z", "0000-12-31T01:00:00Z", "0000-01-01T00:00:00.000000Z", "9999-12-31T23:59:59Z"]
)
def test_an_event_of_any_year_that_the_api_server_takes_is_read(field, moment):
    view = parse_event({"metadata": {"creationTimestamp": "2026-01-01T00:00:00Z"}, "message": "no", field: moment})
    assert view.message == "no"
    assert view.last_seen.tzinfo is not None
    assert view.last_seen.year in (1970, 9999)
