"""The options that all commands share. A command declares a parameter of one of these types, with a default."""

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
        help="The namespace, if not the context's own.",
        autocompletion=complete_namespaces,
    ),
]
AllNamespaces = Annotated[bool, typer.Option("--all-namespaces", "-A", metavar="", help="All namespaces.")]
Context = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="The kubeconfig's context, if not its current one.", autocompletion=complete_contexts
    ),
]
Kubeconfig = Annotated[
    Path | None, typer.Option(metavar="FILE", dir_okay=False, help="The kubeconfig, if it is not kubectl's usual one.")
]
Output = Annotated[
    OutputFormat, typer.Option("--output", "-o", metavar="table|json|yaml", help="The format of the output.")
]
ResourceName = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="A VideoImport, or a BulkImport as bi/NAME.", autocompletion=complete_resources
    ),
]
ResourceNames = Annotated[
    list[str],
    typer.Argument(metavar="NAME", help="VideoImports, and BulkImports as bi/NAME.", autocompletion=complete_resources),
]
