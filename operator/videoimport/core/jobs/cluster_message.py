"""Explanation of the cluster's message about a run that cannot start: one sentence with the finding, and one
sentence with advice.

If possible, the advice names the field of the spec to change. The patterns match messages of Kubernetes 1.33 to 1.35:
of the scheduler, the API server's admission, the Job controller and the kubelet. Any other message is shown unchanged,
with the advice of the reason.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from videoimport.api.bulkimport import BulkImport
from videoimport.api.labels import BULK_KIND
from videoimport.api.reasons import Reason
from videoimport.api.videoimport import VideoImport
from videoimport.core.message_format import format_message, join_sentences
from videoimport.core.names_and_owners import build_scratch_name

_CHART = "of the chart's values"


@dataclass(frozen=True, slots=True)
class Fields:
    """Paths of the spec fields that set the values in the cluster's messages."""

    root: str = "spec"
    """Path of the spec with the worker's fields; ``spec.template`` in a BulkImport."""
    claims: Mapping[str, str] = field(default_factory=dict)
    """Path of the field that names a PersistentVolumeClaim, by the name of the claim."""
    by_limits: bool = False
    """True if requests follow the limits, as in Jobs that list pages or send webhook messages."""

    def worker(self, name: str) -> str:
        """Return the path of a field of ``worker``."""
        return f"{self.root}.worker.{name}"

    def amount(self, kind: str, resource: str) -> str:
        """Return the path of a request or a limit; ``kind`` is requests or limits."""
        if resource == "storage":
            return self.worker("scratch.size")
        return self.worker(f"resources.{'limits' if self.by_limits else kind}.{resource}")


def find_video_fields(video: VideoImport) -> Fields:
    """Return the fields of an import. The fields of a BulkImport's child are in the template, where the user sets
    them."""
    owners = video.metadata.owner_references
    root = "spec.template" if any(one.controller and one.kind == BULK_KIND for one in owners) else "spec"
    claims = {build_scratch_name(video.metadata.name): f"{root}.worker.scratch"}
    for part, claim in (
        ("source", video.spec.source.persistent_volume_claim),
        ("destination", video.spec.destination.persistent_volume_claim),
    ):
        if claim is not None:
            claims[claim.claim_name] = f"{root}.{part}.persistentVolumeClaim.claimName"
    return Fields(root, claims)


def find_bulk_fields(bulk: BulkImport) -> Fields:
    """Return the fields of a BulkImport, for the Jobs that list pages or send webhook messages."""
    claim = bulk.spec.template.destination.persistent_volume_claim
    name = "spec.template.destination.persistentVolumeClaim.claimName"
    return Fields("spec.template", {claim.claim_name: name} if claim else {}, by_limits=True)


def explain(reason: Reason, message: str, fields: Fields) -> str:
    """Return a message with the finding and the advice."""
    text = remove_request(message)
    for pattern, words in _RULES:
        if match := pattern.search(text):
            return join_sentences(*words(match, fields))
    return format_message(reason, text)


def remove_request(message: str) -> str:
    """Return the cluster's message without the text that names the refused request."""
    return _PREFIX.sub("", message.strip())


_PREFIX = re.compile(r"^(?:[A-Z]+ /\S+: \d{3} |Error creating: )+")
"""Start of a message: a request of the controller, or the beginning of the Job controller's Event."""
Words = tuple[str, str]
_AMOUNT = re.compile(r"(?:(?P<kind>requests|limits)\.)?(?P<resource>[\w./-]+)=(?P<value>[\w.]+)")


def _translate_init_container(match: re.Match[str], _fields: Fields) -> Words:
    """Return the finding and the advice. The worker's pod has no init container of its own."""
    found = f'The init container "{match["name"]}" cannot start: {match["why"]}'
    return found, "A webhook of the cluster added it to the pod: check its configuration"


def _translate_missing_service_account(match: re.Match[str], fields: Fields) -> Words:
    name, path = match["name"], fields.worker("serviceAccountName")
    return f'ServiceAccount "{name}" not found', f"Create it in this namespace, or correct {path}"


def _translate_missing_priority_class(match: re.Match[str], fields: Fields) -> Words:
    path = fields.worker("priorityClassName")
    return f'PriorityClass "{match["name"]}" not found', f"Create it, or correct {path}"


