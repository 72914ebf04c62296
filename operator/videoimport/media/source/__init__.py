"""What ffprobe and a file's bytes tell of a source, and whether it can be imported.

Decisions about an encode are in ``media.transcode``.
"""
