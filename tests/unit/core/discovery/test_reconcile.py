"""How a list comes to be known, page by page."""

from dataclasses import replace
from datetime import timedelta

import pytest

from support.core.discovery_builders import (
    LIST,
    SECOND,
    begun,
    collected,
    created,
    deleted,
    edited,
    ended,
    listed,
    look,
    made,
    noted,
    page,
    pod_of,
    task_in,
    told,
    working,
)
from support.core.video_builders import NOW, SETTINGS, after, event
from support.every_case import every_case
from videoimport.api.conditions import Condition
from videoimport.api.reasons import Reason, RetryClass, info
from videoimport.core.discovery.reconcile import Discovery
from videoimport.core.list_item import Listed
from videoimport.core.observed import EventView
from videoimport.core.observed_parsers import parse_page
from videoimport.core.plan import EventQuery, Patch


def test_the_first_run_is_in_the_status_before_its_job_is_made():
    found = look(listed())
    assert (found.status.run, found.status.pages, found.status.done) == (1, 0, False)
    assert created(found)["metadata"]["name"] == "talks-list-r1"
    assert task_in(created(found))["page"] == 0
    assert not found.done


def test_a_status_written_and_no_job_made_makes_the_same_job():
    wish, job = begun()
    again = look(wish)
    assert created(again)["metadata"]["name"] == job.name
    assert again.status == wish.status.discovery


def test_nothing_is_done_while_a_worker_lists():
    wish, job = begun()
    found = look(wish, **working(job))
    assert (found.actions, found.event_queries, found.status) == ((), (), wish.status.discovery)
    assert found.active


def test_a_reported_page_is_collected():
    wish, job = begun()
    wanted = collected(look(wish, **told(job, cursor=SECOND, sha256="a" * 64)))
    assert (wanted.job, wanted.count, wanted.sha256) == (job.uid, 2, "a" * 64)
    assert wanted.manifest["immutable"]
    assert wanted.manifest["metadata"]["labels"]["videoimport.io/page"] == "0"


def test_a_kept_page_leads_to_the_next_run_and_the_old_job_goes():
    wish, job = begun()
    found = look(wish, pages=(page(wish, 0),), **told(job, cursor=SECOND))
    assert (found.status.run, found.status.pages, found.status.cursor) == (2, 1, SECOND)
    assert deleted(found) == ["talks-list-r1"]
    task = task_in(created(found))
    assert (task["page"], task["cursor"]) == (1, SECOND)


def test_items_of_the_first_page_are_known_while_the_second_is_listed():
    wish, job = begun()
    found = look(wish, pages=(page(wish, 0),), **told(job, cursor=SECOND))
    assert [item.url for kept in found.pages for item in kept.items] == [
        "https://video.example/0-0.mp4",
        "https://video.example/0-1.mp4",
    ]
    assert not found.done


def test_the_last_page_ends_it_and_its_job_goes():
    wish, job = begun()
    found = look(wish, pages=(page(wish, 0, done=True),), **told(job, done=True))
    assert found.done
    assert (found.status.done, found.status.pages, found.status.cursor) == (True, 1, None)
    assert deleted(found) == ["talks-list-r1"]


def test_a_list_that_is_known_costs_nothing_more():
    wish, job = begun()
    pages = (page(wish, 0, done=True),)
    wish = noted(wish, look(wish, pages=pages, **told(job, done=True)).status)
    found = look(wish, pages=pages)
    assert (found.status, found.actions, found.requeue_at) == (wish.status.discovery, (), None)


def test_pages_after_a_gap_do_not_count_and_go():
    wish, _ = begun()
    found = look(wish, pages=(page(wish, 1),))
    assert (found.status.pages, found.pages) == (0, ())
    assert deleted(found) == [page(wish, 1).name]


def test_a_page_on_its_way_out_does_not_count():
    wish, _ = begun()
    found = look(wish, pages=(page(wish, 0, deleting=True),))
    assert (found.status.pages, deleted(found)) == (0, [])


