"""Parsers of the API server's JSON into the views that decisions read."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from videoimport.api.bulkimport_status import LedgerEntry
from videoimport.api.labels import LISTING, PAGE, RUN, SHARD, WORKER_CONTAINER
from videoimport.api.reasons import Reason
from videoimport.api.tasks.listing_task import PageFacts, PageLine
from videoimport.core.discovery.page_digest import hash_page_data
from videoimport.core.list_item import FACTS, LINES, Listed, RefusedItem, describe_item, describe_rejection
from videoimport.core.names_and_owners import ROOM, WISH, find_controller
from videoimport.core.observed import ClaimView, EventView, JobView, PageView, PodView, ShardView
from videoimport.core.plan import EventQuery

Raw = Mapping[str, Any]
_EXIT_CODE = re.compile(r"failed with exit code ([0-9]{1,9})\b")
_NUMBER = re.compile(r"[0-9]{1,18}")
_DISRUPTED = "condition DisruptionTarget"
_MOST_ENTRIES = 2048
"""Maximum number of results in the cache, whose key is the text of a result. The cache is for the shards that are being
filled."""
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def parse_job(raw: Raw) -> JobView:
    """Return the view of a Job."""
    meta, conditions = raw["metadata"], _select_conditions(raw)
    failure = conditions.get("Failed") or conditions.get("FailureTarget") or {}
    message = failure.get("message")
    code = _EXIT_CODE.search(message or "")
    return JobView(
        namespace=meta["namespace"],
        name=meta["name"],
        uid=meta["uid"],
        owner=find_controller(meta),
        run=_parse_number((meta.get("labels") or {}).get(RUN)),
        created=_parse_time(meta.get("creationTimestamp")),
        deleting="deletionTimestamp" in meta,
        finished="Complete" if "Complete" in conditions else "Failed" if "Failed" in conditions else None,
        failure_reason=failure.get("reason"),
        failure_message=message,
        exit_code=int(code[1]) if code else None,
        disrupted=_DISRUPTED in (message or ""),
        expires=(raw.get("spec") or {}).get("ttlSecondsAfterFinished") is not None,
        suspended=(raw.get("spec") or {}).get("suspend") is True,
        wish=(meta.get("annotations") or {}).get(WISH),
    )


def parse_pod(raw: Raw) -> PodView:
    """Return the view of a pod. The fields about a container are about the container ``worker``."""
    meta, status, conditions = raw["metadata"], raw.get("status") or {}, _select_conditions(raw)
    state = _find_worker_state(status)
    terminated = state.get("terminated") or {}
    waiting = {} if terminated or "running" in state else _find_stuck_init(status) or state.get("waiting") or {}
    scheduled = _select_conditions(raw, "False").get("PodScheduled") or {}
    return PodView(
        namespace=meta["namespace"],
        name=meta["name"],
        uid=meta["uid"],
        owner=find_controller(meta),
        created=_parse_time(meta.get("creationTimestamp")),
        deleting="deletionTimestamp" in meta,
        phase=status.get("phase", "Pending"),
        reason=status.get("reason"),
        message=status.get("message") or _find_init_failure(status),
        disrupted="DisruptionTarget" in conditions,
        unscheduled=scheduled.get("message", "") if scheduled.get("reason") == "Unschedulable" else None,
        waiting_reason=waiting.get("reason"),
        waiting_message=waiting.get("message"),
        running="running" in state,
        exit_code=terminated.get("exitCode"),
        oom_killed=terminated.get("reason") == "OOMKilled",
        termination_message=terminated.get("message"),
        gated=scheduled.get("reason") == "SchedulingGated",
        running_since=_parse_time(begun) if (begun := (state.get("running") or {}).get("startedAt")) else None,
        ended_at=_parse_time(over) if (over := terminated.get("finishedAt")) else None,
        companions=_list_companions(status),
    )


def parse_claim(raw: Raw) -> ClaimView:
    """Return the view of a PersistentVolumeClaim."""
    meta = raw["metadata"]
    return ClaimView(
        namespace=meta["namespace"],
        name=meta["name"],
        uid=meta["uid"],
        owner=find_controller(meta),
        created=_parse_time(meta.get("creationTimestamp")),
        deleting="deletionTimestamp" in meta,
        bound=(raw.get("status") or {}).get("phase") == "Bound",
        room=(meta.get("annotations") or {}).get(ROOM),
    )


def parse_event(raw: Raw) -> EventView:
    """Return the view of a core/v1 Event."""
    seen = (raw.get("series") or {}).get("lastObservedTime") or raw.get("lastTimestamp") or raw.get("eventTime")
    return EventView(
        uid=(raw.get("involvedObject") or {}).get("uid", ""),
        reason=raw.get("reason") or "",
        message=raw.get("message") or "",
        last_seen=_parse_time(seen or raw["metadata"].get("creationTimestamp")),
    )


def is_about(event: Raw, event_query: EventQuery) -> bool:
    """Return whether an Event is about the object of ``event_query``."""
    about = event.get("involvedObject") or {}
    told = tuple(about.get(field, "") for field in ("kind", "namespace", "name", "uid"))
    return told == (event_query.kind, event_query.namespace, event_query.name, event_query.uid)


def parse_shard(raw: Raw) -> ShardView:
    """Return the view of a shard. Entries that cannot be read are left out. The controller writes these entries
    again from the children."""
    meta, data, binary = raw["metadata"], raw.get("data") or {}, raw.get("binaryData") or {}
    entries = {key: _parse_ledger_entry(text) for key, text in data.items()}
    return ShardView(
        name=meta["name"],
        uid=meta["uid"],
        owner=find_controller(meta),
        number=_parse_number((meta.get("labels") or {}).get(SHARD)),
        deleting="deletionTimestamp" in meta,
        entries={key: entry for key, entry in entries.items() if entry is not None},
        size=sum(len(text.encode(errors="replace")) for text in (*data.values(), *binary.values())),
        immutable=raw.get("immutable") is True,
    )


def parse_page(raw: Raw) -> PageView:
    """Return the view of a page of a list. A line that cannot be read becomes a rejected item. A page without
    readable metadata belongs to no listing, so the controller does not use the page."""
    meta, data = raw["metadata"], raw.get("data") or {}
    labels, facts = meta.get("labels") or {}, _parse_page_facts(data.get(FACTS, ""))
    lines = [_parse_page_line(number, text) for number, text in enumerate(data.get(LINES, "").split("\n"), 1) if text]
    return PageView(
        name=meta["name"],
        uid=meta["uid"],
        owner=find_controller(meta),
        digest=hash_page_data(data),
        number=_parse_number(labels.get(PAGE)),
        listing=labels.get(LISTING, "") if facts else "",
        cursor=facts.cursor if facts else None,
        done=facts is not None and facts.done,
        deleting="deletionTimestamp" in meta,
        items=tuple(line for line in lines if isinstance(line, Listed)),
        rejected=tuple(line for line in lines if isinstance(line, RefusedItem)),
        pushed_back=facts.pushed_back if facts else None,
        integration=facts.integration if facts else None,
        retry_after_seconds=facts.retry_after_seconds if facts else None,
        skipped=facts.skipped if facts else None,
    )


def _parse_page_facts(text: str) -> PageFacts | None:
    try:
        return PageFacts.model_validate_json(text)
    except ValidationError:
        return None


def _parse_page_line(number: int, text: str) -> Listed | RefusedItem:
    try:
        line = PageLine.model_validate_json(text)
    except ValidationError:
        line = PageLine()
    if line.found is not None and (line.found.url is None) != (line.found.key is None):
        return describe_item(line.found)
    if line.rejected is not None:
        return describe_rejection(line.rejected)
    return RefusedItem(None, Reason.INTERNAL, f"line {number} of the page cannot be read")


@lru_cache(_MOST_ENTRIES)
def _parse_ledger_entry(text: str) -> LedgerEntry | None:
    """Return the result, or None if the text cannot be read. A growing shard is read again at each write with mostly
    the same results, so results are cached."""
    try:
        return LedgerEntry.model_validate_json(text)
    except ValidationError:
        return None


def _select_conditions(raw: Raw, status: str = "True") -> dict[str, dict[str, Any]]:
    """Return the conditions with this status, by type."""
    found = (raw.get("status") or {}).get("conditions") or ()
    return {condition["type"]: condition for condition in found if condition.get("status") == status}


def _find_worker_state(status: Raw) -> dict[str, Any]:
    for container in status.get("containerStatuses") or ():
        if container.get("name") == WORKER_CONTAINER:
            return container.get("state") or {}
    return {}


def _list_companions(status: Raw) -> tuple[str, ...]:
    others = (one for one in status.get("containerStatuses") or () if one.get("name") != WORKER_CONTAINER)
    return tuple(str(one.get("name")) for one in others if "terminated" not in (one.get("state") or {}))


def _find_stuck_init(status: Raw) -> Raw | None:
    """Return the waiting state of an init container that cannot start, or None if there is none. Such a container, from
    a service mesh for example, keeps the worker from starting."""
    for container in status.get("initContainerStatuses") or ():
        waiting = (container.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") not in (None, "PodInitializing", "ContainerCreating"):
            why = waiting.get("message") or waiting["reason"]
            return {"reason": waiting["reason"], "message": f"init container {container.get('name')}: {why}"}
    return None


def _find_init_failure(status: Raw) -> str | None:
    """Return a message about the init container that made the pod fail, or None if there is none. The worker of such a
    pod never ran."""
    if status.get("phase") != "Failed":
        return None
    for container in status.get("initContainerStatuses") or ():
        code = ((container.get("state") or {}).get("terminated") or {}).get("exitCode")
        if code:
            return f"its init container {container.get('name')} ended with exit code {code}"
    return None


def _parse_number(text: str | None) -> int:
    """Return the number in a text, or 0 if the text is not a number of the controller. Any user may have written the
    text, and Python reads at most 4,300 digits."""
    return int(text) if text and _NUMBER.fullmatch(text) else 0


def _parse_time(text: str | None) -> datetime:
    """Return the time in a text, or 1970 if Python has no date for the text, such as the year 0 or 10000. Every user
    who may write Events can write such a text."""
    try:
        return datetime.fromisoformat(text) if text else _LONG_AGO
    except ValueError:
        return _LONG_AGO
