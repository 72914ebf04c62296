"""The plan of an encode or a copy, and ffmpeg's argument lists.

Running ffmpeg is the worker's.
"""
