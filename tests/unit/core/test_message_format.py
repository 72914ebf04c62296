"""Messages for people: one sentence says what was found, one what to do, and at most one what follows by itself."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.core.bulk_builders import plan as bulk_plan
from support.core.discovery_builders import begun, told
from support.core.message_sites import Site, sites
from support.core.video_builders import (
    NOW,
    edited,
    failure,
    finished,
    having,
    job,
    plan,
    pod,
    progress,
    running,
    written,
)
from support.every_case import every_case
from videoimport.api.reasons import TABLE, Reason, RetryClass, info
from videoimport.api.untrusted_text import fit
from videoimport.api.videoimport_status import VideoMetadata, VideoPhase
from videoimport.core.jobs.outcome import find_outcome_without_report
from videoimport.core.message_format import format_duration, format_message, format_time, join_sentences, split_advice
from videoimport.core.video.start_run import STARTING

SITES = sites()
MOST_WORDS = 25
_FOLLOWS = re.compile(
    r"tried again|read again|made again|sent again|goes on|continues|a new (run|one)|left alone|is retried"
)
_ASKS = re.compile(
    r"[;,:.] (or )?(add|change|check|choose|convert|correct|create|divide|export|get|give|have|let|lower|make|put|"
    r"raise|remove|restore|see|set|shorten|use|wait|write)\b",
    re.IGNORECASE,
)


def split(text: str) -> list[str]:
    return re.split(r"(?<=[.!?…])\s+", text)


def plain(sentence: str) -> str:
    return " ".join(re.findall(r"\w+", sentence.casefold()))


def assert_sound(message: str, most: int = 3) -> None:
    """Nothing said twice, nothing half said, and no more than there is to say."""
    said = [plain(sentence) for sentence in split(message)]
    assert len(said) <= most, message
    assert message[-1] in ".…", message
    for at, one in enumerate(said):
        assert not any(f" {one} " in f" {other} " for other in said[at + 1 :]), message
        assert not any(f" {other} " in f" {one} " for other in said[at + 1 :]), message


def assert_one_sentence(text: str) -> None:
    assert len(split(text)) == 1, text
    assert len(text.split()) <= MOST_WORDS, text


@every_case("reason", list(Reason))
def test_each_reason_says_what_was_found_and_what_to_do_in_a_sentence_each(reason: Reason) -> None:
    row = TABLE[reason]
    for text in (row.finding, row.advice):
        assert_one_sentence(text)
        assert text.endswith(".")
    assert not _ASKS.search(row.finding)
    assert not _FOLLOWS.search(row.advice), "what follows by itself depends on the attempts, and is no advice"
    assert plain(row.finding) not in plain(row.advice)


def test_the_source_is_read_as_it_is() -> None:
    known = [site for site in SITES if site.message]
    assert len(known) > 100
    assert sum(site.advice is not None for site in SITES) > 40


def test_each_place_says_what_was_found_in_one_sentence_and_what_to_do_apart() -> None:
    for site in SITES:
        if site.message:
            assert_finding_and_advice(site, site.message)


def assert_finding_and_advice(site: Site, message: str) -> None:
    assert_one_sentence(message)
    assert not _ASKS.search(message), site
    assert not _FOLLOWS.search(message), site
    if site.advice:
        assert_one_sentence(site.advice)
        assert site.advice[0].isupper(), site
        assert site.advice.endswith("."), site
        assert not _FOLLOWS.search(site.advice), site


def test_what_each_place_says_makes_a_sound_message() -> None:
    named = [site for site in SITES if site.message and site.reason in Reason.__members__]
    assert len(named) > 100
    for site in named:
        assert_sound(format_message(Reason[site.reason or ""], site.message or "", advice=site.advice or ""), most=2)


FROM_A_WORKER = [reason for reason in Reason if info(reason).exit_code]
TEXTS = [
    pytest.param("The found thing is 3, and the wanted one is 4.", "", id="finding"),
    pytest.param("The found thing is 3.", "Set the field to 4.", id="finding and advice"),
    pytest.param("", "", id="nothing"),
    pytest.param(None, "", id="the advice itself"),
]


@every_case("reason", FROM_A_WORKER)
@every_case(("message", "advice"), TEXTS)
@every_case("most", [1, 5])
def test_the_status_of_a_failed_run_is_sound(reason: Reason, message: str | None, advice: str, most: int) -> None:
    wish = running(maxAttempts=most)
    words = info(reason).advice if message is None else message
    found = plan(wish, **finished(wish, failure(wish, reason, words, advice=advice)))
    assert found.status is not None
    over = found.status.phase is VideoPhase.FAILED
    for text in (found.status.message or "", *(planned_event.message for planned_event in found.planned_events)):
        assert_sound(text, most=2 if over else 3)
        assert (advice or info(reason).advice) in text or text == STARTING


@every_case("reason", [reason for reason in FROM_A_WORKER if info(reason).retry is RetryClass.RETRIED])
def test_an_import_that_is_given_up_later_no_longer_promises_a_run(reason: Reason) -> None:
    wish = running(maxAttempts=5)
    wish = written(wish, **finished(wish, failure(wish, reason, "It is 3.", advice="Set it to 4.")))
    assert "Run 2 starts at" in (wish.status.message or "")
    status = plan(edited(wish, maxAttempts=1)).status
    assert status is not None
    assert_sound(status.message or "", most=2)
    assert (status.message or "").endswith("Set it to 4.")
    assert "starts at" not in (status.message or "")
    assert "given up after 1 of 1 attempts." in (status.message or "")


@every_case("reason", [reason for reason in Reason if info(reason).retry is RetryClass.WAITING])
@every_case("advice", ["", "Lower worker.resources.limits.cpu."])
def test_a_run_that_never_started_tells_what_held_it_up_and_only_what_to_do_about_that(
    reason: Reason, advice: str
) -> None:
    held_up = format_message(reason, "The cluster refuses", advice=advice)
    wish = having(running(), reason=reason, message=held_up)
    status = plan(wish, jobs=(job(wish, finished="Failed", failure_reason="DeadlineExceeded"),)).status
    assert status is not None
    assert_sound(status.message or "", most=2)
    assert (status.message or "").endswith(advice or info(reason).advice)


@every_case("reason", FROM_A_WORKER)
def test_an_exit_code_alone_says_what_was_found(reason: Reason) -> None:
    """As when the disk is full, and the report has no room."""
    of = job(running(), finished="Failed", exit_code=info(reason).exit_code)
    end = find_outcome_without_report(of, (pod(of, exit_code=info(reason).exit_code),))
    assert end.reason is reason
    assert info(reason).finding.rstrip(".") in end.message
    assert_sound(format_message(reason, end.message, advice=end.advice), most=2)


ENDS_A_LISTING = [reason for reason in FROM_A_WORKER if info(reason).retry is not RetryClass.END]


@every_case("reason", ENDS_A_LISTING)
@every_case("advice", ["", "Set the field to 4."])
@every_case("most", [1, 5])
def test_a_bulk_says_of_its_listing_what_was_found_and_what_to_do(reason: Reason, advice: str, most: int) -> None:
    """With the counts before it, and at most one sentence about the next attempt."""
    wish, of = begun(template={"destination": {"s3": {"bucket": "media"}}, "maxAttempts": most})
    found = bulk_plan(wish, **told(of, reason=reason, message="The list is 3.", advice=advice))
    assert found.status is not None
    assert found.status.discovery is not None
    if message := found.status.discovery.message:
        assert_sound(message, most=3 if found.status.discovery.attempts.next_retry_time else 2)
        kept = found.status.discovery.reason or reason
        assert (advice if advice and kept is reason else info(kept).advice) in message
    assert_sound(found.status.message or "", most=5)
    for planned_event in found.planned_events:
        assert_sound(planned_event.message, most=5)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (
            '0/1 nodes are available: persistentvolumeclaim "x" not found. not found.',
            '0/1 nodes are available: persistentvolumeclaim "x" not found. Ask.',
        ),
        ("HTTP 503. HTTP 503.", "HTTP 503. Ask."),
        ("Ask", "Ask."),
        ("ask! The disk is full.", "The disk is full. Ask."),
        ("Full", "Full. Ask."),
    ],
)
def test_what_others_say_twice_is_shown_once(words: str, shown: str) -> None:
    assert join_sentences(words, "Ask.") == shown


@given(
    st.lists(st.sampled_from(["It is full.", "Full.", "Raise it.", "raise it", "Line 2 of 3.", "2 of 3."]), max_size=8)
)
def test_no_message_says_anything_twice(parts: list[str]) -> None:
    message = join_sentences(*parts)
    if message:
        assert_sound(message, most=8)
        assert join_sentences(message) == message


@given(st.text(alphabet="ab .!?…", max_size=40))
def test_a_message_falls_into_what_was_found_and_its_advice(words: str) -> None:
    message = format_message(Reason.UNSCHEDULABLE, words)
    found, advice = split_advice(message)
    assert advice == info(Reason.UNSCHEDULABLE).advice
    assert found


def test_sentences_end_like_sentences():
    assert join_sentences("HTTP 503", "It is tried again.") == "HTTP 503. It is tried again."
    assert join_sentences("", "  ", "Alone") == "Alone."
    assert join_sentences() == ""


@given(st.text(max_size=3000), st.sampled_from(list(Reason)))
def test_any_words_with_advice_fit_and_keep_the_advice(words, reason):
    found = format_message(reason, words)
    assert len(found) <= 1024
    assert found.endswith(info(reason).advice)


@given(st.lists(st.text(max_size=2000), max_size=4))
def test_any_sentences_fit(parts):
    assert len(join_sentences(*parts)) <= 1024


def test_urls_in_anybodys_words_lose_their_secrets():
    words = 'denied "HTTPS://u:p@s.example/a?X-Amz-Signature=5ecret&part=1", see https://t.example/?token=5ecret.'
    told = join_sentences("Refused", words, "Ask.")
    assert told == 'Refused. denied "https://s.example/a?part=1", see https://t.example/. Ask.'
    assert join_sentences(told) == told


def test_what_is_cut_shows_it():
    assert fit("abcdef", 4) == "abc…"
    assert fit("abcd", 4) == "abcd"


def test_clock_is_rfc_3339():
    assert format_time(NOW) == "2026-05-04T12:00:00Z"


@pytest.mark.parametrize(
    ("milliseconds", "words"),
    [
        (0, "0:00"),
        (7_400, "0:07"),
        (59_600, "1:00"),
        (754_000, "12:34"),
        (3_723_000, "1:02:03"),
        (360_000_000, "100:00:00"),
    ],
)
def test_duration_is_shown_as_players_show_it(milliseconds, words):
    assert format_duration(milliseconds) == words


def test_status_has_the_duration_for_people_beside_the_exact_one():
    wish = running()
    status = plan(wish, jobs=(job(wish),), progress=progress(10, metadata=VideoMetadata(duration_ms=90_000))).status
    assert status is not None
    assert status.metadata == VideoMetadata(duration="1:30", duration_ms=90_000)
