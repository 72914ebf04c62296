"""The `run` command: one import on this machine, from the YAML file to the outcome."""

import contextlib
import json
import os
import platform
import shutil
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TextIO

import yaml
from pydantic import ValidationError
from rich.console import Console

from videoimport.api.reasons import Reason
from videoimport.api.tasks.import_report import Progress
from videoimport.api.videoimport import VideoImport
from videoimport.api.videoimport_status import VideoImportStatus, VideoPhase
from videoimport.cli import run_result_text as words
from videoimport.cli import running
from videoimport.cli.errors import UnusableError
from videoimport.cli.local_paths import Choices, Places, places, redirected
from videoimport.cli.local_results import Home, openable
from videoimport.cli.manifests import manifest
from videoimport.cli.progress_display import display, printable, say
from videoimport.cli.simulated_status import SimulatedCluster, resource, task_of

Format = Literal["json", "yaml"]
STANDARD_INPUT = "-"
_IMPORTS_HERE = uuid.UUID("8f1d3c1e-6f0b-5b51-9a55-6a3d0b1a7c11")
_MOST_LETTERS = 4 * 2**20
"""Maximum number of characters of a YAML file. A cluster accepts 3 MiB in one request."""
_PROGRAMS = ("ffmpeg", "ffprobe")
_LAST_LINES = 15


@dataclass(frozen=True, slots=True)
class Wish:
    """The options of the command."""

    manifest: str
    """A path, or - for standard input."""
    choices: Choices
    output: Format | None = None
    verbose: bool = False


@dataclass(frozen=True, slots=True)
class LocalSetting:
    """Values that are determined before any process starts."""

    video: VideoImport
    places: Places
    home: Home | None
    """Folder of the results, or None if the results do not go to a folder of this machine."""


def perform(wish: Wish) -> int:
    """Run the import and return the exit code. Raises UnusableError before any process starts, or running.Stopped."""
    setting = prepared(wish)
    errors = Console(stderr=True)
    with _made(setting.places.destination_volume), running.room() as room:
        argv = room.furnish(task_of(setting.video, wish.choices.networks), setting.places)
        status = _watched(setting.video, argv, room, errors, verbose=wish.verbose)
        log = room.log.read_text(errors="replace").splitlines()
    _tell(setting, openable(status, setting.home), wish.output, errors)
    if status.reason is Reason.INTERNAL:
        for line in log[-_LAST_LINES:]:
            say(errors, f"  {line}", style="dim")
    return words.exit_code(status)


def prepared(wish: Wish) -> LocalSetting:
    """Run all checks that need no process. Raises UnusableError."""
    check_machine(sys.platform, {program: shutil.which(program) for program in _PROGRAMS})
    text, called = _read(wish.manifest)
    found = manifest.read(text, called, datetime.now(UTC))
    video = redirected(_named(found.video, wish), wish.choices.into)
    where = places(video, wish.choices, homeless=found.homeless)
    volume = video.spec.destination.persistent_volume_claim
    home = Home(volume.claim_name, where.destination_volume) if volume and where.destination_volume else None
    return LocalSetting(video, where, home)


def check_machine(system: str, programs: Mapping[str, str | None]) -> None:
    """Raise UnusableError if this machine lacks a requirement. The message states the solution."""
    if system != "linux":
        raise UnusableError("This needs Linux, whose kernel guards the fetching process; run it in a container or VM.")
    if missing := [program for program, path in programs.items() if path is None]:
        raise UnusableError(
            f"{' and '.join(missing)} cannot be found on PATH; install ffmpeg, which brings both, such as by "
            "`apt-get install ffmpeg` or `dnf install ffmpeg`."
        )


def _read(path: str) -> tuple[str, str]:
    """Return the text of the YAML file and its name in messages. Raises UnusableError, also above ``_MOST_LETTERS``."""
    try:
        if path == STANDARD_INPUT:
            return _bounded(sys.stdin, "standard input"), "standard input"
        with Path(path).open() as file:
            return _bounded(file, path), path
    except UnicodeDecodeError:
        raise UnusableError(f"{path} is no text; give a manifest in YAML or JSON.") from None
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise UnusableError(f"{path} cannot be read: {why}; correct --filename, or let this user read it.") from None


def _bounded(file: TextIO, called: str) -> str:
    text = file.read(_MOST_LETTERS + 1)
    if len(text) > _MOST_LETTERS:
        raise UnusableError(f"{called} has more than {_MOST_LETTERS} letters; give a manifest of one VideoImport.")
    return text


def _named(video: VideoImport, wish: Wish) -> VideoImport:
    """Return the import with a UID that is always the same for this YAML file on this machine.

    A second run is thus the same import and finds its own results. The second run may replace the results if the YAML
    file has changed.
    """
    meta = video.metadata
    where = wish.choices.beside / (wish.manifest if wish.manifest == STANDARD_INPUT else Path(wish.manifest).name)
    uid = uuid.uuid5(_IMPORTS_HERE, f"{platform.node()}:{where}:{meta.namespace}/{meta.name}")
    return video.model_copy(update={"metadata": meta.model_copy(update={"uid": str(uid)})})


@contextlib.contextmanager
def _made(folder: Path | None) -> Iterator[None]:
    """Create the folder, and remove an empty folder at the end."""
    if folder is None or folder.is_dir():
        yield
        return
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise UnusableError(f"The folder {folder} cannot be made: {why}; choose another one by --into.") from None
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # the folder has results
            folder.rmdir()


def _watched(
    video: VideoImport, argv: Sequence[str], room: running.Room, errors: Console, *, verbose: bool
) -> VideoImportStatus:
    cluster = SimulatedCluster(video, datetime.now(UTC))
    last: Progress | None = None
    with display(video.metadata.name, errors) as shown:

        def heard(line: str) -> None:
            nonlocal last
            try:
                last = Progress.model_validate_json(line)
            except ValidationError:
                return  # the controller ignores other lines too
            status = cluster.told(last, datetime.now(UTC))
            if not verbose:
                shown.show(status)

        end = running.run(argv, room, heard, verbose=verbose)
    return cluster.ended(end, last, datetime.now(UTC))


def _tell(setting: LocalSetting, status: VideoImportStatus, output: Format | None, errors: Console) -> None:
    """Print the resource to standard output if requested, otherwise the results. Failures go to the error stream."""
    name = setting.video.metadata.name
    if output is not None:
        sys.stdout.write(_rendered(resource(setting.video, status), output))
    if status.phase is not VideoPhase.COMPLETED:
        for line in words.failed(name, status):
            say(errors, line)
    elif output is None:
        for line in words.succeeded(name, status, setting.home, Path.cwd()):
            sys.stdout.write(f"{printable(line)}\n")


def _rendered(manifest_: dict[str, Any], output: Format) -> str:
    if output == "json":
        return json.dumps(manifest_, indent=2, ensure_ascii=False) + "\n"
    return yaml.safe_dump(manifest_, sort_keys=False, allow_unicode=True)
