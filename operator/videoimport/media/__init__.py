"""Functions that build ffmpeg and ffprobe commands, parse their output and apply rules to the parsed values.

The functions are pure: they do no I/O.
"""
