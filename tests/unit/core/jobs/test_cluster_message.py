"""Messages as Kubernetes 1.35.4 wrote them, and the sentences that users read instead."""

import re

from support.core.discovery_builders import begun, look
from support.core.discovery_builders import pod_of as listing_pod
from support.core.video_builders import after, event, job, plan, pod, running, video
from support.every_case import every_case
from videoimport.api.reasons import Reason
from videoimport.core.jobs.cluster_message import Fields, explain, find_video_fields

FIELDS = Fields(claims={"absent": "spec.destination.persistentVolumeClaim.claimName"})
PREEMPTION = (
    " no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
)
UNSCHEDULABLE = {
    "1 Insufficient cpu.": ["1 Insufficient cpu.", "Lower spec.worker.resources.requests.cpu, or add a node."],
    "1 Insufficient cpu, 1 Insufficient ephemeral-storage, 1 Insufficient memory.": [
        "Lower spec.worker.resources.requests.cpu, spec.worker.resources.requests.ephemeral-storage and "
        "spec.worker.resources.requests.memory, or add a node."
    ],
    "1 Insufficient nvidia.com/gpu.": [
        "1 Insufficient nvidia.com/gpu.", "Lower spec.worker.resources.requests.nvidia.com/gpu, or add a node."
    ],
    "1 node(s) didn't match Pod's node affinity/selector.": [
        "Correct spec.worker.nodeSelector or spec.worker.affinity."
    ],
    "1 node(s) didn't match pod affinity rules.": ["Correct spec.worker.affinity."],
    "1 node(s) didn't match pod anti-affinity rules.": ["Correct spec.worker.affinity."],
    "1 node(s) had untolerated taint(s).": ["Add a toleration of the node's taint to spec.worker.tolerations."],
    "1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 2 Insufficient memory.": [
        "Lower spec.worker.resources.requests.memory, or add a toleration of the node's taint to "
        "spec.worker.tolerations, or add a node."
    ],
    "1 node(s) were unschedulable.": ["Make a cordoned node schedulable (kubectl uncordon)."],
    "1 Too many pods.": ["Wait until other pods have ended."],
    "1 node(s) had volume node affinity conflict.": ["spec.worker.nodeSelector"],
    "1 node(s) exceed max volume count.": ["Wait until other pods have released their volumes."],
}  # fmt: skip
NO_IMAGE = (
    'failed to pull and unpack image "nowhere.example/worker:1": failed to resolve reference '
    '"nowhere.example/worker:1": failed to do request: Head "https://nowhere.example/v2/worker/manifests/1": dial tcp: '
    "lookup nowhere.example on 10.255.255.53:53: no such host"
)
CHECK_IMAGE = "Check worker.image and worker.imagePullSecrets of the chart's values."
REFUSED = 'Error creating: pods "talk-1-x7k2p" is forbidden: '
JOBS = 'POST /apis/batch/v1/namespaces/films/jobs: 403 jobs.batch "talk-1" is forbidden: '
CLAIMS = (
    'POST /api/v1/namespaces/films/persistentvolumeclaims: 403 persistentvolumeclaims "talk-scratch" is forbidden: '
)
_POST = "POST /apis/batch/v1/namespaces/films/jobs: "
_AFFINITY = "spec.template.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution"
_DECODING = (
    "json: cannot unmarshal string into Go struct field Affinity.spec.template.spec.affinity.nodeAffinity of type "
    "v1.NodeAffinity"
)
_CALL = (
    'failed to call webhook: Post "https://istiod.istio-system.svc:443/inject?timeout=10s": dial tcp 10.0.0.1:443: '
    "connect: connection refused"
)
OTHERS: list[tuple[Reason, str, str]] = [
    (
        Reason.JOB_REJECTED,
        _POST + f'422 Job.batch "talk-1" is invalid: {_AFFINITY}.nodeSelectorTerms: Required value: must have at least '
        "one node selector term",
        f"The API server refuses the Job: {_AFFINITY}.nodeSelectorTerms: Required value: must have at least one node "
        "selector term. Correct spec.worker.affinity.",
    ),
    (
        Reason.JOB_REJECTED,
        _POST + '422 Job.batch "talk-1" is invalid: [spec.template.spec.tolerations[0].effect: Invalid value: "x", '
        'spec.template.spec.containers[0].resources.requests: Invalid value: "4": must be less than or equal to cpu '
        "limit of 2]",
        'The API server refuses the Job: [spec.template.spec.tolerations[0].effect: Invalid value: "x", '
        'spec.template.spec.containers[0].resources.requests: Invalid value: "4": must be less than or equal to cpu '
        "limit of 2]. Correct spec.worker.tolerations and spec.worker.resources.",
    ),
    (
        Reason.JOB_REJECTED,
        _POST + f'400 Job in version "v1" cannot be handled as a Job: {_DECODING}',
        f"The API server refuses the Job: {_DECODING}. Correct spec.worker.affinity.",
    ),
    (
        Reason.JOB_REJECTED,
        _POST + '422 Job.batch "talk-1" is invalid: spec.template.spec.volumes[0].name: Invalid value: "x"',
        'The API server refuses the Job: spec.template.spec.volumes[0].name: Invalid value: "x". Change the field '
        "that the message names in spec.worker.",
    ),
    (
        Reason.POD_REJECTED,
        'Error creating: Internal error occurred: failed calling webhook "sidecar.example.io": ' + _CALL,
        f'The cluster cannot ask the admission webhook "sidecar.example.io": {_CALL}. Check that the service of this '
        "webhook runs and answers the API server.",
    ),
    (
        Reason.IMAGE_UNAVAILABLE,
        'init container istio-proxy: Back-off pulling image "mesh.example/proxy:1"',
        'The init container "istio-proxy" cannot start: Back-off pulling image "mesh.example/proxy:1". '
        "A webhook of the cluster added it to the pod: check its configuration.",
    ),
    (
        Reason.MOUNT_FAILED,
        '0/1 nodes are available: persistentvolumeclaim "absent" not found. not found',
        'PersistentVolumeClaim "absent" not found. Create it in this namespace, or correct '
        "spec.destination.persistentVolumeClaim.claimName.",
    ),
    (
        Reason.MOUNT_FAILED,
        "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found",
        "A PersistentVolumeClaim of the pod has no volume. See why with kubectl describe pvc, and check "
        "spec.destination.persistentVolumeClaim.claimName.",
    ),
    (
        Reason.MOUNT_FAILED,
        'storageclass.storage.k8s.io "nowhere" not found',
        'StorageClass "nowhere" not found. Create it, or correct spec.worker.scratch.storageClassName.',
    ),
    (
        Reason.MOUNT_FAILED,
        "no persistent volumes available for this claim and no storage class is set",
        "No PersistentVolume fits the claim, and it names no StorageClass. Set spec.worker.scratch.storageClassName.",
    ),
    (
        Reason.MOUNT_FAILED,
        'MountVolume.SetUp failed for volume "ca-bundle" : configmap "absent" not found',
        'The volume "ca-bundle" cannot be mounted: configmap "absent" not found. '
        "Check spec.worker.caBundleConfigMapRef.",
    ),
    (
        Reason.MOUNT_FAILED,
        'Multi-Attach error for volume "pvc-1" Volume is already used by pod(s) talk-1-x7k2p',
        'The volume "pvc-1" is attached to another node. Wait until the pod that uses it has ended, or use a volume '
        "that several nodes can mount.",
    ),
    (
        Reason.POD_REJECTED,
        REFUSED + 'error looking up service account films/absent: serviceaccount "absent" not found',
        'ServiceAccount "absent" not found. Create it in this namespace, or correct spec.worker.serviceAccountName.',
    ),
    (
        Reason.POD_REJECTED,
        REFUSED + "no PriorityClass with name absent was found",
        'PriorityClass "absent" not found. Create it, or correct spec.worker.priorityClassName.',
    ),
    (
        Reason.POD_REJECTED,
        REFUSED + "exceeded quota: memory, requested: limits.memory=9Gi,requests.cpu=1, "
        "used: limits.memory=2Gi,requests.cpu=105m, limited: limits.memory=8Gi,requests.cpu=1",
        'It exceeded quota "memory": requested: limits.memory=9Gi,requests.cpu=1, '
        "used: limits.memory=2Gi,requests.cpu=105m, limited: limits.memory=8Gi,requests.cpu=1. "
        "Lower spec.worker.resources.limits.memory and spec.worker.resources.requests.cpu, raise the quota, or wait "
        "until other pods have ended.",
    ),
    (
        Reason.POD_REJECTED,
        REFUSED + "failed quota: memory: must specify limits.memory for: worker; requests.cpu for: worker",
        'The ResourceQuota "memory" wants a value for limits.memory for: worker; requests.cpu for: worker. '
        "Set spec.worker.resources.limits.memory and spec.worker.resources.requests.cpu.",
    ),
    (
        Reason.POD_REJECTED,
        REFUSED + "[maximum cpu usage per Container is 1, but limit is 2, maximum memory usage per Container is 9Gi, "
        "but limit is 10Gi]",
        "A LimitRange refuses it: the maximum cpu of a Container is 1, and the limit is 2; the maximum memory of a "
        "Container is 9Gi, and the limit is 10Gi. Lower spec.worker.resources.limits.cpu and "
        "spec.worker.resources.limits.memory, or change the LimitRange.",
    ),
    (
        Reason.POD_REJECTED,
        REFUSED + "minimum cpu usage per Container is 10m, but request is 5m",
        "A LimitRange refuses it: the minimum cpu of a Container is 10m, and the request is 5m. "
        "Change spec.worker.resources.requests.cpu, or change the LimitRange.",
    ),
    (
        Reason.POD_REJECTED,
        REFUSED + "cpu max limit to request ratio per Container is 2, but provided ratio is 10.000000",
        "A LimitRange allows 2 times the request as limit of cpu, and 10.000000 is set. Bring "
        "spec.worker.resources.requests.cpu and spec.worker.resources.limits.cpu closer together.",
    ),
    (
        Reason.POD_REJECTED,
        REFUSED + 'violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "proxy" '
        "must set securityContext.allowPrivilegeEscalation=false)",
        'Pod Security "restricted:latest" of this namespace refuses the pod: allowPrivilegeEscalation != false '
        '(container "proxy" must set securityContext.allowPrivilegeEscalation=false). Remove the fields that a webhook '
        "adds to the pod, or allow them in the namespace; spec.worker adds none.",
    ),
    (
        Reason.POD_REJECTED,
        'Error creating: admission webhook "policy.example" denied the request: no label team',
        'The admission webhook "policy.example" denies it: no label team. Change spec.worker so that the policy '
        "allows it, or change the policy.",
    ),
    (
        Reason.JOB_REJECTED,
        JOBS + "exceeded quota: jobs, requested: count/jobs.batch=1, used: count/jobs.batch=5, "
        "limited: count/jobs.batch=1",
        'It exceeded quota "jobs": requested: count/jobs.batch=1, used: count/jobs.batch=5, '
        "limited: count/jobs.batch=1. Raise the quota, or wait until other pods have ended.",
    ),
    (
        Reason.JOB_REJECTED,
        JOBS + "ValidatingAdmissionPolicy 'teams' with binding 'teams' denied request: no label team",
        'The ValidatingAdmissionPolicy "teams" denies it: no label team. Change spec.worker so that the policy allows '
        "it, or change the policy.",
    ),
    (
        Reason.JOB_REJECTED,
        CLAIMS + "maximum storage usage per PersistentVolumeClaim is 4Gi, but request is 10Gi",
        "A LimitRange refuses it: the maximum storage of a PersistentVolumeClaim is 4Gi, and the request is 10Gi. "
        "Lower spec.worker.scratch.size, or change the LimitRange.",
    ),
    (
        Reason.JOB_REJECTED,
        CLAIMS + "exceeded quota: disk, requested: requests.storage=4Gi, used: requests.storage=2Gi, "
        "limited: requests.storage=5Gi",
        'It exceeded quota "disk": requested: requests.storage=4Gi, used: requests.storage=2Gi, '
        "limited: requests.storage=5Gi. Lower spec.worker.scratch.size, raise the quota, or wait until other pods "
        "have ended.",
    ),
    (
        Reason.JOB_REJECTED,
        CLAIMS + "exceeded quota: disk, requested: fast.storageclass.storage.k8s.io/requests.storage=4Gi, "
        "used: fast.storageclass.storage.k8s.io/requests.storage=0, "
        "limited: fast.storageclass.storage.k8s.io/requests.storage=1Gi",
        'It exceeded quota "disk": requested: fast.storageclass.storage.k8s.io/requests.storage=4Gi, '
        "used: fast.storageclass.storage.k8s.io/requests.storage=0, "
        "limited: fast.storageclass.storage.k8s.io/requests.storage=1Gi. Lower spec.worker.scratch.size, raise the "
        "quota, or wait until other pods have ended.",
    ),
    (
        Reason.IMAGE_UNAVAILABLE,
        f'Back-off pulling image "nowhere.example/worker:1": ErrImagePull: {NO_IMAGE}',
        f'The image "nowhere.example/worker:1" cannot be pulled: {NO_IMAGE}. {CHECK_IMAGE}',
    ),
    (
        Reason.IMAGE_UNAVAILABLE,
        'Failed to apply default image tag "UPPER/Bad:1": couldn\'t parse image name "UPPER/Bad:1": invalid reference '
        "format: repository name (Bad) must be lowercase",
        'The image "UPPER/Bad:1" cannot be pulled: couldn\'t parse image name "UPPER/Bad:1": invalid reference format: '
        f"repository name (Bad) must be lowercase. {CHECK_IMAGE}",
    ),
    (
        Reason.IMAGE_UNAVAILABLE,
        'Container image "nowhere.example/worker:1" is not present with pull policy of Never',
        'The image "nowhere.example/worker:1" cannot be pulled: not present with pull policy of Never. ' + CHECK_IMAGE,
    ),
]


