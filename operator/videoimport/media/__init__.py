"""What ffmpeg and ffprobe are told and what they answer: pure builders, parsers and rules; no I/O."""
