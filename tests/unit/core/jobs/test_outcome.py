"""How a finished run ended, from the surest witness that is left."""

import pytest

from support.core.video_builders import failure, job, pod, running, success
from support.every_case import every_case
from videoimport.api.reasons import TABLE, Reason
from videoimport.api.videoimport import spec_hash
from videoimport.core.jobs.outcome import Expected, find_outcome, find_success

WISH = running()
EXPECTED = Expected(WISH.metadata.uid, 1, spec_hash(WISH.spec))
COMPLETE = job(WISH, finished="Complete")
FAILED = job(WISH, finished="Failed", failure_reason="PodFailurePolicy")
CODES = [(row.exit_code, reason) for reason, row in TABLE.items() if row.exit_code]


def text(report):
    return report.model_dump_json(by_alias=True, exclude_none=True)


def outcome(ended, **pod_changes):
    pods = (pod(ended, **pod_changes),) if pod_changes else ()
    return find_outcome(ended, pods, EXPECTED)


def reason(ended, **pod_changes):
    return outcome(ended, **pod_changes).reason


def test_report_of_success_is_success():
    found = outcome(COMPLETE, exit_code=0, termination_message=text(success(WISH)))
    assert found.reason is None
    assert found.report == success(WISH)


def test_report_of_success_outweighs_whatever_befell_the_pod_afterwards():
    told = text(success(WISH))
    assert reason(FAILED, exit_code=137, oom_killed=True, disrupted=True, termination_message=told) is None


def test_report_of_failure_has_the_reason_and_the_words():
    found = outcome(
        FAILED, exit_code=74, termination_message=text(failure(WISH, Reason.UNSUPPORTED_RESOLUTION, "It is 240p"))
    )
    assert (found.reason, found.message) == (Reason.UNSUPPORTED_RESOLUTION, "It is 240p")


@pytest.mark.parametrize("foreign", [Reason.CANCELLED, Reason.JOB_REJECTED, Reason.REPORT_LOST, None])
def test_reason_that_no_worker_can_give_is_internal(foreign):
    assert reason(FAILED, exit_code=1, termination_message=text(failure(WISH, foreign))) is Reason.INTERNAL


@pytest.mark.parametrize("garbage", ['{"kind":"Report"', "", "panic: oh", "[]", '{"schemaVersion":2,"kind":"Report"}'])
def test_what_is_no_report_is_no_witness(garbage):
    assert reason(FAILED, exit_code=72, termination_message=garbage) is Reason.NOT_VIDEO
    assert reason(COMPLETE, exit_code=0, termination_message=garbage) is Reason.REPORT_LOST


@pytest.mark.parametrize("foreign", [{"uid": "another"}, {"run": 2}])
def test_report_about_something_else_is_no_report(foreign):
    told = text(success(WISH).model_copy(update=foreign))
    assert reason(COMPLETE, exit_code=0, termination_message=told) is Reason.REPORT_LOST


def test_repeated_success_of_an_earlier_run_counts():
    later = Expected(EXPECTED.uid, 3, EXPECTED.spec_hash)
    pods = (pod(COMPLETE, exit_code=0, termination_message=text(success(WISH))),)
    assert find_outcome(COMPLETE, pods, later).reason is None


def test_failure_of_an_earlier_run_does_not_count():
    later = Expected(EXPECTED.uid, 3, EXPECTED.spec_hash)
    pods = (pod(FAILED, exit_code=85, termination_message=text(failure(WISH, Reason.NOT_VIDEO))),)
    assert find_outcome(FAILED, pods, later).reason is Reason.SOURCE_UNAVAILABLE


@pytest.mark.parametrize("told", [success(WISH), failure(WISH, Reason.UNSUPPORTED_RESOLUTION)])
def test_result_for_another_wish_is_neither_success_nor_failure(told):
    other = text(told.model_copy(update={"spec_hash": "0" * 64}))
    assert reason(COMPLETE, exit_code=0, termination_message=other) is Reason.REPORT_LOST


