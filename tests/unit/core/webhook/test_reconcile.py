"""When a message is sent, how often, and what of it is written: the end of a bulk, told to a receiver."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from support.core.bulk_builders import BULK_UID, bulk, edited
from support.core.video_builders import NOW, after, pod
from support.core.webhook_builders import ENDED, HOOK, ended, having, hook, job, over, pending, tell, written
from videoimport.api.bulkimport import BulkImport
from videoimport.api.bulkimport_status import BulkImportStatus, BulkPhase
from videoimport.api.labels import BULK, RUN, TASK
from videoimport.api.reasons import Reason, info
from videoimport.api.tasks.webhook_task import DeliveryTask
from videoimport.core.observed import EventView
from videoimport.core.plan import Create, Delete, Patch, Plan
from videoimport.core.webhook.reconcile import WebhookPlan


def failing(wish: BulkImport, times: int, reason: Reason = Reason.WEBHOOK_FAILED) -> tuple[BulkImport, list[timedelta]]:
    """After so many failed tries, with the pauses between them."""
    at, pauses = NOW, []
    for _ in range(times):
        wish = written(wish, at, **over(wish, reason, "hooks.example answered 500."))
        if (again := hook(wish).attempts.next_retry_time) is None:
            break
        pauses.append(again - at)
        at = again
        wish = written(wish, at, jobs=(job(wish, finished="Failed"),))
    return wish, pauses


def made(found: WebhookPlan) -> list[DeliveryTask]:
    """The tasks of the Jobs that are to be made."""
    creations = [action.manifest for action in found.actions if isinstance(action, Create)]
    templates = [manifest["spec"]["template"]["metadata"] for manifest in creations]
    return [DeliveryTask.model_validate_json(template["annotations"][TASK]) for template in templates]


def test_an_end_is_told_by_a_job_whose_intent_stands_in_the_status() -> None:
    found = tell(ended())
    assert found.status is not None
    assert (found.status.state, found.status.run, found.status.attempts.count) == ("Pending", 1, 1)
    (task,) = made(found)
    assert (task.message_id, task.run, task.url, task.secret) == (found.status.id, 1, HOOK["url"], "hook-key")
    manifest = found.actions[0].manifest  # type: ignore[union-attr]
    assert manifest["metadata"]["name"] == "talks-hook-r1"
    assert manifest["metadata"]["labels"] | {BULK: "talks", RUN: "1"} == manifest["metadata"]["labels"]
    volumes = {volume["name"]: volume for volume in manifest["spec"]["template"]["spec"]["volumes"]}
    assert (
        volumes["webhook-secret"]["secret"] | {"secretName": "hook-key", "optional": True}
        == (volumes["webhook-secret"]["secret"])
    )


def test_the_message_is_a_summary_without_addresses() -> None:
    (task,) = made(tell(ended()))
    message = json.loads(task.body)
    assert (message["type"], message["timestamp"]) == ("bulkimport.completed", "2026-05-04T12:01:00Z")
    data = message["data"]
    counts = {"total": 3, "completed": 2, "failed": 1, "rejectedCount": 0, "skippedDuplicates": 0, "bytesIn": 30}
    assert data | counts == data
    assert data["resultsRef"] == [{"name": "talks-results-0", "count": 3}]
    assert (data["uid"], data["phase"], data["dryRun"], data["itemsRef"]) == (BULK_UID, "Completed", False, [])
    assert "hidden" not in task.body


@pytest.mark.parametrize("phase", [BulkPhase.QUEUED, BulkPhase.DISCOVERING, BulkPhase.PROCESSING, BulkPhase.SUSPENDED])
def test_nothing_is_told_before_the_end(phase: BulkPhase) -> None:
    assert tell(ended(status={"phase": phase, "completion_time": None})) == Plan(None)


def test_only_the_wanted_endings_are_told() -> None:
    only_failed = HOOK | {"events": ["Failed"]}
    assert tell(ended(webhook=None)) == Plan(None)
    for phase, count in ((BulkPhase.COMPLETED, 0), (BulkPhase.FAILED, 1), (BulkPhase.CANCELLED, 0)):
        wish = bulk(status=BulkImportStatus(**ENDED | {"phase": phase}), webhook=only_failed)
        assert len(made(tell(wish))) == count


def test_a_job_that_was_never_seen_is_made_again_with_the_same_message() -> None:
    wish = pending()
    assert made(tell(wish, after(99))) == made(tell(ended()))
    assert written(wish, after(99)).status.webhook == wish.status.webhook


def test_a_delivered_message_is_told_no_more() -> None:
    wish = pending()
    done = tell(wish, after(5), **over(wish))
    assert done.status is not None
    assert (done.status.state, done.status.message, done.status.delivered_time) == ("Delivered", None, after(5))
    assert [announced.reason for announced in done.planned_events] == ["WebhookDelivered"]
    after_it = written(wish, after(5), **over(wish))
    kept = tell(after_it, after(9), **over(wish))
    assert [type(action) for action in kept.actions] == [Patch]
    assert kept.planned_events == ()
    assert tell(after_it, after(999)) == Plan(after_it.status.webhook)


def test_a_complete_job_counts_as_delivered_although_its_pod_is_gone() -> None:
    wish = pending()
    assert hook(written(wish, jobs=(job(wish, finished="Complete"),))).state == "Delivered"


def test_a_lost_pod_is_followed_at_once_by_the_same_message_uncharged() -> None:
    wish = pending()
    lost = written(wish, jobs=(job(wish, finished="Failed", disrupted=True),))
    found = tell(lost, NOW, jobs=(job(wish, finished="Failed"),))
    (task,) = made(found)
    assert (task.run, task.message_id) == (2, hook(wish).id)
    assert (hook(lost).attempts.uncharged, found.status and found.status.attempts.count) == (1, 1)


def test_failed_tries_are_repeated_for_more_than_a_day_with_one_id_and_then_given_up() -> None:
    first = pending()
    wish, pauses = failing(first, 30)
    assert len(pauses) == 19
    assert pauses[0] <= timedelta(seconds=12)
    assert sum(pauses, timedelta(0)) > timedelta(days=1)
    assert max(pauses) <= timedelta(hours=5)
    assert (hook(wish).state, hook(wish).run, hook(wish).id) == ("Failed", 20, hook(first).id)
    assert "answered 500" in (hook(wish).message or "")
    assert tell(wish, after(10**7)).actions == ()


def test_the_body_is_the_same_at_every_try() -> None:
    wish, _ = failing(pending(), 3)
    assert {task.body for task in made(tell(wish))} == {task.body for task in made(tell(ended()))}


def test_a_try_that_failed_waits_and_says_why() -> None:
    wish = pending()
    failed = written(wish, **over(wish, Reason.WEBHOOK_FAILED, "hooks.example answered 500."))
    again = hook(failed).attempts.next_retry_time
    assert again is not None
    assert "answered 500. Check that the receiver answers with a status of 2xx. The message is sent again at" in (
        hook(failed).message or ""
    )
    waiting = tell(failed, NOW, jobs=(job(wish, finished="Failed"),))
    assert (waiting.requeue_at, [type(action) for action in waiting.actions]) == (again, [Patch])
    assert [task.run for task in made(tell(failed, again))] == [2]


def test_a_receiver_is_left_alone_as_long_as_it_asked() -> None:
    wish = pending()
    failed = written(wish, **over(wish, Reason.WEBHOOK_FAILED, "429.", retry_after_seconds=3600))
    assert hook(failed).attempts.next_retry_time == after(3600)


@pytest.mark.parametrize("reason", [Reason.WEBHOOK_GONE, Reason.ADDRESS_FORBIDDEN, Reason.INVALID_SPEC])
def test_what_no_patience_mends_is_given_up_at_once(reason: Reason) -> None:
    wish = pending()
    found = tell(wish, **over(wish, reason, "hooks.example answered 410 Gone."))
    assert found.status is not None
    assert (found.status.state, found.requeue_at) == ("Failed", None)
    assert info(reason).advice in (found.status.message or "")
    assert [(one.type, one.reason) for one in found.planned_events] == [("Warning", "WebhookFailed")]


@pytest.mark.parametrize("reason", [Reason.CREDENTIALS_NOT_FOUND, Reason.CERTIFICATE_INVALID, Reason.INTERNAL])
def test_what_may_be_mended_elsewhere_is_tried_again(reason: Reason) -> None:
    wish, pauses = failing(pending(), 4, reason)
    assert (hook(wish).state, len(pauses)) == ("Pending", 4)


@pytest.mark.parametrize(
    "mended",
    [
        {"webhook": HOOK | {"url": "https://hooks.example/other"}},
        {"webhook": HOOK | {"secretRef": {"name": "other"}}},
        {"retryToken": "again"},
        {"template": {"destination": {"s3": {"bucket": "media"}}, "worker": {"proxy": "http://proxy.example:3128"}}},
    ],
)
def test_a_mended_wish_starts_the_same_message_anew(mended: dict[str, Any]) -> None:
    wish = pending()
    gone = written(wish, **over(wish, Reason.WEBHOOK_GONE, "410."))
    found = tell(edited(gone, **mended), after(9), **over(wish, Reason.WEBHOOK_GONE))
    assert found.status is not None
    assert (found.status.state, found.status.id, found.status.run) == ("Pending", hook(wish).id, 2)
    assert found.status.attempts.reasons == ()
    assert [task.run for task in made(found)] == [2]


def test_a_mended_wish_takes_the_place_of_a_running_try() -> None:
    wish = pending()
    mended = written(edited(wish, webhook=HOOK | {"url": "https://hooks.example/other"}), jobs=(job(wish),))
    found = tell(mended, jobs=(job(wish),))
    assert [type(action) for action in found.actions] == [Delete, Create]


def test_what_was_delivered_stays_so_whatever_is_mended() -> None:
    wish = pending()
    done = written(wish, **over(wish))
    assert tell(edited(done, retryToken="again")) == Plan(done.status.webhook)


def test_a_new_end_is_a_new_message() -> None:
    first = pending()
    done = written(first, **over(first))
    goes_on = having(done, done.status.webhook, phase=BulkPhase.PROCESSING, completion_time=None)
    assert tell(goes_on) == Plan(done.status.webhook)
    found = tell(having(goes_on, done.status.webhook, phase=BulkPhase.COMPLETED, completion_time=after(900)))
    assert found.status is not None
    assert found.status.id != hook(first).id
    assert (found.status.state, found.status.run) == ("Pending", 2)


def test_a_bulk_that_goes_on_gives_up_what_was_not_delivered() -> None:
    wish = pending()
    goes_on = having(wish, wish.status.webhook, phase=BulkPhase.PROCESSING, completion_time=None)
    found = tell(goes_on, jobs=(job(wish),))
    assert found.status is not None
    assert found.status.state == "Failed"
    assert "continues" in (found.status.message or "")
    assert [type(action) for action in found.actions] == [Delete]
    assert tell(having(goes_on, found.status)) == Plan(found.status)


def test_a_webhook_that_is_taken_away_is_forgotten_unless_it_was_delivered() -> None:
    wish = pending()
    found = tell(edited(wish, webhook=None), jobs=(job(wish),))
    assert (found.status, [type(action) for action in found.actions]) == (None, [Delete])
    done = written(wish, **over(wish))
    assert tell(edited(done, webhook=None)).status == done.status.webhook


def test_a_suspended_bulk_sends_nothing_and_goes_on_with_the_same_message() -> None:
    wish = pending()
    resting = edited(wish, suspend=True)
    stopped = tell(resting, jobs=(job(wish),))
    assert [type(action) for action in stopped.actions] == [Delete]
    assert tell(resting, jobs=(job(wish, deleting=True),)).actions == ()
    idle = written(resting, jobs=())
    assert "Suspended" in (hook(idle).message or "")
    assert tell(idle).actions == ()
    (task,) = made(tell(edited(idle, suspend=False)))
    assert (task.run, task.message_id) == (1, hook(wish).id)


def test_a_wait_between_two_tries_outlasts_a_suspension() -> None:
    wish = pending()
    failed = edited(written(wish, **over(wish, Reason.WEBHOOK_FAILED, "500.")), suspend=True)
    assert tell(failed, after(9999)) == Plan(failed.status.webhook)
    assert len(made(tell(edited(failed, suspend=False), after(9999)))) == 1


def test_what_is_delivered_while_it_is_suspended_is_delivered() -> None:
    wish = pending()
    assert hook(written(edited(wish, suspend=True), **over(wish))).state == "Delivered"


def test_what_keeps_the_pod_from_starting_is_shown_and_passes() -> None:
    wish = pending()
    stuck = pod(job(wish), unscheduled="0/3 nodes are available")
    shown = written(wish, after(60), jobs=(job(wish),), pods=(stuck,))
    assert "0/3 nodes are available" in (hook(shown).message or "")
    runs = pod(job(wish), phase="Running", running=True)
    assert hook(written(shown, after(90), jobs=(job(wish),), pods=(runs,))).message == hook(wish).message


def test_a_refused_job_is_shown_and_made_later() -> None:
    wish = pending()
    refusal = EventView(BULK_UID, "JobRejected", "exceeded quota: jobs", NOW)
    shown = tell(wish, refusal=refusal)
    assert shown.status is not None
    assert "exceeded quota" in (shown.status.message or "")
    assert len(made(shown)) == 1


def test_jobs_of_a_later_run_tell_that_the_status_is_an_old_one() -> None:
    wish = pending()
    late = replace(job(wish, run=4), finished="Failed")
    assert [task.run for task in made(tell(wish, jobs=(late,)))] == [5]


def test_jobs_of_other_tasks_are_left_alone() -> None:
    wish = pending()
    done = written(wish, **over(wish))
    assert tell(done, jobs=(job(wish, name="talks-list-r1"),)).actions == ()


def test_the_id_is_fit_to_be_signed() -> None:
    assert "." not in hook(pending()).id
    assert len(hook(pending()).id) == 36
