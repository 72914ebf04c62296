"""Outcome of a finished run, from an ordered chain of checks. The check of the most reliable evidence comes first.

The evidence is the report in the termination message, the pod, and the condition of the Job. If the pod is gone, the
condition of the Job still has the exit code.
"""

import re
import signal
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from videoimport.api.reasons import Reason, info, reason_of_exit_code
from videoimport.api.tasks.import_report import Report, read_report
from videoimport.core.message_format import join_sentences
from videoimport.core.observed import JobView, PodView

_OVER_LIMIT = re.compile(r"exceed(s|ed)\b.*\blimit\b")
_SIGNALLED = 128
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Expected:
    """The values that a report must have to belong to this run."""

    uid: str
    run: int
    spec_hash: str


@dataclass(frozen=True, slots=True)
class Witnesses:
    """The evidence of how a run ended."""

    job: JobView
    pods: tuple[PodView, ...]
    reports: tuple[Report, ...]
    """Reports of this run. A report of an earlier run is included if this run repeated that report from the commit
    record."""
    expected: Expected

    @property
    def exit_code(self) -> int | None:
        """The worker's exit code from the pod. If the pod has no exit code, the value comes from the Job."""
        codes = [pod.exit_code for pod in self.pods if pod.exit_code is not None]
        return codes[0] if codes else self.job.exit_code


@dataclass(frozen=True, slots=True)
class Outcome(Generic[R]):
    """How a run ended. If ``reason`` is None, the run succeeded."""

    reason: Reason | None
    message: str
    """The finding."""
    report: R | None = None
    advice: str = ""
    """The advice, if it is more exact than the reason's own advice."""
    exit_code: int | None = None
    """Exit code of a task's worker, if the pod still exists."""


ImportOutcome = Outcome[Report]


def find_outcome(job: JobView, pods: tuple[PodView, ...], expected: Expected) -> ImportOutcome:
    """Return the first outcome that a check of the chain returns. Without any evidence, the worker is treated as
    lost."""
    witnesses = _collect_witnesses(job, pods, expected)
    found = (finding(witnesses) for finding in _CHAIN)
    return next((outcome for outcome in found if outcome), _assume_loss(witnesses))


def find_outcome_without_report(job: JobView, pods: tuple[PodView, ...]) -> ImportOutcome:
    """Return the outcome of a run of any kind that has no report. The outcome is never a success."""
    witnesses = Witnesses(job, pods, (), Expected("", 0, ""))
    found = (finding(witnesses) for finding in _CHAIN)
    return next((outcome for outcome in found if outcome), _assume_loss(witnesses))


def find_success(job: JobView, pods: tuple[PodView, ...], expected: Expected) -> ImportOutcome | None:
    """Return a success that is already certain, although the Job may not be finished. Return None if there is no such
    success."""
    return _read_success(_collect_witnesses(job, pods, expected))


def _collect_witnesses(job: JobView, pods: tuple[PodView, ...], expected: Expected) -> Witnesses:
    reports = tuple(report for report in read_reports(pods, read_report) if _is_report_of_run(report, expected))
    return Witnesses(job, pods, reports, expected)


def read_reports(pods: Iterable[PodView], read: Callable[[str], R]) -> list[R]:
    """Return the reports that ``read`` makes from the pods' termination messages.

    Messages for which ``read`` raises ValueError or OverflowError are left out. An example for OverflowError is a
    time that is after the year 9999 in UTC.
    """
    reports: list[R] = []
    for text in filter(None, (pod.termination_message for pod in pods)):
        with suppress(ValueError, OverflowError):
            reports.append(read(text))
    return reports


def _is_report_of_run(report: Report, expected: Expected) -> bool:
    """Return whether a report belongs to the run. A repeated commit record may name the run that made the record. A
    failure always names the run itself."""
    earlier = report.outcome == "Succeeded" and report.run < expected.run
    return report.uid == expected.uid and (report.run == expected.run or earlier)


def _detect_changed_spec(seen: Witnesses) -> ImportOutcome | None:
    """Return an outcome if the spec was edited during the run. The result, good or bad, does not belong to the present
    spec."""
    other = next((report for report in seen.reports if report.spec_hash != seen.expected.spec_hash), None)
    return Outcome(Reason.REPORT_LOST, "The spec changed while the run was active") if other else None


def _read_success(seen: Witnesses) -> ImportOutcome | None:
    good = [r for r in seen.reports if r.outcome == "Succeeded" and r.spec_hash == seen.expected.spec_hash]
    return Outcome(None, good[0].message, good[0]) if good else None


def _detect_out_of_memory(seen: Witnesses) -> ImportOutcome | None:
    """Return an outcome if a process of the worker was killed for lack of memory. This check comes before any report of
    failure, because the findings of such a run are doubtful. On cgroup v1 only a child process is killed, so the pod
    may even have exit code 0."""
    if not any(pod.oom_killed for pod in seen.pods):
        return None
    return Outcome(Reason.OUT_OF_MEMORY, "The worker ran out of memory and was killed", _find_report(seen))


