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
from videoimport.cli.upload.upload_step import is_session_open, may_have_bytes

Raw = dict[str, Any]


def resume_upload(kube: Kube, store: SessionStore, name: str, file: LocalFile) -> tuple[Raw, LocalSession]:
    """Return the import and its open session. Raises UnusableError if the import has ended, if it wants another file,
    or if a right is missing."""
    resource = find_resource(kube, name)
    check_file(kube, resource, file)
    for session in _find_sessions(kube, store, resource):
        if is_session_open(resource, session.token_sha256):
            return resource, _continue_session(kube, store, resource, session, file)
    session = replace(draw_session(file), uid=resource["metadata"]["uid"])
    store.keep(kube.host, kube.namespace, resource["metadata"]["name"], session)
    try:
        return _open_session(kube, resource, session), session
    except UnreachableError:  # the API server may have changed the annotation
        raise
    except UnusableError:
        store.forget(kube.host, kube.namespace, resource["metadata"]["name"], session)
        raise


def _continue_session(
    kube: Kube, store: SessionStore, resource: Raw, session: LocalSession, file: LocalFile
) -> LocalSession:
    """Return the open session with the facts of the file that it sends from now on. Raises UnusableError if the file
    changed and no hash would show a mixture with the bytes that a worker may have."""
    if session.belongs_to(file):
        return session
    if may_have_bytes(resource, session.token_sha256) and not _find_expected_hashes(resource):
        raise UnusableError(
            f"{file.path} changed since its upload began; restore the file with its time of change, or upload the "
            "changed file as another import with --name."
        )
    session = replace(session, size=file.size, modified_ns=file.modified_ns)
    store.keep(kube.host, kube.namespace, resource["metadata"]["name"], session)
    return session


def _find_expected_hashes(resource: Raw) -> dict[str, str]:
    """Return the fields of spec.source that have the SHA-256 of the whole file, each with the hexadecimal digits."""
    source = resource["spec"]["source"]
    fields = {"upload.sha256": source["upload"].get("sha256"), "checksum": source.get("checksum")}
    return {field: value.removeprefix("sha256:") for field, value in fields.items() if value}


def _find_sessions(kube: Kube, store: SessionStore, resource: Raw) -> list[LocalSession]:
    """Return the sessions of this import, and not those of an earlier import of the same name. A command that was
    killed while it created the import did not note the UID."""
    metadata = resource["metadata"]
    opened = (metadata.get("annotations") or {}).get(UPLOAD_SESSION)
    found = store.find(kube.host, kube.namespace, metadata["name"])
    return [one for one in found if one.uid == metadata["uid"] or (not one.uid and one.token_sha256 == opened)]


def check_file(kube: Kube, resource: Raw, file: LocalFile) -> None:
    """Raise UnusableError unless the import waits for this file: by its name, its size and, if the spec has a hash,
    its SHA-256."""
    reference = reference_of(resource)
    wanted = ((resource["spec"] or {}).get("source") or {}).get("upload")
    if wanted is None:
        raise UnusableError(f"{reference} has no spec.source.upload; it takes no file. Choose another import.")
    if is_finished(resource):
        raise UnusableError(_format_ended(kube, resource))
    facts: dict[str, tuple[object, object]] = {
        "upload.filename": (wanted["filename"], file.name),
        "upload.size": (wanted["size"], file.size),
    }
    hashes = _find_expected_hashes(resource)
    if hashes and wanted["size"] == file.size:  # the hash of another size differs in any case
        found = _hash(file)
        facts |= {field: (value, found) for field, value in hashes.items()}
    wrong = [
        f"{reference} has spec.source.{field} {value}, and {file.path} has {found}; give the file of the import."
        for field, (value, found) in facts.items()
        if value != found
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
