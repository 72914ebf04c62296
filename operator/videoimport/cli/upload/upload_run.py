"""Runs the uploads of one command, several at the same time."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from videoimport.api.labels import GROUP, VIDEO_KIND
from videoimport.cli.cluster.resource_reference import with_kind
from videoimport.cli.cluster.user_rights import Right, find_missing_rights
from videoimport.cli.errors import ExistsError, UnusableError
from videoimport.cli.kube_client import Kube
from videoimport.cli.resource_facts import exit_code_of, is_finished, is_successful, reference_of
from videoimport.cli.upload.file_upload import FileUpload, UploadOutcome
from videoimport.cli.upload.local_file import LocalFile
from videoimport.cli.upload.resumed_upload import format_command
from videoimport.cli.upload.session_token import LocalSession, SessionStore, draw_session
from videoimport.cli.upload.upload_display import UploadDisplay
from videoimport.cli.upload.upload_manifest import add_session

Raw = dict[str, Any]
ROLE = "videoimport-uploader"
_SEND = (
    Right(GROUP, "videoimports", "", ("get",)),
    Right("", "pods", "", ("list",)),
    Right("", "pods", "portforward", ("get", "create")),
)
_CREATE = (Right(GROUP, "videoimports", "", ("create",)),)
_FAILED = 1


@dataclass(frozen=True, slots=True)
class PlannedUpload:
    """A file, and the import that takes it: a manifest, or a resource with an open session."""

    file: LocalFile
    manifest: Raw
    session: LocalSession | None = None
    """The open session of an import that exists. None means that the import must be created."""


def check_rights(kube: Kube, *, creates: bool) -> None:
    """Raise UnusableError with the rights for an upload that the user lacks."""
    missing = list(find_missing_rights(kube, (*(_CREATE if creates else ()), *_SEND)))
    if missing:
        raise UnusableError(
            f"In the namespace {kube.namespace} you may not {', '.join(missing)}; ask for the ClusterRole {ROLE} in "
            "that namespace."
        )


def check_manifests(kube: Kube, planned: Sequence[PlannedUpload]) -> None:
    """Let the API server check every new import. Nothing is created. Raises UnusableError with every problem."""
    problems: list[str] = []
    for plan in planned:
        try:
            kube.create(kube.namespace, VIDEO_KIND, plan.manifest, dry_run=True)
        except ExistsError:
            name = plan.manifest["metadata"]["name"]
            command = format_command(kube.namespace, name, plan.file)
            problems.append(f"vi/{name} exists already; `{command}` continues it, and --name makes another import.")
        except UnusableError as error:
            problems += error.problems
    if problems:
        raise UnusableError(*problems)


class UploadRun:
    """The uploads of one command."""

    def __init__(self, kube: Kube, store: SessionStore, display: UploadDisplay, *, until_end: bool) -> None:
        self._kube, self._store, self._display = kube, store, display
        self._until_end = until_end
        self._stop = threading.Event()
        self.begun: list[tuple[Raw, LocalFile]] = []
        """Imports that were created or continued, each with its file."""

    def run(self, planned: Sequence[PlannedUpload], parallel: int) -> list[UploadOutcome]:
        """Upload the files, at most ``parallel`` at the same time. After KeyboardInterrupt, all uploads stop."""
        with ThreadPoolExecutor(parallel) as pool:
            futures = [pool.submit(self._upload, plan) for plan in planned]
            try:
                return [future.result() for future in futures]
            except BaseException:
                self._stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _upload(self, plan: PlannedUpload) -> UploadOutcome:
        """Upload one file. The import is created only now, so that no pod waits for its turn."""
        try:
            resource, session = self._begin(plan)
        except UnusableError as error:
            return UploadOutcome(None, is_sent=False, problem=f"{plan.file.path}: {' '.join(error.problems)}")
        self.begun.append((resource, plan.file))
        row = self._display.add(plan.file)
        upload = FileUpload(self._kube, resource, plan.file, session, row, self._stop)
        outcome = upload.run(until_end=self._until_end)
        if outcome.resource is not None and is_finished(outcome.resource):
            self._store.forget(self._kube.host, self._kube.namespace, resource["metadata"]["name"])
        return outcome

    def _begin(self, plan: PlannedUpload) -> tuple[Raw, LocalSession]:
        """Return the import and its session. The session is kept before the import exists, so that no session is
        lost."""
        if plan.session is not None:
            self._display.say(f"{reference_of(plan.manifest)}: continued")
            return plan.manifest, plan.session
        session, name = draw_session(plan.file), plan.manifest["metadata"]["name"]
        self._store.keep(self._kube.host, self._kube.namespace, name, session)
        manifest = add_session(plan.manifest, session.token_sha256)
        created = with_kind(self._kube.create(self._kube.namespace, VIDEO_KIND, manifest), VIDEO_KIND)
        session = replace(session, uid=created["metadata"]["uid"])
        self._store.keep(self._kube.host, self._kube.namespace, name, session)
        self._display.say(f"{reference_of(created)}: created, id {session.uid}")
        return created, session


def compute_exit_code(outcomes: Sequence[UploadOutcome]) -> int:
    """Return 0 if every file was sent and no import failed. The failed import of a single file returns the code of its
    reason. Any other failure returns 1."""
    if not any(has_failed(outcome) for outcome in outcomes):
        return 0
    only = outcomes[0].resource if len(outcomes) == 1 else None
    return exit_code_of([only]) if only is not None and is_finished(only) else _FAILED


def has_failed(outcome: UploadOutcome) -> bool:
    """Return whether a file was not sent, or its import ended without success."""
    if outcome.problem or outcome.resource is None:
        return True
    return not is_successful(outcome.resource) if is_finished(outcome.resource) else not outcome.is_sent
