"""Jobs and pods: how the controller makes Jobs, and what the end of a Job or pod means.

The folder has what is the same for the Jobs of all tasks. The consequences for a VideoImport or BulkImport are in the
folders of these kinds.
"""
