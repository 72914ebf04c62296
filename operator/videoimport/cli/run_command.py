"""The `run` command: runs VideoImports and BulkImports on this machine, from the YAML files to the results."""

import contextlib
import logging
import os
import shutil
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import structlog
import typer
from rich.console import Console

from videoimport.api.labels import BULK_KIND
from videoimport.cli.embedded.local_volumes import (
    Choices,
    LocalVolumes,
    MountSources,
    list_references,
)
from videoimport.cli.embedded.object_store import ObjectStore
from videoimport.cli.embedded.private_folder import open_private_folder
from videoimport.cli.embedded.roots import Roots, UidMaker
from videoimport.cli.embedded.session import Session, SessionOptions
from videoimport.cli.embedded.state_file import StateFiles
from videoimport.cli.errors import UnusableError
from videoimport.cli.local_results import Home
from videoimport.cli.manifests.admission import apply_defaults
from videoimport.cli.manifests.destinations import parse_into, redirect
from videoimport.cli.manifests.documents import Documents, read
from videoimport.cli.manifests.local_uploads import find_local_files
from videoimport.cli.manifests.manifest_files import STANDARD_INPUT
from videoimport.cli.manifests.url_manifests import build_manifests
from videoimport.cli.option_values import check_networks, parse_files, parse_folders
from videoimport.cli.options import OutputFormat
from videoimport.cli.progress_display import say
from videoimport.cli.run_display import choose_display
from videoimport.cli.run_outcome import RunOutcome
from videoimport.controller.client.resources import Raw

STATE_FOLDER = ".videoimport-state"
_PROGRAMS = ("ffmpeg", "ffprobe")
_SIGNALLED = 128
_LAST_LINES = 15
_NO_DRY_RUN = (
    "--dry-run does not exist here; to see the resource of addresses, use `create --dry-run`, and to only list the "
    "items of a BulkImport, set spec.dryRun: true in its YAML file."
)

Urls = Annotated[list[str] | None, typer.Argument(metavar="URL", help="Addresses of videos, instead of YAML files.")]
Filenames = Annotated[
    list[str] | None,
    typer.Option(
        "--filename",
        "-f",
        metavar="FILE|DIR",
        help="A YAML or JSON file, or a folder of such files; - reads standard input. Repeatable.",
    ),
]
Into = Annotated[
    str | None,
    typer.Option(metavar="DIR|s3://…", help="A folder or bucket for the results, in place of spec.destination."),
]
Playlist = Annotated[bool, typer.Option("--playlist", metavar="", help="Import each video of the playlist at the URL.")]
Output = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="json|yaml|html",
        help="Print the final resources with their status, or a page with the thumbnails of one BulkImport.",
    ),
]
Secrets = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=DIR", help="The folder with the data of Secret NAME: one file for each key. Repeatable."
    ),
]
Claims = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=DIR",
        help="The folder that replaces the volume of claim NAME. Default: NAME beside the YAML file.",
    ),
]
Uploads = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=FILE", help="The file for source.upload of the VideoImport NAME; else beside it."),
]
ConfigMaps = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=DIR", help="The folder with the data of ConfigMap NAME: one file for each key. Repeatable."
    ),
]
Networks = Annotated[
    list[str] | None,
    typer.Option(metavar="CIDR", help="Allow sources in this network. Default: only public networks. Repeatable."),
]
State = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        file_okay=False,
        help=f"The folder for the state of BulkImports. Default: {STATE_FOLDER} beside the YAML file.",
    ),
]
Parallelism = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=256,
        metavar="NUMBER",
        help="The maximum number of imports at the same time. Default: the number of cores.",
    ),
]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", metavar="", help="Show the logs of the workers instead of the progress.")
]


DryRun = Annotated[bool, typer.Option("--dry-run", hidden=True)]
"""An option of other commands that users expect here, too."""


class RunFormat(StrEnum):
    """The format of the final output."""

    JSON = "json"
    YAML = "yaml"
    HTML = "html"


@dataclass(frozen=True, slots=True)
class RunSetting:
    """The inputs of a run, determined before any process starts."""

    resources: Sequence[Raw]
    sources: MountSources
    networks: tuple[str, ...]
    state: Path
    parallelism: int
    verbose: bool


