"""A source's bytes on their way to ffmpeg, and what ffprobe tells of them.

Connecting to hosts is in ``worker.fetch``.
"""