def test_another_source_is_another_list():
    wish, job = begun()
    first = page(wish, 0)
    wish = noted(wish, look(wish, pages=(first,), **told(job, cursor=SECOND)).status)
    other = edited(wish, source={"manifest": {"url": "https://lists.example/other.txt"}})
    found = look(other, pages=(first,), jobs=(replace(job, run=2, name="talks-list-r2"),))
    assert (found.status.pages, found.status.run, found.pages) == (0, 3, ())
    assert deleted(found) == [first.name, "talks-list-r2"]
    assert task_in(created(found))["source"]["manifest"]["url"] == "https://lists.example/other.txt"


@pytest.mark.parametrize(
    ("spec", "same"),
    [
        ({"parallelism": 9, "suspend": False, "retryToken": "x"}, True),
        ({"source": {**LIST, "credentialsSecretRef": {"name": "other"}}}, True),
        ({"template": {"destination": {"s3": {"bucket": "media"}}, "requirements": {}}}, False),
        ({"template": {"destination": {"s3": {"bucket": "media"}, "name": "{title}"}}}, True),
        ({"template": {"destination": {"s3": {"bucket": "elsewhere"}}}}, False),
        ({"template": {"destination": {"s3": {"bucket": "media"}}, "output": {"mode": "Remux"}}}, False),
    ],
)
def test_which_edits_make_pages_useless(spec, same):
    wish, _ = begun()
    kept = page(wish, 0)
    found = look(edited(wish, **spec), pages=(kept,))
    assert (found.pages == (kept,)) is same


def test_without_the_index_the_destination_does_not_matter_to_a_list():
    wish, _ = begun(incremental=False)
    kept = page(wish, 0)
    assert look(edited(wish, template={"destination": {"s3": {"bucket": "elsewhere"}}}), pages=(kept,)).pages == (kept,)


def test_pages_of_what_earlier_bulks_left_are_let_alone():
    wish, _ = begun()
    assert deleted(look(wish, pages=(page(wish, 0, listing="earlier"),))) == []


def test_a_list_that_becomes_inline_leaves_nothing():
    wish, job = begun()
    inline = edited(wish, source={"items": [{"url": "https://video.example/1.mp4"}], "manifest": None})
    found = look(inline, pages=(page(wish, 0),), **working(job))
    assert (found.status, found.done, found.pages) == (None, True, ())
    assert deleted(found) == ["talks-list-r1", page(wish, 0).name]


def failed(reason: Reason = Reason.SOURCE_UNAVAILABLE, **spec) -> tuple[Discovery, object]:
    wish, job = begun(**spec)
    found = look(wish, **told(job, reason=reason, message="The list did not come"))
    return found, noted(wish, found.status)


def test_a_failed_run_is_tried_again_later():
    found, wish = failed()
    assert found.status.reason is Reason.SOURCE_UNAVAILABLE
    assert "The list did not come" in found.status.message
    assert not found.failed
    waiting = look(wish)
    assert (waiting.actions, waiting.requeue_at) == ((), found.status.attempts.next_retry_time)
    again = look(wish, at=waiting.requeue_at)
    assert (again.status.run, again.status.attempts.count, again.status.reason) == (2, 2, None)
    assert created(again)["metadata"]["name"] == "talks-list-r2"


def test_a_permanent_reason_ends_it_at_once():
    found, wish = failed(Reason.SOURCE_NOT_FOUND)
    assert found.failed
    assert [(said.type, said.reason) for said in found.planned_events] == [("Warning", "ListingFailed")]
    later = look(wish, at=after(9999))
    assert (later.failed, later.actions, later.planned_events, later.status) == (True, (), (), wish.status.discovery)


def test_attempts_end():
    found, _ = failed(template={"destination": {"s3": {"bucket": "media"}}, "maxAttempts": 1})
    assert found.failed
    assert found.status.attempts.next_retry_time is None
    assert "given up" not in found.status.message, "a single attempt needs no count"


@every_case("reason", [reason for reason in Reason if info(reason).exit_code])
def test_whatever_the_worker_says_the_page_is_tried_again_or_the_list_is_given_up(reason):
    found, _ = failed(reason)
    ends = info(reason).retry in (RetryClass.PERMANENT, RetryClass.USER) and reason is not Reason.DEADLINE_EXCEEDED
    assert (found.failed, found.status.attempts.next_retry_time is None) == (ends, ends)