@every_case("causes", UNSCHEDULABLE)
@every_case("tail", ["", PREEMPTION])
def test_the_scheduler_names_causes_and_the_message_names_fields(causes: str, tail: str) -> None:
    shown = explain(Reason.UNSCHEDULABLE, f"0/3 nodes are available: {causes}{tail}", FIELDS)
    assert shown.startswith(f"No node of 3 fits the pod: {causes}")
    assert "preemption" not in shown
    for words in UNSCHEDULABLE[causes]:
        assert words in shown


@every_case(("reason", "message", "wanted"), OTHERS)
def test_one_sentence_says_what_was_found_and_one_what_to_do(reason: Reason, message: str, wanted: str) -> None:
    assert explain(reason, message, FIELDS) == wanted


@every_case("message", [message for _, message, _ in OTHERS] + list(UNSCHEDULABLE))
def test_in_a_bulk_the_fields_are_those_of_the_template(message: str) -> None:
    shown = explain(Reason.POD_REJECTED, message, Fields("spec.template"))
    assert all(path.startswith("spec.template.") for path in re.findall(r"\bspec\.\S+", shown))


def test_any_other_message_is_shown_with_the_reasons_advice() -> None:
    shown = explain(Reason.POD_REJECTED, "Error creating: Internal error occurred: the moon is full", FIELDS)
    assert shown == ("Internal error occurred: the moon is full. Correct the setting that the cluster's message names.")


