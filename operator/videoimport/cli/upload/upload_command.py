"""`upload`: imports files of this machine."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from videoimport.cli.completion import complete_resources
from videoimport.cli.errors import INTERRUPTED, UnusableError
from videoimport.cli.options import Context, Folder, Kubeconfig, Namespace
from videoimport.cli.progress_display import say
from videoimport.cli.resource_facts import is_finished, name_of, reference_of, status_of

if TYPE_CHECKING:
    from videoimport.cli.kube_client import Kube
    from videoimport.cli.upload.file_upload import FileUpload, UploadOutcome
    from videoimport.cli.upload.local_file import LocalFile
    from videoimport.cli.upload.session_token import SessionStore
    from videoimport.cli.upload.upload_manifest import UploadOptions
    from videoimport.cli.upload.upload_run import PlannedUpload, UploadRun


def upload_files(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE", help="Files, folders with videos, or patterns such as 'talks/*.mp4'."),
    ],
    folder: Folder = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="The name of the import. Default: a name from the file.")
    ] = None,
    metadata: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="Metadata of the videos: text, a number, true or false. Repeatable."),
    ] = None,
    template: Annotated[
        Path | None,
        typer.Option(
            "--filename", "-f", metavar="TEMPLATE", dir_okay=False, help="A YAML file: a VideoImport without a source."
        ),
    ] = None,
    like: Annotated[
        str | None,
        typer.Option(metavar="vi/NAME", help="Use the spec of this import.", autocompletion=complete_resources),
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Continue the upload of this import, or send the file for which it waits.",
            autocompletion=complete_resources,
        ),
    ] = None,
    wait: Annotated[
        bool | None,
        typer.Option(
            "--wait/--no-wait",
            help="Follow the imports to their end. Default: --wait for one file.",
            show_default=False,
        ),
    ] = None,
    parallel: Annotated[
        int, typer.Option(min=1, max=32, metavar="NUMBER", help="The maximum number of files at the same time.")
    ] = 3,
    namespace: Namespace = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Import files of this machine, one VideoImport for each file. The bytes go through the API server.

    The rest of the spec comes from -f, from --like, or from the ConfigMap `videoimport-defaults` of the namespace.

    Exit codes:

    * 0 – every file was sent; with --wait, every video is in the destination
    * 1 – at least one was not sent, failed or was cancelled
    * 2 – nothing was started
    * 64 to 113 – the import of the only file failed; each reason has its own code
    * 130 – Ctrl-C; `upload --resume` continues

    Example: `kubectl videoimport upload talk.mp4 --folder root/my-folder`
    """
    from videoimport.cli.kube_client import Kube
    from videoimport.cli.upload.local_file import find_files
    from videoimport.cli.upload.session_token import SessionStore
    from videoimport.cli.upload.upload_display import UploadDisplay
    from videoimport.cli.upload.upload_manifest import UploadOptions, parse_metadata
    from videoimport.cli.upload.upload_run import UploadRun, compute_exit_code

    found = find_files(files)
    options = UploadOptions(name, folder, parse_metadata(metadata or ()))
    kube, store = Kube(kubeconfig, context, namespace), SessionStore()
    if resume is None:
        planned = _plan_new(kube, found, options, template, like)
    else:
        _check_resume(found, options, template, like)
        planned = [_plan_resumed(kube, store, resume, found[0])]
    until_end = len(found) == 1 if wait is None else wait
    console = Console()
    with UploadDisplay(console) as display:
        run = UploadRun(kube, store, display, until_end=until_end)
        outcomes = _run(kube, run, planned, parallel, console)
    _print_outcomes(outcomes, console)
    raise typer.Exit(compute_exit_code(outcomes))


def _plan_new(
    kube: "Kube", files: "Sequence[LocalFile]", options: "UploadOptions", template: Path | None, like: str | None
) -> "list[PlannedUpload]":
    """Return the checked plans for new imports. Raises UnusableError."""
    from videoimport.cli.upload.spec_template import read_template
    from videoimport.cli.upload.upload_manifest import build_upload_manifest
    from videoimport.cli.upload.upload_run import PlannedUpload, check_manifests, check_rights

    if options.name is not None and len(files) > 1:
        raise UnusableError(f"--name {options.name} is for one file, not {len(files)}; leave it out.")
    check_rights(kube, creates=True)
    shared = read_template(kube, template, like)
    planned = [PlannedUpload(file, build_upload_manifest(shared, file, options)) for file in files]
    check_manifests(kube, planned)
    return planned


def _check_resume(
    files: "Sequence[LocalFile]", options: "UploadOptions", template: Path | None, like: str | None
) -> None:
    if len(files) != 1:
        raise UnusableError(f"--resume continues one file, not {len(files)}; run the command once for each import.")
    given = (("--name", options.name), ("--folder", options.folder), ("--metadata", options.metadata))
    if named := [option for option, value in (*given, ("-f", template), ("--like", like)) if value]:
        raise UnusableError(f"--resume takes no {', '.join(named)}; the import has its spec already.")


def _plan_resumed(kube: "Kube", store: "SessionStore", name: str, file: "LocalFile") -> "PlannedUpload":
    from videoimport.cli.upload.resumed_upload import resume_upload
    from videoimport.cli.upload.upload_run import PlannedUpload, check_rights

    check_rights(kube, creates=False)
    return PlannedUpload(file, *resume_upload(kube, store, name, file))


def _run(
    kube: "Kube", run: "UploadRun", planned: "Sequence[PlannedUpload]", parallel: int, console: Console
) -> "list[UploadOutcome]":
    try:
        return run.run(planned, parallel)
    except KeyboardInterrupt:
        for upload in run.begun:
            if not is_finished(upload.resource):
                say(console, f"{reference_of(upload.resource)}: {_format_next(kube, upload)}")
        raise typer.Exit(INTERRUPTED) from None


def _format_next(kube: "Kube", upload: "FileUpload") -> str:
    """Return the sentence about the command that goes on after an interruption."""
    from videoimport.cli.upload.suggested_command import format_command, format_resume

    name = name_of(upload.resource)
    if upload.is_sent:
        return f"the file was sent; `{format_command(kube, 'watch', f'vi/{name}')}` follows the import"
    return f"`{format_resume(kube, name, upload.file)}` continues"


def _print_outcomes(outcomes: "Sequence[UploadOutcome]", console: Console) -> None:
    """Print the final state of the imports as `watch` does, and the reason and advice of each failure."""
    from videoimport.cli.resource_display import choose_display
    from videoimport.cli.upload.upload_run import has_failed

    with choose_display(console) as display:
        display.show((), [outcome.resource for outcome in outcomes if outcome.resource is not None])
    errors = Console(stderr=True)
    for outcome in outcomes:
        if outcome.problem:
            reference = f"{reference_of(outcome.resource)}: " if outcome.resource is not None else ""
            say(errors, f"error: {reference}{outcome.problem}")
        elif outcome.resource is not None and has_failed(outcome):
            status = status_of(outcome.resource)
            say(console, f"{reference_of(outcome.resource)}: {status.get('reason', '')}: {status.get('message', '')}")
