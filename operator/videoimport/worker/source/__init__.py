"""A source's bytes between the download and ffmpeg, and ffprobe's facts about them.

Connecting to hosts is in ``worker.fetch``.
"""
