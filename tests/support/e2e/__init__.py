"""For end-to-end tests: manifests, the state of the cluster, and servers that run in it."""
