"""Checks of this machine, for imports without a cluster. The functions ``judge_…`` are pure functions of the facts."""

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence

from rich.filesize import decimal

from videoimport.api.output_options import Output
from videoimport.cli.doctor.check import Check
from videoimport.media.source import ffmpeg_versions
from videoimport.media.source.decoders import CODECS_ARGV
from videoimport.media.transcode import command

OLDEST_PYTHON, NEWEST_PYTHON = (3, 11), (3, 13)
LEAST_SCRATCH_BYTES = 10 * 10**9
"""Free space in bytes below which a long video may not fit."""
_SECONDS = 20.0
_REGISTRY_ARGV = (sys.executable, "-m", "pip", "index", "versions", "--retries=0", "--timeout=5", "yt-dlp")
_VERSION = re.compile(r"^ *(INSTALLED|LATEST): *([\w.]+)", re.MULTILINE)
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def check_machine() -> Iterator[Check]:
    """Yield the results of all checks of this machine."""
    yield judge_python(sys.version_info[:2])
    yield judge_system(platform.system())
    for program in ffmpeg_versions.PROGRAMS:
        yield judge_program(program, _output_of(ffmpeg_versions.version_argv(program)))
    yield judge_encoders(_output_of(CODECS_ARGV))
    folder = tempfile.gettempdir()
    yield judge_scratch(folder, shutil.disk_usage(folder).free)
    yield judge_proxies(os.environ)
    yield judge_registry(_output_of(_REGISTRY_ARGV))


def judge_python(version: Sequence[int]) -> Check:
    """Check the version of Python."""
    text = ".".join(map(str, version))
    if OLDEST_PYTHON <= tuple(version) <= NEWEST_PYTHON:
        return Check("Python", "ok", f"Python {text}.")
    return Check("Python", "warning", f"Python {text} is not tested.", "Use Python 3.11 to 3.13.")


def judge_system(system: str) -> Check:
    """Check the operating system."""
    if system == "Linux":
        return Check("Linux", "ok", "The kernel can isolate the fetching process.")
    return Check("Linux", "failed", f"This is {system}.", "Use Linux, in a container or a virtual machine.")


def judge_program(program: str, output: str | None) -> Check:
    """Check the version of ffmpeg or ffprobe from the output of ``-version``. None means that the program cannot
    run."""
    if output is None:
        install = "Install the package ffmpeg, which has both, for example with `apt-get install ffmpeg`."
        return Check(program, "failed", f"{program} cannot run.", install)
    version = ffmpeg_versions.named_version(output)
    if doubt := ffmpeg_versions.doubt(program, version):
        return Check(program, "warning", doubt, "Use a release from 5.1 to 9.0.")
    return Check(program, "ok", f"{program} {version}.")


def judge_encoders(output: str | None) -> Check:
    """Check that ffmpeg has the encoders for the default output settings. ``output`` is the list that ffmpeg prints."""
    needed = command.surely_needed_encoders(Output())
    missing = sorted(needed - command.encoders_of(output or ""))
    if missing:
        solution = "Install a build of ffmpeg that has them, such as the one of the distribution."
        return Check("Encoders", "failed", f"ffmpeg has no {', '.join(missing)}.", solution)
    return Check("Encoders", "ok", f"ffmpeg has {', '.join(sorted(needed))}.")


def judge_scratch(folder: str, free: int) -> Check:
    """Check the free space of the folder for temporary files. The space is in bytes."""
    message = f"{folder} has {decimal(free)} of free space."
    if free >= LEAST_SCRATCH_BYTES:
        return Check("Scratch", "ok", message)
    return Check("Scratch", "warning", message, "Remove files, or set TMPDIR to another folder.")


def judge_proxies(environment: Mapping[str, str]) -> Check:
    """Check the proxy variables of the environment. Imports do not use these proxies. No value is shown, because a
    value may contain a password."""
    given = [name for name in _PROXIES if environment.get(name) or environment.get(name.lower())]
    if given:
        message = f"{' and '.join(given)} is set, and imports do not use it."
        return Check("Proxy", "warning", message, "Set spec.worker.proxy if sources need a proxy.")
    return Check("Proxy", "ok", "The environment names no proxy.")


def judge_registry(output: str | None) -> Check:
    """Check the version of yt-dlp against the versions that pip lists. Web sites make a version of yt-dlp obsolete
    within weeks. None means that pip got no list."""
    versions = dict(_VERSION.findall(output or ""))
    if "LATEST" not in versions:
        solution = "Set PIP_INDEX_URL to a registry that this machine reaches. Imports work without one."
        return Check("Registry", "warning", "pip cannot reach its package registry.", solution)
    latest, installed = versions["LATEST"], versions.get("INSTALLED", "none")
    if latest == installed:
        return Check("Registry", "ok", f"The package registry answers, and yt-dlp {installed} is the latest.")
    solution = "If a web page fails, use the latest release of videoimport, which has the latest yt-dlp."
    return Check("Registry", "warning", f"yt-dlp {installed} is installed, and {latest} is the latest.", solution)


def _output_of(argv: Sequence[str]) -> str | None:
    """Return the output of a program. Return None if the program cannot run or fails."""
    try:
        ended = subprocess.run(list(argv), capture_output=True, text=True, errors="replace", timeout=_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return ended.stdout if ended.returncode == 0 else None
