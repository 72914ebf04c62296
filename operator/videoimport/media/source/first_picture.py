"""Search for the first frame of a file that can be decoded. Earlier frames may need data that is not in the file
because the video was cut."""

from collections.abc import Iterable

from videoimport.media.source.packet_scan import MOST_REORDERED, SAME_SECONDS, Track
from videoimport.media.source.probe import address, guarded
from videoimport.media.source.probe_bounds import read_time
from videoimport.media.source.streams import Video


def start_argv(path: str, video: Video) -> list[str]:
    """Return ffprobe's command that decodes the first packets of a stream and prints the times of their frames."""
    return [
        "ffprobe", "-hide_banner", "-v", "error", *guarded(path), "-select_streams", str(video.index),
        "-read_intervals", f"%+#{MOST_REORDERED}", "-show_entries", "frame=best_effort_timestamp_time",
        "-of", "csv=p=0", address(path),
    ]  # fmt: skip


def has_leading(track: Track) -> bool:
    """Return whether the track begins with a keyframe that has leading frames. Leading frames follow the keyframe in
    the file but are displayed before the keyframe."""
    start, keyframe = track.start, track.keyframe
    if start is None or keyframe is None or track.before_keyframe:
        return False
    return keyframe - start > SAME_SECONDS


def first_decoded(lines: Iterable[str]) -> float | None:
    """Return the earliest time in the output of the command of ``start_argv``. Return None if there is no time."""
    times = (read_time(line.strip().split(",")[0]) for line in lines)
    return min((time for time in times if time is not None), default=None)
