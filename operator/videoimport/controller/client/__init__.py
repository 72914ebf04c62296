"""The cluster's API, by the ``kubernetes`` library.

Only this package and the leader election use that library.
"""
