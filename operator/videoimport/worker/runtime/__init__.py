"""Functions that every process of the worker needs: errors, logs, signals, child processes and the termination message.

Code that depends on videos, sources or destinations does not belong here.
"""
