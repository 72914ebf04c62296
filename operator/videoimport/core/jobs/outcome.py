"""How a finished run ended: an ordered chain of findings, from the surest witness to the last guess.

The evidence is the report in the termination message, the pod, and the Job's own condition. The pod may be gone, and
then the Job's condition still has the exit code.
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
    """The fields that a report must have to be this run's."""

    uid: str
    run: int
    spec_hash: str


@dataclass(frozen=True, slots=True)
class Witnesses:
    """What is left of a run."""

    job: JobView
    pods: tuple[PodView, ...]
    reports: tuple[Report, ...]
    """Those of this import's run or, where it is repeated from the commit record, an earlier one."""
    expected: Expected

    @property
    def exit_code(self) -> int | None:
        """Of the worker: as its pod has it, else as the Job has it."""
        codes = [pod.exit_code for pod in self.pods if pod.exit_code is not None]
        return codes[0] if codes else self.job.exit_code


@dataclass(frozen=True, slots=True)
class Outcome(Generic[R]):
    """How a run ended; no reason means success."""

    reason: Reason | None
    message: str
    """What was found."""
    report: R | None = None
    advice: str = ""
    """What to do, where that is more exact than the reason's own advice."""
    exit_code: int | None = None
    """Of a task's worker, where its pod is still there."""


ImportOutcome = Outcome[Report]


def find_outcome(job: JobView, pods: tuple[PodView, ...], expected: Expected) -> ImportOutcome:
    """The first finding of the chain; with nothing at all to go by, the worker is lost."""
    witnesses = _collect_witnesses(job, pods, expected)
    found = (finding(witnesses) for finding in _CHAIN)
    return next((outcome for outcome in found if outcome), _assume_loss(witnesses))


def find_outcome_without_report(job: JobView, pods: tuple[PodView, ...]) -> ImportOutcome:
    """How a run of whatever kind ended, where no report of it is left; never a success."""
    witnesses = Witnesses(job, pods, (), Expected("", 0, ""))
    found = (finding(witnesses) for finding in _CHAIN)
    return next((outcome for outcome in found if outcome), _assume_loss(witnesses))


def find_success(job: JobView, pods: tuple[PodView, ...], expected: Expected) -> ImportOutcome | None:
    """Success, where it is already certain although the Job may not be finished."""
    return _read_success(_collect_witnesses(job, pods, expected))


def _collect_witnesses(job: JobView, pods: tuple[PodView, ...], expected: Expected) -> Witnesses:
    reports = tuple(report for report in read_reports(pods, read_report) if _is_report_of_run(report, expected))
    return Witnesses(job, pods, reports, expected)


def read_reports(pods: Iterable[PodView], read: Callable[[str], R]) -> list[R]:
    """Return what ``read`` makes of the pods' termination messages, without those for which it raises ValueError. It
    may also raise OverflowError, as for a moment that only exists in another time zone."""
    reports: list[R] = []
    for text in filter(None, (pod.termination_message for pod in pods)):
        with suppress(ValueError, OverflowError):
            reports.append(read(text))
    return reports


def _is_report_of_run(report: Report, expected: Expected) -> bool:
    """A repeated commit record may name the run that made it; a failure is always the run's own."""
    earlier = report.outcome == "Succeeded" and report.run < expected.run
    return report.uid == expected.uid and (report.run == expected.run or earlier)


def _detect_changed_spec(seen: Witnesses) -> ImportOutcome | None:
    """The spec was edited during a run: its result, good or bad, does not belong to the present spec."""
    other = next((report for report in seen.reports if report.spec_hash != seen.expected.spec_hash), None)
    return Outcome(Reason.REPORT_LOST, "The spec changed while the run was under way") if other else None


def _read_success(seen: Witnesses) -> ImportOutcome | None:
    good = [r for r in seen.reports if r.outcome == "Succeeded" and r.spec_hash == seen.expected.spec_hash]
    return Outcome(None, good[0].message, good[0]) if good else None


def _detect_out_of_memory(seen: Witnesses) -> ImportOutcome | None:
    """Before any report of failure: what a run found after one of its processes was killed is doubtful. On cgroup v1
    only a child is killed, so that the pod may even have exited with 0."""
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
    """The report may be missing because its file could not be written, as on a full disk."""
    reason = reason_of_exit_code(seen.exit_code) if seen.exit_code and not seen.reports else None
    return _build_outcome_without_report(reason, seen) if reason and reason is not Reason.WORKER_LOST else None


def _build_outcome_without_report(reason: Reason, seen: Witnesses) -> ImportOutcome:
    found = info(reason).finding.rstrip(".")
    told = f"{found}: the worker ended with exit code {seen.exit_code} and left no report"
    return Outcome(reason, f"{told}, as where the disk of the node is full" if reason is Reason.SCRATCH_FULL else told)


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
    words = "The Job was not done within timeoutSeconds and a few minutes more"
    return Outcome(Reason.DEADLINE_EXCEEDED, words, _find_report(seen))


def _detect_stop(seen: Witnesses) -> ImportOutcome | None:
    """The worker reports that it was stopped, but not by whom, nor why. The cases before this one know that."""
    report = _find_report(seen)
    if report is not None and report.reason is Reason.WORKER_LOST:
        return Outcome(Reason.WORKER_LOST, report.message, report, report.advice)
    was_stopped = seen.exit_code == info(Reason.WORKER_LOST).exit_code
    return _build_outcome_without_report(Reason.WORKER_LOST, seen) if was_stopped else None


def _detect_removal(seen: Witnesses) -> ImportOutcome | None:
    """Deleted by a user, stopped by the cluster, or never run at all.

    The kubelet ends with SIGKILL what outlives its grace period. A worker that was killed and whose pod is gone was
    deleted: the pod of one that ran out of memory stays, and shows it.
    """
    was_asked = seen.exit_code in (_SIGNALLED + signal.SIGTERM, _SIGNALLED + signal.SIGINT)
    was_deleted = any(pod.deleting for pod in seen.pods)
    was_killed_and_deleted = not seen.pods and seen.exit_code == _SIGNALLED + signal.SIGKILL
    if was_asked or was_deleted or was_killed_and_deleted:
        return Outcome(Reason.WORKER_LOST, "The worker's pod was stopped from outside")
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
    return Outcome(Reason.REPORT_LOST, "The run ended but its report is gone")


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
