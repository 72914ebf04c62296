import json

import pytest

from support.every_case import every_case
from videoimport.controller.client import errors
from videoimport.controller.client.api_client import refusal
from videoimport.controller.client.resources import KINDS


def status(reason: str, message: str = "words", **details: object) -> bytes:
    return json.dumps({"kind": "Status", "reason": reason, "message": message, "details": details}).encode()


@every_case(
    ("code", "content", "wanted"),
    [
        (404, status("NotFound"), errors.NotFound),
        (409, status("Conflict"), errors.Conflict),
        (409, status("AlreadyExists"), errors.AlreadyExists),
        (410, status("Expired"), errors.Gone),
        (403, status("Forbidden"), errors.Rejected),
        (422, status("Invalid"), errors.Rejected),
        (400, status("BadRequest"), errors.Rejected),
        (429, status("TooManyRequests"), errors.TooManyRequests),
        (500, status("InternalError"), errors.Unavailable),
        (503, b"<html>a load balancer's page</html>", errors.Unavailable),
        (401, status("Unauthorized"), errors.Unavailable),
        (409, b"[]", errors.Conflict),
        (403, status("Forbidden", causes=[{"reason": "NamespaceTerminating"}]), errors.Terminating),
        (403, status("Forbidden", causes=[{"reason": "FieldValueInvalid"}]), errors.Rejected),
        (403, status("Forbidden", causes=None), errors.Rejected),
        (404, status("NotFound", kind="namespaces", name="films"), errors.Terminating),
        (404, status("NotFound", kind="pods", name="talk"), errors.NotFound),
    ],
)
def test_an_answer_becomes_our_error(code: int, content: bytes, wanted: type[errors.ClusterError]) -> None:
    assert type(refusal("GET /x", code, {}, content)) is wanted


def test_the_servers_sentence_is_kept() -> None:
    assert (
        str(refusal("POST /jobs", 403, {}, status("Forbidden", "exceeded quota"))) == "POST /jobs: 403 exceeded quota"
    )


@pytest.mark.parametrize(
    ("headers", "content", "wanted"),
    [
        ({"Retry-After": "7"}, status("TooManyRequests"), 7),
        ({}, status("TooManyRequests", retryAfterSeconds=3), 3),
        ({}, b"", 1),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, b"", 1),
        ({"Retry-After": "-5"}, b"", 0),
    ],
)
def test_how_long_to_wait_is_what_the_server_says(headers: dict[str, str], content: bytes, wanted: float) -> None:
    pause = refusal("GET /x", 429, headers, content)
    assert isinstance(pause, errors.TooManyRequests)
    assert pause.retry_after == wanted


def test_paths_are_those_of_the_api_server() -> None:
    assert KINDS["Pod"].path("ns", "p", "log") == "/api/v1/namespaces/ns/pods/p/log"
    assert KINDS["Job"].path(None) == "/apis/batch/v1/jobs"
    status = "/apis/videoimport.io/v1alpha1/namespaces/ns/videoimports/v/status"
    assert KINDS["VideoImport"].path("ns", "v", "status") == status


def test_owners_are_listed_before_what_they_own() -> None:
    order = list(KINDS)
    assert order.index("BulkImport") < order.index("VideoImport") < order.index("Job") < order.index("Pod")
    assert order.index("VideoImport") < order.index("ConfigMap")