def run_imports(
    urls: Urls = None,
    filename: Filenames = None,
    into: Into = None,
    playlist: Playlist = False,
    output: Output = None,
    secret: Secrets = None,
    claim: Claims = None,
    config_map: ConfigMaps = None,
    upload: Uploads = None,
    allow_network: Networks = None,
    state: State = None,
    parallelism: Parallelism = None,
    verbose: Verbose = False,
    dry_run: DryRun = False,
) -> None:
    """Run imports on this machine, without a cluster.

    The controller's decisions and the worker are the same as in a cluster. If a YAML file has no destination, the
    results go to a folder beside the YAML file. After an interruption, run the same command again to continue.

    Examples:

        kubectl videoimport run https://media.example.com/talks/1.mp4

        kubectl videoimport run -f bulkimport.yaml --into ./videos

    Exit codes:

    * 0 – everything is imported
    * 1 – of several imports, something was not imported
    * 2 – nothing was started; the message names what is missing
    * 64 to 113 – the only import failed; each reason has its own code
    * 130 – the run was interrupted, and left no unfinished files
    """
    if dry_run:
        raise UnusableError(_NO_DRY_RUN)
    form = parse_format(output)
    check_machine(sys.platform, {program: shutil.which(program) for program in _PROGRAMS})
    folder = Path(into).expanduser().resolve() if into is not None and parse_into(into) is None else None
    documents = None if urls and not filename else read_manifests(filename or (), urls or (), playlist=playlist)
    resources = list_resources(documents, into) if documents else build_resources(urls or (), into, playlist=playlist)
    local = find_local_files(resources, parse_files("--upload", upload or ()), documents.folders if documents else {})
    choices = Choices(
        beside=find_base_folder(filename or ()),
        into=folder,
        secrets=parse_folders("--secret", secret or ()),
        claims={**local.claims, **parse_folders("--claim", claim or ())},
        config_maps=parse_folders("--config-map", config_map or ()),
    )
    setting = RunSetting(
        resources=local.resources,
        sources=MountSources(choices, documents.secrets, documents.config_maps) if documents else MountSources(choices),
        networks=check_networks(allow_network or ()),
        state=(state or choices.beside / STATE_FOLDER).expanduser().resolve(),
        parallelism=parallelism or len(os.sched_getaffinity(0)),
        verbose=verbose,
    )
    raise typer.Exit(perform(setting, form))


def perform(setting: RunSetting, output: RunFormat | None) -> int:
    """Run the imports and return the exit code. Raises UnusableError before any process starts."""
    if output is RunFormat.HTML:
        check_page(setting.resources)
    if missing := [line for raw in setting.resources for line in setting.sources.find_missing(raw)]:
        raise UnusableError(*dict.fromkeys(missing))
    configure_logs(verbose=setting.verbose)
    errors, states = Console(stderr=True), StateFiles()
    objects = ObjectStore(UidMaker(setting.sources.choices.beside).make, lambda: datetime.now(UTC), states)
    with contextlib.closing(states), make_folders(setting), open_private_folder() as folder:
        roots = Roots(objects, states, setting.state)
        roots.add_all(setting.resources)
        keys = tuple(roots.keys)
        with choose_display(keys, errors, verbose=setting.verbose) as display:
            options = SessionOptions(setting.parallelism, setting.networks, folder, setting.verbose)
            session = Session(objects, LocalVolumes(setting.sources, objects), options, keys, display.show)
            session.run()
        outcome = RunOutcome(
            [objects.get(*key) for key in keys],
            objects.list("ConfigMap"),
            Home(setting.sources.claim),
            session.read_last_lines(_LAST_LINES),
        )
        if output is RunFormat.HTML and session.stopped_by is None:
            sys.stdout.write(outcome.render_page(objects.list("VideoImport"), setting.sources.secret, folder))
    if states.problem is not None:
        say(errors, f"{setting.state} cannot be written ({states.problem}), so a further run repeats some of the work.")
    if session.stopped_by is not None:
        say(errors, describe_stop(session.stopped_by, was_killed=session.was_killed))
        return compute_signal_code(session.stopped_by)
    if output in (RunFormat.JSON, RunFormat.YAML):
        outcome.print_resources(OutputFormat(output.value))
    outcome.print_results(errors, failures_only=output is not None)
    return outcome.compute_exit_code()


def describe_stop(number: int, *, was_killed: bool) -> str:
    """Return the sentences about a run that a signal stopped."""
    effect = "The workers removed their unfinished files."
    if was_killed:
        effect = "A second signal killed the workers, so an unfinished upload may be left in the destination."
    return f"Stopped by {signal.Signals(number).name}. {effect} Run the same command again to continue."


