"""The input and output of ffmpeg and ffprobe: pure builders, parsers and rules; no I/O."""
