"""What every process of the worker needs: errors, logs, signals, subprocesses, its last message.

Nothing here knows of videos, sources or destinations.
"""
