"""The message and the conditions of a BulkImport."""

from datetime import datetime

from videoimport.api.bulkimport_source import MAX_LISTED
from videoimport.api.bulkimport_status import BulkPhase
from videoimport.api.conditions import Condition, ConditionType
from videoimport.api.untrusted_text import fit
from videoimport.core.bulk import failure_policy as policy
from videoimport.core.bulk.phase import FINISHED_PHASES, has_discovery_failed
from videoimport.core.bulk.snapshot import BulkSnapshot
from videoimport.core.conditions import Ending, Fact, build_state_facts, merge_conditions
from videoimport.core.discovery.pages import (
    MAX_LINES,
    MAX_PAGES,
    exceeds_item_limit,
    is_page_limit_reached,
    sum_skipped,
)
from videoimport.core.discovery.reconcile import Discovery
from videoimport.core.jobs.cluster_message import remove_request
from videoimport.core.message_format import join_sentences

_MAX_MESSAGE_BYTES = 512
"""Maximum bytes of a condition's message, which is in the status several times."""
_REFUSED_REASON = "CreationRefused"
"""Reason of the condition Reconciling while the API server refuses a child or a shard."""
_SUSPENDED = "The BulkImport is suspended, because spec.suspend is true. To continue, set suspend to false"
_ITEMS_EXCEEDED = f"The list has more than {MAX_LISTED:,} videos; further ones are left out"
_PAGES_EXCEEDED = (
    f"The list has more than {MAX_PAGES:,} pages or {MAX_LINES:,} entries, rejected ones included; further entries "
    "are left out"
)
_PHASE_MESSAGES = {
    BulkPhase.QUEUED: "An older BulkImport with the same source and destination must finish first",
    BulkPhase.DISCOVERING: "The list is being read",
    BulkPhase.PROCESSING: "Videos are being imported",
    BulkPhase.SUSPENDED: _SUSPENDED,
}


def build_bulk_message(snapshot: BulkSnapshot, discovery: Discovery, phase: BulkPhase) -> str:
    """Return the message with the counts and the problems."""
    return join_sentences(
        _describe_phase(snapshot, discovery, phase), _describe_skipped(snapshot), _describe_truncation(snapshot)
    )


def _describe_skipped(snapshot: BulkSnapshot) -> str:
    """Return the counts of list entries besides items and rejected rows, so that the counts of all rows add up.

    The result is empty until the whole list is known.
    """
    if not snapshot.complete:
        return ""
    skipped = sum_skipped(snapshot.pages)
    parts = [_format_count(getattr(skipped, name), *text) for name, text in _SKIPPED_NOUNS.items()]
    skipped_list = ", ".join(part for part in parts if part)
    return f"Not imported from the list: {skipped_list}" if skipped_list else ""


def _format_count(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}" if count else ""


_SKIPPED_NOUNS = {
    "comments": ("comment", "comments"),
    "blank": ("blank row", "blank rows"),
    "remarks": ("remark behind an address", "remarks behind addresses"),
    "values": ("value of a column that is not kept", "values of columns that are not kept"),
    "repeats": ("repeated entry", "repeated entries"),
}


def _describe_truncation(snapshot: BulkSnapshot) -> str:
    if exceeds_item_limit(snapshot.bulk, snapshot.pages):
        return _ITEMS_EXCEEDED
    return _PAGES_EXCEEDED if is_page_limit_reached(snapshot.bulk, snapshot.pages) else ""


def _describe_phase(snapshot: BulkSnapshot, discovery: Discovery, phase: BulkPhase) -> str:
    counts = format_counts(snapshot)
    if phase is BulkPhase.FAILED:
        return _describe_failure(snapshot, discovery, counts)
    if phase is BulkPhase.CANCELLED:
        return join_sentences(f"Cancelled: {counts}", "To continue, set a new retryToken, and set cancel to false")
    if phase is BulkPhase.QUEUED:
        return join_sentences(
            counts if snapshot.items.results else "", f"{_PHASE_MESSAGES[phase]}: {snapshot.observed.ahead} ahead"
        )
    if snapshot.spec.dry_run and not snapshot.active:
        return join_sentences(
            "; ".join(filter(None, (_describe_dry_run(snapshot), _describe_listing(snapshot, discovery)))),
            _describe_obstacle(snapshot, discovery),
        )
    if phase is BulkPhase.SUSPENDED:
        return join_sentences(counts, _SUSPENDED)
    return join_sentences(
        _describe_active(snapshot, discovery, counts),
        _describe_obstacle(snapshot, discovery),
        _describe_refusal(snapshot),
        _describe_unreadable(snapshot),
    )


def format_counts(snapshot: BulkSnapshot) -> str:
    """Return a text with the number of imported items, the number of all items, and the outcomes of the other items."""
    totals, rejected = snapshot.result_counts, len(snapshot.rejected)
    parts = [f"{totals.completed} of {len(snapshot.accepted)} imported"]
    parts += [f"{totals.duplicates} of them already in the destination"] if totals.duplicates else []
    parts += [f"{totals.failed} failed"] if totals.failed else []
    parts += [f"{rejected} rejected"] if rejected else []
    return ", ".join(parts)


def describe_retry(snapshot: BulkSnapshot) -> str:
    """Return the message about retries after a new retryToken or for retryFailed. The message is empty if there are
    no retries."""
    again = snapshot.items.retried
    return (
        f"Failed items to retry: {again}; completed items: {snapshot.result_counts.completed}"
        if again and not snapshot.held
        else ""
    )