def _translate_missing_storage_class(match: re.Match[str], fields: Fields) -> Words:
    path = fields.worker("scratch.storageClassName")
    return f'StorageClass "{match["name"]}" not found', f"Create it, or correct {path}"


def _translate_missing_claim(match: re.Match[str], fields: Fields) -> Words:
    name = match["name"]
    path = fields.claims.get(name, "the field that names it")
    state = "is being deleted" if "being deleted" in match[0] else "not found"
    return f'PersistentVolumeClaim "{name}" {state}', f"Create it in this namespace, or correct {path}"


def _translate_exceeded_quota(match: re.Match[str], fields: Fields) -> Words:
    """Return the finding and the advice. A quota may limit the number of objects, such as pods or count/jobs.batch. No
    field of the spec changes this number."""
    found = f'It exceeded quota "{match["name"]}": {match["amounts"]}'
    wanted = _AMOUNT.finditer(match["amounts"].partition(", used:")[0])
    paths = [path for amount in wanted if (path := _find_quota_field(amount, fields))]
    free = "raise the quota, or wait until other pods have ended"
    return found, f"Lower {_join_paths(paths)}, {free}" if paths else free.capitalize()


def _find_quota_field(amount: re.Match[str], fields: Fields) -> str | None:
    resource = amount["resource"].rpartition(".storageclass.storage.k8s.io/requests.")[2]
    if amount["kind"] is None and resource not in ("cpu", "memory", "ephemeral-storage", "storage"):
        return None
    return fields.amount(amount["kind"] or "requests", resource)


def _translate_incomplete_quota(match: re.Match[str], fields: Fields) -> Words:
    found = f'The ResourceQuota "{match["name"]}" wants a value for {match["amounts"]}'
    paths = [
        fields.amount(kind, resource)
        for kind, resource in re.findall(r"(requests|limits)\.([\w./-]+)", match["amounts"])
    ]
    return found, f"Set {_join_paths(paths) or fields.worker('resources')}"


def _translate_limit_range(match: re.Match[str], fields: Fields) -> Words:
    """Return the finding and the advice. A message may name several bounds, each for one resource."""
    rules = list(_BOUND.finditer(match.string))
    found = "; ".join(
        f"the {rule['bound']} {rule['resource']} of a {rule['of']} is {rule['limit']}, and the {rule['kind']} is "
        f"{rule['value']}"
        for rule in rules
    )
    paths = [fields.amount(f"{rule['kind']}s", rule["resource"]) for rule in rules]
    verb = "Lower" if all(rule["bound"] == "maximum" for rule in rules) else "Change"
    return f"A LimitRange refuses it: {found}", f"{verb} {_join_paths(paths)}, or change the LimitRange"


def _translate_limit_ratio(match: re.Match[str], fields: Fields) -> Words:
    resource = match["resource"]
    found = (
        f"A LimitRange allows {match['limit']} times the request as limit of {resource}, and {match['value']} is set"
    )
    paths = [fields.amount(kind, resource) for kind in ("requests", "limits")]
    return found, f"Bring {_join_paths(paths)} closer together"


def _translate_pod_security(match: re.Match[str], fields: Fields) -> Words:
    """Return the finding and the advice. The worker's own pod satisfies every level, so the refused part comes from the
    user or from a webhook."""
    found = f'Pod Security "{match["level"]}" of this namespace refuses the pod: {match["why"]}'
    return (
        found,
        f"Remove the fields that a webhook adds to the pod, or allow them in the namespace; "
        f"{fields.root}.worker adds none",
    )


def _translate_denial(match: re.Match[str], fields: Fields) -> Words:
    found = f'The {match["what"]} "{match["name"]}" denies it: {match["why"]}'
    return found, f"Change {fields.root}.worker so that the policy allows it, or change the policy"


def _translate_unreachable_webhook(match: re.Match[str], _fields: Fields) -> Words:
    """Return the finding and the advice. A policy engine or a mesh may be down, or its own NetworkPolicy may block
    it."""
    found = f'The cluster cannot ask the admission webhook "{match["name"]}": {match["why"]}'
    return found, "Check that the service of this webhook runs and answers the API server"


