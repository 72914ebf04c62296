"""For tests of the worker: harnesses of its processes, object stores, proxies, and media."""
