"""How a BulkImport's list comes to be known: a Job a page, each begun where the page before ended.

The pages that are kept are the truth; all else that the status says of them is derived anew each time. Only the run,
which is in the status before its Job is made, and what was tried for the present page are remembered there.
"""

from dataclasses import dataclass
from datetime import datetime

from videoimport.api.bulkimport_status import DiscoveryStatus
from videoimport.api.reasons import Reason, RetryClass, info
from videoimport.api.videoimport_status import Attempts, HostBackoff
from videoimport.core.circuit_breaker import HostContext, record_failure
from videoimport.core.discovery.context import WORD, Look
from videoimport.core.discovery.job import collection, listing_job, read_page_report
from videoimport.core.discovery.page_digest import chain_of, link, page_digest
from videoimport.core.discovery.pages import complete, obsolete
from videoimport.core.jobs.cluster_message import fields_of_bulk
from videoimport.core.jobs.job_manifest import build_job
from videoimport.core.jobs.run import RunState, cleanup_jobs, ensure_job, next_run, observe_job
from videoimport.core.jobs.run_end import delete_jobs
from videoimport.core.jobs.startup_diagnosis import JobPlan
from videoimport.core.jobs.task_job import finish_task, has_active_worker, task_run
from videoimport.core.list_item import FACTS
from videoimport.core.messages import advised, clock, sentences
from videoimport.core.observed import ObservedBulk, PageView
from videoimport.core.plan import Action, Announcement, Collect, Create, PartialPlan, Plan
from videoimport.core.retry_policy import Context, judge
from videoimport.core.settings import Settings
from videoimport.core.source_host import find_list_host

_QUEUED = "The listing's Job waits for its queue to admit it."


_ListingPlan = PartialPlan[DiscoveryStatus]
"""What one case of the chain comes to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery(Plan[DiscoveryStatus]):
    """The plan to make the rest of a list known, and what is known of it; its status is None for inline items."""

    pages: tuple[PageView, ...]
    """Those that count."""
    done: bool
    """There is no more to come."""
    active: bool
    """A Job or pod of it has not ended."""
    failed: bool = False
    """It was given up; status.reason and message say why."""


def discovering(observed: ObservedBulk, now: datetime, settings: Settings, *, wanted: bool) -> Discovery:
    """The next step towards the whole list. With ``wanted`` False nothing is started, and what runs is stopped."""
    if not observed.bulk.spec.source.is_listed:
        run = task_run(observed, WORD, 0, Attempts(), now, settings)
        actions = (*delete_jobs(run.jobs), *obsolete(observed, ()))
        return Discovery(pages=(), done=True, active=_active(observed, run), actions=actions)
    look = Look(observed, now.replace(microsecond=0), settings, wanted)
    partials = (case(look) for case in _CASES)
    partial = next(found for found in partials if found)
    known = Discovery(
        status=partial.status,
        pages=look.pages,
        done=complete(look.bulk, look.pages),
        active=_active(observed, look.run),
        failed=_given_up(partial.status),
        actions=obsolete(observed, look.pages),
    )
    return known + partial


def _known(look: Look) -> _ListingPlan | None:
    """The whole list is known: its last Job has done its part."""
    if not complete(look.bulk, look.pages):
        return None
    return PartialPlan(_quiet(look.status).model_copy(update={"wish": look.wish}), delete_jobs(look.run.jobs))


def _over(look: Look) -> _ListingPlan | None:
    """It was given up. The last Job stays for a while, for its log."""
    return PartialPlan(look.status, _leftovers(look)) if _given_up(look.status) else None


def _broken_off(look: Look) -> _ListingPlan | None:
    """The source's host gets a backoff before the next page; also if that is not wanted now, for it will be."""
    page = look.broken_off
    if page is None or page.pushed_back is None:
        return None
    return _failed(look, page.pushed_back, "The source broke off after the last page", page.retry_after_seconds)


