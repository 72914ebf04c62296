"""Continues the upload of an import that exists: with the session of this machine, or with a new session."""

import shlex
from dataclasses import replace
from typing import Any

from videoimport.api.labels import UPLOAD_SESSION, VIDEO_KIND
from videoimport.cli.cluster.resource_reference import find_resource, with_kind
from videoimport.cli.errors import MissingRightError, UnusableError
from videoimport.cli.kube_client import Kube
from videoimport.cli.resource_facts import is_finished, name_of, phase_of, reference_of
from videoimport.cli.upload.local_file import LocalFile, hash_file
from videoimport.cli.upload.session_token import LocalSession, SessionStore, draw_session
from videoimport.cli.upload.upload_step import is_session_open

Raw = dict[str, Any]


def resume_upload(kube: Kube, store: SessionStore, name: str, file: LocalFile) -> tuple[Raw, LocalSession]:
    """Return the import and its open session. Raises UnusableError if the import has ended, if it wants another file,
    or if a right is missing."""
    resource = find_resource(kube, name)
    check_file(resource, file)
    name, namespace = resource["metadata"]["name"], kube.namespace
    session = store.find(kube.host, namespace, name)
    if session is not None and session.uid in ("", resource["metadata"]["uid"]):
        if not session.belongs_to(file):  # also after the session: a worker may have kept bytes of the file
            raise UnusableError(
                f"{file.path} changed since its upload began; restore the file, or upload the changed file as another "
                "import with --name."
            )
        if is_session_open(resource, session.token_sha256):
            return resource, session
    session = replace(draw_session(file), uid=resource["metadata"]["uid"])
    store.keep(kube.host, namespace, name, session)
    return _open_session(kube, resource, session), session


def format_command(namespace: str, name: str, file: LocalFile) -> str:
    """Return the command that continues an upload. The shell reads the path as one word, whatever characters it has."""
    return f"kubectl videoimport upload --namespace {namespace} --resume {name} {shlex.quote(str(file.path))}"


def check_file(resource: Raw, file: LocalFile) -> None:
    """Raise UnusableError unless the import waits for this file: by its name, its size and, if the spec has it, its
    SHA-256."""
    reference = reference_of(resource)
    wanted = ((resource["spec"] or {}).get("source") or {}).get("upload")
    if wanted is None:
        raise UnusableError(f"{reference} has no spec.source.upload; it takes no file. Choose another import.")
    if is_finished(resource):
        raise UnusableError(_format_ended(resource))
    facts: dict[str, str | int] = {"filename": file.name, "size": file.size}
    if wanted.get("sha256"):
        facts["sha256"] = hash_file(file)
    wrong = [
        f"{reference} has spec.source.upload.{name} {wanted[name]}, and {file.path} has {value}; give the file of the "
        "import."
        for name, value in facts.items()
        if wanted[name] != value
    ]
    if wrong:
        raise UnusableError(*wrong)


def _format_ended(resource: Raw) -> str:
    name = name_of(resource)
    if phase_of(resource) == "Completed":
        return f"vi/{name} has ended as Completed; nothing is left to send."
    return (
        f"vi/{name} has ended as {phase_of(resource)}; `kubectl videoimport retry {name}` starts it again. Then repeat "
        "this command."
    )


def _open_session(kube: Kube, resource: Raw, session: LocalSession) -> Raw:
    """Write the hash of a new session into the annotation. The UID prevents a change of a newer resource."""
    metadata = resource["metadata"]
    change = {"metadata": {"uid": metadata["uid"], "annotations": {UPLOAD_SESSION: session.token_sha256}}}
    try:
        return with_kind(kube.patch(kube.namespace, VIDEO_KIND, metadata["name"], change), VIDEO_KIND)
    except MissingRightError:
        raise UnusableError(
            f"This machine has no open session of {reference_of(resource)}, and you may not patch videoimports in the "
            f"namespace {kube.namespace}; ask for this right, which the role edit has. It opens another session."
        ) from None
