"""The text at the end of a command: the written files with their paths, or the failure with advice for this machine."""

from collections.abc import Iterable
from pathlib import Path

from rich.filesize import decimal

from videoimport.api.reasons import Reason, info
from videoimport.api.videoimport_status import OutputFile, StageName, ThumbnailSet, VideoImportStatus, VideoPhase
from videoimport.cli.local_results import Home, written
from videoimport.cli.progress_display import spoken

_HERE = {
    Reason.ADDRESS_FORBIDDEN: "On this machine, use --allow-network, such as --allow-network 192.168.1.0/24.",
    Reason.SOURCE_AUTH_REQUIRED: "On this machine, a Secret is a folder: --secret NAME=DIR.",
    Reason.CREDENTIALS_NOT_FOUND: "On this machine, a Secret is a folder: --secret NAME=DIR. No retryToken is needed.",
    Reason.DESTINATION_NOT_FOUND: "Run the command again, or use --into DIR to keep the results on this machine.",
    Reason.DESTINATION_DENIED: "Run the command again, or use --into DIR to keep the results on this machine.",
    Reason.DESTINATION_CORRUPT: "Run the command again, or use --into DIR to keep the results on this machine.",
    Reason.OUT_OF_MEMORY: "This machine has too little memory.",
    Reason.SCRATCH_FULL: "Scratch is in the folder for temporary files. Set TMPDIR to use another folder.",
}


def exit_code(status: VideoImportStatus) -> int:
    """Return 0 for success, otherwise the exit code of the reason."""
    if status.phase is VideoPhase.COMPLETED:
        return 0
    return (info(status.reason).exit_code if status.reason else None) or 1


def succeeded(name: str, status: VideoImportStatus, home: Home, folder: Path) -> list[str]:
    """Return the lines for a completed import. Paths are relative to ``folder``."""
    if status.duplicate_of:
        place = _place(status.duplicate_of, home, folder)
        return [f"{name}: nothing was stored, because the destination already has it: {place}"]
    how = _how(status)
    lines = [f"{name}: Completed{_took(status)}{f' ({how})' if how else ''}"]
    if status.outputs:
        found = [
            (called, _place(output.uri, home, folder), _facts(output)) for called, output in written(status.outputs)
        ]
        widths = [max(len(row[column]) for row in found) for column in (0, 1)] if found else [0, 0]
        lines += [f"  {called:<{widths[0]}}  {place:<{widths[1]}}  {facts}".rstrip() for called, place, facts in found]
    return lines


def failed(name: str, status: VideoImportStatus) -> list[str]:
    """Return the output lines for an import that ended without success."""
    lines = [f"{name}: {status.phase}: {status.reason} (exit code {exit_code(status)})"]
    hint = _HERE.get(status.reason, "") if status.reason else ""
    return [*lines, *(f"  {words}" for words in (status.message, hint) if words)]


def find_hints(reasons: Iterable[Reason | None]) -> list[str]:
    """Return a sentence for each reason that has a solution on this machine, without repetitions."""
    return [f"{reason}: {_HERE[reason]}" for reason in dict.fromkeys(reasons) if reason in _HERE]


def _took(status: VideoImportStatus) -> str:
    if status.start_time is None or status.completion_time is None:
        return ""
    return f" in {spoken(round((status.completion_time - status.start_time).total_seconds()))}"


def _how(status: VideoImportStatus) -> str:
    transcode = next((stage for stage in status.stages if stage.name is StageName.TRANSCODE), None)
    return ": ".join(word for word in (transcode.mode, transcode.why) if word) if transcode else ""


def _place(uri: str, home: Home, folder: Path) -> str:
    path = home.path(uri)
    return uri if path is None else shorten(path, folder)


def shorten(path: Path, folder: Path) -> str:
    """Return the path relative to the folder if it is below the folder."""
    return str(path.relative_to(folder) if path.is_relative_to(folder) else path)


def _facts(output: OutputFile | ThumbnailSet) -> str:
    if isinstance(output, ThumbnailSet):
        return f"{output.count} pictures" if output.count > 1 else "1 picture"
    facts = [output.resolution, spoken(output.duration_ms // 1000) if output.duration_ms else None]
    return "  ".join(fact for fact in (*facts, decimal(output.size_bytes or 0)) if fact)
