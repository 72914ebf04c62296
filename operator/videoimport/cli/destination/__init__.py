"""A destination that is used from this machine, with the worker's own storage classes."""
