"""The facts of a source from ffprobe and the file's bytes, and whether it can be imported.

Decisions about an encode are in ``media.transcode``.
"""
