"""Jobs and pods: how the controller makes Jobs, and what the end of a Job or pod means.

The folder has the code that the Jobs of all tasks share. The folders of the two kinds have the code for what follows.
"""
