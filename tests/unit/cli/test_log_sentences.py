"""A worker's log as sentences."""

import json
from typing import Any

from videoimport.cli.log_sentences import LogSentences

Raw = dict[str, Any]
METADATA = {"format": "mov", "resolution": "640x360", "durationMs": 65_000, "videoCodec": "h264", "audioCodec": "aac"}


def stage(name: str, state: str, **more: Any) -> Raw:
    return {"name": name, "state": state, **more}


def progress(*stages: Raw, **more: Any) -> str:
    return json.dumps({"schemaVersion": 1, "kind": "Progress", "run": 1, "stages": stages, **more})


def event(name: str, **fields: Any) -> str:
    return json.dumps({"event": name, "level": "info", "timestamp": "2026-05-01T10:00:00Z", **fields})


def translate(*lines: str) -> list[str]:
    log = LogSentences()
    return [sentence for line in lines for sentence in log.translate(line)]


class TestProgress:
    def test_a_stage_has_a_sentence_for_each_state(self) -> None:
        assert translate(
            progress(stage("Transcode", "Waiting")),
            progress(stage("Transcode", "Running", mode="Encode", why="the codec is vp9")),
            progress(stage("Transcode", "Done", bytesDone=2_000_000, seconds=65)),
            progress(stage("Transcode", "Failed")),
        ) == [
            "Transcode began, mode Encode: the codec is vp9.",
            "Transcode is done, 2.0 MB, in 1:05 min.",
            "Transcode failed.",
        ]

    def test_the_progress_of_a_stage_has_a_sentence_for_each_ten_percent(self) -> None:
        percents = (0, 5, 12, 18, 15, 31)
        lines = [progress(stage("Download", "Running", percent=percent)) for percent in percents]
        assert translate(*lines) == ["Download began.", "Download: 12 %.", "Download: 31 %."]

    def test_the_source_is_described_once(self) -> None:
        line = progress(stage("Download", "Waiting"), metadata=METADATA)
        assert translate(line, line) == ["The source is mov, 640x360, 1:05 min, h264 and aac."]

    def test_a_snapshot_of_another_version_has_no_sentence(self) -> None:
        assert translate(json.dumps({"kind": "Progress", "stages": "?"})) == []


class TestEvents:
    def test_a_known_event_has_its_sentence(self) -> None:
        assert translate(event("staged", why="the source has no length.")) == [
            "The stages run one after another: the source has no length."
        ]

    def test_an_event_without_the_fields_of_its_sentence_is_shown_with_those_that_it_has(self) -> None:
        assert translate(event("destination_retry", error="no answer")) == ["Destination retry (error: no answer)"]

    def test_an_unknown_event_is_shown_with_its_fields(self) -> None:
        assert translate(event("clock_moved", by=3), event("clock_moved")) == ["Clock moved (by: 3)", "Clock moved"]

    def test_a_warning_is_named_so(self) -> None:
        assert translate(event("mended", level="warning", why="no index")) == [
            "warning: The worker repaired the source: no index."
        ]

    def test_the_end_names_the_outcome_or_the_reason(self) -> None:
        failed = event("ended", outcome="Failed", reason="SourceNotFound", message="The server answered 404.")
        assert translate(event("ended"), failed) == [
            "The run ended: Succeeded.",
            "The run ended: SourceNotFound. The server answered 404.",
        ]


class TestOtherLines:
    def test_a_line_that_is_no_object_is_its_own_sentence(self) -> None:
        assert translate("Killed", "[1]", "", "  ") == ["Killed", "[1]"]

    def test_no_text_of_a_server_controls_the_terminal(self) -> None:
        lines = ("\x1b[2J", event("yt-dlp", says="\x1b]0;title\x07"), event("x", field="one\ntwo"))
        assert all(sentence.isprintable() for sentence in translate(*lines))
        assert len(translate(*lines)) == len(lines)

    def test_a_timed_line_begins_with_the_time_of_day(self) -> None:
        timed = f"2026-05-01T10:11:12.345Z {event('ended')}"
        assert LogSentences().translate_timed(timed) == ["10:11:12  The run ended: Succeeded."]
