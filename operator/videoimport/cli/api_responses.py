"""Errors from the responses of the API server: the message of the API server and the solution."""

import json
from typing import Any

from videoimport.api.labels import GROUP, VERSION
from videoimport.cli.errors import ExistsError, MissingRightError, NotFoundError, UnreachableError, UnusableError

Raw = dict[str, Any]
_WAYS_OUT = {
    401: "renew the login of the kubeconfig's user",
    403: 'ask for the ClusterRole "view" in that namespace, or "edit" if the command changes something',
    404: "correct the name, or choose the namespace with --namespace",
}
_TRANSIENT = (429, 500, 502, 503, 504)
_EXISTS = "choose another name, or use the object of that name"
_LATER = "try again, or check the cluster's API server"


def explain_refusal(status: int, answer: Raw) -> UnusableError:
    """Return the error for a response that is no success, with the message of the API server and the solution."""
    kind = UnusableError
    if status == 403:
        kind = MissingRightError
    elif status in _TRANSIENT:
        kind = UnreachableError
    elif answer.get("reason") == "AlreadyExists":
        kind = ExistsError
    elif _is_missing_object(status, answer):
        kind = NotFoundError
    return kind(format_refusal(status, answer))


def _is_missing_object(status: int, answer: Raw) -> bool:
    """Return whether the kind is known and only the object is missing."""
    return status == 404 and bool((answer.get("details") or {}).get("name"))


def parse_object(content: bytes) -> Raw:
    """Return a JSON object, or an empty dictionary if the content is not a JSON object."""
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def format_refusal(status: int, answer: Raw) -> str:
    """Return the message of the API server and the solution."""
    way_out = _EXISTS if answer.get("reason") == "AlreadyExists" else _WAYS_OUT.get(status, _LATER)
    if message := str(answer.get("message") or ""):
        return f"The cluster answers: {message.rstrip('.')}; {way_out}."
    if status == 404:
        return f"The cluster does not know {GROUP}/{VERSION}; install videoimport there, or choose another cluster."
    return f"The cluster answered {status} without a message; {way_out}."