@every_case(("code", "named"), CODES)
def test_exit_code_names_the_reason_with_the_pod(code, named):
    assert reason(FAILED, exit_code=code) is named


@every_case(("code", "named"), CODES)
def test_exit_code_names_the_reason_from_the_jobs_condition_when_the_pod_is_gone(code, named):
    assert reason(job(WISH, finished="Failed", exit_code=code)) is named


def test_memory_is_the_reason_even_when_the_pod_exited_well():
    assert reason(COMPLETE, exit_code=0, oom_killed=True) is Reason.OUT_OF_MEMORY
    assert reason(FAILED, exit_code=137, oom_killed=True) is Reason.OUT_OF_MEMORY


def test_memory_explains_a_reported_failure_and_its_facts_are_kept():
    told = failure(WISH, Reason.TRANSCODE_FAILED)
    found = outcome(FAILED, exit_code=92, oom_killed=True, termination_message=text(told))
    assert (found.reason, found.report) == (Reason.OUT_OF_MEMORY, told)


@pytest.mark.parametrize(
    "words",
    [
        'Usage of EmptyDir volume "scratch" exceeds the limit "1Gi". ',
        "Pod ephemeral local storage usage exceeds the total limit of containers 2Gi. ",
        'Container worker exceeded its local ephemeral storage limit "1Gi". ',
    ],
)
def test_eviction_for_its_own_scratch_is_scratch_full(words):
    assert reason(FAILED, phase="Failed", reason="Evicted", message=words) is Reason.SCRATCH_FULL


@pytest.mark.parametrize(
    "words",
    [
        "The node was low on resource: ephemeral-storage. Threshold quantity: 1, available: 0.",
        "The node was low on resource: memory. Container worker was using 2Gi, request is 256Mi",
    ],
)
def test_eviction_for_the_nodes_sake_is_a_lost_worker(words):
    found = outcome(FAILED, phase="Failed", reason="Evicted", message=words)
    assert found.reason is Reason.WORKER_LOST
    assert words in found.message


def test_disruption_is_a_lost_worker_by_pod_or_by_job():
    assert reason(FAILED, exit_code=143, disrupted=True) is Reason.WORKER_LOST
    assert reason(job(WISH, finished="Failed", disrupted=True)) is Reason.WORKER_LOST


def test_deadline_of_the_job_is_the_reason_although_its_pod_was_killed():
    late = job(WISH, finished="Failed", failure_reason="DeadlineExceeded")
    assert reason(late) is Reason.DEADLINE_EXCEEDED
    assert reason(late, deleting=True, exit_code=143) is Reason.DEADLINE_EXCEEDED


def test_deleted_or_stopped_pod_is_a_lost_worker():
    assert reason(FAILED, deleting=True, exit_code=137) is Reason.WORKER_LOST
    assert reason(FAILED, exit_code=143) is Reason.WORKER_LOST


def test_pod_that_failed_without_ever_running_is_a_lost_worker():
    found = outcome(FAILED, phase="Failed", reason="UnexpectedAdmissionError", message="no device")
    assert found.reason is Reason.WORKER_LOST
    assert "UnexpectedAdmissionError" in found.message


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (137, "exit code 137 (SIGKILL)"),
        (139, "exit code 139 (SIGSEGV)"),
        (1, "exit code 1"),
        (255, "exit code 255"),
    ],
)
def test_code_of_nobodys_is_internal_and_named(code, words):
    found = outcome(FAILED, exit_code=code)
    assert found.reason is Reason.INTERNAL
    assert found.message.endswith(words)


def test_complete_without_a_report_asks_the_destination():
    assert reason(COMPLETE) is Reason.REPORT_LOST
    assert reason(COMPLETE, exit_code=0) is Reason.REPORT_LOST


