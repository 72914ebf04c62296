"""Network limits of a process that handles untrusted input.

The code here protects the node and the network, and applies to every kind of source.
"""