def test_an_endless_message_keeps_its_advice() -> None:
    message = f"0/9 nodes are available: {', '.join(['1 Insufficient cpu'] * 999)}."
    shown = explain(Reason.UNSCHEDULABLE, message, FIELDS)
    assert len(shown) <= 1024
    assert shown.endswith("Lower spec.worker.resources.requests.cpu, or add a node.")


def test_a_claim_is_named_by_the_field_that_names_it() -> None:
    wish = video(
        source={"persistentVolumeClaim": {"claimName": "shelf", "path": "a.mp4"}},
        destination={"persistentVolumeClaim": {"claimName": "out"}},
    )
    assert find_video_fields(wish).claims == {
        "talk-scratch": "spec.worker.scratch",
        "shelf": "spec.source.persistentVolumeClaim.claimName",
        "out": "spec.destination.persistentVolumeClaim.claimName",
    }


def test_a_child_names_the_template_where_its_user_sets_the_field() -> None:
    owner = {"apiVersion": "v", "kind": "BulkImport", "name": "talks", "uid": "u", "controller": True}
    assert (
        find_video_fields(video(meta={"ownerReferences": [owner]})).worker("affinity")
        == "spec.template.worker.affinity"
    )


def test_a_refused_pod_of_an_import_names_the_field() -> None:
    wish = running()
    its_job = job(wish)
    refusal = event(its_job.uid, "FailedCreate", REFUSED + "no PriorityClass with name absent was found")
    found = plan(wish, after(40), jobs=(its_job,), events=(refusal,))
    assert found.status is not None
    assert "spec.worker.priorityClassName" in (found.status.message or "")


def test_a_listing_that_fits_no_node_names_the_field() -> None:
    wish, its_job = begun()
    stuck = listing_pod(its_job, unscheduled=f"0/1 nodes are available: 1 Insufficient cpu.{PREEMPTION}")
    found = look(wish, jobs=(its_job,), pods=stuck)
    assert found.status is not None
    assert "spec.template.worker.resources.limits.cpu" in (found.status.message or "")


def test_a_pod_that_waits_for_its_image_is_shown_the_cause() -> None:
    wish = running()
    stuck = pod(job(wish), waiting_reason="ErrImagePull", waiting_message=NO_IMAGE)
    found = plan(wish, after(2), jobs=(job(wish),), pods=(stuck,))
    assert found.status is not None
    assert (found.status.message or "").startswith('The image "nowhere.example/worker:1" cannot be pulled')
