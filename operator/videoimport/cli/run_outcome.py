"""The output at the end of a `run`: the written files and the failures, or the final resources as JSON or YAML."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from videoimport.api.bulkimport import BulkImport
from videoimport.api.bulkimport_status import BulkPhase
from videoimport.api.labels import BULK, BULK_KIND
from videoimport.api.reasons import Reason
from videoimport.api.videoimport import VideoImport
from videoimport.api.videoimport_status import VideoImportStatus, VideoPhase
from videoimport.cli import run_result_text as words
from videoimport.cli.destination.access_options import DestinationAccess
from videoimport.cli.embedded.private_folder import write_files
from videoimport.cli.errors import UnusableError
from videoimport.cli.local_results import Home, openable
from videoimport.cli.options import OutputFormat
from videoimport.cli.progress_display import printable, say
from videoimport.cli.resource_output import as_list, dump
from videoimport.cli.results.account import Account, counted
from videoimport.cli.results.text_formats import headline, rendered
from videoimport.controller.client.resources import Raw

ReadSecret = Callable[[str, str], Mapping[str, bytes]]
"""Function that returns the data of a Secret of a namespace."""
FAILED = 1
"""Exit code if a video was not imported, and there are several resources or a BulkImport."""


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """The final resources of a run."""

    resources: Sequence[Raw]
    config_maps: Sequence[Raw]
    """The ConfigMaps with the results of BulkImports."""
    home: Home
    last_lines: Sequence[str] = ()
    """The end of the worker's log, for a failure with the reason Internal."""

    def compute_exit_code(self) -> int:
        """Return the exit code. For one VideoImport, it is the exit code of the reason. Otherwise it is 0 or
        ``FAILED``."""
        if len(self.resources) == 1 and self.resources[0]["kind"] != BULK_KIND:
            return words.exit_code(VideoImport.parse(self.resources[0]).status)
        return 0 if all(_has_succeeded(raw) for raw in self.resources) else FAILED

    def print_resources(self, output: OutputFormat) -> None:
        """Print the resources to standard output. Several resources become a List."""
        shown = [_show(raw, self.home) for raw in self.resources]
        sys.stdout.write(dump(shown[0] if len(shown) == 1 else as_list(shown), output))

    def render_page(self, videos: Sequence[Raw], read_secret: ReadSecret, folder: Path) -> str:
        """Return the page of the only resource, a BulkImport. The keys of its Secret are written to ``folder``, a
        private folder."""
        from videoimport.cli.results.html_with_thumbnails import render_account  # brings the clients of the stores

        account = counted(self.resources[0], self.config_maps)
        name = account.bulk.metadata.name
        shown = [_show(raw, self.home) for raw in videos if raw["metadata"].get("labels", {}).get(BULK) == name]
        access = self._find_access(account, read_secret, folder)
        try:
            return render_account(account, shown, access, links_files=True)
        except UnusableError:  # the imports had the same problem and told it; the page has no thumbnails then
            return render_account(account, shown, DestinationAccess(), links_files=True)

    def _find_access(self, account: Account, read_secret: ReadSecret, folder: Path) -> DestinationAccess:
        meta, destination = account.bulk.metadata, account.bulk.spec.template.destination
        if destination.persistent_volume_claim is not None:
            claim = destination.persistent_volume_claim.claim_name
            return DestinationAccess(claims={claim: self.home.find_folder(claim)})
        if destination.credentials_secret_ref is None:
            return DestinationAccess()
        keys = read_secret(meta.namespace, destination.credentials_secret_ref.name)
        return DestinationAccess(write_files(folder / "page-keys", keys))

    def print_results(self, errors: Console, *, failures_only: bool) -> None:
        """Print the written files to standard output, and failures to the error stream."""
        for raw in self.resources:
            if raw["kind"] == BULK_KIND:
                self._print_bulk(raw, errors, failures_only=failures_only)
            else:
                self._print_video(VideoImport.parse(raw), errors, failures_only=failures_only)

    def _print_bulk(self, raw: Raw, errors: Console, *, failures_only: bool) -> None:
        account = counted(raw, self.config_maps)
        say(errors, headline(account))
        if not failures_only:
            sys.stdout.write(rendered(_with_paths(account, self.home), "table"))
        listing = account.bulk.status.discovery
        reasons = [listing.reason if listing else None, *(result.reason for result in account.results)]
        for hint in words.find_hints([*reasons, *(item.reason for item in account.rejected)]):
            say(errors, hint)

    def _print_video(self, video: VideoImport, errors: Console, *, failures_only: bool) -> None:
        name, status = video.metadata.name, video.status
        if status.phase is not VideoPhase.COMPLETED:
            for line in words.failed(name, status):
                say(errors, line)
        elif not failures_only:
            for line in words.succeeded(name, status, self.home, Path.cwd()):
                sys.stdout.write(f"{printable(line)}\n")
        if status.reason is Reason.INTERNAL:
            for line in self.last_lines:
                say(errors, f"  {line}", style="dim")


def _has_succeeded(raw: Raw) -> bool:
    if raw["kind"] != BULK_KIND:
        return VideoImport.parse(raw).status.phase is VideoPhase.COMPLETED
    status = BulkImport.parse(raw).status
    return status.phase is BulkPhase.COMPLETED and not status.failed and not status.rejected_count


def _show(raw: Raw, home: Home) -> Raw:
    """Return a resource for users, with addresses that open on this machine, and without the fields of the object
    store."""
    metadata = {name: value for name, value in raw["metadata"].items() if name not in ("resourceVersion", "finalizers")}
    if raw["kind"] == BULK_KIND:
        return {**raw, "metadata": metadata}
    status = openable(VideoImportStatus.model_validate(raw.get("status", {})), home)
    return {**raw, "metadata": metadata, "status": status.wire()}


def _with_paths(account: Account, home: Home) -> Account:
    """Return the account with local paths in place of addresses in a volume."""

    def localize(uri: str | None) -> str | None:
        path = home.path(uri) if uri else None
        return words.shorten(path, Path.cwd()) if path else uri

    results = tuple(result.model_copy(update={"uri": localize(result.uri)}) for result in account.results)
    return replace(account, results=results)
