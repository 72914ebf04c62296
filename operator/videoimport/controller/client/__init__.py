"""The cluster's API, over the ``kubernetes`` library.

The only place that knows the library.
"""
