"""The problems of a destination, in terms of the options of the command line."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from videoimport.api.rules.validation import BrokenRuleError


def describe_problems(refusal: ValidationError, options: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each broken rule.

    ``options`` maps the path of a field, such as ``s3.endpoint``, to the option that sets the field and its value. The
    first path that is a part of the broken field's path is used. A field without an option is named by its own path.
    """
    for detail in refusal.errors(include_url=False):
        where = ".".join(map(str, detail["loc"]))
        for field, message in explain_problem(dict(detail)):
            path = f"{where}{field}"
            option = next((option for part, option in options.items() if f".{part}." in f".{path}."), path)
            yield f"{option}: {message}"


def explain_problem(detail: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return each broken rule of an error of pydantic: the path below the field, and the problem with the solution."""
    context = detail.get("ctx", {})
    if isinstance(broken := context.get("error"), BrokenRuleError):
        return [(field, message) for field, message in broken.broken]
    if detail["type"] == "string_too_short":
        return [("", f"it has fewer than {context['min_length']} characters; write the whole value.")]
    if detail["type"] == "string_too_long":
        return [("", f"it has more than {context['max_length']} characters; shorten it.")]
    return [("", f"{detail['msg']}; correct the value.")]
