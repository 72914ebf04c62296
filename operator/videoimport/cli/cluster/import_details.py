"""The description of one VideoImport or BulkImport for users: state, stages, outputs, cause of a failure and advice."""

from collections.abc import Iterator
from datetime import UTC, datetime

from rich.console import RenderableType
from rich.filesize import decimal
from rich.progress_bar import ProgressBar
from rich.style import Style
from rich.table import Table
from rich.text import Text

from videoimport.api.bulkimport_status import BulkImportStatus, BulkPhase, ItemResult
from videoimport.api.reasons import Reason, info
from videoimport.api.redaction import shown_url
from videoimport.api.videoimport_status import OutputFile, Stage, ThumbnailSet, VideoImportStatus, VideoPhase
from videoimport.cli.live_table import count_items
from videoimport.cli.local_results import written
from videoimport.cli.progress_display import headline, printable, spoken
from videoimport.cli.resource_facts import Raw, format_age, name_of, phase_of, reason_of, reference_of, title_of
from videoimport.core.message_format import split_advice

_BAR_WIDTH = 20
_LABEL_WIDTH = 12
_MOST_FAILURES = 10
"""Number of failed items that are shown. `results` shows all."""
_STYLES = {"Completed": "green", "Failed": "red", "Cancelled": "yellow"}
_STAGE_STYLES = {"Waiting": "dim", "Running": "", "Done": "green", "Failed": "red"}


def describe_import(video: Raw, status: VideoImportStatus, now: datetime) -> Iterator[RenderableType]:
    """Yield the parts of a VideoImport's description."""
    yield _title(video, status.reason)
    if title_of(video) != name_of(video):
        yield _fact("Title", title_of(video))
    yield from _describe_source(video, status)
    yield from _describe_progress(status)
    yield from _describe_outputs(status)
    if status.reason is not None:
        finding, advice = find_advice(status.reason, status.message or "")
        yield _fact("Why", finding)
        yield _fact("What to do", advice)
    yield from _describe_attempts(status, now)
    yield _fact("Age", format_age(video, now))


def describe_bulk(bulk: Raw, status: BulkImportStatus, now: datetime) -> Iterator[RenderableType]:
    """Yield the parts of a BulkImport's description."""
    reason, failed = reason_of(bulk), status.phase is BulkPhase.FAILED
    yield _title(bulk, reason)
    yield _bar_line("Progress", status.progress_percent or 0, count_items(bulk))
    if status.eta_seconds:
        yield _fact("Left", f"about {spoken(status.eta_seconds)}")
    if status.message and failed:
        finding, advice = split_advice(status.message)
        yield _fact("Why", finding)
        yield _fact("What to do", advice or (info(Reason(reason)).advice if reason in set(Reason) else ""))
    elif status.message:
        yield _fact("State", status.message)
    failures = [result for result in status.results if not result.success]
    for place, failure in enumerate(failures[:_MOST_FAILURES]):
        yield _fact("" if place else "Failures", _format_failure(failure))
    if status.rejected:
        yield _fact("Rejected", "; ".join(f"{line.name or line.url}: {line.reason}" for line in status.rejected[:3]))
    if status.total:
        yield _fact("All items", f"kubectl videoimport results {name_of(bulk)}")
    yield _fact("Age", format_age(bulk, now))


def find_advice(reason: Reason, message: str) -> tuple[str, str]:
    """Return the finding and the advice of a message. If the message has no advice, the advice comes from the
    reason."""
    finding, advice = split_advice(message) if message else ("", "")
    return finding or info(reason).finding, advice or info(reason).advice


def _title(resource: Raw, reason: str | None) -> Text:
    phase = phase_of(resource)
    text = Text(f"{reference_of(resource)}  ", style="bold")
    text.append(f"{phase}{f': {reason}' if reason else ''}", style=_STYLES.get(phase, ""))
    return text.append(f"  in {printable(resource['metadata'].get('namespace', ''))}", style="not bold dim")


def _fact(label: str, text: str, link: str | None = None) -> Text:
    fact = Text(f"  {label:<{_LABEL_WIDTH}}", style="dim")
    opens = link is not None and link.startswith(("http://", "https://"))
    return fact.append(printable(text), style=Style(dim=False, link=printable(link) if link and opens else None))


