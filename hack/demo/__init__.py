"""The demo: the operator, an object store and a site of real footage on one cluster, and an import to watch."""