def test_failed_without_any_witness_is_a_lost_worker():
    found = outcome(job(WISH, finished="Failed", failure_message="Job has reached the specified backoff limit"))
    assert found.reason is Reason.WORKER_LOST
    assert "backoff limit" in found.message


def test_success_can_be_certain_before_the_job_is_finished():
    unfinished = job(WISH)
    told = (pod(unfinished, exit_code=0, termination_message=text(success(WISH))),)
    assert find_success(unfinished, told, EXPECTED) is not None
    assert find_success(unfinished, (pod(unfinished),), EXPECTED) is None


@pytest.mark.parametrize("code", [130, 137, 143])
def test_a_worker_that_a_signal_ended_and_whose_pod_is_gone_is_lost(code):
    """The kubelet asks with SIGTERM and ends with SIGKILL what outlives its grace period."""
    gone = job(WISH, finished="Failed", failure_reason="PodFailurePolicy", exit_code=code)
    assert find_outcome(gone, (), EXPECTED).reason is Reason.WORKER_LOST


def test_a_worker_that_was_killed_and_whose_pod_stays_crashed():
    assert reason(FAILED, exit_code=137) is Reason.INTERNAL


STOPPED = failure(WISH, Reason.WORKER_LOST, "The worker was terminated (SIGTERM) before it was done.")
BEFORE_IT_BEGAN = STOPPED.model_copy(update={"uid": "", "run": 0, "spec_hash": ""})
TOLD_TO_STOP = [
    {"exit_code": 95, "termination_message": text(STOPPED)},
    {"exit_code": 95, "termination_message": text(BEFORE_IT_BEGAN)},
    {"exit_code": 95},
    {"exit_code": 130},
    {"exit_code": 137},
    {"exit_code": 143},
]
"""What a worker leaves that was told to stop, in time or not. It does not know who told it, nor why."""
FULL = {
    "phase": "Failed",
    "reason": "Evicted",
    "message": 'Usage of EmptyDir volume "scratch" exceeds the limit "1Gi".',
}
LATE = job(WISH, finished="Failed", failure_reason="DeadlineExceeded")
CAUSES = [
    (FAILED, FULL, Reason.SCRATCH_FULL, "exceeds the limit"),
    (FAILED, {"disrupted": True, "message": "Preempted"}, Reason.WORKER_LOST, "Preempted"),
    (job(WISH, finished="Failed", disrupted=True), {}, Reason.WORKER_LOST, "disrupted"),
    (LATE, {"deleting": True}, Reason.DEADLINE_EXCEEDED, "timeoutSeconds"),
    (FAILED, {"deleting": True}, Reason.WORKER_LOST, ""),
    (FAILED, {"oom_killed": True}, Reason.OUT_OF_MEMORY, ""),
]


@every_case("left", TOLD_TO_STOP)
@every_case(("ended", "seen", "cause", "words"), CAUSES)
@every_case("mesh", [{}, {"phase": "Running", "companions": ("istio-proxy",)}])
def test_whoever_stopped_a_worker_knows_better_why(ended, seen, cause, words, left, mesh):
    found = outcome(ended, **left, **mesh | seen)
    assert found.reason is cause
    assert words in found.message
    assert found.report == (STOPPED if left.get("termination_message") == text(STOPPED) else None)


@pytest.mark.parametrize("left", TOLD_TO_STOP[:3])
def test_a_worker_that_was_told_to_stop_is_lost_where_nobody_says_more(left):
    assert reason(FAILED, **left) is Reason.WORKER_LOST
    assert reason(job(WISH, finished="Failed", exit_code=95)) is Reason.WORKER_LOST


def test_a_report_of_anything_else_outweighs_an_eviction():
    """The worker ended by itself; the kubelet came later."""
    told = text(failure(WISH, Reason.NOT_VIDEO))
    assert reason(FAILED, exit_code=72, termination_message=told, **FULL) is Reason.NOT_VIDEO