def build_bulk_conditions(
    snapshot: BulkSnapshot, discovery: Discovery, phase: BulkPhase, message: str, now: datetime
) -> tuple[Condition, ...]:
    """Return the conditions.

    Until the end, their messages contain no number that changes, because the controller writes a changed condition
    at once. Progress does not need such a write. A refused creation or a problem with the list needs such a write.
    """
    final_state = FINISHED_PHASES.get(phase)
    problem = "" if final_state else _describe_refusal(snapshot) or _find_list_problem(discovery)
    text = _fit_bytes(message if final_state else join_sentences(problem or _PHASE_MESSAGES[phase]))
    reason = (
        _find_finished_reason(snapshot, discovery, final_state)
        if final_state
        else _find_active_reason(snapshot, discovery, phase)
    )
    suspended = phase is BulkPhase.SUSPENDED
    facts = (
        *build_state_facts(final_state, reason, text, rests=suspended),
        _build_succeeded_fact(snapshot, final_state, text),
    )
    return merge_conditions(snapshot.status.conditions, facts, snapshot.bulk.metadata.generation, now)


def _find_finished_reason(snapshot: BulkSnapshot, discovery: Discovery, final_state: Ending) -> str:
    if final_state is not Ending.FAILED or snapshot.finished:
        return final_state
    if snapshot.policy_exceeded:
        return policy.EXCEEDED_REASON
    status = discovery.status
    return status.reason if status and status.reason else final_state


def _find_active_reason(snapshot: BulkSnapshot, discovery: Discovery, phase: BulkPhase) -> str:
    if _describe_refusal(snapshot):
        return _REFUSED_REASON
    status = discovery.status
    return status.reason if status and status.reason and _find_list_problem(discovery) else phase


def _describe_failure(snapshot: BulkSnapshot, discovery: Discovery, counts: str) -> str:
    if snapshot.finished:
        first, why = _find_first_failure(snapshot)
        return join_sentences(f"{counts}; the first of them: {first}", why)
    if snapshot.policy_exceeded:
        return join_sentences(counts, f"Given up: {snapshot.policy_exceeded}")
    status = discovery.status
    return join_sentences(counts, "The list cannot be read completely", (status.message if status else None) or "")


def _find_first_failure(snapshot: BulkSnapshot) -> tuple[str, str]:
    if snapshot.result_counts.failures:
        first = snapshot.result_counts.failures[0]
        return str(first.reason), first.error or ""
    rejected = snapshot.rejected[0]
    return rejected.reason, rejected.message


def _describe_active(snapshot: BulkSnapshot, discovery: Discovery, counts: str) -> str:
    if snapshot.stopped:
        return f"Being cancelled: {counts}"
    parts = [describe_retry(snapshot) or counts]
    parts += [f"giving up: {snapshot.policy_exceeded}"] if snapshot.policy_exceeded else []
    parts += [_describe_listing(snapshot, discovery)] if not snapshot.complete else []
    return "; ".join(part for part in parts if part)


def _describe_listing(snapshot: BulkSnapshot, discovery: Discovery) -> str:
    if snapshot.complete:
        return ""
    if has_discovery_failed(snapshot, discovery):
        return "the rest of the list cannot be read"
    return "" if _find_list_problem(discovery) else "the list continues"


def _describe_obstacle(snapshot: BulkSnapshot, discovery: Discovery) -> str:
    """Return sentences about the problems that keep the rest of the list unknown."""
    return (
        ""
        if snapshot.complete or snapshot.stopped or has_discovery_failed(snapshot, discovery)
        else _find_list_problem(discovery)
    )


def _find_list_problem(discovery: Discovery) -> str:
    status = discovery.status
    return (status.message or "") if status and status.reason and not status.done else ""


def _describe_dry_run(snapshot: BulkSnapshot) -> str:
    known = (
        f", {snapshot.result_counts.completed} already in the destination" if snapshot.result_counts.completed else ""
    )
    failed = f", {snapshot.result_counts.failed} failed before" if snapshot.result_counts.failed else ""
    rejected = len(snapshot.rejected)
    return f"Dry run: {len(snapshot.items.open)} would be imported{known}{failed}, {rejected} rejected"


def _describe_refusal(snapshot: BulkSnapshot) -> str:
    """Return why no further item is started or recorded. The result is empty if there is no such item or no refusal."""
    if snapshot.refusal is None or not (
        snapshot.to_start or snapshot.items.ledger_updates or snapshot.failed_to_retry is not None
    ):
        return ""
    return join_sentences(f"The cluster refuses to create the next object: {remove_request(snapshot.refusal.message)}")


def _describe_unreadable(snapshot: BulkSnapshot) -> str:
    count = len(snapshot.items.unreadable)
    return (
        f"{count} of its imports cannot be read by this version of the controller and are not changed" if count else ""
    )


def _build_succeeded_fact(snapshot: BulkSnapshot, final_state: Ending | None, text: str) -> Fact:
    """Return the fact for the condition AllSucceeded. Only accepted items are relevant, because rejected items are
    never imported."""
    if final_state is None or (snapshot.spec.dry_run and snapshot.items.open):
        return Fact(ConditionType.ALL_SUCCEEDED, "Unknown", "InProgress" if final_state is None else "DryRun")
    if snapshot.finished and snapshot.result_counts.completed == len(snapshot.accepted):
        return Fact(ConditionType.ALL_SUCCEEDED, "True", "AllImported", text)
    return Fact(ConditionType.ALL_SUCCEEDED, "False", "SomeNotImported", text)


def _fit_bytes(text: str) -> str:
    short = fit(text, _MAX_MESSAGE_BYTES)
    while len(short.encode()) > _MAX_MESSAGE_BYTES:
        short = fit(short, len(short) - max(1, (len(short.encode()) - _MAX_MESSAGE_BYTES) // 4))
    return short
