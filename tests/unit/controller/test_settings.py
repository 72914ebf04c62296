from datetime import timedelta

import pytest

from videoimport.api.tasks.import_task import Politeness
from videoimport.controller.__main__ import main
from videoimport.controller.settings import BadSetting, load


@pytest.fixture(autouse=True)
def least(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDEOIMPORT_WORKER_IMAGE", "worker:1")


def test_the_workers_image_is_enough() -> None:
    settings = load()
    assert settings.for_decisions().worker_image == "worker:1"
    assert settings.leader_election
    assert settings.watch_namespaces == ()


def test_a_silent_leader_is_replaced_after_a_quarter_of_a_minute() -> None:
    """docs/operations.md promises it."""
    settings = load()
    assert (settings.lease_seconds, settings.renew_deadline_seconds, settings.retry_seconds) == (15, 10, 2)


def test_everything_reaches_the_decisions(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {
        "IMAGE_PULL_POLICY": "Always",
        "IMAGE_PULL_SECRETS": '["one", "two"]',
        "ALLOWED_NETWORKS": '["10.0.0.0/8", "fd00::/8"]',
        "WRITE_SECONDS": "1.5",
        "BACKOFF_SECONDS": "2",
        "BACKOFF_CAP_SECONDS": "3",
        "PATIENCE_SECONDS": "4",
        "JOB_TTL_SECONDS": "5",
        "HOST_BACKOFF_SECONDS": "6",
        "LATER_SECONDS": "7",
        "LATER_CAP_SECONDS": "8",
        "STALL_SECONDS": "90",
        "SOURCE_BYTES_PER_SECOND": "1000000",
        "SOURCE_SLEEP_SECONDS": "1",
    }
    for name, value in variables.items():
        monkeypatch.setenv(f"VIDEOIMPORT_{name}", value)
    chosen = load().for_decisions()
    assert chosen.image_pull_policy == "Always"
    assert chosen.image_pull_secrets == ("one", "two")
    assert chosen.allowed_networks == ("10.0.0.0/8", "fd00::/8")
    spans = (chosen.write_interval, chosen.backoff_base, chosen.backoff_cap, chosen.patience, chosen.job_ttl)
    assert spans == tuple(timedelta(seconds=seconds) for seconds in (1.5, 2, 3, 4, 5))
    spans = (chosen.host_backoff, chosen.later, chosen.later_cap, chosen.stall)
    assert spans == tuple(timedelta(seconds=seconds) for seconds in (6, 7, 8, 90))
    assert chosen.politeness == Politeness(bytes_per_second=1_000_000, sleep_seconds=1)


def test_no_rate_is_as_fast_as_it_comes() -> None:
    assert load().for_decisions().politeness == Politeness()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("VIDEOIMPORT_WORKER_IMAGE", ""),
        ("VIDEOIMPORT_IMAGE_PULL_POLICY", "Sometimes"),
        ("VIDEOIMPORT_ALLOWED_NETWORKS", '["10.0.0.1/8"]'),
        ("VIDEOIMPORT_ALLOWED_NETWORKS", '["everywhere"]'),
        ("VIDEOIMPORT_STALL_SECONDS", "1"),
        ("VIDEOIMPORT_SOURCE_BYTES_PER_SECOND", "-1"),
        ("VIDEOIMPORT_SOURCE_SLEEP_SECONDS", "61"),
        ("VIDEOIMPORT_PORT", "http"),
        ("VIDEOIMPORT_WORKERS", "0"),
        ("VIDEOIMPORT_RELIST_SECONDS", "0"),
        ("VIDEOIMPORT_LOG_LEVEL", "loud"),
        ("VIDEOIMPORT_LEADER_ELECTION", "perhaps"),
        ("POD_NAME", ""),
    ],
)
def test_a_bad_value_is_named(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(BadSetting, match=variable):
        load()


def test_a_list_that_is_not_json_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDEOIMPORT_ALLOWED_NETWORKS", "10.0.0.0/8")
    with pytest.raises(BadSetting, match=r"allowed_networks.*JSON"):
        load()


@pytest.mark.parametrize(("lease", "deadline", "retry"), [("10", "10", "2"), ("12", "10", "2"), ("15", "2", "2")])
def test_a_leader_must_end_before_another_starts(
    monkeypatch: pytest.MonkeyPatch, lease: str, deadline: str, retry: str
) -> None:
    monkeypatch.setenv("VIDEOIMPORT_LEASE_SECONDS", lease)
    monkeypatch.setenv("VIDEOIMPORT_RENEW_DEADLINE_SECONDS", deadline)
    monkeypatch.setenv("VIDEOIMPORT_RETRY_SECONDS", retry)
    with pytest.raises(BadSetting, match="must be greater"):
        load()


def test_a_bad_setting_ends_the_process_with_two(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VIDEOIMPORT_PORT", "0")
    with pytest.raises(SystemExit, match="2"):
        main()
    told = capsys.readouterr().err
    assert told.startswith("VIDEOIMPORT_PORT: ")
    assert told.count("\n") == 1
