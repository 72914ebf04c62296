"""Commands in messages. A user can run each of them as it is printed."""

import shlex

from videoimport.cli.kube_client import Kube
from videoimport.cli.upload.local_file import LocalFile

_READ_OTHERWISE = ("-", "~")
"""First characters of a path that the command would read as an option or as a home folder."""


def format_resume(kube: Kube, name: str, file: LocalFile) -> str:
    """Return the command that continues an upload, from the same folder."""
    path = str(file.path)
    return format_command(kube, "upload", "--resume", name, f"./{path}" if path.startswith(_READ_OTHERWISE) else path)


def format_command(kube: Kube, verb: str, *words: str) -> str:
    """Return a command for the same cluster and namespace. The shell reads each word as one, whatever characters it
    has."""
    place = (*kube.options, "--namespace", kube.namespace)
    return shlex.join(("kubectl", "videoimport", verb, *place, *words))