def _describe_source(video: Raw, status: VideoImportStatus) -> Iterator[Text]:
    source, found = status.source, status.metadata
    given = video["spec"]["source"]
    address = (source and source.url) or _address(given)
    yield _fact("Source", address, address)
    if found is not None:
        size = decimal(found.size_bytes) if found.size_bytes else None
        facts = (found.format, found.resolution, found.duration, size, found.video_codec, found.audio_codec)
        if text := ", ".join(fact for fact in facts if fact):
            yield _fact("Found", text)


def _address(source: Raw) -> str:
    if source.get("url"):
        return shown_url(source["url"])
    if bucket := source.get("s3"):
        return f"s3://{bucket['bucket']}/{bucket['key']}"
    if upload := source.get("upload"):
        return f"upload://{upload['filename']}"
    volume = source.get("persistentVolumeClaim") or {}
    return f"pvc://{volume.get('claimName', '')}/{volume.get('path', '')}"


def _describe_progress(status: VideoImportStatus) -> Iterator[RenderableType]:
    if status.phase is VideoPhase.COMPLETED and status.duplicate_of:
        yield _fact("Stored at", status.duplicate_of)
        return
    if not status.stages:
        return
    if status.completion_time is None:
        yield _fact("Progress", headline(status))
    table = Table.grid(padding=(0, 2, 0, 0))
    for stage in status.stages:
        table.add_row(*_stage_cells(stage))
    yield table


def _stage_cells(stage: Stage) -> tuple[RenderableType, ...]:
    style = _STAGE_STYLES[stage.state]
    moved = "" if stage.bytes_done is None else decimal(stage.bytes_done)
    if moved and stage.bytes_total and stage.bytes_total != stage.bytes_done:
        moved += f" of {decimal(stage.bytes_total)}"
    took = spoken(stage.seconds) if stage.seconds else ""
    mode = ": ".join(word for word in (stage.mode, stage.why) if word)
    done = "red" if stage.state == "Failed" else "green"
    bar = ProgressBar(total=100, completed=stage.percent, width=_BAR_WIDTH, complete_style=done, finished_style=done)
    label = Text(f"  {stage.name:<{_LABEL_WIDTH - 2}}", style=style)
    return label, bar, *(Text(printable(text)) for text in (f"{stage.percent:3d} %", moved, took, mode))


def _bar_line(label: str, percent: int, words: str) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    bar = ProgressBar(total=100, completed=percent, width=_BAR_WIDTH, complete_style="green", finished_style="green")
    table.add_row(Text(f"  {label:<{_LABEL_WIDTH - 2}}", style="dim"), bar, Text(f"{percent:3d} %"), Text(words))
    return table


def _describe_outputs(status: VideoImportStatus) -> Iterator[Text]:
    if status.outputs is None:
        return
    for name, output in written(status.outputs):
        place = output.url or output.uri
        yield _fact(name, f"{place}  {_output_facts(output)}".rstrip(), place)


def _output_facts(output: OutputFile | ThumbnailSet) -> str:
    if isinstance(output, ThumbnailSet):
        return f"({output.count} pictures)" if output.count > 1 else "(1 picture)"
    size = decimal(output.size_bytes) if output.size_bytes else None
    length = spoken(output.duration_ms // 1000) if output.duration_ms else None
    facts = ", ".join(fact for fact in (output.resolution, length, size) if fact)
    return f"({facts})" if facts else ""


def _describe_attempts(status: VideoImportStatus, now: datetime) -> Iterator[Text]:
    attempts = status.attempts
    if attempts is None:
        return
    earlier = f", earlier: {', '.join(attempts.reasons)}" if attempts.reasons else ""
    yield _fact("Attempts", f"{attempts.count} of {attempts.max}{earlier}")
    if attempts.next_retry_time and status.completion_time is None:
        seconds = max(0, round((attempts.next_retry_time.astimezone(UTC) - now).total_seconds()))
        yield _fact("Next run", f"in {spoken(seconds)}")


def _format_failure(failure: ItemResult) -> str:
    return f"{failure.name or failure.url}: {failure.reason}: {failure.error or ''}".rstrip(": ")
