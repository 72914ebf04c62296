"""The plan of an encode or a copy, and the ffmpeg commands for the plan.

The worker runs ffmpeg.
"""
