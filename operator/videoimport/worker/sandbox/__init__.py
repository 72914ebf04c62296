"""The limits of a process that handles untrusted input: the addresses that it may connect to.

Add what protects the node and the network, whatever is fetched.
"""