def compute_signal_code(number: int) -> int:
    """Return the exit code after a signal, as a shell reports it."""
    return _SIGNALLED + number


def parse_format(output: str | None) -> RunFormat | None:
    """Return the output format. Raises UnusableError for an unknown format."""
    if output is None or output in list(RunFormat):
        return RunFormat(output) if output else None
    raise UnusableError(f"--output {output}: write json, yaml or html; --into names a folder for the results.")


def check_page(resources: Sequence[Raw]) -> None:
    """Raise UnusableError unless there is exactly one resource, a BulkImport. The page shows one BulkImport."""
    if [raw["kind"] for raw in resources] != [BULK_KIND]:
        names = ", ".join(f"{raw['kind']} {raw['metadata']['name']}" for raw in resources[:3])
        more = f" and {len(resources) - 3} more" if len(resources) > 3 else ""
        raise UnusableError(
            f"-o html prints the page of one BulkImport, but the command has {names}{more}; run one BulkImport."
        )


def read_manifests(filenames: Sequence[str], urls: Sequence[str], *, playlist: bool) -> Documents:
    """Return the manifests of ``-f``. Raises UnusableError, also if the options contradict each other."""
    if not filenames or urls:
        raise UnusableError(
            "Give either addresses or manifests, for example: "
            "run https://media.example.com/1.mp4, or run -f course.yaml."
        )
    if playlist:
        raise UnusableError("--playlist needs a URL; in a YAML file, use source.playlist instead.")
    return read(filenames)


def list_resources(documents: Documents, into: str | None) -> list[Raw]:
    """Return the resources of manifests. Raises UnusableError if there is nothing to run."""
    resources = [*documents.bulks, *documents.videos]
    idle = [describe_idle(raw) for raw in resources]
    if all(idle):
        raise UnusableError(*filter(None, idle))
    return [redirect(raw, into) for raw in resources]


def describe_idle(raw: Raw) -> str | None:
    """Return a sentence if the resource needs no run, for example because it is suspended."""
    for field in ("suspend", "cancel"):
        if raw["spec"].get(field):
            return f"{raw['metadata']['name']}: spec.{field} is true, so there is nothing to run; leave it out."
    return None


def build_resources(urls: Sequence[str], into: str | None, *, playlist: bool) -> list[Raw]:
    """Return the resources for addresses. Raises UnusableError."""
    made = (apply_defaults(raw["kind"], raw) for raw in build_manifests(urls, into, playlist=playlist))
    return [raw | {"metadata": {"namespace": "default"} | raw["metadata"]} for raw in made]


def find_base_folder(filenames: Sequence[str]) -> Path:
    """Return the folder in which results without a destination are stored."""
    first = next((name for name in filenames if name != STANDARD_INPUT), None)
    if first is None:
        return Path.cwd()
    path = Path(first).resolve()
    return path if path.is_dir() else path.parent


def check_machine(system: str, programs: Mapping[str, str | None]) -> None:
    """Raise UnusableError if this machine lacks a requirement. The message states the solution."""
    if system != "linux":
        raise UnusableError(
            "This command needs Linux, because its kernel isolates the fetching process; use a Linux container or VM."
        )
    if missing := [program for program, path in programs.items() if path is None]:
        raise UnusableError(
            f"{' and '.join(missing)} cannot be found on PATH; install the package ffmpeg, which has both, "
            "for example with `apt-get install ffmpeg` or `dnf install ffmpeg`."
        )


def configure_logs(*, verbose: bool) -> None:
    """Send the controller's log to the error stream: all messages if ``verbose`` is true, otherwise only errors of the
    controller."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO if verbose else logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


@contextlib.contextmanager
def make_folders(setting: RunSetting) -> Iterator[None]:
    """Create the folders of the destinations. At the end, remove the folders that are empty. Raises UnusableError."""
    references = [ref for raw in setting.resources for ref in list_references(raw["spec"])]
    names = {ref.name for ref in references if ref.kind == "PersistentVolumeClaim" and not ref.is_read}
    missing = [folder for folder in map(setting.sources.claim, sorted(names)) if not folder.is_dir()]
    for folder in missing:
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            why = os.strerror(error.errno or 0)
            raise UnusableError(
                f"The folder {folder} cannot be created: {why}; choose another folder with --into."
            ) from None
    try:
        yield
    finally:
        for folder in missing:
            with contextlib.suppress(OSError):  # the folder has results
                folder.rmdir()
