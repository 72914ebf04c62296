"""Reading of the list of a BulkImport. One Job lists one page. The page begins at the end of the previous page.

Each reconcile derives the state of the list from the stored pages. In addition, the status has the run and the
attempts for the next page. The number of a run is in the status before the Job of the run is created.
"""

from dataclasses import dataclass
from datetime import datetime

from videoimport.api.bulkimport_status import DiscoveryStatus
from videoimport.api.reasons import Reason, RetryClass, info
from videoimport.api.videoimport_status import Attempts, HostBackoff
from videoimport.core.circuit_breaker import HostContext, find_list_host, record_failure
from videoimport.core.discovery.context import LISTING_TASK, DiscoveryContext
from videoimport.core.discovery.job import build_listing_job, read_page_report, store_reported_page
from videoimport.core.discovery.page_digest import extend_chain, hash_chain, hash_page
from videoimport.core.discovery.pages import delete_obsolete_pages, is_list_complete
from videoimport.core.jobs.bulk_task_job import find_task_run, finish_task, has_active_worker
from videoimport.core.jobs.cluster_message import find_bulk_fields
from videoimport.core.jobs.run_lifecycle import (
    RunState,
    build_job,
    cleanup_jobs,
    create_next_run,
    delete_jobs,
    ensure_job,
    observe_job,
)
from videoimport.core.jobs.startup_diagnosis import JobPlan
from videoimport.core.list_item import FACTS
from videoimport.core.message_format import format_message, format_time, join_sentences
from videoimport.core.observed import ObservedBulk, PageView
from videoimport.core.plan import Action, Create, PartialPlan, Plan, PlannedEvent, StoreListingPage
from videoimport.core.retry_policy import Context, judge
from videoimport.core.settings import Settings

_QUEUED = "The listing's Job waits for its queue to admit it."


