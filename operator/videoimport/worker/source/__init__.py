"""Access to a source's bytes while they are downloaded and encoded, and the facts of the source from ffprobe.

The package ``worker.fetch`` connects to hosts.
"""
