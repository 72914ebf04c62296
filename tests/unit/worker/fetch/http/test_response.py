"""What the headers of a response say."""

import pytest
from urllib3 import HTTPResponse

from videoimport.worker.fetch.http.response import HttpResponse, Validator


def answer(status: int = 200, url: str = "https://e.com/a/b%20c.mp4?x=1", **headers: str) -> HttpResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpResponse(HTTPResponse(body=b"", status=status, headers=named, preload_content=False), url)


def test_weak_etags_validate_nothing() -> None:
    assert answer(ETag='W/"a"').validator == Validator(None, None)
    assert answer(ETag='"a"', Last_Modified="yesterday").validator.if_range == '"a"'
    assert answer(Last_Modified="yesterday").validator.if_range == "yesterday"


def test_versions_differ_only_where_both_tell() -> None:
    assert Validator('"a"').differs(Validator('"b"'))
    assert not Validator('"a"').differs(Validator(None, "yesterday"))
    assert not Validator('"a"', "x").differs(Validator('"a"', "x"))


@pytest.mark.parametrize("text", ["", "bytes 0-", "bytes */100", "items 0-1/2", "bytes 5-9/ten"])
def test_a_content_range_that_makes_no_sense_is_none(text: str) -> None:
    assert answer(206, Content_Range=text).content_range is None


def test_the_length_of_a_compressed_body_is_not_believed() -> None:
    assert answer(Content_Length="10", Content_Encoding="gzip").length is None
    assert answer(Content_Length="10").length == 10


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ("", "b c.mp4"),
        ('attachment; filename="my film.mkv"', "my film.mkv"),
        ("attachment; filename=x.mp4; filename*=UTF-8''%C3%BCber.mp4", "über.mp4"),
    ],
)
def test_a_file_has_the_name_its_server_gives(disposition: str, name: str) -> None:
    assert answer(Content_Disposition=disposition).filename == name
