"""Conversion of a worker's log to sentences. The log has JSON lines of two kinds: snapshots of the progress, and
events.

Every sentence is printable, because a log contains text of untrusted servers.
"""

import json
from typing import Any

from pydantic import ValidationError
from rich.filesize import decimal

from videoimport.api.tasks.import_report import Progress
from videoimport.api.videoimport_status import Stage
from videoimport.cli.progress_display import printable, spoken

_STEP = 10
"""Step in percent between two sentences about the progress of a stage."""
_SENTENCES = {
    "already imported": "Run {run} imported the video already.",
    "destination_object_changed": "Another writer changed {key}.",
    "destination_resend": "The destination reported other bytes for {key}: {error}. The worker sends the file again.",
    "destination_retry": "The destination did not answer: {error}. The worker tries again in {retry_in_seconds} s.",
    "listed": "Page {number} of the list has {lines} lines.",
    "mended": "The worker repaired the source: {why}.",
    "read_back_breaks_off": "Reading {key} back ended at byte {byte} after {tries} tries.",
    "staged": "The stages run one after another: {why}.",
    "store": "The store has SHA-256 checksums: {sha256}, and conditional writes: {conditional_writes}.",
    "the destination has it": "The destination has this video already: {uri}",
    "transcoding": "The worker transcodes, mode {mode}: {why}.",
    "unexpected": "The worker met an unexpected error: {error}.",
    "yt-dlp": "yt-dlp: {says}",
    "yt-dlp failed": "yt-dlp: {says}",
}
"""Sentences for events by name. Every other event is shown with its fields."""
_FRAME = frozenset({"event", "level", "timestamp"})
_TIME_OF_DAY = slice(11, 19)
"""Position of HH:MM:SS in a time in RFC 3339."""
Event = dict[str, Any]


class LogSentences:
    """Translates the lines of one run in their order. A progress snapshot becomes a sentence only if it differs from
    the last snapshot."""

    def __init__(self) -> None:
        self._stages: dict[str, tuple[str, int]] = {}
        self._knows_source = False

    def translate_timed(self, line: str) -> list[str]:
        """Return the sentences of a line that begins with its time in RFC 3339, each after the time of day in UTC."""
        time, _, rest = line.partition(" ")
        clock = time[_TIME_OF_DAY]
        return [f"{clock}  {sentence}" for sentence in self.translate(rest)]

    def translate(self, line: str) -> list[str]:
        """Return the sentences of a line, without line breaks. A line that is not a JSON object is returned
        unchanged."""
        try:
            found = json.loads(line)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            return [printable(line)] if line.strip() else []
        if found.get("kind") == "Progress":
            return [printable(sentence) for sentence in self._describe_progress(found)]
        return [printable(_describe_event(found))]

    def _describe_progress(self, found: Event) -> list[str]:
        try:
            progress = Progress.model_validate(found)
        except ValidationError:
            return []
        sentences = [] if self._knows_source else _describe_source(progress)
        self._knows_source = self._knows_source or bool(sentences)
        for stage in progress.stages:
            state, step = self._stages.get(stage.name, ("Waiting", 0))
            if stage.state != state:
                sentences.append(_describe_state(stage))
            elif stage.state == "Running" and stage.percent // _STEP > step:
                sentences.append(f"{stage.name}: {stage.percent} %.")
            self._stages[stage.name] = (stage.state, max(step, stage.percent // _STEP))
        return sentences


def _describe_source(progress: Progress) -> list[str]:
    found = progress.metadata
    if found is None:
        return []
    codecs = " and ".join(codec for codec in (found.video_codec, found.audio_codec) if codec)
    length = spoken(found.duration_ms // 1000) if found.duration_ms else None
    facts = ", ".join(fact for fact in (found.format, found.resolution, length, codecs) if fact)
    return [f"The source is {facts}."] if facts else []


def _describe_state(stage: Stage) -> str:
    if stage.state == "Running":
        mode = ": ".join(word for word in (stage.mode, stage.why) if word)
        return f"{stage.name} began{f', mode {mode}' if mode else ''}."
    if stage.state == "Done":
        moved = f", {decimal(stage.bytes_done)}" if stage.bytes_done else ""
        took = f", in {spoken(stage.seconds)}" if stage.seconds else ""
        return f"{stage.name} is done{moved}{took}."
    return f"{stage.name} {'failed' if stage.state == 'Failed' else 'waits'}."


def _describe_event(event: Event) -> str:
    name = str(event.get("event", ""))
    sentence = _describe_end(event) if name == "ended" else _fill(name, event)
    level = event.get("level")
    return f"{level}: {sentence}" if level in ("warning", "error", "critical") else sentence


def _describe_end(event: Event) -> str:
    outcome, reason, message = (str(event.get(key) or "") for key in ("outcome", "reason", "message"))
    if not reason:
        return f"The run ended: {outcome or 'Succeeded'}."
    return f"The run ended: {reason}. {message}".rstrip()


def _fill(name: str, event: Event) -> str:
    known = _SENTENCES.get(name)
    if known is not None:
        try:
            return known.format_map({key: str(value).rstrip(".") for key, value in event.items()})
        except KeyError:
            pass  # an event of another version has other fields
    fields = ", ".join(f"{key}: {value}" for key, value in event.items() if key not in _FRAME)
    words = name.replace("_", " ")
    sentence = f"{words[:1].upper()}{words[1:]}"
    return f"{sentence} ({fields})" if fields else sentence
