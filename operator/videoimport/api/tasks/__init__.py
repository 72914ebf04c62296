"""Messages between the controller and workers: tasks, reports and pages.

``api`` has the models that users write and read.
"""