def test_a_page_that_took_too_long_is_tried_again_for_nobody_can_give_it_more_time():
    found, _ = failed(Reason.DEADLINE_EXCEEDED)
    assert (found.status.reason, found.failed) == (Reason.STALLED, False)
    assert found.status.attempts.next_retry_time is not None
    assert "timeoutSeconds" not in found.status.message


def test_a_failed_list_keeps_the_log_of_its_last_job_for_a_while():
    wish, job = begun()
    seen = told(job, reason=Reason.SOURCE_NOT_FOUND)
    found = look(noted(wish, look(wish, **seen).status), **seen)
    (kept,) = found.actions
    assert isinstance(kept, Patch)
    assert kept.patch == {"spec": {"ttlSecondsAfterFinished": 600}}


def test_what_was_listed_before_a_failure_stays():
    wish, job = begun()
    pages = (page(wish, 0),)
    second = look(wish, pages=pages, **told(job, cursor=SECOND))
    wish, job = noted(wish, second.status), made(second)
    found = look(wish, pages=pages, **told(job, page=1, reason=Reason.SOURCE_NOT_FOUND))
    assert (found.failed, found.pages) == (True, pages)


def test_a_new_token_tries_again():
    _, wish = failed(Reason.SOURCE_NOT_FOUND)
    found = look(edited(wish, retryToken="again"))
    assert (found.failed, found.status.run, found.status.attempts.count) == (False, 2, 1)
    assert created(found)["metadata"]["name"] == "talks-list-r2"


def test_another_secret_tries_again():
    _, wish = failed(Reason.CREDENTIALS_NOT_FOUND)
    found = look(edited(wish, source={**LIST, "credentialsSecretRef": {"name": "right"}}))
    assert (found.failed, found.status.run) == (False, 2)


def test_other_edits_do_not():
    _, wish = failed(Reason.SOURCE_NOT_FOUND)
    found = look(edited(wish, parallelism=50))
    assert (found.failed, found.actions) == (True, ())


def test_a_token_given_while_nothing_is_wanted_counts_afterwards():
    _, wish = failed(Reason.SOURCE_NOT_FOUND)
    renewed = edited(wish, retryToken="again")
    found = look(renewed, wanted=False)
    assert (found.failed, found.actions) == (False, ())
    assert created(look(noted(renewed, found.status)))["metadata"]["name"] == "talks-list-r2"


def test_a_new_token_is_not_answered_with_the_old_failure():
    wish, job = begun()
    seen = told(job, reason=Reason.SOURCE_NOT_FOUND)
    wish = noted(wish, look(wish, **seen).status)
    found = look(edited(wish, retryToken="again"), **seen)
    assert (found.failed, found.status.run, deleted(found)) == (False, 2, ["talks-list-r1"])


def test_tries_are_counted_anew_for_each_page():
    wish, job = begun()
    wish = noted(wish, look(wish, **told(job, reason=Reason.SOURCE_UNAVAILABLE)).status)
    again = look(wish, at=after(60))
    wish, job = noted(wish, again.status), made(again)
    found = look(wish, pages=(page(wish, 0),), **told(job, cursor=SECOND))
    assert (found.status.attempts.count, found.status.attempts.reasons) == (1, ())


def test_a_lost_log_makes_a_new_run_that_is_not_charged():
    wish, job = begun()
    seen = told(job, cursor=SECOND)
    found = look(wish, unkept=frozenset({job.uid}), **seen)
    assert found.status.reason is Reason.REPORT_LOST
    assert (found.status.attempts.uncharged, found.status.attempts.reasons) == (1, ())
    again = look(noted(wish, found.status), unkept=frozenset({job.uid}), **seen)
    assert (again.status.run, deleted(again)) == (2, ["talks-list-r1"])