_ListingPlan = PartialPlan[DiscoveryStatus]
"""Result of one case of the chain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery(Plan[DiscoveryStatus]):
    """The plan for the remaining list, and the pages that are already known. The status is None for inline items."""

    pages: tuple[PageView, ...]
    """The valid pages."""
    done: bool
    """True if no more pages will come."""
    active: bool
    """True if a Job or pod of the listing has not ended."""
    failed: bool = False
    """True if the listing failed finally. Reason and message in the status have the cause."""


def reconcile_discovery(observed: ObservedBulk, now: datetime, settings: Settings, *, wanted: bool) -> Discovery:
    """Return the next step toward the whole list. If ``wanted`` is False, no Job starts, and active Jobs are deleted.
    The result always has the known pages."""
    if not observed.bulk.spec.source.is_listed:
        run = find_task_run(observed, LISTING_TASK, 0, Attempts(), now, settings)
        actions = (*delete_jobs(run.jobs), *delete_obsolete_pages(observed, ()))
        return Discovery(pages=(), done=True, active=_has_active_job(observed, run), actions=actions)
    context = DiscoveryContext(observed, now.replace(microsecond=0), settings, wanted)
    partials = (case(context) for case in _CASES)
    partial = next(found for found in partials if found)
    known = Discovery(
        status=partial.status,
        pages=context.pages,
        done=is_list_complete(context.bulk, context.pages),
        active=_has_active_job(observed, context.run),
        failed=_has_failed(partial.status),
        actions=delete_obsolete_pages(observed, context.pages),
    )
    return known + partial


def _handle_complete_list(context: DiscoveryContext) -> _ListingPlan | None:
    """Return the plan after the whole list is known: the last Job is deleted."""
    if not is_list_complete(context.bulk, context.pages):
        return None
    return PartialPlan(
        _clear_problem(context.status).model_copy(update={"wish": context.spec_hash}), delete_jobs(context.run.jobs)
    )


def _handle_failed_discovery(context: DiscoveryContext) -> _ListingPlan | None:
    """Return the plan after the listing failed finally. The last Job stays for a while, for its log."""
    return PartialPlan(context.status, _cleanup_old_jobs(context)) if _has_failed(context.status) else None


def _handle_interrupted_page(context: DiscoveryContext) -> _ListingPlan | None:
    """Return the plan after the source broke off: the host gets a backoff before the next page. The plan is the same
    while no page is wanted, because a page will be wanted later."""
    page = context.interrupted_page
    if page is None or page.pushed_back is None:
        return None
    return _handle_failed_run(
        context, page.pushed_back, "The source ended the list early, after the last page", page.retry_after_seconds
    )


def _handle_hold(context: DiscoveryContext) -> _ListingPlan | None:
    """Return the plan while no page is wanted: no request goes to the source. A delay after a failed run continues.
    This time does not count as time in which the source was tried."""
    if context.wanted:
        return None
    waits = context.status.attempts.next_retry_time is not None
    status = context.status if waits else _clear_problem(context.status)
    return PartialPlan(status.model_copy(update={"since": None}), delete_jobs(context.run.jobs))


def _wait_for_retry(context: DiscoveryContext) -> _ListingPlan | None:
    """Return the plan between two runs."""
    at = context.status.attempts.next_retry_time
    if at is None:
        return None
    return (
        PartialPlan(context.status, _cleanup_old_jobs(context), requeue_at=at)
        if at > context.now
        else _start_next_run(context)
    )


def _begin_run(context: DiscoveryContext) -> _ListingPlan | None:
    """Return the plan that starts a run if there is no current run. A run is not current if it is outdated, or if it
    belongs to another page or spec."""
    run = context.run
    other = run.job is not None and run.job.wish != context.job_spec_hash
    begins = run.number == 0 or other or run.is_outdated or context.status.wish != context.spec_hash
    return _start_next_run(context) if begins else None


def _ensure_listing_job(context: DiscoveryContext) -> _ListingPlan | None:
    """Return the plan that creates the missing Job. Each creation of this Job lists the same page."""
    if context.run.job is not None:
        return None
    creation = (_create_listing_job(context, context.run.number),)
    job_plan = ensure_job(context.run, creation, find_bulk_fields(context.bulk), context.settings.patience)
    return PartialPlan(_record_problem(context.status, job_plan)) + job_plan


def _handle_finished_run(context: DiscoveryContext) -> _ListingPlan | None:
    """Return the plan after the end of a run: the page is stored, or the run has failed."""
    job, outcome = context.run.job, finish_task(context.run, context.bulk, read_page_report)
    if job is None or outcome is None:
        return None
    if job.uid in context.observed.unkept:
        return _handle_failed_run(
            context, Reason.REPORT_LOST, "The page's log is gone or is not what the worker printed"
        )
    report = outcome.report
    if outcome.reason is not None or report is None:
        asked = report.retry_after_seconds if report else None
        if outcome.reason is Reason.DEADLINE_EXCEEDED:  # users cannot give a listing more time, so the page is retried
            return _handle_failed_run(context, Reason.STALLED, "The page was not listed in time")
        return _handle_failed_run(context, outcome.reason or Reason.REPORT_LOST, outcome.message, asked, outcome.advice)
    pods = context.run.pods_of(job)
    page_action = store_reported_page(context.bulk, context.listing, context.pages, report, job, pods[0])
    if isinstance(page_action, str):
        return _handle_failed_run(context, Reason.INTERNAL, page_action)
    status = context.status.model_copy(update={"page_digests": _add_page_digest(context, page_action)})
    refusal = context.observed.refusal
    if refusal is None:
        return PartialPlan(_clear_problem(status), (page_action,))
    text = format_message(Reason.JOB_REJECTED, f"The cluster refuses to create the next object: {refusal.message}")
    return PartialPlan(status.model_copy(update={"reason": Reason.JOB_REJECTED, "message": text}), (page_action,))


def _add_page_digest(context: DiscoveryContext, page_action: StoreListingPage) -> dict[str, str]:
    """Return the digests to record before this page is stored. With these digests, this page is valid, and any other
    page with its number is not."""
    before = hash_chain(context.listing, (page.digest for page in context.pages))
    after = extend_chain(before, hash_page(page_action.manifest["data"][FACTS], page_action.sha256))
    return context.status.page_digests | {str(len(context.pages) + 1): after}


def _observe_active_job(context: DiscoveryContext) -> _ListingPlan:
    """Return the plan while the Job exists: the worker is active, or a problem keeps it from starting."""
    job, status = context.run.job, context.status
    if job is None or job.deleting:
        return PartialPlan(status)
    if job.suspended:
        return PartialPlan(status.model_copy(update={"reason": None, "message": _QUEUED}))
    job_plan = observe_job(context.run, find_bulk_fields(context.bulk))
    if job_plan.echo and job_plan.reason is status.reason and status.message:
        return PartialPlan(status) + job_plan
    return PartialPlan(_record_problem(status, job_plan)) + job_plan


def _record_problem(status: DiscoveryStatus, job_plan: JobPlan) -> DiscoveryStatus:
    return status.model_copy(update={"reason": job_plan.reason, "message": job_plan.message or None})


_CASES = (
    _handle_complete_list,
    _handle_failed_discovery,
    _handle_interrupted_page,
    _handle_hold,
    _wait_for_retry,
    _begin_run,
    _ensure_listing_job,
    _handle_finished_run,
    _observe_active_job,
)


def _start_next_run(context: DiscoveryContext) -> _ListingPlan:
    """Return the plan that starts another run, or that waits while the breaker of the host is open. All older Jobs are
    deleted."""
    until = context.observed.source_backoff_until
    if until is not None and until > context.now:
        text = f"The host of the source asked for fewer requests, and the next request follows at {format_time(until)}"
        attempts = context.status.attempts.model_copy(update={"next_retry_time": until})
        changes = {
            "attempts": attempts,
            "reason": Reason.RATE_LIMITED,
            "message": join_sentences(text),
            "wish": context.spec_hash,
        }
        return PartialPlan(context.status.model_copy(update=changes), delete_jobs(context.run.jobs), requeue_at=until)
    run = create_next_run(context.run, context.status.attempts)
    changes = {"run": run.number, "attempts": run.attempts, "wish": context.spec_hash, "since": context.since}
    status = _clear_problem(context.status).model_copy(update=changes)
    return PartialPlan(status, (*delete_jobs(context.run.jobs), _create_listing_job(context, run.number)))


def _create_listing_job(context: DiscoveryContext, run: int) -> Action:
    job = build_listing_job(context.bulk, run, context.pages, context.job_spec_hash, context.settings)
    return Create(build_job(job, context.settings))


def _handle_failed_run(
    context: DiscoveryContext, reason: Reason, text: str, asked: int | None = None, advice: str = ""
) -> _ListingPlan:
    """Return the plan after a failed run: another run, at once or later, or the end. ``asked`` is the host's
    Retry-After in seconds. ``advice`` is more exact than the reason's own advice."""
    uid, attempts = context.bulk.metadata.uid, context.status.attempts
    backoff = _compute_backoff(context, asked) if info(reason).retry is RetryClass.HOST else None
    verdict = judge(
        reason, Context(uid, context.run.number, attempts, context.now, context.settings, context.since, backoff)
    )
    changes = {"reason": reason, "attempts": verdict.attempts, "wish": context.spec_hash, "since": context.since}
    changes |= {"host_failures": backoff.failures if backoff else 0}
    if verdict.requeue_at is None:
        message = format_message(reason, text, given_up=verdict.given_up, advice=advice)
        planned_event = PlannedEvent("Warning", "ListingFailed", join_sentences(f"{reason}: {message}"))
        status = context.status.model_copy(update=changes | {"message": message})
        return PartialPlan(status, planned_events=(planned_event,))
    message = join_sentences(
        format_message(reason, text, advice=advice), f"The page is listed again at {format_time(verdict.requeue_at)}"
    )
    status = context.status.model_copy(update=changes | {"message": message})
    return PartialPlan(status, requeue_at=max(verdict.requeue_at, context.now))


