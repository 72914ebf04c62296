"""`reasons`: the meaning of a reason, and the next step of the user."""

import difflib
import sys
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from videoimport.api.reasons import Reason, RetryClass, info, reason_of_exit_code
from videoimport.cli.errors import UnusableError
from videoimport.cli.options import Output, OutputFormat
from videoimport.cli.resource_output import dump

_NEXT = {
    RetryClass.PERMANENT: "The import fails at once.",
    RetryClass.USER: "The import fails at once, until a cause outside the spec is corrected.",
    RetryClass.RETRIED: "The import is retried, and the run counts toward maxAttempts.",
    RetryClass.UNCHARGED: "The import is retried, and the run does not count toward maxAttempts.",
    RetryClass.HOST: "The import is retried after the backoff of the host.",
    RetryClass.LATER: "The import is retried after a long delay.",
    RetryClass.WAITING: "The run has not started yet.",
    RetryClass.END: "Nothing follows.",
}
_LEAST_WIDTH = 70
"""Least number of columns of a terminal for the table of all reasons. A narrower terminal gets lines."""
_STATES = {1: "pending", 3: "processing", 5: "uploading", 6: "completed", 7: "failed"}
"""The values of ``status.upload.code`` and their words."""


def _complete_reasons(incomplete: str) -> list[str]:
    return [reason for reason in Reason if reason.casefold().startswith(incomplete.casefold())]


def explain_reasons(
    reason: Annotated[
        str | None,
        typer.Argument(
            metavar="REASON|CODE", help="A reason of a status, or its exit code.", autocompletion=_complete_reasons
        ),
    ] = None,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Explain a reason, or list all reasons.

    Example: `kubectl videoimport reasons SourceNotFound`, or `kubectl videoimport reasons 65`
    """
    if reason == "":
        raise UnusableError("REASON is empty; name a reason, or leave it out to list all reasons.")
    chosen = [find_reason(reason)] if reason else list(Reason)
    if output is not OutputFormat.TABLE:
        facts = [describe_reason(one) for one in chosen]
        sys.stdout.write(dump(facts[0] if reason else facts, output))
    elif reason or (console := Console()).width < _LEAST_WIDTH:
        sys.stdout.write("".join(f"{line}\n" for one in chosen for line in format_reason(one)))
    else:
        console.print(_draw_reasons(chosen))


def find_reason(word: str) -> Reason:
    """Return the reason of this name, in upper or lower case, or of this exit code. Raises UnusableError with the name
    of the nearest reason."""
    if word.isdecimal():
        return _find_by_code(int(word))
    by_word = {reason.casefold(): reason for reason in Reason}
    if found := by_word.get(word.casefold()):
        return found
    near = difflib.get_close_matches(word.casefold(), by_word, n=1, cutoff=0.5)
    hint = f"did you mean {by_word[near[0]]}?" if near else "`kubectl videoimport reasons` lists all."
    raise UnusableError(f"{word} is not a reason; {hint}")


def _find_by_code(code: int) -> Reason:
    """Return the reason of an exit code. Raises UnusableError, with the meaning of a number that has another one."""
    if found := reason_of_exit_code(code):
        return found
    codes = [known.exit_code for known in map(info, Reason) if known.exit_code is not None]
    state = _STATES.get(code)
    meaning = f" (as CODE of `list`, it means {state})" if state else ""
    raise UnusableError(
        f"{code} is not the exit code of a reason{meaning}; give a name, or a code from {min(codes)} to {max(codes)}."
    )


def describe_reason(reason: Reason) -> dict[str, Any]:
    """Return the properties of a reason, for JSON."""
    known = info(reason)
    facts = {
        "reason": reason.value,
        "finding": known.finding,
        "advice": known.advice,
        "retryClass": known.retry.value,
        "exitCode": known.exit_code,
    }
    return {name: value for name, value in facts.items() if value is not None}


def format_reason(reason: Reason) -> list[str]:
    """Return the finding, the next step of the controller and the advice, each on one line."""
    known = info(reason)
    code = f" (exit code {known.exit_code})" if known.exit_code is not None else ""
    return [
        f"{reason}{code}",
        f"  What happened  {known.finding}",
        f"  What follows   {_NEXT[known.retry]}",
        f"  What to do     {known.advice}",
    ]


def _draw_reasons(reasons: list[Reason]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("REASON", "WHAT HAPPENED", "WHAT TO DO"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "REASON")
    for reason in reasons:
        table.add_row(reason.value, Text(info(reason).finding), Text(info(reason).advice))
    return table