def _read_failure(seen: Witnesses) -> ImportOutcome | None:
    report = _find_report(seen)
    if report is None or report.outcome == "Succeeded" or report.reason is Reason.WORKER_LOST:
        return None
    reason = report.reason if report.reason and info(report.reason).exit_code else Reason.INTERNAL
    return Outcome(reason, report.message, report, report.advice)


def _read_exit_code(seen: Witnesses) -> ImportOutcome | None:
    """Return the outcome for an exit code without a report. The worker may have failed to write the report, as on a
    full disk."""
    reason = reason_of_exit_code(seen.exit_code) if seen.exit_code and not seen.reports else None
    return _build_outcome_without_report(reason, seen) if reason and reason is not Reason.WORKER_LOST else None


def _build_outcome_without_report(reason: Reason, seen: Witnesses) -> ImportOutcome:
    found = info(reason).finding.rstrip(".")
    told = f"{found}: the worker ended with exit code {seen.exit_code} and left no report"
    return Outcome(
        reason, f"{told}, for example because the disk of the node is full" if reason is Reason.SCRATCH_FULL else told
    )


def _detect_full_scratch(seen: Witnesses) -> ImportOutcome | None:
    over = [p for p in seen.pods if p.reason == "Evicted" and _OVER_LIMIT.search(p.message or "")]
    return Outcome(Reason.SCRATCH_FULL, over[0].message or "", _find_report(seen)) if over else None


def _detect_disruption(seen: Witnesses) -> ImportOutcome | None:
    report = _find_report(seen)
    if pod := next((p for p in seen.pods if p.disrupted or p.reason == "Evicted"), None):
        words = join_sentences("The worker's pod was disrupted", pod.message or pod.reason or "")
        return Outcome(Reason.WORKER_LOST, words, report)
    return Outcome(Reason.WORKER_LOST, "The worker's pod was disrupted", report) if seen.job.disrupted else None


def _detect_deadline(seen: Witnesses) -> ImportOutcome | None:
    if seen.job.failure_reason != "DeadlineExceeded":
        return None
    words = "The Job did not end within timeoutSeconds plus a few minutes"
    return Outcome(Reason.DEADLINE_EXCEEDED, words, _find_report(seen))


def _detect_stop(seen: Witnesses) -> ImportOutcome | None:
    """Return the outcome of a stopped worker. The worker's report does not have the cause of the stop. Earlier checks
    of the chain find the cause."""
    report = _find_report(seen)
    if report is not None and report.reason is Reason.WORKER_LOST:
        return Outcome(Reason.WORKER_LOST, report.message, report, report.advice)
    was_stopped = seen.exit_code == info(Reason.WORKER_LOST).exit_code
    return _build_outcome_without_report(Reason.WORKER_LOST, seen) if was_stopped else None


def _detect_removal(seen: Witnesses) -> ImportOutcome | None:
    """Return an outcome if the pod was deleted by a user, stopped by the cluster, or never ran.

    The kubelet sends SIGKILL to a process that outlives its grace period. A killed worker without a pod was deleted: if
    the worker had run out of memory, its pod would still exist and show that.
    """
    was_asked = seen.exit_code in (_SIGNALLED + signal.SIGTERM, _SIGNALLED + signal.SIGINT)
    was_deleted = any(pod.deleting for pod in seen.pods)
    was_killed_and_deleted = not seen.pods and seen.exit_code == _SIGNALLED + signal.SIGKILL
    if was_asked or was_deleted or was_killed_and_deleted:
        return Outcome(Reason.WORKER_LOST, "The worker's pod was deleted or stopped before the worker finished")
    unrun = next((pod for pod in seen.pods if pod.phase == "Failed" and pod.exit_code is None), None)
    if unrun is None:
        return None
    return Outcome(
        Reason.WORKER_LOST, join_sentences("The worker's pod failed", unrun.reason or "", unrun.message or "")
    )


def _detect_crash(seen: Witnesses) -> ImportOutcome | None:
    if not seen.exit_code:
        return None
    return Outcome(
        Reason.INTERNAL, f"The worker ended with exit code {seen.exit_code}{_find_signal_name(seen.exit_code)}"
    )


def _find_signal_name(code: int) -> str:
    try:
        return f" ({signal.Signals(code - _SIGNALLED).name})"
    except ValueError:
        return ""


def _detect_lost_report(seen: Witnesses) -> ImportOutcome | None:
    if seen.job.finished != "Complete" and seen.exit_code != 0:
        return None
    return Outcome(Reason.REPORT_LOST, "The run ended, but its report is missing")


def _assume_loss(seen: Witnesses) -> ImportOutcome:
    return Outcome(Reason.WORKER_LOST, join_sentences("The worker is gone", seen.job.failure_message or ""))


def _find_report(seen: Witnesses) -> Report | None:
    return seen.reports[0] if seen.reports else None


_CHAIN = (
    _detect_changed_spec,
    _read_success,
    _detect_out_of_memory,
    _read_failure,
    _read_exit_code,
    _detect_full_scratch,
    _detect_disruption,
    _detect_deadline,
    _detect_stop,
    _detect_removal,
    _detect_crash,
    _detect_lost_report,
)