def _compute_backoff(context: DiscoveryContext, asked: int | None) -> HostBackoff:
    """Return the backoff of the host. The backoff grows with each failure in a row, and never ends before the backoff
    of imports."""
    host, before = find_list_host(context.bulk.spec.source) or "", context.status.host_failures
    known = HostBackoff(host=host, failures=before, time=context.now, since=context.since, probing=before > 0)
    backoff = record_failure(HostContext(host, known, None, context.now, context.settings), asked)
    until = max(at for at in (backoff.until, context.observed.source_backoff_until, context.now) if at is not None)
    return backoff.model_copy(update={"until": until})


def _has_failed(status: DiscoveryStatus) -> bool:
    """Return whether the last run failed and no other run follows. A cause that only delays a start is no failure."""
    if status.reason is None or status.attempts.next_retry_time is not None:
        return False
    return info(status.reason).retry is not RetryClass.WAITING


def _clear_problem(status: DiscoveryStatus) -> DiscoveryStatus:
    return status.model_copy(update={"reason": None, "message": None})


def _cleanup_old_jobs(context: DiscoveryContext) -> tuple[Action, ...]:
    """Return the actions that delete the Jobs of earlier runs, and the last Job after its TTL."""
    job = context.run.job
    older = delete_jobs(job for job in context.run.jobs if job.run != context.run.number)
    return (*older, *cleanup_jobs(context.run, (job,))) if job else older


def _has_active_job(observed: ObservedBulk, run: RunState) -> bool:
    return any(has_active_worker(observed, job) for job in run.jobs)
