"""Facts of a source, from ffprobe and from the bytes of the file. The package also has the checks that accept or
refuse the source.

Decisions about an encode are in ``media.transcode``.
"""