def test_logs_that_are_lost_for_ever_end_it():
    wish, job = begun()
    for _ in range(SETTINGS.max_uncharged + 1):
        found = look(wish, unkept=frozenset({job.uid}), **told(job, cursor=SECOND))
        wish = noted(wish, found.status)
        if found.failed:
            break
        again = look(wish, at=found.requeue_at)
        wish, job = noted(wish, again.status), made(again)
    assert found.failed
    assert found.status.run == SETTINGS.max_uncharged + 1


def test_a_pod_deleted_after_it_finished_is_no_ones_fault():
    wish, job = begun()
    found = look(wish, jobs=(replace(job, finished="Complete"),))
    assert (found.status.reason, found.status.attempts.uncharged) == (Reason.REPORT_LOST, 1)


def test_a_job_deleted_while_it_works_is_made_again():
    wish, job = begun()
    gone = look(wish)
    assert created(gone)["metadata"]["name"] == job.name
    leaving = look(wish, jobs=(replace(job, deleting=True),))
    assert leaving.actions == ()


@pytest.mark.parametrize(
    ("report", "words"),
    [
        ({"page": 1, "cursor": SECOND}, "page 1 instead of 0"),
        ({"cursor": None}, "ends where it began"),
        ({"cursor": SECOND, "count": 2001}, "too large"),
        ({"cursor": SECOND, "bytes": 600_000}, "too large"),
    ],
)
def test_a_report_that_contradicts_itself_is_a_mistake_of_ours(report, words):
    wish, job = begun()
    found = look(wish, **told(job, **report))
    assert found.status.reason is Reason.INTERNAL
    assert words in found.status.message


def test_a_cursor_that_stands_still_is_not_followed_for_ever():
    wish, job = begun()
    pages = (page(wish, 0),)
    second = look(wish, pages=pages, **told(job, cursor=SECOND))
    wish, job = noted(wish, second.status), made(second)
    assert look(wish, pages=pages, **told(job, page=1, cursor=SECOND)).status.reason is Reason.INTERNAL


def test_a_report_of_another_bulk_or_run_is_none():
    wish, job = begun()
    assert look(wish, **told(job, uid="other", cursor=SECOND)).status.reason is Reason.REPORT_LOST
    assert look(wish, **ended(job, "no report")).status.reason is Reason.REPORT_LOST


def test_an_exit_code_alone_tells_the_reason():
    wish, job = begun()
    found = look(wish, jobs=(replace(job, finished="Failed", exit_code=82),))
    assert (found.status.reason, found.failed) == (Reason.CREDENTIALS_NOT_FOUND, True)


def test_what_keeps_the_pod_from_starting_is_shown():
    wish, job = begun()
    found = look(wish, jobs=(job,), pods=pod_of(job, unscheduled="0/3 nodes are available"))
    assert found.status.reason is Reason.UNSCHEDULABLE
    assert "0/3 nodes" in found.status.message
    assert not found.failed
    started = look(noted(wish, found.status), **working(job))
    assert (started.status.reason, started.status.message) == (None, None)


def test_a_pod_that_is_not_created_is_asked_about():
    wish, job = begun()
    found = look(wish, at=after(60), jobs=(job,))
    assert found.event_queries == (EventQuery("Job", "films", job.name, job.uid),)
    answered = look(wish, at=after(60), jobs=(job,), events=(event(job.uid, "FailedCreate", "violates PodSecurity"),))
    assert answered.status.reason is Reason.POD_REJECTED
    assert "violates PodSecurity" in answered.status.message


def test_a_refused_job_says_why_and_is_made_less_often():
    wish, _ = begun()
    refusal = EventView("bulk-uid", "JobRejected", "exceeded quota", NOW)
    found = look(wish, refusal=refusal)
    assert (found.status.reason, found.actions) == (Reason.JOB_REJECTED, ())
    assert "exceeded quota" in found.status.message
    assert created(look(wish, refusal=refusal, at=found.requeue_at))


def test_a_refused_page_says_why_and_is_tried_again():
    wish, job = begun()
    refusal = EventView("bulk-uid", "JobRejected", "ConfigMap talks-x-0 is there and belongs to another", NOW)
    found = look(wish, refusal=refusal, **told(job, cursor=SECOND))
    assert (found.status.reason, found.failed) == (Reason.JOB_REJECTED, False)
    assert "belongs to another" in found.status.message
    assert collected(found)


