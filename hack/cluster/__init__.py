"""A real single-node Kubernetes for demonstrations and tests; see README.md."""
