"""Network limits of a process that handles untrusted input.

This package holds protection of the node and the network that applies to every kind of source.
"""
