"""Runs the uploads of one command, several at the same time."""

import shlex
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from videoimport.api.labels import GROUP, VIDEO_KIND
from videoimport.cli.cluster.resource_reference import with_kind
from videoimport.cli.cluster.user_rights import Right, find_missing_rights
from videoimport.cli.errors import ExistsError, UnreachableError, UnusableError
from videoimport.cli.kube_client import Kube
from videoimport.cli.resource_facts import exit_code_of, is_finished, is_successful, reference_of
from videoimport.cli.upload.file_upload import FileUpload, UploadOutcome
from videoimport.cli.upload.local_file import LocalFile
from videoimport.cli.upload.session_token import LocalSession, SessionStore, draw_session
from videoimport.cli.upload.suggested_command import format_resume
from videoimport.cli.upload.upload_display import UploadDisplay
from videoimport.cli.upload.upload_manifest import add_session

Raw = dict[str, Any]
ROLE = "videoimport-uploader"
"""Name of the role for uploads. The name begins with another word if the Helm release has another name."""
_ROLE_SELECTOR = "videoimport.io/role=uploader"
_SEND = (
    Right(GROUP, "videoimports", "", ("get",)),
    Right("", "pods", "", ("list",)),
    Right("", "pods", "portforward", ("get", "create")),
)
_CREATE = (Right(GROUP, "videoimports", "", ("create",)),)
_FAILED = 1
_GRACE_SECONDS = 0.5
"""Maximum number of seconds in which the threads of an interrupted command end in order."""


@dataclass(frozen=True, slots=True)
class PlannedUpload:
    """A file, and the import that takes it: a manifest, or a resource with an open session."""

    file: LocalFile
    manifest: Raw
    session: LocalSession | None = None
    """The open session of an import that exists. None means that the import must be created."""


_Turn = tuple[PlannedUpload, Future[UploadOutcome]]


def check_rights(kube: Kube, *, creates: bool) -> None:
    """Raise UnusableError with the rights for an upload that the user lacks."""
    missing = list(find_missing_rights(kube, (*(_CREATE if creates else ()), *_SEND)))
    if missing:
        command = shlex.join(("kubectl", "get", "clusterroles", *kube.options, "--selector", _ROLE_SELECTOR))
        raise UnusableError(
            f"In the namespace {kube.namespace} you may not {', '.join(missing)}; ask for the ClusterRole {ROLE} in "
            f"that namespace. If its name differs, `{command}` shows it. If the cluster has none, ask for these rights."
        )


def check_manifests(kube: Kube, planned: Sequence[PlannedUpload]) -> None:
    """Let the API server check every new import. Nothing is created. Raises UnusableError with every problem."""
    problems = list(_find_equal_names(planned))
    for plan in planned:
        try:
            kube.create(kube.namespace, VIDEO_KIND, plan.manifest, dry_run=True)
        except UnusableError as error:
            problems += _explain(kube, plan, error).problems
    if problems:
        raise UnusableError(*problems)


def _find_equal_names(planned: Sequence[PlannedUpload]) -> Iterator[str]:
    """Yield a sentence about each file whose import would have the name of another file's import."""
    first: dict[str, LocalFile] = {}
    for plan in planned:
        name = plan.manifest["metadata"]["name"]
        other = first.setdefault(name, plan.file)
        if other is not plan.file:
            yield (
                f"{plan.file.path} and {other.path} have the same name, size and time of change, so both would be "
                f"vi/{name}; leave one of them out, or upload it by another command with --name."
            )