def _translate_invalid_job(match: re.Match[str], fields: Fields) -> Words:
    """Return the finding and the advice. The API server checks some fields of the pod only together with the Job."""
    written = dict.fromkeys(_OF_WORKER.findall(match["why"]))
    paths = [fields.worker(name) for name in written]
    todo = (
        f"Correct {_join_paths(paths)}"
        if paths
        else f"Change the field that the message names in {fields.worker('').rstrip('.')}"
    )
    return f"The API server refuses the {match['kind']}: {match['why']}", todo


def _translate_unschedulable(match: re.Match[str], fields: Fields) -> Words:
    """Return one finding for all nodes, and advice with an action for each kind of cause."""
    causes = match["causes"]
    found = f"No node of {match['total']} fits the pod: {causes}"
    amounts = list(dict.fromkeys(re.findall(r"Insufficient ([\w./-]+)", causes)))
    todo = [f"lower {_join_paths([fields.amount('requests', one) for one in amounts])}"] if amounts else []
    todo += [action.format(worker=fields.worker("")) for pattern, action in _CAUSES if re.search(pattern, causes)]
    todo += ["add a node"] if amounts or not todo else []
    advice = ", or ".join(todo)
    return found, advice[0].upper() + advice[1:]


_CAUSES = (
    (r"untolerated taint", "add a toleration of the node's taint to {worker}tolerations"),
    (r"node affinity/selector", "correct {worker}nodeSelector or {worker}affinity"),
    (r"(?:anti-)?affinity rules", "correct {worker}affinity"),
    (r"were unschedulable", "make a cordoned node schedulable (kubectl uncordon)"),
    (r"Too many pods", "wait until other pods have ended"),
    (r"unbound immediate|available persistent volumes", "check the claims of this pod (kubectl get pvc)"),
    (r"volume node affinity", "let the pod run where its volume is: correct {worker}nodeSelector or {worker}affinity"),
    (r"max volume count", "wait until other pods have released their volumes"),
    (r"enough free storage", "lower {worker}scratch.size"),
)
"""Patterns of the scheduler's causes, each with the action that removes the cause."""


def _translate_image(match: re.Match[str], _fields: Fields) -> Words:
    found = f'The image "{match["image"]}" cannot be pulled'
    why = match["why"]
    todo = f"Check worker.image and worker.imagePullSecrets {_CHART}"
    return (f"{found}: {why}" if why else found), todo


def _translate_multi_attach(match: re.Match[str], _fields: Fields) -> Words:
    found = f'The volume "{match["volume"]}" is attached to another node'
    return found, "Wait until the pod that uses it has ended, or use a volume that several nodes can mount"


def _translate_mount_failure(match: re.Match[str], fields: Fields) -> Words:
    found = f'The volume "{match["volume"]}" cannot be mounted: {match["why"]}'
    return found, f"Check {_find_volume_field(match['volume'], fields)}"


def _find_volume_field(volume: str, fields: Fields) -> str:
    known = {
        "scratch": fields.worker("scratch"),
        "ca-bundle": fields.worker("caBundleConfigMapRef"),
        "source": f"{fields.root}.source.persistentVolumeClaim",
        "destination": f"{fields.root}.destination.persistentVolumeClaim",
    }
    return known.get(volume, "the volume and its storage")


def _translate_unbound_claim(_match: re.Match[str], fields: Fields) -> Words:
    names = _join_paths(list(fields.claims.values())) or fields.worker("scratch")
    return "A PersistentVolumeClaim of the pod has no volume", f"See why with kubectl describe pvc, and check {names}"


def _translate_missing_volume(_match: re.Match[str], fields: Fields) -> Words:
    path = fields.worker("scratch.storageClassName")
    return "No PersistentVolume fits the claim, and it names no StorageClass", f"Set {path}"


def _join_paths(paths: list[str]) -> str:
    *head, last = list(dict.fromkeys(paths)) or [""]
    return f"{', '.join(head)} and {last}" if head else last


