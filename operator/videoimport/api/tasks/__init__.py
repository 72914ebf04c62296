"""What controller and workers exchange: tasks, reports, pages.

What users write and read is in ``api``.
"""
