"""The cache of the cluster's objects, which watches keep up to date, and the indexes over the cache.

No module here writes to the cluster.
"""
