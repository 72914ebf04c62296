"""Use of a destination from this machine, with the storage classes of the worker."""