class UploadRun:
    """The uploads of one command."""

    def __init__(self, kube: Kube, store: SessionStore, display: UploadDisplay, *, until_end: bool) -> None:
        self._kube, self._store, self._display = kube, store, display
        self._until_end = until_end
        self._stop = threading.Event()
        self.begun: list[FileUpload] = []
        """Uploads whose import was created or continued."""

    def run(self, planned: Sequence[PlannedUpload], parallel: int) -> list[UploadOutcome]:
        """Upload the files, at most ``parallel`` at the same time. After KeyboardInterrupt, all uploads stop.

        The threads are daemons. So a thread that waits for the network does not keep an interrupted process alive.
        """
        turns = SimpleQueue[_Turn]()
        futures = [Future[UploadOutcome]() for _ in planned]
        for turn in zip(planned, futures, strict=True):
            turns.put(turn)
        threads = [Thread(target=self._take_turns, args=(turns,), daemon=True) for _ in planned[:parallel]]
        try:
            for thread in threads:
                thread.start()
            return [future.result() for future in futures]
        except BaseException:
            self._stop.set()
            end = time.monotonic() + _GRACE_SECONDS
            for thread in threads:
                thread.join(max(0.0, end - time.monotonic()))
            raise

    def _take_turns(self, turns: "SimpleQueue[_Turn]") -> None:
        with suppress(Empty):
            while not self._stop.is_set():
                plan, future = turns.get_nowait()
                try:
                    future.set_result(self._upload(plan))
                except BaseException as error:  # noqa: BLE001 — the main thread raises it
                    future.set_exception(error)

    def _upload(self, plan: PlannedUpload) -> UploadOutcome:
        """Upload one file. The import is created only now, so that no pod waits for its turn."""
        try:
            resource, session = self._begin(plan)
        except UnusableError as error:
            return UploadOutcome(None, is_sent=False, problem=f"{plan.file.path}: {' '.join(error.problems)}")
        upload = FileUpload(self._kube, resource, plan.file, session, self._display.add(plan.file), self._stop)
        self.begun.append(upload)
        outcome = upload.run(until_end=self._until_end)
        if outcome.resource is not None and is_finished(outcome.resource):
            metadata = resource["metadata"]
            self._store.forget_import(self._kube.host, self._kube.namespace, metadata["name"], metadata["uid"])
        return outcome

    def _begin(self, plan: PlannedUpload) -> tuple[Raw, LocalSession]:
        """Return the import and its session. The session is kept before the import exists, so that no session is
        lost."""
        if plan.session is not None:
            self._display.say(f"{reference_of(plan.manifest)}: continued")
            return plan.manifest, plan.session
        session, name = draw_session(plan.file), plan.manifest["metadata"]["name"]
        self._store.keep(self._kube.host, self._kube.namespace, name, session)
        created = self._create(plan, session)
        session = replace(session, uid=created["metadata"]["uid"])
        with suppress(UnusableError):  # the annotation of the import leads to the session without its UID too
            self._store.keep(self._kube.host, self._kube.namespace, name, session)
        self._display.say(f"{reference_of(created)}: created, id {session.uid}")
        return created, session

    def _create(self, plan: PlannedUpload, session: LocalSession) -> Raw:
        """Create the import. The session of an import that was not created is forgotten."""
        name, namespace = plan.manifest["metadata"]["name"], self._kube.namespace
        try:
            manifest = add_session(plan.manifest, session.token_sha256)
            return with_kind(self._kube.create(namespace, VIDEO_KIND, manifest), VIDEO_KIND)
        except UnreachableError as error:
            command = format_resume(self._kube, name, plan.file)
            advice = f"The creation may have succeeded; if vi/{name} exists, `{command}` continues it."
            raise UnusableError(*error.problems, advice) from None
        except UnusableError as error:
            self._store.forget(self._kube.host, namespace, name, session)
            raise _explain(self._kube, plan, error) from None


def _explain(kube: Kube, plan: PlannedUpload, error: UnusableError) -> UnusableError:
    """Return the error of a creation, with the command that continues the import if it exists."""
    if not isinstance(error, ExistsError):
        return error
    name = plan.manifest["metadata"]["name"]
    command = format_resume(kube, name, plan.file)
    return ExistsError(f"vi/{name} exists already; `{command}` continues it, and --name makes another import.")


def compute_exit_code(outcomes: Sequence[UploadOutcome]) -> int:
    """Return 0 if every file was sent and no import failed. The failed import of a single file returns the code of its
    reason. Any other failure returns 1."""
    if not any(has_failed(outcome) for outcome in outcomes):
        return 0
    only = outcomes[0].resource if len(outcomes) == 1 else None
    return (exit_code_of([only]) if only is not None and is_finished(only) else 0) or _FAILED


def has_failed(outcome: UploadOutcome) -> bool:
    """Return whether a file was not sent, or its import ended without success."""
    if outcome.problem or outcome.resource is None:
        return True
    return not is_successful(outcome.resource) if is_finished(outcome.resource) else not outcome.is_sent
