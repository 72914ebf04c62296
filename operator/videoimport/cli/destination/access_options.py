"""The options of commands that use a destination from this machine."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

KeysFolder = Annotated[
    Path | None,
    typer.Option(
        "--keys",
        metavar="DIR",
        file_okay=False,
        help="A folder with a file for each key of the destination's Secret, such as AWS_ACCESS_KEY_ID.",
    ),
]
ClaimFolders = Annotated[
    list[str] | None,
    typer.Option("--claim", metavar="NAME=DIR", help="The folder that replaces the volume of claim NAME. Repeatable."),
]
StoreEndpoint = Annotated[
    str | None, typer.Option("--endpoint", metavar="URL", help="The address of the object store. Default: AWS S3.")
]


@dataclass(frozen=True, slots=True)
class DestinationAccess:
    """Local folders that replace the Secret and the volumes that a pod mounts."""

    keys: Path | None = None
    """Folder with a file for each key of the destination's Secret. None means requests without a signature."""
    claims: Mapping[str, Path] = field(default_factory=dict)
    """The local folder of each claim, by the name of the claim."""