_OF_WORKER = re.compile(
    r"\bspec\.template\.(?:spec\.|metadata\.)?(?:containers\[\d+\]\.)?"
    r"(affinity|tolerations|nodeSelector|priorityClassName|serviceAccountName|resources|labels|annotations)\b"
)
"""Field of a Job that has the same name as the ``worker`` field from which the Job's field is made."""
_BOUND = re.compile(
    r"(?P<bound>maximum|minimum) (?P<resource>[\w./-]+) usage per (?P<of>\w+) is (?P<limit>[\w.]+), "
    r"but (?P<kind>request|limit) is (?P<value>[\w.]+)"
)
_RULES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], Fields], Words]], ...] = (
    (re.compile(r"^init container (?P<name>\S+): (?P<why>.*)", re.DOTALL), _translate_init_container),
    (re.compile(r'serviceaccounts? "(?P<name>[^"]+)" not found'), _translate_missing_service_account),
    (re.compile(r"no PriorityClass with name (?P<name>\S+) was found"), _translate_missing_priority_class),
    (re.compile(r'storageclass\.storage\.k8s\.io "(?P<name>[^"]+)" not found'), _translate_missing_storage_class),
    (re.compile(r'persistentvolumeclaim "(?P<name>[^"]+)" (?:not found|is being deleted)'), _translate_missing_claim),
    (re.compile(r"exceeded quota: (?P<name>[^,]+), (?P<amounts>requested: .*)"), _translate_exceeded_quota),
    (re.compile(r"failed quota: (?P<name>[^:]+): must specify (?P<amounts>.*)"), _translate_incomplete_quota),
    (_BOUND, _translate_limit_range),
    (
        re.compile(
            r"(?P<resource>[\w./-]+) max limit to request ratio per \w+ is (?P<limit>[\w.]+), "
            r"but provided ratio is (?P<value>[\d.]*\d)"
        ),
        _translate_limit_ratio,
    ),
    (re.compile(r'violates PodSecurity "(?P<level>[^"]+)": (?P<why>.*)', re.DOTALL), _translate_pod_security),
    (
        re.compile(r'(?P<what>admission webhook) "(?P<name>[^"]+)" denied the request: (?P<why>.*)', re.DOTALL),
        _translate_denial,
    ),
    (
        re.compile(
            r"(?P<what>ValidatingAdmissionPolicy) '(?P<name>[^']+)' with binding '[^']+' denied request: (?P<why>.*)",
            re.DOTALL,
        ),
        _translate_denial,
    ),
    (re.compile(r'failed calling webhook "(?P<name>[^"]+)": (?P<why>.*)', re.DOTALL), _translate_unreachable_webhook),
    (re.compile(r"^(?P<kind>Job)\.batch \"[^\"]*\" is invalid: (?P<why>.*)", re.DOTALL), _translate_invalid_job),
    (
        re.compile(r'^(?P<kind>Job) in version "v1" cannot be handled as a Job: (?P<why>.*)', re.DOTALL),
        _translate_invalid_job,
    ),
    (re.compile(r"has unbound immediate PersistentVolumeClaims"), _translate_unbound_claim),
    (
        re.compile(r"0/(?P<total>\d+) nodes are available: (?P<causes>.+?)(?:\.(?:\s.*)?)?$", re.DOTALL),
        _translate_unschedulable,
    ),
    (re.compile(r'Back-off pulling image "(?P<image>[^"]+)"(?:: \w+: (?P<why>.*))?', re.DOTALL), _translate_image),
    (re.compile(r'pull and unpack image "(?P<image>[^"]+)": (?P<why>.*)', re.DOTALL), _translate_image),
    (re.compile(r"(?:image tag|image name) \"(?P<image>[^\"]+)\": (?P<why>.*)", re.DOTALL), _translate_image),
    (
        re.compile(r'Container image "(?P<image>[^"]+)" is (?P<why>not present with pull policy of Never)'),
        _translate_image,
    ),
    (re.compile(r'Multi-Attach error for volume "(?P<volume>[^"]+)"'), _translate_multi_attach),
    (
        re.compile(
            r'\w+\.(?:SetUp|MountDevice|SetUpDevice|AttachVolume) failed for volume "(?P<volume>[^"]+)" ?: (?P<why>.*)',
            re.DOTALL,
        ),
        _translate_mount_failure,
    ),
    (
        re.compile(r"unmounted volumes=\[(?P<volume>[\w-]+)[^\]]*\].*: (?P<why>[^:]*)$", re.DOTALL),
        _translate_mount_failure,
    ),
    (
        re.compile(r"no persistent volumes available for this claim and no storage class is set"),
        _translate_missing_volume,
    ),
)
"""Patterns and the functions that explain a match. The first match decides. A pattern for a named object comes before
quotas, and quotas come before the scheduler's summary."""