def test_a_mended_pod_takes_the_place_of_one_that_cannot_start():
    wish, job = begun()
    template = {"destination": {"s3": {"bucket": "media"}}, "worker": {"nodeSelector": {"disk": "fast"}}}
    found = look(edited(wish, template=template), jobs=(job,), pods=pod_of(job, unscheduled="none"))
    assert (found.status.run, deleted(found)) == (2, ["talks-list-r1"])
    assert created(found)["spec"]["template"]["spec"]["nodeSelector"] == {"disk": "fast"}


def test_a_queue_that_holds_the_job_back_is_no_trouble():
    wish, job = begun()
    found = look(wish, jobs=(replace(job, suspended=True),))
    assert (found.status.reason, found.actions) == (None, ())
    assert "queue" in found.status.message


def test_unwanted_nothing_starts():
    found = look(listed(), wanted=False)
    assert (found.status.run, found.actions, found.requeue_at) == (0, (), None)


def test_unwanted_what_runs_is_stopped_and_goes_on_later():
    wish, job = begun()
    found = look(wish, wanted=False, **working(job))
    assert deleted(found) == ["talks-list-r1"]
    assert found.active
    wish = noted(wish, found.status)
    assert not look(wish, wanted=False).active
    assert created(look(wish))["metadata"]["name"] == "talks-list-r1"


def test_unwanted_a_known_list_stays_known():
    wish, _ = begun()
    pages = (page(wish, 0, done=True),)
    found = look(wish, wanted=False, pages=pages)
    assert (found.done, found.pages) == (True, pages)


def test_a_host_that_rests_is_not_asked():
    until = after(300)
    found = look(listed(), source_backoff_until=until)
    assert (found.status.reason, found.status.run, found.requeue_at) == (Reason.RATE_LIMITED, 0, until)
    assert not found.failed
    wish = noted(listed(), found.status)
    assert look(wish, at=until).status.run == 1
    longer = look(wish, at=until, source_backoff_until=until + timedelta(minutes=5))
    assert longer.requeue_at == until + timedelta(minutes=5)


def test_a_source_that_breaks_off_after_a_page_is_left_alone_before_the_next():
    wish, job = begun()
    pages = (page(wish, 0, pushed_back=Reason.SOURCE_UNAVAILABLE),)
    found = look(wish, pages=pages, **told(job, cursor=SECOND))
    assert (found.status.pages, found.status.run) == (1, 1)
    assert found.status.attempts.next_retry_time > NOW
    wish = noted(wish, found.status)
    assert look(wish, pages=pages).actions == ()
    again = look(wish, at=found.requeue_at, pages=pages)
    assert (again.status.run, task_in(created(again))["page"]) == (2, 1)


def test_jobs_of_later_runs_show_that_the_status_is_old():
    wish, job = begun()
    later = replace(job, run=4, name="talks-list-r4")
    found = look(wish, jobs=(later,))
    assert (found.status.run, deleted(found)) == (5, ["talks-list-r4"])


def test_a_list_without_end_ends():
    wish, _ = begun()
    items = tuple(Listed(f"{number:010x}", "https://video.example/a.mp4") for number in range(200_000))
    endless = (replace(page(wish, 0), items=items),)
    assert look(wish, pages=endless).done


def pushed_back(job, **fields):
    """What is seen after a run that the host told to come back later."""
    return told(job, reason=Reason.RATE_LIMITED, **fields)


def test_a_host_that_pushes_back_is_left_alone_and_asked_again_without_charge():
    wish, job = begun()
    found = look(wish, **pushed_back(job))
    assert (found.failed, found.status.reason, found.status.attempts.reasons) == (False, Reason.RATE_LIMITED, ())
    assert found.requeue_at == NOW + SETTINGS.host_backoff
    assert look(noted(wish, found.status), at=found.requeue_at - timedelta(seconds=1)).status.run == 1
    assert look(noted(wish, found.status), at=found.requeue_at).status.run == 2


