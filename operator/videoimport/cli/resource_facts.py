"""Facts of a VideoImport or BulkImport for users, read from the object as the API server returns it.

The text of every fact is printable. For a missing field, the result is an empty text or 0, because a new object has no
status yet.
"""

from datetime import UTC, datetime
from typing import Any

from videoimport.api.labels import BULK_KIND
from videoimport.api.reasons import Reason, info
from videoimport.cli.progress_display import printable

Raw = dict[str, Any]
SHORT_KINDS = {"VideoImport": "vi", "BulkImport": "bi"}
"""Short names of the kinds, as kubectl knows them."""
_ENDINGS = ("Completed", "Failed", "Cancelled")
_DAY = 86_400
_UNITS = (("d", _DAY), ("h", 3600), ("m", 60))
_SUCCESS, _FAILURE = 0, 1


def status_of(resource: Raw) -> Raw:
    """Return the status, or an empty dictionary."""
    found: Raw = resource.get("status") or {}
    return found


def name_of(resource: Raw) -> str:
    """Return the name of a resource."""
    return printable(str(resource["metadata"]["name"]))


def reference_of(resource: Raw) -> str:
    """Return the reference of a resource in the form that every command accepts, such as vi/lecture-1."""
    return f"{SHORT_KINDS[resource['kind']]}/{name_of(resource)}"


def title_of(video: Raw) -> str:
    """Return the title of the video, otherwise its file name, its host or the name of the resource."""
    return printable(str(status_of(video).get("displayName") or name_of(video)))


def phase_of(resource: Raw) -> str:
    """Return the phase. The phase of an object that the controller has not seen yet is Pending."""
    return printable(str(status_of(resource).get("phase") or "Pending"))


def percent_of(resource: Raw) -> int:
    """Return the progress in percent."""
    return int(status_of(resource).get("progressPercent") or 0)


def reason_of(resource: Raw) -> str:
    """Return the reason of a failure or of a wait. A BulkImport has a reason if it failed, or if its list cannot be
    read at this time."""
    status = status_of(resource)
    if resource["kind"] != BULK_KIND:
        return printable(str(status.get("reason") or ""))
    if phase_of(resource) == "Failed":
        ready = [found for found in status.get("conditions") or () if found["type"] == "Ready"]
        reason = ready[0].get("reason", "") if ready else ""
        return "" if reason == "Failed" else printable(str(reason))
    discovery = status.get("discovery") or {}
    return "" if discovery.get("done") or is_finished(resource) else printable(str(discovery.get("reason") or ""))


def explain_reason(resource: Raw) -> str:
    """Return the reason with the attempt and the message, such as SourceUnavailable (attempt 1 of 5): the message. The
    text is empty without a reason, and for a BulkImport that neither failed nor waits."""
    status, reason = status_of(resource), reason_of(resource)
    is_failed_bulk = resource["kind"] == BULK_KIND and phase_of(resource) == "Failed"
    if not (reason or is_failed_bulk):
        return ""
    head = f"{reason}{_format_attempt(resource)}"
    return ": ".join(filter(None, (head, printable(str(status.get("message") or "")))))


def _format_attempt(resource: Raw) -> str:
    """Return the number of the attempt and the time of the next attempt, for an import that waits for it."""
    owner = status_of(resource)
    attempts = (owner.get("discovery") or owner).get("attempts") or {}
    if is_finished(resource) or not attempts.get("max"):
        return ""
    words = f"attempt {attempts.get('count', 0)} of {attempts['max']}"
    if then := attempts.get("nextRetryTime"):
        words += f", next at {datetime.fromisoformat(then).astimezone():%H:%M:%S}"
    return f" ({words})"


def is_finished(resource: Raw) -> bool:
    """Return whether a resource has ended. The result is False after a change that may start the resource again."""
    generation = resource["metadata"].get("generation", 0)
    seen = status_of(resource).get("observedGeneration", generation)
    return phase_of(resource) in _ENDINGS and seen >= generation


def is_successful(resource: Raw) -> bool:
    """Return whether a resource has ended and all its videos are in the destination."""
    if not is_finished(resource) or phase_of(resource) != "Completed":
        return False
    return resource["kind"] != BULK_KIND or not status_of(resource).get("failed")


def exit_code_of(resources: list[Raw]) -> int:
    """Return 0 if everything succeeded. The failure of a single VideoImport returns the exit code of its reason, and
    any other failure returns 1."""
    if all(is_successful(resource) for resource in resources):
        return _SUCCESS
    reason = status_of(resources[0]).get("reason") if len(resources) == 1 else None
    return (info(Reason(reason)).exit_code if reason in set(Reason) else None) or _FAILURE


def created_of(resource: Raw) -> datetime:
    """Return the creation time in UTC. A resource without a creation time counts as the newest."""
    text = resource["metadata"].get("creationTimestamp")
    return datetime.fromisoformat(text) if text else datetime.max.replace(tzinfo=UTC)


def format_age(resource: Raw, now: datetime) -> str:
    """Return the time since the creation as kubectl prints it, such as 12s, 5m, 3h or 8d."""
    seconds = max(0, int((now - created_of(resource)).total_seconds()))
    for unit, size in _UNITS:
        if seconds >= size * (2 if unit != "d" else 1):
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
