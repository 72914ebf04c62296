"""Access to a source's bytes from the download to ffmpeg, and the facts of the source from ffprobe.

The package ``worker.fetch`` connects to hosts.
"""