def test_a_host_that_pushes_back_again_is_left_alone_longer_up_to_a_bound():
    wish, pauses, at = listed(), [], NOW
    for _ in range(6):
        found = look(wish, at=at)
        job = made(found)
        found = look(noted(wish, found.status), at=at, **pushed_back(job))
        pauses.append((found.requeue_at - at) / SETTINGS.host_backoff)
        wish, at = noted(wish, found.status), found.requeue_at
    assert pauses == [1, 2, 4, 8, 12, 12]


def test_a_host_is_left_alone_for_as_long_as_it_or_an_import_of_it_says():
    wish, job = begun()
    assert look(wish, **pushed_back(job, retry_after_seconds=1000)).requeue_at == after(1000)
    assert look(wish, **pushed_back(job, retry_after_seconds=80_000)).requeue_at == NOW + SETTINGS.host_backoff_max
    assert look(wish, **pushed_back(job), source_backoff_until=after(2000)).requeue_at == after(2000)


def test_a_host_that_pushes_back_for_ever_is_given_up():
    wish, job = begun()
    found = look(wish, at=NOW + SETTINGS.later_cap, **pushed_back(job))
    assert found.failed
    assert "7 days" in found.status.message


def test_a_host_that_pushes_back_after_a_page_is_left_alone_and_the_rest_is_listed_then():
    wish, _ = begun()
    pages = (page(wish, 0, pushed_back=Reason.RATE_LIMITED, retry_after_seconds=900),)
    found = look(wish, pages=pages)
    assert (found.failed, found.requeue_at, found.status.pages) == (False, after(900), 1)
    again = look(noted(wish, found.status), at=found.requeue_at, pages=pages)
    assert task_in(created(again))["page"] == 1


def test_a_page_begins_without_the_host_failures_of_the_one_before():
    wish, job = begun()
    found = look(wish, **pushed_back(job))
    wish = noted(wish, look(noted(wish, found.status), at=found.requeue_at).status)
    assert wish.status.discovery.host_failures == 1
    assert look(wish, pages=(page(wish, 0),)).status.host_failures == 0


def test_what_a_page_says_of_its_host_is_kept_with_it():
    wish, job = begun()
    wanted = collected(look(wish, **told(job, cursor=SECOND, pushed_back=Reason.RATE_LIMITED, retry_after_seconds=900)))
    assert '"retryAfterSeconds":900' in wanted.manifest["data"]["page.json"]
    meta = wanted.manifest["metadata"] | {"uid": "u"}
    assert parse_page({**wanted.manifest, "metadata": meta}).retry_after_seconds == 900


def test_the_pause_after_a_page_outlasts_a_time_in_which_nothing_is_to_be_listed():
    wish, _ = begun()
    pages = (page(wish, 0, pushed_back=Reason.RATE_LIMITED),)
    found = look(wish, wanted=False, pages=pages)
    assert found.status.attempts.next_retry_time == NOW + SETTINGS.host_backoff
    again = look(noted(wish, found.status), at=after(1), pages=pages)
    assert (again.status.run, again.requeue_at) == (1, NOW + SETTINGS.host_backoff)


def test_a_page_is_given_up_by_the_time_it_is_tried_and_not_by_the_bulks_age():
    since = NOW - timedelta(days=30)
    working_on = Condition(type="Reconciling", status="True", reason="Working", message="", last_transition_time=since)
    found = look(listed())
    wish = noted(listed(), found.status)
    old = wish.status.model_copy(update={"start_time": since, "conditions": (working_on,)})
    wish = wish.model_copy(update={"status": old})
    later = told(made(found), reason=Reason.SOURCE_NOT_YET_AVAILABLE)
    assert not look(wish, **later).failed
    assert look(wish, at=NOW + SETTINGS.later_cap, **later).failed


def test_time_in_which_nothing_is_to_be_listed_is_not_time_in_which_a_page_is_tried():
    wish, job = begun()
    wish = noted(wish, look(wish, **pushed_back(job)).status)
    at = NOW + SETTINGS.later_cap
    wish = noted(wish, look(wish, at=at, wanted=False).status)
    found = look(wish, at=at)
    assert (found.status.run, found.status.since) == (2, at)
