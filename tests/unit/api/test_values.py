"""Quantities, moments, identities and URLs fit to be shown."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from videoimport.api.conditions import Condition
from videoimport.api.identity import item_identity, source_hash8, video_id
from videoimport.api.output import Output, VideoOutput
from videoimport.api.quantity import bytes_of
from videoimport.api.redaction import shown_url
from videoimport.api.requirements import Requirements
from videoimport.api.videoimport_status import Stage, StageName
from videoimport.crdgen.structural_schema import structural


@pytest.mark.parametrize(
    ("quantity", "number"),
    [("0", 0), ("5", 5), ("1k", 1000), ("1Ki", 1024), ("50Gi", 50 * 2**30), ("1.5Mi", 1572864), ("0.3", 1)],
)
def test_a_quantity_names_a_number_of_bytes(quantity: str, number: int) -> None:
    assert bytes_of(quantity) == number


@pytest.mark.parametrize("quantity", ["", "Gi", "5 Gi", "-5", "1e3", "12Q", "5gi", "٣Gi"])
def test_anything_else_is_refused_by_name(quantity: str) -> None:
    with pytest.raises(ValueError, match="no quantity of bytes"):
        bytes_of(quantity)


def test_a_quantity_may_be_written_as_an_integer() -> None:
    assert Requirements.model_validate({"maxSize": 1048576}).max_size == "1048576"


def test_written_requirements_mean_the_documented_defaults() -> None:
    assert Requirements().wire() == {
        "damage": "Refuse",
        "minHeight": 360,
        "maxHeight": 1080,
        "maxDurationSeconds": 21600,
        "formats": ["mp4", "mkv", "mov", "webm"],
    }


def test_moments_are_whole_seconds_in_utc() -> None:
    moment = datetime(2026, 5, 1, 12, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=2)))
    condition = Condition(type="Ready", status="True", reason="Succeeded", last_transition_time=moment)
    assert condition.wire()["lastTransitionTime"] == "2026-05-01T10:00:00Z"
    assert Condition.model_validate(condition.wire()).last_transition_time == datetime(2026, 5, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("claimed", "shown"), [(0, 0), (5, 5), (2**53 - 1, 2**53 - 1), (2**63, 2**53 - 1), (10**30, 2**53 - 1)]
)
def test_a_count_stops_at_what_can_be_stored(claimed: int, shown: int) -> None:
    assert Stage(name=StageName.DOWNLOAD, state="Running", bytes_total=claimed).wire()["bytesTotal"] == shown


def test_a_count_is_an_unsigned_number_on_the_wire() -> None:
    schema = structural(Stage)["properties"]["bytesTotal"]
    assert {key: schema[key] for key in ("type", "format", "minimum")} == {
        "type": "integer", "format": "int64", "minimum": 0,
    }  # fmt: skip
    with pytest.raises(ValidationError, match=r"bytes_total|bytesTotal"):
        Stage(name=StageName.DOWNLOAD, state="Running", bytes_total=-1)


def test_a_conditions_reason_is_one_word() -> None:
    with pytest.raises(ValidationError, match="reason"):
        Condition(type="Ready", status="True", reason="two words", last_transition_time=datetime.now(UTC))


def test_another_output_wish_is_another_video() -> None:
    small = Output(video=VideoOutput(max_height=360))
    ids = {
        video_id("ab" * 32, Output(), None),
        video_id("ab" * 32, small, None),
        video_id("ab" * 32, Output(), "spring"),
    }
    assert len(ids) == 3
    assert video_id("ab" * 32, Output(), None) == video_id("ab" * 32, Output(), "")


def test_a_lossless_wish_is_refused() -> None:
    """Lossless is no High profile."""
    assert VideoOutput(crf=1).crf == 1
    with pytest.raises(ValidationError, match="crf"):
        VideoOutput(crf=0)


@given(st.text())
def test_identities_have_their_length_whatever_the_url(url: str) -> None:
    assert len(item_identity(url)) == 10
    assert len(source_hash8(url)) == 8


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:secret@host.example/a.mp4", "https://host.example/a.mp4"),
        ("https://host.example/a?id=7&X-Amz-Signature=abc&X-Amz-Credential=k", "https://host.example/a?id=7"),
        ("https://host.example/a?v=%C3%A4&t=1", "https://host.example/a?v=%C3%A4&t=1"),
        ("https://host.example/a?token=abc#part", "https://host.example/a"),
        ("https://host.example/a?to%6ben=abc&b=1,2;3&empty&t=", "https://host.example/a?b=1,2;3&empty&t="),
        ("https://host.example/a?md5=abc&first=1&passage=2&st=x", "https://host.example/a?first=1&passage=2"),
        ("http://[::1/broken", "(unreadable URL)"),
        ("user:pa55word@host.example/a.mp4?sig=abc&t=1", "host.example/a.mp4?t=1"),
        ("https:/user:pa55word@host.example/a", "host.example/a"),
        ("https:///user:pa55word@host.example/a", "host.example/a"),
        ("https:user:pa55word@host.example/a", "host.example/a"),
        ("1https://user:pa55word@host.example/a", "host.example/a"),
        ("https://user:pa55/word@host.example/a", "host.example/a"),
        ("https://user:pa55?word@host.example/a", "host.example/a"),
        ("https://user:pa55#word@host.example/a", "host.example/a"),
        ("https://user:/word@host.example/a", "host.example/a"),
        (
            "https://web.example/2020/http://user:pa55word@host.example/a",
            "https://web.example/2020/http://host.example/a",
        ),
        (
            "https://web.example/2020/http:/user:pa55word@host.example/a",
            "https://web.example/2020/http:/host.example/a",
        ),
        ("ftp://user:pa55word@host.example/a", "ftp://host.example/a"),
        ("//user:pa55word@host.example/a", "//host.example/a"),
        ("https://host.example/@user/a@2.mp4", "https://host.example/@user/a@2.mp4"),
        ("host.example/a.mp4", "host.example/a.mp4"),
    ],
)
def test_a_shown_url_keeps_the_way_and_loses_the_secrets(url: str, shown: str) -> None:
    assert shown_url(url) == shown


@pytest.mark.parametrize(
    "name",
    [
        "md5",
        "hash",
        "x-hmac",
        "jwt",
        "sessionid",
        "PWD",
        "pass",
        "st",
        "oh",
        "AccessKey",
        "verify",
        "h%61sh",
        "?hash",
        "amp;md5",
    ],
)
def test_names_of_secrets_are_known(name: str) -> None:
    assert shown_url(f"https://host.example/a?v=1&{name}=5ecret&w=2") == "https://host.example/a?v=1&w=2"


@given(st.text(alphabet="/?&=,;:%+[]@# aé\t\n1", max_size=200))
def test_a_shown_url_is_never_longer(rest: str) -> None:
    url = f"https://host.example/{rest}"
    assert len(shown_url(url)) <= len(url)


@given(st.text())
def test_showing_a_url_never_fails_and_never_shows_user_info(secret: str) -> None:
    assert isinstance(shown_url(secret), str)
    for mistyped in ("https://", "https:/", "https:", "ftp://", "//", ""):
        assert "pa55word" not in shown_url(f"{mistyped}me:pa55word@{secret}")
