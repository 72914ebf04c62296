"""What the controller knows of the cluster, kept by watches, and the indexes over it.

No module here writes to the cluster.
"""
