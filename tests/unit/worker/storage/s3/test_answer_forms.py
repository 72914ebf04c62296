"""What stores tell of an object in their own forms, and what of it is proof."""

import base64
import hashlib

import pytest

from support.every_case import every_case
from videoimport.worker.storage.base import Facts, Ticket
from videoimport.worker.storage.s3 import answer_forms as forms

CONTENT = b"the bytes"
WHOLE = base64.b64encode(hashlib.sha256(CONTENT).digest()).decode()
COMPOSITE = base64.b64encode(hashlib.sha256(hashlib.sha256(CONTENT).digest()).digest()).decode()
MD5 = hashlib.md5(CONTENT).hexdigest()
JOINED = hashlib.md5(hashlib.md5(CONTENT).digest()).hexdigest() + "-1"
TICKET = Ticket(
    key="k", upload="u", size_bytes=9, sha256=hashlib.sha256(CONTENT).hexdigest(), checksum=f"{COMPOSITE}-1",
    etags=(JOINED, MD5), seal="s",
)  # fmt: skip
OTHER = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    ("told", "bare", "condition"),
    [
        ('"abc-2"', "abc-2", '"abc-2"'),
        ("abc", "abc", '"abc"'),
        ('W/"abc"', "abc", '"abc"'),
        (' "abc" ', "abc", '"abc"'),
        ('""', None, ""),
        ("", None, ""),
        (None, None, ""),
    ],
)
def test_an_etag_in_any_form_is_the_same(told: str | None, bare: str | None, condition: str) -> None:
    assert forms.etag(told) == bare
    assert forms.version(told) == condition


@pytest.mark.parametrize("name", ["Videoimport-Uid", "VIDEOIMPORT-UID", "videoimport_uid", "videoimport-uid"])
def test_names_of_metadata_are_compared_in_lower_case(name: str) -> None:
    assert forms.metadata({name: " one "}) == {"videoimport-uid": "one"}


@every_case(
    ("checksum", "etag", "expected"),
    [
        (f"{COMPOSITE}-1", None, "SHA256"),
        (COMPOSITE, None, "SHA256"),
        (WHOLE, None, "SHA256"),
        (f"{OTHER}-1", None, None),
        ("nonsense", MD5, "MD5"),
        (f"{OTHER}-1", JOINED, "MD5"),
        (None, MD5, "MD5"),
        (None, JOINED, "MD5"),
        (None, "opaque", None),
        (None, None, None),
        ("", "", None),
        ("é-1", None, None),
    ],
)
def test_a_form_proves_or_says_nothing(checksum: str | None, etag: str | None, expected: str | None) -> None:
    assert forms.shown(Facts(9, checksum, {}, etag), TICKET) == expected


def test_nothing_is_shown_where_nothing_is_known() -> None:
    bare = TICKET.model_copy(update={"checksum": None, "etags": ()})
    assert forms.shown(Facts(9, None, {}, None), bare) is None
    assert forms.shown(Facts(9, f"{COMPOSITE}-1", {}, MD5), bare) is None


def test_what_head_tells() -> None:
    told = {"ContentLength": 9, "ETag": 'W/"e"', "Metadata": {"Videoimport-Uid": "one"}, "ChecksumSHA256": "c"}
    assert forms.facts(told) == Facts(9, "c", {"videoimport-uid": "one"}, "e")
    assert forms.facts({"ContentLength": 0}) == Facts(0, None, {}, None)
