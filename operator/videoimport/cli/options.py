"""The options that all commands share. A command uses these types for its parameters, and adds a default."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from videoimport.cli.completion import complete_contexts, complete_namespaces, complete_resources


class OutputFormat(StrEnum):
    """The output format of a command."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


Namespace = Annotated[
    str | None,
    typer.Option(
        "--namespace",
        "-n",
        metavar="NAME",
        help="The namespace. Default: the namespace of the context.",
        autocompletion=complete_namespaces,
    ),
]
AllNamespaces = Annotated[bool, typer.Option("--all-namespaces", "-A", metavar="", help="Use all namespaces.")]
Context = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="The context of the kubeconfig. Default: its current context.",
        autocompletion=complete_contexts,
    ),
]
Kubeconfig = Annotated[
    Path | None,
    typer.Option(metavar="FILE", dir_okay=False, help="The kubeconfig file. Default: the file that kubectl uses."),
]
_OUTPUT = typer.Option("--output", "-o", metavar="table|json|yaml", help="The format of the output.")
Output = Annotated[OutputFormat, _OUTPUT]
OptionalOutput = Annotated[OutputFormat | None, _OUTPUT]
"""For a command whose default depends on its other options."""
Folder = Annotated[
    str | None, typer.Option(metavar="PATH", help="A folder in the destination, such as root/my-folder.")
]
ResourceName = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="The name of a VideoImport; write bi/NAME for a BulkImport.",
        autocompletion=complete_resources,
    ),
]
ResourceNames = Annotated[
    list[str],
    typer.Argument(
        metavar="NAME", help="Names of VideoImports; write bi/NAME for a BulkImport.", autocompletion=complete_resources
    ),
]