def _unwanted(look: Look) -> _ListingPlan | None:
    """Nothing is to be asked of the source now; a delay after a failed run goes on. This time does not count as one in
    which the source was tried."""
    if look.wanted:
        return None
    waits = look.status.attempts.next_retry_time is not None
    status = look.status if waits else _quiet(look.status)
    return PartialPlan(status.model_copy(update={"since": None}), delete_jobs(look.run.jobs))


def _waiting(look: Look) -> _ListingPlan | None:
    """Between two runs."""
    at = look.status.attempts.next_retry_time
    if at is None:
        return None
    return PartialPlan(look.status, _leftovers(look), again_at=at) if at > look.now else _next_run(look)


def _to_begin(look: Look) -> _ListingPlan | None:
    """There is no run yet, or it is outdated, or it was for another page or wish."""
    run = look.run
    other = run.job is not None and run.job.wish != look.job_wish
    begins = run.number == 0 or other or run.is_outdated or look.status.wish != look.wish
    return _next_run(look) if begins else None


def _to_be_made(look: Look) -> _ListingPlan | None:
    """The Job is not there. Its run lists the same page, however often it is created."""
    if look.run.job is not None:
        return None
    creation = (_making(look, look.run.number),)
    job_plan = ensure_job(look.run, creation, fields_of_bulk(look.bulk), look.settings.patience)
    return PartialPlan(_with_problem(look.status, job_plan)) + job_plan


def _ended(look: Look) -> _ListingPlan | None:
    """The run is over: its page is kept, or it has failed."""
    job, outcome = look.run.job, finish_task(look.run, look.bulk, read_page_report)
    if job is None or outcome is None:
        return None
    if job.uid in look.observed.unkept:
        return _failed(look, Reason.REPORT_LOST, "The page's log is gone or is not what the worker printed")
    report = outcome.report
    if outcome.reason is not None or report is None:
        asked = report.retry_after_seconds if report else None
        if outcome.reason is Reason.DEADLINE_EXCEEDED:  # nobody can give a listing more time: it is tried again
            return _failed(look, Reason.STALLED, "The page was not listed in time")
        return _failed(look, outcome.reason or Reason.REPORT_LOST, outcome.message, asked, outcome.advice)
    pods = look.run.pods_of(job)
    wish = collection(look.bulk, look.listing, look.pages, report, job, pods[0])
    if isinstance(wish, str):
        return _failed(look, Reason.INTERNAL, wish)
    status = look.status.model_copy(update={"page_digests": _digests_with(look, wish)})
    refusal = look.observed.refusal
    if refusal is None:
        return PartialPlan(_quiet(status), (wish,))
    words = advised(Reason.JOB_REJECTED, f"The cluster refuses what is to be created next: {refusal.message}")
    return PartialPlan(status.model_copy(update={"reason": Reason.JOB_REJECTED, "message": words}), (wish,))


def _digests_with(look: Look, wish: Collect) -> dict[str, str]:
    """Return the digests to record before this page is stored: with them it counts, and no other page does."""
    before = chain_of(look.listing, (page.digest for page in look.pages))
    after = link(before, page_digest(wish.manifest["data"][FACTS], wish.sha256))
    return look.status.page_digests | {str(len(look.pages) + 1): after}


def _going(look: Look) -> _ListingPlan:
    """The Job is there: it works, or something keeps it from starting."""
    job, status = look.run.job, look.status
    if job is None or job.deleting:
        return PartialPlan(status)
    if job.suspended:
        return PartialPlan(status.model_copy(update={"reason": None, "message": _QUEUED}))
    job_plan = observe_job(look.run, fields_of_bulk(look.bulk))
    if job_plan.echo and job_plan.reason is status.reason and status.message:
        return PartialPlan(status) + job_plan
    return PartialPlan(_with_problem(status, job_plan)) + job_plan


def _with_problem(status: DiscoveryStatus, job_plan: JobPlan) -> DiscoveryStatus:
    return status.model_copy(update={"reason": job_plan.reason, "message": job_plan.message or None})


