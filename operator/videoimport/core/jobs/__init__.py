"""Jobs and pods: how the controller makes them, and what their ends mean.

Add what holds for a Job of any task. What a VideoImport or a BulkImport makes of it is in their folders.
"""
