"""The cache of the cluster's objects, and the indexes over the cache. Watches keep the cache up to date.

No module here writes to the cluster.
"""