_CASES = (_known, _over, _broken_off, _unwanted, _waiting, _to_begin, _to_be_made, _ended, _going)


def _next_run(look: Look) -> _ListingPlan:
    """Another run, or, while the breaker of its host is open, the wait for that. All older Jobs go."""
    until = look.observed.source_backoff_until
    if until is not None and until > look.now:
        words = f"The host of the source asked for fewer requests, and the next request follows at {clock(until)}"
        attempts = look.status.attempts.model_copy(update={"next_retry_time": until})
        told = {"attempts": attempts, "reason": Reason.RATE_LIMITED, "message": sentences(words), "wish": look.wish}
        return PartialPlan(look.status.model_copy(update=told), delete_jobs(look.run.jobs), again_at=until)
    run = next_run(look.run, look.status.attempts)
    told = {"run": run.number, "attempts": run.attempts, "wish": look.wish, "since": look.since}
    status = _quiet(look.status).model_copy(update=told)
    return PartialPlan(status, (*delete_jobs(look.run.jobs), _making(look, run.number)))


def _making(look: Look, run: int) -> Action:
    job = listing_job(look.bulk, run, look.pages, look.job_wish, look.settings)
    return Create(build_job(job, look.settings))


def _failed(look: Look, reason: Reason, words: str, asked: int | None = None, advice: str = "") -> _ListingPlan:
    """Another run, at once or later, or the end. ``asked`` is the host's Retry-After in seconds; ``advice`` is more
    exact than the reason's own."""
    uid, attempts = look.bulk.metadata.uid, look.status.attempts
    backoff = _back_off(look, asked) if info(reason).retry is RetryClass.HOST else None
    verdict = judge(reason, Context(uid, look.run.number, attempts, look.now, look.settings, look.since, backoff))
    told = {"reason": reason, "attempts": verdict.attempts, "wish": look.wish, "since": look.since}
    told |= {"host_failures": backoff.failures if backoff else 0}
    if verdict.again_at is None:
        message = advised(reason, words, given_up=verdict.given_up, advice=advice)
        announcement = Announcement("Warning", "ListingFailed", sentences(f"{reason}: {message}"))
        status = look.status.model_copy(update=told | {"message": message})
        return PartialPlan(status, announcements=(announcement,))
    message = sentences(advised(reason, words, advice=advice), f"The page is listed again at {clock(verdict.again_at)}")
    status = look.status.model_copy(update=told | {"message": message})
    return PartialPlan(status, again_at=max(verdict.again_at, look.now))


def _back_off(look: Look, asked: int | None) -> HostBackoff:
    """Return the backoff of its host: longer with each failure in a row, and at least as long as that of imports."""
    host, before = find_list_host(look.bulk.spec.source) or "", look.status.host_failures
    known = HostBackoff(host=host, failures=before, time=look.now, since=look.since, probing=before > 0)
    backoff = record_failure(HostContext(host, known, None, look.now, look.settings), asked)
    until = max(at for at in (backoff.until, look.observed.source_backoff_until, look.now) if at is not None)
    return backoff.model_copy(update={"until": until})


def _given_up(status: DiscoveryStatus) -> bool:
    """Its last run failed and no other is to come. What only keeps a run from starting is no failure."""
    if status.reason is None or status.attempts.next_retry_time is not None:
        return False
    return info(status.reason).retry is not RetryClass.WAITING


def _quiet(status: DiscoveryStatus) -> DiscoveryStatus:
    return status.model_copy(update={"reason": None, "message": None})


def _leftovers(look: Look) -> tuple[Action, ...]:
    """Jobs of earlier runs go, and the last one after its time."""
    job = look.run.job
    older = delete_jobs(job for job in look.run.jobs if job.run != look.run.number)
    return (*older, *cleanup_jobs(look.run, (job,))) if job else older


def _active(observed: ObservedBulk, run: RunState) -> bool:
    return any(has_active_worker(observed, job) for job in run.jobs)
