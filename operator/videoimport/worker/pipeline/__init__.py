"""The steps of one VideoImport from its source to its destination, one module for each step.

Rules about media are in ``media``. Code that stores objects is in ``worker.storage``.
"""
