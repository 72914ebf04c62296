"""One VideoImport from its source to its destination, a step a module.

Rules about media are in ``media``, storing in ``worker.storage``.
"""
