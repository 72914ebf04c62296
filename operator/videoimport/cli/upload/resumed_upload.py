"""Continues the upload of an import that exists: with the session of this machine, or with a new session."""

from dataclasses import replace
from typing import Any

from videoimport.api.labels import UPLOAD_SESSION, VIDEO_KIND
from videoimport.cli.cluster.resource_reference import find_resource, with_kind
from videoimport.cli.errors import MissingRightError, UnreachableError, UnusableError
from videoimport.cli.kube_client import Kube
from videoimport.cli.resource_facts import is_finished, name_of, phase_of, reference_of
from videoimport.cli.upload.hashed_file import FileChangedError, hash_file
from videoimport.cli.upload.local_file import LocalFile
from videoimport.cli.upload.session_token import LocalSession, SessionStore, draw_session
from videoimport.cli.upload.suggested_command import format_command
from videoimport.cli.upload.upload_step import is_session_open

Raw = dict[str, Any]


def resume_upload(kube: Kube, store: SessionStore, name: str, file: LocalFile) -> tuple[Raw, LocalSession]:
    """Return the import and its open session. Raises UnusableError if the import has ended, if it wants another file,
    or if a right is missing."""
    resource = find_resource(kube, name)
    check_file(kube, resource, file)
    known = _find_sessions(kube, store, resource)
    if not all(session.belongs_to(file) for session in known):  # also of an ended session: a worker may have its bytes
        raise UnusableError(
            f"{file.path} changed since its upload began; restore the file, or upload the changed file as another "
            "import with --name."
        )
    for session in known:
        if is_session_open(resource, session.token_sha256):
            return resource, session
    session = replace(draw_session(file), uid=resource["metadata"]["uid"])
    store.keep(kube.host, kube.namespace, resource["metadata"]["name"], session)
    try:
        return _open_session(kube, resource, session), session
    except UnreachableError:  # the API server may have changed the annotation
        raise
    except UnusableError:
        store.forget(kube.host, kube.namespace, resource["metadata"]["name"], session)
        raise


def _find_sessions(kube: Kube, store: SessionStore, resource: Raw) -> list[LocalSession]:
    """Return the sessions of this import, and not those of an earlier import of the same name. A command that was
    killed while it created the import did not note the UID."""
    metadata = resource["metadata"]
    opened = (metadata.get("annotations") or {}).get(UPLOAD_SESSION)
    found = store.find(kube.host, kube.namespace, metadata["name"])
    return [one for one in found if one.uid == metadata["uid"] or (not one.uid and one.token_sha256 == opened)]


def check_file(kube: Kube, resource: Raw, file: LocalFile) -> None:
    """Raise UnusableError unless the import waits for this file: by its name, its size and, if the spec has it, its
    SHA-256."""
    reference = reference_of(resource)
    wanted = ((resource["spec"] or {}).get("source") or {}).get("upload")
    if wanted is None:
        raise UnusableError(f"{reference} has no spec.source.upload; it takes no file. Choose another import.")
    if is_finished(resource):
        raise UnusableError(_format_ended(kube, resource))
    facts: dict[str, str | int] = {"filename": file.name, "size": file.size}
    if wanted.get("sha256") and wanted["size"] == file.size:  # the hash of another size differs in any case
        facts["sha256"] = _hash(file)
    wrong = [
        f"{reference} has spec.source.upload.{name} {wanted[name]}, and {file.path} has {value}; give the file of the "
        "import."
        for name, value in facts.items()
        if wanted[name] != value
    ]
    if wrong:
        raise UnusableError(*wrong)


def _hash(file: LocalFile) -> str:
    try:
        return hash_file(file)
    except FileChangedError as changed:
        problem = str(changed).removesuffix(".")
        raise UnusableError(f"{problem}; repeat the command when the file is complete.") from None


def _format_ended(kube: Kube, resource: Raw) -> str:
    name = name_of(resource)
    if phase_of(resource) == "Completed":
        return f"vi/{name} has ended as Completed; nothing is left to send."
    command = format_command(kube, "retry", name)
    return f"vi/{name} has ended as {phase_of(resource)}; `{command}` starts it again. Then repeat this command."


def _open_session(kube: Kube, resource: Raw, session: LocalSession) -> Raw:
    """Write the hash of a new session into the annotation. The UID prevents a change of a newer resource."""
    metadata = resource["metadata"]
    change = {"metadata": {"uid": metadata["uid"], "annotations": {UPLOAD_SESSION: session.token_sha256}}}
    try:
        return with_kind(kube.patch(kube.namespace, VIDEO_KIND, metadata["name"], change), VIDEO_KIND)
    except MissingRightError:
        raise UnusableError(
            f"This machine has no open session of {reference_of(resource)}, and you may not patch videoimports in the "
            f"namespace {kube.namespace}; ask for this right, which opens another session. The "
            "role edit has it by default."
        ) from None
