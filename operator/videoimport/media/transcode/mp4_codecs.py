"""The codecs that an MP4 file can contain. In every mode, only streams with these codecs can be copied into an MP4
file."""

from videoimport.api.reasons import Reason
from videoimport.media.source.findings import Finding
from videoimport.media.transcode.plan import Picture, Sound

VIDEO = ("h264", "hevc", "av1", "vp9", "mpeg4", "mpeg2video", "mpeg1video", "mjpeg")
AUDIO = ("aac", "mp3", "mp2", "ac3", "eac3", "opus", "flac", "alac", "dts", "vorbis")


def why_not_held(picture: Picture, sound: Sound | None) -> Finding | None:
    """Return a finding for the first chosen stream that an MP4 file cannot contain. Return None if an MP4 file can
    contain all chosen streams.

    A stream whose parameters change is refused too, because an MP4 file has only one header for each stream.
    """
    for track in (picture.track, *([sound.track] if sound else [])):
        if track.changes:
            message = f"A copy would have the parameters of the source's start only, but {track.changes}."
            return Finding(Reason.UNSUPPORTED_FORMAT, message, _OTHER_MODE)
    chosen = [("video", picture.video.codec, VIDEO), *([("audio", sound.audio.codec, AUDIO)] if sound else [])]
    for name, codec, held in chosen:
        if codec not in held:
            message = f"The source's {name} codec is {codec}, which no MP4 can hold."
            return Finding(Reason.UNSUPPORTED_FORMAT, message, _OTHER_MODE)
    return None


_OTHER_MODE = "Set output.mode to Auto, Encode or Original, since Remux copies always."
